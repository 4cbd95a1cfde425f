//! Applies the recorded steps of a fixture to an instance, through Home Assistant's own API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::house::HouseContainer;
use crate::onboarding::run_flow;
use crate::poll::poll_until;
use crate::ws::{CommandError, Ws};

/// Entities of a fresh config entry appear soon after its flow ended.
const APPEAR_DEADLINE: Duration = Duration::from_secs(30);

/// One line of a `steps.json`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    /// A config flow with one form at most.
    Flow { flow: String, data: Option<Value> },
    /// `POST /api/states/<id>` for each row of a file beside `steps.json`.
    States { post_states: String },
    /// `DELETE /api/states/<id>`: what an integration made that the home is not to have.
    Delete { delete_states: Vec<String> },
    /// The same for whole domains.
    DeleteDomains { delete_domain_states: Vec<String> },
    /// A WebSocket command, and the error code when Home Assistant is to refuse it.
    Command {
        command: Value,
        /// The identifier of the device whose id goes into `device_id`: ids are random per instance.
        device: Option<(String, String)>,
        refused: Option<String>,
        /// The first release, as `year.month`, that gets this step.
        from: Option<String>,
        /// The first release, as `year.month`, that no longer gets it.
        before: Option<String>,
    },
}

/// Does what `steps.json` in `folder` says, in order.
///
/// # Errors
/// When Home Assistant answers a step otherwise than recorded.
pub async fn apply_steps(house: &HouseContainer, folder: &Path) -> Result<()> {
    let mut steps: Vec<Step> = read(&folder.join("steps.json"))?;
    steps.retain(|step| is_for(step, house.release()));
    let mut ws = house.ws().await?;
    let mut devices = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Flow { flow, data } => run_flow(&house.rest()?, flow, data.as_ref()).await,
            Step::States { post_states } => post_rows(house, &folder.join(post_states)).await,
            Step::Delete { delete_states } => delete(house, delete_states).await,
            Step::DeleteDomains {
                delete_domain_states,
            } => delete_domains(house, delete_domain_states).await,
            Step::Command {
                command,
                device,
                refused,
                ..
            } => {
                if devices.is_empty() {
                    devices = settled_devices(&mut ws, &steps).await?;
                }
                let command = with_device(command, device.as_ref(), &devices)?;
                judge(ws.call(&command).await, refused.as_deref())
            }
        }
        .with_context(|| format!("step {number}: {step:?}"))?;
    }
    Ok(())
}

/// Waits until every device and entity that a step names is registered, and gives the devices.
async fn settled_devices(ws: &mut Ws, steps: &[Step]) -> Result<Vec<Value>> {
    poll_until(
        "all devices and entities of the steps are registered",
        APPEAR_DEADLINE,
        async || {
            let devices = list(ws, "config/device_registry/list").await?;
            let entities = list(ws, "config/entity_registry/list").await?;
            match steps
                .iter()
                .find(|step| !is_there(step, &devices, &entities))
            {
                None => Ok(Some(devices)),
                Some(missing) => bail!("not there: {missing:?}"),
            }
        },
    )
    .await
}

fn is_there(step: &Step, devices: &[Value], entities: &[Value]) -> bool {
    let Step::Command {
        command, device, ..
    } = step
    else {
        return true;
    };
    let known_device = device
        .as_ref()
        .is_none_or(|device| device_id(device, devices).is_some());
    let known_entity = command.get("entity_id").is_none_or(|wanted| {
        entities
            .iter()
            .any(|entry| entry.get("entity_id") == Some(wanted))
    });
    known_device && known_entity
}

fn device_id(identifier: &(String, String), devices: &[Value]) -> Option<Value> {
    let wanted = json!([identifier.0, identifier.1]);
    let has_it = |device: &&Value| {
        let identifiers = device.get("identifiers").and_then(Value::as_array);
        identifiers.is_some_and(|identifiers| identifiers.contains(&wanted))
    };
    devices.iter().find(has_it)?.get("id").cloned()
}

fn with_device(
    command: &Value,
    device: Option<&(String, String)>,
    devices: &[Value],
) -> Result<Value> {
    let mut command = command.clone();
    if let Some(device) = device {
        let id = device_id(device, devices).context("no such device")?;
        command
            .as_object_mut()
            .context("a command is an object")?
            .insert("device_id".to_owned(), id);
    }
    Ok(command)
}

fn is_for(step: &Step, release: &str) -> bool {
    let Step::Command { from, before, .. } = step else {
        return true;
    };
    let month = month_of(release);
    from.as_ref().is_none_or(|from| month >= month_of(from))
        && before
            .as_ref()
            .is_none_or(|before| month < month_of(before))
}

/// Year and month of a release; the patch does not matter here.
fn month_of(release: &str) -> (u32, u32) {
    let mut parts = release
        .split('.')
        .map(|part| part.parse().unwrap_or_default());
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

/// A refusal is right when it was recorded, and a success is right when none was.
fn judge(result: Result<Value>, refused: Option<&str>) -> Result<()> {
    match (result, refused) {
        (Ok(_), None) => Ok(()),
        (Ok(answer), Some(code)) => bail!("accepted with {answer}, recorded was {code}"),
        (Err(error), None) => Err(error),
        (Err(error), Some(code)) => {
            let got = error
                .root_cause()
                .downcast_ref::<CommandError>()
                .map(|error| error.code.clone());
            ensure!(
                got.as_deref() == Some(code),
                "refused with {error:#}, recorded was {code}"
            );
            Ok(())
        }
    }
}

async fn post_rows(house: &HouseContainer, file: &Path) -> Result<()> {
    let rest = house.rest()?;
    let rows: Vec<Value> = read(file)?;
    for row in rows {
        let id = row
            .get("entity_id")
            .and_then(Value::as_str)
            .context("a row without entity_id")?;
        rest.post(&format!("/api/states/{id}"), &row)
            .await
            .with_context(|| id.to_owned())?;
    }
    Ok(())
}

async fn delete(house: &HouseContainer, ids: &[String]) -> Result<()> {
    for id in ids {
        house.delete_state(id).await?;
    }
    Ok(())
}

async fn delete_domains(house: &HouseContainer, domains: &[String]) -> Result<()> {
    let states: Vec<Value> = serde_json::from_value(house.rest()?.get("/api/states").await?)?;
    let ids = states
        .iter()
        .filter_map(|state| state.get("entity_id")?.as_str());
    let of_domains = ids.filter(|id| {
        domains
            .iter()
            .any(|domain| id.split('.').next() == Some(domain))
    });
    delete(house, &of_domains.map(str::to_owned).collect::<Vec<_>>()).await
}

async fn list(ws: &mut Ws, kind: &str) -> Result<Vec<Value>> {
    Ok(serde_json::from_value(
        ws.call(&json!({"type": kind})).await?,
    )?)
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| file.display().to_string())
}
