//! `housekey token …`

use std::process::ExitCode;

use anyhow::Context;
use housekey_gateway::UtcMicros;
use http::Method;
use jiff::{Span, Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};

use crate::cli::{CreateArgs, TokenCommand};
use crate::config::{Flags, ServerConfig};
use crate::desk::Desk;
use crate::{clock, print};

const TOKENS: &str = "/api/admin/tokens";

pub(super) async fn run(command: TokenCommand, flags: &Flags) -> anyhow::Result<ExitCode> {
    let config = ServerConfig::load(flags)?;
    let desk = Desk::open(&config.data_dir)?;
    match command {
        TokenCommand::Create(arguments) => create(&desk, arguments).await,
        TokenCommand::List { archived, json } => list(&desk, archived, json).await,
        TokenCommand::Show { token, json } => show(&desk, &token, json).await,
        TokenCommand::Explain {
            entity,
            token,
            json,
        } => explain(&desk, &entity, token.as_deref(), json).await,
        TokenCommand::Revoke { token } => revoke(&desk, &token).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn create(desk: &Desk, arguments: CreateArgs) -> anyhow::Result<()> {
    let expires_at = arguments
        .expires
        .as_deref()
        .map(|text| expiry(text, clock::now()));
    let order = json!({
        "name": arguments.name,
        "read": arguments.read,
        "write": arguments.write,
        "deny": arguments.deny,
        "pass_through": arguments.pass_through,
        "use_assist_exposure": arguments.assist_exposure,
        "rate_per_minute": arguments.rate,
        "rate_burst": arguments.burst,
        "expires_at": expires_at.transpose()?.map(|at| at.iso_utc().to_string()),
    });
    let token = desk.ask(Method::POST, TOKENS, Some(&order)).await?;
    if arguments.json {
        print::line(token.to_string());
        return Ok(());
    }
    print::line(text(&token, "secret"));
    print::note(format!(
        "This is the secret of the token {}; it is shown this once. What the token opens: {}.",
        text(&token, "name"),
        opens(&token)
    ));
    for remark in items(&token, "remarks") {
        print::note(format!("note: {}", remark.as_str().unwrap_or_default()));
    }
    Ok(())
}

async fn list(desk: &Desk, archived: bool, json: bool) -> anyhow::Result<()> {
    let path = if archived {
        format!("{TOKENS}?archived=true")
    } else {
        TOKENS.to_owned()
    };
    let answer = desk.ask(Method::GET, &path, None).await?;
    if json {
        print::line(answer.to_string());
        return Ok(());
    }
    let tokens = items(&answer, "tokens");
    if tokens.is_empty() {
        print::note(if archived {
            "no archived tokens"
        } else {
            "no tokens; see housekey token create --help"
        });
        return Ok(());
    }
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            vec![
                text(token, "name"),
                text(token, "status"),
                opens(token),
                rate(token),
                or(
                    text(token, if archived { "ended_at" } else { "expires_at" }),
                    "never",
                ),
                or(text(token, "last_used_at"), "never"),
            ]
        })
        .collect();
    let end = if archived { "ENDED" } else { "EXPIRES" };
    print::line(print::table(
        &["NAME", "STATUS", "OPENS", "RATE", end, "LAST USED"],
        &rows,
    ));
    Ok(())
}

async fn show(desk: &Desk, token: &str, json: bool) -> anyhow::Result<()> {
    let token = desk.ask(Method::GET, &path_of(token), None).await?;
    if json {
        print::line(token.to_string());
        return Ok(());
    }
    let mut rows: Vec<(&str, String)> = vec![
        ("name", print::bold(&text(&token, "name"))),
        ("id", text(&token, "id")),
        ("status", text(&token, "status")),
        (
            "made",
            format!(
                "{} by {}",
                text(&token, "created_at"),
                text(&token, "created_by")
            ),
        ),
        ("expires", or(text(&token, "expires_at"), "never")),
        ("last used", or(text(&token, "last_used_at"), "never")),
        ("rate", rate(&token)),
        ("opens", opens(&token)),
    ];
    for (level, member) in [
        ("domain", "domains"),
        ("device", "devices"),
        ("entity", "entities"),
    ] {
        let nodes = token
            .pointer(&format!("/grants/{member}"))
            .and_then(Value::as_object);
        for (name, node) in nodes.into_iter().flatten() {
            rows.push((level, format!("{name}: {}", word(&text(node, "color")))));
        }
    }
    for (label, value) in rows {
        print::line(format!("{}  {value}", print::dim(&format!("{label:>9}"))));
    }
    Ok(())
}

