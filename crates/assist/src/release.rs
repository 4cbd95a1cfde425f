//! What differs between releases of Home Assistant: a [`Profile`] for each release that changed
//! something. The profiles themselves are the data in `profiles`.
//!
//! A release newer than the newest known is taken for that one. Releases before 2025.11 have no
//! endpoint that is served here; their profiles are for recordings.

mod profiles;

use crate::arguments::Checks;
use crate::json::{self, Object};

pub(crate) use profiles::{DATE_TIME, FILTERED, FILTERS, NO_ARGUMENTS, UNFILTERED};

/// A release of Home Assistant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Release {
    /// Its year.
    pub year: u16,
    /// Its month.
    pub month: u16,
    /// Its patch.
    pub patch: u16,
}

impl Release {
    /// Reads `YYYY.M` or `YYYY.M.P` with any suffix: a beta counts as what it is a beta of.
    #[must_use]
    pub fn parse(version: &str) -> Option<Self> {
        let mut parts = version.trim().splitn(3, '.');
        let year = parts.next()?.parse().ok()?;
        let month = leading_number(parts.next()?)?;
        let patch = parts.next().and_then(leading_number).unwrap_or(0);
        Some(Self { year, month, patch })
    }
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit());
    text.get(..end.unwrap_or(text.len()))?.parse().ok()
}

/// Under which names an entity is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// Its display name, then its aliases, as they are.
    DisplayThenAliases,
    /// Its aliases in order, one of which may stand for: the name that a user gave, or else the
    /// names of the device and of the entity.
    GivenOrDevice,
    /// The same with a name that goes up to the device's own whole, unless a user gave one.
    GivenOrComputed,
    /// The same with a name that is always computed.
    Computed,
}

/// How the native server wraps what a tool says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Envelope {
    /// `{"success": true, "result": …}` and `{"success": false, "error": …}`, never an error.
    Success,
    /// `{"result": …}` for a text, an object as it is, and `{"error": …}`, which is an error.
    Bare,
}

/// What happens when a name filter leaves more than one entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Namesakes {
    /// Nothing is shown.
    Refused,
    /// All are shown.
    Shown,
}

/// A part of the assistant's prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    /// How to use the tools that act.
    Control,
    /// Where the requesting device is.
    Area,
    /// That the requesting device has no timers.
    Timers,
    /// How to come by live data.
    Dynamic,
    /// The house without states, or with them where there is no tool that tells them.
    House,
}

/// The wording of the block about live data, where `{tool}` stands for the tool that tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dynamic {
    /// By what means the home is known.
    pub means: &'static str,
    /// What has to be done for live data.
    pub duty: &'static str,
    /// How to answer from it.
    pub answer: &'static str,
}

/// A tool as the native server lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its input schema, as JSON text.
    pub schema: &'static str,
}

/// How a range of releases answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The first release of the range.
    pub since: Release,
    /// Under which names an entity is shown.
    pub names: Names,
    /// Whether the other names of an area are sorted.
    pub area_aliases_are_sorted: bool,
    /// Whether entities are sorted by display name.
    pub is_sorted: bool,
    /// Whether sensors are rounded to their display precision.
    pub rounds_sensors: bool,
    /// Whether states that are times are shown in local time.
    pub localizes_times: bool,
    /// Whether lights have their brightness in percent as well.
    pub has_brightness_percent: bool,
    /// How arguments of the overview are checked; `None`: they are ignored.
    pub arguments: Option<Checks>,
    /// What a name that several entities share comes to.
    pub namesakes: Namesakes,
    /// How what a tool says is wrapped.
    pub envelope: Envelope,
    /// Whether the JSON of a tool's answer is ASCII before the server makes it so once more.
    pub inner_json_is_ascii: bool,
    /// The overview as a tool.
    pub live_context: Option<Listed>,
    /// The time as a tool.
    pub date_time: Option<Listed>,
    /// Whether tools have the prefix of their integration.
    pub tools_have_prefixes: bool,
    /// Whether tools are listed with title and hints.
    pub tools_have_hints: bool,
    /// The first line of the overview.
    pub overview_heading: &'static str,
    /// The first line of the house in the prompt.
    pub house_heading: &'static str,
    /// Whether the house in the prompt has states and attributes.
    pub house_has_states: bool,
    /// The order of the prompt.
    pub blocks: &'static [Block],
    /// The wording of the block about live data.
    pub dynamic: Dynamic,
    /// Who is to be asked for an area.
    pub whom_to_ask: &'static str,
    /// Whether the rest of the prompt is said as well when nothing but what the overview leaves out
    /// is there.
    pub prompt_goes_on_without_entities: bool,
    /// What stands before and behind the name of an API in the description of its prompt.
    pub prompt_description: (&'static str, &'static str),
    /// What the assistant's API is called.
    pub assist_name: &'static str,
    /// Whether the API `homeassistant` exists, which an administrator gets as well.
    pub has_homeassistant_api: bool,
    /// Whether there is the resource of the overview.
    pub has_snapshot: bool,
    /// Whether a request can say which device it comes from.
    pub knows_requester: bool,
}

impl Profile {
    /// The profile of a release; the newest for what is none.
    #[must_use]
    pub fn of(version: &str) -> &'static Self {
        let Some(release) = Release::parse(version) else {
            return newest();
        };
        let newest_first = profiles::ALL.iter().rev();
        let mut until = newest_first.filter(|profile| profile.since <= release);
        until.next().unwrap_or(&profiles::V2025_2)
    }

    /// The text of a native tool that answers with JSON other than a text.
    #[must_use]
    pub fn answer(&self, json: String) -> String {
        match self.envelope {
            Envelope::Bare => self.inner(json),
            Envelope::Success => self.inner(format!("{{\"success\": true, \"result\": {json}}}")),
        }
    }

    /// The text of a native tool that refuses; [`Profile::refusals_are_errors`] says how the server
    /// marks it.
    #[must_use]
    pub fn refusal(&self, text: &str) -> String {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        match self.envelope {
            Envelope::Bare => {}
            Envelope::Success => object.key("success").push_str("false"),
        }
        json::string_into(text, object.key("error"));
        object.end();
        self.inner(out)
    }

    /// Whether the server marks the refusal of a tool as an error.
    #[must_use]
    pub fn refusals_are_errors(&self) -> bool {
        match self.envelope {
            Envelope::Bare => true,
            Envelope::Success => false,
        }
    }

    fn inner(&self, json: String) -> String {
        if !self.inner_json_is_ascii {
            return json;
        }
        let mut out = String::with_capacity(json.len());
        json::to_ascii_into(&json, &mut out);
        out
    }
}

/// All profiles, the oldest first.
#[must_use]
pub fn all() -> &'static [Profile] {
    &profiles::ALL
}

/// The newest profile.
#[must_use]
pub fn newest() -> &'static Profile {
    &profiles::V2026_11
}

#[cfg(test)]
mod tests;
