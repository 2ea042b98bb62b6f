//! Several clusters far away: the same job as the peer's, and what is on the way.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::fleet::{Fleet, ROUND_TRIP};
use super::measure::{Line, Times, in_turn, peak_memory, shown, time, time_together};
use super::table::{self, Target};

const RUNS: usize = 5;
/// A peer that takes 12 s a run is not worth more of the reader's time.
const LONG_RUNS: usize = 3;
const DEPLOY: [&str; 3] = ["deploy", "--yes", "--wait=applied"];

/// What a fleet of this size has to reach: the ratio to `kubectl apply` in a loop.
pub(crate) fn fleet(kubectl: &Path, clusters: &Path, size: usize, faster: f64) -> Result<()> {
    let fleet = Fleet::new(kubectl, clusters, size)?;
    table::heading(&format!(
        "Six Models, {size} clusters, {} ms away",
        ROUND_TRIP.as_millis()
    ));
    let [deploy, slowest, apart] = with_singles(&fleet, size)?;
    let what = "`deploy --wait=applied`";
    let alone = "the slowest cluster alone";
    table::compare(what, &deploy, alone, &slowest, &Target::Within(1.3));
    let alone = "a command for each cluster, all at once";
    table::compare(what, &deploy, alone, &apart, &Target::Within(1.3));
    let [in_a_loop, in_background] = in_turn(
        LONG_RUNS,
        [
            Box::new(|| each(&fleet, "apply", size, &[0])),
            Box::new(|| {
                fleet.change()?;
                let all = (1..=size).map(|number| fleet.kubectl_six("apply", number));
                time_together(all.collect())
            }),
        ],
    )?;
    let name = "`kubectl apply --server-side` in a loop";
    table::compare(what, &deploy, name, &in_a_loop, &Target::Faster(faster));
    let name = "the same in the background, with `wait`";
    table::compare(what, &deploy, name, &in_background, &Target::None);
    let [plan, diff] = in_turn(
        LONG_RUNS,
        [
            plan(&fleet),
            Box::new(|| each(&fleet, "diff", size, &[0, 1])),
        ],
    )?;
    let name = "`kubectl diff --server-side` in a loop";
    table::compare("`plan`", &plan, name, &diff, &Target::Faster(10.0));
    round_trips(&fleet)
}

/// Deploys to all; to each cluster alone, of which the slowest counts; and to each by a command of its own, all at once.
/// Control planes that share a machine slow each other down: the last shows how much of the first is their doing.
fn with_singles(fleet: &Fleet, size: usize) -> Result<[Times; 3]> {
    let apart: Line = Box::new(|| {
        fleet.change()?;
        let each = (1..=size).map(|number| {
            let mut command = fleet.mcai(&DEPLOY);
            command.arg("--clusters").arg(format!("x{number}"));
            command
        });
        time_together(each.collect())
    });
    let [all, apart] = in_turn(RUNS, [deploy(fleet, &[]), apart])?;
    let mut slowest: Option<Times> = None;
    for number in 1..=size {
        let name = format!("x{number}");
        let [alone] = in_turn(RUNS, [deploy(fleet, &["--clusters", &name])])?;
        slowest = slowest
            .filter(|slowest| slowest.median() >= alone.median())
            .or(Some(alone));
    }
    let slowest = slowest.unwrap_or_else(|| all.clone());
    Ok([all, slowest, apart])
}

fn deploy<'a>(fleet: &'a Fleet, more: &'a [&'a str]) -> Line<'a> {
    Box::new(move || {
        fleet.change()?;
        time(fleet.mcai(&DEPLOY).args(more), &[0])
    })
}

fn plan(fleet: &Fleet) -> Line<'_> {
    Box::new(|| {
        fleet.change()?;
        time(&mut fleet.mcai(&["plan"]), &[0])
    })
}

fn each(fleet: &Fleet, verb: &str, size: usize, codes: &[i32]) -> Result<Duration> {
    fleet.change()?;
    let mut all = Duration::ZERO;
    for number in 1..=size {
        all += time(&mut fleet.kubectl_six(verb, number), codes)?;
    }
    Ok(all)
}

fn round_trips(fleet: &Fleet) -> Result<()> {
    let counted = |run: &mut dyn FnMut() -> Result<Duration>| -> Result<String> {
        fleet.take_round_trips();
        run()?;
        let counts = fleet.take_round_trips();
        let sum = counts.iter().sum::<usize>();
        Ok(match counts.len() {
            1 => sum.to_string(),
            connections => format!("{sum} on {connections} connections"),
        })
    };
    let alone = ["--clusters", "x1"];
    let plan = counted(&mut || {
        fleet.change()?;
        time(fleet.mcai(&["plan"]).args(alone), &[0])
    })?;
    let diff = counted(&mut || time(&mut fleet.kubectl_six("diff", 1), &[0, 1]))?;
    let deploy = counted(&mut || time(fleet.mcai(&DEPLOY).args(alone), &[0]))?;
    let apply = counted(&mut || time(&mut fleet.kubectl_six("apply", 1), &[0]))?;
    let what = "round trips of a `plan` to one cluster";
    let beside = format!("`kubectl diff --server-side`: {diff}");
    table::row(&[what, &plan, &beside, "-", "-"]);
    let what = "round trips of a `deploy` to one cluster";
    let beside = format!("`kubectl apply --server-side`: {apply}");
    table::row(&[what, &deploy, &beside, "-", "-"]);
    Ok(())
}

/// Many contexts at once; several lead to the same control plane, whose share of the time they don't divide.
pub(crate) fn contexts(kubectl: &Path, clusters: &Path, count: usize) -> Result<()> {
    let fleet = Fleet::new(kubectl, clusters, count)?;
    table::heading(&format!(
        "Six Models, {count} contexts, {} ms away",
        ROUND_TRIP.as_millis()
    ));
    let words = ["plan", "--accept-cluster"];
    let [plan] = in_turn(RUNS, [Box::new(|| time(&mut fleet.mcai(&words), &[0]))])?;
    let met = plan.median() <= Duration::from_secs(2);
    table::limit("`plan`", &plan.to_string(), "at most 2 s", met);
    let memory = peak_memory(&mut fleet.mcai(&words))?;
    let shown = format!("{memory:.0} MB");
    table::limit(
        "its memory at most",
        &shown,
        "at most 60 MB",
        memory <= 60.0,
    );
    Ok(())
}

/// One cluster of four takes the connection and never answers.
pub(crate) fn hanging(kubectl: &Path, clusters: &Path) -> Result<()> {
    let fleet = Fleet::new(kubectl, clusters, 4)?;
    let [well] = in_turn(LONG_RUNS, [plan(&fleet)])?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    fleet.lead("x4", silent.local_addr()?)?;
    table::heading("Four clusters, one of them takes the connection and never answers");
    let words = ["plan", "--cluster-timeout", "3s"];
    let [plan] = in_turn(
        LONG_RUNS,
        [Box::new(|| time(&mut fleet.mcai(&words), &[7]))],
    )?;
    let what = "`plan --cluster-timeout 3s`";
    let met = plan.median() < Duration::from_millis(3200);
    table::limit(what, &plan.to_string(), "at most 3 s and the start", met);
    table::row(&["`plan` when all answer", &well.to_string(), "-", "-", "-"]);
    let peer = time(&mut fleet.kubectl_six("apply", 4), &[1])?;
    let beside = format!(
        "`kubectl apply --server-side` to this cluster: {}",
        shown(peer)
    );
    table::row(&["the same cluster alone", "-", &beside, "-", "-"]);
    Ok(())
}
