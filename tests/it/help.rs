//! Help: examples first, topics, likely spellings, man pages; and the log.

use super::support::Sandbox;

const MANIFEST: &str = "version: 1
project: help
id: k7m2q9x4p1zt
clusters:
  aws-1: { cloud: aws, region: us-east-1, directory: a }
models:
  llama:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y }
";

#[test]
fn help_says_what_a_command_is_for_then_shows_examples() {
    let sandbox = Sandbox::new();
    for words in [&["help", "delete"][..], &["delete", "--help"]] {
        let run = sandbox.mcai(words);
        run.code(0);
        let start = "Delete a model from the clusters, where it is mcai's\n\nThe manifest stays as it is: the next deploy \
                     would bring the model back.\n\nExamples:\n  mcai delete llama-3-8b\n";
        assert!(run.stdout.starts_with(start), "{}", run.stdout);
        assert!(
            run.stdout
                .contains("\nUsage: mcai delete [OPTIONS] <MODEL>\n"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn the_list_of_commands_says_what_each_is_for() {
    let sandbox = Sandbox::new();
    let help = sandbox.mcai(&["help"]).stdout.clone();
    assert!(
        help.contains("\n  check       Check the manifest, offline"),
        "{help}"
    );
    assert_eq!(sandbox.mcai(&["--help"]).stdout, help);
    for (words, code) in [(&["-h"][..], 0), (&[], 64)] {
        let run = sandbox.mcai(words);
        let shown = format!("{}{}", run.code(code).stdout, run.stderr);
        assert!(
            shown.contains("\n  check       Check the manifest, offline"),
            "{shown}"
        );
    }
}

#[test]
fn every_command_has_examples() {
    let sandbox = Sandbox::new();
    let help = sandbox.mcai(&["help"]).stdout.clone();
    let list = help.split_once("Commands:\n").expect("a list").1;
    let list = list.split_once("\n\n").expect("its end").0;
    for name in list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
    {
        let words: &[&str] = match name {
            "config" => &["config", "view", "-h"],
            name => &[name, "-h"],
        };
        let run = sandbox.mcai(words);
        assert!(
            run.code(0).stdout.contains("\n\nExamples:\n  "),
            "{name}: {}",
            run.stdout
        );
    }
}

#[test]
fn likely_spellings_are_offered_and_never_run() {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", MANIFEST);
    for (words, code, near) in [
        (&["deploi", "--yes"][..], 64, "'deploy'"),
        (&["deploy", "--yess"], 64, "'--yes'"),
        (
            &["deploy", "--yes", "--clouds", "awss"],
            64,
            "did you mean `aws`?",
        ),
        (&["deploy", "--yes", "lama"], 1, "did you mean `llama`?"),
        (
            &["deploy", "--yes", "--clusters", "aws-11"],
            1,
            "did you mean `aws-1`?",
        ),
        (
            &["deploy", "--yes", "--exclude", "aws1"],
            1,
            "did you mean `aws-1`?",
        ),
        (&["plan", "-o", "jsn"], 64, "'json'"),
        (&["help", "enviroment"], 64, "did you mean `environment`?"),
        (&["help", "config", "veiw"], 64, "did you mean `view`?"),
    ] {
        let run = sandbox.mcai(words);
        run.code(code);
        assert!(run.stderr.contains(near), "{words:?}: {}", run.stderr);
    }
    assert_eq!(sandbox.files().len(), 1, "nothing was written");
}

#[test]
fn flags_of_all_commands_stand_before_and_after() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/dir/other.yaml", MANIFEST);
    for words in [
        &["-C", "sub", "-m", "dir/other.yaml", "check"][..],
        &["check", "-C", "sub", "-m", "dir/other.yaml"],
        &[
            "-C",
            "sub",
            "-m",
            "none.yaml",
            "check",
            "-C",
            "dir",
            "-m",
            "other.yaml",
        ],
    ] {
        sandbox.mcai(words).is(0, "valid: 1 cluster, 1 model\n", "");
    }
}

#[test]
fn the_log_is_asked_for_and_goes_to_stderr() {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", MANIFEST);
    sandbox
        .mcai(&["check"])
        .is(0, "valid: 1 cluster, 1 model\n", "");
    let run = sandbox.mcai(&["-vv", "check", "--log-format", "json"]);
    assert_eq!(run.code(0).stdout, "valid: 1 cluster, 1 model\n");
    let lines = run.stderr.lines();
    let lines: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    let told = |level: &str, message: &str| {
        let same = |line: &&serde_json::Value| line["level"] == level && line["message"] == message;
        lines
            .iter()
            .find(same)
            .unwrap_or_else(|| panic!("{level} {message}: {}", run.stderr))
    };
    assert_eq!(told("INFO", "read the manifest")["manifest"], "mcai.yaml");
    assert_eq!(told("DEBUG", "target")["origin"], "mcai.yaml:5:54");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let sandbox = Sandbox::new();
    sandbox
        .mcai(&["man", "man1"])
        .is(0, "19 pages written to man1\n", "");
    let page = sandbox.read("man1/mcai-config-view.1");
    assert!(page.contains(".TH mcai-config-view 1"), "{page}");
    assert!(page.contains("mcai config view llama"), "examples: {page}");
    let own = sandbox.mcai(&["man"]).stdout.clone();
    assert_eq!(own, sandbox.read("man1/mcai.1"));
}