async fn explain(desk: &Desk, entity: &str, token: Option<&str>, json: bool) -> anyhow::Result<()> {
    if !desk.is_server() {
        anyhow::bail!("only a running server knows the home; start housekey serve first");
    }
    let tokens = match token {
        Some(token) => vec![token.to_owned()],
        None => {
            let answer = desk.ask(Method::GET, TOKENS, None).await?;
            items(&answer, "tokens")
                .iter()
                .map(|token| text(token, "name"))
                .collect()
        }
    };
    for token in tokens {
        let path = format!("{}/explain/{}", path_of(&token), escaped(entity));
        let answer = desk.ask(Method::GET, &path, None).await?;
        if json {
            print::line(answer.to_string());
            continue;
        }
        let can = match text(&answer, "verdict").as_str() {
            "write" => "may read and write",
            "read" => "may read",
            "absent" => "finds nothing at",
            "denied" => "is denied",
            _ => "has no grant for",
        };
        print::line(format!("{} {can} {entity}", print::bold(&token)));
        for step in items(&answer, "steps") {
            print::line(format!("  {}", step_in_words(step)));
        }
        if let Some(hint) = answer.get("hint").and_then(Value::as_str) {
            print::line(format!("  hint: {hint}"));
        }
    }
    Ok(())
}

async fn revoke(desk: &Desk, token: &str) -> anyhow::Result<()> {
    let token = desk.ask(Method::DELETE, &path_of(token), None).await?;
    print::line(format!(
        "{} is revoked; nothing of it opens any more",
        text(&token, "name")
    ));
    Ok(())
}

/// When a token ends: a day, a time or a while.
fn expiry(text: &str, now: UtcMicros) -> anyhow::Result<UtcMicros> {
    let now = Timestamp::from_microsecond(now.0)?;
    let at = if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else if let Ok(day) = text.parse::<civil::Date>() {
        day.to_zoned_datetime(TimeZone::UTC)?.timestamp()
    } else {
        let span: Span = text.parse().ok().with_context(|| {
            format!("--expires {text:?}: expected a day (2027-01-31), a time or a while (30d, 12h)")
        })?;
        now.to_zoned_datetime(TimeZone::UTC)
            .checked_add(span)?
            .timestamp()
    };
    Ok(UtcMicros(at.as_microsecond()))
}

fn path_of(token: &str) -> String {
    format!("{TOKENS}/{}", escaped(token))
}

/// A segment of a path; everything but letters, digits, `_`, `-` and `.` is escaped.
fn escaped(segment: &str) -> String {
    let bytes = segment.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    bytes.collect()
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn rate(token: &Value) -> String {
    let number = |key: &str| token.pointer(key).and_then(Value::as_u64).unwrap_or(0);
    match number("/rate/per_minute") {
        0 => "no limit".to_owned(),
        limit => format!("{limit}/min, {}/s", number("/rate/burst")),
    }
}

/// What a token opens, in a few words.
fn opens(token: &Value) -> String {
    let is_set = |key: &str| token.get(key).and_then(Value::as_bool).unwrap_or(false);
    let what = if is_set("pass_through") {
        "everything".to_owned()
    } else {
        let mut words = Vec::new();
        for (color, word) in [("yellow", "read"), ("green", "write"), ("red", "never")] {
            let named: Vec<String> = ["domains", "devices", "entities"]
                .into_iter()
                .filter_map(|level| token.pointer(&format!("/grants/{level}"))?.as_object())
                .flatten()
                .filter(|(_, node)| text(node, "color") == color)
                .map(|(name, _)| name.clone())
                .collect();
            if !named.is_empty() {
                words.push(format!("{word} {}", shortened(&named)));
            }
        }
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join("; ")
        }
    };
    if is_set("use_assist_exposure") {
        format!("{what}, of what is exposed")
    } else {
        what
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        Some(0) | None => shown,
    }
}

fn word(color: &str) -> &'static str {
    match color {
        "yellow" => "read",
        "green" => "read and write",
        "red" => "denied",
        _ => "nothing of its own",
    }
}

fn step_in_words(step: &Value) -> String {
    match text(step, "step").as_str() {
        "absent" => "there is no such entity".to_owned(),
        "blocked" => "it is closed to every token".to_owned(),
        "not_exposed" => "it is not exposed to the assistant".to_owned(),
        "pass_through" => "the token passes through".to_owned(),
        "no_grant" => "nothing grants it".to_owned(),
        "node" => {
            let color = text(step, "color");
            let says = word(&color);
            let red_only = step
                .get("red_only")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let other = if red_only && color != "red" {
                " (set for another entity that had this id: it does not count)"
            } else {
                ""
            };
            format!("its {} says: {says}{other}", text(step, "level"))
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_a_time_or_a_while() {
        let now = UtcMicros(1_795_500_000_000_000);
        for (text, iso) in [
            ("2027-01-31", "2027-01-31T00:00:00+00:00"),
            ("2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00+00:00"),
            ("30d", "2026-12-24T06:00:00+00:00"),
            ("12h", "2026-11-24T18:00:00+00:00"),
        ] {
            assert_eq!(
                expiry(text, now).unwrap().iso_utc().to_string(),
                iso,
                "{text}"
            );
        }
        assert!(expiry("soon", now).is_err());
    }
}
