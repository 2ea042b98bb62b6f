//! A rollout as programs read it: events while it runs, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::model::Verdict;
use super::plan::{Plan, Verb};
use super::problem::Problem;
use super::{Document, words};
use crate::failure::Exit;
use crate::value::ModelName;
use crate::{kubeai, plan, rollout};

/// How a plan was carried out: the answer of `mcai deploy`, `apply` and `delete`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployResult<'a> {
    /// What was to be done.
    pub plan: Plan<'a>,
    /// How each cluster of the plan ended, by name.
    pub clusters: BTreeMap<&'a str, ClusterResult<'a>>,
    /// Whether a signal stopped the run.
    pub interrupted: bool,
    /// Seconds from the first write, or the first comparison with a plan that is carried out late.
    pub elapsed: f64,
    /// With which the program ends; docs/errors-and-exit-codes.md says what each means.
    pub exit_code: i32,
}

impl Document for DeployResult<'_> {
    const KIND: &'static str = "DeployResult";
}

impl<'a> DeployResult<'a> {
    pub fn new(made: &'a plan::Made, outcome: &'a rollout::Outcome, exit: Exit) -> Self {
        let clusters = outcome.clusters.iter();
        DeployResult {
            plan: made.into(),
            clusters: clusters
                .map(|(name, cluster)| (name.as_str(), cluster.into()))
                .collect(),
            interrupted: outcome.interrupted,
            elapsed: seconds(outcome.elapsed),
            exit_code: exit.code(),
        }
    }
}

/// How a cluster ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClusterResult<'a> {
    pub ended: Ended,
    /// Whether anything was written.
    pub changed: bool,
    /// How each model stood at the last look, by name.
    pub models: BTreeMap<&'a str, Verdict<'a>>,
    /// What stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem<'a>>,
}

impl<'a> From<&'a rollout::ClusterOutcome> for ClusterResult<'a> {
    fn from(cluster: &'a rollout::ClusterOutcome) -> Self {
        ClusterResult {
            ended: cluster.ended.into(),
            changed: cluster.changed,
            models: verdicts(&cluster.verdicts),
            problem: cluster.problem.as_ref().map(Problem::from),
        }
    }
}

fn verdicts(models: &BTreeMap<ModelName, kubeai::verdict::Verdict>) -> BTreeMap<&str, Verdict<'_>> {
    let pairs = models.iter();
    pairs
        .map(|(name, verdict)| (name.as_str(), verdict.into()))
        .collect()
}

words! {
    /// How a cluster ended.
    Ended for rollout::Ended {
        /// all is as planned and, if waited for, ready
        Reached,
        /// applied, but not ready in time, or without capacity
        NotReady,
        /// `problem` says why
        Failed,
        /// left alone: the run stopped before its turn
        NotBegun,
        /// the run was stopped while it was waited for
        Interrupted,
    }
}

/// One thing that happened in a rollout: a line of `-o jsonl` before the answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Event<'a> {
    /// When mcai noticed.
    pub time: Timestamp,
    /// The manifest's name of the cluster where it happened.
    pub cluster: &'a str,
    #[serde(flatten)]
    pub happened: Happened<'a>,
}

impl Document for Event<'_> {
    const KIND: &'static str = "Event";
}

/// What happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Happened<'a> {
    /// The cluster has the objects.
    Applied {
        /// The models that were applied.
        models: Vec<&'a str>,
        /// Seconds since mcai began with the cluster, to the millisecond.
        elapsed: f64,
    },
    /// A file of a directory was written, or deleted where `verb` is `delete`.
    Written {
        /// The name of the Model in the file.
        model: &'a str,
        /// Relative to the manifest's folder.
        path: &'a str,
        verb: Verb,
    },
    /// A model stands otherwise than at the last look.
    Progress {
        /// The name of the Model.
        model: &'a str,
        verdict: Verdict<'a>,
        /// Seconds since mcai began with the cluster, to the millisecond.
        elapsed: f64,
    },
    /// A look at the cluster failed; the next one may not.
    Unreadable { problem: Problem<'a> },
    /// The model is gone from the cluster.
    Deleted {
        /// The name of the Model.
        model: &'a str,
    },
    /// The marker, by which mcai knows the cluster again, could not be left; the rollout goes on.
    NotMarked { problem: Problem<'a> },
    /// Deletes wait until everything else is ready, and were left out as it was not.
    DeletesSkipped {
        /// Whether it was waited for; without that nobody knows.
        waited: bool,
    },
    /// The cluster was left alone: the run stopped before its turn.
    NotBegun {},
    /// Nothing more happens on the cluster.
    ClusterEnded(ClusterResult<'a>),
}

impl<'a> Event<'a> {
    pub fn new(event: &'a rollout::Event, time: Timestamp) -> Self {
        use rollout::Event as Told;
        let (cluster, happened) = match event {
            Told::Applied {
                cluster,
                models,
                elapsed,
            } => {
                let models = models.iter().map(ModelName::as_str).collect();
                let elapsed = seconds(*elapsed);
                (cluster, Happened::Applied { models, elapsed })
            }
            Told::Written {
                cluster,
                model,
                path,
                verb,
            } => {
                let (model, verb) = (model.as_str(), (*verb).into());
                (cluster, Happened::Written { model, path, verb })
            }
            Told::Progress {
                cluster,
                model,
                verdict,
                elapsed,
            } => {
                let progress = Happened::Progress {
                    model: model.as_str(),
                    verdict: verdict.into(),
                    elapsed: seconds(*elapsed),
                };
                (cluster, progress)
            }
            Told::Unreadable { cluster, problem } => {
                let problem = problem.into();
                (cluster, Happened::Unreadable { problem })
            }
            Told::Deleted { cluster, model } => {
                let model = model.as_str();
                (cluster, Happened::Deleted { model })
            }
            Told::NotMarked { cluster, problem } => {
                let problem = problem.into();
                (cluster, Happened::NotMarked { problem })
            }
            Told::DeletesSkipped { cluster, waited } => {
                (cluster, Happened::DeletesSkipped { waited: *waited })
            }
            Told::NotBegun { cluster } => (cluster, Happened::NotBegun {}),
            Told::ClusterEnded {
                cluster,
                ended,
                changed,
                models,
                problem,
            } => {
                let result = ClusterResult {
                    ended: (*ended).into(),
                    changed: *changed,
                    models: verdicts(models),
                    problem: problem.as_ref().map(Problem::from),
                };
                (cluster, Happened::ClusterEnded(result))
            }
        };
        Event {
            time,
            cluster: cluster.as_str(),
            happened,
        }
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
