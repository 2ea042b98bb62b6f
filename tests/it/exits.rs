//! Every exit code, provoked: 0, 1, 2, 3, 4, 7, 64 and 70 here; 3, 6 and 130 on real clusters in `real`, as only they can be
//! slow to get ready. And the report file, which tells a later step of a pipeline what happened.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::support::{Run, Sandbox, fault};

const DEAD: &str = "clusters: [{ name: dead, cluster: { server: 'https://127.0.0.1:9' } }]
users: [{ name: me, user: { token: t } }]
contexts: [{ name: dead, context: { cluster: dead, user: me } }]
";

/// A project with these targets for its two clusters.
fn sandbox(first: &str, second: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let manifest = format!(
        "version: 1
project: exits
id: k7m2q9x4p1zt
clusters:
  aws-1: {{ cloud: aws, region: us-east-1, {first} }}
  gcp-1: {{ cloud: gcp, region: europe-west4, {second} }}
models:
  llama:
    spec: {{ engine: VLLM, features: [TextGeneration], url: hf://x/y }}
"
    );
    sandbox
        .write("mcai.yaml", &manifest)
        .write("kubeconfig", DEAD);
    let kubeconfig = sandbox.dir().join("kubeconfig").display().to_string();
    sandbox.env("KUBECONFIG", &kubeconfig);
    sandbox
}

fn directories() -> Sandbox {
    sandbox("directory: a", "directory: b")
}

fn report(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.read("report.json")).expect("the report is JSON")
}

/// Runs a command with a report file; both must tell of the same code.
#[track_caller]
fn reported(sandbox: &Sandbox, words: &[&str], code: i32, kind: &str) -> (Run, Value) {
    let run = sandbox.mcai(&[words, &["--report-file", "report.json"]].concat());
    run.code(code);
    let report = report(sandbox);
    assert_eq!(report["kind"], kind, "{words:?}");
    assert_eq!(fault(&report), None, "{words:?}");
    if let Some(told) = report.get("exitCode") {
        assert_eq!(*told, code, "{words:?}");
    }
    (run, report)
}

#[test]
fn reached_is_0_and_changes_are_2_for_those_who_ask() {
    let sandbox = directories();
    reported(&sandbox, &["plan", "--detailed-exitcode"], 2, "Plan");
    let (run, report) = reported(
        &sandbox,
        &["deploy", "--yes", "--detailed-exitcode"],
        2,
        "DeployResult",
    );
    assert!(
        run.stdout
            .ends_with("what applies the files is not observed\n"),
        "text as ever: {}",
        run.stdout
    );
    assert_eq!(report["clusters"]["aws-1"]["ended"], "reached");
    reported(
        &sandbox,
        &["deploy", "--yes", "--detailed-exitcode"],
        0,
        "DeployResult",
    );
    reported(&sandbox, &["plan", "--detailed-exitcode"], 0, "Plan");
    let (_, report) = reported(&sandbox, &["status"], 0, "Status");
    assert_eq!(report["models"].as_array().map(Vec::len), Some(2));
    reported(&sandbox, &["check"], 0, "CheckResult");
}

#[test]
fn nothing_changed_is_1() {
    let sandbox = directories();
    let (_, report) = reported(&sandbox, &["deploy", "lama", "--yes"], 1, "Failure");
    assert_eq!(report["problems"][0]["hints"][0], "did you mean `llama`?");
    sandbox.write("mcai.yaml", "version: 1\nfrob: 2\n");
    let (run, report) = reported(&sandbox, &["check"], 1, "CheckResult");
    assert!(run.stderr.contains("frob"), "{}", run.stderr);
    assert_eq!(report["valid"], false);
    let (_, report) = reported(&sandbox, &["plan"], 1, "Failure");
    assert!(
        report["problems"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
}

#[test]
fn part_of_it_is_3() {
    let sandbox = directories();
    // Nothing is there to be read, and nothing can be made there.
    symlink("nowhere", sandbox.dir().join("b")).expect("can link");
    let (_, report) = reported(&sandbox, &["deploy", "--yes"], 3, "DeployResult");
    assert_eq!(report["clusters"]["aws-1"]["ended"], "reached");
    assert_eq!(report["clusters"]["gcp-1"]["ended"], "failed");
}

#[test]
fn a_rule_that_is_not_met_is_4() {
    let sandbox = directories();
    let manifest =
        sandbox.read("mcai.yaml") + "    placement: { residency: [eu], clusters: [aws-1] }\n";
    sandbox.write("mcai.yaml", &manifest);
    let (_, report) = reported(&sandbox, &["plan"], 4, "Failure");
    assert_eq!(report["problems"][0]["kind"], "residency");
}

#[test]
fn an_unread_cluster_is_7() {
    let sandbox = sandbox("directory: a", "context: dead");
    let (run, report) = reported(&sandbox, &["plan"], 7, "Plan");
    assert!(
        run.stdout.contains("+ Model/llama  create"),
        "the other's plan is there: {}",
        run.stdout
    );
    assert_eq!(report["problems"][0]["kind"], "unreachable");
    reported(&sandbox, &["status"], 7, "Status");
}

#[test]
fn a_wrong_command_line_is_64() {
    let sandbox = directories();
    let (_, report) = reported(&sandbox, &["deploy"], 64, "Failure");
    assert_eq!(report["problems"][0]["kind"], "usage");
    for form in ["json", "jsonl", "yaml"] {
        let run = sandbox.mcai(&["plan", "--clods", "aws", "-o", form]);
        assert_eq!(run.code(64).stderr, "", "{form}");
        assert!(
            run.stdout.contains("a similar argument exists: '--clouds'"),
            "{form}: {}",
            run.stdout
        );
    }
    sandbox.mcai(&["plan", "-o", "json", "--timeout", "1h"]).is(
        64,
        r#"{
  "apiVersion": "mcai/v1",
  "kind": "Failure",
  "exitCode": 64,
  "problems": [
    {
      "kind": "usage",
      "severity": "error",
      "summary": "wrong command line",
      "detail": "unexpected argument '--timeout' found",
      "hints": [
        "to pass '--timeout' as a value, use '-- --timeout'"
      ]
    }
  ]
}
"#,
        "",
    );
}

/// Only a debug build has a bug on order.
#[cfg(debug_assertions)]
#[test]
fn a_bug_is_70_and_says_what_to_report() {
    let mut sandbox = directories();
    sandbox.env("MCAI_TEST_BUG", "1");
    let run = sandbox.mcai(&["plan"]);
    assert_eq!(run.code(70).stdout, "");
    assert!(
        run.stderr.starts_with("error: a bug in mcai "),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("a bug on order\n  hint: report it"),
        "{}",
        run.stderr
    );
    let run = sandbox.mcai(&["plan", "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(70).stdout).expect("JSON");
    assert_eq!(
        (&answer["exitCode"], &answer["problems"][0]["kind"]),
        (&70.into(), &"internal".into())
    );
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_anything_is_done() {
    let sandbox = directories();
    let deploy = |path: &str| sandbox.mcai(&["deploy", "--yes", "--report-file", path]);
    fs::write(sandbox.dir().join("weights.bin"), b"\xff\xfe\x00").expect("can write the file");
    let files = sandbox.files();
    for (path, why) in [
        ("mcai.yaml/report.json", "Not a directory"),
        ("nowhere/report.json", "No such file or directory"),
        (".", "is a directory"),
        // Whoever mistypes a name must not lose the file.
        ("mcai.yaml", "the file is there and is no report of mcai's"),
        (
            "weights.bin",
            "the file is there and is no report of mcai's",
        ),
    ] {
        let run = deploy(path);
        assert_eq!(run.code(1).stdout, "", "{path}");
        assert!(
            run.stderr
                .starts_with("error: cannot write the report file\n"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(why), "{path}: {}", run.stderr);
        assert_eq!(sandbox.files(), files, "{path}");
    }
}

#[test]
fn a_report_goes_through_links_and_into_pipes_and_an_old_one_goes_first() {
    let sandbox = directories();
    let dir = sandbox.dir();
    let reports = |path: &str| {
        let run = sandbox.mcai(&["plan", "--report-file", path]);
        run.code(0);
    };
    symlink("there.json", dir.join("link.json")).expect("can link");
    sandbox.write("there.json", "");
    reports("link.json");
    assert!(dir.join("link.json").is_symlink());
    assert!(sandbox.read("there.json").contains(r#""kind": "Plan""#));
    // What reads the pipe gets the report, and nobody waits for what the pipe might give.
    let script = r#"mkfifo pipe && (timeout 10 "$0" plan --report-file pipe >plan.txt & cat pipe)"#;
    let read = sandbox.run("sh", &["-c", script, env!("CARGO_BIN_EXE_mcai")]);
    assert!(
        read.code(0).stdout.contains(r#""kind": "Plan""#),
        "{}",
        read.stderr
    );
    reports("/dev/null");
    assert!(!Path::new("/dev/null").is_file());
    // A run that ends before it has an answer leaves no answer of the run before it.
    let wrong = sandbox.mcai(&["plan", "-m", "none.yaml", "--report-file", "there.json"]);
    wrong.code(1);
    assert!(sandbox.read("there.json").contains(r#""kind": "Failure""#));
}

#[test]
fn an_answer_that_is_lost_is_no_success() {
    let sandbox = directories();
    let script = r#""$0" "$@" --detailed-exitcode >/dev/full"#;
    let mcai = env!("CARGO_BIN_EXE_mcai");
    let run = |words: &[&str]| sandbox.run("sh", &[&["-c", script, mcai], words].concat());
    assert!(
        run(&["plan"])
            .code(1)
            .stderr
            .contains("cannot write the answer")
    );
    // What was written stays written.
    run(&["deploy", "--yes"]).code(3);
}

#[test]
fn a_flag_comes_before_its_variable_and_an_empty_variable_is_none() {
    let mut sandbox = directories();
    let manifest = sandbox.read("mcai.yaml");
    sandbox.write("other.yaml", &manifest.replace("llama", "qwen"));
    sandbox.env("MCAI_MANIFEST", "mcai.yaml");
    let plan = ["plan", "-o", "name", "--clusters", "aws-1"];
    for words in [
        [&["-m", "other.yaml"][..], &plan].concat(),
        [&plan[..], &["-m", "other.yaml"]].concat(),
    ] {
        sandbox.mcai(&words).is(0, "aws-1/qwen\n", "");
    }
    sandbox.mcai(&plan).is(0, "aws-1/llama\n", "");
    sandbox.env("MCAI_MANIFEST", "").env("MCAI_STAGE", "");
    sandbox.mcai(&plan).is(0, "aws-1/llama\n", "");
    // A variable of other programs means nothing here.
    sandbox.env("COMPLETE", "1");
    sandbox.mcai(&plan).is(0, "aws-1/llama\n", "");
    sandbox.env("MCAI_COMPLETE", "1");
    sandbox.mcai(&plan).code(64);
}

#[test]
fn words_of_others_do_not_reach_the_terminal_as_they_are() {
    let sandbox = directories();
    sandbox.write(
        "mcai.yaml",
        "version: 1\n\"fo\\e[31mo\\n::error::spoofed\": 2\n",
    );
    let run = sandbox.mcai(&["check"]);
    run.code(1);
    assert!(!run.stderr.contains('\x1b'), "{}", run.stderr);
    assert!(
        !run.stderr
            .lines()
            .any(|line| line.trim_start().starts_with("::")),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(r"fo\u{1b}[31mo"), "{}", run.stderr);
}

/// A server that takes connections and never answers.
fn hanging() -> (TcpListener, Sandbox) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = server.local_addr().expect("it listens").to_string();
    let sandbox = sandbox("directory: a", "context: dead");
    sandbox.write("kubeconfig", &DEAD.replace("127.0.0.1:9", &address));
    (server, sandbox)
}

#[test]
fn interrupted_is_130_and_says_that_nothing_was_changed() {
    let (server, sandbox) = hanging();
    for (command, signal) in [("plan", "INT"), ("status", "TERM"), ("deploy", "TERM")] {
        let yes: &[&str] = if command == "deploy" { &["--yes"] } else { &[] };
        let words = [&[command, "--report-file", "report.json"], yes].concat();
        let running = sandbox.spawn(&words);
        let (_connection, _) = server.accept().expect("mcai asks");
        running.signal(signal);
        running
            .wait()
            .is(130, "", "error: interrupted\n  nothing was changed\n");
        assert_eq!(report(&sandbox)["exitCode"], 130);
    }
}
