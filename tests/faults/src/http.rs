//! HTTP/1.1 as far as it is needed: one request a connection, over TCP or a unix socket.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// How long an answer may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names the request in the audit.
    pub request_id: String,
    /// The body; null when it is no JSON.
    pub body: Value,
}

/// Asks over a fresh connection.
///
/// # Errors
/// When the connection ends before the whole answer is there.
pub fn ask(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> Result<Answer> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let bearer = bearer.map_or(String::new(), |secret| {
        format!("Authorization: Bearer {secret}\r\n")
    });
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\n\
         Accept: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no whole head came")?;
    let status = head.split(' ').nth(1).context("no status came")?.parse()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length")
        .context("no length came")?
        .parse()?;
    anyhow::ensure!(body.len() == length, "the body was cut");
    Ok(Answer {
        status,
        request_id: header("x-request-id").unwrap_or_default(),
        body: serde_json::from_str(body).unwrap_or_default(),
    })
}
