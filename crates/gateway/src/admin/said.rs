//! `Said`, what an owner asked for, as the audit keeps it.

use std::fmt::Display;

use housekey_assist::json;
use housekey_store::audit::Payload;

/// The members of a JSON object.
#[derive(Default)]
pub(super) struct Said(Vec<(&'static str, String)>);

impl Said {
    pub(super) fn text(mut self, key: &'static str, text: &str) -> Self {
        let mut out = String::new();
        json::string_into(text, &mut out);
        self.0.push((key, out));
        self
    }

    /// A number or a truth value.
    pub(super) fn plain(mut self, key: &'static str, value: impl Display) -> Self {
        self.0.push((key, format!("{value}")));
        self
    }

    /// A list, if there is something in it.
    pub(super) fn texts(mut self, key: &'static str, texts: &[String]) -> Self {
        if !texts.is_empty() {
            let mut out = String::from("[");
            for (at, text) in texts.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                json::string_into(text, &mut out);
            }
            out.push(']');
            self.0.push((key, out));
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object; the store bounds it.
    pub(super) fn payload(&self) -> Option<Payload> {
        let mut out = String::new();
        let mut object = json::Object::begin(&mut out);
        for (key, value) in &self.0 {
            object.key(key).push_str(value);
        }
        object.end();
        (!self.is_empty()).then(|| Payload::new(out))
    }
}
