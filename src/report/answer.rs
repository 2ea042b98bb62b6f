//! Answers for programs: one JSON document each, with `apiVersion` and `kind`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::Problem;
use crate::kubeai::verdict::Verdict;
use crate::place::Note;
use crate::plan::{Change, Plan, Residency, Verb};
use crate::rollout::{Ended, Outcome};
use crate::value::{ClusterName, ModelName};

/// Changes when a field changes its meaning or goes.
pub const API_VERSION: &str = "mcai/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

/// Returns an answer in its envelope.
pub fn answer<T: Serialize>(kind: &'static str, body: &T) -> impl Serialize {
    Envelope {
        api_version: API_VERSION,
        kind,
        body,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailureAnswer<'a> {
    pub exit_code: i32,
    pub problems: &'a [Problem],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer<'a> {
    pub valid: bool,
    pub clusters: usize,
    pub models: usize,
    pub findings: &'a [Problem],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanAnswer<'a> {
    pub changes: bool,
    pub clusters: Vec<ClusterAnswer<'a>>,
    pub notes: &'a [Note],
    /// Why the plan can't be carried out as it is.
    pub problems: Vec<&'a Problem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterAnswer<'a> {
    pub cluster: &'a ClusterName,
    pub target: &'a str,
    pub residency: Residency,
    pub actions: Vec<ActionAnswer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionAnswer<'a> {
    pub action: Verb,
    pub model: &'a ModelName,
    pub changes: &'a [Change],
    /// What is sent, where the model is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<&'a Value>,
    pub replaces_pods: bool,
    pub verified: bool,
}

impl<'a> PlanAnswer<'a> {
    pub fn new(plan: &'a Plan, problems: impl IntoIterator<Item = &'a Problem>) -> Self {
        let action = |action: &'a crate::plan::Action| ActionAnswer {
            action: action.verb,
            model: &action.model,
            changes: &action.changes,
            object: action
                .object
                .as_ref()
                .filter(|_| action.verb == Verb::Create),
            replaces_pods: action.shapes_pods,
            verified: action.verified,
        };
        let cluster = |cluster: &'a crate::plan::ClusterPlan| ClusterAnswer {
            cluster: &cluster.cluster,
            target: &cluster.target,
            residency: cluster.residency,
            actions: cluster.actions.iter().map(action).collect(),
        };
        PlanAnswer {
            changes: plan.changes_something(),
            clusters: plan.clusters.iter().map(cluster).collect(),
            notes: &plan.notes,
            problems: problems.into_iter().collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployAnswer<'a> {
    pub plan: PlanAnswer<'a>,
    pub clusters: BTreeMap<&'a ClusterName, ClusterEnd<'a>>,
    pub interrupted: bool,
    pub exit_code: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterEnd<'a> {
    pub ended: Ended,
    pub changed: bool,
    pub models: &'a BTreeMap<ModelName, Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a Problem>,
}

impl<'a> DeployAnswer<'a> {
    pub fn new(plan: PlanAnswer<'a>, outcome: &'a Outcome, exit_code: i32) -> Self {
        let clusters = outcome.clusters.iter().map(|(name, cluster)| {
            let problem = cluster.problem.as_ref();
            (
                name,
                ClusterEnd {
                    ended: cluster.ended,
                    changed: cluster.changed,
                    models: &cluster.verdicts,
                    problem,
                },
            )
        });
        DeployAnswer {
            plan,
            clusters: clusters.collect(),
            interrupted: outcome.interrupted,
            exit_code,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer<'a> {
    pub models: &'a [StatusRow],
    /// Clusters that could not be read, and why.
    pub problems: &'a [Problem],
}

/// One model on one cluster.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow {
    pub model: String,
    pub cluster: ClusterName,
    pub cloud: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub target: String,
    /// Whether the object is this project's.
    pub owned: bool,
    #[serde(flatten)]
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}
