//! A plan as programs read it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::plan_cost::PlanCost;
use super::problem::{Problem, problems};
use super::{Document, words};
use crate::{place, plan};

/// What would change on every cluster: the answer of `mcai plan`, and of `mcai deploy --dry-run=server`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Plan<'a> {
    /// Whether any action changes something.
    pub changes: bool,
    /// By name; clusters that could not be read are missing, and `problems` says why.
    pub clusters: Vec<ClusterPlan<'a>>,
    /// Why models are not on clusters that were selected.
    pub notes: Vec<Note<'a>>,
    /// What it does to the cost of the fleet; missing where the manifest has neither GPU pools nor a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<PlanCost<'a>>,
    /// Why the plan can't be carried out as it is.
    pub problems: Vec<Problem<'a>>,
}

impl Document for Plan<'_> {
    const KIND: &'static str = "Plan";
}

impl<'a> From<&'a plan::Made> for Plan<'a> {
    fn from(made: &'a plan::Made) -> Self {
        let plan = &made.plan;
        Plan {
            changes: plan.changes_something(),
            clusters: plan.clusters.iter().map(ClusterPlan::from).collect(),
            notes: plan.notes.iter().map(Note::from).collect(),
            cost: plan.cost.as_ref().map(PlanCost::from),
            problems: problems(made.obstacles()),
        }
    }
}

/// What would change on one cluster.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClusterPlan<'a> {
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// Where objects go: `context NAME` or `directory PATH`.
    pub target: &'a str,
    pub residency: Residency,
    /// In the order in which they are carried out; deletes last.
    pub actions: Vec<Action<'a>>,
}

impl<'a> From<&'a plan::ClusterPlan> for ClusterPlan<'a> {
    fn from(cluster: &'a plan::ClusterPlan) -> Self {
        ClusterPlan {
            cluster: cluster.cluster.as_str(),
            target: &cluster.target,
            residency: cluster.residency.into(),
            actions: cluster.actions.iter().map(Action::from).collect(),
        }
    }
}

words! {
    /// How it is known in which region the cluster lies.
    Residency for plan::Residency {
        /// the manifest says so
        Declared,
        /// all of the cluster's nodes say so, too
        Verified,
    }
}

/// What is done with one object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action<'a> {
    pub action: Verb,
    /// The name of the Model.
    pub model: &'a str,
    /// Field by field; empty for `create` and `delete`.
    pub changes: Vec<Change<'a>>,
    /// The Model (`kubeai.org/v1`) as it is sent; only for `create`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub object: Option<&'a Value>,
    /// Whether KubeAI replaces the model's pods.
    pub replaces_pods: bool,
    /// Whether the API server said in a dry run that it would take it; true for a directory and for `delete`.
    pub verified: bool,
}

impl<'a> From<&'a plan::Action> for Action<'a> {
    fn from(action: &'a plan::Action) -> Self {
        let is_new = action.verb == plan::Verb::Create;
        Action {
            action: action.verb.into(),
            model: action.model.as_str(),
            changes: action.changes.iter().map(Change::from).collect(),
            object: action.object.as_ref().filter(|_| is_new),
            replaces_pods: action.shapes_pods,
            verified: action.verified,
        }
    }
}

words! {
    /// What the plan does with an object.
    Verb for plan::Verb {
        /// the object is not there yet
        Create,
        /// the object is there and differs
        Update,
        /// an object that nobody keeps becomes this project's
        Adopt,
        /// the object is as wanted; nothing is written
        Keep,
        /// the object is this project's and no longer wanted there
        Delete,
    }
}

/// One field that changes; `old` or `new` is missing where the field is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Change<'a> {
    /// Such as `spec.args[2]` or `metadata.labels["app.kubernetes.io/instance"]`.
    pub path: &'a str,
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<&'a Value>,
    /// The value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<&'a Value>,
}

impl<'a> From<&'a plan::Change> for Change<'a> {
    fn from(change: &'a plan::Change) -> Self {
        Change {
            path: &change.path,
            old: change.old.as_ref(),
            new: change.new.as_ref(),
        }
    }
}

/// A model that is not on a selected cluster, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Note<'a> {
    /// The manifest's name of the model.
    pub model: &'a str,
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// The key of the manifest that excludes it, and how.
    pub reason: &'a str,
}

impl<'a> From<&'a place::Note> for Note<'a> {
    fn from(note: &'a place::Note) -> Self {
        Note {
            model: note.model.as_str(),
            cluster: note.cluster.as_str(),
            reason: &note.reason,
        }
    }
}
