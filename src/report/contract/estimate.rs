//! What a fleet costs, as programs read it.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::Document;
use super::cost::Capacity;
use super::problem::{Problem, problems};
use crate::value::Usd;
use crate::{diagnostic, estimate};

/// From the least to the most, in USD: they differ where several pools may carry a model.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    /// With each model on its cheapest pool.
    #[schemars(with = "f64")]
    pub low: Usd,
    /// Of shared machines with each model on its dearest pool; of whole machines a bound, however the replicas are spread
    /// over the pools.
    #[schemars(with = "f64")]
    pub high: Usd,
}

impl From<estimate::Range> for Range {
    fn from(range: estimate::Range) -> Self {
        Range {
            low: range.low,
            high: range.high,
        }
    }
}

/// What replicas cost in two ways of counting.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Amount {
    /// The replicas' part of the machines that they run on.
    pub shared: Range,
    /// The machines, if nobody else uses what the replicas leave free.
    pub whole: Range,
}

impl From<estimate::Amount> for Amount {
    fn from(amount: estimate::Amount) -> Self {
        Amount {
            shared: amount.shared.into(),
            whole: amount.whole.into(),
        }
    }
}

/// A sum. GPU instances only: no disks, no network, no control planes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Total<'a> {
    /// In USD per hour.
    pub hourly_usd: Amount,
    /// In USD per month of 730 hours.
    pub monthly_usd: Amount,
    /// Whether a part of it is known only to cost at most so much: spot or reserved machines that count as on demand.
    pub at_most: bool,
    /// Which share of the whole machines' upper end is on spot where each model is on its dearest pool, from 0 to 1.
    pub spot_share: f64,
    /// The day of the oldest price that counts; missing where none is from a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub oldest_price: Option<Date>,
    /// What is in no sum, as its price is not known.
    pub not_counted: Vec<NotCounted<'a>>,
    /// Models, as `MODEL on CLUSTER`, that may grow without end, as neither they nor their pools have a limit: in the sum
    /// are only the replicas that always run.
    pub unlimited: &'a [String],
}

impl<'a> From<&'a estimate::Total> for Total<'a> {
    fn from(total: &'a estimate::Total) -> Self {
        Total {
            hourly_usd: total.amount.into(),
            monthly_usd: total.amount.monthly().into(),
            at_most: total.at_most,
            spot_share: (total.spot_share() * 10_000.0).round() / 10_000.0,
            oldest_price: total.oldest.as_ref().map(|price| price.as_of),
            not_counted: total.not_counted.iter().map(NotCounted::from).collect(),
            unlimited: &total.unlimited,
        }
    }
}

/// A model on a cluster whose cost is not known.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotCounted<'a> {
    /// The name of the Model.
    pub model: &'a str,
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// How many there are; missing where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// Why it is not known.
    pub reason: &'a str,
}

impl<'a> From<&'a estimate::NotCounted> for NotCounted<'a> {
    fn from(one: &'a estimate::NotCounted) -> Self {
        NotCounted {
            model: &one.model,
            cluster: one.cluster.as_str(),
            replicas: one.replicas,
            reason: &one.reason,
        }
    }
}

/// What the fleet costs as the manifest declares it: the answer of `mcai cost estimate`. GPU instances only: no disks, no
/// network, no control planes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostEstimate<'a> {
    /// By cluster, then by name.
    pub models: Vec<ModelCost<'a>>,
    /// A sum for each cluster; machines of a pool are shared by its models.
    pub clusters: Vec<Part<'a>>,
    /// A sum for each cloud.
    pub clouds: Vec<Part<'a>>,
    /// The sum of all.
    pub fleet: Part<'a>,
    /// Nodes that pools keep whether anything runs on them or not; they are in no sum.
    pub kept_nodes: Vec<KeptNodes<'a>>,
    /// What is over the manifest's budget.
    pub problems: Vec<Problem<'a>>,
}

impl Document for CostEstimate<'_> {
    const KIND: &'static str = "CostEstimate";
}

impl<'a> CostEstimate<'a> {
    pub fn new(estimate: &'a estimate::Estimate<'_>, over: &'a [diagnostic::Problem]) -> Self {
        CostEstimate {
            models: estimate.rows.iter().map(ModelCost::from).collect(),
            clusters: estimate.clusters.iter().map(Part::from).collect(),
            clouds: estimate.clouds.iter().map(Part::from).collect(),
            fleet: (&estimate.fleet).into(),
            kept_nodes: estimate.kept.iter().map(KeptNodes::from).collect(),
            problems: problems(over),
        }
    }
}

