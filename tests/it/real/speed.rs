//! The limit is the network: round trips are counted, not measured, and a cluster that hangs costs the others nothing.
//! How long all of it takes is for the benches, not for a test.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Fleet, in_order, model};
use crate::support::{Access, Cluster, Delay, Fault, Proxy, wait};

/// Long enough that a slow machine answers within one: then nothing that only confirms looks like a question.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// What a command may take beside its deadline, on a slow machine.
const MARGIN: Duration = Duration::from_secs(4);

/// Puts the cluster far away.
fn far(cluster: &Cluster) -> (Delay, Access) {
    let access = cluster.access();
    let server: SocketAddr = access
        .server
        .trim_start_matches("https://")
        .parse()
        .expect("an address");
    let delay = wait(Delay::in_front_of(server, ROUND_TRIP)).expect("a free port");
    let server = format!("https://{}", delay.address);
    (delay, Access { server, ..access })
}

fn six_models() -> String {
    let names = ["a", "b", "c", "d", "e", "f"];
    names.map(|name| model(name, ", minReplicas: 0")).concat()
}

/// TCP, TLS and one round of parallel reads and dry runs, all on one connection; to write is one round more.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_cold_plan_is_three_round_trips_and_a_deploy_four() {
    let fleet = Fleet::without_nodes(1);
    fleet.manifest(&six_models());
    // A server that has just taken in a kind of objects may ask for patience.
    fleet.run(&["plan"]).code(0);
    let (delay, access) = far(&fleet.kubeai[0].cluster);
    fleet.contexts(&[("c1", access)]);

    fleet.run(&["plan"]).code(0);
    assert_eq!(delay.take_round_trips(), [3]);
    let deploy = ["deploy", "--yes", "--wait=applied"];
    let run = fleet.run(&deploy);
    in_order(&run.code(0).stdout, &["6 to create on 1 cluster"]);
    assert_eq!(delay.take_round_trips(), [4]);
    // Nothing to write.
    let run = fleet.run(&deploy);
    in_order(&run.code(0).stdout, &["No changes: 6 model objects"]);
    assert_eq!(delay.take_round_trips(), [3]);
    fleet.run(&["status"]).code(0);
    assert_eq!(delay.take_round_trips(), [3]);
}

/// A saved plan asks who the cluster is, then whether the plan still holds, and then writes.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_saved_plan_is_applied_in_five_round_trips() {
    let fleet = Fleet::without_nodes(1);
    fleet.manifest(&six_models());
    fleet.run(&["plan", "--out", "saved.json"]).code(0);
    let (delay, access) = far(&fleet.kubeai[0].cluster);
    fleet.contexts(&[("c1", access)]);
    let run = fleet.run(&["apply", "saved.json", "--yes", "--wait=applied"]);
    in_order(&run.code(0).stdout, &["6 to create on 1 cluster"]);
    assert_eq!(delay.take_round_trips(), [5]);
}

/// Three clusters, and a fourth that breaks on order: the first of them once more, as no test may use another one.
fn with_a_fourth() -> (Fleet, Proxy) {
    let fleet = Fleet::without_nodes(3);
    let proxy = Proxy::in_front_of(&fleet.kubeai[0].cluster);
    let mut contexts: Vec<(&str, Access)> = ["c1", "c2", "c3"]
        .into_iter()
        .zip(&fleet.kubeai)
        .map(|(name, kubeai)| (name, kubeai.cluster.access()))
        .collect();
    contexts.push(("c4", proxy.access()));
    fleet.contexts(&contexts);
    fleet.manifest(&six_models());
    let text = fleet.sandbox.read("mcai.yaml");
    let fourth = "clusters:\n  aws-us-west-2: { cloud: aws, region: us-west-2, context: c4 }\n";
    fleet
        .sandbox
        .write("mcai.yaml", &text.replace("clusters:\n", fourth));
    (fleet, proxy)
}

/// Runs the program and says how long it took.
fn timed(fleet: &Fleet, words: &[&str]) -> (crate::support::Run, Duration) {
    let started = Instant::now();
    let run = fleet.run(words);
    (run, started.elapsed())
}

#[track_caller]
fn ends_at(deadline: Duration, took: Duration) {
    assert!(took >= deadline, "ended before its deadline: {took:?}");
    assert!(took < deadline + MARGIN, "ended late: {took:?}");
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_plan_ends_at_the_deadline_of_the_cluster_that_hangs() {
    let (fleet, proxy) = with_a_fourth();
    proxy.set(Fault::hang());
    let (run, took) = timed(&fleet, &["plan", "--cluster-timeout", "4s"]);
    run.code(7);
    in_order(
        &run.stdout,
        &["Plan: 18 to create on 3 clusters, 1 cluster not read\n"],
    );
    in_order(&run.stderr, &["(cluster `aws-us-west-2`)", "within 4 s"]);
    ends_at(Duration::from_secs(4), took);

    let (run, took) = timed(&fleet, &["status", "--cluster-timeout", "4s"]);
    run.code(7);
    ends_at(Duration::from_secs(4), took);
}

/// The fourth answers the plan's dry runs, and then no write.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn three_clusters_are_applied_in_their_normal_time_while_the_fourth_hangs() {
    let (fleet, proxy) = with_a_fourth();
    proxy.set(Fault::hang().on("PATCH /apis/kubeai.org").after(6));
    let limit = Duration::from_secs(8);
    let words = "deploy --yes --wait=applied --accept-cluster --cluster-timeout 8s -o jsonl";
    let words: Vec<&str> = words.split(' ').collect();
    let (run, took) = timed(&fleet, &words);
    run.code(3);
    ends_at(limit, took);

    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let ended = |event: &&Value| event["type"] == "clusterEnded";
    let (hung, well): (Vec<&Value>, Vec<&Value>) = events
        .iter()
        .filter(ended)
        .partition(|event| event["cluster"] == "aws-us-west-2");
    assert_eq!(hung[0]["ended"], "failed", "{}", run.stdout);
    assert_eq!(well.len(), 3, "{}", run.stdout);
    for event in well {
        assert_eq!(event["ended"], "reached", "{event}");
        let earlier = time_of(hung[0]).duration_since(time_of(event));
        // In their normal time: far from the deadline of the one that hangs.
        assert!(earlier.as_secs_f64() > 4.0, "{earlier:#} earlier: {event}");
    }
}

fn time_of(event: &Value) -> jiff::Timestamp {
    let time = event["time"].as_str().unwrap_or_default();
    time.parse().expect("events have times")
}

/// A look that hangs is cut off when the run is over.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_deploy_ends_at_its_deadline_while_a_look_hangs() {
    let (fleet, proxy) = with_a_fourth();
    proxy.set(Fault::hang().on("GET /apis/kubeai.org").after(1));
    let words = "deploy --yes --accept-cluster --timeout 6s --clusters aws-us-west-2";
    let words: Vec<&str> = words.split(' ').collect();
    let (run, took) = timed(&fleet, &words);
    run.code(6);
    in_order(&run.stderr, &["cannot list models", "not ready in time"]);
    ends_at(Duration::from_secs(6), took);
}
