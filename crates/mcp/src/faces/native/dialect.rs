//! `Dialect`, what differs on the wire between releases of Home Assistant.
//!
//! What a tool, a prompt or a resource says differs as well; that is in the release's profile. All of
//! this was recorded.

use housekey_gateway::{NoApi, Release};
use http::StatusCode;

const BEFORE_2025_11_25: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18"];
const UP_TO_2025_11_25: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Methods that the protocol library of releases before 2026.11 knows and that are not served.
const KNOWN_UNSERVED: [&str; 5] = [
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
    "completion/complete",
];
/// Served from 2026.5 on.
const RESOURCES: [&str; 2] = ["resources/list", "resources/read"];
/// Known as well from 2026.2 on.
const KNOWN_TASKS: [&str; 4] = ["tasks/list", "tasks/get", "tasks/result", "tasks/cancel"];

/// How the server of a release speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dialect {
    release: Release,
    transport: Transport,
}

/// On what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transport {
    /// An answer for each request.
    Http,
    /// A stream of events.
    Events,
}

/// How a method is refused that is not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unserved {
    /// As one that is not there, by name.
    Named,
    /// As one that is not there.
    Unnamed,
    /// As a request of the wrong shape.
    Misshapen,
}

/// What becomes of a device id that is no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeviceId {
    /// An error of the request.
    Checked,
    /// An error of the tool that is called.
    CheckedByTool,
    /// No release before 2026.10 looks at it.
    Ignored,
}

impl Dialect {
    pub(super) fn of(release: Release, transport: Transport) -> Self {
        Self { release, transport }
    }

    fn since(self, year: u16, month: u16) -> bool {
        (self.release.year, self.release.month) >= (year, month)
    }

    /// Whether each API has a path of its own. With them came that a method is refused before the
    /// credential is looked at.
    pub(super) fn has_api_paths(self) -> bool {
        self.since(2026, 8)
    }

    /// Whether the header can choose the newer way of speaking.
    pub(super) fn is_modern(self) -> bool {
        self.since(2026, 11)
    }

    /// Whether a client may name its version by a number.
    pub(super) fn takes_numeric_versions(self) -> bool {
        !self.is_modern()
    }

    /// Whether an address must look like one.
    pub(super) fn checks_addresses(self) -> bool {
        !self.is_modern()
    }

    /// The versions that can be agreed on, the newest last.
    pub(super) fn versions(self) -> &'static [&'static str] {
        if self.since(2026, 2) {
            UP_TO_2025_11_25
        } else {
            BEFORE_2025_11_25
        }
    }

    pub(super) fn has_resources(self) -> bool {
        self.since(2026, 5)
    }

    /// What is announced, as JSON.
    pub(super) fn capabilities(self) -> &'static str {
        if self.is_modern() {
            r#"{"prompts": {"listChanged": false}, "resources": {"listChanged": false, "subscribe": false}, "tools": {"listChanged": false}}"#
        } else if self.has_resources() {
            r#"{"experimental": {}, "prompts": {"listChanged": false}, "resources": {"subscribe": false, "listChanged": false}, "tools": {"listChanged": false}}"#
        } else {
            r#"{"experimental": {}, "prompts": {"listChanged": false}, "tools": {"listChanged": false}}"#
        }
    }

    /// The version that the server calls its own: that of its protocol library, later none.
    pub(super) fn server_version(self) -> &'static str {
        if self.is_modern() {
            ""
        } else if self.since(2026, 10) {
            "1.28.1"
        } else if self.since(2026, 2) {
            "1.26.0"
        } else {
            "1.14.1"
        }
    }

    /// Whether the server shows an icon.
    pub(super) fn has_icon(self) -> bool {
        self.is_modern()
    }

    /// How a method is refused that is not served. Its parameters have been found well-formed.
    pub(super) fn refusal_of(self, method: &str) -> Unserved {
        let knows_tasks = self.since(2026, 2);
        let is_known = KNOWN_UNSERVED.contains(&method)
            || RESOURCES.contains(&method)
            || (knows_tasks && KNOWN_TASKS.contains(&method));
        let names_unknown = self.since(2026, 10) && self.transport == Transport::Http;
        match (is_known, self.is_modern(), names_unknown) {
            (_, true, _) | (false, _, true) => Unserved::Named,
            (true, _, _) => Unserved::Unnamed,
            (false, _, false) => Unserved::Misshapen,
        }
    }

    /// Whether the library of the release wants an id of a task.
    pub(super) fn wants_task_ids(self) -> bool {
        !self.is_modern() && self.since(2026, 2)
    }

    pub(super) fn device_id(self) -> DeviceId {
        if self.is_modern() {
            DeviceId::Checked
        } else if self.since(2026, 10) {
            DeviceId::CheckedByTool
        } else {
            DeviceId::Ignored
        }
    }

    /// Whether a session serves nothing before its client said that it is ready, and starts again
    /// with each `initialize`.
    pub(super) fn waits_for_clients(self) -> bool {
        !self.since(2026, 2)
    }

    /// The answer where an API cannot be spoken to.
    pub(super) fn no_api(self, why: NoApi, id: &str) -> (StatusCode, String) {
        match why {
            NoApi::Unknown => (StatusCode::NOT_FOUND, format!("Unknown LLM API '{id}'")),
            NoApi::NotAllowed if self.is_modern() => {
                (StatusCode::FORBIDDEN, "403: Forbidden".to_owned())
            }
            NoApi::NotAllowed => (StatusCode::UNAUTHORIZED, "401: Unauthorized".to_owned()),
        }
    }
}
