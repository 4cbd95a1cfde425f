//! Our answers against those of Home Assistant's own MCP server: one home, one moment, byte for byte.
#![expect(clippy::print_stdout, reason = "a suite says what it compared")]

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use housekey_gateway::{GatewayConfig, TokenOrder};
use housekey_harness::{HouseContainer, poll_until};
use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_live::changes::Changer;
use housekey_live::truth::{Truth, agree};
use housekey_live::{Answer, Dice, Door, Stack, forms, order, settings};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

const NATIVE_CONTEXT: &str = "homeassistant__GetLiveContext";
const NATIVE_TIME: &str = "llm__GetDateTime";
/// A state may change between two questions; after so many tries a difference is one.
const TRIES_MAX: usize = 6;
const FORMS: usize = 1_500;
const FORMS_PER_SCOPE: usize = 300;
const ROUNDS: usize = 3;
const CHANGES_PER_ROUND: usize = 60;
const EXPOSURE_DEADLINE: Duration = Duration::from_mins(2);

/// One home with two servers before it.
struct Twin<'a> {
    house: &'a HouseContainer,
    stack: Stack,
    theirs: Door,
}

/// Our doors for one token.
struct Ours {
    native: Door,
    agent: Door,
}

impl<'a> Twin<'a> {
    async fn start(house: &'a HouseContainer) -> Result<Self> {
        let stack = Stack::start(house.base_url(), house.token(), GatewayConfig::default()).await?;
        stack.live().await?;
        let theirs = Door::native(house.base_url(), house.token())?;
        Ok(Self {
            house,
            stack,
            theirs,
        })
    }

    async fn ours(&self, order: TokenOrder) -> Result<Ours> {
        let secret = self.stack.token(order).await?;
        let base = self.stack.base_url();
        Ok(Ours {
            native: Door::native(base, &secret)?,
            agent: Door::agent(base, &secret)?,
        })
    }

    /// Asks both sides until they agree. Gives native's answer.
    ///
    /// An area in which nothing is exposed does not exist for a limited token (D7): then, and only then,
    /// the text about it may differ.
    async fn same(&self, ours: &Ours, tool: &str, form: &Value, limited: bool) -> Result<Answer> {
        let mut difference = String::new();
        for _ in 0..TRIES_MAX {
            let theirs = self.theirs.call(tool, form).await?;
            let native = ours.native.call(tool, form).await?;
            let agent = ours.agent.call(tool, form).await?;
            let hidden_area = limited && self.names_empty_area(form, &theirs).await?;
            let expected = if hidden_area {
                hidden(&theirs, form)?
            } else {
                theirs.clone()
            };
            match difference_of(&expected, &native, &agent) {
                None => return Ok(theirs),
                Some(found) => difference = found,
            }
            if hidden_area && difference_of(&theirs, &native, &agent).is_none() {
                return Ok(theirs);
            }
        }
        bail!("{tool} {form}: {difference}")
    }

    /// Whether native says that nothing is exposed in the area, and says so without other filters too.
    async fn names_empty_area(&self, form: &Value, answer: &Answer) -> Result<bool> {
        let Some(area) = form.get("area") else {
            return Ok(false);
        };
        if !answer.body.contains("No exposed entities found in area") {
            return Ok(false);
        }
        let alone = self
            .theirs
            .call(NATIVE_CONTEXT, &json!({"area": area}))
            .await?;
        Ok(alone.body.contains("No exposed entities found in area"))
    }

    /// Exposes exactly these entities to Home Assistant's assistant.
    async fn expose(&self, house: &Snapshot, exposed: &BTreeSet<EntityId>) -> Result<()> {
        let mut ws = self.house.ws().await?;
        for should_expose in [true, false] {
            let ids: Vec<String> = house
                .entities()
                .map(|entity| &entity.state().entity_id)
                .filter(|id| exposed.contains(*id) == should_expose)
                .map(ToString::to_string)
                .collect();
            let command = json!({
                "type": "homeassistant/expose_entity", "assistants": ["conversation"],
                "entity_ids": ids, "should_expose": should_expose,
            });
            ws.call(&command).await?;
        }
        Ok(())
    }

    async fn exposed(&self) -> Result<BTreeSet<EntityId>> {
        let mut ws = self.house.ws().await?;
        let list = ws
            .call(&json!({"type": "homeassistant/expose_entity/list"}))
            .await?;
        let rows = list.pointer("/exposed_entities").and_then(Value::as_object);
        let rows = rows.context("no list of exposed entities")?;
        let ids = rows
            .iter()
            .filter(|(_, of)| of.get("conversation") == Some(&json!(true)))
            .map(|(id, _)| EntityId::parse(id).with_context(|| id.clone()));
        ids.collect()
    }
}

