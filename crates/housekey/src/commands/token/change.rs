//! `housekey token permit | set | rotate | revoke`

use http::Method;
use serde_json::{Map, Value, json};

use super::when::expiry;
use super::words::{opens, path_of, rate};
use crate::cli::{PermitArgs, SetArgs, YesNo};
use crate::commands::answer::{items, or, text, time};
use crate::desk::Desk;
use crate::{clock, print};

pub(super) async fn permit(desk: &Desk, arguments: PermitArgs) -> anyhow::Result<()> {
    let edit = json!({
        "read": arguments.read,
        "write": arguments.write,
        "deny": arguments.deny,
        "clear": arguments.clear,
    });
    let path = format!("{}/grants", path_of(&arguments.token));
    let token = desk.ask(Method::POST, &path, Some(&edit)).await?;
    if arguments.json {
        print::line(token.to_string());
        return Ok(());
    }
    print::line(format!("{} opens: {}", text(&token, "name"), opens(&token)));
    tell_remarks(&token);
    Ok(())
}

pub(super) async fn set(desk: &Desk, arguments: SetArgs) -> anyhow::Result<()> {
    let change = change(&arguments)?;
    if change.is_empty() {
        anyhow::bail!("nothing to set; see housekey token set --help");
    }
    let path = path_of(&arguments.token);
    let change = Value::Object(change);
    let token = desk.ask(Method::PATCH, &path, Some(&change)).await?;
    if arguments.json {
        print::line(token.to_string());
        return Ok(());
    }
    print::line(format!(
        "{}: {}, {}, expires {}, opens: {}",
        text(&token, "name"),
        text(&token, "status"),
        rate(&token),
        or(time(&token, "expires_at"), "never"),
        opens(&token),
    ));
    tell_remarks(&token);
    Ok(())
}

/// What was named, and nothing else.
fn change(arguments: &SetArgs) -> anyhow::Result<Map<String, Value>> {
    let mut change = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            change.insert(key.to_owned(), value);
        }
    };
    let flag = |answer: Option<YesNo>| answer.map(|answer| json!(answer == YesNo::Yes));
    let list = |items: &[String]| (!items.is_empty()).then(|| json!(items));
    let expires_at = match &arguments.expires {
        Some(when) => Some(json!(expiry(when, clock::now())?.iso_utc().to_string())),
        None => arguments.no_expires.then_some(Value::Null),
    };
    add("name", arguments.rename.as_ref().map(|name| json!(name)));
    add("expires_at", expires_at);
    add("rate_per_minute", arguments.rate.map(Value::from));
    add("rate_burst", arguments.burst.map(Value::from));
    add("allow", list(&arguments.allow));
    add("forbid", list(&arguments.forbid));
    add("pass_through", flag(arguments.pass_through));
    add("use_assist_exposure", flag(arguments.assist_exposure));
    let suspended = arguments.suspend || arguments.resume;
    add("suspended", suspended.then(|| json!(arguments.suspend)));
    Ok(change)
}

pub(super) async fn rotate(desk: &Desk, token: &str, json: bool) -> anyhow::Result<()> {
    let path = format!("{}/rotate", path_of(token));
    let token = desk.ask(Method::POST, &path, None).await?;
    if json {
        print::line(token.to_string());
        return Ok(());
    }
    print::line(text(&token, "secret"));
    print::note(format!(
        "This is the new secret of the token {}; it is shown this once. The one before opens nothing \
         any more.",
        text(&token, "name"),
    ));
    Ok(())
}

pub(super) async fn revoke(desk: &Desk, token: &str, json: bool) -> anyhow::Result<()> {
    let token = desk.ask(Method::DELETE, &path_of(token), None).await?;
    if json {
        print::line(token.to_string());
        return Ok(());
    }
    print::line(format!(
        "{} is revoked; nothing of it opens any more",
        text(&token, "name")
    ));
    Ok(())
}

/// What the owner may want to know besides.
pub(super) fn tell_remarks(token: &Value) {
    for remark in items(token, "remarks") {
        print::note(format!("note: {}", remark.as_str().unwrap_or_default()));
    }
}
