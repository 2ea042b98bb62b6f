//! The arithmetic, on manifests with prices of their own: each sum is worked out in a comment.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Range, Rates, Replicas, Total, estimate};
use crate::diagnostic::Source;
use crate::manifest::Found;
use crate::place::{Selection, place};
use crate::price::{At, Catalog, Market};
use crate::project::{self, Project};
use crate::value::Usd;

/// A node of 1 GPU for 1 USD, and one of 4 for 3 USD on spot.
const POOLS: &str = "[{ name: small, gpu: L4-24GB, count: 1, hourlyUsdPerNode: 1 }, { name: large, gpu: L4-24GB, count: 4, hourlyUsdPerNode: 3, capacity: spot }]";

/// Makes a project of a cluster with pools, and of models: profile, fewest and most replicas.
fn project(pools: &str, models: &[(&str, &str, &str)]) -> Project {
    let model = |(name, profile, replicas): &(&str, &str, &str)| {
        format!(
            "  {name}:\n    spec: {{ engine: VLLM, features: [], url: hf://x/y, resourceProfile: '{profile}', {replicas} }}\n"
        )
    };
    let models: String = models.iter().map(model).collect();
    let text = format!(
        "version: 1\nproject: p\nid: k7m2q9x4p1zt\nclusters:\n  own:\n    cloud: bare-metal\n    country: ch\n    context: c\n    gpuPools: {pools}\nmodels:\n{models}"
    );
    let name = "mcai.yaml".to_owned();
    let found = Found {
        source: Arc::new(Source { name, text }),
        root: PathBuf::new(),
    };
    project::check(&found, &|_| None).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn rates(project: &Project) -> Rates {
    let market = Market {
        catalog: &Catalog::embedded(),
        terms: &project.terms,
        today: "2026-11-25".parse().unwrap(),
    };
    Rates::read(project, &market).unwrap()
}

/// Returns the fleet's sum as `shared whole`, such as `4..3 6`.
fn sums(pools: &str, models: &[(&str, &str, &str)], at: At) -> (String, Total) {
    let project = project(pools, models);
    let rates = rates(&project);
    let desired = place(&project, &Selection::default()).unwrap();
    let fleet = estimate(&rates, &desired).fleet;
    let total = match at {
        At::Min => fleet.min,
        At::Max => fleet.max,
    };
    let words = |range: Range| match range.low == range.high {
        true => range.low.to_string(),
        false => format!("{}..{}", range.low, range.high),
    };
    let text = format!(
        "{} {}",
        words(total.amount.shared),
        words(total.amount.whole)
    );
    (text, total)
}

#[test]
fn models_of_a_pool_share_its_machines() {
    let pool = "[{ name: l4, gpu: L4-24GB, count: 4, hourlyUsdPerNode: 4 }]";
    let models = [
        ("a", "nvidia-gpu-l4:1", "minReplicas: 1, maxReplicas: 2"),
        ("b", "nvidia-gpu-l4:2", "minReplicas: 1, maxReplicas: 3"),
    ];
    // 1 * 1 + 1 * 2 GPUs of 1 USD each; all on one machine of 4.
    assert_eq!(sums(pool, &models, At::Min).0, "3 4");
    // 2 * 1 + 3 * 2 = 8 GPUs; 2 + 2, 2 + 1 + 1: two machines.
    assert_eq!(sums(pool, &models, At::Max).0, "8 8");
    // Three GPUs of four leave one for nobody: 2 replicas need 2 machines.
    let wide = [("c", "nvidia-gpu-l4:3", "minReplicas: 2, maxReplicas: 2")];
    assert_eq!(sums(pool, &wide, At::Min).0, "6 8");
}

#[test]
fn several_pools_make_a_range_and_the_dearest_says_what_is_on_spot() {
    let one = [("a", "nvidia-gpu-l4:1", "minReplicas: 1, maxReplicas: 5")];
    // One GPU is 1 of the small machine, or 3 / 4 of the large; the machine is 1 or 3.
    let (text, total) = sums(POOLS, &one, At::Min);
    assert_eq!(text, "0.75..1 1..3");
    assert_eq!(total.spot_share(), 1.0);
    // Five: 5 small machines, or two large ones of 3. The small ones are the cheaper, 5 against 6; but one on a large
    // machine and four on small ones come to 7.
    assert_eq!(sums(POOLS, &one, At::Max).0, "3.75..5 5..7");
    // Two GPUs have room on the large machine only: 2 * 3 / 4 and a whole one.
    let wide = [("b", "nvidia-gpu-l4:2", "minReplicas: 1, maxReplicas: 1")];
    assert_eq!(sums(POOLS, &wide, At::Min).0, "1.5 3");
}

#[test]
fn what_is_not_known_is_named_and_not_counted() {
    let reasons = |pools: &str, profile: &str, replicas: &str| {
        let (text, total) = sums(pools, &[("a", profile, replicas)], At::Max);
        assert_eq!(text, "0 0");
        let reasons = total.not_counted.into_iter().map(|one| one.reason);
        reasons.collect::<Vec<_>>().join("; ")
    };
    let up_to_2 = "minReplicas: 0, maxReplicas: 2";
    for (pools, profile, replicas, why) in [
        (
            "[]",
            "nvidia-gpu-l4:1",
            up_to_2,
            "the cluster has no gpuPools",
        ),
        (
            POOLS,
            "nvidia-gpu-t4:1",
            up_to_2,
            "no pool carries `nvidia-gpu-t4`",
        ),
        (
            "[{ name: x, gpu: L4-24GB, hourlyUsdPerNode: 1 }]",
            "nvidia-gpu-l4:1",
            up_to_2,
            "pool `x` does not say its GPUs per node",
        ),
        (
            "[{ name: x, gpu: L4-24GB, count: 1 }]",
            "nvidia-gpu-l4:1",
            up_to_2,
            "pool `x` has neither instanceType nor hourlyUsdPerNode",
        ),
        // No replica, nothing to pay; and a CPU is no GPU instance.
        (
            POOLS,
            "nvidia-gpu-t4:1",
            "autoscalingDisabled: true, replicas: 0",
            "",
        ),
        (POOLS, "cpu:4", "minReplicas: 0", ""),
    ] {
        assert_eq!(reasons(pools, profile, replicas), why);
    }
}

#[test]
fn without_a_limit_the_pools_are_one_or_there_is_none() {
    let open = [("a", "nvidia-gpu-l4:1", "minReplicas: 2")];
    // Two replicas always run: 2 small machines, or a large and a small one; and there may be any number more.
    let (text, total) = sums(POOLS, &open, At::Max);
    assert_eq!(
        (text.as_str(), total.hourly().as_str()),
        ("1.5..2 2..4", "$2.00..$4.00/h or more, without limit")
    );
    assert_eq!(total.unlimited, ["a on own"]);
    assert_eq!(sums(POOLS, &open, At::Min).1.unlimited, [""; 0]);
    // Three nodes of 4 GPUs are all there is: 12 replicas.
    let pool = "[{ name: l4, gpu: L4-24GB, count: 4, nodes: 3, hourlyUsdPerNode: 4 }]";
    let (text, total) = sums(pool, &open, At::Max);
    assert_eq!((text.as_str(), total.unlimited.len()), ("12 12", 0));
    // What has no room waits, and costs nothing; so for two models together.
    let many = [
        ("a", "nvidia-gpu-l4:1", "minReplicas: 0, maxReplicas: 10"),
        ("b", "nvidia-gpu-l4:2", "minReplicas: 0, maxReplicas: 40"),
    ];
    assert_eq!(sums(pool, &many, At::Max).0, "12 12");
}

#[test]
fn the_upper_end_holds_however_replicas_are_spread() {
    let pools = "[{ name: big, gpu: L4-24GB, count: 8, hourlyUsdPerNode: 10 }, { name: one, gpu: L4-24GB, count: 1, hourlyUsdPerNode: 2 }]";
    let model = |replicas: &'static str| [("a", "nvidia-gpu-l4:1", replicas)];
    // One on the big machine and seven on small ones: 10 + 7 * 2.
    let eight = model("minReplicas: 8, maxReplicas: 5000");
    assert_eq!(sums(pools, &eight, At::Min).0, "10..16 10..24");
    // 5000: beyond a table's size, 10 + 2 and 5000 times the dearer GPU, 2.
    assert_eq!(sums(pools, &eight, At::Max).0, "6250..10000 6250..10012");
    // Nine: 2 big ones take 1 + 8 = 20; 1 big and 8 small 10 + 16 = 26.
    assert_eq!(
        sums(pools, &model("minReplicas: 9, maxReplicas: 9"), At::Min).0,
        "11.25..18 18..26"
    );
    // With at most three small ones: 10 + 3 * 2, and the other five are on the big machine.
    let few = "[{ name: big, gpu: L4-24GB, count: 8, hourlyUsdPerNode: 10 }, { name: one, gpu: L4-24GB, count: 1, hourlyUsdPerNode: 2, nodes: 3 }]";
    assert_eq!(
        sums(few, &model("minReplicas: 8, maxReplicas: 8"), At::Min).0,
        "10..16 10..16"
    );
}

#[test]
fn a_profile_of_ones_own_takes_a_gpu_per_unit() {
    let pool = "[{ name: x, gpu: L4-24GB, count: 4, profile: ours, hourlyUsdPerNode: 4 }]";
    let models = [("a", "ours:2", "autoscalingDisabled: true, replicas: 3")];
    // 3 * 2 of 4 GPUs: 1.5 machines, so two.
    assert_eq!(sums(pool, &models, At::Min).0, "6 8");
}

#[test]
fn replicas_are_fixed_or_between_two_numbers() {
    let read = |spec: serde_json::Value| {
        let replicas = Replicas::of(&spec);
        (replicas.min, replicas.max)
    };
    assert_eq!(read(serde_json::json!({})), (0, None));
    assert_eq!(
        read(serde_json::json!({ "minReplicas": 1, "maxReplicas": 3, "replicas": 2 })),
        (1, Some(3))
    );
    assert_eq!(
        read(serde_json::json!({ "autoscalingDisabled": true, "minReplicas": 1, "replicas": 2 })),
        (2, Some(2))
    );
}

#[test]
fn a_million_tokens_cost_the_hours_that_they_take() {
    let pool = "[{ name: l4, gpu: L4-24GB, count: 4, hourlyUsdPerNode: 4 }]";
    let mut project = project(pool, &[("a", "nvidia-gpu-l4:1", "minReplicas: 1")]);
    let of = |gpus| project::Throughput {
        input: Some(1000.0),
        output: Some(250.0),
        gpus,
        source: "a test".to_owned(),
    };
    let mut price = |gpus: Option<Vec<_>>| {
        for model in project.models.values_mut() {
            model.throughput = Some(of(gpus.clone()));
        }
        let rates = rates(&project);
        let desired = place(&project, &Selection::default()).unwrap();
        let estimate = estimate(&rates, &desired);
        let tokens = estimate.rows[0].tokens.as_ref();
        tokens.map(|tokens| (tokens.input.unwrap().low, tokens.output.unwrap().high))
    };
    // A replica is 1 USD an hour. 250 * 3600 = 900,000 tokens: 1 / 0.9 for a million; of 3,600,000 it is 1 / 3.6.
    let usd = |text: &str| text.parse::<Usd>().unwrap();
    assert_eq!(price(None), Some((usd("0.277777778"), usd("1.111111111"))));
    let h100 = crate::gpu::by_name("H100-SXM-80GB").unwrap();
    assert_eq!(price(Some(vec![h100])), None, "measured on another GPU");
}
