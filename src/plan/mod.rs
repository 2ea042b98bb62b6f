//! What would change on every cluster. Pure: the same input gives the same plan; everything is decided here, nothing in
//! `rollout`.

mod cost;
mod diff;
mod judge;
mod make;
mod owner;
mod saved;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::place::Note;
use crate::value::{ClusterName, ModelName, Namespace, ProjectId, ProjectName};

pub use cost::{ClusterCost, CostChange, ReplicaChange};
pub use diff::{Change, changes, shapes_pods};
pub use make::{Basis, Made, Options, delete, make, recheck, target_of};
pub use owner::{Owner, owner};
pub use saved::{load, save};

/// The difference between what clusters have and what they should have, with all that carrying it out needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub project: ProjectName,
    pub id: ProjectId,
    pub namespace: Namespace,
    pub made_at: Timestamp,
    /// Whether fields of other managers are taken over.
    pub force_conflicts: bool,
    /// By name.
    pub clusters: Vec<ClusterPlan>,
    /// Why models are not on clusters that were selected.
    pub notes: Vec<Note>,
    /// What it does to the cost of the fleet, where the manifest says what nodes there are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<CostChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    pub cluster: ClusterName,
    /// `context NAME` or `directory PATH`, for people.
    pub target: String,
    pub live: bool,
    /// The cluster's identity when the plan was made: UID of `kube-system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whether the first write leaves the marker.
    pub mark: bool,
    /// In order; deletes last.
    pub actions: Vec<Action>,
    /// Residency of the cluster: whether its region was only declared, or seen on its nodes.
    pub residency: Residency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Residency {
    Declared,
    Verified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    Create,
    Update,
    /// An update of an object that somebody made by hand; mcai owns it from then on.
    Adopt,
    Keep,
    Delete,
}

impl Verb {
    pub fn sign(self) -> char {
        match self {
            Verb::Create => '+',
            Verb::Update | Verb::Adopt => '~',
            Verb::Keep => '=',
            Verb::Delete => '-',
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Adopt => "adopt",
            Verb::Keep => "keep",
            Verb::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    pub verb: Verb,
    pub model: ModelName,
    /// What is sent; nothing for a delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    pub changes: Vec<Change>,
    /// UID of the live object, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whether KubeAI replaces the model's pods.
    pub shapes_pods: bool,
    /// `pod-hash` labels of the pods before the change.
    pub hashes_before: Vec<String>,
    /// Whether the server said that it would take it.
    pub verified: bool,
    /// A digest of the object's UID and of every change: what must be the same when it is carried out.
    pub fingerprint: String,
}

impl Action {
    pub fn changes_something(&self) -> bool {
        self.verb != Verb::Keep
    }
}

impl ClusterPlan {
    pub fn changes_something(&self) -> bool {
        self.actions.iter().any(Action::changes_something)
    }
}

impl Plan {
    pub fn actions(&self) -> impl Iterator<Item = (&ClusterPlan, &Action)> {
        self.clusters
            .iter()
            .flat_map(|cluster| cluster.actions.iter().map(move |action| (cluster, action)))
    }

    pub fn changes_something(&self) -> bool {
        self.changing_clusters() > 0
    }

    /// Returns how many clusters are changed.
    pub fn changing_clusters(&self) -> usize {
        self.clusters
            .iter()
            .filter(|cluster| cluster.changes_something())
            .count()
    }

    pub fn count(&self, verb: Verb) -> usize {
        self.actions()
            .filter(|(_, action)| action.verb == verb)
            .count()
    }
}
