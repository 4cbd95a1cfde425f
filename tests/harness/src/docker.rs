//! What the harness asks of Docker: start a container, run a `docker` command, remove what tests left.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::{IntoContainerPort as _, Mount};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};
use tokio::process::Command;

use crate::poll::within;

/// The port inside. Home Assistant returns to it by itself when another one is configured.
const PORT: u16 = 8123;
const START_DEADLINE: Duration = Duration::from_mins(2);
const COMMAND_DEADLINE: Duration = Duration::from_mins(1);
const LOG_LINES: &str = "200";
/// Every container of the suites has the id of the process that made it in this label.
const OWNER_LABEL: &str = "housekey.test.owner";
/// The name of a container that is to outlive its process starts so.
const KEEP_PREFIX: &str = "housekey-house-";

/// Starts a container with `config` as its `/config`, published on a free port of 127.0.0.1.
pub(crate) async fn start(
    name: &str,
    tag: &str,
    config: &Path,
) -> Result<(ContainerAsync<GenericImage>, u16)> {
    let port = free_port()?;
    let binding = PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        host_port: Some(port.to_string()),
    };
    // A port that is chosen here stays the same over restarts of the container; Docker's own would change.
    let publish = move |host: &mut HostConfig| {
        host.publish_all_ports = Some(false);
        let bindings = host.port_bindings.get_or_insert_default();
        bindings.insert(format!("{PORT}/tcp"), Some(vec![binding.clone()]));
    };
    let container = GenericImage::new(name, tag)
        .with_exposed_port(PORT.tcp())
        .with_startup_timeout(START_DEADLINE)
        .with_label(OWNER_LABEL, std::process::id().to_string())
        .with_mount(Mount::bind_mount(config.display().to_string(), "/config"))
        .with_host_config_modifier(publish)
        .start()
        .await
        .with_context(|| format!("starting {name}:{tag}"))?;
    Ok((container, port))
}

/// A port that nothing listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Runs `docker` and gives what it printed on both outputs.
pub(crate) async fn run(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = within("docker", COMMAND_DEADLINE, async {
        Ok(command.output().await?)
    })
    .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "docker {}: {text}",
        arguments.join(" ")
    );
    Ok(text)
}

/// The end of a container's log.
pub(crate) async fn log(id: &str) -> Result<String> {
    run(&["logs", "--tail", LOG_LINES, id]).await
}

/// Sends the end of a container's log to standard error; blocking, for use while panicking.
pub(crate) fn print_log(id: &str) {
    // A log that cannot be had must not hide the failure that it was to explain.
    let _status = std::process::Command::new("docker")
        .args(["logs", "--tail", LOG_LINES, id])
        .status();
}

/// Removes a container and its directory when this process ends, however it ends.
///
/// For a container in a static, which is never dropped. The watcher is a process of its own, in a
/// group of its own, so that it outlives the end of this one.
pub(crate) fn remove_after_exit(id: &str, config: &Path) -> Result<()> {
    let script =
        "while [ -d \"/proc/$1\" ]; do sleep 1; done; docker rm -f -v \"$2\"; rm -rf \"$3\"";
    std::process::Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string(), id])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("starting the watcher of a shared container")?;
    Ok(())
}

/// The name that protects a container from [`sweep_abandoned`].
pub(crate) fn keep_name(id: &str) -> String {
    format!("{KEEP_PREFIX}{}", id.get(..12).unwrap_or(id))
}

/// Removes the containers of test processes that no longer run, for example killed ones.
///
/// # Errors
/// When docker refuses.
pub async fn sweep_abandoned() -> Result<()> {
    let filter = format!("label={OWNER_LABEL}");
    let format = format!("{{{{.ID}}}} {{{{.Names}}}} {{{{.Label \"{OWNER_LABEL}\"}}}}");
    for line in run(&["ps", "--all", "--filter", &filter, "--format", &format])
        .await?
        .lines()
    {
        let mut words = line.split(' ');
        let (Some(id), Some(name), Some(owner)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let alive = Path::new("/proc").join(owner).exists();
        if !alive && !name.starts_with(KEEP_PREFIX) {
            // Two processes may sweep at once; the second finds nothing, which is as good.
            let _removed = run(&["rm", "--force", "--volumes", id]).await;
        }
    }
    Ok(())
}
