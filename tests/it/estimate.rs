//! `mcai cost estimate`, and the cost of plans: whole answers, on prices of the test's own.

use super::support::{Run, Sandbox, expect_file};

/// The day of the questions.
const NOW: &str = "2026-11-25T12:00:00Z";

/// Two clouds and own machines; each kind of pool that is priced in its own way.
const MANIFEST: &str = "version: 1
project: shop
id: k7m2q9x4p1zt
prices:
  catalog: prices.csv
  discounts: [{ percent: 10, clouds: [gcp] }]
POLICY
clusters:
  aws-1:
    cloud: aws
    region: us-east-1
    directory: a
    gpuPools:
      - { name: l4, instanceType: g6.xlarge, min: 1, max: 8 }
      - { name: l4x4, instanceType: g6.12xlarge, max: 2 }
      - { name: h100, instanceType: p5.48xlarge, capacity: spot }
  gcp-1:
    cloud: gcp
    region: europe-west4
    directory: b
    gpuPools: [{ name: l4, instanceType: g2-standard-8, capacity: reserved }]
  own:
    cloud: bare-metal
    country: ch
    directory: c
    gpuPools: [{ name: box, gpu: H100-SXM-80GB, count: 8, nodes: 2, hourlyUsdPerNode: 14.20 }]
