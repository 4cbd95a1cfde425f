//! `Message`, everything that Home Assistant sends. Payloads stay unparsed text until their reader
//! knows what they are, so that a big one is built once, in its final type.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::registry::InvalidEntry;

/// One message.
#[derive(Debug)]
pub enum Message<'a> {
    /// The first message of a connection.
    AuthRequired {
        /// The release.
        ha_version: Cow<'a, str>,
    },
    /// The token was accepted.
    AuthOk {
        /// The release.
        ha_version: Cow<'a, str>,
    },
    /// The token was refused; the connection closes.
    AuthInvalid {
        /// Why.
        message: Cow<'a, str>,
    },
    /// The answer to a command, or the news that a subscription lost an event.
    Result {
        /// The id of the command.
        id: u64,
        /// The answer.
        outcome: Result<Payload<'a>, Refused>,
    },
    /// An event of a subscription.
    Event {
        /// The id of the subscribing command.
        id: u64,
        /// The event.
        event: Payload<'a>,
    },
    /// The answer to a ping.
    Pong {
        /// The id of the ping.
        id: u64,
    },
    /// A message that this vocabulary does not have.
    Unknown,
}

/// JSON text whose reader knows what it is; a missing one is null.
#[derive(Clone, Copy)]
pub struct Payload<'a>(&'a str);

impl<'a> Payload<'a> {
    /// The text of an answer or event.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.0
    }

    /// Reads it as what it is.
    ///
    /// # Errors
    /// [`WireError::Payload`] when it is something else.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, WireError> {
        serde_json::from_str(self.0).map_err(|error| WireError::of_payload(&error))
    }
}

/// Prints its size: what it holds is the home's.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// The error of a `result`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Deserialize)]
#[error("Home Assistant refused: {code}")]
pub struct Refused {
    /// The code, `unknown_command` for example.
    #[serde(default)]
    pub code: String,
    /// The text for people; it may echo values.
    #[serde(default)]
    pub message: String,
}

/// What came is not what Home Assistant promises.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// A frame is neither a JSON object nor an array of objects.
    #[error("a frame is not a message: line {line} column {column}")]
    Frame {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// A payload is not what belongs there.
    #[error("a payload is not what belongs there: line {line} column {column}, {kind}")]
    Payload {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
        /// `syntax` or `data`.
        kind: &'static str,
    },
    /// A registry entry lacks what makes it one.
    #[error(transparent)]
    Entry(InvalidEntry),
}

impl WireError {
    /// Keeps the place and drops the text: it may quote data of the home.
    pub(crate) fn of_payload(error: &serde_json::Error) -> Self {
        Self::Payload {
            line: error.line(),
            column: error.column(),
            kind: if error.is_data() { "data" } else { "syntax" },
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    success: bool,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Refused>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ha_version: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    fn into_message(self) -> Message<'a> {
        // Home Assistant echoes a bad id as it came; ours are integers.
        let id = self.id.and_then(|id| id.get().parse::<u64>().ok());
        let payload = |raw: Option<&'a RawValue>| Payload(raw.map_or("null", RawValue::get));
        match (&*self.kind, id) {
            ("auth_required", _) => Message::AuthRequired {
                ha_version: self.ha_version.unwrap_or_default(),
            },
            ("auth_ok", _) => Message::AuthOk {
                ha_version: self.ha_version.unwrap_or_default(),
            },
            ("auth_invalid", _) => Message::AuthInvalid {
                message: self.message.unwrap_or_default(),
            },
            ("result", Some(id)) => Message::Result {
                id,
                outcome: if self.success {
                    Ok(payload(self.result))
                } else {
                    Err(self.error.unwrap_or(Refused {
                        code: "unknown_error".to_owned(),
                        message: String::new(),
                    }))
                },
            },
            ("event", Some(id)) => Message::Event {
                id,
                event: payload(self.event),
            },
            ("pong", Some(id)) => Message::Pong { id },
            (_, _) => Message::Unknown,
        }
    }
}

impl Message<'_> {
    /// Reads a text frame: one message or an array of messages, in order.
    ///
    /// # Errors
    /// [`WireError::Frame`] when it is neither.
    pub fn parse_frame(text: &str) -> Result<Vec<Message<'_>>, WireError> {
        let envelopes = if text.trim_start().starts_with('[') {
            serde_json::from_str::<Vec<Envelope<'_>>>(text)
        } else {
            serde_json::from_str::<Envelope<'_>>(text).map(|one| vec![one])
        };
        match envelopes {
            Ok(envelopes) => Ok(envelopes.into_iter().map(Envelope::into_message).collect()),
            Err(error) => Err(WireError::Frame {
                line: error.line(),
                column: error.column(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> Vec<String> {
        let messages = Message::parse_frame(text).unwrap();
        messages
            .iter()
            .map(|message| match message {
                Message::AuthRequired { ha_version } => format!("auth_required {ha_version}"),
                Message::AuthOk { ha_version } => format!("auth_ok {ha_version}"),
                Message::AuthInvalid { message } => format!("auth_invalid {message}"),
                Message::Result {
                    id,
                    outcome: Ok(payload),
                } => {
                    format!("result {id} {}", payload.text())
                }
                Message::Result {
                    id,
                    outcome: Err(refused),
                } => {
                    format!("refused {id} {}", refused.code)
                }
                Message::Event { id, event } => format!("event {id} {}", event.text()),
                Message::Pong { id } => format!("pong {id}"),
                Message::Unknown => "unknown".to_owned(),
            })
            .collect()
    }

    #[test]
    fn frames_are_one_message_or_several_in_any_key_order() {
        for (text, shown) in [
            (
                r#"{"type":"auth_required","ha_version":"2026.11.0"}"#,
                vec!["auth_required 2026.11.0"],
            ),
            (
                r#"{"type":"auth_invalid","message":"no \"x\""}"#,
                vec![r#"auth_invalid no "x""#],
            ),
            (
                r#"{"id":1,"type": "result","success":true,"result":null}"#,
                vec!["result 1 null"],
            ),
            (
                r#" [{"type":"event","event":{"a":{}},"id":3},{"id":9,"type":"pong"}]"#,
                vec![r#"event 3 {"a":{}}"#, "pong 9"],
            ),
            (
                r#"{"id":4,"type":"result","success":false,"error":{"code":"not_found","message":"m","translation_placeholders":null},"new":[1]}"#,
                vec!["refused 4 not_found"],
            ),
            (
                r#"{"id":null,"type":"result","success":false,"error":{"code":"invalid_format"}}"#,
                vec!["unknown"],
            ),
            (r#"{"id":1,"type":"tomorrow"}"#, vec!["unknown"]),
            ("[]", vec![]),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
        for text in ["", "nonsense", "[1]", r#"{"id":1"#, "\"x\""] {
            assert!(Message::parse_frame(text).is_err(), "{text}");
        }
    }
}
