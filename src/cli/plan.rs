//! `mcai plan`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::flags::{PlanningArgs, SelectionArgs};
use super::{forms, names};
use crate::app::App;
use crate::estimate::Rates;
use crate::failure::{Exit, Failure};
use crate::inventory::{self, Inventory, Targets};
use crate::place::{self, Desired};
use crate::plan::{self, Basis, Made, Plan};
use crate::price::Reaction;
use crate::project::Project;
use crate::report::{Format, contract, plan_markdown, plan_names, plan_text};
use crate::rollout::Interrupt;
use crate::target::Connector;
use crate::text;

/// Show what would change on every cluster
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai plan
  mcai plan llama-3-8b --clouds aws         one model, on some clusters
  mcai plan --out today.plan                saved, for `mcai apply today.plan`
  mcai plan --detailed-exitcode -o json     in CI: 0 no change, 2 changes, 7 a cluster could not be read")]
pub(super) struct PlanArgs {
    /// Models; all of the manifest's if none is named
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    models: Vec<String>,
    /// Save the plan, to be carried out by `mcai apply FILE` exactly as shown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 when something would change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::with_markdown(), default_value = "table", value_name = "FORM")]
    pub output: Format,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    planning: PlanningArgs,
}

pub(super) fn run(app: &App, args: &PlanArgs) -> Result<Exit, Failure> {
    let project = app.project()?;
    let desired = place::place(
        &project,
        &args
            .selection
            .selection(app, &args.models, args.planning.prune),
    )?;
    let (made, _) =
        app.block_on(async |interrupt| make(app, &desired, &args.planning, &interrupt).await)?;
    let saved = match &args.out {
        Some(path) => save(app, &made, path, args.planning.skip_unreachable)?,
        None => true,
    };
    show(app, &made);
    Ok(match exit(&made, args.detailed_exitcode) {
        Exit::Policy => Exit::Policy,
        exit if saved => exit,
        _ => Exit::Error,
    })
}

/// Opens and reads the selected clusters, and plans.
pub(super) async fn make(
    app: &App,
    desired: &Desired<'_>,
    args: &PlanningArgs,
    interrupt: &Interrupt,
) -> Result<(Made, Targets), Failure> {
    let connector = app.connector(desired.project, args.cluster_timeout);
    let previews = inventory::Options {
        force_conflicts: args.force_conflicts,
    };
    let (targets, inventory) = read(app, desired, &connector, previews, interrupt).await?;
    let rates = rates(app, desired.project, has_rules(desired.project))?;
    let basis = Basis {
        options: options(args),
        now: app.host.now(),
        rates: rates.as_ref(),
    };
    let made = plan::make(desired, &inventory, &basis);
    Ok((made, targets))
}

/// Whether the manifest has a rule that can't be kept without prices.
fn has_rules(project: &Project) -> bool {
    let on_age = project.price_policy.as_ref();
    project.budget.is_some() || on_age.is_some_and(|rule| rule.on_stale == Reaction::Refuse)
}

/// Returns what nodes cost, where the manifest has any. Where no rule needs it, prices that can't be read only leave a
/// gap in the plan.
pub(super) fn rates(
    app: &App,
    project: &Project,
    is_needed: bool,
) -> Result<Option<Rates>, Failure> {
    if !project.has_costs() {
        return Ok(None);
    }
    match app.rates(project) {
        Err(failure) if !is_needed => {
            for problem in failure.problems {
                app.report.warn(problem);
            }
            Ok(None)
        }
        rates => rates.map(Some),
    }
}

/// Opens and reads the selected clusters.
pub(super) async fn read(
    app: &App,
    desired: &Desired<'_>,
    connector: &Connector,
    previews: inventory::Options,
    interrupt: &Interrupt,
) -> Result<(Targets, Inventory), Failure> {
    let clusters = || desired.clusters.iter().map(|wanted| wanted.cluster);
    let words = format!("reads {}", text::count(clusters().count(), "cluster"));
    let work = async {
        let targets = inventory::open(connector, clusters()).await;
        let inventory = inventory::observe(desired, &targets, connector, previews).await;
        (targets, inventory)
    };
    app.look(interrupt, &words, work).await
}

pub(super) fn options(args: &PlanningArgs) -> plan::Options {
    plan::Options {
        force_conflicts: args.force_conflicts,
        take_over: args.take_over,
        accept_cluster: args.accept_cluster,
    }
}

/// Shows a plan and what is in its way.
pub(super) fn show(app: &App, made: &Made) {
    let report = &app.report;
    report.answer(&contract::Plan::from(made), || match report.format {
        Format::Markdown => plan_markdown(made),
        Format::Name => plan_names(&made.plan),
        format => plan_text(made, format == Format::Wide, &report.out),
    });
    if report.format.is_for_people() {
        report.problems(&made.refusals);
        report.problems(&made.unreadable);
        report.problems(&made.denied);
    }
}

/// Saves the plan, unless something is in its way; says whether it is saved.
fn save(app: &App, made: &Made, path: &Path, skip_unreachable: bool) -> Result<bool, Failure> {
    if super::carry::check_obstacles(made, skip_unreachable).is_err() {
        app.report
            .say("not saved: the plan can't be carried out as it is");
        return Ok(false);
    }
    let path = app.host.directory.join(path);
    plan::save(&made.plan, &path)?;
    app.report.talk(&format!(
        "saved; carry it out with: mcai apply {}",
        path.display()
    ));
    Ok(true)
}

pub(super) fn exit(made: &Made, detailed: bool) -> Exit {
    let changes = |plan: &Plan| detailed && plan.changes_something();
    if !made.refusals.is_empty() {
        Failure::of(made.refusals.clone()).exit
    } else if !made.unreadable.is_empty() {
        Exit::Unread
    } else if changes(&made.plan) {
        Exit::Changes
    } else {
        Exit::Reached
    }
}
