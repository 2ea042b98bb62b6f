//! How a model stands on a cluster.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::kubeai::verdict;

words! {
    /// How a model stands on one cluster.
    State for verdict::State {
        /// as many replicas as wanted answer
        Ready,
        /// nothing runs and nothing is asked for; the first request starts a replica
        ScaledToZero,
        /// some of the wanted replicas answer
        Degraded,
        /// containers are being made or load the model
        Starting,
        /// a node is being added for it
        Provisioning,
        /// pods of the new kind wait for room that the old ones take
        Updating,
        /// no node has room, and nothing says that one is coming
        Waiting,
        /// nobody will bring a node
        NoCapacity,
        /// no node takes the pod: a taint, a selector
        Unschedulable,
        /// the image can't be had
        ImagePull,
        /// the container ends again and again
        Crash,
        /// the resource or cache profile is unknown on the cluster
        BadProfile,
        /// model files are being loaded into the cache
        CacheLoading,
        /// KubeAI does not act on the model
        NotPickedUp,
        /// the model is being deleted
        Deleting,
        /// the cluster does not have the model
        Absent,
        /// a file was written; no cluster is observed
        Written,
    }
}

/// Whether a model serves, and if not, why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verdict<'a> {
    pub state: State,
    /// Why it is not ready, in words.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    /// Replicas that answer.
    pub ready: u32,
    /// Replicas that are wanted.
    pub want: u32,
    /// Since when the reason holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The pod that the reason speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<&'a str>,
}

impl<'a> From<&'a verdict::Verdict> for Verdict<'a> {
    fn from(verdict: &'a verdict::Verdict) -> Self {
        Verdict {
            state: verdict.state.into(),
            reason: &verdict.reason,
            ready: verdict.ready,
            want: verdict.want,
            since: verdict.since,
            pod: verdict.pod.as_deref(),
        }
    }
}
