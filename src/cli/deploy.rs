//! `mcai deploy`: plan, question, rollout.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use super::carry::{Carry, refuse_unanswerable};
use super::flags::{PlanningArgs, RolloutArgs, SelectionArgs};
use super::{forms, names, plan};
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::place::{self, Desired};
use crate::report::{self, Format, contract};

/// Bring models to every cluster that should have them, and wait until they are ready
///
/// Shows the plan, asks, and carries out exactly that.
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai deploy                               all models, everywhere they belong, until they are ready
  mcai deploy llama-3-8b --clouds aws,gcp   one model, on some of its clusters
  mcai deploy --wait=applied --yes          in CI: no question, no waiting for GPUs
  mcai deploy --dry-run=server              the plan alone", mut_arg("output", |output| output.value_parser(forms::with_markdown())))]
pub(super) struct DeployArgs {
    /// Models; all of the manifest's if none is named
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    models: Vec<String>,
    /// Stop after the plan: `client` uses no network and shows what would be sent, `server` asks the clusters
    #[arg(long, value_enum, num_args = 0..=1, default_value = "none", default_missing_value = "client", require_equals = true, value_name = "WHERE")]
    dry_run: DryRun,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    pub rollout: RolloutArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    None,
    Client,
    Server,
}

pub(super) fn run(app: &App, args: &DeployArgs) -> Result<Exit, Failure> {
    refuse_markdown_of_no_plan(args)?;
    if args.dry_run == DryRun::None {
        refuse_unanswerable(app, &args.rollout, ", or `--dry-run=server` to see it")?;
    }
    let project = app.project()?;
    let desired = place::place(
        &project,
        &args
            .selection
            .selection(app, &args.models, args.planning.prune),
    )?;
    if args.dry_run == DryRun::Client {
        return Ok(show_desired(app, &desired));
    }
    app.block_on(async |interrupt| {
        let (made, targets) = plan::make(app, &desired, &args.planning, &interrupt).await?;
        if args.dry_run == DryRun::Server {
            plan::show(app, &made);
            return Ok(plan::exit(&made, args.rollout.detailed_exitcode));
        }
        let options = args.rollout.options(args.planning.cluster_timeout, false);
        Carry {
            app,
            project: &project,
            args: &args.rollout,
            options,
            skip_unreachable: args.planning.skip_unreachable,
            question: "Deploy to",
        }
        .out(made, &targets, interrupt)
        .await
    })
}

/// Only a plan has Markdown; clap can't say that of two flags' values.
fn refuse_markdown_of_no_plan(args: &DeployArgs) -> Result<(), Failure> {
    if args.rollout.output != Format::Markdown || args.dry_run == DryRun::Server {
        return Ok(());
    }
    Err(Problem::error(Kind::Usage, "no such form of this answer")
        .detail(
            "only a plan has `-o markdown`: others have table, wide, json, yaml, name and jsonl",
        )
        .hint("give `--dry-run=server` to see the plan, or use `mcai plan`")
        .into())
}

/// Shows what would be sent, without any network.
fn show_desired(app: &App, desired: &Desired) -> Exit {
    let report = &app.report;
    let objects = || {
        desired
            .clusters
            .iter()
            .flat_map(|wanted| wanted.objects.iter().map(move |object| (wanted, object)))
    };
    if matches!(report.format, Format::Table | Format::Wide) {
        report.talk(
            "client dry run: no cluster was asked; `--dry-run=server` compares with the clusters",
        );
    }
    report.answer(&contract::DryRun::from(desired), || {
        if report.format == Format::Name {
            let pairs = objects().map(|(wanted, object)| (&wanted.cluster.name, &object.model));
            return report::names(pairs);
        }
        let documents = objects().map(|(wanted, object)| {
            let object = crate::yaml::to_string(&object.object);
            format!("---\n# {}\n{object}", wanted.cluster.name)
        });
        documents.collect()
    });
    Exit::Reached
}
