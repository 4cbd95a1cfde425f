//! Onboarding without a browser: owner, token, native MCP server.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::poll::poll_until;
use crate::rest::{Rejected, Rest};
use crate::ws::Ws;

/// Home Assistant answers a few seconds after its process started; a busy machine takes longer.
const ANSWER_DEADLINE: Duration = Duration::from_mins(2);
const TOKEN_LIFESPAN_DAYS: u32 = 365;

/// Waits until the instance answers, onboards it, and gives a long-lived token of its owner.
///
/// # Errors
/// When a step is refused or the instance does not come up.
pub(crate) async fn onboard(base_url: &str) -> Result<String> {
    let anonymous = Rest::new(base_url, None)?;
    poll_until("/api/onboarding answers", ANSWER_DEADLINE, async || {
        anonymous.get("/api/onboarding").await.map(Some)
    })
    .await?;
    let access_token = create_owner(&anonymous, base_url).await?;
    finish_steps(&Rest::new(base_url, Some(&access_token))?, base_url).await?;
    let mut ws = Ws::connect(base_url, &access_token).await?;
    let token = ws
        .call(&json!({
            "type": "auth/long_lived_access_token",
            "client_name": "housekey tests",
            "lifespan": TOKEN_LIFESPAN_DAYS,
        }))
        .await?;
    let token = token.as_str().context("a token is a string")?.to_owned();
    wait_running(base_url, &token).await?;
    Ok(token)
}

/// Waits until the core says `RUNNING`.
///
/// # Errors
/// When it does not within two minutes.
pub(crate) async fn wait_running(base_url: &str, token: &str) -> Result<()> {
    let rest = Rest::new(base_url, Some(token))?;
    poll_until("Home Assistant is RUNNING", ANSWER_DEADLINE, async || {
        let config = rest.get("/api/config").await?;
        Ok((config.get("state") == Some(&json!("RUNNING"))).then_some(()))
    })
    .await
}

async fn create_owner(anonymous: &Rest, base_url: &str) -> Result<String> {
    let client_id = format!("{base_url}/");
    let user = json!({
        "client_id": client_id,
        "name": "Owner",
        "username": "owner",
        "password": "owner-password",
        "language": "en",
    });
    // The view is there before the auth provider is: the first tries may be refused.
    let created = poll_until("the owner is created", ANSWER_DEADLINE, async || {
        anonymous
            .post("/api/onboarding/users", &user)
            .await
            .map(Some)
    })
    .await?;
    let code = text(&created, "auth_code")?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", client_id.as_str()),
    ];
    text(
        &anonymous.post_form("/auth/token", &form).await?,
        "access_token",
    )
}

async fn finish_steps(rest: &Rest, base_url: &str) -> Result<()> {
    rest.post("/api/onboarding/core_config", &json!({})).await?;
    rest.post("/api/onboarding/analytics", &json!({})).await?;
    let client = json!({"client_id": format!("{base_url}/"), "redirect_uri": format!("{base_url}/?auth_callback=1")});
    rest.post("/api/onboarding/integration", &client).await?;
    Ok(())
}

/// Adds Home Assistant's own MCP server with all the APIs that a release offers by default.
///
/// # Errors
/// When the flow does not end with an entry.
pub(crate) async fn add_native_mcp(rest: &Rest) -> Result<()> {
    let form = start_flow(rest, "mcp_server").await?;
    if form.get("type") == Some(&json!("create_entry")) {
        return Ok(());
    }
    let asks_api = form.to_string().contains("llm_hass_api");
    let flow = text(&form, "flow_id")?;
    // Up to 2026.9 the form asks for the API: a list from 2025.8 on, one name before.
    let mut data = if asks_api {
        json!({"llm_hass_api": ["assist"]})
    } else {
        json!({})
    };
    let mut result = finish_flow(rest, &flow, &data).await;
    if asks_api
        && result
            .as_ref()
            .err()
            .is_some_and(|error| error.root_cause().is::<Rejected>())
    {
        data = json!({"llm_hass_api": "assist"});
        result = finish_flow(rest, &flow, &data).await;
    }
    result.map(|_entry| ())
}

/// Runs a config flow of one form, or of none, to its entry.
///
/// # Errors
/// When the flow does not end with an entry.
pub(crate) async fn run_flow(rest: &Rest, handler: &str, data: Option<&Value>) -> Result<()> {
    let step = start_flow(rest, handler).await?;
    if step.get("type") == Some(&json!("create_entry")) {
        return Ok(());
    }
    let empty = json!({});
    finish_flow(rest, &text(&step, "flow_id")?, data.unwrap_or(&empty))
        .await
        .map(|_entry| ())
}

async fn start_flow(rest: &Rest, handler: &str) -> Result<Value> {
    rest.post(
        "/api/config/config_entries/flow",
        &json!({"handler": handler}),
    )
    .await
}

async fn finish_flow(rest: &Rest, flow: &str, data: &Value) -> Result<Value> {
    let entry = rest
        .post(&format!("/api/config/config_entries/flow/{flow}"), data)
        .await?;
    ensure!(
        entry.get("type") == Some(&json!("create_entry")),
        "the flow ended with {entry}"
    );
    Ok(entry)
}

fn text(value: &Value, key: &str) -> Result<String> {
    let found = value.get(key).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no {key} in {value}"))?
        .to_owned())
}
