//! `mcai delete`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::carry::{Carry, refuse_unanswerable};
use super::flags::{RolloutArgs, SelectionArgs};
use super::names;
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::inventory;
use crate::place::{self, Desired, DesiredCluster};
use crate::plan;
use crate::text::parse_duration;
use crate::value::ModelName;

/// Delete a model from the clusters, where it is mcai's
///
/// The manifest stays as it is: the next deploy would bring the model back.
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai delete llama-3-8b
  mcai delete llama-3-8b --clouds azure --yes")]
pub(super) struct DeleteArgs {
    /// The model, whether or not the manifest has it
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    model: ModelName,
    /// Go on without clusters that can't be read
    #[arg(long)]
    skip_unreachable: bool,
    /// Delete from a cluster that is marked as another one, or lies in another region
    #[arg(long)]
    accept_cluster: bool,
    /// Time for reading one cluster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    cluster_timeout: Duration,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub rollout: RolloutArgs,
}

pub(super) fn run(app: &App, args: &DeleteArgs) -> Result<Exit, Failure> {
    refuse_unanswerable(app, &args.rollout, "")?;
    let project = app.project()?;
    let clusters = place::selected_clusters(&project, &args.selection.selection(app, &[], false))?;
    let nothing = |cluster| DesiredCluster {
        cluster,
        objects: Vec::new(),
        withdrawn: Vec::new(),
    };
    let desired = Desired {
        project: &project,
        clusters: clusters.iter().map(|cluster| nothing(*cluster)).collect(),
        notes: Vec::new(),
        prune: false,
    };
    app.block_on(async |interrupt| {
        let connector = app.connector(&project, args.cluster_timeout);
        let previews = inventory::Options::default();
        let (targets, inventory) =
            super::plan::read(app, &desired, &connector, previews, &interrupt).await?;
        let options = plan::Options {
            accept_cluster: args.accept_cluster,
            ..plan::Options::default()
        };
        let rates = super::plan::rates(app, &project, false)?;
        let basis = plan::Basis {
            options,
            now: app.host.now(),
            rates: rates.as_ref(),
        };
        let made = plan::delete(&project, &clusters, &args.model, &inventory, &basis);
        if !made.plan.changes_something() && made.refusals.is_empty() && made.unreadable.is_empty()
        {
            let problem = Problem::error(Kind::NotFound, "nothing to delete")
                .detail(format!("no selected cluster has model `{}`", args.model));
            let problem = match project.models.contains_key(&args.model) {
                true => problem,
                false => problem.suggest_or_list(
                    args.model.as_str(),
                    project.models.keys().map(ModelName::as_str),
                ),
            };
            return Err(problem.into());
        }
        let rollout = args.rollout.options(args.cluster_timeout, false);
        Carry {
            app,
            project: &project,
            args: &args.rollout,
            options: rollout,
            skip_unreachable: args.skip_unreachable,
            question: "Delete from",
        }
        .out(made, &targets, interrupt)
        .await
    })
}
