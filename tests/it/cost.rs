//! `mcai cost`: whole answers to real questions, and prices that were looked up by hand.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::{Sandbox, expect_file};

/// When the questions are asked: the built-in prices are of July and older.
const NOW: &str = "2026-11-25T12:00:00Z";

const MANIFEST: &str = "version: 1
project: shop
id: k7m2q9x4p1zt
clusters:
  aws-1:
    cloud: aws
    region: eu-central-1
    directory: a
    gpuPools:
      - { name: l4, instanceType: g6.2xlarge, max: 4 }
      - { name: h100, instanceType: p5.48xlarge, max: 4 }
  gcp-1:
    cloud: gcp
    region: europe-west4
    directory: b
    gpuPools:
      - { name: l4, instanceType: g2-standard-8, max: 4 }
  own:
    cloud: bare-metal
    country: de
    directory: c
    gpuPools:
      - { name: box, gpu: H100-SXM-80GB, count: 8, nodes: 2 }
models:
  llama:
    spec:
      engine: VLLM
      features: [TextGeneration]
      url: hf://x/y
      resourceProfile: nvidia-gpu-h100:8
      args: [--tensor-parallel-size=8]
    placement: { clouds: [aws, bare-metal] }
  small:
    spec:
      engine: VLLM
      features: [TextGeneration]
      url: hf://x/y
      resourceProfile: nvidia-gpu-a100-80gb:1
    placement: { clouds: [gcp] }
";

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_TEST_NOW", NOW);
    sandbox
}

/// Compares all that a question is answered with, as it was read and found right once.
#[track_caller]
fn expect_answer(sandbox: &Sandbox, name: &str, words: &[&str]) {
    let run = sandbox.mcai(&[&["cost"], words].concat());
    let text = format!(
        "$ mcai {}\nexit {}\n--- stdout\n{}--- stderr\n{}",
        run.words,
        run.code.unwrap_or(-1),
        run.stdout,
        run.stderr
    );
    expect_file(&format!("tests/cost/{name}.txt"), &text);
}

#[test]
fn questions_are_answered() {
    let sandbox = sandbox();
    for (name, words) in [
        ("h100-8", &["H100:8"][..]),
        ("a100-each-form-apart", &["a100"]),
        ("h100-8-in-the-eu", &["H100:8", "--residency", "eu"]),
        ("one-type-everywhere", &["p5.48xlarge", "--all"]),
        ("spot-that-is-old", &["H100:8", "--capacity", "spot"]),
        (
            "any-capacity",
            &["H100:8", "--capacity", "any", "--clouds", "gcp"],
        ),
        ("not-sold-on-demand", &["H100:4", "--clouds", "gcp"]),
        ("two-sellers", &["MI300X:8", "--clouds", "Azure,OCI"]),
        ("profile", &["nvidia-gpu-l4:4", "--clouds", "gcp"]),
        (
            "by-region",
            &[
                "A100-SXM-40GB:8",
                "--region",
                "europe-west4,eu-central-1",
                "--sort",
                "region",
            ],
        ),
        ("wide", &["H100:8", "-o", "wide"]),
        ("csv", &["H100:8", "-o", "csv"]),
        ("json", &["H100:8", "--clouds", "gcp", "-o", "json"]),
        ("yaml", &["p5.48xlarge", "-o", "yaml"]),
        ("name", &["H100:8", "-o", "name"]),
        ("markdown", &["H100:8", "-o", "markdown"]),
    ] {
        expect_answer(&sandbox, name, words);
    }
}

#[test]
fn what_is_not_there_has_near_misses() {
    let sandbox = sandbox();
    for (name, words) in [
        ("no-such-gpu", &["h10:8"][..]),
        ("no-such-type", &["Standard_NC80s_v4_H200"]),
        ("no-such-count", &["L4:3"]),
        ("no-such-region", &["L4", "--region", "europe-west"]),
        ("no-region-at-all", &["L4", "--region", "mars"]),
        ("no-such-country", &["L4", "--residency", "eux"]),
        ("no-such-seller", &["L4", "--clouds", "gpc"]),
        ("not-from-these", &["MI300X:8", "--clouds", "aws"]),
        ("not-there", &["H100:8", "--region", "eu-west-1"]),
        (
            "not-so-many-there",
            &[
                "A100-SXM-80GB:4",
                "--region",
                "us-east-1",
                "--clouds",
                "aws",
            ],
        ),
        ("no-number", &["H100:all"]),
        ("type-with-number", &["p5.48xlarge:8"]),
        ("nothing-named", &[]),
    ] {
        expect_answer(&sandbox, name, words);
    }
}

