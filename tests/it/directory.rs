//! Directory targets: files written whole or not at all, compared like a cluster, and never somebody else's.

use std::fs;

use super::support::{Sandbox, assert_same};

const MANIFEST: &str = "version: 1
project: files
id: k7m2q9x4p1zt
clusters:
  aws-1: { cloud: aws, region: us-east-1, directory: deploy/aws-1 }
  gcp-1: { cloud: gcp, region: europe-west4, directory: deploy/gcp-1 }
models:
  llama:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y, minReplicas: 1, maxReplicas: 3 }
    placement: { clouds: [aws] }
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", MANIFEST);
    sandbox
}

const FILE: &str = "deploy/aws-1/kubeai/model-llama.yaml";

#[test]
fn a_model_is_written_compared_and_deleted() {
    let sandbox = sandbox();
    let run = sandbox.mcai(&["deploy", "--yes"]);
    run.is(
        0,
        "aws-1  (directory deploy/aws-1)
  + Model/llama  create
      url: hf://x/y
      replicas: 1..3
Plan: 1 to create on 1 cluster
1 file written, nothing deployed by mcai: what applies the files is not observed
",
        "aws-1  written deploy/aws-1/kubeai/model-llama.yaml\n",
    );
    assert_same(
        FILE,
        &sandbox.read(FILE),
        "apiVersion: kubeai.org/v1
kind: Model
metadata:
  labels:
    app.kubernetes.io/instance: k7m2q9x4p1zt
    app.kubernetes.io/managed-by: mcai
    app.kubernetes.io/part-of: files
  name: llama
  namespace: kubeai
spec:
  engine: VLLM
  features:
  - TextGeneration
  maxReplicas: 3
  minReplicas: 1
  url: hf://x/y
",
    );

    sandbox.write(
        "mcai.yaml",
        &MANIFEST.replace("maxReplicas: 3", "maxReplicas: 5"),
    );
    let run = sandbox.mcai(&["deploy", "--yes", "--detailed-exitcode"]);
    run.is(
        2,
        "aws-1  (directory deploy/aws-1)
  ~ Model/llama  update
      spec.maxReplicas: 3 -> 5
Plan: 1 to update on 1 cluster
1 file written, nothing deployed by mcai: what applies the files is not observed
",
        "aws-1  written deploy/aws-1/kubeai/model-llama.yaml\n",
    );
    let again = "No changes: 1 model object as the manifest says
no file changed, nothing deployed by mcai: what applies the files is not observed
";
    sandbox
        .mcai(&["deploy", "--yes", "--detailed-exitcode"])
        .is(0, again, "");

    let run = sandbox.mcai(&["delete", "llama", "--yes"]);
    run.code(0);
    assert!(!sandbox.files().contains_key(FILE));
}

#[test]
fn a_model_moves_with_its_placement() {
    let sandbox = sandbox();
    sandbox.mcai(&["deploy", "--yes"]).code(0);
    sandbox.write(
        "mcai.yaml",
        &MANIFEST.replace("clouds: [aws]", "clouds: [gcp]"),
    );
    sandbox.mcai(&["deploy", "llama", "--yes"]).code(0);
    let files: Vec<String> = sandbox.files().into_keys().collect();
    assert_eq!(files, ["deploy/gcp-1/kubeai/model-llama.yaml", "mcai.yaml"]);
}

