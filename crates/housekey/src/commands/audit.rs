//! `housekey audit …`

use std::process::ExitCode;

use anyhow::bail;
use http::Method;
use serde_json::Value;

use super::answer::{escaped, items, or, text, time};
use crate::cli::{AuditCommand, TailArgs};
use crate::config::{Flags, ServerConfig};
use crate::desk::Desk;
use crate::print;

const AUDIT: &str = "/api/admin/audit";
/// The record with which a program begins on a log that was not closed, or whose seal is not to be
/// trusted.
const START: &str = "housekey.start";
/// How long the server is let wait for a new record at a time; as long it can take to stop.
const WAIT_S: u64 = 2;
/// How many new records come at a time.
const FOLLOWED_MAX: usize = 1000;

pub(super) async fn run(command: AuditCommand, flags: &Flags) -> anyhow::Result<ExitCode> {
    let config = ServerConfig::load(flags)?;
    let desk = Desk::open(&config.data_dir)?;
    match command {
        AuditCommand::Tail(arguments) => tail(&desk, &arguments).await,
        AuditCommand::Show { request, json } => show(&desk, &request, json).await,
        AuditCommand::Verify { json } => verify(&desk, json).await,
    }
}

async fn tail(desk: &Desk, arguments: &TailArgs) -> anyhow::Result<ExitCode> {
    let mut filter = String::new();
    for (key, value) in [("token", &arguments.token), ("outcome", &arguments.outcome)] {
        if let Some(value) = value {
            filter.push_str(&format!("&{key}={}", escaped(value)));
        }
    }
    let mut last = 0;
    if arguments.lines > 0 || !arguments.follow {
        let path = format!("{AUDIT}?limit={}{filter}", arguments.lines);
        let answer = desk.ask(Method::GET, &path, None).await?;
        last = tell(&answer, arguments.json);
        if items(&answer, "records").is_empty() && !arguments.follow {
            print::note("no records");
        }
    } else {
        let newest = desk
            .ask(Method::GET, &format!("{AUDIT}?limit=1"), None)
            .await?;
        last = last_of(&newest).unwrap_or(last);
    }
    if !arguments.follow {
        return Ok(ExitCode::SUCCESS);
    }
    if !desk.is_server() {
        print::note("no server runs, so nothing more will come");
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        let path = format!("{AUDIT}?after={last}&wait_s={WAIT_S}&limit={FOLLOWED_MAX}{filter}");
        match desk.ask(Method::GET, &path, None).await {
            Ok(answer) => last = tell(&answer, arguments.json),
            Err(error) => {
                print::note(format!("the server has ended: {error:#}"));
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

/// Prints records; the number after which the next ones come.
fn tell(answer: &Value, json: bool) -> u64 {
    for record in items(answer, "records") {
        print::line(if json {
            record.to_string()
        } else {
            line(record)
        });
    }
    last_of(answer).unwrap_or(0)
}

fn last_of(answer: &Value) -> Option<u64> {
    answer.get("last").and_then(Value::as_u64)
}

/// A record on one line.
fn line(record: &Value) -> String {
    let is_intent = text(record, "phase") == "intent";
    let outcome = if is_intent {
        "intent".to_owned()
    } else {
        text(record, "outcome")
    };
    let mut what = text(record, "method");
    let resource = text(record, "resource");
    if !resource.is_empty() {
        what = format!("{what} {resource}");
    }
    if text(record, "method") == START {
        // It tells what was found, and by nobody's request.
        what = format!("{START} {}", text(record, "payload"));
    }
    let count = number(record, "count");
    if count > 1 {
        what = format!("{what} ({count} times)");
    }
    let (what, who) = (print::safe(&what), print::safe(&who(record)));
    format!(
        "{:>6}  {}  {outcome:<15}  {who:<16}  {what}  {}",
        number(record, "seq"),
        time(record, "at"),
        print::dim(&text(record, "request_id")),
    )
}

fn number(record: &Value, key: &str) -> u64 {
    record.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// Who asked: a token by its name, an owner by how he came, a stranger by his address.
fn who(record: &Value) -> String {
    let principal = text(record, "principal");
    if principal.starts_with("token:") {
        return text(record, "token_name");
    }
    let otherwise = if text(record, "method") == START {
        "housekey"
    } else {
        "-"
    };
    or(or(principal, &text(record, "client")), otherwise)
}

async fn show(desk: &Desk, request: &str, json: bool) -> anyhow::Result<ExitCode> {
    let path = format!("{AUDIT}/requests/{}", escaped(request));
    let answer = desk.ask(Method::GET, &path, None).await?;
    if json {
        print::line(answer.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    for (at, record) in items(&answer, "records").iter().enumerate() {
        if at > 0 {
            print::line("");
        }
        for (label, key) in [
            ("record", "seq"),
            ("time", "at"),
            ("phase", "phase"),
            ("outcome", "outcome"),
            ("who", "principal"),
            ("token", "token_name"),
            ("token id", "token_id"),
            ("from", "client"),
            ("through", "face"),
            ("method", "method"),
            ("resource", "resource"),
            ("sent", "payload"),
            ("stale", "stale_s"),
        ] {
            let value = match record.get(key) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => print::safe(text),
                Some(other) => other.to_string(),
            };
            print::line(format!("{}  {value}", print::dim(&format!("{label:>9}"))));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(desk: &Desk, json: bool) -> anyhow::Result<ExitCode> {
    let answer = desk
        .ask(Method::GET, &format!("{AUDIT}/check"), None)
        .await?;
    let state = text(&answer, "state");
    if json {
        print::line(answer.to_string());
        let is_whole = state == "whole";
        return Ok(if is_whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let (records, seq) = (number(&answer, "records"), number(&answer, "seq"));
    let message = text(&answer, "message");
    match state.as_str() {
        "whole" => {
            print::line(format!(
                "the audit is whole: {records} records, each as it was written"
            ));
            Ok(ExitCode::SUCCESS)
        }
        "resealed" => bail!(
            "the {records} records fit each other, but nobody vouches for those before record {seq}: \
             when it was written, {message}"
        ),
        _ => bail!("the audit is broken at record {seq}: {message}"),
    }
}
