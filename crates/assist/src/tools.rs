//! The catalogue: every tool's names, texts, hints and schemas, as data.
//!
//! What a tool does is not here, and neither is who may call it. How the native server of an older
//! release lists a tool is in its [`Profile`].

use crate::prompt::Api;
use crate::release::{DATE_TIME, FILTERED, FILTERS, Listed, NO_ARGUMENTS, Profile, UNFILTERED};

/// A front door for agents; each lists tools in its own way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Face {
    /// `/mcp`: bare names, schemas of few keywords.
    Agent,
    /// `/api/mcp`: names and schemas of Home Assistant's own server.
    Native,
    /// `/api/atm/mcp`: names and schemas of ATM 1.1.
    Atm,
}

/// Which tool it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ToolId {
    /// One state.
    GetState,
    /// All readable states.
    GetStates,
    /// The overview of the house.
    GetLiveContext,
    /// The time.
    GetDateTime,
}

/// What a client may expect of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: bool,
    /// It may destroy.
    pub destructive: bool,
    /// Calling it twice is calling it once.
    pub idempotent: bool,
    /// It reaches beyond the home.
    pub open_world: bool,
}

/// A tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tool {
    /// Which one.
    pub id: ToolId,
    /// The name without prefix, stable over releases.
    pub bare_name: &'static str,
    /// The name in Home Assistant 2026.9 and later, if it has the tool.
    pub native_name: Option<&'static str>,
    /// What people call it.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// What a client may expect.
    pub hints: Hints,
    schemas: Schemas,
}

/// Input schemas, as JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Schemas {
    agent: &'static str,
    native: &'static str,
    atm: &'static str,
}

impl Tool {
    /// The name under which a face lists it, if it does.
    #[must_use]
    pub fn name_on(&self, face: Face) -> Option<&'static str> {
        match face {
            Face::Agent | Face::Atm => Some(self.bare_name),
            Face::Native => self.native_name,
        }
    }

    /// What a face says it is for.
    #[must_use]
    pub fn description_on(&self, face: Face) -> &'static str {
        if self.id == ToolId::GetLiveContext && face == Face::Atm {
            UNFILTERED
        } else {
            self.description
        }
    }

    /// The input schema on a face, as JSON text.
    #[must_use]
    pub fn schema_on(&self, face: Face) -> &'static str {
        match face {
            Face::Agent => self.schemas.agent,
            Face::Native => self.schemas.native,
            Face::Atm => self.schemas.atm,
        }
    }

    /// Whether it can be called where this API of Home Assistant is spoken to. The native server has
    /// no tools for states; they can be called everywhere.
    #[must_use]
    pub fn is_in(&self, api: Api) -> bool {
        match self.id {
            ToolId::GetLiveContext => api.has_assist(),
            ToolId::GetDateTime | ToolId::GetState | ToolId::GetStates => true,
        }
    }

    /// How the native server of a release lists it, if that has it.
    #[must_use]
    pub fn native_in(&self, profile: &Profile) -> Option<Listed> {
        match self.id {
            ToolId::GetLiveContext => profile.live_context,
            ToolId::GetDateTime => profile.date_time,
            ToolId::GetState | ToolId::GetStates => None,
        }
    }
}

/// The tools, in the order in which they are listed.
#[must_use]
pub fn all() -> &'static [Tool] {
    &TOOLS
}

/// The tools that a face lists, in its order.
pub fn listed(face: Face) -> impl Iterator<Item = &'static Tool> {
    TOOLS
        .iter()
        .filter(move |tool| tool.name_on(face).is_some())
}

/// The tool of a name. Every face accepts both forms of a name, with prefix and without; letter
/// case counts.
#[must_use]
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS
        .iter()
        .find(|tool| tool.bare_name == name || tool.native_name == Some(name))
}

const ONE_STATE: &str = r#"{"type":"object","properties":{"entity_id":{"type":"string","description":"Entity ID, e.g. light.living_room."}},"required":["entity_id"]}"#;

/// Reading asks nothing of anybody; the native server marks its own tools otherwise (below).
const READ: Hints = Hints {
    read_only: true,
    destructive: false,
    idempotent: true,
    open_world: false,
};

/// What Home Assistant 2026.11 says of its reading tools.
const NATIVE_READ: Hints = Hints {
    read_only: true,
    destructive: true,
    idempotent: false,
    open_world: false,
};

const TOOLS: [Tool; 4] = [
    Tool {
        id: ToolId::GetState,
        bare_name: "get_state",
        native_name: None,
        title: "Get state",
        description: "Get the current state of a Home Assistant entity.",
        hints: READ,
        schemas: Schemas {
            agent: ONE_STATE,
            native: ONE_STATE,
            atm: ONE_STATE,
        },
    },
    Tool {
        id: ToolId::GetStates,
        bare_name: "get_states",
        native_name: None,
        title: "Get states",
        description: "Get the current state of all accessible Home Assistant entities.",
        hints: READ,
        schemas: Schemas {
            agent: NO_ARGUMENTS,
            native: NO_ARGUMENTS,
            atm: NO_ARGUMENTS,
        },
    },
    Tool {
        id: ToolId::GetLiveContext,
        bare_name: "GetLiveContext",
        native_name: Some("homeassistant__GetLiveContext"),
        title: "Get live context",
        description: FILTERED,
        hints: NATIVE_READ,
        schemas: Schemas {
            agent: r#"{"type":"object","properties":{"name":{"type":"string","description":"Filter entities by name or alias (case-insensitive)."},"domain":{"type":"array","items":{"type":"string"},"description":"Filter entities by domain (e.g. 'light', 'sensor')."},"area":{"type":"string","description":"Filter entities by area name or alias (case-insensitive)."}}}"#,
            native: FILTERS,
            atm: NO_ARGUMENTS,
        },
    },
    Tool {
        id: ToolId::GetDateTime,
        bare_name: "GetDateTime",
        native_name: Some("llm__GetDateTime"),
        title: "Get date and time",
        description: DATE_TIME,
        hints: NATIVE_READ,
        schemas: Schemas {
            agent: NO_ARGUMENTS,
            native: NO_ARGUMENTS,
            atm: NO_ARGUMENTS,
        },
    },
];

#[cfg(test)]
mod tests;
