//! What programs may rely on: the schemas in docs/schemas are those of the program, every kind of document keeps to its
//! own, and the manifest's schema and its reader say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mcai::diagnostic::{Kind, Problem};
use mcai::kubeai::verdict::{State, Verdict};
use mcai::plan::Verb;
use mcai::report::contract::{self, Schema};
use mcai::report::{Format, document_text};
use mcai::rollout::{Ended, Event};
use serde_json::{Map, Value, json};

use super::support::{AzureList, Sandbox, expect_file, fault};

/// Documents that runs of the program print, by kind.
fn printed() -> BTreeMap<String, Value> {
    let read = |text: &String| serde_json::from_str(text).expect("JSON");
    let texts = printed_texts();
    let documents = texts.iter().map(|(kind, text)| (kind.clone(), read(text)));
    documents.collect()
}

fn printed_texts() -> BTreeMap<String, String> {
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_TEST_NOW", "2026-11-25T12:00:00Z");
    sandbox.write(
        "mcai.yaml",
        "version: 1
project: contracts
id: k7m2q9x4p1zt
clusters:
  aws-1:
    cloud: aws
    region: us-east-1
    directory: a
    gpuPools: [{ name: l4, instanceType: g6.12xlarge, min: 1, hourlyUsdPerNode: 4 }]
  zurich: { cloud: bare-metal, country: ch, directory: b }
models:
  llama:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y, owner: nobody, resourceProfile: \"nvidia-gpu-l4:1\", minReplicas: 1, maxReplicas: 5 }
    placement: { clouds: [aws] }
    throughput: { outputTokensPerSecond: 500, source: a test }
",
    );
    let list = AzureList::new();
    let server = list.serve();
    let t4 = "Standard_NC4as_T4_v3";
    list.change(t4, "eastus", &json!({"retailPrice": 0.55}))
        .change(t4, "westus2", &json!({"retailPrice": 0.9}))
        .change(t4, "westeurope", &json!({"retailPrice": 0}))
        .add(
            t4,
            "eastus",
            "0.2",
            &json!({"type": "Reservation", "reservationTerm": "1 Year", "retailPrice": 2628}),
        )
        .remove(t4, "eastus2");
    sandbox.env("MCAI_FEED_AZURE_RETAIL", &server.url);
    let refresh = "cost refresh --clouds azure --accept-loss -o json";
    let refresh: Vec<&str> = refresh.split(' ').collect();
    let runs: [&[&str]; 15] = [
        &["check", "-o", "json"],
        &["config", "view", "--origin", "-o", "json"],
        &["deploy", "--dry-run", "-o", "json"],
        &["plan", "-o", "json"],
        &["deploy", "--yes", "-o", "jsonl"],
        &["deploy", "--yes", "-o", "json"],
        &["status", "-o", "json"],
        &["cost", "p4d.24xlarge", "-o", "json"],
        &["deploy", "lama", "--yes", "-o", "json"],
        &refresh,
        &["cost", "check", "-o", "json"],
        &["cost", "history", "--since", "2026-11-01", "-o", "json"],
        &["cost", "export", "tables", "-o", "json"],
        &["schema", "-o", "json"],
        &["cost", "estimate", "-o", "json"],
    ];
    let mut texts = BTreeMap::new();
    for words in runs {
        let run = sandbox.mcai(words);
        let text = match words.last() {
            Some(&"jsonl") => run.stdout.lines().next().expect("an event"),
            _ => run.stdout.as_str(),
        };
        let document: Value = serde_json::from_str(text).expect("JSON");
        let kind = document["kind"].as_str().expect("a kind").to_owned();
        texts.insert(kind, text.to_owned());
    }
    texts
}

fn kinds() -> BTreeSet<String> {
    let kinds = contract::schemas().into_iter().map(|schema| schema.kind);
    kinds.map(str::to_owned).collect()
}

#[test]
fn the_checked_in_schemas_are_those_of_the_program() {
    let sandbox = Sandbox::new();
    for kind in kinds() {
        let run = sandbox.mcai(&["schema", &kind.to_uppercase()]);
        run.code(0);
        expect_file(&format!("docs/schemas/{kind}.json"), &run.stdout);
    }
    let files = std::fs::read_dir("docs/schemas").expect("the folder is there");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let files: BTreeSet<String> = files
        .map(|entry| {
            name(entry)
                .into_string()
                .expect("UTF-8")
                .replace(".json", "")
        })
        .collect();
    assert_eq!(files, kinds());
}

