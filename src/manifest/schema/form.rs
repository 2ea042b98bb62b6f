//! What schemas are made of: mappings with known keys, texts, words, lists, numbers.

use serde_json::{Map, Value, json};

/// A key of a mapping.
pub(super) struct Key {
    name: &'static str,
    of: Value,
    about: &'static str,
    required: bool,
}

pub(super) fn required(name: &'static str, of: Value, about: &'static str) -> Key {
    Key {
        name,
        of,
        about,
        required: true,
    }
}

pub(super) fn optional(name: &'static str, of: Value, about: &'static str) -> Key {
    Key {
        name,
        of: or_null(of),
        about,
        required: false,
    }
}

impl Key {
    pub(super) fn default(mut self, value: &str) -> Self {
        self.of["default"] = json!(value);
        self
    }
}

/// Returns a mapping of these keys and no others.
pub(super) fn mapping(keys: impl IntoIterator<Item = Key>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for mut key in keys {
        if key.required {
            required.push(key.name);
        }
        key.of["description"] = json!(key.about);
        properties.insert(key.name.to_owned(), key.of);
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Adds null, which the reader takes for a key that is not there.
pub(super) fn or_null(mut of: Value) -> Value {
    if let Some(words) = of.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    match of.get("type").cloned() {
        Some(one) => of["type"] = json!([one, "null"]),
        None => of = json!({ "anyOf": [of, { "type": "null" }] }),
    }
    of
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}

pub(super) fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

pub(super) fn text_map() -> Value {
    json!({ "type": "object", "additionalProperties": text() })
}

pub(super) fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
}
