//! The files that a refresh writes, and those of others beside them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::super::support::{AzureList, Server};
use super::{CATALOG, T4, catalog, check, refresh, sandbox};

const COLUMNS: &str = "cloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source";

#[test]
fn a_file_that_is_something_else_and_its_neighbours_stay_as_they_are() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    sandbox.write("Cargo.toml", "[package]\n");
    sandbox.write("Cargo.lock", "version = 4\n");
    refresh(&sandbox, &["--out", "Cargo.toml"]).is(
        1,
        "",
        "error: not a price catalog\n  `[DIR]/Cargo.toml`, line 1: it does not begin with `# mcai prices 1:`\n  \
         hint: `mcai cost refresh --out FILE` writes one\n",
    );
    assert_eq!(sandbox.read("Cargo.toml"), "[package]\n");
    assert_eq!(sandbox.read("Cargo.lock"), "version = 4\n");
    assert!(!sandbox.dir().join("Cargo.toml.lock").exists());
    for (name, words) in [
        (
            "a.csv.report.json",
            "not a report of a refresh\n  `[DIR]/a.csv.report.json`",
        ),
        (
            "b.csv.history.csv",
            "not a history of prices\n  `[DIR]/b.csv.history.csv`",
        ),
    ] {
        sandbox.write(name, r#"{"version": 1}"#);
        let run = refresh(&sandbox, &["--out", &name[..5]]);
        run.code(1);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(run.stderr.contains("hint: move it away"), "{}", run.stderr);
        assert_eq!(sandbox.read(name), r#"{"version": 1}"#);
        assert!(!sandbox.dir().join(&name[..5]).exists());
    }
    assert!(server.seen().is_empty());
    // Another's file can be locked, but keeps its words.
    sandbox.write("c.csv.lock", "process of another kind");
    refresh(&sandbox, &["-q", "--out", "c.csv"]).code(0);
    assert_eq!(sandbox.read("c.csv.lock"), "process of another kind");
    refresh(&sandbox, &["-q", "--out", "d.lock"]).code(0);
    let title = format!("# mcai prices 1: azure\n{COLUMNS}\n");
    assert!(sandbox.read("d.lock").starts_with(&title));
    assert!(sandbox.read("d.lock.lock").starts_with("process "));
}

#[test]
fn a_broken_row_of_another_cloud_is_told_before_anything_is_read_or_written() {
    let server = AzureList::new().serve();
    let sandbox = sandbox(&server);
    let row = "gcp,a2-highgpu-1g,us-central1,on-demand,3,2026-11-01,x,,,\n";
    for (more, words) in [
        (
            "gcp,a2-highgpu-1g,us-central1,spot,cheap,2026-11-01,x,,,\n",
            "`gcp,a2-highgpu-1g,us-central1,spot,cheap,2026-11-01,x,,,` is no price",
        ),
        ("<<<<<<< HEAD\n", "`<<<<<<< HEAD` is no price"),
        (
            row,
            "`gcp/a2-highgpu-1g/us-central1/on-demand` is there twice",
        ),
    ] {
        sandbox.write(
            "prices.csv",
            &format!("# mcai prices 1: gcp\n{COLUMNS}\n{row}{more}"),
        );
        for dry in [&[][..], &["--dry-run"]] {
            let words = format!(
                "error: not a price catalog\n  `[DIR]/prices.csv`, line 4: {words}\n  \
                 hint: correct the file; `mcai cost check` lists all such lines\n"
            );
            refresh(&sandbox, &[&["--out", "prices.csv"], dry].concat()).is(1, "", &words);
        }
        assert!(!sandbox.dir().join("prices.csv.history.csv").exists());
        assert!(!sandbox.dir().join("prices.csv.report.json").exists());
    }
    assert!(server.seen().is_empty());
}

#[test]
fn two_versions_of_a_price_are_no_price() {
    let sandbox = sandbox(&AzureList::new().serve());
    let rows = format!(
        "azure,{T4},eastus,on-demand,0.5,2026-11-25,x,,,\nazure,{T4},eastus2,on-demand,0.5,2026-11-25,x,,,\n\
         azure,{T4},eastus,on-demand,0.6,2026-11-25,x,,,\n"
    );
    let path = sandbox.home().join(CATALOG);
    fs::create_dir_all(path.parent().expect("a folder")).expect("can make the folder");
    fs::write(path, format!("# mcai prices 1: azure\n{COLUMNS}\n{rows}")).expect("can write");
    sandbox.mcai(&["cost", T4]).is(
        1,
        "",
        "error: not a price catalog\n  `[HOME]/.local/share/mcai/prices.csv`, line 5: \
         `azure/Standard_NC4as_T4_v3/eastus/on-demand` is there twice\n  \
         hint: correct the file; `mcai cost check` lists all such lines\n",
    );
    // What is asked for is not concerned.
    sandbox.mcai(&["cost", "p5.48xlarge"]).code(0);
    assert_eq!(
        check(&sandbox)["unusable"],
        json!([{"line": 5, "text": format!("azure,{T4},eastus,on-demand,0.6,2026-11-25,x,,,")}])
    );
}

#[test]
fn what_is_left_out_is_noted_though_nothing_is_stored() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    list.remove(T4, "eastus2")
        .change(T4, "westus2", &json!({"retailPrice": 0.0}));
    refresh(&sandbox, &["-q"]).code(1);
    assert_eq!(catalog(&sandbox), "");
    let last = check(&sandbox)["lastRefresh"]["azure"].clone();
    assert_eq!(last["stored"], false);
    assert_eq!(last["setAside"][0]["reason"], "zero");
    assert_eq!(
        last["lost"],
        json!([format!("azure/{T4}/eastus2/on-demand")])
    );
}