#[test]
fn the_manifest_s_own_choice_is_marked() {
    let sandbox = sandbox();
    sandbox.write("mcai.yaml", MANIFEST);
    expect_answer(&sandbox, "manifest", &[]);
    let run = sandbox.mcai(&["cost", "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    let offers = answer["offers"].as_array().expect("a list");
    let chosen = |name: &str| {
        let is_it = |offer: &&Value| offer["manifest"] == serde_json::json!([name]);
        let mut offers = offers.iter().filter(is_it);
        let one = offers.next().unwrap_or_else(|| panic!("{name}"));
        assert!(offers.next().is_none(), "{name} twice");
        (one["region"].clone(), one["instanceType"].clone())
    };
    assert_eq!(
        chosen("aws-1/l4"),
        ("eu-central-1".into(), "g6.2xlarge".into())
    );
    assert_eq!(
        chosen("gcp-1/l4"),
        ("europe-west4".into(), "g2-standard-8".into())
    );
    assert_eq!(chosen("own/box"), ("own".into(), "box".into()));
}

/// All terms that a manifest can have, each for another offer.
const TERMS: &str = "prices:
  discounts:
    - { percent: 10, clouds: [gcp], instanceTypes: [a3-highgpu-8g], capacity: [on-demand, reserved-1y] }
    - { percent: 50, gpus: [h100], capacity: [on-demand], until: 2026-11-24 }
  fixed:
    - { cloud: azure, instanceType: Standard_ND96isr_H100_v5, region: westeurope, hourlyUsd: 44 }
    - { cloud: azure, instanceType: Standard_ND96isr_H100_v5, hourlyUsd: 66 }
  ownMachines:
    - { cluster: own, pool: box, hourlyUsdPerNode: 18 }
clusters:";

#[test]
fn the_user_s_own_terms_are_applied_and_marked() {
    let sandbox = sandbox();
    let pool = "instanceType: p5.48xlarge, max: 4";
    let priced = format!("{pool}, hourlyUsdPerNode: 20");
    let manifest = MANIFEST.replace("clusters:", TERMS).replace(pool, &priced);
    sandbox.write("mcai.yaml", &manifest);
    expect_answer(&sandbox, "terms", &["H100:8"]);
    expect_answer(
        &sandbox,
        "terms-of-the-manifest",
        &["--clouds", "aws,bare-metal"],
    );
    expect_answer(
        &sandbox,
        "terms-csv",
        &["H100:8", "--clouds", "azure,bare-metal", "-o", "csv"],
    );
    // JSON compares by the same prices.
    let run = sandbox.mcai(&["cost", "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    let offers = answer["offers"].as_array().expect("a list");
    let chosen = |name: &str| {
        let is_it = |offer: &&Value| offer["manifest"] == serde_json::json!([name]);
        let offer = offers.iter().find(is_it).expect("the choice");
        offer["ranked"]["usdPerHour"].as_f64()
    };
    assert_eq!(chosen("aws-1/h100"), Some(20.0));
    assert_eq!(chosen("own/box"), Some(18.0));
}

#[test]
fn the_flags_hold_for_the_manifest_s_choice_as_well() {
    let sandbox = sandbox();
    sandbox.write("mcai.yaml", MANIFEST);
    expect_answer(
        &sandbox,
        "choices-elsewhere",
        &["--region", "us-east-1,europe-west4"],
    );
    let run = sandbox.mcai(&["cost", "--residency", "us", "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    let pools = ["aws-1/l4", "aws-1/h100", "gcp-1/l4", "own/box"];
    assert_eq!(answer["leftOut"]["pools"], serde_json::json!(pools));
    let mut offers = answer["offers"].as_array().expect("a list").iter();
    assert!(offers.all(|offer| offer["country"] == "us"));
}

#[test]
fn a_broken_manifest_is_in_the_way_of_itself_alone() {
    let sandbox = sandbox();
    sandbox.write("mcai.yaml", &MANIFEST.replace("project:", "projekt:"));
    expect_answer(&sandbox, "broken-manifest", &["p5.48xlarge"]);
    expect_answer(&sandbox, "broken-manifest-asked", &[]);
    let run = sandbox.mcai(&["cost", "p5.48xlarge", "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    assert_eq!(answer["problems"][0]["kind"], "manifest");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_manifest_that_is_named_is_meant_to_be_there() {
    let sandbox = sandbox();
    expect_answer(&sandbox, "no-manifest", &["p5.48xlarge", "-m", "nope.yaml"]);
}

#[test]
fn old_prices_are_refused_where_that_is_asked_for() {
    let sandbox = sandbox();
    let asked = ["p5.48xlarge", "--max-age"];
    expect_answer(&sandbox, "max-age", &[asked[0], asked[1], "90d"]);
    for (age, code) in [
        ("127d", 4),
        ("128d", 0),
        ("3071h", 4),
        ("3072h", 0),
        ("20w", 64),
    ] {
        let words = ["cost", asked[0], asked[1], age];
        sandbox.mcai(&words).code(code);
    }
    let run = sandbox.mcai(&["cost", asked[0], asked[1], "90d", "-o", "json"]);
    let failure: Value = serde_json::from_str(&run.code(4).stdout).expect("JSON");
    assert_eq!(failure["problems"][0]["kind"], "priceAge");
    let run = sandbox.mcai(&["cost", asked[0], "-o", "json"]);
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    assert_eq!(answer["oldestDays"], 128);
    // Spot that is too old to be compared is too old as well.
    let spot = [asked[0], "--capacity", "spot", asked[1], "30d"];
    sandbox.mcai(&[&["cost"], &spot[..]].concat()).code(4);
}

#[test]
fn the_manifest_can_refuse_old_prices_as_well() {
    let sandbox = sandbox();
    let rule = "policy: { prices: { onStale: refuse, maxAge: 100d } }\nclusters:";
    sandbox.write("mcai.yaml", &MANIFEST.replace("clusters:", rule));
    expect_answer(&sandbox, "policy-age", &["p5.48xlarge"]);
    // The command line has the last word.
    sandbox
        .mcai(&["cost", "p5.48xlarge", "--max-age", "200d"])
        .code(0);
}

#[test]
fn a_price_that_can_not_be_true_never_wins() {
    let sandbox = sandbox();
    let home = sandbox.home().join(".local/share/mcai");
    std::fs::create_dir_all(&home).expect("can make the folder");
    let row = |region: &str, usd: &str| {
        format!("gcp,a3-highgpu-8g,{region},on-demand,{usd},2026-11-25,gcp-skus,,,\n")
    };
    // As a feed would have it that takes a queue's price for on-demand in most regions.
    let wrong = ["europe-west1", "europe-west4", "us-east4", "us-west1"];
    let rows: String = wrong.map(|region| row(region, "33.6")).concat();
    let catalog = format!(
        "# mcai prices 1: gcp\ncloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source\n{rows}{}",
        row("us-central1", "88.49")
    );
    std::fs::write(home.join("prices.csv"), catalog).expect("can write");
    expect_answer(&sandbox, "doubted", &["a3-highgpu-8g"]);
    let one = ["H100:8", "--clouds", "gcp", "--region", "us-central1"];
    expect_answer(&sandbox, "one-doubted", &one);
    let none = ["H100:8", "--clouds", "aws"];
    expect_answer(&sandbox, "doubted-of-others", &none);
    expect_answer(&sandbox, "doubted-beside-others", &["H100:8"]);
}

/// What a refreshed file says is no more to be trusted than what is fetched.
#[test]
fn nothing_of_a_price_file_reaches_the_terminal_as_it_is() {
    let sandbox = sandbox();
    let home = sandbox.home().join(".local/share/mcai");
    std::fs::create_dir_all(&home).expect("can make the folder");
    let catalog = "# mcai prices 1: aws\ncloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source\n\
                   aws,p5.48xlarge,\u{1b}[2Jus|`x`,on-demand,55.04,2026-11-25,\u{202e}evil,,,\n";
    std::fs::write(home.join("prices.csv"), catalog).expect("can write");
    for form in ["table", "wide", "name", "csv", "markdown"] {
        let run = sandbox.mcai(&["cost", "p5.48xlarge", "-o", form]);
        run.code(0);
        assert!(
            !run.stdout.contains(['\u{1b}', '\u{202e}']),
            "{form}: {}",
            run.stdout
        );
    }
    let run = sandbox.mcai(&["cost", "p5.48xlarge", "-o", "markdown"]);
    assert!(
        run.stdout.contains(r"`\u{1b}[2Jus\u{7c}\u{60}x\u{60}`"),
        "{}",
        run.stdout
    );
    let run = sandbox.mcai(&["cost", "p5.48xlarge", "--region", "us-east-1"]);
    assert!(!run.code(1).stderr.contains('\u{1b}'), "{}", run.stderr);
}

/// The built-in history is of GCP's list in the 14 months before July 2026.
#[test]
fn the_built_in_history_shows_how_spot_rose() {
    let sandbox = sandbox();
    let asked = [
        "history",
        "a3-highgpu-8g",
        "--since",
        "2025-06-01",
        "--region",
        "us-central1",
    ];
    expect_answer(&sandbox, "history", &asked);
    let run =
        sandbox.mcai(&[&["cost"], &asked[..], &["--capacity", "spot", "-o", "json"]].concat());
    let answer: Value = serde_json::from_str(&run.code(0).stdout).expect("JSON");
    let points = answer["prices"][0]["points"].as_array().expect("a list");
    let ends =
        [points.first(), points.last()].map(|point| point.expect("a point")["usdPerHour"].as_f64());
    assert_eq!(ends, [Some(20.389335), Some(50.609541)]);
    assert_eq!(points.len(), 19);
}

#[test]
fn a_terminal_of_80_columns_is_enough() {
    let mut sandbox = sandbox();
    sandbox.env("COLUMNS", "80");
    for words in [&["cost", "H100:8"][..], &["cost", "a100", "-o", "wide"]] {
        let run = sandbox.mcai_on_a_terminal(words, "");
        run.code(0);
        assert!(run.stdout.contains("left out: the terminal has 80 columns"));
        let plain = anstream::adapter::strip_str(&run.stdout).to_string();
        let table: Vec<&str> = plain
            .lines()
            .take_while(|line| !line.starts_with('('))
            .collect();
        for line in &table {
            assert!(line.trim_end().chars().count() <= 80, "{line}");
        }
        let shown = table.join("\n");
        for heading in ["CLOUD", "REGION", "INSTANCE TYPE", "$/GPU-H", "ON-DEMAND"] {
            assert!(table[0].contains(heading), "{heading}: {shown}");
        }
        assert!(
            table[1].starts_with(if words[1] == "a100" { "A100-" } else { "H100-" }),
            "{shown}"
        );
    }
}

#[test]
fn prices_that_were_looked_up_by_hand_are_those_of_the_program() {
    let sandbox = sandbox();
    let table = std::fs::read_to_string("tests/fixtures/price-checks.csv").expect("the table");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    let mut checked = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let [cloud, region, name, capacity, field, value] = std::array::from_fn(|at| &row[at]);
        let answer = answers.entry(format!("{cloud} {name}")).or_insert_with(|| {
            let run = sandbox.mcai(&["cost", name, "--clouds", cloud, "--all", "-o", "json"]);
            serde_json::from_str(&run.code(0).stdout).expect("JSON")
        });
        let mut offers = answer["offers"].as_array().expect("a list").iter();
        let offer = offers.find(|offer| offer["region"] == region);
        let found = offer.and_then(|offer| offer["prices"][capacity][field].as_f64());
        let found = found.unwrap_or_else(|| panic!("no {field}: {row:?}"));
        let decimals = value
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        assert_eq!(format!("{found:.decimals$}"), value, "{row:?}");
        checked += 1;
    }
    assert!(checked >= 30, "{checked}");
}
