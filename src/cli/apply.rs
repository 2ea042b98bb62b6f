//! `mcai apply`: a saved plan, carried out.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::carry::{Carry, refuse_unanswerable};
use super::flags::RolloutArgs;
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::inventory;
use crate::plan::{self, Made};
use crate::rollout;
use crate::text::parse_duration;

/// Carry out a plan that `mcai plan --out FILE` saved, exactly as it was shown
///
/// Refused when what it would change has changed since.
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai plan --out today.plan
  mcai apply today.plan --yes")]
pub(super) struct ApplyArgs {
    /// The saved plan
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// Time for the writes of one cluster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    cluster_timeout: Duration,
    #[command(flatten)]
    pub rollout: RolloutArgs,
}

pub(super) fn run(app: &App, args: &ApplyArgs) -> Result<Exit, Failure> {
    let plan = plan::load(&app.host.directory.join(&args.plan))?;
    refuse_unanswerable(app, &args.rollout, "")?;
    let project = app.project()?;
    if plan.id != project.identity.id || plan.namespace != project.namespace {
        let detail = format!(
            "it is of project {} ({}), the manifest is of {} ({})",
            plan.project, plan.id, project.identity.project, project.identity.id
        );
        return Err(
            Problem::error(Kind::Stale, "the plan is for another project")
                .detail(detail)
                .into(),
        );
    }
    if let Some(gone) = plan
        .clusters
        .iter()
        .find(|planned| !project.clusters.contains_key(&planned.cluster))
    {
        let detail = format!("cluster `{}` is gone from the manifest", gone.cluster);
        return Err(Problem::error(Kind::Stale, "the plan is stale")
            .detail(detail)
            .hint("plan again")
            .into());
    }
    for planned in &plan.clusters {
        let now = project
            .clusters
            .get(&planned.cluster)
            .map(|cluster| plan::target_of(&project, cluster));
        let same_kind = now
            .as_ref()
            .is_some_and(|now| now.starts_with("context ") == planned.live);
        // Where the cluster's identity is known, it decides: names of contexts differ per person.
        let known = planned.live && planned.uid.is_some();
        if !same_kind || (!known && now.as_ref() != Some(&planned.target)) {
            let detail = format!(
                "cluster `{}` was planned for {}, the manifest says {}",
                planned.cluster,
                planned.target,
                now.unwrap_or_default()
            );
            return Err(Problem::error(Kind::Stale, "the plan is stale")
                .detail(detail)
                .hint("plan again")
                .into());
        }
    }
    app.block_on(async |interrupt| {
        let connector = app.connector(&project, args.cluster_timeout);
        let planned = plan.clusters.iter();
        let clusters = planned.filter_map(|planned| project.clusters.get(&planned.cluster));
        let check = async {
            let targets = inventory::open(&connector, clusters).await;
            let stale = rollout::check_identity(&plan, &targets, args.cluster_timeout).await;
            (targets, stale)
        };
        let words = "asks whether the plan still holds";
        let (targets, stale) = app.look(&interrupt, words, check).await?;
        if !stale.is_empty() {
            return Err(Failure::of(stale));
        }
        let options = args.rollout.options(args.cluster_timeout, true);
        let made = Made {
            plan,
            refusals: Vec::new(),
            unreadable: Vec::new(),
            denied: Vec::new(),
        };
        Carry {
            app,
            project: &project,
            args: &args.rollout,
            options,
            skip_unreachable: false,
            question: "Deploy to",
        }
        .out(made, &targets, interrupt)
        .await
    })
}
