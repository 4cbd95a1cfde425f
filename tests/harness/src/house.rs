//! One Home Assistant in a container: start, restart, clients, removal.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::OnceCell;

use crate::rest::Rest;
use crate::ws::Ws;
use crate::{docker, fixture, image, onboarding};

const STOP_DEADLINE: Duration = Duration::from_mins(1);

/// What every instance loads. No `default_config`, so that it starts quickly and without a network.
const CONFIGURATION_BASE: &str = "\
homeassistant:
  name: Test Home
  time_zone: Europe/Berlin
  unit_system: metric
  latitude: 52.52
  longitude: 13.40
  elevation: 34
api:
config:
websocket_api:
frontend:
history:
logbook:
recorder:
  commit_interval: 1
system_log:
conversation:
intent:
automation: !include automations.yaml
script: !include scripts.yaml
scene: !include scenes.yaml
logger:
  default: warning
";

/// An onboarded Home Assistant with its native MCP server. Dropping it removes the container.
///
/// When a test panics, the end of its log goes to standard error first; a test that gives back an error
/// passes it through [`HouseContainer::log_on_error`] for the same.
pub struct HouseContainer {
    // Declared before the directory: the container goes first, then what it has mounted.
    container: ContainerAsync<GenericImage>,
    config: TempDir,
    release: String,
    base_url: String,
    token: String,
}

impl HouseContainer {
    /// Starts an empty home: no integrations beside the base ones, one owner, three default areas.
    ///
    /// # Errors
    /// When the image cannot be had or Home Assistant does not come up.
    pub async fn start(release: &str) -> Result<Self> {
        Self::start_with(release, |config| {
            std::fs::write(config.join("configuration.yaml"), CONFIGURATION_BASE)?;
            for list in ["automations.yaml", "scenes.yaml"] {
                std::fs::write(config.join(list), "[]\n")?;
            }
            Ok(std::fs::write(config.join("scripts.yaml"), "{}\n")?)
        })
        .await
    }

    /// Starts the home of `ha-fixtures/fixture-home`, on the first release that the suites use.
    ///
    /// # Errors
    /// As [`HouseContainer::start`], or when Home Assistant answers a step otherwise than recorded.
    pub async fn fixture_home() -> Result<Self> {
        let releases = image::releases();
        Self::fixture_home_on(releases.first().context("no release")?).await
    }

    /// Starts the home of `ha-fixtures/fixture-home` on a release.
    ///
    /// # Errors
    /// As [`HouseContainer::fixture_home`].
    pub async fn fixture_home_on(release: &str) -> Result<Self> {
        Self::from_fixture(release, "fixture-home").await
    }

