//! Prices side by side: the answer of `mcai cost`.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::problem::{Problem, problems};
use super::{Document, words};
use crate::cloud;
use crate::diagnostic;
use crate::price::{self, Answer, Asked, Row};
use crate::value::Usd;

words! {
    /// How a machine is paid for.
    Capacity for cloud::Capacity {
        /// at the list's price, until it is given back
        OnDemand,
        /// committed for one year, used or not; the price of an hour
        Reserved1y,
        /// committed for three years, used or not; the price of an hour
        Reserved3y,
        /// cheaper, and taken away when the seller needs it
        Spot,
    }
}

/// What machines with GPUs cost, side by side: the answer of `mcai cost`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostResult<'a> {
    /// The day from which ages are counted, in UTC.
    pub today: Date,
    /// The capacities of which the cheapest one counts.
    pub compared: Vec<Capacity>,
    /// The age of the oldest price that is compared; left out where none is, or where all are the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_days: Option<i64>,
    /// By kind of GPU, then as asked for; what can't be compared is last in its kind.
    pub offers: Vec<Offer<'a>>,
    pub left_out: LeftOut<'a>,
    /// Why the manifest's terms were not applied, if they were not.
    pub problems: Vec<Problem<'a>>,
}

impl Document for CostResult<'_> {
    const KIND: &'static str = "CostResult";
}

/// What is known and not shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut<'a> {
    /// Prices that can't be true, of those that were asked for.
    pub doubted: usize,
    /// Regions of shown instance types that are no cheaper than the one that is shown.
    pub regions: usize,
    /// Sellers of such machines that were not asked for.
    pub sellers: Vec<&'a str>,
    /// Offers in a region whose country is not known, where a country was asked for.
    pub unknown_country: usize,
    /// Pools of the manifest that are not where it was asked for, as `CLUSTER/POOL`.
    pub pools: Vec<&'a str>,
}

/// A machine in a region.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Offer<'a> {
    /// The kind of GPU: model, form, memory.
    pub gpu: &'a str,
    /// Memory of one GPU.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain")]
    #[schemars(with = "Option<f64>")]
    pub gpu_memory_gib: Option<f64>,
    /// `SXM`, `PCIe` or `NVL`, where the model comes in more than one form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<&'a str>,
    /// Who makes the GPU.
    pub vendor: &'a str,
    /// GPUs in the machine; a fraction where machines share one, left out where it is not known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain")]
    #[schemars(with = "Option<f64>")]
    pub gpus: Option<f64>,
    /// A cloud of the manifest's, or another seller.
    pub cloud: &'a str,
    /// `*` where the price is the same everywhere; the cluster for own machines.
    pub region: &'a str,
    /// ISO 3166 alpha-2, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<&'a str>,
    /// As the seller names it; the pool for own machines.
    pub instance_type: &'a str,
    /// Virtual processors of the machine, where they are known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain")]
    #[schemars(with = "Option<f64>")]
    pub vcpus: Option<f64>,
    /// Memory of the machine, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain")]
    #[schemars(with = "Option<f64>")]
    pub memory_gib: Option<f64>,
    pub prices: Prices<'a>,
    /// What is compared; left out where there is no such price, or only an old one of spot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranked: Option<Ranked>,
    /// Regions with the same instance type that are not shown.
    pub more_regions: usize,
    /// Pools of the manifest that have chosen it, as `CLUSTER/POOL`.
    pub manifest: Vec<&'a str>,
}

/// Writes whole numbers without a fraction: `8`, `0.125`.
fn plain<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if number.fract() == 0.0 => serializer.serialize_i64(*number as i64),
        other => other.serialize(serializer),
    }
}

