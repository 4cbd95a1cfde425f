//! How the arguments of a call are checked, and the texts that say what is wrong with them (HA
//! 2026.11, whose validator is probatio: the first error in the order of the call counts).

use housekey_home::value::{Map, Value};

use crate::pythonic::{self, text};

/// What is wrong with the arguments of a call, in Home Assistant's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ArgumentError(String);

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
/// The first [`ArgumentError`] in the order of the call.
pub fn read(keys: &[Key], arguments: &Map) -> Result<Vec<Argument>, ArgumentError> {
    arguments
        .iter()
        .map(|(name, value)| {
            let Some(key) = keys.iter().find(|key| *key.name == **name) else {
                return Err(unknown_key(keys, name));
            };
            let texts = match (key.accepts, value) {
                (Accepts::Texts, Value::List(items)) => items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| one_text(item, || format!("{}[{index}]", key.name)))
                    .collect::<Result<_, _>>()?,
                (Accepts::Text | Accepts::Texts, value) => {
                    vec![one_text(value, || key.name.to_owned())?]
                }
            };
            Ok(Argument {
                name: key.name,
                texts,
            })
        })
        .collect()
}

fn one_text(value: &Value, path: impl FnOnce() -> String) -> Result<String, ArgumentError> {
    let wrong = |what: &str, path: String| ArgumentError(format!("{what} at '{path}'"));
    if *value == Value::Null {
        return Err(wrong("string value is None", path()));
    }
    pythonic::scalar_text(value).ok_or_else(|| wrong("value should be a string", path()))
}

fn unknown_key(keys: &[Key], name: &str) -> ArgumentError {
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
    ArgumentError(format!("{message} at '{}'", path_of_key(name)))
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
mod tests {
    use super::*;

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

    fn error(json: &str) -> String {
        let arguments: Map = serde_json::from_str(json).unwrap();
        read(&KEYS, &arguments).unwrap_err().to_string()
    }

    #[test]
    fn errors_read_as_home_assistants() {
        for (json, text) in [
            (r#"{"name":null}"#, "string value is None at 'name'"),
            (r#"{"name":["a"]}"#, "value should be a string at 'name'"),
            (r#"{"area":{}}"#, "value should be a string at 'area'"),
            (r#"{"domain":null}"#, "string value is None at 'domain'"),
            (
                r#"{"domain":{"a":1}}"#,
                "value should be a string at 'domain'",
            ),
            (
                r#"{"domain":["light",["x"]]}"#,
                "value should be a string at 'domain[1]'",
            ),
            (
                r#"{"domain":[null,["x"]]}"#,
                "string value is None at 'domain[0]'",
            ),
            (
                r#"{"extra":1,"name":null}"#,
                "not a valid option at 'extra'",
            ),
            (
                r#"{"name":null,"extra":1}"#,
                "string value is None at 'name'",
            ),
            (
                r#"{"names":1}"#,
                "not a valid option, did you mean 'name'? at 'names'",
            ),
            (
                r#"{"Area":1}"#,
                "not a valid option, did you mean 'area'? at 'Area'",
            ),
            (
                r#"{"domains":1}"#,
                "not a valid option, did you mean 'domain'? at 'domains'",
            ),
            (r#"{"a b":1}"#, "not a valid option at '['a b']'"),
            (r#"{"":1}"#, "not a valid option at '['']'"),
            (r#"{"<x>":1}"#, "not a valid option at '<x>'"),
            (r#"{"ä":1}"#, "not a valid option at '['ä']'"),
        ] {
            assert_eq!(error(json), text, "{json}");
        }
        let long = "k".repeat(600);
        let shown = format!("not a valid option at '['{}...]'", "k".repeat(496));
        assert_eq!(error(&format!(r#"{{"{long}":1}}"#)), shown);
    }

    #[test]
    fn numbers_are_taken_in_their_python_form() {
        let arguments: Map =
            serde_json::from_str(r#"{"name":true,"domain":[5,1.0,"x"],"area":1e16}"#).unwrap();
        let texts: Vec<Vec<String>> = read(&KEYS, &arguments)
            .unwrap()
            .into_iter()
            .map(|argument| argument.texts)
            .collect();
        assert_eq!(texts, [vec!["True"], vec!["5", "1.0", "x"], vec!["1e+16"]]);
    }

    #[test]
    fn likeness_is_difflibs() {
        // Computed with CPython's difflib.
        for (a, b, expected) in [
            ("name", "nmae", 0.75),
            ("domain", "domains", 12.0 / 13.0),
            ("area", "aera", 0.75),
            ("abcd", "bcda", 0.75),
            ("name", "xyz", 0.0),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let got = likeness(&chars(a), &chars(b));
            assert!((got - expected).abs() < 1e-12, "{a} and {b}: {got}");
        }
    }
}
