//! Live prices: what `mcai cost refresh` takes of the clouds' lists, what it holds, and what it never lets in. The lists are
//! served here, and say at first what is built in.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::support::{
    Answer, AwsRow, AzureList, Run, Sandbox, Server, aws_answer, aws_list, gcp_list,
    serve_long_aws_list,
};

const T4: &str = "Standard_NC4as_T4_v3";
const CATALOG: &str = ".local/share/mcai/prices.csv";

/// A sandbox on a fixed day, whose Azure list is a server's.
fn sandbox(azure: &Server) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox
        .env("MCAI_TEST_NOW", "2026-11-25T12:00:00Z")
        .env("MCAI_FEED_AZURE_RETAIL", &azure.url);
    sandbox
}

fn refresh(sandbox: &Sandbox, words: &[&str]) -> Run {
    sandbox.mcai(&[&["cost", "refresh", "--clouds", "azure"], words].concat())
}

fn read_json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.stdout, run.stderr))
}

/// The answer about the one cloud that was refreshed.
fn cloud(run: &Run) -> Value {
    read_json(run)["clouds"][0].clone()
}

fn check(sandbox: &Sandbox) -> Value {
    read_json(sandbox.mcai(&["cost", "check", "-o", "json"]).code(0))
}

/// How many rows were set aside for which reason, as `mcai cost check` says.
fn reasons(check: &Value, cloud: &str) -> BTreeMap<String, u64> {
    let rows = check["lastRefresh"][cloud]["setAside"]
        .as_array()
        .expect("a list");
    let count = |row: &Value| {
        (
            row["reason"].as_str().expect("a word").to_owned(),
            row["count"].as_u64().expect("a number"),
        )
    };
    rows.iter().map(count).collect()
}

fn catalog(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.home().join(CATALOG)).unwrap_or_default()
}

#[track_caller]
fn row(sandbox: &Sandbox, start: &str) -> String {
    let catalog = catalog(sandbox);
    let found = catalog.lines().find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no {start}")).to_owned()
}

#[test]
fn a_refresh_tells_what_changed_and_the_next_ones_make_history() {
    let list = AzureList::new();
    let server = list.serve();
    let mut sandbox = sandbox(&server);
    list.change(T4, "eastus", &json!({"retailPrice": 0.6}))
        .change(T4, "westus2", &json!({"retailPrice": 0.55}))
        .change(T4, "westeurope", &json!({"retailPrice": 1.2}))
        .add(
            T4,
            "westus2",
            "0.1",
            &json!({"skuName": "NC4as T4 v3 Spot"}),
        );
    let run = refresh(&sandbox, &[]);
    run.is(
        0,
        "azure  1237 rows read, 1236 kept: 1 added, 2 changed, 1233 unchanged; 1 held\n  \
           changed     +14.1 %  azure/Standard_NC4as_T4_v3/eastus/on-demand  $0.526 -> $0.600 per hour\n  \
           changed      +4.6 %  azure/Standard_NC4as_T4_v3/westus2/on-demand  $0.526 -> $0.550 per hour\n  \
           held        +82.4 %  azure/Standard_NC4as_T4_v3/westeurope/on-demand  $0.658 -> $1.200 per hour\n\
         written to [HOME]/.local/share/mcai/prices.csv\n\
         1 price is held: the old price counts until you accept the new one, such as\n  \
           mcai cost refresh --offline --accept azure/Standard_NC4as_T4_v3/westeurope/on-demand\n",
        "azure: 1237 rows read\n",
    );
    sandbox.env("MCAI_TEST_NOW", "2026-11-28T12:00:00Z");
    list.change(T4, "eastus", &json!({"retailPrice": 0.63}));
    refresh(&sandbox, &["-q"]).code(0);
    sandbox.mcai(&["cost", "history", "T4"]).is(
        0,
        "T4-16GB on azure eastus (Standard_NC4as_T4_v3) on-demand +19.8 % since 2026-10-29: $0.526 -> $0.630 per GPU-h\n\
         T4-16GB on azure westus2 (Standard_NC4as_T4_v3) on-demand +4.6 % since 2026-10-29: $0.526 -> $0.550 per GPU-h\n",
        "",
    );
    sandbox
        .mcai(&[
            "cost",
            "history",
            "T4:1",
            "--region",
            "eastus",
            "--since",
            "2026-11-26",
            "-o",
            "csv",
        ])
        .is(
            0,
            "cloud,instance_type,region,capacity,usd_per_hour,as_of,source\n\
         azure,Standard_NC4as_T4_v3,eastus,on-demand,0.6,2026-11-25,azure-retail\n\
         azure,Standard_NC4as_T4_v3,eastus,on-demand,0.63,2026-11-28,azure-retail\n",
            "",
        );
    let history =
        read_json(&sandbox.mcai(&["cost", "history", T4, "--capacity", "spot", "-o", "json"]));
    assert_eq!(
        history["prices"][0]["points"].as_array().map(Vec::len),
        Some(1),
        "{history}"
    );
    sandbox.mcai(&["cost", "history", "--since", "1d"]).is(0, "T4-16GB on azure eastus (Standard_NC4as_T4_v3) on-demand +5.0 % since 2026-11-27: $0.600 -> $0.630 per GPU-h\n", "");
}

