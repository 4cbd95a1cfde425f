//! Our answers against those of Home Assistant's own MCP server: one home, one moment, byte for byte.
#![expect(clippy::print_stdout, reason = "a suite says what it compared")]

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_gateway::TokenOrder;
use housekey_harness::{HouseContainer, poll_until};
use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_live::changes::Changer;
use housekey_live::truth::{Truth, agree};
use housekey_live::twin::{NATIVE_CONTEXT, TRIES_MAX, Twin};
use housekey_live::{Dice, forms, order, settings};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

const NATIVE_TIME: &str = "llm__GetDateTime";
const FORMS: usize = 800;
const FORMS_PER_SCOPE: usize = 150;
const ROUNDS: usize = 3;
const CHANGES_PER_ROUND: usize = 60;
const EXPOSURE_DEADLINE: Duration = Duration::from_mins(2);

/// The home that tests of this file share, one after the other: they change its exposure.
async fn shared() -> Result<(&'static HouseContainer, MutexGuard<'static, ()>)> {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    Ok((HouseContainer::shared().await?, turn))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unrestricted_token_gets_what_native_gives() -> Result<()> {
    let (house, _turn) = shared().await?;
    let twin = Twin::start(house).await?;
    let home = twin.stack.live().await?;
    let seed = settings::seed();
    println!("HOUSEKEY_SEED={seed}");
    let mut asked = forms::recorded()?;
    ensure!(
        asked.len() > 100,
        "the recording has only {} forms",
        asked.len()
    );
    let recorded = asked.len();
    asked.extend(forms::generated(
        &home,
        &mut Dice::new(seed),
        settings::forms(FORMS),
    ));
    let ours = twin
        .ours(TokenOrder {
            pass_through: true,
            ..order("unrestricted")
        })
        .await?;
    let tally = twin.compare(&ours, &asked, false).await?;
    println!(
        "{recorded} recorded forms, {} generated: {tally}",
        asked.len() - recorded
    );
    twin.stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_gets_what_native_gives_when_nothing_else_is_exposed() -> Result<()> {
    let (house, _turn) = shared().await?;
    let twin = Twin::start(house).await?;
    let before = twin.exposed().await?;
    let home = twin.stack.live().await?;
    let compared = house.log_on_error(compare_scopes(&twin).await);
    // Put back in any case: another test of this file uses the home next.
    twin.expose(&home, &before).await?;
    compared?;
    ensure!(
        twin.exposed().await? == before,
        "the exposure was not put back"
    );
    twin.stack.end().await
}

async fn compare_scopes(twin: &Twin<'_>) -> Result<()> {
    let home = twin.stack.live().await?;
    let seed = settings::seed();
    println!("HOUSEKEY_SEED={seed}");
    let mut dice = Dice::new(seed);
    for order in scopes(&home, &mut dice) {
        let name = order.name.clone();
        let ours = twin.ours(order).await.with_context(|| name.clone())?;
        let readable = twin.stack.readable(&name, &home)?;
        twin.expose(&home, &readable).await?;
        let mut asked = forms::recorded()?;
        asked.extend(forms::generated(
            &home,
            &mut dice,
            settings::forms(FORMS_PER_SCOPE),
        ));
        let tally = twin
            .compare(&ours, &asked, true)
            .await
            .with_context(|| name.clone())?;
        println!(
            "{name}, {} readable: {} forms: {tally}",
            readable.len(),
            asked.len()
        );
    }
    Ok(())
}

/// Scopes of several kinds, from what the home holds.
fn scopes(house: &Snapshot, dice: &mut Dice) -> Vec<TokenOrder> {
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let mut devices: Vec<String> = house
        .registry()
        .devices()
        .map(|device| format!("device:{}", device.id))
        .collect();
    let mut entities: Vec<String> = house
        .entities()
        .map(|entity| entity.state().entity_id.to_string())
        .collect();
    let mut some = |items: &mut Vec<String>, count: usize| -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < count && !items.is_empty() {
            taken.push(items.swap_remove(dice.below(items.len())));
        }
        taken
    };
    let mut by_domain = order("by_domain");
    by_domain.grants.read = texts(&["light", "sensor", "input_text"]);
    by_domain.grants.write = texts(&["switch"]);
    let mut by_device = order("by_device");
    by_device.grants.read = some(&mut devices, 8);
    by_device.grants.write = some(&mut devices, 4);
    let mut by_entity = order("by_entity");
    by_entity.grants.read = some(&mut entities, 60);
    by_entity.grants.write = some(&mut entities, 20);
    let mut with_red = order("with_red");
    with_red.grants.read = texts(&["light", "media_player", "climate", "cover", "fan", "sensor"]);
    with_red.grants.write = some(&mut entities, 10);
    with_red.grants.deny = texts(&["media_player"]);
    with_red.grants.deny.extend(some(&mut devices, 5));
    with_red.grants.deny.extend(some(&mut entities, 60));
    let mut never_listed = order("never_listed");
    never_listed.grants.read = texts(&["script", "calendar"]);
    vec![
        by_domain,
        by_device,
        by_entity,
        with_red,
        never_listed,
        order("nothing"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_the_exposure_sees_it_change() -> Result<()> {
    let (house, _turn) = shared().await?;
    let twin = Twin::start(house).await?;
    let before = twin.exposed().await?;
    let home = twin.stack.live().await?;
    let bound = TokenOrder {
        pass_through: true,
        use_assist_exposure: true,
        ..order("bound")
    };
    let ours = twin.ours(bound).await?;
    let all = json!({});
    twin.same(&ours, NATIVE_CONTEXT, &all, true)
        .await
        .context("before")?;
    let fewer: BTreeSet<EntityId> = before.iter().step_by(2).cloned().collect();
    twin.expose(&home, &fewer).await?;
    let followed = poll_until("our exposure follows", EXPOSURE_DEADLINE, async || {
        twin.same(&ours, NATIVE_CONTEXT, &all, true).await.map(Some)
    })
    .await;
    twin.expose(&home, &before).await?;
    followed?;
    twin.stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_tell_the_same_time() -> Result<()> {
    let (house, _turn) = shared().await?;
    let twin = Twin::start(house).await?;
    let ours = twin
        .ours(TokenOrder {
            pass_through: true,
            ..order("clock")
        })
        .await?;
    let answer = twin.same(&ours, NATIVE_TIME, &json!({}), false).await?;
    let (text, is_error) = answer.tool_text()?;
    ensure!(!is_error && text.contains("CET"), "no local time: {text}");
    twin.same(&ours, NATIVE_TIME, &json!({"extra": 1}), false)
        .await?;
    twin.stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_make_no_sense_are_answered_alike() -> Result<()> {
    let (house, _turn) = shared().await?;
    let twin = Twin::start(house).await?;
    let ours = twin
        .ours(TokenOrder {
            pass_through: true,
            ..order("nonsense")
        })
        .await?;
    for (method, params) in [
        ("tools/call", json!({"name": NATIVE_CONTEXT})),
        (
            "tools/call",
            json!({"name": NATIVE_CONTEXT, "arguments": null}),
        ),
        (
            "tools/call",
            json!({"name": NATIVE_CONTEXT, "arguments": []}),
        ),
        (
            "tools/call",
            json!({"name": NATIVE_CONTEXT, "arguments": "x"}),
        ),
        (
            "tools/call",
            json!({"name": "no_such_tool", "arguments": {}}),
        ),
        ("tools/call", json!({"name": 5, "arguments": {}})),
        ("tools/call", json!({"arguments": {}})),
        ("tools/call", json!({})),
        ("no/such/method", json!({})),
        ("ping", json!({})),
    ] {
        let mut answers = Vec::new();
        for _ in 0..TRIES_MAX {
            let theirs = twin.theirs.request(method, params.clone()).await?;
            let ours = ours.native.request(method, params.clone()).await?;
            answers = vec![(theirs.status, theirs.body), (ours.status, ours.body)];
            if answers[0] == answers[1] {
                break;
            }
        }
        ensure!(answers[0] == answers[1], "{method} {params}:\n{answers:#?}");
    }
    twin.stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_stay_equal_over_changes_and_a_restart() -> Result<()> {
    let seed = settings::seed();
    println!("HOUSEKEY_SEED={seed}");
    let house = HouseContainer::fixture_home().await?;
    let compared = compare_over_changes(&house, seed).await;
    house
        .log_on_error(compared)
        .with_context(|| format!("HOUSEKEY_SEED={seed}"))
}

async fn compare_over_changes(house: &HouseContainer, seed: u64) -> Result<()> {
    let twin = Twin::start(house).await?;
    let pass_through = TokenOrder {
        pass_through: true,
        ..order("unrestricted")
    };
    let ours = twin.ours(pass_through).await?;
    let mut changer = Changer::new(house.ws().await?, house.rest()?, seed);
    let mut dice = Dice::new(seed);
    for round in 0..ROUNDS {
        for _ in 0..settings::changes(CHANGES_PER_ROUND) {
            changer.one().await?;
        }
        if round == 1 {
            house.restart().await?;
            changer.reconnect(house.ws().await?);
        }
        let link = twin.stack.link();
        agree(link, EXPOSURE_DEADLINE, Truth::differences).await?;
        agree(link, EXPOSURE_DEADLINE, Truth::exposure_differences).await?;
        let now = twin.stack.live().await?;
        let mut asked = forms::recorded()?;
        asked.extend(forms::generated(
            &now,
            &mut dice,
            settings::forms(FORMS_PER_SCOPE),
        ));
        let tally = twin
            .compare(&ours, &asked, false)
            .await
            .with_context(|| format!("round {round}"))?;
        println!(
            "after {} changes: {} forms: {tally}",
            changer.applied(),
            asked.len()
        );
    }
    twin.stack.end().await
}
