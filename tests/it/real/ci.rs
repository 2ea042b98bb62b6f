//! examples/ci on real clusters: check, plan as a comment, deploy.

use std::time::Duration;

use serde_json::json;

use super::{Fleet, in_order, model};
use crate::support::{Access, ForgeKind, KubeAi, Runner, Sandbox, eventually, kubeconfig, wait};

/// A fleet whose sandbox is a forge's runner; the kubeconfig is a secret of the forge alone.
struct Pipeline {
    runner: Runner,
    fleet: Fleet,
}

impl Pipeline {
    fn new(kind: ForgeKind, clusters: usize) -> Pipeline {
        let mut fleet = Fleet::new(clusters);
        let config = fleet.sandbox.home().join(".kube/config");
        std::fs::remove_file(config).expect("the fleet's kubeconfig");
        let sandbox = std::mem::replace(&mut fleet.sandbox, Sandbox::new());
        let mut runner = Runner::new(kind, sandbox);
        let access = fleet.kubeai.iter().map(|kubeai| kubeai.cluster.access());
        let contexts: Vec<_> = ["c1", "c2", "c3"].into_iter().zip(access).collect();
        runner.secret_kubeconfig(&kubeconfig(&contexts));
        Pipeline { runner, fleet }
    }

    fn manifest(&self, models: &str) {
        self.fleet.manifest(models);
        let text = self.fleet.sandbox.read("mcai.yaml");
        self.runner.sandbox.write("mcai.yaml", &text);
    }

    fn comment(&self) -> String {
        let comments = self.runner.forge.comments();
        assert_eq!(comments.len(), 1);
        comments[0].body.clone()
    }