#[test]
fn a_held_price_waits_for_its_name_and_the_network_is_not_needed() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    list.change(T4, "eastus", &json!({"retailPrice": 0.9}))
        .change(T4, "westus2", &json!({"retailPrice": 0.9}));
    let held = "azure/Standard_NC4as_T4_v3/eastus/on-demand\nazure/Standard_NC4as_T4_v3/westus2/on-demand\n";
    refresh(&sandbox, &["-q", "-o", "name"]).is(0, held, "");
    sandbox
        .mcai(&["cost", "check", "-o", "name"])
        .is(0, held, "");
    sandbox
        .mcai(&["cost", "check", "--detailed-exitcode"])
        .code(2);
    assert!(
        row(&sandbox, "azure,Standard_NC4as_T4_v3,eastus,on-demand")
            .ends_with(",0.9,2026-11-25,azure-retail")
    );
    let asked = server.seen().len();
    let accept = |id: &str| sandbox.mcai(&["cost", "refresh", "--offline", "--accept", id]);
    accept("azure/Standard_NC4as_T4_v3/eastus2/on-demand").is(
        1,
        "",
        "error: no price is held by this name\n  `azure/Standard_NC4as_T4_v3/eastus2/on-demand`\n  \
         hint: did you mean `azure/Standard_NC4as_T4_v3/eastus/on-demand`?\n  hint: `mcai cost check` lists what is held\n",
    );
    accept("azure/Standard_NC4as_T4_v3/eastus/on-demand").code(0);
    let eastus = row(&sandbox, "azure,Standard_NC4as_T4_v3,eastus,on-demand");
    assert_eq!(
        eastus,
        "azure,Standard_NC4as_T4_v3,eastus,on-demand,0.9,2026-11-25,azure-retail,,,"
    );
    accept("all").code(0);
    sandbox
        .mcai(&["cost", "check", "--detailed-exitcode"])
        .code(0);
    assert_eq!(server.seen().len(), asked);
    sandbox.mcai(&["cost", "refresh", "--offline"]).is(
        1,
        "",
        "error: nothing can be refreshed offline\n  live prices are read from the network\n  \
         hint: leave out `--offline`, or name what is held with `--accept`\n",
    );
}

