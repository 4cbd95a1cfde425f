//! What an assistant is told of the house at first: the prompts of the native server, which the
//! other faces offer as well.
//!
//! What a prompt says is put together from the view; its wording is the release's.

use housekey_home::id::DeviceId;
use housekey_policy::View;

use crate::live_context::{self, NOTHING_EXPOSED, fragment};
use crate::release::{Block, Profile};
use crate::tools::Face;

/// Which API of Home Assistant is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Api {
    /// `assist`: what is exposed.
    Assist,
    /// `homeassistant`: an administrator's tools (2026.11 and later). It has no prompt of its own.
    HomeAssistant,
    /// Both.
    Merged,
}

impl Api {
    /// What a token gets where it names no API: one that passes through is an administrator and
    /// gets all that there are, one with a scope is a user.
    #[must_use]
    pub fn of_token(passes_through: bool, profile: &Profile) -> Self {
        if passes_through && profile.has_homeassistant_api {
            Self::Merged
        } else {
            Self::Assist
        }
    }

    /// The same for the token of a view.
    #[must_use]
    pub fn of_view(view: &View) -> Self {
        Self::of_token(view.scope().pass_through, Profile::of(view.release()))
    }

    pub(crate) fn has_assist(self) -> bool {
        match self {
            Self::Assist | Self::Merged => true,
            Self::HomeAssistant => false,
        }
    }

    /// What its prompt is called in a release.
    fn name(self, profile: &Profile) -> &'static str {
        match self {
            Self::Assist => profile.assist_name,
            Self::HomeAssistant => "Home Assistant",
            Self::Merged => "Merged LLM API",
        }
    }
}

/// A prompt as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prompt {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: String,
}

/// The prompt of an API; there is one each.
#[must_use]
pub fn listed(profile: &Profile, api: Api) -> Prompt {
    let name = api.name(profile);
    let (before, behind) = profile.prompt_description;
    Prompt {
        name,
        description: format!("{before}{name}{behind}"),
    }
}

/// There is no prompt of that name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Unknown prompt: {0}")]
pub struct UnknownPrompt(pub String);

/// The prompt of a name.
///
/// # Errors
/// [`UnknownPrompt`] for every name but that of the API.
pub fn find(profile: &Profile, api: Api, name: &str) -> Result<Prompt, UnknownPrompt> {
    let prompt = listed(profile, api);
    if prompt.name == name {
        return Ok(prompt);
    }
    Err(UnknownPrompt(name.to_owned()))
}

/// The device that a request comes from (`_meta` of 2026.10 and later).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requester {
    /// Its id, which need not be one of a device.
    pub device: DeviceId,
    /// Whether it can start timers. No registry tells.
    pub has_timers: bool,
}

/// For whom a prompt is.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The face on which it is read: all but the native one name tools without prefix.
    pub face: Face,
    /// The API that is spoken to.
    pub api: Api,
    /// The device that it is read on.
    pub requester: Option<&'a Requester>,
    /// The names of the tools that the API `assist` offers this token, in their order.
    pub assist_tools: &'a [&'a str],
    /// The same of the API `homeassistant`.
    pub homeassistant_tools: &'a [&'a str],
}

/// The text of a prompt.
#[must_use]
pub fn text(view: &View, reader: &Reader<'_>) -> String {
    match reader.api {
        Api::Assist => assist(view, reader),
        Api::HomeAssistant => String::new(),
        Api::Merged => {
            let mut out = String::new();
            let parts = [
                ("assist", reader.assist_tools, assist(view, reader)),
                ("homeassistant", reader.homeassistant_tools, String::new()),
            ];
            for (api, tools, prompt) in parts {
                let tools = tools.join(", ");
                out.push_str("Follow these instructions for tools from \"");
                out.push_str(&format!("{api}\" ({tools}):\n{prompt}\n\n"));
            }
            out
        }
    }
}

fn assist(view: &View, reader: &Reader<'_>) -> String {
    let profile = Profile::of(view.release());
    let shown = live_context::shown(view, profile);
    let goes_on = || profile.prompt_goes_on_without_entities && !view.overview().is_empty();
    if shown.is_empty() && !goes_on() {
        return NOTHING_EXPOSED.to_owned();
    }
    let has_prefixes = profile.tools_have_prefixes && reader.face == Face::Native;
    let mut parts = Vec::new();
    for block in profile.blocks {
        match block {
            Block::Control => parts.push(control(has_prefixes)),
            Block::Area => parts.push(area(view, profile, reader.requester)),
            Block::Timers => {
                let requester = reader.requester.filter(|_| profile.knows_requester);
                if !requester.is_some_and(|requester| requester.has_timers) {
                    parts.push("This device is not able to start timers.".to_owned());
                }
            }
            Block::Dynamic if shown.is_empty() => {}
            Block::Dynamic => parts.push(dynamic(profile, has_prefixes)),
            Block::House if shown.is_empty() => parts.push(NOTHING_EXPOSED.to_owned()),
            Block::House => {
                let mut house = format!("{}\n", profile.house_heading);
                let kind = if profile.house_has_states {
                    fragment::Kind::Text
                } else {
                    fragment::Kind::Outline
                };
                house.extend(shown.iter().map(|entity| kind.of(entity)));
                parts.push(house);
            }
        }
    }
    parts.join("\n")
}

fn control(has_prefixes: bool) -> String {
    let prefix = if has_prefixes { "intent__" } else { "" };
    format!(
        "When controlling Home Assistant always call the intent tools. Use {prefix}HassTurnOn to \
         lock and {prefix}HassTurnOff to unlock a lock. When controlling a device, prefer passing \
         just name and domain. When controlling an area, prefer passing just area name and domain."
    )
}

/// Where the requesting device is, or that it has to be asked. A device and an area that the token
/// does not see are none.
fn area(view: &View, profile: &Profile, requester: Option<&Requester>) -> String {
    let requester = requester.filter(|_| profile.knows_requester);
    let area = requester.and_then(|requester| view.area_of_device(&requester.device));
    let Some(area) = area else {
        let whom = profile.whom_to_ask;
        return format!(
            "When a user asks to turn on all devices of a specific type, ask {whom} to specify an \
             area, unless there is only one device of that type."
        );
    };
    let floor = view.floor_name(&area);
    let floor = floor.map_or(String::new(), |floor| format!(" (floor {floor})"));
    format!(
        "You are in area {}{floor} and all generic commands like 'turn on the lights' should \
         target this area.",
        area.name()
    )
}

fn dynamic(profile: &Profile, has_prefixes: bool) -> String {
    let tool = match profile.live_context {
        Some(tool) if has_prefixes || !profile.tools_have_prefixes => tool.name,
        Some(_) | None => "GetLiveContext",
    };
    let means = profile.dynamic.means.replace("{tool}", tool);
    let duty = profile.dynamic.duty.replace("{tool}", tool);
    let answer = profile.dynamic.answer;
    format!(
        "You ARE equipped to answer questions about the current state of
the home {means}. This is a primary function. Do not state you lack the
functionality if the question requires live data.
If the user asks about device existence/type (e.g., \"Do I have lights in the bedroom?\"): Answer
from the static context below.
If the user asks about the CURRENT state, value, or mode (e.g., \"Is the lock locked?\",
\"Is the fan on?\", \"What mode is the thermostat in?\", \"What is the temperature outside?\"):
    1.  Recognize this requires live data.
    2.  You MUST {duty}. This tool will provide the needed real-time information (like temperature from the local weather, lock status, etc.).
    3.  {answer}
For general knowledge questions not about the home: Answer truthfully from internal knowledge.
"
    )
}

#[cfg(test)]
mod tests;
