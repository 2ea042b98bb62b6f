//! What README.md shows is true: its first command, and its manifest.

use std::fs;

use super::support::{Sandbox, assert_same};

/// Returns what a fenced block of README.md holds, from the line that starts so to the end of the block.
fn block(first: &str) -> String {
    let readme = fs::read_to_string("README.md").expect("README.md");
    let start = readme
        .find(first)
        .unwrap_or_else(|| panic!("`{first}` is not in README.md"));
    let rest = &readme[start..];
    rest[..rest.find("```").expect("the block ends")].to_owned()
}

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let session = block("$ cargo run --release -- ");
    let (command, shown) = session.split_once('\n').expect("a command and its output");
    let words: Vec<&str> = command.split_whitespace().skip(5).collect();
    let mut sandbox = Sandbox::new();
    // Prices get older by the day.
    sandbox.env("MCAI_TEST_NOW", "2026-11-25T12:00:00Z");
    let manifest = fs::read_to_string("examples/quickstart/mcai.yaml").expect("the example");
    sandbox.write("examples/quickstart/mcai.yaml", &manifest);
    let run = sandbox.mcai(&words);
    run.code(0);
    // On a terminal both streams stand together: the plan, what is written, the result.
    let last = run.stdout.trim_end().rfind('\n').map_or(0, |at| at + 1);
    let together = format!(
        "{}{}{}",
        &run.stdout[..last],
        run.stderr,
        &run.stdout[last..]
    );
    assert_same(command, &together, shown);
    let files: Vec<String> = sandbox.files().into_keys().collect();
    assert_eq!(
        files,
        [
            "examples/quickstart/deploy/aws-us-east-1/kubeai/model-llama-3-8b.yaml",
            "examples/quickstart/deploy/gcp-europe-west4/kubeai/model-llama-3-8b.yaml",
            "examples/quickstart/mcai.yaml",
        ]
    );
}

#[test]
fn the_manifest_of_the_readme_is_valid() {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", &block("# mcai.yaml\n"));
    sandbox
        .mcai(&["check"])
        .is(0, "valid: 2 clusters, 1 model\n", "");
}
