//! Traps of the spot list.

use super::*;

fn read_list(list: impl Into<String>) -> Reading {
    let list = list.into();
    let server = Server::start(move |_| Answer::ok(list.clone()));
    read(&server, Some(&["aws-spot"])).0
}

/// A list with one machine in one region.
fn one(region: &str, rate: &str, columns: &str) -> String {
    format!(
        r#"{{"config": {{"rate": "{rate}", "regions": [{{"region": "{region}", "instanceTypes": [{{"type": "gpuCurrentGen",
        "sizes": [{{"size": "g6e.xlarge", "valueColumns": [{columns}]}}]}}]}}]}}}}"#
    )
}

const LINUX: &str = r#"{"name": "linux", "prices": {"USD": "0.8783"}}"#;

#[test]
fn reads_linux_machines_of_regions() {
    let reading = read_list(SPOT);
    assert_eq!(
        prices(&reading.quotes),
        [
            "g4dn.12xlarge af-south-1 spot 0.9625",
            "g4dn.metal af-south-1 spot 10.381",
            "g4dn.xlarge af-south-1 spot 0.2452",
            "inf1.24xlarge af-south-1 spot 0.6249",
        ]
    );
    assert!(reading.quotes.iter().all(|quote| quote.as_of == TODAY));
    // Four machines and the local zone's have Windows prices, too.
    assert_eq!(
        reasons(&reading),
        [(Reason::System, 5), (Reason::UnknownRegion, 1)]
    );
    let zone = &reading.set_aside.0[&Reason::UnknownRegion].some[0];
    assert_eq!(
        (&*zone.what, &*zone.region, &*zone.price),
        ("p5e.48xlarge", "us-west-2-phx-1", "23.8169")
    );
    assert_eq!(failures(&reading), [""; 0]);
}

#[test]
fn knows_old_names_of_regions() {
    for (old, new) in [
        ("us-east", "us-east-1"),
        ("us-west", "us-west-1"),
        ("eu-ireland", "eu-west-1"),
        ("apac-sin", "ap-southeast-1"),
        ("apac-syd", "ap-southeast-2"),
        ("apac-tokyo", "ap-northeast-1"),
        ("us-west-2", "us-west-2"),
    ] {
        let reading = read_list(one(old, "perhr", LINUX));
        let expected = format!("g6e.xlarge {new} spot 0.8783");
        assert_eq!(prices(&reading.quotes), [expected]);
        assert!(is_covered(&reading, Capacity::Spot, new));
    }
}

#[test]
fn reads_a_script_as_well() {
    let list = one("us-east", "perhr", LINUX);
    let reading = read_list(format!("callback({list});"));
    assert_eq!(prices(&reading.quotes).len(), 1);
}

#[test]
fn rows_that_are_no_prices_are_set_aside_for_their_reason() {
    for (rate, columns, reason) in [
        (
            "perhr",
            r#"{"name": "linux", "prices": {"USD": "N/A*"}}"#,
            Reason::Blank,
        ),
        (
            "perhr",
            r#"{"name": "linux", "prices": {"USD": ""}}"#,
            Reason::Blank,
        ),
        ("perhr", r#"{"name": "linux", "prices": {}}"#, Reason::Blank),
        (
            "perhr",
            r#"{"name": "linux", "prices": {"USD": "free"}}"#,
            Reason::NotANumber,
        ),
        (
            "perhr",
            r#"{"name": "linux", "prices": {"CNY": "6.1"}}"#,
            Reason::Currency,
        ),
        (
            "perhr",
            r#"{"name": "mswin", "prices": {"USD": "1.1"}}"#,
            Reason::System,
        ),
        ("permonth", LINUX, Reason::Unit),
    ] {
        let reading = read_list(one("us-east-1", rate, columns));
        assert_eq!(reasons(&reading), [(reason, 1)], "{columns}");
        assert!(reading.quotes.is_empty());
    }
    let zero = r#"{"name": "linux", "prices": {"USD": "0.0000"}}"#;
    let reading = read_list(one("us-east-1", "perhr", zero));
    assert_eq!(prices(&reading.quotes), ["g6e.xlarge us-east-1 spot 0"]);
}

#[test]
fn machines_with_gpus_that_are_not_known_are_set_aside() {
    let list = one("us-east-1", "perhr", LINUX).replace("g6e.xlarge", "p9.48xlarge");
    assert_eq!(
        reasons(&read_list(&list)),
        [(Reason::UnknownInstanceType, 1)]
    );
    let list = list.replace("gpuCurrentGen", "computeCurrentGen");
    let reading = read_list(list);
    assert_eq!((reasons(&reading), reading.rows), (Vec::new(), 1));
}

#[test]
fn an_answer_of_another_kind_is_a_failure() {
    for (answer, words) in [
        ("<html>Sorry</html>", "expected value"),
        ("callback({\"config\": ", "expected value"),
        (
            "{\"config\": {\"rate\": \"perhr\", \"regions\": []}}",
            "has no regions",
        ),
        ("{}", "missing field `config`"),
    ] {
        let reading = read_list(answer);
        let failures = failures(&reading);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(
            failures[0].contains("feed `aws-spot`: `http"),
            "{failures:?}"
        );
        assert!(failures[0].contains(words), "{failures:?}");
        assert!(reading.covered.is_empty());
    }
}
