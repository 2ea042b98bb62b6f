//! How long a price query takes, with the catalog that is built in and with a refreshed one of a hundred thousand rows.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Result, ensure};

use serde_json::json;

use super::feeds::{Answer, AzureList, Server};
use super::measure::{Line, Times, in_turn, peak_memory, shown, time};
use super::table::{self, Target};

const RUNS: usize = 40;
const REFRESHES: usize = 5;
const ROWS: usize = 100_000;
const CAPACITIES: [&str; 4] = ["on-demand", "reserved-1y", "reserved-3y", "spot"];
/// `sky gpus list H100:8 --all-regions` of SkyPilot 0.14.1 with a warm API server and its catalog on disk, measured in
/// November 2026 on a machine of this class. It is no part of this run: it takes 459 MB of packages.
const SKY: Duration = Duration::from_millis(3220);

pub(crate) fn run() -> Result<()> {
    let home = tempfile::tempdir()?;
    let large = tempfile::tempdir()?;
    fs::write(large.path().join("prices.csv"), catalog()?)?;
    let [built_in, refreshed] = in_turn(RUNS, [line(home.path()), line(large.path())])?;
    table::heading("`cost H100:8`");
    row("with the catalog that is built in", &built_in, 15);
    row("with a refreshed one of 100,000 rows", &refreshed, 40);
    // One run is over before it has been looked at often.
    let memory = (0..RUNS).map(|_| peak_memory(&mut command(home.path())));
    let memory = memory
        .collect::<Result<Vec<f64>>>()?
        .into_iter()
        .fold(0.0, f64::max);
    ensure!(memory > 0.0, "no run was seen");
    let words = format!("{memory:.0} MB");
    table::limit(
        "its memory at most",
        &words,
        "at most 20 MB",
        memory <= 20.0,
    );
    refresh()
}

/// Twice as many rows must not take four times as long: what is live is merged with what is known by keys.
fn refresh() -> Result<()> {
    let is_public = |region: &String| !region.starts_with("us") && !region.starts_with("china");
    let mut regions = column("data/azure/regions.csv")?;
    regions.retain(is_public);
    let (half, half_rows) = azure(&regions[..regions.len() / 2])?;
    let (whole, rows) = azure(&regions)?;
    let (half, whole) = (serve(half), serve(whole));
    let homes = [tempfile::tempdir()?, tempfile::tempdir()?];
    let lines = [
        refresh_line(homes[0].path(), &half.url),
        refresh_line(homes[1].path(), &whole.url),
    ];
    let [some, all] = in_turn(REFRESHES, lines)?;
    table::heading("`cost refresh --clouds azure`, from a list on this machine");
    let (what, beside) = (format!("{rows} rows"), format!("{half_rows} rows"));
    table::compare(&what, &all, &beside, &some, &Target::Within(2.5));
    Ok(())
}

/// Returns a list of every instance type in these regions, in four capacities, and its length.
fn azure(regions: &[String]) -> Result<(AzureList, usize)> {
    let list = AzureList::new();
    let types = column("data/azure/instances.csv")?;
    for name in &types {
        for region in regions {
            list.remove(name, region);
            list.add(name, region, "10", &json!({}));
            list.add(
                name,
                region,
                "3",
                &json!({"skuName": format!("{name} Spot")}),
            );
            for (term, usd) in [("1 Year", "60000"), ("3 Years", "120000")] {
                let fields = json!({"type": "Reservation", "reservationTerm": term});
                list.add(name, region, usd, &fields);
            }
        }
    }
    Ok((list, types.len() * regions.len() * CAPACITIES.len()))
}

/// Serves a list; what was asked once is kept, so that its making is not measured.
fn serve(list: AzureList) -> Server {
    let made: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    Server::start(move |path| {
        let mut made = made.lock().expect("no panic in a server");
        let page = made.entry(path.to_owned());
        Answer::ok(page.or_insert_with(|| list.answer(path).body).clone())
    })
}

fn refresh_line<'a>(data: &'a Path, url: &'a str) -> Line<'a> {
    Box::new(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcai"));
        let words = "-C data cost refresh --clouds azure --accept-loss";
        command.args(words.split(' ')).env("MCAI_DATA_HOME", data);
        time(command.env("MCAI_FEED_AZURE_RETAIL", url), &[0])
    })
}

/// Returns the first cells of a table.
fn column(path: &str) -> Result<Vec<String>> {
    let table = fs::read_to_string(path)?;
    let lines = table.lines().skip(1);
    let cells = lines.filter_map(|line| line.split(',').next());
    Ok(cells.map(str::to_owned).collect())
}

fn row(what: &str, times: &Times, most: u64) {
    let ratio = SKY.as_secs_f64() / times.median().as_secs_f64();
    let met = times.median() <= Duration::from_millis(most);
    table::row(&[
        what,
        &times.to_string(),
        &format!(
            "`sky gpus list H100:8 --all-regions`, as measured once: {}",
            shown(SKY)
        ),
        &format!("{ratio:.0} times faster"),
        &format!("at most {most} ms: {}", if met { "met" } else { "missed" }),
    ]);
}

fn line(data: &Path) -> Line<'_> {
    Box::new(|| time(&mut command(data), &[0]))
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcai"));
    // Where no manifest is.
    let words = ["-C", "data", "cost", "H100:8"];
    command.args(words).env("MCAI_DATA_HOME", data);
    command
}

/// Returns a refreshed catalog of many regions, with the clouds' real instance types.
fn catalog() -> Result<String> {
    let mut text = String::from(
        "# mcai prices 1: aws azure gcp\n\
         cloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source\n",
    );
    let mut types = Vec::new();
    for cloud in ["aws", "azure", "gcp"] {
        let names = column(&format!("data/{cloud}/instances.csv"))?;
        types.extend(names.iter().map(|name| format!("{cloud},{name}")));
    }
    ensure!(!types.is_empty(), "no instance types");
    let regions = ROWS.div_ceil(types.len() * CAPACITIES.len());
    for name in &types {
        for region in 0..regions {
            for (at, capacity) in CAPACITIES.iter().enumerate() {
                let price = 40 - 8 * at + region % 5;
                writeln!(
                    text,
                    "{name},region-{region},{capacity},{price}.25,2026-11-24,bench,,,"
                )?;
            }
        }
    }
    Ok(text)
}
