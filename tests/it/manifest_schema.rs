//! The manifest's schema, which editors use, and its reader, which decides, say the same: of every manifest here, of
//! every key, and of a manifest with every key after each of some thousand changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use mcai::diagnostic::{Problem, Source};
use mcai::manifest::{self, Found};
use mcai::{project, yaml};
use serde_json::{Value, json};

use super::support::{cases, validator};

static SCHEMA: LazyLock<Value> = LazyLock::new(manifest::schema);
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(&SCHEMA));

/// What the reader finds in a manifest.
fn findings(text: &str) -> Vec<Problem> {
    let found = Found {
        source: Arc::new(Source {
            name: "mcai.yaml".into(),
            text: text.to_owned(),
        }),
        root: PathBuf::from("/project"),
    };
    match project::check(&found, &|_| None) {
        Ok(project) => project.warnings,
        Err(problems) => problems,
    }
}

/// JSON is YAML.
fn findings_in(manifest: &Value) -> Vec<Problem> {
    findings(&manifest.to_string())
}

/// What is wrong with the form of a manifest, which a schema must see, too. Everything else is about how things fit
/// together.
const OF_FORM: [&str; 3] = ["unknown key", "wrong type", "missing key"];

/// Says in which way reader and schema differ about a manifest, if they do.
fn difference(manifest: &Value, findings: &[Problem]) -> Option<String> {
    let errors: Vec<&Problem> = findings.iter().filter(|found| found.is_error()).collect();
    match VALIDATOR.validate(manifest) {
        Err(error) if errors.is_empty() => Some(format!("only the schema refuses it: {error}")),
        Ok(()) => errors
            .iter()
            .find(|found| {
                OF_FORM.contains(&found.summary.as_str()) && !is_left_open(found, manifest)
            })
            .map(|found| format!("only the reader refuses it: {}", found.one_line())),
        Err(_) => None,
    }
}

/// Whether it depends on a model's overrides, and on where they hold, that its `spec` lacks a key.
fn is_left_open(found: &Problem, manifest: &Value) -> bool {
    let mut plain = manifest.clone();
    if let Some(models) = plain["models"].as_object_mut() {
        models.retain(|_, model| model.get("overrides").is_none());
    }
    let same = |other: &Problem| other.detail == found.detail;
    found.detail.starts_with("`spec` needs") && !findings_in(&plain).iter().any(same)
}

fn value_of(text: &str) -> Option<Value> {
    let source = Source {
        name: "mcai.yaml".into(),
        text: text.to_owned(),
    };
    let (root, _) = yaml::parse(&Arc::new(source)).ok()?;
    Some(root.to_json())
}

#[test]
fn of_every_manifest_here_both_say_the_same() {
    let mut files = vec!["examples/quickstart/mcai.yaml".to_owned()];
    for folder in ["tests/manifests", "tests/plans"] {
        files.extend(
            cases(folder)
                .iter()
                .map(|name| format!("{folder}/{name}/mcai.yaml")),
        );
    }
    let (mut valid, mut refused) = (0, 0);
    for file in files {
        let text = fs::read_to_string(&file).expect("a manifest");
        // What is no YAML document at all has no form.
        let Some(value) = value_of(&text) else {
            continue;
        };
        assert_eq!(difference(&value, &findings(&text)), None, "{file}");
        match VALIDATOR.is_valid(&value) {
            true => valid += 1,
            false => refused += 1,
        }
    }
    assert!(
        valid > 25 && refused > 4,
        "{valid} valid, {refused} refused"
    );
}

fn every_key() -> Value {
    let text = fs::read_to_string("tests/fixtures/every-key.yaml").expect("the fixture");
    value_of(&text).expect("it is YAML")
}

/// A value in the manifest with every key, and the part of the schema for it.
struct Spot {
    place: String,
    schema: &'static Value,
}

/// Finds all values below one, each with its schema.
fn spots(place: String, value: &Value, schema: &'static Value, found: &mut Vec<Spot>) {
    let schema = match (&schema["anyOf"][0]["$ref"], &schema["$ref"]) {
        (Value::String(name), _) | (_, Value::String(name)) => {
            SCHEMA.pointer(&name[1..]).expect("a definition")
        }
        _ => schema,
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let inner = match schema["properties"].get(key) {
                    Some(inner) => inner,
                    None => &schema["additionalProperties"],
                };
                assert!(inner.is_object(), "the schema has no {place}/{key}");
                spots(format!("{place}/{key}"), value, inner, found);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                spots(format!("{place}/{i}"), item, &schema["items"], found);
            }
        }
        _ => {}
    }
    found.push(Spot { place, schema });
}

fn all_spots(manifest: &Value) -> Vec<Spot> {
    let mut found = Vec::new();
    spots(String::new(), manifest, &SCHEMA, &mut found);
    found
}

fn words(object: &Value) -> BTreeSet<&str> {
    let fields = object.as_object().into_iter().flatten();
    fields.map(|(key, _)| key.as_str()).collect()
}

