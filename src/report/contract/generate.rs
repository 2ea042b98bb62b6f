//! Schemas made from the structs of the contract; what schemars leaves to taste is decided here.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema as Generated, json_schema};
use serde_json::{Map, Value, json};

use super::{API_VERSION, Document, Schema};

/// Returns the schema of a document, from its struct and the comments there.
pub(super) fn schema_of<T: Document>() -> Schema {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(words_as_enum))
        .with_transform(RecursiveTransform(never_null))
        .with_transform(RecursiveTransform(known_format));
    let mut generated = settings.into_generator().into_root_schema_for::<T>();
    let description = generated.get("description").and_then(Value::as_str);
    let description = description.unwrap_or_default().to_owned();
    generated.insert("$id".into(), format!("urn:mcai:{}:v1", T::KIND).into());
    generated.insert("title".into(), T::KIND.into());
    add_envelope(&mut generated, T::KIND);
    Schema {
        kind: T::KIND,
        description,
        schema: generated.to_value(),
    }
}

/// Adds what stands before the fields of every document.
fn add_envelope(schema: &mut Generated, kind: &str) {
    let fields = [
        (
            "apiVersion",
            API_VERSION,
            "The version of the contract. It changes when a field changes its meaning or goes.",
        ),
        ("kind", kind, "What the document is."),
    ];
    let root = schema.ensure_object();
    let properties = root.entry("properties").or_insert(json!({}));
    for (name, value, about) in fields {
        properties[name] = json!({ "const": value, "description": about });
    }
    if let Some(required) = root.entry("required").or_insert(json!([])).as_array_mut() {
        required.splice(0..0, fields.map(|(name, ..)| name.into()));
    }
}

/// Makes a choice of words a plain `enum`, which more tools understand, and lists the meanings in the description.
fn words_as_enum(schema: &mut Generated) {
    let text = |value: &Value, key| Some(value.get(key)?.as_str()?.to_owned());
    let word = |choice: &Value| Some((text(choice, "const")?, text(choice, "description")?));
    let choices = schema.get("oneOf").and_then(Value::as_array);
    let words: Option<Vec<_>> = choices.and_then(|choices| choices.iter().map(word).collect());
    let Some(words) = words else { return };
    let mut about = text(schema.as_value(), "description").unwrap_or_default();
    for (word, meaning) in &words {
        about += &format!("\n- `{word}`: {meaning}");
    }
    let words: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
    *schema = json_schema!({ "type": "string", "enum": words, "description": about });
}

/// A field that may be missing is left out when there is nothing to say; it is never null.
fn never_null(schema: &mut Generated) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        let names = required.as_array().map_or(&[][..], Vec::as_slice);
        names.iter().any(|required| required == name)
    };
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(property) = property.as_object_mut().filter(|_| !is_required(name)) {
            without_null(property);
        }
    }
}

/// Undoes what an `Option` adds: `type: [X, null]`, or `anyOf` of a schema and null.
fn without_null(property: &mut Map<String, Value>) {
    let first = |property: &Map<String, Value>, key| match property.get(key) {
        Some(Value::Array(choices)) => choices.first().cloned(),
        _ => None,
    };
    if let Some(one) = first(property, "type") {
        property.insert("type".into(), one);
    }
    if let Some(Value::Object(one)) = first(property, "anyOf") {
        property.remove("anyOf");
        property.extend(one);
    }
}

/// Leaves out formats that JSON Schema does not define, such as `uint32`: strict validators refuse them.
fn known_format(schema: &mut Generated) {
    if schema
        .get("format")
        .is_some_and(|format| format != "date-time")
    {
        schema.remove("format");
    }
}
