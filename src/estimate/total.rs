//! Sums over models and clusters. On one cluster the models of a pool share its machines; a machine is never shared
//! between clusters.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::pack::machines;
use super::spread::dearest;
use super::{Amount, Range, Takes, Unknown, Way};
use crate::project::Cluster;
use crate::value::{ClusterName, Usd};

/// Replicas of a model on a cluster.
pub struct Load<'a> {
    pub cluster: &'a Cluster,
    pub model: &'a str,
    pub takes: Result<Takes<'a>, Unknown>,
    /// Nothing where there is no limit.
    pub replicas: Option<u64>,
    /// As many as run in any case.
    pub least: u64,
}

/// What replicas of many models cost together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    pub amount: Amount,
    /// How much of the whole machines is on spot, with each model on its dearest pool.
    pub spot: Usd,
    /// Whether a part of it is known only to cost at most so much.
    pub at_most: bool,
    /// The oldest price that counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest: Option<Oldest>,
    /// What is not in the amount, as its price is not known.
    pub not_counted: Vec<NotCounted>,
    /// Models, as `MODEL on CLUSTER`, that may grow without end: in the amount are only the replicas that always run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unlimited: Vec<String>,
}

/// A price that counts, by its day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Oldest {
    pub as_of: Date,
    pub cluster: ClusterName,
    pub pool: String,
}

/// Replicas without a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotCounted {
    pub cluster: ClusterName,
    pub model: String,
    /// Nothing where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replicas: Option<u64>,
    pub reason: String,
}

impl Total {
    /// Adds up loads, cluster by cluster.
    pub fn of(loads: &[Load<'_>]) -> Total {
        let mut by_cluster: BTreeMap<&ClusterName, Vec<&Load<'_>>> = BTreeMap::new();
        for load in loads {
            by_cluster.entry(&load.cluster.name).or_default().push(load);
        }
        let mut total = Total::default();
        for loads in by_cluster.values() {
            total.add_cluster(loads);
        }
        total
    }

    /// Returns the price of the whole machines for people, with what is not sure about it.
    pub fn hourly(&self) -> String {
        let most = if self.at_most { "<=" } else { "" };
        let unknown = match self.not_counted.len() {
            0 => String::new(),
            unknown => format!(" + {unknown} unknown"),
        };
        let more = match self.unlimited.is_empty() {
            true => "",
            false => " or more, without limit",
        };
        format!("{most}{}{more}{unknown}", self.amount.whole.hourly())
    }

    /// Returns which share of the amount is on spot.
    pub fn spot_share(&self) -> f64 {
        match self.amount.whole.high {
            Usd::ZERO => 0.0,
            all => self.spot.to_f64() / all.to_f64(),
        }
    }

    fn add_cluster(&mut self, loads: &[&Load<'_>]) {
        let mut counted = Vec::new();
        for load in loads.iter().filter(|load| load.replicas != Some(0)) {
            match (&load.takes, load.replicas) {
                (Ok(takes), wanted) => {
                    let running = takes.running(wanted);
                    if running.is_none() && *takes != Takes::NoGpu {
                        let name = format!("{} on {}", load.model, load.cluster.name);
                        self.unlimited.push(name);
                    }
                    counted.push((takes.ways(), running.unwrap_or(load.least)));
                }
                (Err(why), _) => self.leave_out(load, why),
            }
        }
        let mut shared = Range::default();
        for (ways, replicas) in &counted {
            shared = shared + Range::over(ways.iter().map(|way| way.shared(*replicas)));
            for way in ways.iter() {
                self.look_at(way, loads);
            }
        }
        let cheapest = packed(&counted, Side::Cheapest);
        let low = cheapest.values().map(|cost| cost.usd).sum();
        let high = dearest_sum(&counted);
        self.amount.whole = self.amount.whole + Range { low, high };
        // Models may compete for the room of one pool: no part is more than the whole.
        shared.low = shared.low.min(high);
        shared.high = shared.high.min(high);
        self.amount.shared = self.amount.shared + shared;
        let on_spot = packed(&counted, Side::Dearest);
        let on_spot = on_spot.values().filter(|cost| cost.on_spot);
        self.spot += on_spot.map(|cost| cost.usd).sum();
    }

    fn look_at(&mut self, way: &Way<'_>, loads: &[&Load<'_>]) {
        self.at_most |= way.node.at_most;
        let Some((load, as_of)) = loads.first().zip(way.node.as_of) else {
            return;
        };
        let seen = Oldest {
            as_of,
            cluster: load.cluster.name.clone(),
            pool: way.pool.name.clone(),
        };
        let oldest = self.oldest.take().into_iter().chain([seen]).min();
        self.oldest = oldest;
    }

    fn leave_out(&mut self, load: &Load<'_>, why: &Unknown) {
        self.not_counted.push(NotCounted {
            cluster: load.cluster.name.clone(),
            model: load.model.to_owned(),
            replicas: load.replicas,
            reason: why.to_string(),
        });
    }
}

/// Which pool a model is put on, where several may carry it.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Cheapest,
    Dearest,
}

