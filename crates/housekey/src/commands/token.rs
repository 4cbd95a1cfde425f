//! `housekey token …`

mod change;
mod scope;
mod when;
mod words;

use std::process::ExitCode;

use http::Method;
use serde_json::{Value, json};

use self::when::expiry;
use self::words::{opens, path_of, rate, step_in_words, word};
use super::answer::{escaped, items, or, text, time};
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
        TokenCommand::Archived { json } => list(&desk, true, json).await,
        TokenCommand::Show { token, json } => show(&desk, &token, json).await,
        TokenCommand::Explain {
            entity,
            token,
            json,
        } => explain(&desk, &entity, token.as_deref(), json).await,
        TokenCommand::Scope { token, json } => scope::run(&desk, &token, json).await,
        TokenCommand::Permit(arguments) => change::permit(&desk, arguments).await,
        TokenCommand::Set(arguments) => change::set(&desk, arguments).await,
        TokenCommand::Rotate { token, json } => change::rotate(&desk, &token, json).await,
        TokenCommand::Revoke { token, json } => change::revoke(&desk, &token, json).await,
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
    change::tell_remarks(&token);
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
                    time(token, if archived { "ended_at" } else { "expires_at" }),
                    "never",
                ),
                or(time(token, "last_used_at"), "never"),
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
                time(&token, "created_at"),
                text(&token, "created_by")
            ),
        ),
        ("expires", or(time(&token, "expires_at"), "never")),
        ("last used", or(time(&token, "last_used_at"), "never")),
        ("rate", rate(&token)),
        ("opens", opens(&token)),
    ];
    let capabilities = token.get("capabilities").and_then(Value::as_object);
    for (name, extent) in capabilities.into_iter().flatten() {
        let extent = match extent.as_str() {
            Some("on") | None => String::new(),
            Some(extent) => format!(" ({extent})"),
        };
        rows.push(("allowed", format!("{name}{extent}")));
    }
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