#[test]
fn what_cannot_be_true_is_set_aside_each_with_its_reason() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    let a100 = "Standard_ND96amsr_A100_v4";
    list.change(T4, "eastus", &json!({"retailPrice": 0.0}))
        .change(T4, "eastus2", &json!({"retailPrice": null}))
        .change(T4, "westus2", &json!({"retailPrice": "NaN"}))
        .change(T4, "westus", &json!({"retailPrice": -0.5}))
        .change(
            T4,
            "northeurope",
            &json!({"currencyCode": "CNY", "retailPrice": 3.7}),
        )
        .change(T4, "westeurope", &json!({"unitOfMeasure": "100 Hours"}))
        .add(
            T4,
            "southcentralus",
            "9.0",
            &json!({"skuName": "NC4as T4 v3 Spot"}),
        )
        .add(
            T4,
            "uksouth",
            "0.9",
            &json!({"productName": "Virtual Machines NCasT4 v3 Series Windows"}),
        )
        .add(T4, "uksouth", "0.4", &json!({"type": "DevTestConsumption"}))
        .add(
            T4,
            "uksouth",
            "0.1",
            &json!({"skuName": "NC4as T4 v3 Low Priority"}),
        )
        .add(
            T4,
            "uksouth",
            "0.3",
            &json!({"effectiveStartDate": "2027-01-01T00:00:00Z"}),
        )
        .add(
            T4,
            "uksouth",
            "9999.0",
            &json!({"type": "Reservation", "reservationTerm": "5 Years"}),
        )
        .add(
            T4,
            "uksouth",
            "0.2",
            &json!({"type": "Reservation", "reservationTerm": null}),
        )
        .add(a100, "eastus", "30.0", &json!({}))
        .add("Standard_NC80s_v4_H200", "eastus", "35.0", &json!({}))
        .add(a100, "northeurope", "8.0", &json!({}));
    let run = refresh(&sandbox, &["-o", "json"]);
    run.code(0);
    let refreshed = cloud(&run);
    assert_eq!(
        refreshed["lost"],
        json!([]),
        "what is set aside is not lost"
    );
    let check = check(&sandbox);
    let expected = [
        ("blank", 1),
        ("currency", 1),
        ("devTest", 1),
        ("lowPriority", 1),
        ("negative", 1),
        ("notANumber", 1),
        ("notInForce", 1),
        ("operatingSystem", 1),
        ("regionSpread", 1),
        ("spotAboveOnDemand", 1),
        ("term", 2),
        ("twoPrices", 2),
        ("unit", 1),
        ("unknownInstanceType", 1),
        ("zero", 1),
    ];
    let expected: BTreeMap<String, u64> = expected
        .map(|(reason, count)| (reason.to_owned(), count))
        .into();
    assert_eq!(reasons(&check, "azure"), expected);
    assert_eq!(check["doubts"], json!([]));
    // Every known price is still there, with its old day.
    assert!(
        row(&sandbox, "azure,Standard_NC4as_T4_v3,eastus,on-demand").contains(",0.526,2026-06-18,")
    );
}

#[test]
fn the_traps_of_the_aws_list_are_set_aside() {
    let twelve = [("GPU", "12")];
    let upfront = [
        ("TermType", "Reserved"),
        ("Unit", "Quantity"),
        ("LeaseContractLength", "1yr"),
        ("PurchaseOption", "All Upfront"),
        ("OfferingClass", "standard"),
    ];
    let traps: [AwsRow<'_>; 8] = [
        (
            "p5.48xlarge",
            "0.0000000000",
            &[("MarketOption", "CapacityBlock")],
        ),
        (
            "p5.48xlarge",
            "55.04",
            &[("CapacityStatus", "AllocatedCapacityReservation")],
        ),
        ("p5.48xlarge", "70", &[("Operating System", "Windows")]),
        ("p5.48xlarge", "60", &[("Tenancy", "Dedicated")]),
        ("p5.48xlarge", "400", &[("Currency", "CNY")]),
        ("p5.48xlarge", "300000", &upfront),
        ("p5.48xlarge", "55.04", &twelve),
        ("p5e.48xlarge", "60", &[]),
    ];
    let list = aws_list("us-east-1", &traps);
    let server = Server::start(move |path| aws_answer(path, "us-east-1", &list));
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_FEED_AWS_PRICE_LIST", &server.url);
    let run = sandbox.mcai(&["cost", "refresh", "--feeds", "aws-price-list", "-o", "json"]);
    run.code(0);
    let refreshed = cloud(&run);
    assert_eq!(
        (&refreshed["lost"], &refreshed["held"], &refreshed["added"]),
        (&json!([]), &json!([]), &json!([]))
    );
    let expected = [
        ("appointment", 2),
        ("currency", 1),
        ("dedicated", 1),
        ("gpuCount", 1),
        ("notSold", 1),
        ("operatingSystem", 1),
        ("term", 1),
    ];
    let expected: BTreeMap<String, u64> = expected
        .map(|(reason, count)| (reason.to_owned(), count))
        .into();
    assert_eq!(reasons(&check(&sandbox), "aws"), expected);
}

