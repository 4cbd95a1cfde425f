//! How the arguments of a call are checked, and the texts that say what is wrong with them.
//!
//! What the schema says is checked first, by the protocol's library, where a release has it so; then
//! Home Assistant reads the arguments, and the first error in the order of the call counts.

use std::cmp::Reverse;

use housekey_home::value::{Map, Value};

use crate::pythonic::{self, text};

/// What is wrong with the arguments of a call.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArgumentError {
    /// In the words of Home Assistant.
    #[error("{0}")]
    Home(String),
    /// In the words of the protocol's library, which checks the schema.
    #[error("Input validation error: {0}")]
    Schema(String),
}

impl ArgumentError {
    /// The text of the native server's tool.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Home(text) => format!("Error calling tool: {text}"),
            Self::Schema(_) => self.to_string(),
        }
    }
}

/// How a release checks arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checks {
    /// What the library checks before.
    pub schema: Schema,
    /// How Home Assistant says what is wrong.
    pub wording: Wording,
}

impl Checks {
    /// Those of the newest release, which are the rules of every face but the native one.
    pub const NEWEST: Self = Self {
        schema: Schema::None,
        wording: Wording::Probatio,
    };
}

/// What the protocol's library checks against the schema of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// Nothing.
    None,
    /// Keys of a single text; the schema of the others lets everything pass.
    Texts,
    /// Every key.
    All,
}

/// Whose words Home Assistant uses: those of its validator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wording {
    /// `what @ data['key'][1]` (2026.8 and before).
    Voluptuous,
    /// `what at 'key[1]'` (2026.9 and later).
    Probatio,
}

/// What a key accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accepts {
    /// A text; numbers and booleans are taken in their Python form.
    Text,
    /// A text or a list of texts.
    Texts,
}

/// A key that a tool knows; all are optional.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it accepts.
    pub accepts: Accepts,
}

/// The texts of one argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// Which key.
    pub name: &'static str,
    /// Its texts; one for a single text.
    pub texts: Vec<String>,
}

/// Checks the arguments of a call against the keys that a tool knows, and reads them.
///
/// # Errors
/// The first [`ArgumentError`].
pub fn read(keys: &[Key], checks: Checks, arguments: &Map) -> Result<Vec<Argument>, ArgumentError> {
    match_schema(keys, checks.schema, arguments)?;
    arguments
        .iter()
        .map(|(name, value)| {
            let Some(key) = keys.iter().find(|key| *key.name == **name) else {
                return Err(unknown_key(keys, checks.wording, name));
            };
            let place = Place {
                wording: checks.wording,
                key: key.name,
                index: None,
            };
            let texts = match (key.accepts, value) {
                (Accepts::Texts, Value::List(items)) => items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| place.at(index).text(item))
                    .collect::<Result<_, _>>()?,
                (Accepts::Text | Accepts::Texts, value) => vec![place.text(value)?],
            };
            Ok(Argument {
                name: key.name,
                texts,
            })
        })
        .collect()
}

/// What `jsonschema.validate` raises: of several errors the one that `best_match` prefers, which is
/// that of the key last in the alphabet, and inside of a list that of the first item.
fn match_schema(keys: &[Key], schema: Schema, arguments: &Map) -> Result<(), ArgumentError> {
    let mut checked: Vec<&Key> = keys
        .iter()
        .filter(|key| match schema {
            Schema::None => false,
            Schema::Texts => key.accepts == Accepts::Text,
            Schema::All => true,
        })
        .collect();
    checked.sort_unstable_by_key(|key| Reverse(key.name));
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let no_text = |value| format!("{} is not of type 'string'", pythonic::repr(value));
    let wrong = checked.into_iter().find_map(|key| {
        let value = arguments.get(key.name)?;
        match (key.accepts, value) {
            (_, Value::Text(_)) => None,
            (Accepts::Text, value) => Some(no_text(value)),
            (Accepts::Texts, Value::List(items)) => {
                items.iter().find(|item| !is_text(item)).map(no_text)
            }
            (Accepts::Texts, value) => Some(format!(
                "{} is not valid under any of the given schemas",
                pythonic::repr(value)
            )),
        }
    });
    wrong.map_or(Ok(()), |text| Err(ArgumentError::Schema(text)))
}

/// Where in the arguments a text is expected.
#[derive(Clone, Copy)]
struct Place {
    wording: Wording,
    key: &'static str,
    index: Option<usize>,
}

impl Place {
    fn at(self, index: usize) -> Self {
        Self {
            index: Some(index),
            ..self
        }
    }

