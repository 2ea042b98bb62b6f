//! `mcai cost estimate`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::app::App;
use crate::cli::flags::SelectionArgs;
use crate::cli::{forms, names};
use crate::diagnostic::Problem;
use crate::estimate::{self, Estimate, Rates, over_budget, refuse_age, too_old, unknown_cost};
use crate::failure::{Exit, Failure};
use crate::place::{self, Selection};
use crate::price::At;
use crate::project::Project;
use crate::report::{self, Format, contract};
use crate::text::parse_age;

/// Estimate what the fleet costs, as the manifest declares it
///
/// From the GPUs that models take on the pools that carry their profile, at the fewest and at the most replicas. GPU
/// instances only: no disks, no network, no control planes. No cluster is asked. Where the manifest has a budget, the
/// whole fleet is held against it, whatever models and clusters are named: over it the exit code is 4.
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai cost estimate
  mcai cost estimate llama-3-8b --clouds aws -o wide
  mcai cost estimate -o json | jq .fleet.max.monthlyUsd.whole.high
  mcai cost estimate --max-age 90d              in CI: 4 if prices are older")]
pub(super) struct EstimateArgs {
    /// Models; all of the manifest's if none is named
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    models: Vec<String>,
    /// Refuse with exit code 4 when a price that counts is older, such as 90d or 36h
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    max_age: Option<Duration>,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::of_prices(), default_value = "table", value_name = "FORM")]
    pub output: Format,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn run(app: &App, args: &EstimateArgs) -> Result<Exit, Failure> {
    let project = app.project()?;
    let selection = args.selection.selection(app, &args.models, false);
    let desired = place::place(&project, &selection)?;
    let rates = app.rates(&project)?;
    let estimate = estimate::estimate(&rates, &desired);
    check_age(&estimate, args.max_age, &project, &rates)?;
    let problems = over(&rates, &project)?;
    let report = &app.report;
    let document = contract::CostEstimate::new(&estimate, &problems);
    report.answer(&document, || match report.format {
        Format::Name => report::names(
            estimate
                .rows
                .iter()
                .map(|row| (&row.cluster.name, &row.model.name)),
        ),
        Format::Csv => report::estimate_csv(&estimate),
        Format::Markdown => report::estimate_markdown(&estimate, &problems),
        format => {
            let wide = format == Format::Wide;
            report::estimate_text(&estimate, wide, report.width, &report.out)
        }
    });
    if report.format.is_for_people() {
        report.problems(&problems);
    }
    Ok(match problems.is_empty() {
        true => Exit::Reached,
        false => Failure::of(problems).exit,
    })
}

/// Refuses to make an estimate of old prices, where the command line or the manifest asks for that.
fn check_age(
    estimate: &Estimate<'_>,
    asked: Option<Duration>,
    project: &Project,
    rates: &Rates,
) -> Result<(), Problem> {
    let refusing = project.refusing_age();
    let Some(most) = asked.or(refusing.map(|rule| rule.max_age)) else {
        return Ok(());
    };
    for total in [&estimate.fleet.min, &estimate.fleet.max] {
        if let Some(words) = too_old(total, most, rates) {
            let problem = refuse_age(&words, most, total, project);
            return Err(match refusing.filter(|_| asked.is_none()) {
                Some(rule) => problem.at(&rule.span),
                None => problem,
            });
        }
    }
    Ok(())
}

/// Returns what is over the manifest's budget, which is for the whole fleet, whatever was asked about.
fn over(rates: &Rates, project: &Project) -> Result<Vec<Problem>, Failure> {
    let Some(budget) = &project.budget else {
        return Ok(Vec::new());
    };
    let desired = place::place(project, &Selection::default())?;
    let fleet = estimate::estimate(rates, &desired).fleet;
    let total = match budget.at {
        At::Min => &fleet.min,
        At::Max => &fleet.max,
    };
    let problems = [over_budget(total, budget), unknown_cost(total, budget)];
    Ok(problems.into_iter().flatten().collect())
}
