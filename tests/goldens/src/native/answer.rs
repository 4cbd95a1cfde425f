//! What a tool answered, recorded and now.

use housekey_assist::date_time::date_time;
use housekey_assist::live_context::{Arguments, Form, answer_into};
use housekey_assist::release::Profile;
use housekey_home::time::UtcMicros;
use housekey_home::value::Map;
use housekey_policy::View;
use serde_json::Value;

/// The text of a tool's answer, and whether it is a failure.
pub(super) struct Answer {
    text: String,
    is_error: bool,
}

impl Answer {
    pub(super) fn recorded(response: &Value) -> Option<Self> {
        Some(Self {
            text: response.pointer("/content/0/text")?.as_str()?.to_owned(),
            is_error: response.get("isError")?.as_bool()?,
        })
    }

    pub(super) fn live_context(view: &View, profile: &Profile, arguments: &Map) -> Self {
        let arguments = match Arguments::read_as(profile, arguments) {
            Ok(arguments) => arguments,
            Err(error) => {
                return Self {
                    text: error.told(),
                    is_error: true,
                };
            }
        };
        let mut text = String::new();
        let is_refused = answer_into(view, &arguments, Form::Tool, &mut text).is_err();
        let is_error = is_refused && profile.refusals_are_errors();
        let mut wire = String::from("\"");
        // The same refusal as above.
        let _ = answer_into(view, &arguments, Form::Wire, &mut wire);
        wire.push('"');
        match serde_json::from_str::<String>(&wire) {
            Ok(same) if same == text && wire.is_ascii() => Self { text, is_error },
            Ok(_) | Err(_) => Self {
                text: format!("the form for the wire differs: {wire}"),
                is_error,
            },
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{} (isError {})", self.text, self.is_error)
    }
}

/// What is wrong with a recorded time: it has to be what housekey says at that instant.
pub(super) fn time_miss(answer: &Answer, profile: &Profile, zone: &str) -> Option<String> {
    let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let told = told.get("result").unwrap_or(&told);
    let part = |key| told.get(key).and_then(Value::as_str).unwrap_or_default();
    let wall = format!("{}T{}", part("date"), part("time"));
    let instant = wall
        .parse::<jiff::civil::DateTime>()
        .and_then(|wall| wall.in_tz(zone));
    let Ok(instant) = instant else {
        return Some(format!("{} holds no time", answer.text));
    };
    let now = UtcMicros(instant.timestamp().as_microsecond());
    let ours = profile.answer(date_time(now, zone).json());
    (ours != answer.text).then(|| format!("expected {}, got {ours}", answer.text))
}
