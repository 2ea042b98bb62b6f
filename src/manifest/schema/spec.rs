//! The schema of a Model's `spec`, made of KubeAI's table of fields.

use serde_json::{Map, Value, json};

use super::form::{list, one_of, or_null, text, text_map};
use crate::kubeai::fields::{Field, Type};

/// What null means in KubeAI's fields.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Nulls {
    AreMissing,
    /// In a merge patch, which needs no field at all.
    Remove,
}

/// Returns a mapping of KubeAI's fields. Others are allowed: a newer KubeAI may know them, and whether one is only
/// misspelt is for the reader to judge.
pub(super) fn fields(fields: &[Field], nulls: Nulls) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut of = field_type(&field.of, nulls);
        if field.required && nulls == Nulls::AreMissing {
            required.push(field.name);
        } else {
            of = or_null(of);
        }
        of["description"] = json!(field.about);
        properties.insert(field.name.to_owned(), of);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn field_type(of: &Type, nulls: Nulls) -> Value {
    match of {
        Type::Text => text(),
        Type::Flag => json!({ "type": "boolean" }),
        Type::Integer(least, most) => integer(*least, *most),
        Type::OneOf(words) => one_of(words.iter().map(|(word, _)| *word)),
        // A list is never patched, but replaced.
        Type::ListOf(item) => list(field_type(item, Nulls::AreMissing)),
        Type::MapOfText if nulls == Nulls::Remove => {
            json!({ "type": "object", "additionalProperties": or_null(text()) })
        }
        Type::MapOfText => text_map(),
        Type::Object(inner) => fields(inner, nulls),
    }
}

fn integer(least: i64, most: i64) -> Value {
    let mut integer = json!({ "type": "integer" });
    if least > i64::MIN {
        integer["minimum"] = json!(least);
    }
    if most < i64::MAX {
        integer["maximum"] = json!(most);
    }
    integer
}