/// What one model costs on one cluster, alone on its machines.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelCost<'a> {
    /// The name of the Model.
    pub model: &'a str,
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// As the manifest names it, such as `aws`.
    pub cloud: &'a str,
    /// The cloud's region; own machines have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
    /// The fewest replicas.
    pub min_replicas: u64,
    /// The most replicas; missing where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<u64>,
    /// The pools that carry the model's profile; none where it takes no GPU or where `unknown` says why.
    pub pools: Vec<PoolPart<'a>>,
    /// In USD per hour at the fewest replicas; missing where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_hourly_usd: Option<Amount>,
    /// In USD per hour at the most replicas; missing where it is not known or has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hourly_usd: Option<Amount>,
    /// What tokens cost, where the manifest has a measurement that holds for a pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens<'a>>,
    /// Why the cost is not known, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

impl<'a> From<&'a estimate::Row<'_>> for ModelCost<'a> {
    fn from(row: &'a estimate::Row<'_>) -> Self {
        let ways = row.takes.as_ref().map_or(&[][..], |takes| takes.ways());
        ModelCost {
            model: row.model.name.as_str(),
            cluster: row.cluster.name.as_str(),
            cloud: row.cluster.cloud.id,
            region: row.cluster.region.as_deref(),
            min_replicas: row.replicas.min,
            max_replicas: row.replicas.max,
            pools: ways.iter().map(PoolPart::from).collect(),
            min_hourly_usd: row.min.map(Amount::from),
            max_hourly_usd: row.max.map(Amount::from),
            tokens: row.tokens.as_ref().map(Tokens::from),
            unknown: row.takes.as_ref().err().map(ToString::to_string),
        }
    }
}

/// A pool that carries a model, and what a replica takes of a node.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolPart<'a> {
    /// The name of the pool.
    pub pool: &'a str,
    /// The cloud's name of its machines, where the manifest says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<&'a str>,
    /// GPUs of one replica.
    pub gpus: u32,
    /// GPUs of one node.
    pub gpus_per_node: u32,
    /// What a node costs for an hour, in USD.
    #[schemars(with = "f64")]
    pub node_hourly_usd: Usd,
    /// As the manifest says that its machines are bought: `on-demand`, `spot` or `reserved`.
    pub capacity: &'a str,
    /// As what they are priced; missing where the manifest has the price of a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priced_as: Option<Capacity>,
    /// Whether they cost at most so much: on demand, as their capacity has no usable price.
    pub at_most: bool,
    /// The day of the list's price; missing where the user says the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Date>,
    /// Where the price is from; `yours` where the user says it.
    pub source: &'a str,
    /// Whether the user's own terms made the price.
    pub yours: bool,
}

impl<'a> From<&'a estimate::Way<'_>> for PoolPart<'a> {
    fn from(way: &'a estimate::Way<'_>) -> Self {
        PoolPart {
            pool: &way.pool.name,
            instance_type: way.pool.instance_type.as_deref(),
            gpus: way.gpus,
            gpus_per_node: way.gpus_per_node,
            node_hourly_usd: way.node.usd,
            capacity: &way.pool.capacity,
            priced_as: way.node.capacity.map(Capacity::from),
            at_most: way.node.at_most,
            as_of: way.node.as_of,
            source: &way.node.source,
            yours: way.node.is_yours,
        }
    }
}

/// What a million tokens cost on a replica that is busy all the time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens<'a> {
    /// In USD, if the replica did nothing but read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_usd_per_million: Option<Range>,
    /// In USD, with everything charged to what it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_usd_per_million: Option<Range>,
    /// Who measured the throughput, as the manifest says.
    pub source: &'a str,
}

impl<'a> From<&'a estimate::TokenPrice<'_>> for Tokens<'a> {
    fn from(tokens: &'a estimate::TokenPrice<'_>) -> Self {
        Tokens {
            input_usd_per_million: tokens.input.map(Range::from),
            output_usd_per_million: tokens.output.map(Range::from),
            source: tokens.source,
        }
    }
}

/// A sum, at the fewest and at the most replicas.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Part<'a> {
    /// The name of the cluster or cloud, or `fleet`.
    pub name: &'a str,
    /// With the fewest replicas.
    pub min: Total<'a>,
    /// With the most replicas.
    pub max: Total<'a>,
}

impl<'a> From<&'a estimate::Part> for Part<'a> {
    fn from(part: &'a estimate::Part) -> Self {
        Part {
            name: &part.name,
            min: (&part.min).into(),
            max: (&part.max).into(),
        }
    }
}

/// Nodes below which a pool does not shrink.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptNodes<'a> {
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// The name of the pool.
    pub pool: &'a str,
    /// How many.
    pub nodes: u32,
    /// What they cost for an hour together, in USD.
    #[schemars(with = "f64")]
    pub hourly_usd: Usd,
}

impl<'a> From<&'a estimate::Kept<'_>> for KeptNodes<'a> {
    fn from(kept: &'a estimate::Kept<'_>) -> Self {
        KeptNodes {
            cluster: kept.cluster.name.as_str(),
            pool: &kept.pool.name,
            nodes: kept.pool.min,
            hourly_usd: kept.usd,
        }
    }
}
