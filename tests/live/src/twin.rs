//! `Twin`, one home with two servers before it: Home Assistant's own and ours; and what counts as equal.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use housekey_gateway::{GatewayConfig, TokenOrder};
use housekey_harness::HouseContainer;
use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::door::{Answer, Door};
use crate::stack::Stack;

/// The overview under the name that Home Assistant gives it.
pub const NATIVE_CONTEXT: &str = "homeassistant__GetLiveContext";
/// A state may change between two questions; after so many tries a difference is one.
pub const TRIES_MAX: usize = 6;
/// Misses beyond these are only counted.
const SHOWN_MAX: usize = 5;

/// One home with two servers before it.
pub struct Twin<'a> {
    house: &'a HouseContainer,
    /// Ours.
    pub stack: Stack,
    /// Home Assistant's own server, as its owner.
    pub theirs: Door,
}

/// Our doors for one token.
pub struct Ours {
    /// `/api/mcp`.
    pub native: Door,
    /// `/mcp`.
    pub agent: Door,
}

impl<'a> Twin<'a> {
    /// Puts ours before a home, and waits until it is live.
    ///
    /// # Errors
    /// When it does not become live.
    pub async fn start(house: &'a HouseContainer) -> Result<Self> {
        let stack = Stack::start(house.base_url(), house.token(), GatewayConfig::default()).await?;
        stack.live().await?;
        let theirs = Door::native(house.base_url(), house.token())?;
        Ok(Self {
            house,
            stack,
            theirs,
        })
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When the order is refused.
    pub async fn ours(&self, order: TokenOrder) -> Result<Ours> {
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
    ///
    /// # Errors
    /// With what differs.
    pub async fn same(
        &self,
        ours: &Ours,
        tool: &str,
        form: &Value,
        limited: bool,
    ) -> Result<Answer> {
        let mut difference = String::new();
        for _ in 0..TRIES_MAX {
            let (theirs, native, agent) = tokio::try_join!(
                self.theirs.call(tool, form),
                ours.native.call(tool, form),
                ours.agent.call(tool, form),
            )?;
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

    /// Compares the overview for all forms, and says what came of them.
    ///
    /// # Errors
    /// When a form is answered otherwise, or the forms were too tame to tell.
    pub async fn compare(&self, ours: &Ours, asked: &[Value], limited: bool) -> Result<String> {
        let (mut results, mut empty, mut refused) = (0, 0, 0);
        let mut misses = Vec::new();
        for form in asked {
            match self.same(ours, NATIVE_CONTEXT, form, limited).await {
                Ok(answer) if answer.body.contains("Error calling tool") => refused += 1,
                Ok(answer) if answer.body.contains("\"isError\": true") => empty += 1,
                Ok(_) => results += 1,
                Err(miss) => misses.push(format!("{miss:#}")),
            }
        }
        let count = misses.len();
        misses.truncate(SHOWN_MAX);
        let shown = misses.join("\n\n");
        ensure!(
            count == 0,
            "{count} of {} forms differ:\n{shown}",
            asked.len()
        );
        ensure!(refused > 0 && empty > 0, "the forms are too tame");
        Ok(format!(
            "{results} with entities, {empty} with none, {refused} refused arguments; all equal"
        ))
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
    ///
    /// # Errors
    /// When Home Assistant refuses.
    pub async fn expose(&self, house: &Snapshot, exposed: &BTreeSet<EntityId>) -> Result<()> {
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

    /// What is exposed to Home Assistant's assistant.
    ///
    /// # Errors
    /// When Home Assistant does not tell.
    pub async fn exposed(&self) -> Result<BTreeSet<EntityId>> {
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
