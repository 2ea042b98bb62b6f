//! What a model's replicas take: how many there are, how many GPUs one needs, and which pools can give them.

use serde_json::Value;

use super::spread::dearest;
use super::{Amount, NodePrice, Range, Rates, Unknown};
use crate::kubeai::profile::{ProfileCount, shipped};
use crate::price::At;
use crate::project::{Cluster, Pool};
use crate::value::Usd;

/// How many replicas a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// As many as always run.
    pub min: u64,
    /// As many as the autoscaler may start; nothing where there is no limit.
    pub max: Option<u64>,
}

impl Replicas {
    /// Reads them in the spec of a Model.
    pub fn of(spec: &Value) -> Self {
        let number = |key: &str| spec.get(key).and_then(Value::as_u64);
        if spec.get("autoscalingDisabled").and_then(Value::as_bool) == Some(true) {
            let fixed = number("replicas").unwrap_or(0);
            return Replicas {
                min: fixed,
                max: Some(fixed),
            };
        }
        Replicas {
            min: number("minReplicas").unwrap_or(0),
            max: number("maxReplicas"),
        }
    }

    pub fn at(self, at: At) -> Option<u64> {
        match at {
            At::Min => Some(self.min),
            At::Max => self.max,
        }
    }
}

/// What a replica runs on.
#[derive(Clone, Debug, PartialEq)]
pub enum Takes<'p> {
    /// No GPU instance: the profile asks for no GPU.
    NoGpu,
    /// A node of any of these pools, in the order of the manifest; at least one.
    Ways(Vec<Way<'p>>),
}

/// One pool that can carry a model's replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Way<'p> {
    /// The pool's place in the list of its cluster.
    pub(super) at: usize,
    pub pool: &'p Pool,
    pub node: &'p NodePrice,
    /// GPUs of one replica.
    pub gpus: u32,
    pub gpus_per_node: u32,
}

impl Way<'_> {
    /// Returns the replicas' part of the machines' price.
    pub fn shared(&self, replicas: u64) -> Usd {
        let gpus = f64::from(self.gpus) * replicas as f64;
        self.node.usd.times(gpus / f64::from(self.gpus_per_node))
    }

    /// Returns the price of the machines that hold so many replicas.
    pub fn whole(&self, replicas: u64) -> Usd {
        self.node.usd.times(replicas.div_ceil(self.each()) as f64)
    }

    /// Returns how many replicas a machine holds.
    pub(super) fn each(&self) -> u64 {
        u64::from(self.gpus_per_node / self.gpus)
    }
}

impl Takes<'_> {
    /// Returns what so many replicas cost, if they have their machines to themselves.
    pub fn amount(&self, replicas: u64) -> Amount {
        let ways = self.ways();
        let cheapest = ways.iter().map(|way| way.whole(replicas)).min();
        Amount {
            shared: Range::over(ways.iter().map(|way| way.shared(replicas))),
            whole: Range {
                low: cheapest.unwrap_or_default(),
                high: dearest(ways, replicas),
            },
        }
    }

    /// Returns how many replicas the pools can hold at their largest; nothing where one of them may grow without end.
    pub fn held(&self) -> Option<u64> {
        let ways = self.ways().iter();
        let held = ways.map(|way| Some(u64::from(way.pool.max?) * way.each()));
        match self {
            Takes::NoGpu => None,
            Takes::Ways(_) => held.sum(),
        }
    }

    /// Returns how many replicas run when so many are wanted: those for which no pool has room wait, and cost nothing.
    /// Nothing where neither the model nor a pool has a limit.
    pub fn running(&self, wanted: Option<u64>) -> Option<u64> {
        match (wanted, self.held()) {
            (Some(wanted), Some(held)) => Some(wanted.min(held)),
            (wanted, held) => wanted.or(held),
        }
    }

    pub fn ways(&self) -> &[Way<'_>] {
        match self {
            Takes::NoGpu => &[],
            Takes::Ways(ways) => ways,
        }
    }
}

impl Rates {
    /// Returns what a replica with this spec takes on a cluster, or why that has no price.
    pub fn takes<'a>(&'a self, cluster: &'a Cluster, spec: &Value) -> Result<Takes<'a>, Unknown> {
        let profile = spec.get("resourceProfile").and_then(Value::as_str);
        let wanted = profile.and_then(|text| text.parse::<ProfileCount>().ok());
        let wanted = wanted.ok_or(Unknown::NoProfile)?;
        // Of a profile that KubeAI does not ship one unit is taken for one GPU: so are all shipped ones for GPUs.
        let each = shipped(&wanted.name).map_or(1, |profile| profile.gpus.unwrap_or(0));
        if each == 0 {
            return Ok(Takes::NoGpu);
        }
        let gpus = wanted.count.saturating_mul(each);
        let pools: Vec<_> = self.of(cluster, &wanted.name).collect();
        if pools.is_empty() {
            return Err(match cluster.pools.is_empty() {
                true => Unknown::NoPools,
                false => Unknown::NoPool(wanted.name),
            });
        }
        let ways: Result<Vec<_>, Unknown> = pools
            .into_iter()
            .map(|(at, pool, price)| way(at, pool, price, gpus))
            .collect();
        // On smaller nodes no replica ever runs.
        let ways: Vec<Way<'_>> = ways?.into_iter().flatten().collect();
        match ways.is_empty() {
            true => Err(Unknown::TooLarge(wanted.name)),
            false => Ok(Takes::Ways(ways)),
        }
    }
}

/// Returns a pool as a way to run replicas, unless its nodes are too small for one.
fn way<'a>(
    at: usize,
    pool: &'a Pool,
    price: &'a Result<NodePrice, Unknown>,
    gpus: u32,
) -> Result<Option<Way<'a>>, Unknown> {
    let gpus_per_node = pool.gpus_per_node.filter(|gpus| *gpus > 0);
    let gpus_per_node = gpus_per_node.ok_or_else(|| Unknown::NoCount(pool.name.clone()))?;
    if gpus > gpus_per_node {
        return Ok(None);
    }
    let node = price.as_ref().map_err(Clone::clone)?;
    Ok(Some(Way {
        at,
        pool,
        node,
        gpus,
        gpus_per_node,
    }))
}
