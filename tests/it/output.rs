//! What every command keeps to: answers on stdout, talk on stderr, no escape codes in a pipe, quiet ends.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use super::support::Sandbox;

const CLUSTERS: &str = "version: 1
project: out
id: k7m2q9x4p1zt
clusters:
  aws-1: { cloud: aws, region: us-east-1, stage: prod, labels: { tier: one }, directory: a }
  gcp-1: { cloud: gcp, region: europe-west4, stage: test, directory: b }
models:
  llama:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y }
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", CLUSTERS);
    sandbox
}

#[test]
fn every_read_command_has_every_form() {
    let sandbox = sandbox();
    sandbox.mcai(&["deploy", "--yes"]).code(0);
    for command in [&["plan"][..], &["status"], &["config", "view"], &["check"]] {
        for form in ["table", "wide", "json", "yaml", "name"] {
            let run = sandbox.mcai(&[command, &["-o", form]].concat());
            run.code(0);
            assert_eq!(run.stderr, "", "{command:?} {form}");
            assert!(!run.stdout.contains('\x1b'), "{command:?} {form}");
            let kind =
                match form {
                    "json" => serde_json::from_str::<serde_json::Value>(&run.stdout).expect("JSON")
                        ["kind"]
                        .clone(),
                    "yaml" => serde_saphyr::from_str::<serde_json::Value>(&run.stdout)
                        .expect("YAML")["kind"]
                        .clone(),
                    _ => continue,
                };
            assert!(kind.is_string(), "{command:?} {form}");
        }
    }
}

#[test]
fn selectors_narrow() {
    let sandbox = sandbox();
    let names = |words: &[&str]| {
        sandbox
            .mcai(&[&["plan", "-o", "name"], words].concat())
            .code(0)
            .stdout
            .clone()
    };
    assert_eq!(names(&[]), "aws-1/llama\ngcp-1/llama\n");
    for words in [
        &["--clouds", "aws"][..],
        &["--clusters", "aws-1"],
        &["--stage", "prod"],
        &["--exclude", "gcp-1"],
        &["-l", "tier=one"],
    ] {
        assert_eq!(names(words), "aws-1/llama\n", "{words:?}");
    }
    sandbox.mcai(&["plan", "--clusters", "aws-2"]).is(
        1,
        "",
        "error: unknown cluster\n  the manifest has no cluster `aws-2`\n  hint: did you mean `aws-1`?\n",
    );
    sandbox.mcai(&["plan", "--clouds", "aws", "--stage", "test"]).is(
        1,
        "",
        "error: no cluster is selected\n  the selectors of the command line match no cluster of the manifest\n  hint: clusters: `aws-1` and `gcp-1`\n",
    );
    let run = sandbox.mcai(&["plan", "--clouds", "gpc"]);
    run.code(64);
    assert!(run.stderr.contains("did you mean `gcp`?"), "{}", run.stderr);
}

#[test]
fn failures_are_documents_for_programs() {
    let sandbox = sandbox();
    let run = sandbox.mcai(&["deploy", "lama", "--yes", "-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        answer,
        serde_json::json!({
            "apiVersion": "mcai/v1",
            "kind": "Failure",
            "exitCode": 1,
            "problems": [{
                "kind": "settings", "severity": "error", "summary": "unknown model",
                "detail": "the manifest has no model `lama`", "hints": ["did you mean `llama`?"],
            }],
        })
    );
    let run = sandbox.mcai(&["deploy", "-o", "json"]);
    run.code(64);
    assert!(
        run.stdout
            .contains("an answer for programs leaves no room for a question")
    );
}

#[test]
fn colours_are_asked_for_or_not_there() {
    let mut sandbox = sandbox();
    let colored = |sandbox: &Sandbox, words: &[&str]| {
        sandbox
            .mcai(&[&["plan"], words].concat())
            .stdout
            .contains('\x1b')
    };
    assert!(colored(&sandbox, &["--color", "always"]));
    sandbox.env("FORCE_COLOR", "1");
    assert!(colored(&sandbox, &[]));
    assert!(!colored(&sandbox, &["--color", "never"]));
    sandbox.env("NO_COLOR", "1");
    assert!(!colored(&sandbox, &[]));
    assert!(colored(&sandbox, &["--color", "always"]));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let sandbox = sandbox();
    let models: String = (0..2000)
        .map(|i| format!("  m{i}:\n    spec: {{ engine: VLLM, features: [], url: hf://x/y }}\n"))
        .collect();
    sandbox.write(
        "mcai.yaml",
        &CLUSTERS.replace("models:\n", &format!("models:\n{models}")),
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcai"))
        .args(["plan"])
        .current_dir(sandbox.dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn where_each_value_came_from_is_shown() {
    let sandbox = sandbox();
    sandbox.write(
        "mcai.yaml",
        &(CLUSTERS.to_owned() + "    overrides:\n      - stages: [prod]\n        set: { maxReplicas: 3, url: hf://other }\n"),
    );
    sandbox.mcai(&["config", "view", "--origin"]).is(
        0,
        r#"aws-1:  # directory a (mcai.yaml:5:90)
  llama:
    engine: "VLLM"  # mcai.yaml:9:21
    features[0]: "TextGeneration"  # mcai.yaml:9:38
    maxReplicas: 3  # mcai.yaml:12:29
    minReplicas: 0  # default
    url: "hf://other"  # mcai.yaml:12:37
gcp-1:  # directory b (mcai.yaml:6:70)
  llama:
    engine: "VLLM"  # mcai.yaml:9:21
    features[0]: "TextGeneration"  # mcai.yaml:9:38
    minReplicas: 0  # default
    url: "hf://x/y"  # mcai.yaml:9:60
"#,
        "",
    );
}

#[test]
fn a_wrong_command_line_is_64_and_help_is_0() {
    let sandbox = Sandbox::new();
    for words in [
        &["frob"][..],
        &["deploy", "--timeout", "soon"],
        &["plan", "--no-such-flag"],
        &[],
    ] {
        let run = sandbox.mcai(words);
        run.code(64);
        assert_eq!(run.stdout, "", "{words:?}");
    }
    for words in [&["--help"][..], &["--version"], &["deploy", "-h"]] {
        let run = sandbox.mcai(words);
        run.code(0);
        assert_eq!(run.stderr, "", "{words:?}");
    }
    let run = sandbox.mcai(&["-C", "nowhere", "check"]);
    run.code(64);
    assert!(fs::metadata(sandbox.dir()).is_ok());
}