/// What a pool's machines cost.
struct PoolCost {
    usd: Usd,
    on_spot: bool,
}

/// A pool with what is put on it: GPUs of a replica, and how many there are.
struct Filled<'w> {
    way: &'w Way<'w>,
    replicas: Vec<(u32, u64)>,
    /// Whether what has no room here has no other pool to go to.
    is_last: bool,
}

impl Filled<'_> {
    fn cost(&self) -> PoolCost {
        let machines = machines(self.way.gpus_per_node, &self.replicas);
        let most = self.way.pool.max.filter(|_| self.is_last);
        let machines = machines.min(most.map_or(u64::MAX, u64::from));
        PoolCost {
            usd: self.way.node.usd.times(machines as f64),
            on_spot: self.way.pool.capacity == "spot",
        }
    }
}

/// Replicas that run, and the pools that can carry them.
type Counted<'w> = (&'w [Way<'w>], u64);

/// Returns the most that all machines of a cluster cost. Models that have one pool to go to share its machines; to these
/// the others add at most what they cost alone, as a replica beside others needs no machine that it would not need by
/// itself. And no pool grows beyond its largest size.
fn dearest_sum(counted: &[Counted<'_>]) -> Usd {
    let (tied, free): (Vec<Counted<'_>>, Vec<_>) =
        counted.iter().partition(|(ways, _)| ways.len() == 1);
    let tied = packed(&tied, Side::Dearest);
    let tied: Usd = tied.values().map(|cost| cost.usd).sum();
    let free: Usd = free
        .iter()
        .map(|(ways, running)| dearest(ways, *running))
        .sum();
    let pools: BTreeMap<usize, &Way<'_>> = counted
        .iter()
        .flat_map(|(ways, _)| ways.iter().map(|way| (way.at, way)))
        .collect();
    let largest = pools
        .values()
        .map(|way| Some(way.node.usd.times(f64::from(way.pool.max?))));
    match largest.sum::<Option<Usd>>() {
        Some(largest) => largest.min(tied + free),
        None => tied + free,
    }
}

/// Puts each model on one pool and packs every pool's machines.
fn packed(counted: &[Counted<'_>], side: Side) -> BTreeMap<usize, PoolCost> {
    let mut pools: BTreeMap<usize, Filled<'_>> = BTreeMap::new();
    for (ways, replicas) in counted {
        let cost = |way: &&Way<'_>| (way.whole(*replicas), way.shared(*replicas));
        let chosen = match side {
            Side::Cheapest => ways.iter().min_by_key(cost),
            Side::Dearest => ways.iter().max_by_key(cost),
        };
        if let Some(way) = chosen {
            let empty = || Filled {
                way,
                replicas: Vec::new(),
                is_last: true,
            };
            let pool = pools.entry(way.at).or_insert_with(empty);
            pool.is_last &= ways.len() == 1;
            pool.replicas.push((way.gpus, *replicas));
        }
    }
    let pools = pools.into_iter();
    pools.map(|(at, pool)| (at, pool.cost())).collect()
}