/// Queued capacity was taken for on-demand: 4.20 $ per GPU in ten of the regions, where list prices are 11 to 16.
#[test]
fn a_wrong_majority_of_regions_is_held_and_cannot_be_accepted() {
    let h100 = "a3-highgpu-8g";
    let poisoned = AtomicUsize::new(0);
    let text = gcp_list(|name, _, usd| {
        match name == h100 && poisoned.fetch_add(1, Ordering::Relaxed) < 10 {
            true => "33.6".to_owned(),
            false => usd.to_owned(),
        }
    });
    let server = Server::start(move |_| Answer::ok(text.clone()));
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_FEED_GCP_MACHINE_TYPES", &server.url);
    let words = ["cost", "refresh", "--clouds", "gcp", "-o", "json"];
    let run = sandbox.mcai(&words);
    run.code(0);
    let held = cloud(&run)["held"].clone();
    assert_eq!(held.as_array().map(Vec::len), Some(10), "{held}");
    let before = catalog(&sandbox);
    let accepted = sandbox.mcai(&[&words[..], &["--accept", "all"]].concat());
    accepted.code(0);
    assert_eq!(
        reasons(&check(&sandbox), "gcp").get("regionSpread"),
        Some(&10)
    );
    let on_demand = |text: &str| -> Vec<String> {
        let start = format!("gcp,{h100},");
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&start) && line.contains(",on-demand,"));
        lines
            .map(|line| line.split(',').nth(4).expect("a price").to_owned())
            .collect()
    };
    assert_eq!(on_demand(&catalog(&sandbox)), on_demand(&before));
    assert!(!on_demand(&before).contains(&"33.6".to_owned()));
}

#[test]
fn gpus_by_appointment_are_no_machines_on_demand() {
    let skus = include_str!("../fixtures/feeds/gcp/skus_a3_mixed.recon.json");
    let list = gcp_list(|_, _, usd| usd.to_owned());
    let server = Server::start(move |path| match path.starts_with("/v1/services/") {
        true => Answer::ok(skus),
        false => Answer::ok(list.clone()),
    });
    let mut sandbox = Sandbox::new();
    sandbox
        .env("MCAI_FEED_GCP_MACHINE_TYPES", &server.url)
        .env("MCAI_FEED_GCP_BILLING", &server.url)
        .env("MCAI_GCP_API_KEY", "a-secret-key");
    let run = sandbox.mcai(&[
        "cost",
        "refresh",
        "--clouds",
        "gcp",
        "--accept-loss",
        "-o",
        "json",
        "-vv",
    ]);
    assert!(run.code == Some(0) || run.code == Some(7), "{}", run.stderr);
    let printed = format!("{}{}", run.stdout, run.stderr);
    assert!(!printed.contains("a-secret-key"), "{printed}");
    assert!(
        server
            .seen()
            .iter()
            .any(|path| path.contains("key=a-secret-key"))
    );
    let found = reasons(&check(&sandbox), "gcp");
    assert!(
        found.get("appointment").is_some_and(|count| *count >= 2),
        "{found:?}"
    );
}

#[test]
fn a_part_that_fails_keeps_its_old_prices_and_days() {
    let truncated: fn(Answer) -> Answer = |answer| Answer {
        cut: true,
        ..answer
    };
    let wrong_type: fn(Answer) -> Answer =
        |_| Answer::ok(r#"{"Items": "none", "NextPageLink": null}"#);
    let html: fn(Answer) -> Answer = |_| Answer::ok("<html>maintenance</html>");
    let busy: fn(Answer) -> Answer = |_| Answer {
        headers: vec![("retry-after", "0".to_owned())],
        ..Answer::status(429, "")
    };
    for (break_it, words) in [
        (truncated, "the answer breaks off"),
        (wrong_type, "the answer is not as expected"),
        (html, "the answer is not as expected"),
        (busy, "the server refuses"),
    ] {
        let list = AzureList::new();
        list.change(T4, "eastus", &json!({"retailPrice": 0.55}))
            .change(T4, "westus2", &json!({"retailPrice": 0.55}));
        let server = Server::start(move |path| match path.contains("%27eastus%27") {
            true => break_it(list.answer(path)),
            false => list.answer(path),
        });
        let sandbox = sandbox(&server);
        let run = refresh(&sandbox, &["-q"]);
        run.code(7);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(run.stderr.contains("eastus"), "{}", run.stderr);
        let day = |region: &str| row(&sandbox, &format!("azure,{T4},{region},on-demand"));
        assert!(day("eastus").contains(",0.526,2026-06-18,"));
        assert!(day("westus2").contains(",0.55,2026-11-25,"));
        let failures = &check(&sandbox)["lastRefresh"]["azure"]["failures"];
        assert!(
            failures[0]
                .as_str()
                .is_some_and(|line| line.contains(words)),
            "{failures}"
        );
    }
}

#[test]
fn a_busy_list_is_asked_again() {
    let list = AzureList::new();
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |path| match calls.fetch_add(1, Ordering::Relaxed) {
        0..3 => Answer {
            headers: vec![("retry-after", "0".to_owned())],
            ..Answer::status(429, "")
        },
        _ => list.answer(path),
    });
    refresh(&sandbox(&server), &["-q"]).code(0);
}

