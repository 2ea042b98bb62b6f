//! `-o markdown`: which commands have it, and its limit. `tests/plans` has whole texts.

use super::support::{MANIFEST, Sandbox};

#[test]
fn only_a_plan_and_a_status_are_markdown() {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", MANIFEST);
    for words in [
        &["check"][..],
        &["config", "view"],
        &["apply", "saved"],
        &["delete", "llama", "--yes"],
    ] {
        let run = sandbox.mcai(&[words, &["-o", "markdown"]].concat());
        run.code(64);
        let forms = "[possible values: table, wide, json, yaml, name, jsonl]";
        assert!(run.stderr.contains(forms), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    for words in [&["--yes"][..], &["--dry-run"]] {
        let run = sandbox.mcai(&[&["deploy", "-o", "markdown"], words].concat());
        let refused = "### mcai failed: 1 error

```diff
! error: no such form of this answer
#   only a plan has `-o markdown`: others have table, wide, json, yaml, name and jsonl
#   hint: give `--dry-run=server` to see the plan, or use `mcai plan`
```
";
        run.is(64, refused, "");
    }
    let plan = sandbox.mcai(&["plan", "-o", "markdown"]);
    plan.code(0);
    sandbox
        .mcai(&["deploy", "--dry-run=server", "-o", "markdown"])
        .is(0, &plan.stdout, "");
    sandbox.mcai(&["deploy", "--yes"]).code(0);
    sandbox.mcai(&["status", "-o", "markdown"]).is(
        0,
        "| Model | Cluster | Ready | State | Age | Reason |
|---|---|--:|---|--:|---|
| llama | aws-1 | - | written | - | `a file; no cluster is observed` |
",
        "",
    );
}

/// 20 clusters with 60 models, each with more changed fields than are shown unfolded.
#[test]
fn a_huge_plan_is_cut_between_models_and_says_what_is_missing() {
    let sandbox = Sandbox::new();
    let clusters: String = (0..20)
        .map(|i| format!("  aws-{i:02}: {{ cloud: aws, region: us-east-1, directory: d/{i} }}\n"))
        .collect();
    let manifest = |value: &str| {
        let args: Vec<String> = (0..12).map(|i| format!("--a{i}={value}")).collect();
        let spec = format!("engine: VLLM, features: [], url: hf://x/y, args: {args:?}");
        let models: String = (0..60)
            .map(|i| format!("  m{i:02}:\n    spec: {{ {spec} }}\n"))
            .collect();
        format!(
            "version: 1\nproject: huge\nid: k7m2q9x4p1zt\nclusters:\n{clusters}models:\n{models}"
        )
    };
    sandbox.write("mcai.yaml", &manifest("old"));
    sandbox.mcai(&["deploy", "--yes", "-q"]).code(0);
    sandbox.write("mcai.yaml", &manifest("new"));
    let run = sandbox.mcai(&["plan", "-o", "markdown"]);
    let text = &run.code(0).stdout;
    assert!((50_000..60_000).contains(&text.len()), "{}", text.len());
    assert!(text.starts_with("### huge · Plan: 1200 to update on 20 clusters\n"));
    let count = |words: &str| text.matches(words).count();
    assert_eq!(
        count("| 60 to update |\n"),
        20,
        "every cluster is in the table"
    );
    let (models, folds) = (count("! Model/"), count("<details>"));
    assert_eq!((folds, folds), (models, count("</details>")));
    assert_eq!(count("```diff\n"), 2 * models);
    assert_eq!(count("\n```\n"), 2 * models);
    let last = format!(
        "\n**{} changing models on 19 clusters not shown: a comment has no room for more. `mcai plan` shows all.**\n",
        1200 - models
    );
    assert!(text.ends_with(&last), "{}", &text[text.len() - 300..]);
}
