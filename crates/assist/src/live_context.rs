//! The overview of the house: `GetLiveContext` as the connected Home Assistant answers it.
//!
//! What is said of one entity is a [`fragment`]; it depends on nothing but the entity and the
//! release, so it is made once for all tokens, and an answer is fragments joined. [`Arguments`]
//! filter by name, domain and area.

pub mod atm;
pub mod fragment;

use housekey_home::value::Map;
use housekey_policy::{View, Visible};

use crate::arguments::{self, Accepts, ArgumentError, Checks, Key};
use crate::json;
use crate::pythonic::text::{normalized, strip};
use crate::release::{Envelope, Namesakes, Profile};

/// What is said when there is nothing to show.
pub const NOTHING_EXPOSED: &str = "Only if the user wants to control a device, tell them to expose entities to their voice assistant in Home Assistant.";

/// Domains that the overview leaves out; they have tools of their own.
const LEFT_OUT: [&str; 2] = ["script", "calendar"];

const KEYS: [Key; 3] = [
    Key {
        name: "name",
        accepts: Accepts::Text,
    },
    Key {
        name: "domain",
        accepts: Accepts::Texts,
    },
    Key {
        name: "area",
        accepts: Accepts::Text,
    },
];

/// What the overview is narrowed to. Empty fields do not narrow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arguments {
    name: String,
    area: String,
    domains: Vec<String>,
    refuses_namesakes: bool,
}

impl Arguments {
    /// Reads the arguments of a call as the newest release does, whatever release is connected.
    ///
    /// # Errors
    /// [`ArgumentError`] for a key that there is not, and for what is no text.
    pub fn read(arguments: &Map) -> Result<Self, ArgumentError> {
        Self::checked(Checks::NEWEST, arguments)
    }

    /// Reads the arguments of a call to the native server as a release does.
    ///
    /// # Errors
    /// As [`Arguments::read`].
    pub fn read_as(profile: &Profile, arguments: &Map) -> Result<Self, ArgumentError> {
        let Some(checks) = profile.arguments else {
            return Ok(Self::default());
        };
        Ok(Self {
            refuses_namesakes: profile.namesakes == Namesakes::Refused,
            ..Self::checked(checks, arguments)?
        })
    }

    fn checked(checks: Checks, arguments: &Map) -> Result<Self, ArgumentError> {
        let mut read = Self::default();
        for argument in arguments::read(&KEYS, checks, arguments)? {
            let mut texts = argument.texts;
            match argument.name {
                "domain" => {
                    let domains = texts.iter().map(|text| strip(text).to_lowercase());
                    read.domains = domains.filter(|domain| !domain.is_empty()).collect();
                }
                "name" => read.name = texts.pop().unwrap_or_default(),
                _ => read.area = texts.pop().unwrap_or_default(),
            }
        }
        Ok(read)
    }
}

/// Why an overview holds nothing, in Home Assistant's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoMatch {
    /// There is nothing at all.
    #[error("{NOTHING_EXPOSED}")]
    NothingExposed,
    /// Nothing in these domains.
    #[error("No exposed entities found in domain(s): {}", .0.join(", "))]
    Domain(Vec<String>),
    /// Nothing of this name.
    #[error("No exposed entities matched name '{0}'")]
    Name(String),
    /// No such area.
    #[error("Area '{0}' does not exist")]
    Area(String),
    /// Nothing in this area.
    #[error("No exposed entities found in area '{0}'")]
    InArea(String),
    /// Several of one name, where a release wants one.
    #[error("No entities matched the provided filter")]
    Namesakes,
}

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The text itself.
    Text,
    /// The text of the native server's tool, such as `{"result": "<text>"}` or `{"error": "<text>"}`;
    /// see [`Envelope`].
    Tool,
    /// The text of the tool as the content of a JSON string in ASCII, ready for an envelope.
    Wire,
}

/// The overview in a form, behind what is there. When nothing matches, the refusal is written in
/// the same form and given back.
///
/// # Errors
/// [`NoMatch`] when the overview holds nothing.
pub fn answer_into(
    view: &View,
    arguments: &Arguments,
    form: Form,
    out: &mut String,
) -> Result<(), NoMatch> {
    let profile = Profile::of(view.release());
    match matching(view, profile, arguments) {
        Ok(shown) => {
            write_overview(&shown, profile, form, out);
            Ok(())
        }
        Err(no_match) => {
            write_refusal(&no_match.to_string(), profile, form, out);
            Err(no_match)
        }
    }
}

