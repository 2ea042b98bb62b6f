//! Traps of the site's lists.

use super::*;

/// What is done to a list.
type Change = fn(&str) -> String;

/// Reads the site with the on-demand list of Virginia changed.
fn read_changed(change: Change) -> Reading {
    let server = Server::start(move |path| {
        let is_it = path.contains("without-sec-sel/US%20East%20(N.");
        match is_it {
            true => Answer::ok(change(ON_DEMAND)),
            false => aws(path),
        }
    });
    read(&server, Some(&["aws-site"])).0
}

#[test]
fn machines_with_gpus_that_are_not_known_are_set_aside_and_others_only_counted() {
    let (reading, ..) = read(&Server::start(aws), Some(&["aws-site"]));
    let unknown = &reading.set_aside.0[&Reason::UnknownInstanceType];
    assert_eq!(unknown.count, 1);
    let g2 = &unknown.some[0];
    assert_eq!(
        (&*g2.what, &*g2.region, &*g2.price),
        ("g2.2xlarge", "us-east-1", "0.6500000000")
    );
    assert_eq!(reasons(&reading).len(), 1, "r3.8xlarge is only counted");
}

#[test]
fn rows_that_are_no_prices_are_set_aside_for_their_reason() {
    let cases: [(Change, Reason, usize); 8] = [
        (
            |list| list.replace("\"USD\"", "\"CNY\""),
            Reason::Currency,
            5,
        ),
        (
            |list| {
                list.replace(
                    "\"Operating System\": \"Linux\"",
                    "\"Operating System\": \"RHEL\"",
                )
            },
            Reason::System,
            5,
        ),
        (
            |list| list.replace("\"NA\"", "\"SQL Std\""),
            Reason::Extra,
            5,
        ),
        (
            |list| list.replace("No License required", "Bring your own license"),
            Reason::Extra,
            5,
        ),
        (|list| list.replace("98.3200000000", ""), Reason::Blank, 1),
        (
            |list| list.replace("98.3200000000", "NaN"),
            Reason::NotANumber,
            1,
        ),
        (
            |list| list.replace("\"price\"", "\"cost\""),
            Reason::Blank,
            5,
        ),
        // A place that was not asked for.
        (
            |list| {
                list.replace(
                    "\"regions\": {",
                    "\"regions\": {\"US East (Boston)\": {\"x\": {\"price\": \"1\", \"Instance Type\": \"g5.xlarge\",
                     \"Operating System\": \"Linux\"}},",
                )
            },
            Reason::UnknownRegion,
            1,
        ),
    ];
    for (change, reason, count) in cases {
        let reading = read_changed(change);
        assert_eq!(failures(&reading), [""; 0], "{reason:?}");
        assert!(
            reasons(&reading).contains(&(reason, count)),
            "{reason:?}: {:?}",
            reading.set_aside
        );
        assert!(is_covered(&reading, Capacity::OnDemand, "us-east-1"));
    }
}

#[test]
fn reserved_machines_are_shared_paid_by_the_month_and_for_the_asked_years() {
    for (from, to, reason) in [
        ("\"1yr\"", "\"3yr\"", Reason::Term),
        ("\"No Upfront\"", "\"All Upfront\"", Reason::Term),
        ("\"Shared\"", "\"Dedicated\"", Reason::Dedicated),
    ] {
        let server = Server::start(move |path| match path.contains("1%20year") {
            true if path.contains("Virginia") => Answer::ok(RESERVED.replace(from, to)),
            _ => aws(path),
        });
        let (reading, ..) = read(&server, Some(&["aws-site"]));
        assert!(reasons(&reading).contains(&(reason, 3)), "{reason:?}");
        let quotes = &mut reading.quotes.iter();
        assert!(!quotes.any(|quote| quote.capacity == Capacity::Reserved1y));
    }
}

#[test]
fn an_answer_of_another_kind_is_a_failure_and_nothing_is_gone() {
    let cases: [(Change, &str); 4] = [
        (
            |_| "<html>Sorry</html>".to_owned(),
            "expected value at line 1",
        ),
        (|_| "[]".to_owned(), "invalid length 0"),
        (
            |_| "{\"manifest\": {\"currencyCode\": \"USD\"}, \"regions\": {}}".to_owned(),
            "has no prices of",
        ),
        (
            |list| list.replace(VIRGINIA, "Virginia"),
            "has no prices of",
        ),
    ];
    for (change, words) in cases {
        let reading = read_changed(change);
        let failures = failures(&reading);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].starts_with("the answer is not as expected: feed `aws-site`: `http"));
        assert!(failures[0].contains(words), "{failures:?}");
        assert!(!is_covered(&reading, Capacity::OnDemand, "us-east-1"));
        assert!(is_covered(&reading, Capacity::OnDemand, "us-east-2"));
    }
}

#[test]
fn a_list_that_no_place_has_is_a_failure() {
    let server = Server::start(|path| match path.contains("reservedinstance/3%20year") {
        true => Answer::status(404, ""),
        false => aws(path),
    });
    let (reading, ..) = read(&server, Some(&["aws-site"]));
    let words = failures(&reading);
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].contains("404 Not Found from"), "{words:?}");
    assert!(words[0].contains("/3%20year/No%20Upfront/"), "{words:?}");
}

#[test]
fn a_frozen_list_is_of_its_own_day() {
    let (reading, ..) = read(&Server::start(aws), Some(&["aws-site"]));
    for quote in &reading.quotes {
        // The lists of reserved machines have no date.
        let expected = match quote.capacity {
            Capacity::OnDemand => date(2025, 4, 4),
            _ => TODAY,
        };
        assert_eq!(quote.as_of, expected, "{quote:?}");
    }
    let fresh = read_changed(|list| list.replace("2025-04-04T", "2026-11-20T"));
    let mut of_virginia = fresh.quotes.iter().filter(|q| q.region == "us-east-1");
    assert!(of_virginia.all(|quote| quote.as_of == TODAY));
}

#[test]
fn old_machines_that_fail_are_not_worth_the_large_list() {
    let server = Server::start(|path| match path.contains("previousgen-ondemand") {
        true => Answer::status(503, ""),
        false => aws(path),
    });
    let (reading, _, asked) = read(&server, None);
    assert_eq!(
        failures(&reading).len(),
        4,
        "3, and that the rest is not read"
    );
    assert!(!asked.iter().any(|path| path.ends_with(".csv")));
    // On-demand prices are there, but may not be all.
    assert_eq!(reading.quotes.len(), 5 * 36 + 6 + 4);
    let covered = reading.covered.iter().map(|part| part.capacity);
    let covered: Vec<Capacity> = covered.collect();
    assert_eq!(
        covered,
        [Capacity::Reserved1y, Capacity::Reserved3y, Capacity::Spot]
    );
}
