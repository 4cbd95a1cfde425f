//! Every key of the configuration: its place, its default and what it is for.

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// The section of the file.
    pub(crate) section: &'static str,
    /// The name in it.
    pub(crate) name: &'static str,
    /// What counts when nobody says otherwise, as in the file; empty for none.
    pub(crate) default: &'static str,
    /// What it is for.
    pub(crate) doc: &'static str,
}

impl Key {
    /// `section.name`.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The variable of the environment.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}__{}", self.section, self.name).to_uppercase()
    }
}

/// What the variables of the configuration begin with.
pub(crate) const PREFIX: &str = "HOUSEKEY__";

macro_rules! keys {
    ($($constant:ident = $section:literal $name:literal $default:literal $doc:literal;)*) => {
        $(pub(crate) const $constant: Key =
            Key { section: $section, name: $name, default: $default, doc: $doc };)*
        /// All of them, in the order of the reference.
        pub(crate) const ALL: &[&Key] = &[$(&$constant),*];
    };
}

keys! {
    HA_URL = "home_assistant" "url" "" "Address of Home Assistant, such as `http://homeassistant.local:8123`.";
    HA_TOKEN_FILE = "home_assistant" "token_file" "" "File that holds the access token of Home Assistant.";
    HA_TOKEN = "home_assistant" "token" "" "The access token itself; only as a variable of the environment, never in the file.";
    LISTEN = "server" "listen" "127.0.0.1:8126" "Address and port to serve on. Use `0.0.0.0:8126` to be reached from other machines, and name them in `allowed_hosts`.";
    HOSTS = "server" "allowed_hosts" "[]" "Names and addresses under which this server is reached, besides loopback and the bound address: `housekey.local`, `192.168.1.5:8126`. Requests for other names are refused.";
    ORIGINS = "server" "allowed_origins" "[]" "Web pages that may call, as `https://name` or `http://name:port`, besides this server's own names.";
    TRUSTED_PROXIES = "server" "trusted_proxies" "[]" "Addresses or networks whose `X-Forwarded-For` is believed.";
    STALE_READS_S = "server" "stale_reads_s" "300" "Seconds for which reads are answered from the last known home while Home Assistant is away.";
    SHUTDOWN_GRACE_S = "server" "shutdown_grace_s" "10" "Seconds that requests under way get at the end.";
    DIRECTORY = "store" "directory" "" "Where tokens, the audit and the socket of the command line lie; `$XDG_DATA_HOME/housekey` or `~/.local/share/housekey` by default.";
    AUDIT_READS = "audit" "reads" "batched" "When a reader gets its answer: `batched` is at once, with the record on the disk within `batch_ms`; `before_answer` waits until the record is on the disk, so that a crash loses none.";
    AUDIT_BATCH_MS = "audit" "batch_ms" "50" "Milliseconds for which records of reads are collected before they are written; so much can be missing after a crash.";
    AUDIT_KEEP_RECORDS = "audit" "keep_records_max" "1000000" "Records that are kept; the oldest go first.";
    AUDIT_KEEP_DAYS = "audit" "keep_days_max" "365" "Days for which records are kept.";
    LOG_FILTER = "log" "filter" "info" "What is logged, such as `info` or `debug,housekey_link=trace`.";
}
