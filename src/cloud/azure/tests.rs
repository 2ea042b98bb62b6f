//! Readings of the Azure feed from a server on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::prices::{RetailPrices, served_regions};
use crate::cloud::feed::{Progress, Reading};
use crate::cloud::rehearsal::Rehearsal;
use crate::cloud::{Capacity, Reason};
use crate::diagnostic::Kind;
use crate::http::loopback::{Answer, Server};

type Reply = fn() -> Answer;

const PAGE: &str = include_str!("../../../tests/fixtures/feeds/azure/retail_page.recon.json");
const EMPTY: &str = r#"{"Items": [], "NextPageLink": null, "Count": 0}"#;
/// A second meter of one machine, a machine that is in no table, one without GPUs, another region's row and no row.
const SECOND: &str = r#"{"NextPageLink": null, "Items": [
    {"currencyCode": "USD", "retailPrice": 7.5, "armRegionName": "eastus", "unitOfMeasure": "1 Hour", "type": "Consumption",
     "productName": "Virtual Machines NCadsH100v5 Series", "skuName": "NC40ads H100 v5", "meterName": "NC40ads H100 v5/2",
     "serviceName": "Virtual Machines", "armSkuName": "Standard_NC40ads_H100_v5"},
    {"retailPrice": 99, "armRegionName": "eastus", "armSkuName": "Standard_ND999isr_X1000_v9"},
    {"retailPrice": 1, "armRegionName": "eastus", "armSkuName": "Standard_D4s_v5"},
    {"retailPrice": 0.5, "armRegionName": "westus", "armSkuName": "Standard_NC40ads_H100_v5"},
    {"armSkuName": 7}
]}"#;

fn is_first_of(path: &str, region: &str) -> bool {
    path.contains(&format!("armRegionName+eq+%27{region}%27"))
}

fn read(server: &Server) -> (Reading, Vec<Progress>) {
    // A mirror with a path of its own.
    let url = format!("{}/mirror/", server.url);
    Rehearsal::default()
        .at("azure-retail", &url)
        .read(&RetailPrices)
}

/// Answers for `eastus`, and with nothing for the other regions.
fn serve(eastus: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |path| match path {
        path if is_first_of(path, "eastus") || path.contains("skip=1000") => eastus(path),
        _ => Answer::ok(EMPTY),
    })
}

fn two_pages(path: &str) -> Answer {
    match path.contains("skip=1000") {
        true => Answer::ok(SECOND),
        false => Answer::ok(PAGE),
    }
}

#[test]
fn every_page_of_every_region_is_read() {
    let server = serve(two_pages);
    let (reading, progress) = read(&server);
    assert_eq!(reading.failures, []);
    assert_eq!(
        reading.prices("Standard_NC40ads_H100_v5", "eastus"),
        [
            "on-demand 6.98",
            "spot 1.289904",
            "reserved-1y 4.566210046",
            "on-demand 7.5"
        ]
    );
    assert_eq!((reading.quotes.len(), reading.rows), (4, 11));
    assert!(
        Capacity::ALL
            .into_iter()
            .all(|capacity| reading.covers(capacity, "eastus"))
    );
    assert!(
        !reading.covers(Capacity::OnDemand, "westus"),
        "it has no rows"
    );

    let seen = server.seen();
    let start = "/mirror/api/retail/prices?api-version=2023-01-01-preview&%24filter=serviceName+eq+%27Virtual+Machines%27";
    assert!(seen[0].starts_with(start), "{}", seen[0]);
    let next = "/mirror/api/retail/prices?api-version=2023-01-01-preview&$filter=serviceName%20eq%20%27Virtual%20Machines%27&$skip=1000";
    assert!(seen.iter().any(|path| path == next), "{seen:?}");
    assert!(
        !seen
            .iter()
            .any(|path| path.contains("china") || path.contains("usgov"))
    );

    let regions = seen.len() - 1;
    let last = progress.last().expect("progress");
    assert_eq!(
        (last.done, last.of, last.rows),
        (regions, Some(regions), 11)
    );
    assert_eq!(
        progress.len(),
        regions + 1,
        "one a region, and one a page before its last"
    );
}

