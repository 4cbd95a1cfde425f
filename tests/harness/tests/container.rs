//! The harness against a real Home Assistant: homes stand, answer, restart, and can be cut off.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_harness::{ChaosProxy, HouseContainer, Ws, releases};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn an_own_home_restarts_and_is_removed() -> Result<()> {
    let house = HouseContainer::start(releases().first().context("no release")?).await?;
    house
        .post_state("sensor.before_the_restart", "1", &json!({}))
        .await?;
    house.restart().await?;
    let rest = house.rest()?;
    let gone = rest.get("/api/states/sensor.before_the_restart").await;
    ensure!(
        gone.is_err(),
        "a state without an entity survived, so nothing restarted"
    );
    rest.get("/api/states/zone.home").await?;
    house.crash().await?;
    rest.get("/api/states/zone.home").await.map(|_state| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn native_live_context_answers() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let tools = house.native_mcp_request("tools/list", &json!({})).await?;
    let tool = live_context_name(&tools).context("no live context tool")?;
    let answer = house.native_mcp(&tool, &json!({})).await?;
    let text = answer
        .pointer("/result/content/0/text")
        .and_then(Value::as_str);
    ensure!(
        text.context("no text")?.contains("Deckenlicht"),
        "an alias of the fixture is missing: {answer}"
    );
    Ok(())
}

/// Bare up to 2026.8, with its domain in front from 2026.9 on.
fn live_context_name(tools: &Value) -> Option<String> {
    let tools = tools.pointer("/result/tools")?.as_array()?;
    let names = tools
        .iter()
        .filter_map(|tool| tool.get("name").and_then(Value::as_str));
    names
        .into_iter()
        .find(|name| name.ends_with("GetLiveContext"))
        .map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_cuts() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let proxy = ChaosProxy::start(house.base_url()).await?;
    let mut ws = Ws::connect(&proxy.base_url(), house.token()).await?;
    ws.call(&json!({"type": "ping"})).await?;
    proxy.cut();
    ws.closed(DEADLINE).await?;
    let mut again = Ws::connect(&proxy.base_url(), house.token()).await?;
    again.call(&json!({"type": "get_config"})).await?;
    ensure!(proxy.accepted() == 2, "{} connections", proxy.accepted());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_refuses() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let proxy = ChaosProxy::start(house.base_url()).await?;
    proxy.refuse(true);
    ensure!(
        Ws::connect(&proxy.base_url(), house.token()).await.is_err(),
        "it let a connection through"
    );
    proxy.refuse(false);
    Ws::connect(&proxy.base_url(), house.token())
        .await
        .map(|_ws| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_stalls() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let proxy = ChaosProxy::start(house.base_url()).await?;
    let mut ws = Ws::connect(&proxy.base_url(), house.token()).await?;
    proxy.stall(true);
    let silence = tokio::time::timeout(
        Duration::from_millis(300),
        ws.call(&json!({"type": "ping"})),
    )
    .await;
    ensure!(silence.is_err(), "it passed something on: {silence:?}");
    Ok(())
}
