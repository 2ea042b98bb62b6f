//! What goes wrong on the way: lists that break off, servers that are busy, two refreshes at once, an end in the middle.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::super::support::{Answer, AzureList, Sandbox, Server, eventually, serve_long_aws_list};
use super::{T4, catalog, check, cloud, refresh, row, sandbox};

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
fn a_second_refresh_of_the_same_file_is_refused_at_once() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    let folder = sandbox.home().join(".local/share/mcai");
    fs::create_dir_all(&folder).expect("can make the folder");
    let lock = fs::File::create(folder.join("prices.csv.lock")).expect("can make the file");
    lock.lock().expect("can lock");
    fs::write(
        folder.join("prices.csv.lock"),
        "process 7 since 2026-11-25T11:00:00Z\n",
    )
    .expect("can write");
    refresh(&sandbox, &[]).is(
        1,
        "",
        "error: another mcai refreshes these prices\n  \
         `[HOME]/.local/share/mcai/prices.csv.lock` is locked by process 7 since 2026-11-25T11:00:00Z\n  \
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
        eventually(std::time::Duration::from_secs(60), || {
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

#[test]
fn a_broken_report_of_the_last_refresh_keeps_no_prices_out() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    let folder = sandbox.home().join(".local/share/mcai");
    refresh(&sandbox, &["-q"]).code(0);
    fs::write(
        folder.join("prices.csv.report.json"),
        r#"{"version": 2, "clouds": {}}"#,
    )
    .expect("can write");
    sandbox.mcai(&["cost", "check"]).is(
        1,
        "",
        "error: not a report of a refresh\n  `[HOME]/.local/share/mcai/prices.csv.report.json`\n  \
         caused by: its version is 2, not 1\n  hint: `mcai cost refresh` writes a new one\n",
    );
    refresh(&sandbox, &["-q"]).code(0);
    sandbox.mcai(&["cost", "check"]).code(0);
}