impl<'a> Offer<'a> {
    fn new(row: &'a Row, today: Date) -> Self {
        let offer = &row.offer;
        let instance = offer.instance();
        Offer {
            gpu: &offer.gpu.name,
            gpu_memory_gib: offer.gpu.memory_gib,
            form: offer.gpu.form(),
            vendor: &offer.gpu.vendor,
            gpus: offer.gpus,
            cloud: offer.seller.id(),
            region: &offer.region,
            country: offer.country.map(|country| country.country.as_str()),
            instance_type: &offer.instance_type,
            vcpus: instance.and_then(|instance| instance.vcpus),
            memory_gib: instance.and_then(|instance| instance.memory_gib),
            prices: Prices::new(offer, today),
            ranked: row.ranked.map(|(capacity, usd)| Ranked {
                capacity: capacity.into(),
                usd_per_hour: usd,
                usd_per_gpu_hour: row.per_gpu(),
            }),
            more_regions: row.more_regions,
            manifest: row.choices.iter().map(String::as_str).collect(),
        }
    }
}

/// What a machine costs in each capacity that has a price.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prices<'a> {
    /// At the list's price, until it is given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<Price<'a>>,
    /// Cheaper, and taken away when the seller needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<Price<'a>>,
    /// Committed for one year, used or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved1y: Option<Price<'a>>,
    /// Committed for three years, used or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved3y: Option<Price<'a>>,
}

impl<'a> Prices<'a> {
    fn new(offer: &'a price::Offer, today: Date) -> Self {
        let price = |capacity| {
            let asked: &Asked = offer.prices.get(&capacity)?;
            Some(Price {
                usd_per_hour: asked.usd,
                usd_per_gpu_hour: offer.per_gpu(capacity),
                usd_per_gib_hour: offer.per_gib(capacity),
                list_usd_per_hour: asked.list,
                yours: asked.is_yours(),
                too_old: asked.is_old_spot(capacity, today),
                as_of: asked.as_of,
                source: &asked.source,
            })
        };
        Prices {
            on_demand: price(cloud::Capacity::OnDemand),
            spot: price(cloud::Capacity::Spot),
            reserved1y: price(cloud::Capacity::Reserved1y),
            reserved3y: price(cloud::Capacity::Reserved3y),
        }
    }
}

/// One price, with its day and its source.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price<'a> {
    /// For the whole machine, the user's terms applied.
    #[schemars(with = "f64")]
    pub usd_per_hour: Usd,
    /// For one GPU, where their number is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub usd_per_gpu_hour: Option<Usd>,
    /// For one GiB of the GPUs' memory, where both are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub usd_per_gib_hour: Option<Usd>,
    /// The list's price, where the user's terms changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub list_usd_per_hour: Option<Usd>,
    /// Whether the user's own terms made it.
    pub yours: bool,
    /// Whether it is a price of spot that is too old to be compared.
    pub too_old: bool,
    /// The day on which the list had it; left out where the user says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Date>,
    /// An id of data/sources.csv or of a feed; `yours` where the user says it.
    pub source: &'a str,
}

/// The price by which offers are compared.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    pub capacity: Capacity,
    /// For the whole machine.
    #[schemars(with = "f64")]
    pub usd_per_hour: Usd,
    /// For one GPU, where their number is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub usd_per_gpu_hour: Option<Usd>,
}

impl<'a> CostResult<'a> {
    pub fn new(
        answer: &'a Answer,
        compared: &[cloud::Capacity],
        today: Date,
        not_applied: &'a [diagnostic::Problem],
    ) -> Self {
        CostResult {
            today,
            compared: compared.iter().map(|capacity| (*capacity).into()).collect(),
            oldest_days: answer.oldest(today),
            offers: answer
                .rows
                .iter()
                .map(|row| Offer::new(row, today))
                .collect(),
            left_out: LeftOut {
                doubted: answer.doubted,
                regions: answer.more_regions(),
                sellers: answer.other_sellers.iter().map(|one| one.id()).collect(),
                unknown_country: answer.nowhere,
                pools: answer.elsewhere.iter().map(String::as_str).collect(),
            },
            problems: problems(not_applied),
        }
    }
}
