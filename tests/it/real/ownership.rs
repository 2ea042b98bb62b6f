//! Whose cluster and whose objects these are.

use serde_json::json;

use super::{Fleet, SPEC, in_order, model};

fn live(name: &str, meta: &str, more: &str) -> String {
    format!(
        "apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {{name: {name}{meta}}}\nspec: {{{SPEC}{more}}}\n"
    )
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_context_swapped_with_another_clusters_is_refused() {
    let fleet = Fleet::new(2);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    fleet.run(&["deploy", "--yes"]).code(0);
    let swapped = [
        "--context",
        "aws-us-east-1=c2",
        "--context",
        "gcp-europe-west4=c1",
    ];
    let run = fleet.run(&[&["deploy", "--yes"][..], &swapped].concat());
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: the context leads to another cluster (cluster `aws-us-east-1`)\n  context `c2` is for `aws-us-east-1`, but the cluster is marked as `gcp-europe-west4`\n",
        ],
    );
    let run = fleet.run(&[
        "plan",
        "--context",
        "aws-us-east-1=c2",
        "--clusters",
        "aws-us-east-1",
    ]);
    run.code(1);
    let run = fleet.run(&["plan", "--context", "aws-us-east-1=c2"]);
    run.is(
        1,
        "",
        "error: one context for two clusters
  --> mcai.yaml:7:66   clusters `aws-us-east-1` and `gcp-europe-west4` have the same context
  7 |   gcp-europe-west4: { cloud: gcp, region: europe-west4, context: c2 }
    |                                                                  ^
",
    );
    // Deliberately, it can be done.
    fleet
        .run(&[&["deploy", "--yes", "--accept-cluster"][..], &swapped].concat())
        .code(0);
    fleet.run(&[&["plan"][..], &swapped].concat()).code(1);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn two_names_for_one_cluster_and_another_region_are_refused() {
    let fleet = Fleet::new(2);
    let one = fleet.kubeai[0].cluster.access();
    fleet.contexts(&[("c1", one.clone()), ("c2", one)]);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &["error: one cluster under two names (cluster `gcp-europe-west4`)"],
    );
    let run = fleet.run(&["deploy", "--yes", "--clusters", "gcp-europe-west4"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: the context leads to another region",
            "the manifest says `europe-west4`; the nodes behind context `c2` are in `us-east-1`",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_model_made_by_kubectl_is_adopted_and_its_conflicts_are_named() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    kubeai.create_as(
        "kubectl-create",
        &live("llama", "", ", minReplicas: 0, maxReplicas: 3"),
    );
    fleet.manifest(&model("llama", ", minReplicas: 0, maxReplicas: 3"));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(0);
    in_order(
        &run.stdout,
        &[
            "  ~ Model/llama  adopt  (made by others so far, mcai's from now on)\nPlan: 1 to adopt on 1 cluster\n",
        ],
    );
    fleet.run(&["plan", "--detailed-exitcode"]).code(0);

    kubeai.patch_as(
        "kubectl-edit",
        "/apis/kubeai.org/v1/models/llama",
        &json!({"spec": {"maxReplicas": 7}}),
    );
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: fields belong to another manager (cluster `aws-us-east-1`)\n",
            "caused by: .spec.maxReplicas is set by `kubectl-edit` (the manifest says 3)\n",
            "hint: drop the fields from the manifest, or `--force-conflicts` to take them over\n",
        ],
    );
    let run = fleet.run(&["deploy", "--yes", "--force-conflicts"]);
    run.code(0);
    in_order(&run.stdout, &["      spec.maxReplicas: 7 -> 3\n"]);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_model_of_argo_cds_is_refused_until_it_is_taken_over() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    let tracked =
        ", annotations: {argocd.argoproj.io/tracking-id: 'models:kubeai.org/Model:x/llama'}";
    kubeai.apply_as(
        "argocd-controller",
        &live("llama", tracked, ", minReplicas: 0"),
    );
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: the model belongs to another tool",
            "model `llama` is kept by Argo CD (annotation argocd.argoproj.io/tracking-id: models:kubeai.org/Model:x/llama)",
            "hint: remove it there first, or `--take-over`",
        ],
    );
    fleet.run(&["deploy", "--yes", "--take-over"]).code(0);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn unknown_fields_and_server_rules_are_refused_by_the_dry_run() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 0, shinyNewField: 1"));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "warning: unknown key",
            "error: the cluster refuses model `llama`",
            ".spec.shinyNewField",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());
}
