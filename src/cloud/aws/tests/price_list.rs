//! Traps of the official price list.

use super::*;

/// Reads one region's file.
fn read_file(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (Reading, Vec<Progress>) {
    let index = r#"{"regions": {"us-east-1": {}}}"#;
    let server = Server::start(move |path| match path.ends_with(".json") {
        true => Answer::ok(index),
        false => answer(),
    });
    let (reading, steps, _) = read(&server, Some(&["aws-price-list"]));
    (reading, steps)
}

#[test]
fn keeps_shared_linux_machines_and_says_why_not_the_others() {
    let (reading, steps) = read_file(|| Answer::ok(OFFERS));
    assert_eq!(failures(&reading), [""; 0]);
    assert_eq!(
        prices(&reading.quotes),
        [
            "p4d.24xlarge us-east-1 on-demand 32.7726",
            "p4d.24xlarge us-east-1 reserved-1y 20.1754983",
            "p4d.24xlarge us-east-1 reserved-3y 12.498961",
            "g4dn.metal us-east-1 on-demand 7.824",
        ]
    );
    assert!(reading.quotes.iter().all(|quote| quote.gpus == Some(8.0)
        && quote.as_of == TODAY
        && quote.source == "aws-price-list"));
    assert_eq!(
        reasons(&reading),
        [
            (Reason::Blank, 1),
            (Reason::NotANumber, 1),
            (Reason::Currency, 1),
            // No upfront, but an upfront fee.
            (Reason::Unit, 1),
            (Reason::System, 1),
            (Reason::Dedicated, 2),
            // A Capacity Block of 0.00, and two states of reserved capacity.
            (Reason::Appointment, 3),
            // Convertible, and all upfront.
            (Reason::Term, 2),
            // Software, and a licence of one's own.
            (Reason::Extra, 2),
            (Reason::UnknownRegion, 1),
            (Reason::UnknownInstanceType, 1),
            (Reason::Malformed, 1),
        ]
    );
    // Hosts, machines without GPUs and other systems of unknown machines are only counted.
    assert_eq!(reading.rows, 24);
    assert_eq!(
        steps.last().map(|step| (step.done, step.rows)),
        Some((1, 24))
    );
    for capacity in [
        Capacity::OnDemand,
        Capacity::Reserved1y,
        Capacity::Reserved3y,
    ] {
        assert!(is_covered(&reading, capacity, "us-east-1"));
    }
}

#[test]
fn the_reasons_are_about_the_rows_that_they_should_be() {
    let (reading, _) = read_file(|| Answer::ok(OFFERS));
    for (reason, what, region, price) in [
        (
            Reason::Appointment,
            "p4d.24xlarge",
            "us-east-1",
            "0.0000000000",
        ),
        (Reason::System, "p4d.24xlarge", "us-east-1", "37.1886000000"),
        // The local zone has the code of its region.
        (
            Reason::UnknownRegion,
            "p4d.24xlarge",
            "US East (Boston)",
            "39.3270000000",
        ),
        (
            Reason::UnknownInstanceType,
            "p9.48xlarge",
            "us-east-1",
            "99.0000000000",
        ),
        (
            Reason::Currency,
            "p4d.24xlarge",
            "us-east-1",
            "236.0000000000",
        ),
    ] {
        let row = &reading.set_aside.0[&reason].some[0];
        assert_eq!(
            (&*row.what, &*row.region, &*row.price),
            (what, region, price)
        );
    }
}

#[test]
fn a_file_that_is_cut_off_or_no_price_list_covers_nothing() {
    fn changed(change: impl Fn(&str) -> String) -> Answer {
        Answer::ok(change(OFFERS))
    }
    type Case = (fn() -> Answer, &'static str);
    let cases: [Case; 7] = [
        (|| cut(Answer::ok(OFFERS)), "the answer breaks off"),
        (
            || Answer::ok(&OFFERS[..OFFERS.len() - 200]),
            "it ends in the middle of a row",
        ),
        (
            || Answer::ok("<html>Sorry</html>\n"),
            "it does not begin like a price list",
        ),
        (
            || {
                changed(|list| {
                    list.lines()
                        .take(5)
                        .map(|line| format!("{line}\n"))
                        .collect()
                })
            },
            "there are no headings",
        ),
        (
            || {
                changed(|list| {
                    list.lines()
                        .take(6)
                        .map(|line| format!("{line}\n"))
                        .collect()
                })
            },
            "there are no rows",
        ),
        (
            || changed(|list| list.replace("\"MarketOption\"", "\"Market\"")),
            "there is no column `MarketOption`",
        ),
        (
            || Answer::ok("x".repeat(100_000)),
            "a line has more than 65536 bytes",
        ),
    ];
    for (answer, words) in cases {
        let (reading, _) = read_file(answer);
        let failures = failures(&reading);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].contains(words), "{failures:?}");
        assert!(
            failures[0].contains("feed `aws-price-list`: `http"),
            "{failures:?}"
        );
        assert!(reading.covered.is_empty());
    }
}

#[test]
fn what_was_read_before_the_break_is_kept() {
    let (reading, _) = read_file(|| cut(Answer::ok(OFFERS)));
    assert_eq!(
        prices(&reading.quotes)[0],
        "p4d.24xlarge us-east-1 on-demand 32.7726"
    );
}

#[test]
fn reads_lines_of_other_systems_and_a_last_line_without_end() {
    let (reading, _) = read_file(|| {
        let whole: Vec<&str> = OFFERS.lines().chain(OFFERS.lines().nth(6)).collect();
        Answer::ok(whole.join("\r\n"))
    });
    assert_eq!(failures(&reading), [""; 0]);
    assert_eq!(
        prices(&reading.quotes).last().map(String::as_str),
        Some("p4d.24xlarge us-east-1 on-demand 32.7726")
    );
}

#[test]
fn an_index_that_cannot_be_read_is_one_failure() {
    let server = Server::start(|_| Answer::ok("[]"));
    let (reading, _, asked) = read(&server, Some(&["aws-price-list"]));
    assert_eq!((failures(&reading).len(), asked.len()), (1, 1));
    assert!(failures(&reading)[0].contains("region_index.json"));
}
