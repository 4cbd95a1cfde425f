//! An agent that reads until nobody answers, and keeps which requests were answered, and when.

use std::sync::mpsc::Sender;
use std::time::Instant;

use serde_json::json;

use crate::campaign::now;
use crate::http::ask;
use crate::program::tcp;

/// The id of a request that was answered, and when.
pub(crate) type Answered = (String, Instant);

/// Reads; what was answered, in order.
pub(crate) fn read(address: &str, secret: &str, done: &Sender<()>) -> Vec<Answered> {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "get_state", "arguments": {"entity_id": "light.bed_light"}},
    });
    let mut answered = Vec::new();
    loop {
        let answer =
            tcp(address).and_then(|stream| ask(stream, "POST", "/api/mcp", Some(secret), &body));
        match answer {
            Ok(answer) if answer.status == 200 => answered.push((answer.request_id, now())),
            Ok(_) | Err(_) => return answered,
        }
        // The campaign may have counted enough.
        let _ = done.send(());
    }
}

/// Whether a secret opens something.
pub(crate) fn opens(address: &str, secret: &str) -> anyhow::Result<bool> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let answer = ask(tcp(address)?, "POST", "/api/mcp", Some(secret), &body)?;
    Ok(answer.status == 200)
}