    /// The fixture home that all tests of a binary share; the first one that asks starts it.
    ///
    /// What a test changes the others see: use entities of your own, or put things back. A test that
    /// restarts or freezes the instance starts one of its own.
    ///
    /// # Errors
    /// As [`HouseContainer::fixture_home`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<HouseContainer> = OnceCell::const_new();
        let start = async || {
            let house = Self::fixture_home().await?;
            docker::remove_after_exit(house.id(), house.config_dir())?;
            Ok(house)
        };
        SHARED.get_or_try_init(start).await
    }

    /// Starts any home of `ha-fixtures`: a folder with `config/` and `steps.json`.
    ///
    /// # Errors
    /// As [`HouseContainer::fixture_home`].
    pub async fn from_fixture(release: &str, name: &str) -> Result<Self> {
        let fixtures = image::repository_root().join("ha-fixtures");
        let home = fixtures.join(name);
        let house = Self::start_with(release, |config| {
            // The test integration lives with the fixture home; other homes borrow it.
            copy_tree(
                &fixtures.join("fixture-home/config/custom_components"),
                &config.join("custom_components"),
            )?;
            copy_tree(&home.join("config"), config)
        })
        .await?;
        fixture::apply_steps(&house, &home).await?;
        Ok(house)
    }

    /// Starts a home whose `/config` is filled by `fill`; the directory is empty before.
    ///
    /// # Errors
    /// As [`HouseContainer::start`].
    pub async fn start_with(release: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let (name, tag) = image::image_of(release).await?;
        docker::sweep_abandoned().await?;
        let config = tempfile::Builder::new()
            .prefix("housekey-house-")
            .tempdir()?;
        fill(config.path()).context("filling /config")?;
        let (container, port) = docker::start(&name, &tag, config.path()).await?;
        let base_url = format!("http://127.0.0.1:{port}");
        let mut house = Self {
            container,
            config,
            release: release.to_owned(),
            base_url,
            token: String::new(),
        };
        let ready = house.onboard().await;
        if ready.is_err() {
            docker::print_log(house.id());
        }
        ready.map(|()| house)
    }

    async fn onboard(&mut self) -> Result<()> {
        self.token = onboarding::onboard(&self.base_url)
            .await
            .context("onboarding")?;
        onboarding::add_native_mcp(&self.rest()?)
            .await
            .context("adding mcp_server")
    }

    /// The release that runs.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A long-lived token of the owner.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The directory that the instance sees as `/config`.
    #[must_use]
    pub fn config_dir(&self) -> &Path {
        self.config.path()
    }

    /// The id of the container, for `docker`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.container.id()
    }

    /// A new authenticated WebSocket connection.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn ws(&self) -> Result<Ws> {
        Ws::connect(&self.base_url, &self.token).await
    }

    /// A REST client with the owner's token.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn rest(&self) -> Result<Rest> {
        Rest::new(&self.base_url, Some(&self.token))
    }

    /// Sets a state without any integration behind it: `POST /api/states/<entity_id>`.
    ///
    /// # Errors
    /// When Home Assistant refuses.
    pub async fn post_state(
        &self,
        entity_id: &str,
        state: &str,
        attributes: &Value,
    ) -> Result<Value> {
        let body = json!({"state": state, "attributes": attributes});
        self.rest()?
            .post(&format!("/api/states/{entity_id}"), &body)
            .await
    }

    /// Removes a state: `DELETE /api/states/<entity_id>`.
    ///
    /// # Errors
    /// When Home Assistant refuses.
    pub async fn delete_state(&self, entity_id: &str) -> Result<Value> {
        self.rest()?
            .delete(&format!("/api/states/{entity_id}"))
            .await
    }

    /// Calls a tool of Home Assistant's own MCP server and gives the whole JSON-RPC answer.
    ///
    /// # Errors
    /// When the HTTP request fails; a tool's own error is part of the answer.
    pub async fn native_mcp(&self, tool: &str, arguments: &Value) -> Result<Value> {
        self.native_mcp_request("tools/call", &json!({"name": tool, "arguments": arguments}))
            .await
    }

    /// Sends any JSON-RPC request to Home Assistant's own MCP server.
    ///
    /// # Errors
    /// When the HTTP request fails.
    pub async fn native_mcp_request(&self, method: &str, params: &Value) -> Result<Value> {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.rest()?.post("/api/mcp", &message).await
    }

    /// Restarts Home Assistant as its user does, and waits until it is RUNNING again.
    ///
    /// # Errors
    /// When the old process does not end its connections, or the new one does not come up.
    pub async fn restart(&self) -> Result<()> {
        let witness = self.ws().await?;
        let mut ws = self.ws().await?;
        // The call gets no answer: the process that would send it ends.
        let call =
            tokio::spawn(async move { ws.service("homeassistant", "restart", json!({})).await });
        let ended = witness.closed(STOP_DEADLINE).await;
        call.abort();
        ended?;
        self.wait_running().await
    }

    /// Kills the container and starts it again, as after a power failure; waits until it is RUNNING.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn crash(&self) -> Result<()> {
        docker::run(&["restart", "--time", "0", self.id()]).await?;
        self.wait_running().await
    }

    /// Stops the process in its tracks; connections stay open and nothing answers.
    ///
    /// # Errors
    /// When docker refuses.
    pub async fn freeze(&self) -> Result<()> {
        docker::run(&["pause", self.id()]).await.map(|_id| ())
    }

    /// Lets it go on after [`HouseContainer::freeze`].
    ///
    /// # Errors
    /// When docker refuses.
    pub async fn thaw(&self) -> Result<()> {
        docker::run(&["unpause", self.id()]).await.map(|_id| ())
    }

    /// Waits until the core says RUNNING.
    ///
    /// # Errors
    /// When it does not within two minutes.
    pub async fn wait_running(&self) -> Result<()> {
        onboarding::wait_running(&self.base_url, &self.token).await
    }

    /// The container's log so far.
    ///
    /// # Errors
    /// When docker refuses.
    pub async fn log(&self) -> Result<String> {
        docker::log(self.id()).await
    }

    /// Sends the end of the container's log to standard error when `result` is an error.
    ///
    /// # Errors
    /// The error of `result`.
    pub fn log_on_error<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            docker::print_log(self.id());
        }
        result
    }

    /// Leaves the container running when this process ends, and gives its name; see `scripts/house`.
    ///
    /// # Errors
    /// When docker refuses the name.
    pub async fn keep(mut self) -> Result<String> {
        let name = docker::keep_name(self.id());
        docker::run(&["rename", self.id(), &name]).await?;
        self.config.disable_cleanup(true);
        std::mem::forget(self);
        Ok(name)
    }
}

impl Drop for HouseContainer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            docker::print_log(self.id());
        }
    }
}

/// Copies a directory with all that is below it.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
