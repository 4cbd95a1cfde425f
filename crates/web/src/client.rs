//! The address of the client: the peer of the connection, or what trusted proxies say of it.

use std::net::IpAddr;
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

use crate::limits::FORWARDED_HOPS_MAX;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses with a common prefix, written `192.168.1.0/24` or as one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// A text that is no network.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no address and no network: write 10.0.0.1 or 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - self.prefix_bits.min(32);
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - self.prefix_bits.min(128);
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| invalid())?,
            None => bits_max,
        };
        if prefix_bits > bits_max {
            return Err(invalid());
        }
        Ok(Self {
            address,
            prefix_bits,
        })
    }
}

/// Walks `X-Forwarded-For` from the right, past trusted proxies, to the first address that is none.
/// Anything odd in the header means that the peer is taken for the client.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut hops = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        let Ok(value) = value.to_str() else {
            return peer;
        };
        for hop in value.split(',') {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else {
                return peer;
            };
            hops.push(hop.to_canonical());
            if hops.len() > FORWARDED_HOPS_MAX {
                return peer;
            }
        }
    }
    let client = hops.iter().rev().find(|hop| !is_trusted(**hop));
    client.or(hops.first()).copied().unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let found = address(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(
            found,
            expected.parse::<IpAddr>().unwrap(),
            "{peer} {forwarded:?}"
        );
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.1.2.3", &[], "10.1.2.3");
        check("10.1.2.3", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.1.2.3", &["::ffff:198.51.100.7"], "198.51.100.7");
        check("::1", &["1.1.1.1, 198.51.100.7, 10.9.9.9"], "198.51.100.7");
        check("::1", &["1.1.1.1", "198.51.100.7"], "198.51.100.7");
        check("10.1.2.3", &["10.2.2.2, 10.3.3.3"], "10.2.2.2");
        check("10.1.2.3", &["unknown, 198.51.100.7"], "10.1.2.3");
        check("10.1.2.3", &[&["1.1.1.1"; 21].join(",")], "10.1.2.3");
    }

    #[test]
    fn networks() {
        let network = |text: &str| text.parse::<Network>();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(network("0.0.0.0/0").unwrap().contains(ip("203.0.113.9")));
        assert!(network("fd00::/8").unwrap().contains(ip("fd12::1")));
        assert!(!network("fd00::/8").unwrap().contains(ip("fe80::1")));
        assert!(!network("10.0.0.0/8").unwrap().contains(ip("11.0.0.1")));
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
        ] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
