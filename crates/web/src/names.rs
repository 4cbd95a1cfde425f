//! The names under which this server is reached, and the pages that may call it from a browser.
//!
//! A page on the internet can make a browser connect to an address in the house (DNS rebinding). It
//! cannot make the browser lie about the name it used, so requests under a foreign name are refused.
//! Both lists always have entries: an empty configuration means loopback and the bound addresses.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The accepted `Host` and `Origin` headers.
#[derive(Clone, Debug)]
pub struct Names {
    hosts: Vec<Host>,
    origins: Vec<Origin>,
}

/// An entry of the configuration that is no name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidName {
    /// Not `name`, `name:port`, an address or `address:port`.
    #[error("`{0}` is no host name or address, optionally with a port")]
    Host(String),
    /// Not `http://name:port`.
    #[error("`{0}` is no origin: write https://name, http://name:port or http://name:*")]
    Origin(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Host {
    name: String,
    /// `None` is any port.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Origin {
    scheme: String,
    host: Host,
}

impl Names {
    /// The configured names, the loopback names and the addresses that were bound. A page of this
    /// server's own names may call it, on any port.
    ///
    /// # Errors
    /// [`InvalidName`] for an entry that could never match.
    pub fn new(
        hosts: &[String],
        origins: &[String],
        bound: &[SocketAddr],
    ) -> Result<Self, InvalidName> {
        let mut names = Self {
            hosts: Vec::new(),
            origins: Vec::new(),
        };
        for name in LOOPBACK {
            names.add(Host {
                name: name.to_owned(),
                port: None,
            });
        }
        for address in bound
            .iter()
            .map(SocketAddr::ip)
            .filter(|address| !address.is_unspecified())
        {
            names.add(Host {
                name: bracketed(address),
                port: None,
            });
        }
        for text in hosts {
            let host = Host::parse(text).ok_or_else(|| InvalidName::Host(text.clone()))?;
            names.add(host);
        }
        for text in origins {
            let origin = Origin::of_entry(text).ok_or_else(|| InvalidName::Origin(text.clone()))?;
            names.origins.push(origin);
        }
        Ok(names)
    }

    fn add(&mut self, host: Host) {
        for scheme in ["http", "https"] {
            let host = Host {
                name: host.name.clone(),
                port: None,
            };
            self.origins.push(Origin {
                scheme: scheme.to_owned(),
                host,
            });
        }
        self.hosts.push(host);
    }

    /// The hosts as texts, for a second check behind this one.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.hosts.iter().map(Host::to_string).collect()
    }

    /// The origins as texts, for a second check behind this one.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        self.origins.iter().map(Origin::to_string).collect()
    }

    /// Whether a `Host` header is one of this server's names.
    #[must_use]
    pub fn is_host(&self, header: &str) -> bool {
        Host::parse(header).is_some_and(|asked| self.hosts.iter().any(|host| host.covers(&asked)))
    }

    /// Whether a page of this origin may call.
    #[must_use]
    pub fn is_origin(&self, header: &str) -> bool {
        Origin::parse(header)
            .is_some_and(|asked| self.origins.iter().any(|origin| origin.covers(&asked)))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if text.contains('@') {
            return None;
        }
        if let Ok(IpAddr::V6(address)) = text.parse() {
            return Some(Self {
                name: bracketed(IpAddr::V6(address)),
                port: None,
            });
        }
        let authority = Authority::try_from(text).ok()?;
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let port = authority.port_u16();
        // "name:" and "name:99999" have no port that the parser would give.
        let is_whole = port.is_some() || authority.as_str().len() == authority.host().len();
        (!name.is_empty() && is_whole).then_some(Self { name, port })
    }

    fn covers(&self, asked: &Self) -> bool {
        self.name == asked.name && self.port.is_none_or(|port| asked.port == Some(port))
    }
}

impl Origin {
    /// A header; its port is the one that the scheme implies if it has none.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let mut host = Host::parse(rest)?;
        host.port = host.port.or(match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        Some(Self { scheme, host })
    }