    fn has_model(&self) -> bool {
        let has = |kubeai: &KubeAi| kubeai.model("llama").is_some();
        self.fleet.kubeai.iter().all(has)
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn what_a_pull_request_shows_is_deployed_when_it_is_merged() {
    for kind in ForgeKind::BOTH {
        let pipeline = Pipeline::new(kind, 2);
        pipeline.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 2"));
        pipeline.runner.ends("check", 0);
        pipeline.runner.ends("plan", 0);
        in_order(
            &pipeline.comment(),
            &[
                "### fleet · Plan: 2 to create on 2 clusters\n",
                "| `aws-us-east-1` | `context c1` | 1 to create |\n",
                "#### `gcp-europe-west4`\n\n```diff\n+ Model/llama  create\n+     url: hf://x/y\n",
                "Merging deploys this",
            ],
        );
        assert!(!pipeline.has_model(), "a plan writes nothing");
        let deploy = pipeline.runner.ends("deploy", 0);
        in_order(
            &deploy.stdout,
            &[
                "2 clusters changed, 0 failed, all models ready, in ",
                "deploy: deployed: every model is ready (mcai's exit code: 2)\n",
            ],
        );
        assert!(pipeline.has_model());

        pipeline.manifest(&model("llama", ", minReplicas: 1, maxReplicas: 3"));
        pipeline.runner.ends("plan", 0);
        in_order(
            &pipeline.comment(),
            &["! Model/llama  update\n-     spec.maxReplicas: 2\n+     spec.maxReplicas: 3\n"],
        );
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_deploy_that_fails_keeps_its_exit_code_and_shows_how_things_stand() {
    for kind in ForgeKind::BOTH {
        let pipeline = Pipeline::new(kind, 1);
        let slow = ", minReplicas: 1, args: [--test-slow=60s]";
        pipeline.manifest(&model("llama", slow));
        let flags = [("MCAI_FLAGS", "--timeout 3s")];
        let deploy = pipeline.runner.ends_with("deploy", 6, &flags);
        assert_eq!(pipeline.runner.report()["exitCode"], 6);
        in_order(
            &deploy.stdout,
            &[
                "deploy: applied, but not ready in time or without capacity; nothing is undone",
                "| Model | Cluster | Ready |",
                "| llama | aws-us-east-1 | 0/1 | starting |",
            ],
        );
        assert!(pipeline.has_model());

        // Nobody listens where the second cluster was; the user wants the others all the same.
        let mut pipeline = Pipeline::new(kind, 2);
        pipeline.manifest(&model("llama", ", minReplicas: 1"));
        let [first, second] = [0, 1].map(|i| &pipeline.fleet.kubeai[i].cluster);
        let dead = Access {
            server: "https://127.0.0.1:9".to_owned(),
            ..second.access()
        };
        let config = kubeconfig(&[("c1", first.access()), ("c2", dead)]);
        pipeline.runner.secret_kubeconfig(&config);
        let flags = [("MCAI_FLAGS", "--skip-unreachable")];
        pipeline.runner.ends_with("plan", 7, &flags);
        in_order(
            &pipeline.comment(),
            &[
                "### fleet · Plan: 1 to create on 1 cluster, 1 cluster not read · 1 error\n",
                "(cluster `gcp-europe-west4`)",
                "**A cluster could not be read: the plan lacks it.**",
            ],
        );
        let deploy = pipeline.runner.ends_with("deploy", 3, &flags);
        assert_eq!(pipeline.runner.report()["exitCode"], 3);
        in_order(
            &deploy.stdout,
            &[
                "deploy: changed in part: a cluster failed or was not reached",
                "| llama | aws-us-east-1 | 1/1 | ready |",
                "! error: ",
                "(cluster `gcp-europe-west4`)",
            ],
        );
    }
}

/// Service accounts of the test's namespace play the group of the plan's identity.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn the_identity_of_the_plan_asks_the_server_and_cannot_write() {
    let mut pipeline = Pipeline::new(ForgeKind::GitHub, 1);
    pipeline.manifest(&model("llama", ", minReplicas: 0"));
    let kubeai = &pipeline.fleet.kubeai[0];
    let namespace = &kubeai.namespace;
    let objects = std::fs::read_to_string("examples/ci/plan-only.yaml").expect("the example");
    let group = format!("system:serviceaccounts:{namespace}");
    let objects = objects
        .replace("namespace: kubeai", &format!("namespace: {namespace}"))
        .replace(
            "kind: Group\n    name: mcai-plan",
            &format!("kind: Group\n    name: {group}"),
        )
        .replace("'mcai-plan'", &format!("'{group}'"))
        .replace("ame: mcai-plan", &format!("ame: plan-{namespace}"));
    kubeai.apply(&objects);
    let config = kubeconfig(&[("c1", kubeai.user(&json!([])))]);
    pipeline.runner.secret_kubeconfig(&config);

    // The API server takes a policy up after a while.
    let deploy = eventually(Duration::from_secs(30), || {
        let run = pipeline.runner.starts("deploy").wait();
        if kubeai.model("llama").is_none() {
            return Ok(run);
        }
        let path = format!("/apis/kubeai.org/v1/namespaces/{namespace}/models/llama");
        wait(kubeai.cluster.api.delete(&path)).map_err(|refused| refused.to_string())?;
        Err("the policy is not in force".to_owned())
    });
    in_order(&deploy.code(1).stderr, &["this identity may only plan"]);

    pipeline.runner.ends("plan", 0);
    in_order(
        &pipeline.comment(),
        &[
            "### fleet · Plan: 1 to create on 1 cluster\n",
            "+ Model/llama  create\n",
        ],
    );
}

/// GitHub signals the process of the step, and nothing below it.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_deploy_that_is_cancelled_says_how_things_stand() {
    let pipeline = Pipeline::new(ForgeKind::GitHub, 1);
    let slow = ", minReplicas: 1, args: [--test-slow=60s]";
    pipeline.manifest(&model("llama", slow));
    let deploy = pipeline.runner.starts("deploy");
    deploy.prints("loads the model").signal("INT");
    let run = deploy.wait();
    assert_eq!(pipeline.runner.report()["exitCode"], 130);
    in_order(
        &run.code(130).stdout,
        &[
            "1 interrupted",
            "deploy: interrupted: what is applied stays, run the job again to go on (mcai's exit code: 130)\n",
            "| llama | aws-us-east-1 | 0/1 | starting |",
        ],
    );
}
