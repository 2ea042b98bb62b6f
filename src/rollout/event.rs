//! What a rollout tells while it runs, and how it ended: values, not sentences.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Problem;
use crate::kubeai::verdict::Verdict;
use crate::plan::Verb;
use crate::value::{ClusterName, ModelName};

#[derive(Clone, Debug)]
pub enum Event {
    /// The cluster has the objects.
    Applied {
        cluster: ClusterName,
        models: Vec<ModelName>,
        elapsed: Duration,
    },
    /// A file of a directory target was written or deleted.
    Written {
        cluster: ClusterName,
        model: ModelName,
        path: String,
        verb: Verb,
    },
    /// A model stands otherwise than at the last look.
    Progress {
        cluster: ClusterName,
        model: ModelName,
        verdict: Verdict,
        elapsed: Duration,
    },
    /// A look failed; the next one may not.
    Unreadable {
        cluster: ClusterName,
        problem: Problem,
    },
    Deleted {
        cluster: ClusterName,
        model: ModelName,
    },
    /// The marker could not be left; the deploy goes on.
    NotMarked {
        cluster: ClusterName,
        problem: Problem,
    },
    /// Deletes wait for everything else to be ready, and it is not, or nobody has waited to know.
    DeletesSkipped { cluster: ClusterName, waited: bool },
    /// The cluster was left alone.
    NotBegun { cluster: ClusterName },
    ClusterEnded {
        cluster: ClusterName,
        ended: Ended,
        changed: bool,
        models: BTreeMap<ModelName, Verdict>,
        problem: Option<Problem>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is as planned and, if waited for, ready.
    Reached,
    /// Applied, but not ready in time, or without capacity.
    NotReady,
    Failed,
    NotBegun,
    Interrupted,
}

#[derive(Clone, Debug)]
pub struct ClusterOutcome {
    pub ended: Ended,
    /// Whether anything was written.
    pub changed: bool,
    pub verdicts: BTreeMap<ModelName, Verdict>,
    pub problem: Option<Problem>,
}

impl ClusterOutcome {
    pub fn new(ended: Ended) -> Self {
        ClusterOutcome {
            ended,
            changed: false,
            verdicts: BTreeMap::new(),
            problem: None,
        }
    }

    pub fn failed(problem: Problem) -> Self {
        ClusterOutcome {
            problem: Some(problem),
            ..ClusterOutcome::new(Ended::Failed)
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub clusters: BTreeMap<ClusterName, ClusterOutcome>,
    pub interrupted: bool,
    /// Whether deletes of the plan were left out, as the rest was not known to be ready.
    pub deletes_skipped: bool,
    pub elapsed: Duration,
}

impl Outcome {
    pub fn changed(&self) -> usize {
        self.clusters
            .values()
            .filter(|cluster| cluster.changed)
            .count()
    }

    pub fn count(&self, ended: Ended) -> usize {
        self.clusters
            .values()
            .filter(|cluster| cluster.ended == ended)
            .count()
    }
}