#[test]
fn a_list_that_cannot_be_read_at_all_changes_nothing() {
    let server = Server::start(|_| Answer::status(403, "no"));
    let sandbox = sandbox(&server);
    let run = refresh(&sandbox, &[]);
    run.code(1);
    assert_eq!(
        run.stdout,
        "azure  could not be read: its prices stay as they are\nnothing was written\n"
    );
    assert_eq!(catalog(&sandbox), "");
}

#[test]
fn fewer_rows_are_never_taken_silently() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    list.remove(T4, "eastus2")
        .change(T4, "westus2", &json!({"retailPrice": 0.55}));
    let id = "azure/Standard_NC4as_T4_v3/eastus2/on-demand";
    let run = refresh(&sandbox, &["-q"]);
    run.code(1);
    assert!(
        run.stdout.contains("  not written: prices would be lost\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains(&format!(
            "  lost       {id}  $0.526 per hour (2026-06-18)\n"
        )),
        "{}",
        run.stdout
    );
    assert_eq!(
        run.stderr,
        "error: prices would be lost\n  1 price of `azure` is no longer in its lists; nothing of it was written\n  \
         hint: look at them with `--dry-run -o wide`, and drop them with `--accept-loss`\n"
    );
    assert_eq!(catalog(&sandbox), "");
    refresh(&sandbox, &["-q", "--dry-run"]).code(0);
    assert_eq!(catalog(&sandbox), "");
    let words = ["cost", "refresh", "--clouds", "azure"];
    let refused = sandbox.mcai_on_a_terminal(&words, "n\n");
    refused.code(1);
    assert!(
        refused
            .stdout
            .contains("1 price of azure is no longer in its lists. Drop it? [y/N]"),
        "{}",
        refused.stdout
    );
    assert_eq!(catalog(&sandbox), "");
    sandbox.mcai_on_a_terminal(&words, "y\n").code(0);
    assert!(!catalog(&sandbox).contains(&format!("azure,{T4},eastus2,on-demand")));
    fs::remove_file(sandbox.home().join(CATALOG)).expect("it is there");
    refresh(&sandbox, &["-q", "--accept-loss"]).code(0);
    assert!(!catalog(&sandbox).contains(&format!("azure,{T4},eastus2,on-demand")));
    assert_eq!(check(&sandbox)["lastRefresh"]["azure"]["lost"], json!([id]));
}

#[test]
fn a_second_refresh_of_the_same_file_is_refused_at_once() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    let folder = sandbox.home().join(".local/share/mcai");
    fs::create_dir_all(&folder).expect("can make the folder");
    let lock = fs::File::create(folder.join("prices.lock")).expect("can make the file");
    lock.lock().expect("can lock");
    fs::write(
        folder.join("prices.lock"),
        "process 7 since 2026-11-25T11:00:00Z\n",
    )
    .expect("can write");
    refresh(&sandbox, &[]).is(
        1,
        "",
        "error: another mcai refreshes these prices\n  \
         `[HOME]/.local/share/mcai/prices.lock` is locked by process 7 since 2026-11-25T11:00:00Z\n  \
         hint: wait until it has ended\n",
    );
    assert!(server.seen().is_empty());
    // To look is allowed, and so is another file.
    refresh(&sandbox, &["-q", "--dry-run"]).code(0);
    refresh(&sandbox, &["-q", "--out", "prices.csv"]).code(0);
    assert!(
        sandbox
            .read("prices.csv")
            .starts_with("# mcai prices 1: azure\ncloud,")
    );
    drop(lock);
    refresh(&sandbox, &["-q"]).code(0);
}

/// A server that stops to answer in the middle, once it is told to.
fn stalling(list: &AzureList) -> (Server, Arc<Mutex<bool>>) {
    let stalls = Arc::new(Mutex::new(false));
    let (list, is_stalled) = (list.clone(), Arc::clone(&stalls));
    let server = Server::start(move |path| {
        if *is_stalled.lock().expect("no panic") && path.contains("%27eastus%27") {
            std::thread::sleep(std::time::Duration::from_secs(300));
        }
        list.answer(path)
    });
    (server, stalls)
}