    /// An entry of the configuration, where `:*` is any port.
    fn of_entry(text: &str) -> Option<Self> {
        match text.strip_suffix(":*") {
            Some(base) => {
                let origin = Self::parse(base)?;
                let host = Host {
                    port: None,
                    ..origin.host
                };
                Some(Self { host, ..origin })
            }
            None => Self::parse(text),
        }
    }

    fn covers(&self, asked: &Self) -> bool {
        self.scheme == asked.scheme && self.host.covers(&asked.host)
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.port {
            Some(port) => write!(f, "{}://{}:{port}", self.scheme, self.host.name),
            None => write!(f, "{}://{}:*", self.scheme, self.host.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hosts: &[&str], origins: &[&str]) -> Names {
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let bound = [
            "192.168.1.5:8124".parse().unwrap(),
            "[::]:8124".parse().unwrap(),
        ];
        Names::new(&texts(hosts), &texts(origins), &bound).unwrap()
    }

    #[test]
    fn nothing_configured_is_not_everything_allowed() {
        let names = names(&[], &[]);
        for host in [
            "localhost:8124",
            "LOCALHOST",
            "127.0.0.1:1",
            "[::1]:8124",
            "192.168.1.5:8124",
        ] {
            assert!(names.is_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8124",
            "localhost.evil.example",
            "[::]",
            "localhost:",
            "localhost:99999",
            "a@localhost",
            "localhost/x",
            "127.0.0.2",
        ] {
            assert!(!names.is_host(host), "{host}");
        }
        assert!(names.is_origin("http://localhost:6274"));
        assert!(names.is_origin("http://192.168.1.5:8124"));
        for origin in [
            "null",
            "",
            "http://evil.example",
            "localhost",
            "ftp://localhost",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
        ] {
            assert!(!names.is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn configured_names_match_with_their_port_only_when_they_have_one() {
        let names = names(
            &["hk.local", "hk.example:443", "fd00::7"],
            &[
                "https://panel.example",
                "http://dev.example:*",
                "http://one.example:8080",
            ],
        );
        for host in [
            "hk.local",
            "hk.local:8124",
            "hk.local.:8124",
            "hk.example:443",
            "[fd00::7]:1",
        ] {
            assert!(names.is_host(host), "{host}");
        }
        assert!(!names.is_host("hk.example:8124"));
        for origin in [
            "https://panel.example",
            "https://panel.example:443",
            "http://dev.example:1",
            "http://dev.example",
            "http://one.example:8080",
            "https://hk.example",
            "http://hk.local:9",
        ] {
            assert!(names.is_origin(origin), "{origin}");
        }
        for origin in [
            "https://panel.example:8443",
            "http://panel.example",
            "http://one.example",
        ] {
            assert!(!names.is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn the_texts_for_the_second_check_say_the_port() {
        let names = names(&["hk.local:8124"], &["https://panel.example"]);
        assert_eq!(
            names.hosts(),
            [
                "localhost",
                "127.0.0.1",
                "[::1]",
                "192.168.1.5",
                "hk.local:8124"
            ]
        );
        let origins = names.origins();
        assert!(
            origins
                .iter()
                .all(|origin| origin.rsplit_once(':').is_some()),
            "{origins:?}"
        );
        assert!(origins.contains(&"https://panel.example:443".to_owned()));
        assert!(origins.contains(&"http://hk.local:*".to_owned()));
    }

    #[test]
    fn an_entry_that_could_never_match_is_refused() {
        let bad_host = Names::new(&["http://hk.local".to_owned()], &[], &[]);
        assert_eq!(
            bad_host.err(),
            Some(InvalidName::Host("http://hk.local".to_owned()))
        );
        let bad_origin = Names::new(&[], &["hk.local".to_owned()], &[]);
        assert_eq!(
            bad_origin.err(),
            Some(InvalidName::Origin("hk.local".to_owned()))
        );
    }
}
