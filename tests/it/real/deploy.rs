//! The main job: plan, deploy, wait, update, undo a placement, delete.

use std::num::NonZero;
use std::time::Duration;

use serde_json::json;

use super::{Fleet, NAMES, in_order, model};
use crate::support::{Cluster, eventually};

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_model_gets_ready_on_three_clusters_with_an_override_on_one() {
    let fleet = Fleet::new(3);
    let overrides = "    overrides:\n      - clouds: [gcp]\n        set: { minReplicas: 2 }\n";
    fleet.manifest(&(model("llama-3-8b", ", minReplicas: 1, maxReplicas: 4") + overrides));

    let plan = "aws-us-east-1  (context c1)
  + Model/llama-3-8b  create
      url: hf://x/y
      resourceProfile: nvidia-gpu-l4:1
      replicas: 1..4
azure-westeurope  (context c3)
  + Model/llama-3-8b  create
      url: hf://x/y
      resourceProfile: nvidia-gpu-l4:1
      replicas: 1..4
gcp-europe-west4  (context c2)
  + Model/llama-3-8b  create
      url: hf://x/y
      resourceProfile: nvidia-gpu-l4:1
      replicas: 2..4
Plan: 3 to create on 3 clusters
";
    fleet.run(&["plan", "--detailed-exitcode"]).is(2, plan, "");
    assert!(
        fleet
            .kubeai
            .iter()
            .all(|kubeai| kubeai.model("llama-3-8b").is_none()),
        "a plan writes nothing"
    );

    let run = fleet.run(&["deploy", "llama-3-8b", "--yes"]);
    run.code(0);
    assert!(run.stdout.starts_with(plan), "{}", run.stdout);
    in_order(
        &run.stdout,
        &[
            "3 clusters changed, 0 failed, all models ready, in ",
            "call the models at\n  aws-us-east-1     http://localhost:8000/openai/v1  after: kubectl --context c1 -n [NS] port-forward svc/kubeai 8000:80\n",
            "such as:  curl http://localhost:8000/openai/v1/chat/completions",
        ],
    );
    for name in NAMES {
        assert!(
            run.stderr
                .contains(&format!("{name:16}  llama-3-8b: ready")),
            "{}",
            run.stderr
        );
    }
    for (kubeai, pods) in fleet.kubeai.iter().zip([1, 2, 1]) {
        assert_eq!(
            kubeai.pods("llama-3-8b").len(),
            pods,
            "{}",
            kubeai.cluster.name
        );
    }

    let kept = "No changes: 3 model objects as the manifest says
";
    fleet.run(&["plan", "--detailed-exitcode"]).is(0, kept, "");

    let status = fleet.run(&["status", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&status.code(0).stdout).expect("JSON");
    let rows = answer["models"].as_array().expect("rows");
    let short: Vec<_> = rows
        .iter()
        .map(|row| json!([row["cluster"], row["state"], row["ready"], row["want"]]))
        .collect();
    assert_eq!(
        short,
        [
            json!(["aws-us-east-1", "ready", 1, 1]),
            json!(["azure-westeurope", "ready", 1, 1]),
            json!(["gcp-europe-west4", "ready", 2, 2])
        ]
    );

    let run = fleet.run(&["delete", "llama-3-8b", "--yes"]);
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "  - Model/llama-3-8b  delete\n",
            "Plan: 3 to delete on 3 clusters\n3 clusters changed, 0 failed, in ",
        ],
    );
    assert!(
        fleet
            .kubeai
            .iter()
            .all(|kubeai| kubeai.model("llama-3-8b").is_none())
    );
    let run = fleet.run(&["delete", "llama-3-8b", "--yes"]);
    run.is(
        1,
        "",
        "error: nothing to delete\n  no selected cluster has model `llama-3-8b`\n",
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn more_replicas_are_waited_for() {
    let fleet = Fleet::new(1);
    fleet.kubeai[0].add_node(&crate::support::Node {
        name: "gpu-1",
        ..Default::default()
    });
    fleet.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 5"));
    fleet.run(&["deploy", "--yes"]).code(0);
    fleet.manifest(&model("llama", ", minReplicas: 5, maxReplicas: 5"));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "  ~ Model/llama  update\n      spec.minReplicas: 1 -> 5\nPlan: 1 to update on 1 cluster\n",
        ],
    );
    in_order(&run.stderr, &["llama: ready 5/5"]);
    assert_eq!(fleet.kubeai[0].pods("llama").len(), 5);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn nothing_is_written_where_kubeai_is_missing_in_one_cluster() {
    let fleet = Fleet::new(2);
    let bare = Cluster::number(4);
    fleet.contexts(&[
        ("c1", fleet.kubeai[0].cluster.access()),
        ("c2", bare.access()),
    ]);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let text = fleet.sandbox.read("mcai.yaml").replace(
        "cloud: gcp, region: europe-west4",
        "cloud: aws, region: us-west-2",
    );
    fleet.sandbox.write("mcai.yaml", &text);
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: KubeAI is not installed (cluster `gcp-europe-west4`)\n  the cluster does not serve kubeai.org/v1\n  hint: install KubeAI's chart first",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());

    // It is no matter of reaching it: skipping would hide a mistake.
    fleet
        .run(&["deploy", "--yes", "--skip-unreachable"])
        .code(1);
    assert!(fleet.kubeai[0].model("llama").is_none());

    // Where no model is placed, KubeAI need not be.
    let placed = fleet.sandbox.read("mcai.yaml") + "    placement: { clusters: [aws-us-east-1] }\n";
    fleet.sandbox.write("mcai.yaml", &placed);
    fleet.run(&["deploy", "--yes", "--wait=applied"]).code(0);
    assert!(fleet.kubeai[0].model("llama").is_some());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_wrong_namespace_is_found_before_anything_is_written() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let text = fleet.sandbox.read("mcai.yaml");
    fleet.sandbox.write(
        "mcai.yaml",
        &text.replace(
            &format!("namespace: {}", fleet.namespace),
            "namespace: nowhere",
        ),
    );
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: KubeAI is not in this namespace (cluster `aws-us-east-1`)\n  namespace `nowhere` does not exist\n",
        ],
    );
    fleet.sandbox.write(
        "mcai.yaml",
        &text.replace(
            &format!("namespace: {}", fleet.namespace),
            "namespace: default",
        ),
    );
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &["namespace `default` has no ConfigMap `kubeai-config`"],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_saved_plan_is_carried_out_though_kubeai_scales_and_refused_when_its_fields_moved() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    fleet.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 4"));
    fleet.run(&["deploy", "--yes"]).code(0);

    fleet.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 3"));
    fleet.run(&["plan", "--out", "saved.plan"]).code(0);
    fleet.operators[0].scale("llama", 3);
    eventually(Duration::from_secs(20), || {
        if kubeai.pods("llama").len() == 3 {
            Ok(())
        } else {
            Err("three pods".into())
        }
    });
    let run = fleet.run(&["apply", "saved.plan", "--yes"]);
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "spec.maxReplicas: 4 -> 3\n",
            "1 cluster changed, 0 failed, all models ready, in ",
        ],
    );
    assert_eq!(
        kubeai.model("llama").expect("a model")["spec"]["maxReplicas"],
        3
    );

    fleet.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 2"));
    fleet
        .run(&["plan", "--out", "saved.plan", "--force-conflicts"])
        .code(0);
    kubeai.patch_as(
        "kubectl-edit",
        "/apis/kubeai.org/v1/models/llama",
        &json!({"spec": {"maxReplicas": 9}}),
    );
    let run = fleet.run(&["apply", "saved.plan", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: the plan is stale",
            "model `llama` changed since the plan was made",
            "caused by: spec.maxReplicas is 9 now",
            "hint: plan again",
        ],
    );
    assert_eq!(
        kubeai.model("llama").expect("a model")["spec"]["maxReplicas"],
        9,
        "nothing was written"
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_model_leaves_clusters_outside_its_placement_when_the_others_are_ready() {
    let fleet = Fleet::new(2);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    fleet.run(&["deploy", "--yes"]).code(0);
    fleet.manifest(
        &(model("llama", ", minReplicas: 1, args: [--x]") + "    placement: { clouds: [gcp] }\n"),
    );
    let run = fleet.run(&["deploy", "llama", "--yes"]);
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "aws-us-east-1  (context c1)\n  - Model/llama  delete\n",
            "Plan: 1 to update, 1 to delete on 2 clusters\n",
        ],
    );
    in_order(
        &run.stderr,
        &[
            "gcp-europe-west4  llama: ready 1/1",
            "aws-us-east-1     llama: deleted",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());

    // When the others do not get ready, nothing is deleted.
    fleet.manifest(
        &(model("llama", ", minReplicas: 9, maxReplicas: 9, args: [--x]")
            + "    placement: { clouds: [aws] }\n"),
    );
    let run = fleet.run(&["deploy", "llama", "--yes", "--timeout", "5s"]);
    run.code(6);
    in_order(
        &run.stderr,
        &["gcp-europe-west4  nothing deleted: the other models are not ready"],
    );
    assert!(fleet.kubeai[1].model("llama").is_some());

    // Nor while nobody waits to know whether they do, and the exit code says so.
    let run = fleet.run(&["deploy", "llama", "--yes", "--wait=applied"]);
    run.code(6);
    in_order(
        &run.stderr,
        &["gcp-europe-west4  nothing deleted: with --wait=applied nobody knows"],
    );
    assert!(fleet.kubeai[1].model("llama").is_some());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn prune_deletes_only_what_is_mcais() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    fleet.manifest(&(model("one", ", minReplicas: 0") + &model("two", ", minReplicas: 0")));
    fleet.run(&["deploy", "--yes"]).code(0);
    kubeai.apply_as("kubectl", &format!("apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {{name: theirs}}\nspec: {{{}, minReplicas: 0}}\n", super::SPEC));
    fleet.manifest(&model("one", ", minReplicas: 0"));
    fleet.run(&["deploy", "--yes"]).code(0);
    assert!(kubeai.model("two").is_some(), "without --prune it stays");
    fleet.run(&["deploy", "--yes", "--prune"]).code(0);
    assert!(kubeai.model("two").is_none() && kubeai.model("theirs").is_some());
    let run = fleet.run(&["delete", "theirs", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &["error: the model is not mcai's (cluster `aws-us-east-1`)"],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_delete_says_which_finalizer_it_waits_for() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    fleet.run(&["deploy", "--yes"]).code(0);
    kubeai.patch_as(
        "kubeai-manager",
        "/apis/kubeai.org/v1/models/llama",
        &json!({"metadata": {"finalizers": ["example.com/hold"]}}),
    );
    let run = fleet.run(&["delete", "llama", "--yes", "--timeout", "3s"]);
    run.code(6);
    in_order(
        &run.stderr,
        &[
            "llama: deleting: waits for `example.com/hold`",
            "error: the model is not gone in time",
        ],
    );
    kubeai.patch_as(
        "kubeai-manager",
        "/apis/kubeai.org/v1/models/llama",
        &json!({"metadata": {"finalizers": null}}),
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_directory_beside_a_context_is_written_and_the_cluster_only_read() {
    let fleet = Fleet::new(1);
    fleet.manifest_with(
        &[", directory: gitops/aws"],
        &model("llama", ", minReplicas: 1"),
    );
    let run = fleet.run(&["deploy", "--yes"]);
    run.is(
        0,
        "aws-us-east-1  (directory gitops/aws)
  + Model/llama  create
      url: hf://x/y
      resourceProfile: nvidia-gpu-l4:1
      replicas: 1..
Plan: 1 to create on 1 cluster
1 file written, nothing deployed by mcai: what applies the files is not observed
",
        "aws-us-east-1  written gitops/aws/[NS]/model-llama.yaml\n",
    );
    assert!(fleet.kubeai[0].model("llama").is_none());
    let run = fleet.run(&["status"]);
    in_order(
        &run.code(0).stdout,
        &[
            "llama",
            "aws-us-east-1",
            "absent",
            "the model is not on the cluster",
        ],
    );
    let file = fleet
        .sandbox
        .read(&format!("gitops/aws/{}/model-llama.yaml", fleet.namespace));
    fleet.kubeai[0].apply_as("argocd", &file);
    eventually(Duration::from_secs(30), || {
        let run = fleet.run(&["status"]);
        if run.stdout.contains("ready") {
            Ok(())
        } else {
            Err(run.stdout)
        }
    });
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn events_are_json_lines() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let run = fleet.run(&["deploy", "--yes", "-o", "jsonl"]);
    run.code(0);
    assert_eq!(run.stderr, "");
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let types: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    assert_eq!(types.first(), Some(&"applied"));
    assert_eq!(types.last(), Some(&"clusterEnded"));
    let answer = lines.last().expect("an answer");
    assert_eq!(
        (&answer["kind"], &answer["exitCode"]),
        (&json!("DeployResult"), &json!(0))
    );
    assert_eq!(
        answer["clusters"]["aws-us-east-1"]["models"]["llama"]["state"],
        "ready"
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn ctrl_c_starts_nothing_new_and_reports_the_state() {
    let fleet = Fleet::without_nodes(1);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let running = fleet.sandbox.spawn(&["deploy", "--yes"]);
    // Which nodes do not fit changes with the tests beside this one: nodes belong to the whole cluster.
    running.prints("unschedulable");
    running.signal("INT");
    let run = running.wait();
    run.code(130);
    in_order(
        &run.stderr,
        &["stopped waiting", "llama: unschedulable 0/1: "],
    );
    in_order(
        &run.stdout,
        &[
            "1 cluster changed, 0 failed, 1 interrupted, in ",
            "\nsee how it goes on with: mcai status\n",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_some());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn nobody_is_asked_without_a_terminal() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let run = fleet.run(&["deploy"]);
    run.is(
        64,
        "",
        "error: nobody can be asked\n  there is no terminal to answer at\n  hint: give `--yes` to carry out the plan, or `--dry-run=server` to see it\n",
    );
    let run = fleet.run(&["deploy", "--dry-run=server", "--detailed-exitcode"]);
    run.code(2);
    assert!(fleet.kubeai[0].model("llama").is_none());
    let run = fleet.run(&["deploy", "--dry-run=server", "-o", "json"]);
    run.code(0);
    assert!(
        serde_json::from_str::<serde_json::Value>(&run.stdout).is_ok(),
        "one document: {}",
        run.stdout
    );
    let run = fleet.run(&["deploy", "--dry-run"]);
    run.code(0);
    in_order(
        &run.stdout,
        &["---\n# aws-us-east-1\napiVersion: kubeai.org/v1\nkind: Model\n"],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_question_is_asked_on_a_terminal_and_progress_is_drawn() {
    let mut fleet = Fleet::new(1);
    fleet.sandbox.env("TERM", "xterm");
    fleet.manifest(&model("llama", ", minReplicas: 1, args: [--test-slow=3s]"));
    let run = fleet.sandbox.mcai_on_a_terminal(&["deploy"], "n\n");
    run.code(1);
    in_order(
        &run.stdout,
        &[
            "Plan: 1 to create on 1 cluster",
            "Deploy to 1 cluster? [y/N]",
            "not confirmed",
            "nothing was changed",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());

    // Nobody is asked about what they have not seen.
    let run = fleet
        .sandbox
        .mcai_on_a_terminal(&["deploy", "-o", "name"], "n\n");
    in_order(
        &run.stdout,
        &[
            "Plan: 1 to create on 1 cluster",
            "Deploy to 1 cluster? [y/N]",
        ],
    );

    let run = fleet.sandbox.mcai_on_a_terminal(&["deploy"], "y\n");
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "[y/N]",
            "starting",
            "ready",
            "1/1 after",
            "1 cluster changed, 0 failed, all models ready",
        ],
    );
    assert!(run.stdout.contains("\u{1b}["), "lines are redrawn");

    let run = fleet
        .sandbox
        .mcai_on_a_terminal(&["deploy", "--no-input"], "y\n");
    run.code(64);
    in_order(&run.stdout, &["nobody can be asked", "--no-input is given"]);
}

/// What the lines of a terminal of 80 columns show after each piece of output, and at the end.
fn screens(output: &str) -> Vec<Vec<String>> {
    let size = |cells| NonZero::new(cells).expect("it is not zero");
    let mut terminal = vt100::Parser::new(size(60), size(80), 0);
    let pieces = output.as_bytes().chunks(200);
    pieces
        .map(|piece| {
            terminal.process(piece);
            let rows = terminal.screen().rows(0, 80);
            rows.map(|row| row.trim_end().to_owned()).collect()
        })
        .collect()
}

/// The clusters whose line is redrawn, from top to bottom: what moves stands before them.
fn moving(screen: &[String]) -> Vec<&str> {
    let is_moving = |line: &&String| line.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
    let lines = screen.iter().filter(is_moving);
    lines
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect()
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn progress_stays_in_its_place_and_leaves_nothing_behind() {
    let mut fleet = Fleet::new(2);
    fleet.sandbox.env("TERM", "xterm");
    let models =
        ["a", "b", "c"].map(|name| model(name, ", minReplicas: 1, args: [--test-slow=3s]"));
    fleet.manifest(&models.concat());
    let run = fleet.sandbox.mcai_on_a_terminal(&["deploy", "--yes"], "");
    let screens = screens(&run.code(0).stdout);
    let both = [NAMES[0], NAMES[1]];
    assert!(
        screens.iter().any(|screen| moving(screen) == both),
        "{}",
        run.stdout
    );
    for screen in &screens {
        assert!(moving(screen).is_sorted(), "{}", screen.join("\n"));
    }
    let last = screens.last().expect("there is output");
    assert_eq!(moving(last), Vec::<&str>::new(), "{}", last.join("\n"));
    assert!(
        !last.iter().any(|line| line.contains("starting")),
        "{}",
        last.join("\n")
    );
    let ready = last
        .iter()
        .filter(|line| line.contains(": ready 1/1 after "));
    assert_eq!(ready.count(), 6, "{}", last.join("\n"));
}