#[test]
fn a_refresh_that_is_killed_or_interrupted_leaves_the_file_whole() {
    let list = AzureList::new();
    let (server, stalls) = stalling(&list);
    let sandbox = sandbox(&server);
    refresh(&sandbox, &["-q"]).code(0);
    let before = catalog(&sandbox);
    list.change(T4, "westus2", &json!({"retailPrice": 0.55}));
    *stalls.lock().expect("no panic") = true;
    for (signal, code) in [("KILL", None), ("INT", Some(130))] {
        let asked = server.seen().len();
        let running = sandbox.spawn(&["cost", "refresh", "--clouds", "azure"]);
        super::support::eventually(std::time::Duration::from_secs(60), || {
            let seen = server.seen();
            let is_asked = seen[asked..]
                .iter()
                .any(|path| path.contains("%27eastus%27"));
            if is_asked {
                Ok(())
            } else {
                Err("the list is not asked".to_owned())
            }
        });
        running.signal(signal);
        let run = running.wait();
        assert_eq!(run.code, code);
        if code.is_some() {
            assert_eq!(run.stderr, "error: interrupted\n  nothing was changed\n");
        }
        assert_eq!(catalog(&sandbox), before, "{signal}");
    }
    *stalls.lock().expect("no panic") = false;
    refresh(&sandbox, &["-q"]).code(0);
    assert_ne!(catalog(&sandbox), before);
}

#[test]
fn a_proxy_is_used_and_hosts_without_one_are_not_sent_through_it() {
    let list = AzureList::new();
    let (proxy, server) = (list.serve(), list.serve());
    let mut sandbox = sandbox(&server);
    sandbox
        .env("HTTP_PROXY", &proxy.url)
        .env("NO_PROXY", "127.0.0.1");
    refresh(&sandbox, &["-q"]).code(0);
    assert_eq!(proxy.seen().len(), 0);
    let direct = server.seen().len();
    sandbox.env("MCAI_FEED_AZURE_RETAIL", "http://prices.invalid");
    refresh(&sandbox, &["-q"]).code(0);
    let seen = proxy.seen();
    assert_eq!((seen.len(), server.seen().len()), (direct, direct));
    assert!(
        seen.iter()
            .all(|path| path.starts_with("http://prices.invalid/api/retail/prices?"))
    );
}

#[test]
fn lists_and_their_addresses_are_checked() {
    let server = AzureList::new().serve();
    let mut sandbox = sandbox(&server);
    let run = sandbox.mcai(&["cost", "refresh", "--feeds", "azure-retial"]);
    run.is(1, "", "error: unknown price list\n  no list of the clouds is called `azure-retial`\n  hint: did you mean `azure-retail`?\n");
    sandbox.env("MCAI_FEED_AZURE_RETIAL", &server.url);
    refresh(&sandbox, &[]).is(
        1,
        "",
        "error: unknown price list\n  `azure-retial`, set by MCAI_FEED_AZURE_RETIAL\n  hint: did you mean `azure-retail`?\n",
    );
    sandbox
        .env("MCAI_FEED_AZURE_RETIAL", "")
        .env("MCAI_FEED_AZURE_RETAIL", "prices.azure.com");
    refresh(&sandbox, &[]).is(
        1,
        "",
        "error: wrong address of a price list\n  `azure-retail`, set by MCAI_FEED_AZURE_RETAIL\n  hint: write it as https://host/path\n",
    );
    // The user's file, where no variable is set.
    sandbox.env("MCAI_FEED_AZURE_RETAIL", "");
    let folder = sandbox.home().join(".config/mcai");
    fs::create_dir_all(&folder).expect("can make the folder");
    fs::write(
        folder.join("config.yaml"),
        format!("feeds: {{ azure-retail: '{}' }}\n", server.url),
    )
    .expect("can write");
    refresh(&sandbox, &["-q"]).code(0);
    let run = sandbox.mcai(&["cost", "refresh", "--clouds", "bare-metal"]);
    run.code(1);
    assert!(
        run.stderr
            .starts_with("error: the cloud's prices can't be read\n  `bare-metal`: "),
        "{}",
        run.stderr
    );
}

#[test]
fn a_manifest_that_cannot_be_read_sends_prices_nowhere_else() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    sandbox.write("mcai.yaml", "version: 1\nclusters: 7\n");
    refresh(&sandbox, &[]).code(1);
    assert_eq!(catalog(&sandbox), "");
    refresh(&sandbox, &["-q", "--out", "prices.csv"]).code(0);
}