#[test]
fn schemas_are_listed_and_found() {
    let sandbox = Sandbox::new();
    let run = sandbox.mcai(&["schema", "-o", "name"]);
    let listed: BTreeSet<String> = run.stdout.lines().map(str::to_owned).collect();
    assert_eq!(listed, kinds());
    let run = sandbox.mcai(&["schema"]);
    assert!(
        run.stdout
            .contains("\nPlan           What would change on every cluster"),
        "{}",
        run.stdout
    );
    sandbox.mcai(&["schema", "paln"]).is(
        64,
        "",
        "error: unknown kind of document\n  there is no schema of `paln`\n  hint: did you mean `Plan`?\n",
    );
    sandbox.mcai(&["schema", "plan", "-o", "yaml"]).code(0);
}

#[test]
fn every_kind_is_printed_and_keeps_to_its_schema() {
    let documents = printed();
    let mut seen: BTreeSet<String> = documents.keys().cloned().collect();
    seen.insert("manifest".to_owned());
    assert_eq!(seen, kinds());
    for (kind, document) in documents {
        assert_eq!(document["apiVersion"], "mcai/v1", "{kind}");
        assert_eq!(fault(&document), None);
    }
}

/// Byte for byte: neither fields nor their order change unnoticed.
#[test]
fn every_kind_is_printed_as_ever() {
    for (kind, mut text) in printed_texts() {
        let document: Value = serde_json::from_str(&text).expect("JSON");
        if let Some(elapsed) = document.get("elapsed").filter(|_| kind == "DeployResult") {
            text = text.replace(&format!(r#""elapsed": {elapsed}"#), r#""elapsed": 0.0"#);
        }
        if kind == "Event" {
            text = text.replace(document["time"].as_str().expect("a time"), "[TIME]") + "\n";
        }
        expect_file(&format!("tests/fixtures/answers/{kind}.json"), &text);
    }
}

/// What the validation of every run rests on: it notices what is not documented, and what lacks, wherever that is.
#[test]
fn an_unknown_field_and_a_missing_one_are_noticed() {
    let documents = printed();
    for (kind, place, needed) in [
        ("CheckResult", "", "valid"),
        ("CheckResult", "/findings/0", "summary"),
        ("CheckResult", "/findings/0/position", "line"),
        ("Config", "/clusters/aws-1/llama", "object"),
        ("CostResult", "", "leftOut"),
        ("CostResult", "/leftOut", "sellers"),
        ("CostResult", "/offers/0", "moreRegions"),
        ("CostResult", "/offers/0/prices/onDemand", "yours"),
        ("CostResult", "/offers/0/ranked", "usdPerHour"),
        ("DeployResult", "/plan", "notes"),
        ("DeployResult", "/clusters/aws-1", "ended"),
        ("DeployResult", "/clusters/aws-1/models/llama", "state"),
        ("DryRun", "/objects/0", "cluster"),
        ("Event", "", "type"),
        ("Event", "", "model"),
        ("Failure", "/problems/0", "kind"),
        ("Plan", "", "apiVersion"),
        ("Plan", "/clusters/0/actions/0", "verified"),
        ("Plan", "/notes/0", "reason"),
        ("PriceCheck", "/ages/0", "oldest"),
        ("PriceCheck", "/held/0", "id"),
        ("PriceCheck", "/lastRefresh/azure/setAside/0", "count"),
        ("PriceHistory", "/prices/0/points/0", "usdPerHour"),
        ("RefreshResult", "/clouds/0", "stored"),
        ("RefreshResult", "/clouds/0/changed/0/old", "asOf"),
        ("RefreshResult", "/clouds/0/lost/0", "region"),
        ("SchemaList", "/schemas/0", "description"),
        ("Status", "/models/0", "want"),
    ] {
        let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut document = documents[kind].clone();
            let object = document.pointer_mut(place).and_then(Value::as_object_mut);
            change(object.unwrap_or_else(|| panic!("{kind} has no {place}")));
            fault(&document)
        };
        let planted = changed(&|object| drop(object.insert("planted".into(), json!(1))));
        assert!(planted.is_some(), "{kind}{place}: an unknown field");
        let missing = changed(&|object| drop(object.remove(needed).expect("it is there")));
        assert!(missing.is_some(), "{kind}{place}: without `{needed}`");
    }
}

#[test]
#[should_panic(expected = "\"changes\" is a required property")]
fn a_run_that_prints_what_is_not_documented_fails_its_test() {
    let plan = r#"{ "apiVersion": "mcai/v1", "kind": "Plan", "clusters": [], "notes": [], "problems": [] }"#;
    let sandbox = Sandbox::new();
    sandbox.run("echo", &[plan]);
}

#[test]
fn a_word_and_a_time_that_are_none_are_noticed() {
    let documents = printed();
    for (kind, place) in [
        ("Event", "/time"),
        ("Plan", "/clusters/0/residency"),
        ("Status", "/models/0/state"),
        ("Failure", "/kind"),
    ] {
        let mut document = documents[kind].clone();
        *document.pointer_mut(place).expect("it is there") = json!("sleepy");
        assert!(fault(&document).is_some(), "{kind}{place}");
    }
}

#[test]
fn every_event_keeps_to_the_schema() {
    let cluster = || "aws-1".parse().expect("a name");
    let model = || "llama".parse().expect("a name");
    let problem = || {
        Problem::error(Kind::Timeout, "no answer")
            .cause("a cause")
            .on("aws-1")
    };
    let elapsed = Duration::from_micros(1_234_567);
    let verdict = Verdict {
        since: "2026-11-25T12:00:00Z".parse().ok(),
        pod: Some("model-llama-1".into()),
        ..Verdict::new(State::Crash, "ends with 1")
    };
    let ended = |problem| Event::ClusterEnded {
        cluster: cluster(),
        ended: Ended::Failed,
        changed: true,
        models: BTreeMap::from([(model(), verdict.clone())]),
        problem,
    };
    #[rustfmt::skip]
    let events = [
        Event::Applied { cluster: cluster(), models: vec![model()], elapsed },
        Event::Written { cluster: cluster(), model: model(), path: "a".into(), verb: Verb::Delete },
        Event::Progress { cluster: cluster(), model: model(), verdict: verdict.clone(), elapsed },
        Event::Unreadable { cluster: cluster(), problem: problem() },
        Event::Deleted { cluster: cluster(), model: model() },
        Event::NotMarked { cluster: cluster(), problem: problem() },
        Event::DeletesSkipped { cluster: cluster(), waited: true },
        Event::NotBegun { cluster: cluster() },
        ended(None),
        ended(Some(problem())),
    ];
    let time = "2026-11-25T12:00:00Z".parse().expect("a time");
    let mut types = BTreeSet::new();
    for event in &events {
        let line = document_text(&contract::Event::new(event, time), Format::Jsonl);
        let document: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(fault(&document), None, "{line}");
        assert_eq!(document["cluster"], "aws-1");
        types.insert(document["type"].to_string());
    }
    let schema = contract::find("event").expect("it is there").schema;
    assert_eq!(Some(types.len()), schema["oneOf"].as_array().map(Vec::len));
    let line = document_text(&contract::Event::new(&events[0], time), Format::Jsonl);
    assert_eq!(
        line,
        r#"{"apiVersion":"mcai/v1","kind":"Event","time":"2026-11-25T12:00:00Z","cluster":"aws-1","type":"applied","models":["llama"],"elapsed":1.235}
"#
    );
}

#[test]
fn every_field_says_what_it_means() {
    fn walk(place: &str, schema: &Value, mute: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = ["description", "$ref", "const"];
            if !described.iter().any(|key| property.get(key).is_some()) {
                mute.push(format!("{place}/{name}"));
            }
        }
        match schema {
            Value::Object(parts) => parts
                .iter()
                // What a condition says of a property is no description of it.
                .filter(|(key, _)| !["if", "then", "else", "anyOf"].contains(&key.as_str()))
                .for_each(|(key, part)| walk(&format!("{place}/{key}"), part, mute)),
            Value::Array(parts) => parts.iter().for_each(|part| walk(place, part, mute)),
            _ => {}
        }
    }
    let mut mute = Vec::new();
    for Schema { kind, schema, .. } in contract::schemas() {
        assert!(schema["description"].is_string(), "{kind}");
        walk(kind, &schema, &mut mute);
    }
    assert_eq!(mute, Vec::<String>::new());
}
