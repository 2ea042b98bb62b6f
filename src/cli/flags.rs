//! Flags that several commands share.

use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use super::forms;
use super::names;
use crate::app::App;
use crate::cloud::Cloud;
use crate::place::Selection;
use crate::report::Format;
use crate::rollout;
use crate::text::parse_duration;

/// Which clusters of the placement are touched
#[derive(Args)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Touch only clusters of these clouds
    #[arg(long, value_delimiter = ',', value_name = "CLOUD", add = ArgValueCandidates::new(names::clouds))]
    pub clouds: Option<Vec<Cloud>>,
    /// Touch only these clusters
    #[arg(long, value_delimiter = ',', value_name = "CLUSTER", add = ArgValueCandidates::new(names::clusters))]
    pub clusters: Option<Vec<String>>,
    /// Touch only clusters of these stages [env: MCAI_STAGE]
    #[arg(long = "stage", value_delimiter = ',', value_name = "STAGE", add = ArgValueCandidates::new(names::stages))]
    stages: Option<Vec<String>>,
    /// Leave these clusters alone
    #[arg(long, value_delimiter = ',', value_name = "CLUSTER", add = ArgValueCandidates::new(names::clusters))]
    pub exclude: Vec<String>,
    /// Touch only clusters with these labels
    #[arg(short = 'l', long = "label", value_delimiter = ',', value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl SelectionArgs {
    pub(super) fn selection(&self, app: &App, models: &[String], prune: bool) -> Selection {
        let named = || {
            let stages = app.host.var("MCAI_STAGE")?.split(',');
            Some(stages.map(str::to_owned).collect())
        };
        Selection {
            models: models.to_vec(),
            clouds: self.clouds.clone(),
            clusters: self.clusters.clone(),
            stages: self.stages.clone().or_else(named),
            exclude: self.exclude.clone(),
            labels: self.labels.iter().cloned().collect(),
            prune,
        }
    }
}

/// How the plan is made
#[derive(Args)]
#[command(next_help_heading = "Plan")]
pub(super) struct PlanningArgs {
    /// Also delete what is mcai's on the selected clusters and gone from the manifest
    #[arg(long)]
    pub prune: bool,
    /// Take over fields that other managers set
    #[arg(long)]
    pub force_conflicts: bool,
    /// Change objects that Argo CD, Flux, Helm or another project keeps
    #[arg(long)]
    pub take_over: bool,
    /// Write to a cluster that is marked as another one, or lies in another region
    #[arg(long)]
    pub accept_cluster: bool,
    /// Go on without clusters that can't be read
    #[arg(long)]
    pub skip_unreachable: bool,
    /// Time for reading one cluster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub cluster_timeout: Duration,
}

/// How a plan is carried out
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct RolloutArgs {
    /// Don't ask
    #[arg(short, long, visible_alias = "auto-approve")]
    pub yes: bool,
    /// Wait until models are ready, or only until they are applied
    #[arg(long, value_enum, default_value = "ready", value_name = "UNTIL")]
    pub wait: WaitUntil,
    /// Time for the whole run
    #[arg(long, value_name = "TIME", default_value = "60m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// What a failed cluster means for clusters that are not begun
    #[arg(long, value_enum, default_value = "stop", value_name = "WHAT")]
    pub on_failure: OnFailure,
    /// Clusters at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parallelism)]
    pub parallelism: usize,
    /// Exit with 2 when something was changed
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

fn parallelism(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a number above 0".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WaitUntil {
    Ready,
    Applied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnFailure {
    Stop,
    Continue,
}

impl RolloutArgs {
    pub(super) fn options(&self, cluster_timeout: Duration, recheck: bool) -> rollout::Options {
        rollout::Options {
            wait: match self.wait {
                WaitUntil::Ready => rollout::Wait::Ready,
                WaitUntil::Applied => rollout::Wait::Applied,
            },
            on_failure: match self.on_failure {
                OnFailure::Stop => rollout::OnFailure::Stop,
                OnFailure::Continue => rollout::OnFailure::Continue,
            },
            parallelism: self.parallelism,
            timeout: self.timeout,
            cluster_timeout,
            recheck,
        }
    }
}
