//! Readings of Google's feeds from servers on this machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::date;

use super::prices::GcpPrices;
use crate::cloud::feed::{Progress, Reading};
use crate::cloud::rehearsal::Rehearsal;
use crate::cloud::{Capacity, Reason};
use crate::diagnostic::Kind;
use crate::http::loopback::{Answer, Server};

type Reply = fn() -> Answer;

const LIST: &str =
    include_str!("../../../tests/fixtures/feeds/gcp/machine-types-regions.recon.csv");
const A2: &str = include_str!("../../../tests/fixtures/feeds/gcp/skus_a2_t2d.real.json");
const A3: &str = include_str!("../../../tests/fixtures/feeds/gcp/skus_a3_mixed.recon.json");
const PARTS: &str = include_str!("../../../tests/fixtures/feeds/gcp/skus_parts.recon.json");
const KEY: &str = "AIza/hidden+key";
const LIST_FEED: &str = "gcp-machine-types";
const BILLING: &str = "gcp-billing";

fn list() -> Server {
    Server::start(|_| Answer::ok(LIST))
}

/// Serves three pages of SKUs.
fn billing() -> Server {
    Server::start(page)
}

fn page(path: &str) -> Answer {
    let (_, token) = path.split_once("&pageToken=").unwrap_or_default();
    match token {
        "" => Answer::ok(A2),
        "third" => Answer::ok(PARTS),
        _ => Answer::ok(A3.replace(r#""nextPageToken":"""#, r#""nextPageToken":"third""#)),
    }
}

fn at(list: &Server, billing: &Server) -> Rehearsal {
    let rehearsal = Rehearsal::default().at(LIST_FEED, &list.url);
    rehearsal.at(BILLING, &billing.url)
}

fn read(list: &Server, billing: &Server, key: &str) -> (Reading, Vec<Progress>) {
    at(list, billing).key(BILLING, key).read(&GcpPrices)
}

#[test]
fn a_list_without_a_date_is_of_the_day_on_which_it_changed_last() {
    for (modified, day) in [
        (Some("Wed, 01 Jan 2025 08:00:00 GMT"), date(2025, 1, 1)),
        (Some("Fri, 01 Jan 2027 08:00:00 GMT"), date(2026, 11, 25)),
        (Some("last week"), date(2026, 11, 25)),
        (None, date(2026, 11, 25)),
    ] {
        let text = LIST;
        let list = Server::start(move |_| {
            let mut answer = Answer::ok(text);
            let header = modified.map(|modified| ("last-modified", modified.to_owned()));
            answer.headers.extend(header);
            answer
        });
        let (reading, _) = at(&list, &billing()).read(&GcpPrices);
        assert_eq!(reading.quotes.len(), 26);
        assert!(
            reading.quotes.iter().all(|quote| quote.as_of == day),
            "{modified:?}"
        );
    }
}

#[test]
fn without_a_key_the_list_of_machine_types_has_the_prices() {
    let (list, billing) = (list(), billing());
    let (reading, progress) = at(&list, &billing).read(&GcpPrices);
    assert_eq!(reading.failures, []);
    assert_eq!(
        reading.prices("a3-highgpu-8g", "us-central1"),
        [
            "on-demand 88.49",
            "reserved-1y 61.383672",
            "reserved-3y 38.864381",
            "spot 50.609541"
        ]
    );
    assert_eq!((reading.rows, reading.quotes.len()), (9, 26));
    assert!(reading.quotes.iter().all(|quote| quote.source == LIST_FEED));
    assert_eq!(reading.quotes[0].gpus, Some(8.0));
    // It repeats the on-demand price where there is no commitment.
    let none = ["a2-ultragpu-8g reserved-1y", "a2-ultragpu-8g reserved-3y"];
    assert_eq!(reading.aside(Reason::NotSold), none);
    let unknown = reading.aside(Reason::UnknownInstanceType);
    assert_eq!(unknown, ["ct99x-hightpu-4t on-demand"]);
    assert!(
        reading.covered.is_empty(),
        "the list lacks whole machine types"
    );
    assert_eq!(
        (list.seen(), billing.seen().len()),
        (vec!["/machine-types-regions.csv".into()], 0)
    );
    let [
        Progress {
            feed: LIST_FEED,
            done: 1,
            of: Some(1),
            rows: 9,
        },
    ] = progress[..]
    else {
        panic!("{progress:?}")
    };
}

#[test]
fn with_a_key_the_prices_are_sums_of_parts_where_the_machines_are() {
    let (list, billing) = (list(), billing());
    let (reading, progress) = read(&list, &billing, KEY);
    assert_eq!(reading.failures, []);
    assert!(reading.quotes.iter().all(|quote| quote.source == BILLING));
    let on_demand = |name| {
        let prices = reading.prices(name, "us-central1");
        let found = prices
            .iter()
            .find_map(|price| price.strip_prefix("on-demand "));
        found.map(|usd| format!("{:.2}", usd.parse::<f64>().expect("a price")))
    };
    assert_eq!(on_demand("a3-highgpu-8g").as_deref(), Some("88.49"));
    assert_eq!(on_demand("a2-ultragpu-8g").as_deref(), Some("40.55"));
    assert_eq!(on_demand("a2-highgpu-8g").as_deref(), Some("29.39"));
    assert_eq!(on_demand("g4-standard-48").as_deref(), Some("4.50"));
    assert_eq!(reading.rows, 9 + 7 + 12 + 16);

    assert_eq!(billing.seen().len(), 3);
    let first =
        "/v1/services/6F81-5844-456A/skus?pageSize=5000&currencyCode=USD&key=AIza%2Fhidden%2Bkey";
    assert_eq!(billing.seen()[0], first);
    assert!(billing.seen()[1].ends_with("&pageToken=APKCS1HVa0YpwgyTFbqbJ1eGwzKZmsPwLqzMZPTSNia5ck1Hc54Tx_Kz3oBxwSnRIdGVxXoSPdf-XlDpyNBf4QuxKcIEgtrQ1LDLWAgZowI0ns7HjrGta2s%3D"));
    let pages = progress.iter().filter(|progress| progress.feed == BILLING);
    let pages: Vec<_> = pages.map(|page| (page.done, page.of, page.rows)).collect();
    assert_eq!(pages, [(1, None, 7), (2, None, 19), (3, None, 35)]);
}

#[test]
fn what_could_not_be_summed_up_is_not_covered() {
    let (reading, _) = read(&list(), &billing(), KEY);
    assert!(reading.covers(Capacity::Spot, "europe-west4"));
    // The list has two prices for a core of G2.
    assert!(
        reading
            .aside(Reason::TwoPrices)
            .contains(&"g2-standard-4 on-demand")
    );
    assert_eq!(reading.prices("g2-standard-4", "us-central1"), [""; 0]);
    assert!(!reading.covers(Capacity::OnDemand, "us-central1"));
}

#[test]
fn a_catalog_that_fails_leaves_the_list() {
    let broken: [(Reply, Kind); 5] = [
        (|| Answer::status(403, "no"), Kind::Denied),
        (|| Answer::status(400, "API key not valid"), Kind::Rejected),
        (
            || Answer {
                cut: true,
                ..Answer::ok(A3)
            },
            Kind::Protocol,
        ),
        (|| Answer::ok("<html>sign in</html>"), Kind::Protocol),
        (|| Answer::ok(r#"{"skus": []}"#), Kind::Protocol),
    ];
    for (answer, kind) in broken {
        let billing = Server::start(move |_| answer());
        let (reading, _) = read(&list(), &billing, KEY);
        let [failure] = &reading.failures[..] else {
            panic!("{:?}", reading.failures)
        };
        assert_eq!(failure.kind, kind, "{failure:?}");
        let address = format!("feed `gcp-billing`: `{}/v1/services", billing.url);
        let detail = failure.detail.replace("403 Forbidden from ", "");
        let detail = detail.replace("400 Bad Request from ", "");
        assert!(detail.starts_with(&address), "{}", failure.detail);
        assert_eq!(reading.quotes.len(), 26, "those of the list");
        assert!(reading.covered.is_empty());
        let all = format!("{reading:?}");
        assert!(!all.contains("hidden"), "{all}");
        let about_key = failure
            .hints
            .iter()
            .any(|hint| hint.contains("MCAI_GCP_API_KEY"));
        assert_eq!(about_key, kind != Kind::Protocol);
    }
}

#[test]
fn a_catalog_that_breaks_off_later_is_not_used() {
    let billing = Server::start(|path| match path.contains("pageToken=third") {
        true => Answer::status(404, ""),
        false => page(path),
    });
    let (reading, _) = read(&list(), &billing, KEY);
    assert_eq!(reading.failures[0].kind, Kind::NotFound);
    assert!(reading.quotes.iter().all(|quote| quote.source == LIST_FEED));
    assert_eq!((reading.rows, reading.covered.len()), (9 + 19, 0));
}

#[test]
fn busy_servers_are_asked_again() {
    let calls = AtomicUsize::new(0);
    let list = Server::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::status(429, ""),
        _ => Answer::ok(LIST),
    });
    let calls = AtomicUsize::new(0);
    let billing = Server::start(move |path| match calls.fetch_add(1, Ordering::Relaxed) {
        1 => Answer::status(429, ""),
        _ => page(path),
    });
    let (reading, _) = read(&list, &billing, KEY);
    assert_eq!(reading.failures, []);
    assert_eq!((list.seen().len(), billing.seen().len()), (2, 4));
}

#[test]
fn a_list_that_fails_is_a_failure() {
    let broken: [(Reply, &str); 5] = [
        (|| Answer::status(404, ""), "404"),
        (
            || Answer {
                cut: true,
                ..Answer::ok(LIST)
            },
            "machine-types-regions.csv`",
        ),
        (
            || Answer::ok("<html>\n<body>moved</body>\n</html>\n"),
            "no column `name`",
        ),
        (
            || Answer::ok(LIST.split_at(LIST.len() - 30).0),
            "row 9 can't be read",
        ),
        (
            || Answer::ok(LIST.lines().next().unwrap_or_default()),
            "no machine with accelerators",
        ),
    ];
    for (answer, detail) in broken {
        let list = Server::start(move |_| answer());
        let (reading, _) = at(&list, &billing()).read(&GcpPrices);
        let [failure] = &reading.failures[..] else {
            panic!("{:?}", reading.failures)
        };
        assert!(
            failure.detail.starts_with("feed `gcp-machine-types`: "),
            "{failure:?}"
        );
        assert!(
            failure.detail.contains(detail) && failure.detail.contains(&list.url),
            "{failure:?}"
        );
        assert_eq!((reading.quotes.len(), reading.covered.len()), (0, 0));
    }
}

#[test]
fn feeds_are_read_as_the_user_says() {
    let (list, billing) = (list(), billing());
    let (reading, _) = at(&list, &billing)
        .key(BILLING, KEY)
        .only(&[LIST_FEED])
        .read(&GcpPrices);
    assert_eq!((reading.quotes.len(), billing.seen().len()), (26, 0));

    let (reading, _) = at(&list, &billing)
        .key(BILLING, KEY)
        .only(&[BILLING])
        .read(&GcpPrices);
    assert_eq!((reading.failures.len(), reading.rows), (0, 35));
    assert_eq!((list.seen().len(), billing.seen().len()), (1, 3));

    let (reading, _) = at(&list, &billing).only(&[BILLING]).read(&GcpPrices);
    let [failure] = &reading.failures[..] else {
        panic!("{:?}", reading.failures)
    };
    assert_eq!(
        (failure.kind, failure.summary.as_str()),
        (Kind::Settings, "no API key")
    );
    assert_eq!(failure.hints, ["set MCAI_GCP_API_KEY"]);

    let (reading, _) = at(&list, &billing)
        .key(BILLING, KEY)
        .only(&["azure-retail"])
        .read(&GcpPrices);
    assert_eq!((reading.rows, reading.failures.len()), (0, 0));
    assert_eq!((list.seen().len(), billing.seen().len()), (1, 3));
}
