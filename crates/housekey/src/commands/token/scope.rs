//! `housekey token scope`

use http::Method;
use serde_json::Value;

use super::words::path_of;
use crate::commands::answer::{items, or, text};
use crate::desk::Desk;
use crate::print;

pub(super) async fn run(desk: &Desk, token: &str, json: bool) -> anyhow::Result<()> {
    if !desk.is_server() {
        anyhow::bail!("only a running server knows the home; start housekey serve first");
    }
    let path = format!("{}/scope", path_of(token));
    let answer = desk.ask(Method::GET, &path, None).await?;
    if json {
        print::line(answer.to_string());
        return Ok(());
    }
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or(0);
    print::line(format!(
        "{} ({}) reads {} of {} entities and writes {}",
        print::bold(&text(&answer, "token")),
        text(&answer, "status"),
        number("readable"),
        number("of"),
        number("writable"),
    ));
    for area in items(&answer, "areas") {
        let name = or(text(area, "area"), "no area");
        print::line(format!("\n{}", print::bold(&print::safe(&name))));
        let rows: Vec<Vec<String>> = items(area, "entities").iter().map(row).collect();
        print::line(print::columns(&rows));
    }
    Ok(())
}

fn row(entity: &Value) -> Vec<String> {
    let can_write = entity.get("can_write").and_then(Value::as_bool);
    let can = if can_write == Some(true) {
        "write"
    } else {
        "read"
    };
    vec![
        format!("  {can}"),
        text(entity, "entity_id"),
        print::safe(&text(entity, "name")),
    ]
}