/// The home that tests of this file share, one after the other: they change its exposure.
async fn shared() -> Result<(&'static HouseContainer, MutexGuard<'static, ()>)> {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    Ok((HouseContainer::shared().await?, turn))
}

/// What is wrong between native's answer and ours on both faces.
fn difference_of(theirs: &Answer, native: &Answer, agent: &Answer) -> Option<String> {
    let head = |answer: &Answer| {
        (
            answer.status,
            answer.header("content-type").map(str::to_owned),
        )
    };
    if head(theirs) != head(native) || theirs.body != native.body {
        return Some(format!(
            "theirs {:?}\nours {:?}\n{}",
            head(theirs),
            head(native),
            first_difference(&theirs.body, &native.body)
        ));
    }
    let inner = inner_text(theirs).map_err(|error| error.to_string());
    let said = agent.tool_text().map_err(|error| format!("{error:#}"));
    (inner != said).then(|| match (&inner, &said) {
        (Ok(inner), Ok(said)) => format!(
            "on /mcp: isError {} and {}\n{}",
            inner.1,
            said.1,
            first_difference(&inner.0, &said.0)
        ),
        (_, _) => format!("on /mcp: {said:?}\ntheirs {inner:?}"),
    })
}

/// Where two texts part, with what is around it.
fn first_difference(theirs: &str, ours: &str) -> String {
    let at = theirs
        .bytes()
        .zip(ours.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| {
        let bytes = text
            .as_bytes()
            .iter()
            .skip(at.saturating_sub(120))
            .take(300);
        String::from_utf8_lossy(&bytes.copied().collect::<Vec<u8>>()).into_owned()
    };
    format!(
        "from byte {at}:\n theirs {}\n ours   {}",
        around(theirs),
        around(ours)
    )
}

/// The text inside native's envelope, which is what `/mcp` says (D5).
fn inner_text(answer: &Answer) -> Result<(String, bool)> {
    let (text, is_error) = answer.tool_text()?;
    if let Some(raised) = text.strip_prefix("Error calling tool: ") {
        return Ok((raised.to_owned(), is_error));
    }
    let envelope: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
    let inner = envelope
        .get("result")
        .or(envelope.get("error"))
        .and_then(Value::as_str);
    Ok((inner.map_or(text, str::to_owned), is_error))
}

/// What a limited token is told of an area in which nothing is readable.
fn hidden(theirs: &Answer, form: &Value) -> Result<Answer> {
    let (text, _) = theirs.tool_text()?;
    let envelope: Value = serde_json::from_str(&text)?;
    let said = envelope
        .get("error")
        .and_then(Value::as_str)
        .context("no error")?;
    let area = said
        .strip_prefix("No exposed entities found in area ")
        .with_context(|| format!("{form}: {said}"))?;
    let json_in_json = |text: &str| -> Result<String> {
        let once = json!(text).to_string();
        let twice = ascii(&json!(once).to_string());
        Ok(twice.trim_matches('"').trim_matches(['\\', '"']).to_owned())
    };
    let (old, new) = (
        json_in_json(said)?,
        json_in_json(&format!("Area {area} does not exist"))?,
    );
    ensure!(
        theirs.body.contains(&old),
        "{old} is not in {}",
        theirs.body
    );
    Ok(Answer {
        body: theirs.body.replace(&old, &new),
        ..theirs.clone()
    })
}

/// JSON as Python writes it by default: everything beyond ASCII escaped.
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
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
    let tally = compare(&twin, &ours, &asked, false).await?;
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
    let compared = twin.house.log_on_error(compare_scopes(&twin).await);
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
        let tally = compare(twin, &ours, &asked, true)
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
        let tally = compare(&twin, &ours, &asked, false)
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

/// Compares all forms, and says what came of them.
async fn compare(twin: &Twin<'_>, ours: &Ours, asked: &[Value], limited: bool) -> Result<String> {
    let (mut results, mut empty, mut refused) = (0, 0, 0);
    let mut misses = Vec::new();
    for form in asked {
        match twin.same(ours, NATIVE_CONTEXT, form, limited).await {
            Ok(answer) if answer.body.contains("Error calling tool") => refused += 1,
            Ok(answer) if answer.body.contains("\"isError\": true") => empty += 1,
            Ok(_) => results += 1,
            Err(miss) => misses.push(format!("{miss:#}")),
        }
    }
    let count = misses.len();
    misses.truncate(5);
    ensure!(
        count == 0,
        "{count} of {} forms differ:\n{}",
        asked.len(),
        misses.join("\n\n")
    );
    ensure!(refused > 0 && empty > 0, "the forms are too tame");
    Ok(format!(
        "{results} with entities, {empty} with none, {refused} refused arguments; all equal"
    ))
}