/// The overview as a text of its own.
///
/// # Errors
/// [`NoMatch`] when it holds nothing.
pub fn answer(view: &View, arguments: &Arguments) -> Result<String, NoMatch> {
    let mut out = String::new();
    answer_into(view, arguments, Form::Text, &mut out)?;
    Ok(out)
}

/// Every entity that is shown, in its order.
pub(crate) fn shown<'v>(view: &'v View, profile: &Profile) -> Vec<Visible<'v>> {
    let mut shown = if profile.is_sorted {
        view.overview()
    } else {
        view.overview_by_place()
    };
    shown.retain(|entity| !LEFT_OUT.contains(&entity.domain()));
    shown
}

/// The entities that match, in the order in which they are shown.
fn matching<'v>(
    view: &'v View,
    profile: &Profile,
    arguments: &Arguments,
) -> Result<Vec<Visible<'v>>, NoMatch> {
    let mut shown = shown(view, profile);
    if shown.is_empty() {
        return Err(NoMatch::NothingExposed);
    }
    if !arguments.domains.is_empty() {
        shown.retain(|entity| arguments.domains.iter().any(|d| d == entity.domain()));
        if shown.is_empty() {
            return Err(NoMatch::Domain(arguments.domains.clone()));
        }
    }
    if !arguments.name.is_empty() {
        let wanted = normalized(&arguments.name);
        shown.retain(|entity| {
            entity.id().as_str() == arguments.name || fragment::is_called(entity, profile, &wanted)
        });
        if shown.is_empty() {
            return Err(NoMatch::Name(arguments.name.clone()));
        }
    }
    if !arguments.area.is_empty() {
        keep_in_area(view, &arguments.area, &mut shown)?;
    }
    if arguments.refuses_namesakes && !arguments.name.is_empty() && shown.len() > 1 {
        return Err(NoMatch::Namesakes);
    }
    Ok(shown)
}

fn keep_in_area(view: &View, wanted: &str, shown: &mut Vec<Visible<'_>>) -> Result<(), NoMatch> {
    let folded = normalized(wanted);
    let mut areas = view.areas();
    areas.retain(|area| {
        let mut names = std::iter::once(area.name()).chain(area.aliases().iter().map(|a| &**a));
        area.id().as_str() == wanted || names.any(|name| normalized(name) == folded)
    });
    if areas.is_empty() {
        return Err(NoMatch::Area(wanted.to_owned()));
    }
    shown.retain(|entity| {
        let area = entity.area();
        area.is_some_and(|area| areas.iter().any(|wanted| wanted.id() == area.id()))
    });
    if shown.is_empty() {
        return Err(NoMatch::InArea(wanted.to_owned()));
    }
    Ok(())
}

fn write_overview(shown: &[Visible<'_>], profile: &Profile, form: Form, out: &mut String) {
    let fragments = |kind: fragment::Kind, out: &mut String| {
        out.reserve(shown.len() * FRAGMENT_BYTES);
        for entity in shown {
            out.push_str(kind.of(entity));
        }
    };
    let heading = profile.overview_heading;
    let opening = match profile.envelope {
        Envelope::Success => "{\"success\": true, \"result\": \"",
        Envelope::Bare => "{\"result\": \"",
    };
    match form {
        Form::Text => {
            out.push_str(heading);
            out.push('\n');
            fragments(fragment::Kind::Text, out);
        }
        Form::Tool => {
            out.push_str(opening);
            out.push_str(heading);
            out.push_str("\\n");
            for entity in shown {
                let text = fragment::Kind::Text.of(entity);
                if profile.inner_json_is_ascii {
                    json::escape_ascii_into(text, out);
                } else {
                    json::escape_into(text, out);
                }
            }
            out.push_str("\"}");
        }
        Form::Wire => {
            json::escape_ascii_into(opening, out);
            out.push_str(heading);
            out.push_str("\\\\n");
            fragments(fragment::Kind::Wire, out);
            out.push_str("\\\"}");
        }
    }
}

/// What a fragment usually weighs, to reserve space for the answer at once.
const FRAGMENT_BYTES: usize = 128;

fn write_refusal(text: &str, profile: &Profile, form: Form, out: &mut String) {
    match form {
        Form::Text => out.push_str(text),
        Form::Tool => out.push_str(&profile.refusal(text)),
        Form::Wire => json::escape_ascii_into(&profile.refusal(text), out),
    }
}

#[cfg(test)]
mod tests;
