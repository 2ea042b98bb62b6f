//! Reads all feeds of AWS from a server on this machine: which are read when, and what is covered. The other files have the
//! traps of each feed.

mod price_list;
mod site;
mod spot;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::{Date, date};

use super::locations::LOCATIONS;
use super::prices::AwsPrices;
use crate::cloud::feed::{Access, Coverage, Prices, Progress, Reading};
use crate::cloud::{Capacity, Quote, Reason};
use crate::diagnostic::Kind;
use crate::http::Client;
use crate::http::loopback::{Answer, Server};

const TODAY: Date = date(2026, 11, 25);

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/feeds/aws/",
            $name
        ))
    };
}

const ON_DEMAND: &str = fixture!("on-demand-us-east-1.real.json");
const PREVIOUS: &str = fixture!("previous-generation-us-east-1.real.json");
const RESERVED: &str = fixture!("reserved-1y-us-east-1.real.json");
const INDEX: &str = fixture!("region-index.recon.json");
const OFFERS: &str = fixture!("price-list-us-east-1.recon.csv");
const SPOT: &str = fixture!("spot.real.json");
const VIRGINIA: &str = "US East (N. Virginia)";

/// Answers as AWS would: each place has on-demand prices, Virginia alone has old and reserved machines.
fn aws(path: &str) -> Answer {
    let path = path.replace("%20", " ");
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let [.., file] = parts.as_slice() else {
        return Answer::status(404, "");
    };
    match *file {
        "spot.json" => Answer::ok(SPOT),
        "region_index.json" => Answer::ok(INDEX),
        "index.csv" => Answer::ok(OFFERS),
        "index.json" => site_file(&parts),
        _ => Answer::status(404, ""),
    }
}

fn site_file(parts: &[&str]) -> Answer {
    let is_virginia = parts.contains(&VIRGINIA);
    match parts[6] {
        "ec2-ondemand-without-sec-sel" => Answer::ok(ON_DEMAND.replace(VIRGINIA, parts[7])),
        "previousgen-ondemand" if is_virginia => Answer::ok(PREVIOUS),
        "ec2-reservedinstance" if is_virginia => match parts[7] {
            "3 year" => Answer::ok(RESERVED.replace("1yr", "3yr")),
            _ => Answer::ok(RESERVED),
        },
        _ => Answer::status(404, "<Error><Code>NoSuchKey</Code></Error>"),
    }
}

/// Reads from the server; returns what was read, how far it was at each step, and what the server was asked.
fn read(server: &Server, feeds: Option<&[&str]>) -> (Reading, Vec<Progress>, Vec<String>) {
    let (reading, steps) = read_at(&server.url, feeds);
    (reading, steps, server.seen())
}

