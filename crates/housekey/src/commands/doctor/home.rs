//! Home Assistant: whether it answers, takes the token, and gives it the rights of an administrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use housekey_gateway::UtcMicros;
use housekey_link::{Dial, Dialled, Link, LinkConfig, LinkError, Phase, Pipe, Status};
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822::DateTimeParser;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Finding;
use crate::clock;
use crate::config::Config;

/// How long everything may take that Home Assistant is asked.
const ASK_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the time may take.
const TIME_MAX: Duration = Duration::from_secs(5);
/// Clocks that differ by more are told; the time of Home Assistant comes in whole seconds.
const SKEW_MAX_S: i64 = 3;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let status = ask(config).await;
    let url = &config.ha_url;
    let mut findings = vec![reachable(url, &status), token(&status)];
    if let Some(home) = &status.home {
        findings.push(if home.is_admin && home.exposure_is_known {
            Finding::good("privileges", "an administrator's")
        } else {
            Finding::warning(
                "privileges",
                "not an administrator's: what is exposed to the assistant is taken from the options of \
                 each entity, and Home Assistant will refuse what only administrators may do \
                 (restart, log, automations, scripts)",
                "make the long-lived token in the profile of an administrator's account",
            )
        });
    }
    let is_there = !matches!(status.last_error, Some((LinkError::Unreachable { .. }, _)));
    findings.push(match is_there {
        true => skew(url).await,
        false => Finding::unknown("clock", "not known while Home Assistant cannot be reached"),
    });
    findings
}

/// Connects once, until the home is loaded or something is wrong.
async fn ask(config: &Config) -> Status {
    let stop = CancellationToken::new();
    let link = LinkConfig::new(&config.ha_url, config.ha_token.clone(), 0);
    let (link, driver) = Link::start_over(link, Arc::new(Once::default()), stop.clone());
    let deadline = Instant::now() + ASK_MAX;
    let status = loop {
        let status = link.status();
        let is_told = status.phase == Phase::Live || status.last_error.is_some();
        if is_told || Instant::now() >= deadline {
            break status;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    stop.cancel();
    if driver.await.is_err() {
        tracing::warn!("the link ended in disorder");
    }
    status
}

/// Opens one connection. Whoever wants another waits.
#[derive(Default)]
struct Once(AtomicBool);

impl Dial for Once {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialled<'a> {
        let was_open = self.0.swap(true, Ordering::Relaxed);
        Box::pin(async move {
            if was_open {
                return std::future::pending().await;
            }
            let stream: Box<dyn Pipe> = Box::new(TcpStream::connect((host, port)).await?);
            Ok(stream)
        })
    }
}

fn error(status: &Status) -> Option<&LinkError> {
    status.last_error.as_ref().map(|(error, _)| error)
}

fn reachable(url: &str, status: &Status) -> Finding {
    let what = "home";
    match (error(status), &status.home) {
        (_, Some(home)) => Finding::good(
            what,
            format!(
                "{:?} answers at {url}: Home Assistant {}, {} entities, loaded in {} ms",
                &*home.name, home.version, home.entities, home.sync_ms
            ),
        ),
        (None, None) => Finding::failed(
            what,
            format!("{url} does not answer within {} s", ASK_MAX.as_secs()),
            "is Home Assistant overloaded, or is something else at that address?",
        ),
        (Some(LinkError::TokenRefused { .. }), None) => {
            Finding::good(what, format!("Home Assistant answers at {url}"))
        }
        (Some(error), None) => Finding::failed(what, format!("{url}: {error}"), advice(error)),
    }
}

fn advice(error: &LinkError) -> &'static str {
    match error {
        LinkError::Unreachable { .. } => {
            "check home_assistant.url (its name, its port, http or https) and that Home Assistant runs"
        }
        LinkError::NotReady { .. } => "wait until Home Assistant has started, then try again",
        LinkError::Banned => {
            "remove this machine's address from ip_bans.yaml in Home Assistant's configuration and \
             restart Home Assistant"
        }
        LinkError::TokenRefused { .. } => {
            "make a new long-lived access token in your Home Assistant profile; do not try this one \
             again, because Home Assistant bans addresses that do"
        }
        LinkError::Lost { .. } => "look at the log of Home Assistant; it ended the connection",
        LinkError::Incompatible { .. } => {
            "is Home Assistant at that address, at least release 2024.8? Is a proxy in between that \
             does not pass WebSocket?"
        }
        LinkError::InvalidUrl { .. } => {
            "home_assistant.url is an address such as http://homeassistant.local:8123"
        }
    }
}

fn token(status: &Status) -> Finding {
    let what = "token";
    match (error(status), &status.home) {
        (_, Some(_)) => Finding::good(what, "Home Assistant accepts it"),
        (Some(error @ LinkError::TokenRefused { .. }), None) => {
            Finding::failed(what, error.to_string(), advice(error))
        }
        (Some(_) | None, None) => {
            Finding::unknown(what, "not known while Home Assistant does not answer")
        }
    }
}

/// Compares the clocks by the date that every answer of Home Assistant bears.
async fn skew(url: &str) -> Finding {
    if !(url.starts_with("http://") || url.starts_with("ws://")) {
        return Finding::unknown("clock", "not compared: that needs an address without TLS");
    }
    match timeout(TIME_MAX, date(url)).await {
        Ok(Some(theirs)) => judged(theirs, clock::now()),
        Ok(None) | Err(_) => Finding::unknown("clock", "Home Assistant does not tell its time"),
    }
}

fn judged(theirs: UtcMicros, ours: UtcMicros) -> Finding {
    let what = "clock";
    let ahead_s = (theirs.0 - ours.0) / 1_000_000;
    if ahead_s.abs() <= SKEW_MAX_S {
        return Finding::good(what, "agrees with Home Assistant's");
    }
    let (by, way) = (
        ahead_s.abs(),
        if ahead_s > 0 { "ahead of" } else { "behind" },
    );
    Finding::warning(
        what,
        format!("Home Assistant's clock is {by} s {way} this machine's"),
        "set both by NTP; tokens end, and times in answers are, by this machine's clock",
    )
}

/// The date of an answer that needs no token, so that nothing counts towards a ban.
async fn date(url: &str) -> Option<UtcMicros> {
    let uri: Uri = url.parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16().unwrap_or(80));
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    tokio::spawn(connection);
    let request = Request::get("/manifest.json")
        .header(http::header::HOST, format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    let date = DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(UtcMicros(date.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::State;

    #[test]
    fn clocks_may_differ_by_a_few_seconds() {
        for (theirs, state, text) in [
            (0, State::Good, "agrees"),
            (3, State::Good, "agrees"),
            (-3, State::Good, "agrees"),
            (10, State::Warning, "10 s ahead of"),
            (-90, State::Warning, "90 s behind"),
        ] {
            let now = UtcMicros(1_795_435_200_000_000);
            let found = judged(UtcMicros(now.0 + theirs * 1_000_000), now);
            assert!(
                found.state == state && found.text.contains(text),
                "{}",
                found.text
            );
        }
    }
}
