//! Our replica against a real Home Assistant under random change, cut connections and a restart.
//!
//! `HOUSEKEY_SEED` replays a run, `HOUSEKEY_CHANGES` makes a longer one.
#![expect(clippy::print_stdout, reason = "a suite says what it compared")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_gateway::GatewayConfig;
use housekey_harness::{ChaosProxy, HouseContainer};
use housekey_live::changes::Changer;
use housekey_live::truth::{Truth, agree};
use housekey_live::{Stack, settings};

const CHANGES: usize = 200;
const CHECK_EVERY: usize = 20;
/// Longer than the link waits before it fetches what a difference does not tell.
const AGREE_DEADLINE: Duration = Duration::from_secs(30);
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
