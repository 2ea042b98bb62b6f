//! How long a price query takes, with the catalog that is built in and with a refreshed one of a hundred thousand rows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::measure::{Line, Times, in_turn, peak_memory, shown, time};
use super::table;

const RUNS: usize = 40;
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
    let memory = peak_memory(&mut command(home.path()))?;
    let words = format!("{memory:.0} MB");
    table::limit(
        "its memory at most",
        &words,
        "at most 20 MB",
        memory <= 20.0,
    );
    Ok(())
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
        let table = fs::read_to_string(format!("data/{cloud}/instances.csv"))?;
        let names = table
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').next());
        types.extend(names.map(|name| format!("{cloud},{name}")));
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