/// The history is written, and then the catalog can't be: a folder has come to its place meanwhile.
#[test]
fn a_change_that_was_noted_before_a_failed_write_is_not_noted_twice() {
    let list = AzureList::new();
    let (answers, in_the_way) = (list.clone(), Arc::new(Mutex::new(None::<PathBuf>)));
    let folder = Arc::clone(&in_the_way);
    let server = Server::start(move |path| {
        if let Some(folder) = folder.lock().expect("no panic").take() {
            fs::remove_file(&folder).expect("it is there");
            fs::create_dir_all(folder.join("folder")).expect("can make the folder");
        }
        answers.answer(path)
    });
    let sandbox = sandbox(&server);
    let path = sandbox.home().join(CATALOG);
    refresh(&sandbox, &["-q"]).code(0);
    let before = catalog(&sandbox);
    list.change(T4, "eastus", &json!({"retailPrice": 0.55}));
    *in_the_way.lock().expect("no panic") = Some(path.clone());
    let run = refresh(&sandbox, &["-q"]);
    run.code(1);
    assert!(
        run.stderr
            .starts_with("error: cannot write the prices\n  `[HOME]/.local/share/mcai/prices.csv`"),
        "{}",
        run.stderr
    );
    let history = || {
        let path = sandbox.home().join(format!("{CATALOG}.history.csv"));
        fs::read_to_string(path).expect("a history")
    };
    let noted = history();
    assert_eq!(noted.lines().count(), 3, "{noted}");
    fs::remove_dir_all(&path).expect("it is there");
    fs::write(&path, before).expect("can write");
    refresh(&sandbox, &["-q"]).code(0);
    assert!(catalog(&sandbox).contains(",0.55,"));
    assert_eq!(history(), noted);
}

/// `mcai cost` itself has a test of its own.
#[test]
fn nothing_of_the_files_reaches_the_terminal_as_it_is() {
    let sandbox = sandbox(&AzureList::new().serve());
    let evil = "\u{1b}[2Jus\u{202e}x";
    let rows = format!(
        "azure,{T4},{evil},on-demand,0.5,2026-11-20,{evil},0.9,2026-11-24,{evil}\n\
         azure,{T4},{evil},spot,0.6,2026-11-20,{evil},,,\nazure,{evil}\n"
    );
    let columns = "cloud,instance_type,region,capacity,usd_per_hour,as_of,source";
    let points = format!(
        "{columns}\nazure,{T4},{evil},spot,0.4,2026-11-01,{evil}\nazure,{T4},{evil},spot,0.5,2026-11-20,{evil}\n"
    );
    let path = sandbox.home().join(CATALOG);
    fs::create_dir_all(path.parent().expect("a folder")).expect("can make the folder");
    let title = format!("# mcai prices 1: azure\n{COLUMNS}\n");
    fs::write(&path, format!("{title}{rows}")).expect("can write");
    let history = sandbox.home().join(format!("{CATALOG}.history.csv"));
    fs::write(history, points).expect("can write");
    let all = |words: &[&str], forms: &[&str], is_refused: bool| {
        for form in forms {
            let run = sandbox.mcai(&[words, &["-o", form]].concat());
            run.code(i32::from(is_refused));
            let printed = format!("{}{}", run.stdout, run.stderr);
            assert!(
                !printed.contains(['\u{1b}', '\u{202e}']),
                "{words:?} {form}: {printed}"
            );
            assert!(
                printed.contains(r"\u{1b}[2Jus"),
                "{words:?} {form}: {printed}"
            );
        }
    };
    let usual = ["table", "wide", "name"];
    all(&["cost", "check"], &usual, false);
    all(
        &["cost", "history"],
        &["table", "name", "csv", "markdown"],
        false,
    );
    let refresh = ["cost", "refresh", "--clouds", "azure", "--dry-run"];
    all(&refresh, &usual, true);
    let lines = rows.lines().take(2);
    let rows: String = lines.map(|line| format!("{line}\n")).collect();
    fs::write(&path, format!("{title}{rows}")).expect("can write");
    // The rows are lost, as no list has such a region; one is accepted.
    all(
        &[&refresh[..], &["--accept-loss"]].concat(),
        &["wide"],
        false,
    );
    let offline = [
        "cost",
        "refresh",
        "--offline",
        "--accept",
        "all",
        "--dry-run",
    ];
    all(&offline, &["wide"], false);
    // The name that is printed is the one to accept.
    let name = format!(r"azure/{T4}/\u{{1b}}[2Jus\u{{202e}}x/on-demand");
    let named = [
        "cost",
        "refresh",
        "--offline",
        "--accept",
        &name,
        "--dry-run",
    ];
    all(&named, &["wide"], false);
}