#[test]
fn lines_of_the_file_that_are_no_prices_are_listed() {
    let sandbox = sandbox(&AzureList::new().serve());
    let columns = "cloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source";
    let folder = sandbox.home().join(".local/share/mcai");
    fs::create_dir_all(&folder).expect("can make the folder");
    let rows = "azure,Standard_NC4as_T4_v3,eastus,on-demand,cheap,2026-11-01,x,,,\n\
                azure,Standard_NC4as_T4_v3,eastus,spot,9,2026-11-01,x,,,\n\
                azure,Standard_NC4as_T4_v3,eastus2,on-demand,0.5,2026-11-01,x,,,\n\
                azure,Standard_NC4as_T4_v3,westus2,on-demand,5,2026-11-01,x,,,\n\
                gcp,a2-highgpu-1g,us-central1,on-demand,3,2026-11-01,x,,,\n";
    fs::write(
        folder.join("prices.csv"),
        format!("# mcai prices 1: azure\n{columns}\n{rows}"),
    )
    .expect("can write");
    let check = check(&sandbox);
    let lines: Vec<&Value> = check["unusable"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| &line["line"])
        .collect();
    assert_eq!(lines, [3, 7]);
    let doubts = check["doubts"].as_array().expect("a list");
    let reasons: Vec<&str> = doubts
        .iter()
        .filter_map(|doubt| doubt["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["regionSpread", "regionSpread"]);
    sandbox
        .mcai(&["cost", "check", "--detailed-exitcode"])
        .code(2);
}

#[test]
fn the_catalog_is_exported_as_tables_and_nothing_else_is_replaced() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    list.change(T4, "eastus", &json!({"retailPrice": 0.55}));
    refresh(&sandbox, &["-q"]).code(0);
    sandbox.mcai(&["cost", "export", "tables"]).code(0);
    let table = sandbox.read("tables/azure/prices.csv");
    assert!(
        table.contains("\nStandard_NC4as_T4_v3,eastus,on-demand,0.55,2026-11-25,azure-retail\n")
    );
    assert_eq!(
        sandbox.read("tables/azure/history.csv"),
        "instance_type,region,capacity,usd_per_hour,as_of,source\n\
         Standard_NC4as_T4_v3,eastus,on-demand,0.526,2026-06-18,karpenter-azure-2026-06-18\n\
         Standard_NC4as_T4_v3,eastus,on-demand,0.55,2026-11-25,azure-retail\n"
    );
    assert_eq!(
        sandbox.read("tables/aws/prices.csv"),
        include_str!("../../data/aws/prices.csv")
    );
    sandbox.write("tables/gcp/prices.csv", "mine\n");
    sandbox.mcai(&["cost", "export", "tables"]).is(
        1,
        "",
        "error: the file is no table of prices\n  `[DIR]/tables/gcp/prices.csv` is there and does not begin with \
         `instance_type,region,capacity,usd_per_hour,as_of,source`\n  hint: export to another folder\n",
    );
}

#[track_caller]
fn a_long_list_takes_little_memory(rows: usize) -> usize {
    let (url, bytes) = serve_long_aws_list("us-east-1", rows);
    let mut sandbox = Sandbox::new();
    sandbox.env("MCAI_FEED_AWS_PRICE_LIST", &url);
    let words = [
        "cost",
        "refresh",
        "--feeds",
        "aws-price-list",
        "--accept-loss",
        "-q",
        "-o",
        "json",
    ];
    let (run, peak) = sandbox.spawn(&words).wait_measured();
    run.code(0);
    let refreshed = cloud(&run);
    assert_eq!(refreshed["rowsRead"], rows + 1);
    assert_eq!(
        refreshed["changed"][0]["new"]["usdPerHour"], 56.0,
        "the last row counts"
    );
    assert!((1..=60).contains(&peak), "{peak} MiB");
    bytes
}

#[test]
fn a_price_list_is_read_in_little_memory() {
    a_long_list_takes_little_memory(20_000);
}

/// The list of us-east-1 has so much.
#[test]
#[ignore = "takes long: `scripts/test` runs it"]
fn a_price_list_of_450_mb_is_read_in_little_memory() {
    let bytes = a_long_list_takes_little_memory(500_000);
    assert!(bytes > 450_000_000, "{bytes}");
}