    fn text(self, value: &Value) -> Result<String, ArgumentError> {
        if *value == Value::Null {
            return Err(self.wrong("string value is None"));
        }
        pythonic::scalar_text(value).ok_or_else(|| self.wrong("value should be a string"))
    }

    fn wrong(self, what: &str) -> ArgumentError {
        let key = self.key;
        ArgumentError::Home(match (self.wording, self.index) {
            (Wording::Voluptuous, None) => {
                format!("{what} for dictionary value @ data['{key}']")
            }
            (Wording::Voluptuous, Some(index)) => format!("{what} @ data['{key}'][{index}]"),
            (Wording::Probatio, None) => format!("{what} at '{key}'"),
            (Wording::Probatio, Some(index)) => format!("{what} at '{key}[{index}]'"),
        })
    }
}

fn unknown_key(keys: &[Key], wording: Wording, name: &str) -> ArgumentError {
    if wording == Wording::Voluptuous {
        let shown = text::repr(name);
        return ArgumentError::Home(format!("extra keys not allowed @ data[{shown}]"));
    }
    let mut message = String::from("not a valid option");
    let close = close_matches(name, keys.iter().map(|key| key.name));
    if let Some((last, others)) = close.split_last() {
        message.push_str(", did you mean ");
        let others: Vec<String> = others.iter().map(|name| text::repr(name)).collect();
        if !others.is_empty() {
            message.push_str(&others.join(", "));
            message.push_str(" or ");
        }
        message.push_str(&text::repr(last));
        message.push('?');
    }
    ArgumentError::Home(format!("{message} at '{}'", path_of_key(name)))
}

/// Longest key that an error path shows, in characters.
const PATH_CHARS_MAX: usize = 500;

/// A key as an error path shows it: bare if it looks like an identifier, else quoted in brackets.
fn path_of_key(name: &str) -> String {
    let is_bare = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let inner = name.strip_prefix('<').and_then(|n| n.strip_suffix('>'));
    let bare = is_bare(name) || inner.is_some_and(is_bare);
    if bare && name.len() <= PATH_CHARS_MAX {
        return name.to_owned();
    }
    let quoted = text::repr(name);
    if quoted.chars().count() <= PATH_CHARS_MAX {
        return format!("[{quoted}]");
    }
    let cut: String = quoted.chars().take(PATH_CHARS_MAX - 3).collect();
    format!("[{cut}...]")
}

/// Likeness from which a name is suggested.
const LIKENESS_MIN: f64 = 0.7;
/// Most names that are suggested.
const SUGGESTIONS_MAX: usize = 3;

/// The names most like `word`, best first; of equals the later in the alphabet first (Python
/// `difflib.get_close_matches`).
fn close_matches<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word: Vec<char> = word.chars().collect();
    let mut close: Vec<(f64, &str)> = names
        .map(|name| (likeness(&name.chars().collect::<Vec<_>>(), &word), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    close.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| y.cmp(x)));
    close.truncate(SUGGESTIONS_MAX);
    close.into_iter().map(|(_, name)| name).collect()
}

/// Twice the number of matching characters over all of them (Python `SequenceMatcher.ratio`).
#[expect(clippy::cast_precision_loss, reason = "lengths of short texts")]
fn likeness(a: &[char], b: &[char]) -> f64 {
    let total = (a.len() + b.len()) as f64;
    // Far apart in length there cannot be enough matches; this also bounds the work below.
    if total == 0.0 || 2.0 * a.len().min(b.len()) as f64 / total < LIKENESS_MIN {
        return 0.0;
    }
    2.0 * matching(a, b) as f64 / total
}

/// Characters in the longest common run, and in what lies left and right of it likewise.
fn matching(a: &[char], b: &[char]) -> usize {
    let (mut size, mut at_a, mut at_b) = (0, 0, 0);
    for (i, from_a) in (0..a.len()).filter_map(|i| Some((i, a.get(i..)?))) {
        for (j, from_b) in (0..b.len()).filter_map(|j| Some((j, b.get(j..)?))) {
            let run = from_a
                .iter()
                .zip(from_b)
                .take_while(|(x, y)| x == y)
                .count();
            if run > size {
                (size, at_a, at_b) = (run, i, j);
            }
        }
    }
    if size == 0 {
        return 0;
    }
    let part = |text: &[char], range: std::ops::Range<usize>| -> Vec<char> {
        text.get(range).unwrap_or_default().to_vec()
    };
    size + matching(&part(a, 0..at_a), &part(b, 0..at_b))
        + matching(
            &part(a, at_a + size..a.len()),
            &part(b, at_b + size..b.len()),
        )
}

#[cfg(test)]
mod tests;
