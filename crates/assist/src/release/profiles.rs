//! The profiles, each written as its difference from the one before.
//!
//! What a release changed was recorded of it or of those around it; docs/COMPATIBILITY.md says what
//! was not.

use super::{Block, Dynamic, Envelope, Listed, Names, Namesakes, Profile, Release};
use crate::arguments::{Checks, Schema, Wording};

/// All of them, the oldest first.
pub(super) static ALL: [Profile; 16] = [
    V2025_2, V2025_4, V2025_4_3, V2025_5, V2025_10, V2025_11, V2026_2_1, V2026_4, V2026_5, V2026_6,
    V2026_6_3, V2026_7, V2026_8, V2026_9, V2026_10, V2026_11,
];

pub(super) const V2025_2: Profile = Profile {
    since: release(2025, 2, 0),
    names: Names::DisplayThenAliases,
    area_aliases_are_sorted: false,
    is_sorted: false,
    rounds_sensors: false,
    localizes_times: false,
    has_brightness_percent: false,
    arguments: None,
    namesakes: Namesakes::Shown,
    envelope: Envelope::Success,
    inner_json_is_ascii: true,
    live_context: None,
    date_time: None,
    tools_have_prefixes: false,
    tools_have_hints: false,
    overview_heading: "An overview of the areas and the devices in this smart home:",
    house_heading: "An overview of the areas and the devices in this smart home:",
    house_has_states: true,
    blocks: &[Block::Control, Block::Area, Block::Timers, Block::House],
    dynamic: Dynamic {
        means: "using the `{tool}` tool",
        duty: "call `{tool}`",
        answer: ANSWER_BY_EXAMPLE,
    },
    whom_to_ask: "user",
    prompt_goes_on_without_entities: false,
    prompt_description: ("Default prompt for the Home Assistant LLM API ", ""),
    assist_name: "Assist",
    has_homeassistant_api: false,
    has_snapshot: false,
    knows_requester: false,
};

const V2025_4: Profile = Profile {
    since: release(2025, 4, 0),
    live_context: Some(Listed {
        name: "get_home_state",
        description: FIRST_DESCRIPTION,
        schema: NO_ARGUMENTS,
    }),
    house_has_states: false,
    prompt_description: ("Default prompt for Home Assistant ", " API"),
    ..V2025_2
};

const V2025_4_3: Profile = Profile {
    since: release(2025, 4, 3),
    live_context: Some(Listed {
        name: "GetLiveContext",
        description: FIRST_DESCRIPTION,
        schema: NO_ARGUMENTS,
    }),
    overview_heading: "Live Context: An overview of the areas and the devices in this smart home:",
    house_heading: "Static Context: An overview of the areas and the devices in this smart home:",
    blocks: &[
        Block::Control,
        Block::Area,
        Block::Timers,
        Block::Dynamic,
        Block::House,
    ],
    ..V2025_4
};

const V2025_5: Profile = Profile {
    since: release(2025, 5, 0),
    is_sorted: true,
    live_context: Some(Listed {
        name: "GetLiveContext",
        description: UNFILTERED,
        schema: NO_ARGUMENTS,
    }),
    ..V2025_4_3
};

const V2025_10: Profile = Profile {
    since: release(2025, 10, 0),
    localizes_times: true,
    ..V2025_5
};

const V2025_11: Profile = Profile {
    since: release(2025, 11, 0),
    date_time: Some(Listed {
        name: "GetDateTime",
        description: DATE_TIME,
        schema: NO_ARGUMENTS,
    }),
    ..V2025_10
};

const V2026_2_1: Profile = Profile {
    since: release(2026, 2, 1),
    inner_json_is_ascii: false,
    ..V2025_11
};

const V2026_4: Profile = Profile {
    since: release(2026, 4, 0),
    names: Names::GivenOrDevice,
    ..V2026_2_1
};

const V2026_5: Profile = Profile {
    since: release(2026, 5, 0),
    arguments: Some(Checks {
        schema: Schema::Texts,
        wording: Wording::Voluptuous,
    }),
    namesakes: Namesakes::Refused,
    live_context: Some(Listed {
        name: "GetLiveContext",
        description: FILTERED,
        schema: r#"{"type":"object","properties":{"name":{"description":"Filter entities by name or alias (case-insensitive).","type":"string"},"domain":{"anyOf":[{},{"type":"array","items":{"type":"string"}}],"description":"Filter entities by domain (e.g. 'light', 'sensor'). Accepts a single domain or a list."},"area":{"description":"Filter entities by area name or alias (case-insensitive).","type":"string"}}}"#,
    }),
    has_snapshot: true,
    ..V2026_4
};