models:
  small:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y, resourceProfile: 'nvidia-gpu-l4:1', minReplicas: 1, maxReplicas: 6 }
    placement: { clouds: [aws, gcp] }
    throughput: { inputTokensPerSecond: 9000, outputTokensPerSecond: 850, source: our own benchmark }
  large:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y, args: [--tensor-parallel-size=4], resourceProfile: 'nvidia-gpu-h100:4', minReplicas: 1, maxReplicas: 3 }
    placement: { clouds: [aws, bare-metal] }
  tiny:
    spec: { engine: OLlama, features: [TextGeneration], url: ollama://x, resourceProfile: 'cpu:1', minReplicas: 1, maxReplicas: 2 }
    placement: { clusters: [own] }
  lost:
    spec: { engine: OLlama, features: [TextGeneration], url: ollama://x, resourceProfile: 'nvidia-gpu-t4:1' }
    placement: { clusters: [gcp-1] }
";

const PRICES: &str = "# mcai prices 1: aws gcp
cloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source
aws,g6.12xlarge,us-east-1,on-demand,4.6,2026-11-20,test,,,
aws,g6.xlarge,us-east-1,on-demand,0.8,2026-11-20,test,,,
aws,p5.48xlarge,us-east-1,on-demand,55,2026-11-20,test,,,
aws,p5.48xlarge,us-east-1,spot,17,2026-11-01,test,,,
gcp,g2-standard-8,europe-west4,on-demand,0.9,2026-10-01,test,,,
gcp,g2-standard-8,europe-west4,reserved-1y,0.6,2026-10-01,test,,,
gcp,g2-standard-8,europe-west4,reserved-3y,0.4,2026-10-01,test,,,
";

fn sandbox(policy: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_TEST_NOW", NOW);
    sandbox.write("mcai.yaml", &MANIFEST.replace("POLICY\n", policy));
    sandbox.write("prices.csv", PRICES);
    sandbox
}

/// Compares all that a command prints with a file, which is read like code.
#[track_caller]
fn expect(name: &str, run: &Run) {
    let (code, stdout, stderr) = (run.code.unwrap_or(-1), &run.stdout, &run.stderr);
    let whole = format!("exit {code}\n--- stdout\n{stdout}--- stderr\n{stderr}");
    expect_file(&format!("tests/fixtures/estimate/{name}.txt"), &whole);
}

/// `small` on aws-1: 1 L4 is 0.8 alone or 4.6 / 4 shared; six are 4.8 or two machines of 4.6. `large`: spot of 24 days ago
/// counts as on demand, 55 for two replicas. On gcp the 3-year price, 0.4, less 10 %.
#[test]
fn the_fleet_as_declared_in_every_form() {
    let sandbox = sandbox("");
    for form in ["table", "wide", "markdown", "csv", "name", "json"] {
        let run = sandbox.mcai(&["cost", "estimate", "-q", "-o", form]);
        expect(form, &run);
    }
    let one = ["cost", "estimate", "large", "--clouds", "bare-metal"];
    expect("one-model", &sandbox.mcai(&one));
}

#[test]
fn a_terminal_of_80_columns_is_enough() {
    let mut sandbox = sandbox("");
    sandbox.env("COLUMNS", "80");
    let run = sandbox.mcai_on_a_terminal(&["cost", "estimate", "-q", "--color", "never"], "");
    run.code(0);
    // What is left out is named on a line that may fold.
    let lines = run.stdout.lines().filter(|line| !line.starts_with('('));
    for line in lines.take_while(|line| !line.starts_with("GPU instances only")) {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
    for needed in ["MODEL", "MAX $/H", "NOT COUNTED", "fleet", "145.36..150.56"] {
        assert!(run.stdout.contains(needed), "{needed}: {}", run.stdout);
    }
}

#[test]
fn old_prices_are_refused_where_that_is_asked_for() {
    let run = |policy: &str, words: &[&str]| {
        let words = [&["cost", "estimate", "-q"], words].concat();
        sandbox(policy).mcai(&words)
    };
    expect("old-by-flag", &run("", &["--max-age", "30d"]));
    run("", &["--max-age", "60d"]).code(0);
    run("", &["--max-age", "30d", "--clouds", "aws"]).code(0);
    let policy = "policy: { prices: { onStale: refuse, maxAge: 30d } }\n";
    expect("old-by-policy", &run(policy, &["-o", "json"]));
    // The command line says it last.
    run(policy, &["--max-age", "60d"]).code(0);
}

#[test]
fn a_budget_is_held_against_the_upper_end() {
    // At most 0.8..4.6 + 55 + 0.36 + 14.2 = 70.36..74.16 at min.
    let run = |usd: &str| {
        let policy = format!("policy: {{ budget: {{ hourlyUsd: {usd} }} }}\n");
        sandbox(&policy).mcai(&["cost", "estimate", "-q", "-o", "name"])
    };
    run("74.16").code(0);
    expect("over-budget", &run("74.15"));
}

#[test]
fn the_whole_fleet_is_held_against_the_budget_whatever_is_asked_about() {
    let sandbox = sandbox("policy: { budget: { hourlyUsd: 74.15 } }\n");
    let part = ["cost", "estimate", "tiny", "-q", "-o", "name"];
    expect("over-budget-part", &sandbox.mcai(&part));
}

#[test]
fn a_plan_over_the_budget_is_refused_and_deletes_are_not() {
    let policy = "policy: { budget: { hourlyUsd: 1000 } }\n";
    let sandbox = sandbox(policy);
    expect("deployed", &sandbox.mcai(&["deploy", "-q", "--yes"]));
    let narrow = |usd: &str| {
        let policy = policy.replace("1000", usd);
        let text = MANIFEST.replace("POLICY\n", &policy);
        text.replace(
            "minReplicas: 1, maxReplicas: 6",
            "minReplicas: 2, maxReplicas: 6",
        )
    };
    sandbox.write("mcai.yaml", &narrow("20"));
    let over = &["plan", "small", "--clouds", "aws", "-q"];
    expect("plan-refused", &sandbox.mcai(over));
    sandbox
        .mcai(&["deploy", "small", "-q", "--yes", "-o", "json"])
        .code(4);
    sandbox
        .mcai(&["deploy", "small", "-q", "--dry-run=server"])
        .code(4);
    let out = [over, &["--out", "x.plan"][..]].concat();
    sandbox.mcai(&out).code(4);
    assert!(!sandbox.dir().join("x.plan").exists());
    expect(
        "deleted",
        &sandbox.mcai(&["delete", "large", "-q", "--yes"]),
    );
}

#[test]
fn a_saved_plan_shows_the_cost_that_it_was_saved_with() {
    let sandbox = sandbox("");
    let plan = ["plan", "small", "--clouds", "aws", "--out", "x.plan", "-q"];
    let shown = sandbox.mcai(&plan).code(0).stdout.clone();
    sandbox.write("prices.csv", &PRICES.replace("0.8,", "0.7,"));
    let run = sandbox.mcai(&["apply", "x.plan", "--yes", "-q"]);
    run.code(0);
    assert!(run.stdout.starts_with(&shown), "{}\n{shown}", run.stdout);
    assert!(
        shown.contains("+1 replica on aws-1: +$0.80..+$4.60/h"),
        "{shown}"
    );
}

/// Prices are in nobody's way where no rule needs them.
#[test]
fn prices_that_cannot_be_read_leave_a_gap_in_a_plan() {
    let sandbox = sandbox("");
    sandbox.write("prices.csv", "not prices\n");
    let run = sandbox.mcai(&["plan", "small", "--clouds", "aws", "-q"]);
    run.code(0);
    assert!(
        run.stderr.starts_with("warning: not a price catalog"),
        "{}",
        run.stderr
    );
    assert!(!run.stdout.contains("Cost"), "{}", run.stdout);
    sandbox.mcai(&["cost", "estimate"]).code(1);
}