fn read_at(url: &str, feeds: Option<&[&str]>) -> (Reading, Vec<Progress>) {
    let feeds = feeds.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let addresses = AwsPrices.feeds().iter();
    let addresses: BTreeMap<_, _> = addresses
        .map(|feed| (feed.id.to_owned(), format!("{url}/")))
        .collect();
    let steps = RefCell::new(Vec::new());
    let access = Access {
        http: &Client::impatient(),
        addresses: &addresses,
        feeds: feeds.as_deref(),
        keys: &BTreeMap::new(),
        today: TODAY,
        progress: &|step| steps.borrow_mut().push(step),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let reading = runtime.block_on(AwsPrices.read(&access));
    (reading, steps.take())
}

/// Returns the words of all failures.
fn failures(reading: &Reading) -> Vec<String> {
    let failures = reading.failures.iter();
    failures.map(|problem| problem.one_line()).collect()
}

/// Returns how many rows were set aside for which reason.
fn reasons(reading: &Reading) -> Vec<(Reason, usize)> {
    let reasons = reading.set_aside.0.iter();
    reasons
        .map(|(reason, examples)| (*reason, examples.count))
        .collect()
}

/// Returns quotes as `g4dn.xlarge us-east-1 on-demand 0.526`.
fn prices(quotes: &[Quote]) -> Vec<String> {
    let text = |quote: &Quote| {
        let Quote {
            instance_type,
            region,
            capacity,
            usd,
            ..
        } = quote;
        format!("{instance_type} {region} {capacity} {usd}")
    };
    quotes.iter().map(text).collect()
}

fn is_covered(reading: &Reading, capacity: Capacity, region: &str) -> bool {
    reading.covered.contains(&Coverage {
        capacity,
        region: Some(region.to_owned()),
    })
}

fn cut(answer: Answer) -> Answer {
    Answer {
        cut: true,
        ..answer
    }
}

#[test]
fn reads_site_and_spot_and_leaves_the_large_list_alone() {
    let server = Server::start(aws);
    let (reading, steps, asked) = read(&server, None);
    assert_eq!(failures(&reading), [""; 0]);
    assert_eq!(asked.len(), 4 * 36 + 1);
    assert!(!asked.iter().any(|path| path.contains("/offers/")));
    // 5 machines in 36 places, 2 old and 3 + 3 reserved in one, 12 columns of the spot list.
    assert_eq!(reading.rows, 5 * 36 + 2 + 6 + 12);
    assert_eq!(reading.quotes.len(), 5 * 36 + 6 + 4);
    let of_virginia = reading.quotes.iter();
    let of_virginia: Vec<Quote> = of_virginia
        .filter(|quote| quote.region == "us-east-1")
        .cloned()
        .collect();
    assert_eq!(
        prices(&of_virginia),
        [
            "g4dn.metal us-east-1 on-demand 7.824",
            "g4dn.xlarge us-east-1 on-demand 0.526",
            "g6e.xlarge us-east-1 on-demand 1.861",
            "p4d.24xlarge us-east-1 on-demand 32.7726",
            "p5.48xlarge us-east-1 on-demand 98.32",
            "g5.xlarge us-east-1 reserved-1y 0.63378",
            "g6e.xlarge us-east-1 reserved-1y 1.17243",
            "p4d.24xlarge us-east-1 reserved-1y 20.1754983",
            "g5.xlarge us-east-1 reserved-3y 0.63378",
            "g6e.xlarge us-east-1 reserved-3y 1.17243",
            "p4d.24xlarge us-east-1 reserved-3y 20.1754983",
        ]
    );
    let last = |feed| steps.iter().rfind(|step| step.feed == feed);
    assert_eq!(last("aws-site").map(|step| step.done), Some(144));
    assert_eq!(last("aws-spot").map(|step| step.rows), Some(12));
    assert_eq!(steps.len(), 145);
}

#[test]
fn covers_what_was_read_whole() {
    let (reading, ..) = read(&Server::start(aws), None);
    for (region, _) in LOCATIONS {
        assert!(is_covered(&reading, Capacity::OnDemand, region), "{region}");
        let is_virginia = region == "us-east-1";
        for reserved in [Capacity::Reserved1y, Capacity::Reserved3y] {
            assert_eq!(is_covered(&reading, reserved, region), is_virginia);
        }
    }
    assert!(is_covered(&reading, Capacity::Spot, "af-south-1"));
    assert_eq!(reading.covered.len(), 36 + 2 + 1);
}

#[test]
fn a_region_that_the_site_fails_to_say_is_read_from_the_large_list() {
    let server = Server::start(|path| match path.contains("N.%20Virginia") {
        true => cut(aws(path)),
        false => aws(path),
    });
    let (reading, steps, asked) = read(&server, None);
    let lists: Vec<&String> = asked.iter().filter(|path| path.ends_with(".csv")).collect();
    assert_eq!(
        lists,
        ["/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv"]
    );
    let words = failures(&reading);
    assert_eq!(words.len(), 4, "{words:?}");
    assert!(
        words.iter().all(|words| words
            .starts_with("the answer breaks off: feed `aws-site`: `http")
            && words.contains("Virginia")),
        "{words:?}"
    );
    assert!(is_covered(&reading, Capacity::OnDemand, "us-east-1"));
    assert!(is_covered(&reading, Capacity::Reserved3y, "us-east-1"));
    let sources = reading.quotes.iter();
    let mut sources = sources.filter(|quote| quote.region == "us-east-1");
    assert!(sources.all(|quote| quote.source == "aws-price-list"));
    assert!(
        steps
            .iter()
            .any(|step| step.feed == "aws-price-list" && step.done == 1 && step.of == Some(1))
    );
}

#[test]
fn a_site_that_is_down_is_given_up_and_the_large_list_read_for_all() {
    let server = Server::start(|path| match path.contains("/meteredUnitMaps/") {
        true => Answer::status(503, ""),
        false => aws(path),
    });
    let (reading, _, asked) = read(&server, None);
    let words = failures(&reading);
    assert_eq!(words.len(), 4, "{words:?}");
    assert_eq!(
        words[3],
        "the feed is given up: feed `aws-site`: 3 files failed in a row, 141 more are not asked for"
    );
    let site = asked.iter().filter(|path| path.contains("/metered"));
    // 3 that failed after 5 tries each, and those that were asked for at the same time.
    assert!((15..=45).contains(&site.count()), "{asked:?}");
    let lists = asked.iter().filter(|path| path.ends_with(".csv"));
    assert_eq!(
        lists.count(),
        2,
        "the regions that are in the index and in our table"
    );
    assert!(is_covered(&reading, Capacity::OnDemand, "eu-west-1"));
    assert!(!is_covered(&reading, Capacity::OnDemand, "eu-west-2"));
    assert!(is_covered(&reading, Capacity::Spot, "af-south-1"));
}

#[test]
fn a_busy_server_is_asked_again() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |path| match calls.fetch_add(1, Ordering::Relaxed) {
        0 | 2 => Answer::status(429, ""),
        _ => aws(path),
    });
    let (reading, ..) = read(&server, Some(&["aws-spot", "aws-price-list"]));
    assert_eq!(failures(&reading), [""; 0]);
    assert!(is_covered(&reading, Capacity::OnDemand, "us-east-1"));
    assert!(is_covered(&reading, Capacity::Spot, "af-south-1"));
}

#[test]
fn only_the_feeds_that_the_user_names_are_read() {
    for (feeds, paths) in [
        (&["aws-spot"][..], &["/spot.json"][..]),
        (
            &["aws-price-list"],
            &[
                "/offers/v1.0/aws/AmazonEC2/current/region_index.json",
                "/offers/v1.0/aws/AmazonEC2/current/eu-west-1/index.csv",
                "/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv",
            ],
        ),
        (&["gcp-billing"], &[]),
    ] {
        let (reading, _, asked) = read(&Server::start(aws), Some(feeds));
        assert_eq!(asked, paths);
        assert_eq!(failures(&reading), [""; 0]);
    }
    // Without the large list, what the site fails to say stays unsaid.
    let down = Server::start(|_| Answer::status(403, ""));
    let (reading, _, asked) = read(&down, Some(&["aws-site"]));
    assert!(reading.failures.iter().all(|p| p.kind == Kind::Denied));
    assert!(reading.covered.is_empty());
    assert!(asked.iter().all(|path| path.starts_with("/pricing/")));
}