const V2026_6: Profile = Profile {
    since: release(2026, 6, 0),
    blocks: &[
        Block::Control,
        Block::Dynamic,
        Block::House,
        Block::Area,
        Block::Timers,
    ],
    whom_to_ask: "the user",
    ..V2026_5
};

const V2026_6_3: Profile = Profile {
    since: release(2026, 6, 3),
    area_aliases_are_sorted: true,
    ..V2026_6
};

const V2026_7: Profile = Profile {
    since: release(2026, 7, 0),
    rounds_sensors: true,
    namesakes: Namesakes::Shown,
    ..V2026_6_3
};

const V2026_8: Profile = Profile {
    since: release(2026, 8, 0),
    arguments: Some(Checks {
        // Recorded of 2026.5.4 the old way and of 2026.8.3 this way.
        schema: Schema::All,
        wording: Wording::Voluptuous,
    }),
    live_context: Some(Listed {
        name: "GetLiveContext",
        description: FILTERED,
        schema: FILTERS,
    }),
    blocks: &[
        Block::Dynamic,
        Block::House,
        Block::Control,
        Block::Area,
        Block::Timers,
    ],
    prompt_goes_on_without_entities: true,
    ..V2026_7
};

const V2026_9: Profile = Profile {
    since: release(2026, 9, 0),
    arguments: Some(Checks {
        schema: Schema::All,
        wording: Wording::Probatio,
    }),
    live_context: Some(Listed {
        name: "homeassistant__GetLiveContext",
        description: FILTERED,
        schema: FILTERS,
    }),
    date_time: Some(Listed {
        name: "llm__GetDateTime",
        description: DATE_TIME,
        schema: NO_ARGUMENTS,
    }),
    tools_have_prefixes: true,
    ..V2026_8
};

const V2026_10: Profile = Profile {
    since: release(2026, 10, 0),
    names: Names::GivenOrComputed,
    has_brightness_percent: true,
    envelope: Envelope::Bare,
    tools_have_hints: true,
    dynamic: Dynamic {
        means: "by retrieving live context",
        duty: "use the provided tool to retrieve live context",
        answer: ANSWER_BY_EXAMPLE,
    },
    knows_requester: true,
    ..V2026_9
};

pub(super) const V2026_11: Profile = Profile {
    since: release(2026, 11, 0),
    names: Names::Computed,
    arguments: Some(Checks {
        schema: Schema::None,
        wording: Wording::Probatio,
    }),
    dynamic: Dynamic {
        answer: "Use the tool's response to answer the user accurately, stating the actual value or state it returned.",
        ..V2026_10.dynamic
    },
    assist_name: "Device control",
    has_homeassistant_api: true,
    ..V2026_10
};

const fn release(year: u16, month: u16, patch: u16) -> Release {
    Release { year, month, patch }
}

/// The schema of a tool without arguments.
pub(crate) const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// Recorded of 2025.4.4.
const FIRST_DESCRIPTION: &str = "Use this tool when the user asks a question about the CURRENT state, value, or mode of a specific device, sensor, entity, or area in the smart home, and the answer can be improved with real-time data not available in the static device overview list. ";

/// The description of the overview as a tool that takes no filters.
pub(crate) const UNFILTERED: &str = "Provides real-time information about the CURRENT state, value, or mode of devices, sensors, entities, or areas. Use this tool for: 1. Answering questions about current conditions (e.g., 'Is the light on?'). 2. As the first step in conditional actions (e.g., 'If the weather is rainy, turn off sprinklers' requires checking the weather first).";

/// The newest description of the overview as a tool.
pub(crate) const FILTERED: &str = "Provides real-time information about the CURRENT state, value, or mode of devices, sensors, entities, or areas. Use this tool for: 1. Answering questions about current conditions (e.g., 'Is the light on?'). 2. As the first step in conditional actions (e.g., 'If the weather is rainy, turn off sprinklers' requires checking the weather first). You may filter for devices by name, domain, and area, including combining those filters. Prefer filtering by domain when searching for multiple devices of the same type.";

/// The newest schema of its arguments.
pub(crate) const FILTERS: &str = r#"{"type":"object","properties":{"name":{"type":"string","description":"Filter entities by name or alias (case-insensitive)."},"domain":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}],"description":"Filter entities by domain (e.g. 'light', 'sensor'). Accepts a single domain or a list."},"area":{"type":"string","description":"Filter entities by area name or alias (case-insensitive)."}}}"#;

/// The description of the time as a tool.
pub(crate) const DATE_TIME: &str = "Provides the current date and time.";

const ANSWER_BY_EXAMPLE: &str = "Use the tool's response** to answer the user accurately (e.g., \"The temperature outside is [value from tool].\").";
