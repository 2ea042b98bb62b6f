//! `mcai check` on the manifests of tests/manifests: whole output and exit code, in `expected.txt` beside each.

use std::fs;

use super::support::{Sandbox, cases, expect_file};

#[test]
fn every_manifest_gets_the_expected_findings() {
    for name in cases("tests/manifests") {
        let sandbox = Sandbox::new();
        let text =
            fs::read_to_string(format!("tests/manifests/{name}/mcai.yaml")).expect("a manifest");
        sandbox.write("mcai.yaml", &text);
        let run = sandbox.mcai(&["check"]);
        // A fresh id is random.
        let stderr = regex_id(&run.stderr);
        let whole = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{stderr}",
            run.code.unwrap_or(-1),
            run.stdout
        );
        expect_file(&format!("tests/manifests/{name}/expected.txt"), &whole);
        let json = sandbox.mcai(&["check", "-o", "json"]);
        assert_eq!(json.code, run.code, "{name}");
    }
}

/// Replaces the id that a missing one is answered with.
fn regex_id(text: &str) -> String {
    let Some((before, after)) = text.split_once("add `id: ") else {
        return text.to_owned();
    };
    let rest = after.split_once('`').map_or("", |(_, rest)| rest);
    format!("{before}add `id: [ID]`{rest}")
}

#[test]
fn a_hostile_file_is_an_error_not_a_crash() {
    let sandbox = Sandbox::new();
    sandbox.mcai(&["check"]).is(
        1,
        "",
        "error: no manifest\n  neither `[DIR]` nor a parent of it has `mcai.yaml`\n  hint: name one with `-m FILE`, or go to its folder with `-C DIR`; docs/manifest.md shows how to write one\n",
    );
    fs::create_dir(sandbox.dir().join("folder")).unwrap();
    sandbox.mcai(&["check", "-m", "folder"]).is(
        1,
        "",
        "error: cannot read the file\n  `folder`\n  caused by: it is a directory\n",
    );
    fs::write(sandbox.dir().join("bytes"), b"version: 1\nproject: \xff\n").unwrap();
    sandbox.mcai(&["check", "-m", "bytes"]).is(
        1,
        "",
        "error: the file is not UTF-8\n  `bytes`, byte 20 in line 2\n",
    );
    fs::write(sandbox.dir().join("large"), "a: b\n".repeat(10_000_000)).unwrap();
    sandbox.mcai(&["check", "-m", "large"]).is(
        1,
        "",
        "error: the file is too large\n  `large` has more than 2 MiB\n",
    );
}

#[test]
fn the_manifest_is_found_above_and_read_from_standard_input() {
    let sandbox = Sandbox::new();
    let text = fs::read_to_string("tests/manifests/good/mcai.yaml").unwrap();
    sandbox.write("mcai.yaml", &text);
    sandbox.write("a/b/c", "");
    let valid = "valid: 2 clusters, 1 model\n";
    sandbox.mcai(&["-C", "a/b", "check"]).is(0, valid, "");
    sandbox
        .mcai_reading(&text, &["check", "-m", "-"])
        .is(0, valid, "");
    let broken = text.replace("us-east-1\n", "us-east-9\n");
    let run = sandbox.mcai_reading(&broken, &["check", "-m", "-"]);
    assert!(run.stderr.contains("--> <stdin>:10:13"), "{}", run.stderr);
}

#[test]
fn findings_are_json_too() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "mcai.yaml",
        &fs::read_to_string("tests/manifests/residency/mcai.yaml").unwrap(),
    );
    let run = sandbox.mcai(&["check", "-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(4), ""));
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["kind"], "CheckResult");
    assert_eq!(answer["valid"], false);
    assert_eq!(answer["findings"][0]["kind"], "residency");
    assert_eq!(
        answer["findings"][0]["position"],
        serde_json::json!({"file": "mcai.yaml", "line": 8, "column": 3})
    );
}