#[test]
fn a_file_that_mcai_did_not_make_is_never_touched() {
    let sandbox = sandbox();
    let theirs =
        "apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {name: llama}\nspec: {url: hf://mine}\n";
    sandbox.write(FILE, theirs);
    sandbox.write("deploy/aws-1/kubeai/notes.txt", "mine");
    let run = sandbox.mcai(&["deploy", "--yes"]);
    run.is(
        1,
        "Nothing to do\n",
        "error: a file that mcai did not make (cluster `aws-1`)
  `model-llama.yaml` lacks the labels of this project
  hint: remove it there first, or `--take-over` if mcai is to own it from now on
",
    );
    assert_eq!(sandbox.read(FILE), theirs);
    sandbox.mcai(&["deploy", "--yes", "--take-over"]).code(0);
    assert_eq!(sandbox.read("deploy/aws-1/kubeai/notes.txt"), "mine");

    sandbox.write(FILE, "half: [done\n");
    let run = sandbox.mcai(&["deploy", "--yes"]);
    run.code(1);
    assert!(
        run.stderr
            .starts_with("error: not valid YAML (cluster `aws-1`)\n"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.read(FILE), "half: [done\n");
}

#[test]
fn an_edit_after_the_plan_is_not_lost() {
    let sandbox = sandbox();
    sandbox.mcai(&["deploy", "--yes"]).code(0);
    sandbox.write(
        "mcai.yaml",
        &MANIFEST.replace("maxReplicas: 3", "maxReplicas: 5"),
    );
    sandbox.mcai(&["plan", "--out", "saved.plan"]).code(0);
    let edited = sandbox
        .read(FILE)
        .replace("maxReplicas: 3", "maxReplicas: 4");
    sandbox.write(FILE, &edited);
    let run = sandbox.mcai(&["apply", "saved.plan", "--yes"]);
    run.code(1);
    assert!(
        run.stderr.contains("error: the plan is stale"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("caused by: spec.maxReplicas is 4 now"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.read(FILE), edited);
    sandbox.mcai(&["plan", "--out", "saved.plan"]).code(0);
    sandbox.mcai(&["apply", "saved.plan", "--yes"]).code(0);
    assert!(sandbox.read(FILE).contains("maxReplicas: 5"));
    sandbox.write("saved.plan", "{}");
    let run = sandbox.mcai(&["apply", "saved.plan", "--yes"]);
    run.code(1);
    assert!(
        run.stderr.contains("error: not a saved plan"),
        "{}",
        run.stderr
    );
}

#[test]
fn one_directory_for_two_clusters_is_found_however_it_is_written() {
    let sandbox = sandbox();
    sandbox.write(
        "mcai.yaml",
        &MANIFEST.replace("deploy/gcp-1", "./deploy/./aws-1/"),
    );
    let run = sandbox.mcai(&["check"]);
    run.code(1);
    assert!(
        run.stderr.contains("error: one directory for two clusters"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_saved_plan_is_for_its_own_target_only() {
    let sandbox = sandbox();
    sandbox.mcai(&["plan", "--out", "saved.plan"]).code(0);
    for target in ["directory: elsewhere", "context: live"] {
        sandbox.write(
            "mcai.yaml",
            &MANIFEST.replace("directory: deploy/aws-1", target),
        );
        let run = sandbox.mcai(&["apply", "saved.plan", "--yes"]);
        run.code(1);
        let words = "cluster `aws-1` was planned for directory deploy/aws-1, the manifest says";
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(
        !sandbox
            .files()
            .keys()
            .any(|file| file.ends_with("model-llama.yaml"))
    );
}

#[test]
fn a_selection_where_nothing_is_placed_is_an_error() {
    let sandbox = sandbox();
    sandbox.mcai(&["deploy", "--clouds", "gcp", "--yes"]).is(
        1,
        "",
        "error: no selected cluster is in the model's placement
  model `llama`
  caused by: gcp-1: clouds: gcp is not listed
  hint: it is placed on `aws-1`
",
    );
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_never_leads_out_of_the_project() {
    for link in ["deploy", "deploy/aws-1", "deploy/aws-1/kubeai"] {
        let sandbox = sandbox();
        let outside = sandbox.home().join("outside");
        fs::create_dir(&outside).unwrap();
        let link = sandbox.dir().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let run = sandbox.mcai(&["deploy", "--yes"]);
        run.code(1);
        assert!(
            run.stderr.contains("error: a symbolic link in the way"),
            "{}",
            run.stderr
        );
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}
