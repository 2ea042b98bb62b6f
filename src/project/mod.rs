//! The user's intention, checked. A [`Project`] exists only if it is valid: nothing later checks names again.

mod check;
mod money;
mod pool;
mod select;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cloud::{Cloud, country::Country};
use crate::diagnostic::{Problem, Span};
use crate::gpu::Gpu;
use crate::kubeai::Version;
use crate::kubeai::render::Identity;
use crate::price::{AgeRule, Budget, Reaction, Terms};
use crate::value::{ClusterName, ModelName, Namespace, Sourced};
use crate::yaml::Node;

pub use check::check;
pub use pool::Pool;
pub use select::{Exclusion, Residency, Selector};

#[derive(Debug)]
pub struct Project {
    pub identity: Identity,
    pub namespace: Namespace,
    pub clusters: BTreeMap<ClusterName, Cluster>,
    pub models: BTreeMap<ModelName, Model>,
    /// What the user pays otherwise than the price lists say.
    pub terms: Terms,
    /// `prices.catalog`: the refreshed prices that are the project's own.
    pub catalog: Option<Sourced<PathBuf>>,
    /// `policy.budget`: what the fleet may cost.
    pub budget: Option<Budget>,
    /// `policy.prices`: how old prices may be.
    pub price_policy: Option<AgeRule>,
    /// Where relative paths of the manifest start.
    pub root: PathBuf,
    /// Findings that leave the manifest valid.
    pub warnings: Vec<Problem>,
}

#[derive(Debug)]
pub struct Cluster {
    pub name: ClusterName,
    pub cloud: Cloud,
    pub region: Option<String>,
    pub country: &'static Country,
    pub stage: Option<String>,
    pub target: TargetSpec,
    pub endpoint: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub pools: Vec<Pool>,
    pub kubeai: Version,
}

/// Where a cluster's objects go, and where its state is read.
#[derive(Debug)]
pub struct TargetSpec {
    pub context: Option<Sourced<String>>,
    /// Absolute, inside the project.
    pub directory: Option<Sourced<PathBuf>>,
}

#[derive(Debug)]
pub struct Model {
    pub name: ModelName,
    spec: Node,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub placement: Selector,
    pub residency: Residency,
    overrides: Vec<Override>,
    pub throughput: Option<Throughput>,
    pub span: Span,
}

/// What one replica of a model was measured to do, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Throughput {
    /// Tokens per second that it reads.
    pub input: Option<f64>,
    /// Tokens per second that it writes.
    pub output: Option<f64>,
    /// The GPU kinds for which it holds, if not for all.
    pub gpus: Option<Vec<&'static Gpu>>,
    pub source: String,
}

#[derive(Debug)]
struct Override {
    selector: Selector,
    set: Node,
}

impl Project {
    /// Whether the manifest says anything by which its cost can be judged.
    pub fn has_costs(&self) -> bool {
        let has_pools = |cluster: &Cluster| !cluster.pools.is_empty();
        self.budget.is_some() || self.clusters.values().any(has_pools)
    }
}

impl Model {
    /// Returns the spec with every override that applies to the cluster, in order; each leaf keeps its place in the text.
    pub fn effective_spec(&self, cluster: &Cluster) -> Node {
        let mut spec = self.spec.clone();
        for change in self
            .overrides
            .iter()
            .filter(|change| change.selector.admits(cluster))
        {
            spec.merge(&change.set);
        }
        spec
    }

    /// Says why the model is not placed on a cluster, if it is not.
    pub fn excluded_from(&self, cluster: &Cluster) -> Option<Exclusion> {
        self.placement
            .excludes(cluster)
            .or_else(|| self.residency.excludes(cluster))
    }
}

impl Project {
    /// Returns the rule by which old prices are refused, if there is one.
    pub fn refusing_age(&self) -> Option<&AgeRule> {
        let rule = self.price_policy.as_ref();
        rule.filter(|rule| rule.on_stale == Reaction::Refuse)
    }
}

impl Cluster {
    /// Returns the pools that carry a resource profile.
    pub fn pools_for<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a Pool> {
        self.pools
            .iter()
            .filter(move |pool| pool.profile.as_deref() == Some(profile))
    }
}
