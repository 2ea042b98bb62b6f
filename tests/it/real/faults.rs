//! A cluster that is down, hangs or answers rubbish costs only its own time, and is reported by its cause.

use std::time::{Duration, Instant};

use super::{Fleet, in_order, model};
use crate::support::{Fault, Proxy};

/// Two clusters, the second behind a proxy that breaks things.
fn fleet() -> (Fleet, Proxy) {
    let mut fleet = Fleet::new(2);
    let proxy = Proxy::in_front_of(&fleet.kubeai[1].cluster);
    fleet.contexts(&[
        ("c1", fleet.kubeai[0].cluster.access()),
        ("c2", proxy.access()),
    ]);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let address = proxy.access().server.replace("https://", "");
    fleet.sandbox.redact(&address, "[PROXY]");
    (fleet, proxy)
}

/// Panics unless only the broken cluster is reported, in these words, and the plan of the other is there.
#[track_caller]
fn plan_says(fleet: &Fleet, words: &[&str]) {
    let started = Instant::now();
    let run = fleet.run(&["plan", "--cluster-timeout", "4s"]);
    run.code(7);
    assert!(
        started.elapsed() < Duration::from_secs(7),
        "{:?}",
        started.elapsed()
    );
    in_order(
        &run.stdout,
        &[
            "aws-us-east-1  (context c1)\n  + Model/llama  create\n",
            "Plan: 1 to create on 1 cluster, 1 cluster not read\n",
        ],
    );
    assert!(!run.stderr.contains("aws-us-east-1"), "{}", run.stderr);
    in_order(
        &run.stderr,
        &[&["(cluster `gcp-europe-west4`)"][..], words].concat(),
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn each_fault_is_reported_by_its_cause() {
    let (fleet, proxy) = fleet();
    let second = Duration::from_secs(1);
    for (fault, words) in [
        (Fault::refuse(), &["refused"][..]),
        (Fault::hang(), &["no answer from [PROXY] within 4 s"]),
        (Fault::hang().on("GET"), &["no answer from [PROXY]"]),
        (Fault::reset(), &["[PROXY]"]),
        (Fault::cut().on("GET"), &["[PROXY]"]),
        (Fault::unauthorized(), &["401", "hint:"]),
        (Fault::forbidden(), &["403"]),
        (Fault::too_many_requests(60), &["429", "after 1 min"]),
        (Fault::unavailable(), &["503"]),
        (Fault::html(), &["[PROXY]", "hint:"]),
        (Fault::binary(), &["[PROXY]"]),
        (
            Fault::huge(64 << 20).on("GET /apis/kubeai.org"),
            &["larger than 32 MiB"],
        ),
        (
            Fault::delay(second * 30),
            &["no answer from [PROXY] within 4 s"],
        ),
    ] {
        proxy.set(fault);
        plan_says(&fleet, words);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn passing_faults_are_got_over() {
    let (fleet, proxy) = fleet();
    for fault in [
        Fault::delay(Duration::from_millis(300)),
        Fault::unavailable().times(1),
        Fault::too_many_requests(1).times(2),
        Fault::cut().on("GET /apis/kubeai.org").times(1),
        Fault::reset().times(1),
    ] {
        proxy.set(fault);
        let run = fleet.run(&["plan"]);
        run.code(0);
        in_order(&run.stdout, &["Plan: 2 to create on 2 clusters\n"]);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_deploy_writes_nothing_while_a_selected_cluster_is_down() {
    let (fleet, proxy) = fleet();
    proxy.set(Fault::refuse());
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "error: ",
            "(cluster `gcp-europe-west4`)",
            "hint: or deploy to the others with `--skip-unreachable`",
        ],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());

    let run = fleet.run(&["deploy", "--yes", "--skip-unreachable"]);
    run.code(3);
    in_order(&run.stderr, &["warning: ", "(cluster `gcp-europe-west4`)"]);
    assert!(fleet.kubeai[0].model("llama").is_some());

    let run = fleet.run(&["status"]);
    run.code(7);
    in_order(&run.stdout, &["llama", "aws-us-east-1", "scaled to zero"]);
    in_order(&run.stderr, &["(cluster `gcp-europe-west4`)"]);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_failed_write_stops_what_is_not_begun() {
    let (fleet, proxy) = fleet();
    // The broken one first: a fleet is carried out in the order of its names.
    fleet.contexts(&[
        ("c1", proxy.access()),
        ("c2", fleet.kubeai[0].cluster.access()),
    ]);
    let text = fleet.sandbox.read("mcai.yaml");
    let swapped = text
        .replace("cloud: aws, region: us-east-1", "cloud: gcp, region: EU")
        .replace(
            "cloud: gcp, region: europe-west4",
            "cloud: aws, region: us-east-1",
        )
        .replace("region: EU", "region: europe-west4");
    fleet.sandbox.write("mcai.yaml", &swapped);
    // Dry runs pass, the write itself fails.
    proxy.set(Fault::forbidden().on("PATCH /apis/kubeai.org").after(1));
    let run = fleet.run(&["deploy", "--yes", "--parallelism", "1"]);
    run.code(1);
    in_order(
        &run.stderr,
        &[
            "aws-us-east-1     failed\n",
            "error: cannot apply model `llama`",
            "gcp-europe-west4  left alone: not begun when the run stopped",
        ],
    );
    in_order(
        &run.stdout,
        &["0 clusters changed, 1 failed, 1 left alone, in "],
    );
    assert!(fleet.kubeai[0].model("llama").is_none());

    proxy.set(Fault::forbidden().on("PATCH /apis/kubeai.org").after(1));
    let run = fleet.run(&[
        "deploy",
        "--yes",
        "--parallelism",
        "1",
        "--on-failure",
        "continue",
    ]);
    run.code(3);
    in_order(&run.stdout, &["1 cluster changed, 1 failed, in "]);
    assert!(fleet.kubeai[0].model("llama").is_some());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_broken_look_during_the_wait_is_no_failure() {
    let (fleet, proxy) = fleet();
    fleet.manifest(&model("llama", ", minReplicas: 1, args: [--test-slow=6s]"));
    proxy.set(Fault::cut().on("GET /apis/kubeai.org").after(2).times(4));
    let run = fleet.run(&["deploy", "--yes", "--clouds", "gcp"]);
    run.code(0);
    in_order(
        &run.stderr,
        &["cannot list models", "trying again", "llama: ready 1/1"],
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn credentials_that_expire_during_the_wait_are_told() {
    let (fleet, proxy) = fleet();
    fleet.manifest(&model("llama", ", minReplicas: 1, args: [--test-slow=60s]"));
    proxy.set(Fault::unauthorized().after(30));
    let run = fleet.run(&["deploy", "--yes", "--clouds", "gcp", "--timeout", "15s"]);
    run.code(6);
    in_order(&run.stderr, &["401", "not ready in time"]);
}

/// A cold plan of one cluster is one connection and one round of parallel requests; a deploy one round more.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_plan_is_one_round_of_requests_and_a_deploy_one_more() {
    let (fleet, proxy) = fleet();
    proxy.set(Fault::pass());
    let before = proxy.requests().len();
    fleet.run(&["plan", "--clouds", "gcp"]).code(0);
    let plan = proxy.requests().split_off(before);
    assert_eq!(plan.len(), 8, "{plan:#?}");
    fleet
        .run(&["deploy", "--clouds", "gcp", "--yes", "--wait=applied"])
        .code(0);
    let deploy = proxy.requests().split_off(before + plan.len());
    assert_eq!(deploy.len(), 8 + 2, "{deploy:#?}");
    assert!(
        deploy[8..]
            .iter()
            .all(|request| request.starts_with("PATCH") && !request.contains("dryRun")),
        "{deploy:#?}"
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_second_ctrl_c_ends_at_once() {
    let (fleet, proxy) = fleet();
    fleet.manifest(&model("llama", ", minReplicas: 1, args: [--test-slow=60s]"));
    let running = fleet.sandbox.spawn(&["deploy", "--yes", "--clouds", "gcp"]);
    running.prints("llama: starting");
    // A look hangs, so that the first Ctrl-C can't end it.
    proxy.set(Fault::hang());
    std::thread::sleep(Duration::from_secs(2));
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    running.signal("INT");
    running.wait().code(130);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}
