//! Lists that say what can't be true, in the shapes in which the clouds' lists do.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::support::{
    Answer, AwsRow, AzureList, Sandbox, Server, aws_answer, aws_list, gcp_list,
};
use super::{T4, catalog, check, cloud, reasons, refresh, row, sandbox};

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
    let a3 = include_str!("../../fixtures/feeds/gcp/skus_a3_mixed.recon.json");
    let parts = include_str!("../../fixtures/feeds/gcp/skus_parts.recon.json");
    let list = gcp_list(|_, _, usd| usd.to_owned());
    let server = Server::start(move |path| match path {
        _ if path.contains("&pageToken=parts") => Answer::ok(parts),
        _ if path.starts_with("/v1/services/") => {
            Answer::ok(a3.replace(r#""nextPageToken":"""#, r#""nextPageToken":"parts""#))
        }
        _ => Answer::ok(list.clone()),
    });
    let mut sandbox = Sandbox::new();
    sandbox
        .env("MCAI_FEED_GCP_MACHINE_TYPES", &server.url)
        .env("MCAI_TEST_NOW", "2026-11-25T12:00:00Z")
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
    run.code(0);
    let printed = format!("{}{}", run.stdout, run.stderr);
    assert!(!printed.contains("a-secret-key"), "{printed}");
    assert!(
        server
            .seen()
            .iter()
            .any(|path| path.contains("key=a-secret-key"))
    );
    // One of them would make a machine with eight GPUs cost less than half.
    let found = reasons(&check(&sandbox), "gcp");
    assert_eq!(found.get("appointment"), Some(&3), "{found:?}");
    let catalog = catalog(&sandbox);
    let h100 = "\ngcp,a3-highgpu-8g,us-central1,on-demand,";
    let row = catalog.split(h100).nth(1).expect("a row");
    let row = row.lines().next();
    assert_eq!(row, Some("88.489996599,2026-11-25,gcp-billing,,,"));
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
