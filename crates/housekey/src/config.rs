//! The configuration: where values come from, which win, and what is wrong with them.
//!
//! A file, then the environment, then flags; the later wins. Nothing is started before all of it is
//! valid, and all problems are told at once, each with its key and its source.

mod effective;
mod keys;
mod sources;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use housekey_link::Secret;
use housekey_store::audit::Reads;
use housekey_web::Network;

pub(crate) use effective::{Effective, Held};
pub(crate) use sources::{Flags, environment};

use self::keys::Key;
use self::sources::Values;

/// The configuration of a server, valid as a whole.
#[derive(Debug)]
pub(crate) struct Config {
    /// Address of Home Assistant.
    pub(crate) ha_url: String,
    /// Its access token.
    pub(crate) ha_token: Secret,
    /// What is the same for a demo.
    pub(crate) server: ServerConfig,
}

/// How the server itself behaves.
#[derive(Debug)]
pub(crate) struct ServerConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) stale_reads: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) data_dir: PathBuf,
    pub(crate) audit_reads: Reads,
    pub(crate) audit_batch: Duration,
    pub(crate) audit_keep_records: u64,
    pub(crate) audit_keep_days: u32,
    pub(crate) log_filter: String,
}

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub(crate) struct InvalidConfig(Vec<String>);

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not valid:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

/// Reads values, and notes what is wrong with them instead of stopping.
struct Reader {
    values: Values,
    problems: Vec<String>,
}

impl Reader {
    fn parsed<T, E: fmt::Display>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let (text, source) = self.values.text(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .push(format!("{} ({source}): {text:?}: {error}", key.path()));
                None
            }
        }
    }

    fn number(&mut self, key: &Key, allowed: std::ops::RangeInclusive<u64>) -> u64 {
        let (low, high) = (*allowed.start(), *allowed.end());
        let wrong = || format!("expected a whole number from {low} to {high}");
        self.parsed(key, |text| match text.parse() {
            Ok(number) if allowed.contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(wrong()),
        })
        .unwrap_or(low)
    }

    fn list(&self, key: &Key) -> Vec<String> {
        self.values.list(key)
    }
}

impl ServerConfig {
    /// Reads everything but Home Assistant's part.
    pub(crate) fn load(flags: &Flags) -> Result<Self, InvalidConfig> {
        let mut reader = Reader::open(flags)?;
        let server = reader.server();
        match (server, reader.problems) {
            (Some(server), problems) if problems.is_empty() => Ok(server),
            (_, problems) => Err(InvalidConfig(problems)),
        }
    }
}

impl Config {
    /// Reads everything that `serve` needs. `stdin` gives the access token when a flag says so.
    pub(crate) fn load(
        flags: &Flags,
        stdin: impl FnOnce() -> std::io::Result<String>,
    ) -> Result<Self, InvalidConfig> {
        let mut reader = Reader::open(flags)?;
        let server = reader.server();
        let ha_url = reader.ha_url();
        let ha_token = reader.ha_token(flags, stdin);
        match (server, ha_url, ha_token, reader.problems) {
            (Some(server), Some(ha_url), Some(ha_token), problems) if problems.is_empty() => {
                Ok(Self {
                    ha_url,
                    ha_token,
                    server,
                })
            }
            (_, _, _, problems) => Err(InvalidConfig(problems)),
        }
    }
}

impl Reader {
    fn open(flags: &Flags) -> Result<Self, InvalidConfig> {
        let (values, problems) = Values::gather(flags).map_err(|p| InvalidConfig(vec![p]))?;
        Ok(Self { values, problems })
    }

