//! Our replica against a real Home Assistant under random change, cut connections and a restart.
//!
//! `HOUSEKEY_SEED` replays a run, `HOUSEKEY_CHANGES` makes a longer one.
#![expect(clippy::print_stdout, reason = "a suite says what it compared")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_gateway::GatewayConfig;
use housekey_harness::{ChaosProxy, HouseContainer, poll_until};
use housekey_home::snapshot::Snapshot;
use housekey_live::changes::Changer;
use housekey_live::truth::{Truth, agree};
use housekey_live::{Stack, settings};
use serde_json::{Value, json};
use tokio::time::Instant;

const CHANGES: usize = 200;
const CHECK_EVERY: usize = 20;
/// Longer than the link waits before it fetches what a difference does not tell.
const AGREE_DEADLINE: Duration = Duration::from_secs(30);
const START_DEADLINE: Duration = Duration::from_mins(2);
/// Home Assistant loads an integration anew 30 s after one of its entities was enabled.
const ENABLE_DEADLINE: Duration = Duration::from_secs(90);
/// No event tells of exposure of entities without a registry entry; the link asks now and then.
const EXPOSURE_DEADLINE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn after_random_changes_the_replica_equals_the_home() -> Result<()> {
    let seed = settings::seed();
    println!("HOUSEKEY_SEED={seed}");
    let house = HouseContainer::fixture_home().await?;
    let run = run(&house, seed, settings::changes(CHANGES)).await;
    house
        .log_on_error(run)
        .with_context(|| format!("HOUSEKEY_SEED={seed}"))
}

async fn run(house: &HouseContainer, seed: u64, changes: usize) -> Result<()> {
    let proxy = ChaosProxy::start(house.base_url()).await?;
    let stack = Stack::start(&proxy.base_url(), house.token(), GatewayConfig::default()).await?;
    stack.live().await?;
    let mut changer = Changer::new(house.ws().await?, house.rest()?, seed);
    let (mut checks, mut at_once, mut cuts, mut restarts) = (0, 0, 0, 0);
    for count in 1..=changes {
        let kind = changer.one().await?;
        if count == changes / 4 || count == changes * 3 / 4 {
            proxy.cut();
            cuts += 1;
        }
        if count == changes / 2 {
            house.restart().await?;
            changer.reconnect(house.ws().await?);
            restarts += 1;
        }
        if count % CHECK_EVERY == 0 || count == changes {
            let (truth, states_at_once) = agree(stack.link(), AGREE_DEADLINE, Truth::differences)
                .await
                .with_context(|| format!("after change {count} ({kind})"))?;
            checks += 1;
            at_once += usize::from(states_at_once);
            let (states, entries) = truth.size();
            println!("{count} changes: {states} states and {entries} registry entries are equal");
        }
    }
    agree(stack.link(), EXPOSURE_DEADLINE, Truth::exposure_differences)
        .await
        .context("exposure at the end")?;
    let status = stack.link().status();
    println!(
        "{} of {changes} changes applied, {checks} checkpoints (states equal at once in \
         {at_once}), {cuts} cuts, {restarts} restart, {} loads, {} resyncs, {} drifted",
        changer.applied(),
        status.loads,
        status.resyncs,
        status.drifted
    );
    println!("applied+refused: {}", changer.tally());
    ensure!(
        changer.applied() * 10 > changes * 7,
        "too many changes were refused"
    );
    ensure!(
        status.loads > cuts + restarts,
        "a cut connection was not noticed"
    );
    stack.end().await
}

/// Between both steps Home Assistant itself writes a restored state, with the attributes in another
/// order; when the integration takes over, the difference has no new key that would tell.
#[tokio::test(flavor = "multi_thread")]
async fn an_enabled_sensor_has_its_attributes_in_home_assistants_order() -> Result<()> {
    const SENSOR: &str = "sensor.outside_temperature";
    let house = HouseContainer::fixture_home().await?;
    let stack = Stack::start(house.base_url(), house.token(), GatewayConfig::default()).await?;
    stack.live().await?;
    let (mut ws, rest) = (house.ws().await?, house.rest()?);
    let path = format!("/api/states/{SENSOR}");
    for (disabled_by, state_is) in [
        (json!("user"), None),
        (Value::Null, Some("unavailable")),
        (Value::Null, Some("15.6")),
    ] {
        let update = json!({
            "type": "config/entity_registry/update",
            "entity_id": SENSOR,
            "disabled_by": disabled_by,
        });
        ws.call(&update).await?;
        poll_until("the sensor follows", ENABLE_DEADLINE, async || {
            let state = rest.get(&path).await.ok();
            let state = state.as_ref().and_then(|row| row.get("state")?.as_str());
            ensure!(state == state_is, "it is {state:?}");
            Ok(Some(()))
        })
        .await?;
        agree(stack.link(), AGREE_DEADLINE, Truth::differences).await?;
    }
    stack.end().await
}

/// A house that is loaded while Home Assistant starts grows for a while: entities come one by one, and
/// restored ones are taken over by their integrations.
#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_was_loaded_while_it_started_ends_up_equal() -> Result<()> {
    let house = HouseContainer::fixture_home().await?;
    let rest = house.rest()?;
    let early = async {
        poll_until("it is down", AGREE_DEADLINE, async || {
            Ok(rest.get("/api/config").await.is_err().then_some(()))
        })
        .await?;
        let stack = Stack::start(house.base_url(), house.token(), GatewayConfig::default()).await?;
        let mut link = stack.link().clone();
        let first = link.loaded(Instant::now() + START_DEADLINE).await;
        let first = first.context("it was not loaded")?;
        ensure!(first.is_starting(), "it was loaded too late: {first:?}");
        while link.house().is_starting() {
            ensure!(link.changed().await, "the link ended");
        }
        stack.live().await?;
        Ok((stack, first))
    };
    let (crash, early) = tokio::join!(house.crash(), early);
    crash?;
    let (stack, first) = house.log_on_error(early)?;
    let (truth, _) = agree(stack.link(), AGREE_DEADLINE, Truth::differences).await?;
    agree(stack.link(), EXPOSURE_DEADLINE, Truth::exposure_differences).await?;
    let before = first.snapshot().map_or(0, Snapshot::entity_count);
    let (states, entries) = truth.size();
    println!(
        "loaded with {before} states; {states} states and {entries} registry entries are equal"
    );
    ensure!(before < states, "nothing came while it started");
    stack.end().await
}
