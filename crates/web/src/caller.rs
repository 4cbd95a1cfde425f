//! What a request presents to prove who it is, read and not judged.

use axum::http::request::Parts;
use housekey_gateway::{Credential, Presented};
use http::header::AUTHORIZATION;

const SECRET_QUERY_KEYS: [&str; 2] = ["token", "access_token"];

/// Reads the bearer. A secret in the query is never a credential, and spoils the one in the header:
/// addresses end up in logs and histories, so nobody should get used to it.
pub(crate) fn credential(request: &Parts) -> Credential {
    if request.uri.query().is_some_and(carries_a_secret) {
        return Credential::None;
    }
    let mut presented = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (presented.next(), presented.next()) else {
        return Credential::None;
    };
    header
        .to_str()
        .ok()
        .and_then(|header| header.strip_prefix("Bearer "))
        .and_then(Presented::parse)
        .map_or(Credential::None, Credential::Token)
}

fn carries_a_secret(query: &str) -> bool {
    query.split('&').any(|pair| {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        let key = percent_decoded(key);
        SECRET_QUERY_KEYS
            .iter()
            .any(|secret| key == secret.as_bytes())
    })
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.split_at_checked(2)).flatten();
        let byte = escaped.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = byte.unwrap_or((*first, tail));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn reads(uri: &str, headers: &[&str]) -> bool {
        let mut request = Request::builder().uri(uri);
        for header in headers {
            request = request.header(AUTHORIZATION, *header);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        matches!(credential(&parts), Credential::Token(_))
    }

    #[test]
    fn exactly_one_bearer_in_the_header_is_a_credential() {
        let token = format!("atm_{}", "0".repeat(64));
        let good = format!("Bearer {token}");
        assert!(reads("/mcp", &[&good]));
        assert!(reads("/mcp?tokens=1&x=token", &[&good]));
        assert!(!reads("/mcp", &[]));
        assert!(!reads("/mcp", &[&good, &good]));
        assert!(!reads("/mcp", &[&token]));
        assert!(!reads("/mcp", &[&format!("bearer {token}")]));
        assert!(!reads("/mcp", &[&format!("Bearer  {token}")]));
        assert!(!reads("/mcp", &[&format!("Basic {token}")]));
        assert!(!reads("/mcp", &["Bearer atm_short"]));
        for query in [
            "token",
            "token=",
            "a=1&access_token=x",
            "%74oken=x",
            "acces%73_token",
        ] {
            assert!(!reads(&format!("/mcp?{query}"), &[&good]), "{query}");
        }
    }
}