    fn server(&mut self) -> Option<ServerConfig> {
        let listen = self.parsed(&keys::LISTEN, |text| {
            text.parse::<SocketAddr>()
                .map_err(|_| "expected an address and a port: 127.0.0.1:8126")
        });
        let proxies = self.list(&keys::TRUSTED_PROXIES);
        let mut trusted_proxies = Vec::new();
        for proxy in proxies {
            match proxy.parse::<Network>() {
                Ok(network) => trusted_proxies.push(network),
                Err(error) => {
                    self.problems
                        .push(format!("{}: {error}", keys::TRUSTED_PROXIES.path()));
                }
            }
        }
        let stale_reads_s = self.number(&keys::STALE_READS_S, 0..=86_400);
        let shutdown_grace_s = self.number(&keys::SHUTDOWN_GRACE_S, 0..=600);
        let audit_reads = self.parsed(&keys::AUDIT_READS, |text| {
            let names = Reads::ALL.map(Reads::name).join(" or ");
            Reads::from_name(text).ok_or_else(|| format!("expected {names}"))
        });
        let audit_batch_ms = self.number(&keys::AUDIT_BATCH_MS, 1..=10_000);
        let audit_keep_records = self.number(&keys::AUDIT_KEEP_RECORDS, 1000..=100_000_000);
        let audit_keep_days = self.number(&keys::AUDIT_KEEP_DAYS, 1..=36_500);
        let data_dir = self.parsed(&keys::DIRECTORY, |text| {
            if text.is_empty() {
                Err("expected a directory")
            } else {
                Ok(PathBuf::from(text))
            }
        });
        let log_filter = self.parsed(&keys::LOG_FILTER, |text| {
            let parsed = tracing_subscriber::EnvFilter::try_new(text);
            parsed.map(|_| text.to_owned())
        });
        Some(ServerConfig {
            listen: listen?,
            hosts: self.list(&keys::HOSTS),
            origins: self.list(&keys::ORIGINS),
            trusted_proxies,
            stale_reads: Duration::from_secs(stale_reads_s),
            shutdown_grace: Duration::from_secs(shutdown_grace_s),
            data_dir: data_dir?,
            audit_reads: audit_reads?,
            audit_batch: Duration::from_millis(audit_batch_ms),
            audit_keep_records,
            audit_keep_days: u32::try_from(audit_keep_days).ok()?,
            log_filter: log_filter?,
        })
    }

    fn ha_url(&mut self) -> Option<String> {
        if self.values.text(&keys::HA_URL).is_none() {
            self.problems.push(format!(
                "{} is missing: the address of Home Assistant, such as \
                 http://homeassistant.local:8123; give it by --ha-url, in housekey.toml or by \
                 HOUSEKEY__HOME_ASSISTANT__URL",
                keys::HA_URL.path()
            ));
        }
        self.parsed(&keys::HA_URL, |text| {
            let has_scheme = ["http://", "https://", "ws://", "wss://"]
                .iter()
                .any(|s| text.starts_with(s));
            if has_scheme
                && text
                    .parse::<http::Uri>()
                    .is_ok_and(|uri| uri.host().is_some())
            {
                Ok(text.to_owned())
            } else {
                Err("expected an address such as http://homeassistant.local:8123")
            }
        })
    }

    fn ha_token(
        &mut self,
        flags: &Flags,
        stdin: impl FnOnce() -> std::io::Result<String>,
    ) -> Option<Secret> {
        let from_file = |path: &str| std::fs::read_to_string(path);
        let (text, source) = if flags.ha_token_stdin {
            (stdin(), "standard input".to_owned())
        } else if let Some((text, source)) = self.values.text(&keys::HA_TOKEN) {
            (Ok(text), source.to_string())
        } else if let Some((path, source)) = self.values.text(&keys::HA_TOKEN_FILE) {
            (from_file(&path), format!("{path:?}, named by {source}"))
        } else {
            self.problems.push(format!(
                "{} is missing: the access token of Home Assistant; give it by --ha-token-file, by \
                 HOUSEKEY__HOME_ASSISTANT__TOKEN or on standard input with --ha-token-stdin",
                keys::HA_TOKEN_FILE.path()
            ));
            return None;
        };
        let problem = match text.as_deref().map(str::trim) {
            Ok("") => "is empty".to_owned(),
            Ok(token) if token.chars().any(char::is_whitespace) => {
                "holds more than one word".to_owned()
            }
            Ok(token) => return Some(Secret::new(token)),
            Err(error) => error.to_string(),
        };
        self.problems.push(format!(
            "the access token of Home Assistant ({source}): {problem}"
        ));
        None
    }
}

#[cfg(test)]
mod tests;