#[test]
fn the_fixture_is_valid_and_has_every_key_of_the_schema() {
    let manifest = every_key();
    let errors: Vec<Problem> = findings_in(&manifest)
        .into_iter()
        .filter(|found| found.is_error() || found.summary == "unknown key")
        .collect();
    assert_eq!(errors, []);
    // Several values may have one schema: together they have all keys.
    let mut missing: BTreeMap<*const Value, (String, BTreeSet<&str>)> = BTreeMap::new();
    for Spot { place, schema } in all_spots(&manifest) {
        let value = manifest.pointer(&place).expect("it is there");
        let known = || (place.clone(), words(&schema["properties"]));
        let (_, missing) = missing
            .entry(std::ptr::from_ref(schema))
            .or_insert_with(known);
        missing.retain(|key| value.get(key).is_none());
    }
    missing.retain(|_, (_, keys)| !keys.is_empty());
    assert!(missing.is_empty(), "not in the fixture: {missing:?}");
}

#[test]
fn the_reader_knows_the_keys_of_the_schema_and_no_others() {
    const PLANTED: &str = "qqqqqqqqqqqqqqqqqqqq";
    let manifest = every_key();
    let mut mappings = 0;
    for Spot { place, schema } in all_spots(&manifest) {
        // KubeAI's fields are open, and the schema is made of the reader's own table.
        if schema["properties"].is_null() || schema["additionalProperties"].is_null() {
            continue;
        }
        mappings += 1;
        let mut manifest = manifest.clone();
        manifest.pointer_mut(&place).expect("it is there")[PLANTED] = json!(1);
        assert!(!VALIDATOR.is_valid(&manifest), "{place}");
        let found = findings_in(&manifest);
        let unknown = found.iter().find(|found| found.detail.contains(PLANTED));
        let unknown = unknown.unwrap_or_else(|| panic!("{place}: the reader knows any key"));
        // As in "known: `a`, `b` and `c`".
        let hint = unknown.hints.first().map_or("", String::as_str);
        let known: BTreeSet<&str> = hint.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, words(&schema["properties"]), "{place}");
    }
    assert!(mappings >= 9, "{mappings} mappings");
}

#[test]
fn of_every_change_to_a_manifest_with_every_key_both_say_the_same() {
    let manifest = every_key();
    let values = json!([
        null, true, 0, -1, 7, 1.5, "", "x", [], {}, [null], [{}], ["x"], { "x": null }, { "x": "y" }
    ]);
    let (mut valid, mut refused, mut wrong) = (0, 0, Vec::new());
    let mut compare = |what: String, manifest: &Value| {
        wrong.extend(
            difference(manifest, &findings_in(manifest)).map(|why| format!("{what}: {why}")),
        );
        match VALIDATOR.is_valid(manifest) {
            true => valid += 1,
            false => refused += 1,
        }
    };
    for Spot { place, .. } in all_spots(&manifest) {
        let Some((parent, key)) = place.rsplit_once('/') else {
            continue;
        };
        for value in values.as_array().expect("a list") {
            let mut changed = manifest.clone();
            *changed.pointer_mut(&place).expect("it is there") = value.clone();
            compare(format!("{place}: {value}"), &changed);
        }
        let mut less = manifest.clone();
        if let Some(Value::Object(fields)) = less.pointer_mut(parent) {
            fields.remove(key);
            compare(format!("without {place}"), &less);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of them:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        valid > 100 && refused > 1000,
        "{valid} valid, {refused} refused"
    );
}

#[test]
fn of_names_and_versions_both_say_the_same() {
    let long = |length: usize| "a".repeat(length);
    let (label, longer) = (long(63), long(64));
    let (name, longer_name) = (long(40), long(41));
    let ids = [
        "k7m2q9x4p1zt",
        "k7m2q9x4p1z",
        "k7m2q9x4p1ztt",
        "K7m2q9x4p1zt",
    ];
    let versions = [
        "0.22", "0.23", "0.24.1", "v0.24", "0.21", "0.220", "1.22", "22",
    ];
    let urls = [
        "http://a",
        "https://a.b/c",
        "https://",
        "ftp://a",
        "https://a b",
        "a",
    ];
    let names = [
        "a",
        "a-1",
        "-a",
        "a-",
        "A",
        "a.b",
        "a..b",
        "a_b",
        "",
        "0",
        &label,
        &longer,
        &name,
        &longer_name,
    ];
    let words: Vec<&str> = [&ids[..], &versions, &urls, &names].concat();
    let manifest = every_key();
    for word in words {
        for place in [
            "/project",
            "/id",
            "/namespace",
            "/kubeai/version",
            "/clusters/aws-1/endpoint",
        ] {
            let mut changed = manifest.clone();
            *changed.pointer_mut(place).expect("it is there") = json!(word);
            let is_read = !findings_in(&changed).iter().any(Problem::is_error);
            assert_eq!(VALIDATOR.is_valid(&changed), is_read, "{place}: `{word}`");
        }
        for (place, example) in [("/clusters", "zurich"), ("/models", "llama")] {
            let mut changed = manifest.clone();
            let things = changed.pointer_mut(place).expect("it is there");
            things[word] = things[example].clone();
            let found = findings_in(&changed);
            let is_read = !found.iter().any(|found| found.summary == "invalid name");
            assert_eq!(VALIDATOR.is_valid(&changed), is_read, "{place}/{word}");
        }
    }
}

/// Where the schema says less than the reader: a key of `spec` that it does not know may be a newer KubeAI's.
#[test]
fn only_the_reader_refuses_a_misspelt_key_of_kubeais() {
    let mut manifest = every_key();
    manifest["models"]["llama"]["spec"]["minReplica"] = json!(1);
    let found = findings_in(&manifest);
    let unknown = found.iter().find(|found| found.summary == "unknown key");
    assert!(unknown.is_some_and(Problem::is_error));
    assert!(VALIDATOR.is_valid(&manifest));
}
