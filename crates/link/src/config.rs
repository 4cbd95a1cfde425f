//! `LinkConfig`, what the link needs to know.

use std::time::Duration;

use housekey_home::wire::Secret;

/// What the link needs to know.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The WebSocket endpoint, `ws://host:8123/api/websocket` or `wss://…`.
    pub url: String,
    /// The access token of the Home Assistant user that acts for us.
    pub token: Secret,
    /// Seeds the jitter of the back-off; any number that differs between installations.
    pub jitter_seed: u64,
    /// Longest wait between two attempts to connect.
    pub reconnect_max: Duration,
}

impl LinkConfig {
    /// A configuration with the usual limits.
    ///
    /// `address` is what a person types: `http://host:8123`, `https://…`, `ws://…/api/websocket`,
    /// with or without the path.
    #[must_use]
    pub fn new(address: &str, token: Secret, jitter_seed: u64) -> Self {
        Self {
            url: websocket_url(address),
            token,
            jitter_seed,
            reconnect_max: crate::limits::RECONNECT_MAX,
        }
    }
}

fn websocket_url(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let url = if let Some(rest) = address.strip_prefix("http://") {
        format!("ws://{rest}")
    } else if let Some(rest) = address.strip_prefix("https://") {
        format!("wss://{rest}")
    } else if address.contains("://") {
        address.to_owned()
    } else {
        format!("ws://{address}")
    };
    if url.ends_with("/websocket") {
        url
    } else {
        format!("{url}/api/websocket")
    }
}

#[cfg(test)]
mod tests {
    use super::websocket_url;

    #[test]
    fn an_address_that_a_person_types_becomes_the_endpoint() {
        for (address, url) in [
            ("http://ha.local:8123", "ws://ha.local:8123/api/websocket"),
            ("http://ha.local:8123/", "ws://ha.local:8123/api/websocket"),
            ("https://home.example", "wss://home.example/api/websocket"),
            ("192.0.2.7:8123", "ws://192.0.2.7:8123/api/websocket"),
            ("ws://h:1/api/websocket", "ws://h:1/api/websocket"),
            (
                "http://supervisor/core/websocket",
                "ws://supervisor/core/websocket",
            ),
        ] {
            assert_eq!(websocket_url(address), url);
        }
    }
}
