//! What a plan does to the cost of the fleet, as programs read it.

use schemars::JsonSchema;
use serde::Serialize;

use super::estimate::Total;
use super::words;
use crate::{plan, price};

words! {
    /// At how many replicas of each model.
    At for price::At {
        /// as many as always run
        Min,
        /// as many as the autoscaler may start
        Max,
    }
}

/// What a plan does to the cost of the fleet.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanCost<'a> {
    pub at: At,
    /// Clusters where replicas or their cost change, by name.
    pub clusters: Vec<ClusterCost<'a>>,
    /// The whole fleet as it is; clusters that were not read count as the manifest declares them.
    pub before: Total<'a>,
    /// The same with the plan carried out. `whole.high` is what a budget is held against.
    pub after: Total<'a>,
    /// What must be known to judge the sums, in words.
    pub notes: &'a [String],
}

impl<'a> From<&'a plan::CostChange> for PlanCost<'a> {
    fn from(change: &'a plan::CostChange) -> Self {
        PlanCost {
            at: change.at.into(),
            clusters: change.clusters.iter().map(ClusterCost::from).collect(),
            before: (&change.before).into(),
            after: (&change.after).into(),
            notes: &change.notes,
        }
    }
}

/// What a plan does to the cost of one cluster.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClusterCost<'a> {
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// Models of which there will be more or fewer replicas, by name.
    pub models: Vec<ReplicaChange<'a>>,
    /// This cluster as it is.
    pub before: Total<'a>,
    /// This cluster with the plan carried out.
    pub after: Total<'a>,
}

impl<'a> From<&'a plan::ClusterCost> for ClusterCost<'a> {
    fn from(change: &'a plan::ClusterCost) -> Self {
        ClusterCost {
            cluster: change.cluster.as_str(),
            models: change.models.iter().map(ReplicaChange::from).collect(),
            before: (&change.before).into(),
            after: (&change.after).into(),
        }
    }
}

/// How many replicas a model has; a number is missing where there is no limit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReplicaChange<'a> {
    /// The name of the Model.
    pub model: &'a str,
    /// As it is; 0 where the model is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// With the plan carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

impl<'a> From<&'a plan::ReplicaChange> for ReplicaChange<'a> {
    fn from(change: &'a plan::ReplicaChange) -> Self {
        ReplicaChange {
            model: &change.model,
            before: change.before,
            after: change.after,
        }
    }
}