#[test]
fn each_row_that_is_no_price_has_its_reason() {
    let (reading, _) = read(&serve(two_pages));
    let what = "Standard_NC40ads_H100_v5, Virtual Machines NCadsH100v5 Series";
    let windows = format!("{what} Windows, NC40ads H100 v5");
    let low = format!("{what}, NC40ads H100 v5 Low Priority");
    let later = format!("{what}, NC40ads H100 v5");
    for (reason, what) in [
        (Reason::LowPriority, low.as_str()),
        (Reason::System, &windows),
        (Reason::NotInForce, &later),
        (Reason::UnknownInstanceType, "Standard_ND999isr_X1000_v9"),
        (Reason::UnknownRegion, "Standard_NC40ads_H100_v5"),
        (Reason::Malformed, "row 11"),
    ] {
        assert_eq!(reading.aside(reason), [what], "{reason:?}");
    }
    assert_eq!(reading.set_aside.count(), 6);
}

#[test]
fn a_busy_server_is_asked_again() {
    let calls = AtomicUsize::new(0);
    let server = serve(move |path| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::status(429, ""),
        _ => two_pages(path),
    });
    let (reading, _) = read(&server);
    assert_eq!((reading.failures.len(), reading.quotes.len()), (0, 4));
}

#[test]
fn four_regions_are_asked_at_once_and_no_more() {
    let [now, most] = [const { AtomicUsize::new(0) }; 2].map(Arc::new);
    let peak = most.clone();
    let server = Server::start(move |_| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        now.fetch_sub(1, Ordering::SeqCst);
        Answer::ok(EMPTY)
    });
    read(&server);
    assert_eq!(peak.load(Ordering::SeqCst), 4);
}

#[test]
fn a_region_that_breaks_off_is_not_covered() {
    let broken: [(Reply, &str); 3] = [
        (
            || Answer {
                cut: true,
                ..Answer::ok(SECOND)
            },
            "the answer breaks off",
        ),
        (
            || Answer::ok("<html>busy</html>"),
            "the answer is not as expected",
        ),
        (
            || Answer::ok(r#"{"error": {}}"#),
            "the answer is not as expected",
        ),
    ];
    for (second, summary) in broken {
        let server = serve(move |path| match path.contains("skip=1000") {
            true => second(),
            false => Answer::ok(PAGE),
        });
        let (reading, _) = read(&server);
        let [failure] = &reading.failures[..] else {
            panic!("{:?}", reading.failures)
        };
        assert_eq!(
            (failure.kind, failure.summary.as_str()),
            (Kind::Protocol, summary)
        );
        let detail = format!(
            "feed `azure-retail`, region `eastus`: `{}/mirror/api/retail/prices?...`",
            server.url
        );
        assert_eq!(failure.detail, detail);
        assert!(!reading.covers(Capacity::OnDemand, "eastus"));
        assert_eq!(
            reading.quotes.len(),
            3,
            "what the first page says is true all the same"
        );
    }
}

#[test]
fn a_list_without_end_is_a_failure() {
    let (reading, _) = read(&serve(|_| Answer::ok(PAGE)));
    assert_eq!(reading.failures[0].summary, "the list does not end");
    assert!(!reading.covers(Capacity::Spot, "eastus"));
}

#[test]
fn a_server_that_is_away_is_one_failure_and_asked_for_few_regions() {
    let (reading, progress) = Rehearsal::default()
        .at("azure-retail", "http://127.0.0.1:1")
        .read(&RetailPrices);
    let [failure] = &reading.failures[..] else {
        panic!("{:?}", reading.failures)
    };
    assert_eq!(failure.kind, Kind::Unreachable);
    let regions = served_regions().count();
    let start = format!("feed `azure-retail`, {regions} regions, such as `australiacentral`, ");
    assert!(failure.detail.starts_with(&start), "{}", failure.detail);
    assert_eq!((reading.rows, reading.covered.len()), (0, 0));
    assert_eq!(progress.len(), regions);
}

#[test]
fn a_feed_that_is_left_out_is_not_asked() {
    let server = serve(two_pages);
    let rehearsal = Rehearsal::default().at("azure-retail", &server.url);
    let (reading, _) = rehearsal.only(&["aws-price-list"]).read(&RetailPrices);
    assert_eq!(
        (reading.rows, reading.failures.len(), server.seen().len()),
        (0, 0, 0)
    );
}
