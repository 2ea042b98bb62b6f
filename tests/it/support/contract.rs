//! Every document that the program prints is held against the schema of its kind, by a stock validator.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use mcai::report::contract;
use serde_json::{Value, json};

/// The schemas in a strict form: what they do not name is refused. Readers must bear new fields, but mcai prints none
/// that is undocumented.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let strict = |schema: contract::Schema| {
        let mut strict = schema.schema;
        close(&mut strict);
        (schema.kind.to_owned(), validator(&strict))
    };
    contract::schemas().into_iter().map(strict).collect()
});

/// Returns a validator of a schema as it is.
pub(crate) fn validator(schema: &Value) -> Validator {
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(schema).expect("a schema of draft 2020-12")
}

/// Refuses properties that a schema does not name, in it and in what it says of the values below. What is joined with
/// others (`oneOf`, definitions that are referred to) stays open: the whole is closed where it is used.
fn close(schema: &mut Value) {
    close_below(schema);
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    let describes = ["properties", "oneOf", "$ref"];
    if describes.iter().any(|key| schema.contains_key(*key)) {
        schema.insert("unevaluatedProperties".into(), json!(false));
    }
}

fn close_below(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties", Value::Object(inner)) => inner.values_mut().for_each(close),
            ("items" | "additionalProperties", inner) => close(inner),
            ("oneOf", Value::Array(inner)) => inner.iter_mut().for_each(close_below),
            ("$defs", Value::Object(inner)) => inner.values_mut().for_each(close_below),
            _ => {}
        }
    }
}

/// Says what is wrong with a document, if anything is.
pub(crate) fn fault(document: &Value) -> Option<String> {
    if document.get("$schema").is_some() {
        let result = jsonschema::meta::validate(document);
        return result.err().map(|error| error.to_string());
    }
    let kind = document["kind"].as_str().unwrap_or_default();
    let Some(validator) = VALIDATORS.get(kind) else {
        return Some(format!("`{kind}` is no kind of document"));
    };
    let faults = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()));
    let faults: Vec<String> = faults.collect();
    (!faults.is_empty()).then(|| faults.join("\n"))
}

/// Reads the documents of a run; panics when one does not keep to its schema.
#[track_caller]
pub(crate) fn assert_documents(words: &[String], code: Option<i32>, stdout: &str) {
    for document in documents(words, code, stdout) {
        if let Some(fault) = fault(&document) {
            panic!("`mcai {}` printed\n{document:#}\n{fault}", words.join(" "));
        }
    }
}

/// The form that `-o` asks for, however it is written.
fn form(words: &[String]) -> Option<&str> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        let rest = word.strip_prefix("--output").or(word.strip_prefix("-o"))?;
        match rest.trim_start_matches('=') {
            "" => words.get(at + 1).map(String::as_str),
            form => Some(form),
        }
    })
}

fn documents(words: &[String], code: Option<i32>, stdout: &str) -> Vec<Value> {
    let form = match form(words) {
        Some(form @ ("json" | "jsonl" | "yaml")) => form,
        _ if stdout.starts_with('{') => "json",
        _ => return Vec::new(),
    };
    // Who ends it by force gets none.
    if stdout.is_empty() && code.is_none_or(|code| code == 130) {
        return Vec::new();
    }
    let read = |text: &str| {
        let value = match form {
            "yaml" => serde_saphyr::from_str(text).map_err(|error| error.to_string()),
            _ => serde_json::from_str(text).map_err(|error| error.to_string()),
        };
        value.unwrap_or_else(|error| panic!("`mcai {}`: {error}\n{text}", words.join(" ")))
    };
    match form {
        "jsonl" => stdout.lines().map(read).collect(),
        _ => vec![read(stdout)],
    }
}
