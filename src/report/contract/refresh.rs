//! What live prices brought: the answer of `mcai cost refresh`, and the parts that other answers about the catalog share.

use schemars::JsonSchema;
use serde::Serialize;

use super::Document;
use super::problem::{Problem, problems};
use crate::cloud::Seller;
use crate::price::refresh::Refreshed;
use crate::price::store::{LeftOut, left_out};
use crate::price::{Change, Held, Key, Price};
use crate::value::Usd;

/// What live prices changed in the catalog, cloud by cloud: the answer of `mcai cost refresh`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshResult<'a> {
    /// The catalog's file.
    pub file: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// By the order of the clouds.
    pub clouds: Vec<RefreshedCloud<'a>>,
}

impl Document for RefreshResult<'_> {
    const KIND: &'static str = "RefreshResult";
}

/// One cloud.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshedCloud<'a> {
    /// As the manifest names it, such as `aws`.
    pub cloud: &'a str,
    /// Whether its rows were written.
    pub stored: bool,
    /// Rows of its lists, of all kinds.
    pub rows_read: usize,
    /// Rows that became, or confirmed, a price.
    pub rows_kept: usize,
    /// Prices of what had none.
    pub added: Vec<PriceRow<'a>>,
    /// The largest move first.
    pub changed: Vec<PriceMove<'a>>,
    /// Prices that moved too far: the old one counts until the new one is accepted.
    pub held: Vec<PriceMove<'a>>,
    /// How many prices were confirmed.
    pub unchanged: usize,
    /// Prices that the lists no longer have.
    pub lost: Vec<PriceRow<'a>>,
    /// Rows that are no prices, by reason.
    pub set_aside: Vec<RowsSetAside>,
    /// What could not be read, and why the cloud was not written.
    pub problems: Vec<Problem<'a>>,
}

impl<'a> RefreshedCloud<'a> {
    pub fn new(cloud: Seller, refreshed: &'a Refreshed, dry_run: bool) -> Self {
        let merged = &refreshed.merged;
        RefreshedCloud {
            cloud: cloud.id(),
            stored: refreshed.is_stored() && !dry_run,
            rows_read: merged.read,
            rows_kept: merged.kept(),
            added: merged.added.iter().map(PriceRow::from).collect(),
            changed: merged.changed.iter().map(PriceMove::from).collect(),
            held: merged.held.iter().filter_map(PriceMove::of_held).collect(),
            unchanged: merged.unchanged,
            lost: merged.lost.iter().map(PriceRow::from).collect(),
            set_aside: left_out(&merged.set_aside)
                .into_iter()
                .map(RowsSetAside::from)
                .collect(),
            problems: problems(refreshed.problems()),
        }
    }
}

/// What a price is for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceKey<'a> {
    /// The other three fields and the seller, joined by `/`: what `--accept` takes.
    pub id: String,
    /// The cloud, or another seller.
    pub seller: &'a str,
    /// As the seller names it.
    pub instance_type: &'a str,
    /// `*` where a seller asks the same everywhere.
    pub region: &'a str,
    /// `on-demand`, `spot`, `reserved-1y` or `reserved-3y`.
    pub capacity: &'a str,
}

impl<'a> From<&'a Key> for PriceKey<'a> {
    fn from(key: &'a Key) -> Self {
        PriceKey {
            id: key.to_string(),
            seller: key.seller.id(),
            instance_type: &key.instance_type,
            region: &key.region,
            capacity: key.capacity.word(),
        }
    }
}

/// An amount that was seen on a day.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceSeen<'a> {
    /// US dollars for the whole machine and one hour.
    pub usd_per_hour: f64,
    /// The day, as in 2026-11-25.
    pub as_of: String,
    /// The id of the list that says so.
    pub source: &'a str,
}

impl<'a> PriceSeen<'a> {
    pub fn of(price: &'a Price) -> Self {
        PriceSeen::new(price.usd, price.as_of, &price.source)
    }

    fn new(usd: Usd, as_of: jiff::civil::Date, source: &'a str) -> Self {
        PriceSeen {
            usd_per_hour: usd.to_f64(),
            as_of: as_of.to_string(),
            source,
        }
    }
}

/// One price.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PriceRow<'a> {
    #[serde(flatten)]
    pub key: PriceKey<'a>,
    #[serde(flatten)]
    pub seen: PriceSeen<'a>,
}

impl<'a> From<&'a Price> for PriceRow<'a> {
    fn from(price: &'a Price) -> Self {
        PriceRow {
            key: (&price.key).into(),
            seen: PriceSeen::of(price),
        }
    }
}

/// A price before and after.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceMove<'a> {
    #[serde(flatten)]
    pub key: PriceKey<'a>,
    /// What counted before, or still counts where the new one is held.
    pub old: PriceSeen<'a>,
    /// What a list says now.
    pub new: PriceSeen<'a>,
    /// By how many percent of the old price it moved, with two decimals.
    pub percent: f64,
}

impl<'a> From<&'a Change> for PriceMove<'a> {
    fn from(change: &'a Change) -> Self {
        PriceMove {
            key: (&change.old.key).into(),
            old: PriceSeen::of(&change.old),
            new: PriceSeen::of(&change.new),
            percent: percent(change.old.usd, change.new.usd),
        }
    }
}

impl<'a> PriceMove<'a> {
    /// Returns the price that counts and the one that waits.
    pub fn of_held(price: &'a Price) -> Option<Self> {
        let Held { usd, as_of, source } = price.held.as_ref()?;
        Some(PriceMove {
            key: (&price.key).into(),
            old: PriceSeen::of(price),
            new: PriceSeen::new(*usd, *as_of, source),
            percent: percent(price.usd, *usd),
        })
    }
}

fn percent(old: Usd, new: Usd) -> f64 {
    (crate::price::moved(old, new) * 10_000.0).round() / 100.0
}

/// Rows that were set aside for one reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RowsSetAside {
    /// A word for programs, such as `spotAboveOnDemand`.
    pub reason: String,
    /// The reason for people.
    pub explained: String,
    /// How many there were.
    pub count: usize,
    /// Some of them.
    pub examples: Vec<RowSetAside>,
}

/// A row that was set aside.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RowSetAside {
    /// What it is about, in the list's words: instance type, product, SKU.
    pub what: String,
    /// In the list's words.
    pub region: String,
    /// The price as the list has it, or what it contradicts.
    pub price: String,
}

impl From<LeftOut> for RowsSetAside {
    fn from(left_out: LeftOut) -> Self {
        let example = |row: crate::price::store::Example| RowSetAside {
            what: row.what,
            region: row.region,
            price: row.price,
        };
        RowsSetAside {
            reason: left_out.reason,
            explained: left_out.explained,
            count: left_out.count,
            examples: left_out.examples.into_iter().map(example).collect(),
        }
    }
}
