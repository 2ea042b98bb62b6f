//! Ready, or the reason why not, on one line.

use std::time::Duration;

use super::{Fleet, in_order, model};
use crate::support::{Node, eventually};

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn changed_args_that_crash_are_not_ready_though_old_pods_serve() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    fleet.run(&["deploy", "--yes"]).code(0);
    fleet.manifest(&model(
        "llama",
        ", minReplicas: 1, args: ['--test-waiting=CrashLoopBackOff']",
    ));
    let run = fleet.run(&["deploy", "--yes", "--timeout", "60s"]);
    run.code(3);
    in_order(
        &run.stdout,
        &[
            "  ~ Model/llama  update  (its pods are replaced)\n",
            "1 cluster changed, 1 failed, in ",
        ],
    );
    in_order(
        &run.stderr,
        &[
            "failed\n",
            "llama: crash 0/1: ended 4 times, exit code 1; 1 old still serve; last log: ",
            "No available memory for the cache blocks",
        ],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn an_update_in_a_full_pool_waits_and_says_so() {
    let fleet = Fleet::without_nodes(1);
    fleet.kubeai[0].add_node(&Node {
        gpus: 1,
        ..Node::default()
    });
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    fleet.run(&["deploy", "--yes"]).code(0);
    fleet.manifest(&model("llama", ", minReplicas: 1, args: [--seed=1]"));
    let run = fleet.run(&["deploy", "--yes", "--timeout", "8s"]);
    run.code(6);
    in_order(
        &run.stderr,
        &[
            "not ready in time\n",
            "llama: updating 0/1: update waits for room for one more pod (no node has enough free nvidia.com/gpu); 1 old still serve",
        ],
    );

    // With room, the same update ends well.
    fleet.kubeai[0].add_node(&Node {
        name: "gpu-1",
        gpus: 1,
        ..Node::default()
    });
    fleet.run(&["deploy", "--yes"]).code(0);
    let pods = fleet.kubeai[0].pods("llama");
    assert_eq!(pods.len(), 1);
    assert!(
        pods[0]["spec"]["containers"][0]["args"]
            .to_string()
            .contains("--seed=1")
    );
}

/// cluster-autoscaler needs minutes for a GPU node: the longest of these tests, so that waiting is really tried.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn nodes_that_come_two_minutes_late_are_provisioning_then_ready() {
    let fleet = Fleet::without_nodes(1);
    let pools = ", gpuPools: [{ name: l4, instanceType: g6.24xlarge, max: 2 }]";
    fleet.manifest_with(&[pools], &model("llama", ", minReplicas: 1"));
    let running = fleet.sandbox.spawn(&["deploy", "--yes"]);
    running
        .prints("llama: provisioning 0/1: no node")
        .prints("pool `l4` has 0 of at most 2 nodes");
    let pod = eventually(Duration::from_secs(10), || {
        fleet.kubeai[0].pods("llama").pop().ok_or("a pod".into())
    });
    fleet.kubeai[0].event(
        &pod,
        "cluster-autoscaler",
        "TriggeredScaleUp",
        "pod triggered scale-up: [{l4 0->1 (max: 2)}]",
    );
    running.prints("llama: provisioning 0/1: TriggeredScaleUp");
    std::thread::sleep(Duration::from_secs(120));
    fleet.kubeai[0].add_node(&Node::default());
    let run = running.wait();
    run.code(0);
    in_order(&run.stderr, &["llama: ready 1/1 after 2 min"]);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn no_capacity_is_said_when_the_autoscaler_gives_up() {
    let fleet = Fleet::without_nodes(1);
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let running = fleet.sandbox.spawn(&["deploy", "--yes"]);
    let pod = eventually(Duration::from_secs(20), || {
        fleet.kubeai[0].pods("llama").pop().ok_or("a pod".into())
    });
    let words = "pod didn't trigger scale-up: 1 max node group size reached";
    fleet.kubeai[0].event(&pod, "cluster-autoscaler", "NotTriggerScaleUp", words);
    let run = running.wait();
    run.code(6);
    in_order(
        &run.stderr,
        &[
            "llama: no capacity 0/1: NotTriggerScaleUp",
            words,
            "not ready in time",
        ],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn each_reason_is_named() {
    let fleet = Fleet::new(1);
    let kubeai = &fleet.kubeai[0];
    let profile = |name: &str, profile: &str, more: &str| {
        format!(
            "  {name}:\n    spec: {{ engine: VLLM, features: [TextGeneration], url: hf://x/y, resourceProfile: '{profile}', minReplicas: 1{more} }}\n"
        )
    };
    fleet.manifest(
        &(profile(
            "too-few-gpus",
            "nvidia-gpu-l4:8",
            ", args: [--tensor-parallel-size=8]",
        ) + &profile("taint", "nvidia-gpu-t4:1", "")
            + &profile("selector", "nvidia-gpu-h100:1", "")
            + &profile(
                "image",
                "nvidia-gpu-l4:1",
                ", args: [--test-waiting=ImagePullBackOff]",
            )
            + &profile("slow", "nvidia-gpu-l4:1", ", args: [--test-slow=300s]")
            + &profile("zero", "nvidia-gpu-l4:1", "").replace("minReplicas: 1", "minReplicas: 0")),
    );
    let run = fleet.run(&["deploy", "--yes", "--wait=applied"]);
    run.code(0);
    // A profile that KubeAI does not know would fail in silence: mcai refuses it, so somebody else has made this one.
    let bad = "engine: VLLM, features: [TextGeneration], url: hf://x/y, resourceProfile: 'nope:1', minReplicas: 1";
    kubeai.apply_as("kubectl", &format!("apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {{name: bad-profile}}\nspec: {{{bad}}}\n"));
    for (name, words) in [
        (
            "bad-profile",
            "wrong profile   resource profile `nope` is not in KubeAI's configuration",
        ),
        ("too-few-gpus", "waiting         no node has enough free"),
        (
            "taint",
            "unschedulable   the resource profile does not tolerate the nodes' taint {nvidia.com/gpu: present}",
        ),
        (
            "selector",
            "unschedulable   no node matches the resource profile's node selector",
        ),
        (
            "image",
            "image pull      ImagePullBackOff: `vllm/vllm-openai:v0.10.2`",
        ),
        ("slow", "starting        loads the model (for"),
        ("zero", "scaled to zero  the first request starts a replica"),
    ] {
        eventually(Duration::from_secs(30), || {
            let run = fleet.run(&["status", name]);
            let row: Vec<&str> = run
                .stdout
                .lines()
                .nth(1)
                .unwrap_or_default()
                .split("  ")
                .filter(|cell| !cell.trim().is_empty())
                .map(str::trim)
                .collect();
            // Model, cluster, ready, state, age, reason.
            let seen = match row.as_slice() {
                [_, _, _, state, _, reason] => format!("{state:14}  {reason}"),
                _ => String::new(),
            };
            if seen.starts_with(words) {
                Ok(())
            } else {
                Err(format!("`{words}` in\n{}", run.stdout))
            }
        });
    }
    let run = fleet.run(&["deploy", "image", "--yes", "--timeout", "40s"]);
    run.code(1);
    in_order(
        &run.stderr,
        &["image: image pull 0/1: ImagePullBackOff", "failed"],
    );
    fleet.manifest(&profile("other", "nvidia-gpu-l40:1", ""));
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: unknown resource profile (cluster `aws-us-east-1`)",
            "hint: did you mean `nvidia-gpu-l4`?",
        ],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_model_that_kubeai_does_not_touch_is_told_after_half_a_minute() {
    let mut fleet = Fleet::new(1);
    fleet.operators.clear();
    fleet.manifest(&model("llama", ", minReplicas: 1"));
    let run = fleet.run(&["deploy", "--yes", "--timeout", "34s"]);
    run.code(6);
    in_order(
        &run.stderr,
        &[
            "llama: starting 0/1: KubeAI has not acted yet",
            "llama: not picked up 0/1: KubeAI does not act on the model: its controller is down, or watches another namespace",
        ],
    );
}
