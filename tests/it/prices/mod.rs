//! Live prices: what `mcai cost refresh` takes of the clouds' lists, what it holds, and what it never lets in. The lists are
//! served here, and say at first what is built in.

mod faults;
mod files;
mod poisoned;

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::support::{AzureList, Run, Sandbox, Server};

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
    // Other clouds were not named.
    let other = [
        "cost",
        "refresh",
        "--offline",
        "--clouds",
        "gcp",
        "--accept",
    ];
    sandbox.mcai(&[&other[..], &["all"]].concat()).code(0);
    let named = sandbox.mcai(
        &[
            &other[..],
            &["azure/Standard_NC4as_T4_v3/westus2/on-demand"],
        ]
        .concat(),
    );
    assert!(
        named
            .code(1)
            .stderr
            .starts_with("error: no price is held by this name\n")
    );
    assert!(row(&sandbox, "azure,Standard_NC4as_T4_v3,westus2,on-demand").contains(",0.526,"));
    let feeds = [
        "cost",
        "refresh",
        "--offline",
        "--accept",
        "all",
        "--feeds",
        "azure-retail",
    ];
    let both = sandbox.mcai(&feeds);
    assert!(
        both.stderr.contains("--offline") && both.stderr.contains("--feeds"),
        "{}",
        both.stderr
    );
    assert_ne!(both.code, Some(0));
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
fn accepted_is_what_was_held_and_not_what_came_since() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    let usd = || row(&sandbox, &format!("azure,{T4},eastus,on-demand"));
    list.change(T4, "eastus", &json!({"retailPrice": 0.9}));
    refresh(&sandbox, &["-q", "--accept", "all"]).code(0);
    assert!(
        usd().contains(",0.526,2026-06-18,"),
        "nobody has seen it before"
    );
    list.change(T4, "eastus", &json!({"retailPrice": 1.9}));
    let id = format!("azure/{T4}/eastus/on-demand");
    refresh(&sandbox, &["-q", "--accept", &id]).code(0);
    assert!(usd().contains(",0.526,2026-06-18,") && usd().contains(",1.9,2026-11-25,"));
    list.change(T4, "eastus", &json!({"retailPrice": 1.8}));
    refresh(&sandbox, &["-q", "--accept", &id]).code(0);
    assert!(
        !usd().contains(",1.8,"),
        "it is set aside beside other regions"
    );
    list.change(T4, "eastus", &json!({"retailPrice": 0.9}));
    refresh(&sandbox, &["-q"]).code(0);
    list.change(T4, "eastus", &json!({"retailPrice": 0.95}));
    refresh(&sandbox, &["-q", "--accept", &id]).code(0);
    assert!(usd().contains(",0.95,2026-11-25,"), "{}", usd());
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
    // A dry run ends as the run would.
    assert_eq!(
        refresh(&sandbox, &["-q", "--dry-run"]).code(1).stdout,
        run.stdout
    );
    refresh(&sandbox, &["-q", "--dry-run", "--accept-loss"]).code(0);
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
fn a_project_can_keep_prices_of_its_own() {
    let list = AzureList::new();
    let server = list.serve();
    let sandbox = sandbox(&server);
    let manifest = "version: 1\nproject: shop\nid: k7m2q9x4p1zt\nprices: { catalog: prices/gpus.csv }\n\
                    clusters:\n  a: { cloud: azure, region: eastus, directory: a }\n";
    sandbox.write("mcai.yaml", manifest);
    let price = |expected: &str| {
        let run = sandbox.mcai(&["cost", T4, "--region", "eastus", "-o", "csv"]);
        assert!(run.code(0).stdout.contains(expected), "{}", run.stdout);
        run.stderr.clone()
    };
    let warning = "warning: no price catalog yet\n  --> mcai.yaml:4:20   `[DIR]/prices/gpus.csv` is not there; ";
    assert!(price(",0.526,").starts_with(warning));
    list.change(T4, "eastus", &json!({"retailPrice": 0.55}));
    refresh(&sandbox, &["-q"]).code(0);
    assert!(!price(",0.55,").contains("warning"));
    assert_eq!(catalog(&sandbox), "", "the user's own is another");
    assert!(
        sandbox
            .read("prices/gpus.csv.history.csv")
            .contains(",0.55,")
    );
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
        include_str!("../../../data/aws/prices.csv")
    );
    sandbox.write("tables/gcp/prices.csv", "mine\n");
    sandbox.mcai(&["cost", "export", "tables"]).is(
        1,
        "",
        "error: the file is no table of prices\n  `[DIR]/tables/gcp/prices.csv` is there and does not begin with \
         `instance_type,region,capacity,usd_per_hour,as_of,source`\n  hint: export to another folder\n",
    );
}
