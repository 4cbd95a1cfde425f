//! The closed set of what a token may do beyond reading and writing entities.

use std::collections::BTreeMap;

/// One capability; the names are ATM 1.1's flags without `allow_`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Capability {
    /// Create, change and delete automations.
    AutomationWrite,
    /// Create, change and delete scripts.
    ScriptWrite,
    /// Read Home Assistant's configuration.
    ConfigRead,
    /// Render templates.
    TemplateRender,
    /// Restart Home Assistant.
    Restart,
    /// Move what is physical: locks, alarms, covers, valves, lawn mowers.
    PhysicalControl,
    /// Get the response of a service.
    ServiceResponse,
    /// Speak through the home.
    Broadcast,
    /// Read Home Assistant's log.
    LogRead,
}

impl Capability {
    /// All of them, in the order of ATM's flags.
    pub const ALL: [Self; 9] = [
        Self::AutomationWrite,
        Self::ScriptWrite,
        Self::ConfigRead,
        Self::TemplateRender,
        Self::Restart,
        Self::PhysicalControl,
        Self::ServiceResponse,
        Self::Broadcast,
        Self::LogRead,
    ];

    /// The name in configuration, storage and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AutomationWrite => "automation_write",
            Self::ScriptWrite => "script_write",
            Self::ConfigRead => "config_read",
            Self::TemplateRender => "template_render",
            Self::Restart => "restart",
            Self::PhysicalControl => "physical_control",
            Self::ServiceResponse => "service_response",
            Self::Broadcast => "broadcast",
            Self::LogRead => "log_read",
        }
    }

    /// The capability of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name() == name)
    }

    /// Whether a pass-through token has it without being given it (ATM 1.1).
    #[must_use]
    pub fn comes_with_pass_through(self) -> bool {
        match self {
            Self::ConfigRead | Self::TemplateRender | Self::ServiceResponse | Self::Broadcast => {
                true
            }
            Self::AutomationWrite
            | Self::ScriptWrite
            | Self::Restart
            | Self::PhysicalControl
            | Self::LogRead => false,
        }
    }
}

/// How far a capability is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Extent {
    /// Not at all.
    #[default]
    Off,
    /// After the owner said yes to the single act.
    Ask,
    /// Inside the token's scope only.
    Scoped,
    /// In full.
    On,
}

/// What a token was given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capabilities(BTreeMap<Capability, Extent>);

impl Capabilities {
    /// All of them, in full.
    #[must_use]
    pub fn all() -> Self {
        Self(
            Capability::ALL
                .into_iter()
                .map(|capability| (capability, Extent::On))
                .collect(),
        )
    }

    /// Gives a capability to an extent.
    pub fn set(&mut self, capability: Capability, extent: Extent) {
        self.0.insert(capability, extent);
    }

    /// How far a capability is given.
    #[must_use]
    pub fn get(&self, capability: Capability) -> Extent {
        self.0.get(&capability).copied().unwrap_or_default()
    }
}
