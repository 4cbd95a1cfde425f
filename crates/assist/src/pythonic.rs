//! How Python prints and reads numbers and texts, as far as Home Assistant shows it.
//!
//! [`number`] holds floats, [`text`] strings; here are the forms that join both.

pub mod number;
pub mod text;

use housekey_home::value::Value;

/// `str(value)` of a scalar; `None` for what is not one.
#[must_use]
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("None".to_owned()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Int(int) => Some(int.to_string()),
        Value::BigInt(digits) => Some(String::from(&**digits)),
        Value::Float(float) => Some(number::repr(*float)),
        Value::Text(text) => Some(String::from(&**text)),
        Value::List(_) | Value::Map(_) | Value::Tuple(_) | Value::Set(_) | Value::DateTime(_) => {
            None
        }
    }
}

/// `str([...])` of a list of strings.
#[must_use]
pub fn list_text<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        text::repr_into(item, &mut out);
    }
    out.push(']');
    out
}

/// `repr(value)`.
#[must_use]
pub fn repr(value: &Value) -> String {
    match value {
        Value::Text(text) => text::repr(text),
        Value::List(items) => format!("[{}]", reprs(items)),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", reprs(items)),
        Value::Tuple(items) => format!("({})", reprs(items)),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(items) => format!("{{{}}}", reprs(items)),
        Value::Map(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{}: {}", text::repr(key), repr(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::DateTime(at) => text::repr(&at.iso_utc().to_string()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
            scalar_text(value).unwrap_or_default()
        }
    }
}

fn reprs(items: &[Value]) -> String {
    items.iter().map(repr).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_read_as_str_prints_them() {
        for (value, text) in [
            (Value::Null, "None"),
            (Value::Bool(true), "True"),
            (Value::Int(-7), "-7"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(1e16), "1e+16"),
            (Value::text("x"), "x"),
        ] {
            assert_eq!(scalar_text(&value).as_deref(), Some(text));
        }
        assert_eq!(scalar_text(&Value::List([].into())), None);
        let nested: Value = serde_json::from_str(r#"{"a":[1,null,"x"],"b":{}}"#).unwrap();
        assert_eq!(repr(&nested), "{'a': [1, None, 'x'], 'b': {}}");
        assert_eq!(list_text(["a", "it's"]), r#"['a', "it's"]"#);
    }
}
