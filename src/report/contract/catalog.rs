//! What the catalog of prices is worth, and how prices moved: the answers of `mcai cost check` and `mcai cost history`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Document;
use super::refresh::{PriceKey, PriceMove, PriceRow, PriceSeen, RowsSetAside};
use crate::cloud::Reason;
use crate::price::export::Exported;
use crate::price::history::{Moves, per_gpu};
use crate::price::review::{Age, Review};
use crate::price::store::CloudRefresh;
use crate::price::{Doubt, Unusable};

/// Prices that can't be true, wait or were left out, and the ages of all: the answer of `mcai cost check`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceCheck<'a> {
    /// The file of refreshed prices, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many prices there are.
    pub prices: usize,
    /// By seller and capacity.
    pub ages: Vec<PriceAge<'a>>,
    /// Prices that can't be true; they are never shown as an offer.
    pub doubts: Vec<PriceDoubt<'a>>,
    /// Prices that moved too far: the old one counts until the new one is accepted.
    pub held: Vec<PriceMove<'a>>,
    /// Lines of the file that are no prices.
    pub unusable: Vec<UnusableLine<'a>>,
    /// What the last refresh of each cloud left out.
    pub last_refresh: BTreeMap<&'a str, LastRefresh<'a>>,
}

impl Document for PriceCheck<'_> {
    const KIND: &'static str = "PriceCheck";
}

impl<'a> From<&'a Review> for PriceCheck<'a> {
    fn from(review: &'a Review) -> Self {
        let last = review.last.iter().flat_map(|last| &last.clouds);
        PriceCheck {
            file: review.file.as_ref().map(|path| path.display().to_string()),
            prices: review.prices.len(),
            ages: review.ages.iter().map(PriceAge::from).collect(),
            doubts: review.doubts.iter().map(PriceDoubt::from).collect(),
            held: review
                .prices
                .iter()
                .filter_map(PriceMove::of_held)
                .collect(),
            unusable: review.unusable.iter().map(UnusableLine::from).collect(),
            last_refresh: last
                .map(|(cloud, refresh)| (cloud.as_str(), LastRefresh::from(refresh)))
                .collect(),
        }
    }
}

/// How old the prices of a seller are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceAge<'a> {
    /// The cloud, or another seller.
    pub seller: &'a str,
    /// `on-demand`, `spot`, `reserved-1y` or `reserved-3y`.
    pub capacity: &'a str,
    /// How many prices there are.
    pub prices: usize,
    /// The day of the oldest, as in 2026-11-25.
    pub oldest: String,
    /// The day of the newest.
    pub newest: String,
    /// Whether they come from the file, not from what is built in.
    pub refreshed: bool,
}

impl From<&Age> for PriceAge<'_> {
    fn from(age: &Age) -> Self {
        PriceAge {
            seller: age.seller.id(),
            capacity: age.capacity.word(),
            prices: age.prices,
            oldest: age.oldest.to_string(),
            newest: age.newest.to_string(),
            refreshed: age.is_refreshed,
        }
    }
}

/// A price that can't be true.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PriceDoubt<'a> {
    #[serde(flatten)]
    pub price: PriceRow<'a>,
    /// A word for programs, such as `spotAboveOnDemand`.
    pub reason: &'static str,
    /// The reason for people.
    pub explained: &'static str,
    /// What it contradicts.
    pub detail: &'a str,
}

impl<'a> From<&'a Doubt> for PriceDoubt<'a> {
    fn from(doubt: &'a Doubt) -> Self {
        let reason: Reason = doubt.reason;
        PriceDoubt {
            price: (&doubt.price).into(),
            reason: reason.word(),
            explained: reason.explained(),
            detail: &doubt.detail,
        }
    }
}

/// A line of the file that is no price.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnusableLine<'a> {
    /// Counts from 1.
    pub line: usize,
    /// The line as it is.
    pub text: &'a str,
}

impl<'a> From<&'a Unusable> for UnusableLine<'a> {
    fn from(unusable: &'a Unusable) -> Self {
        UnusableLine {
            line: unusable.line,
            text: &unusable.text,
        }
    }
}

/// What the last refresh of a cloud left out.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRefresh<'a> {
    /// The day, as in 2026-11-25.
    pub day: String,
    /// Whether its rows were written.
    pub stored: bool,
    /// Rows of its lists, of all kinds.
    pub rows_read: usize,
    /// Rows that are no prices, by reason.
    pub set_aside: Vec<RowsSetAside>,
    /// Names of prices that the lists no longer had.
    pub lost: &'a [String],
    /// What could not be read, a line each.
    pub failures: &'a [String],
}

impl<'a> From<&'a CloudRefresh> for LastRefresh<'a> {
    fn from(refresh: &'a CloudRefresh) -> Self {
        LastRefresh {
            day: refresh.day.to_string(),
            stored: refresh.stored,
            rows_read: refresh.rows_read,
            set_aside: refresh
                .set_aside
                .iter()
                .cloned()
                .map(RowsSetAside::from)
                .collect(),
            lost: &refresh.lost,
            failures: &refresh.failures,
        }
    }
}

/// How prices moved: the answer of `mcai cost history`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceHistory<'a> {
    /// The day from which on, as in 2026-10-26.
    pub since: String,
    /// The largest move first.
    pub prices: Vec<PriceMoves<'a>>,
}

impl Document for PriceHistory<'_> {
    const KIND: &'static str = "PriceHistory";
}

impl<'a> PriceHistory<'a> {
    pub fn new(moves: &'a [Moves], since: jiff::civil::Date) -> Self {
        PriceHistory {
            since: since.to_string(),
            prices: moves.iter().map(PriceMoves::from).collect(),
        }
    }
}

/// One price over the time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceMoves<'a> {
    #[serde(flatten)]
    pub change: PriceMove<'a>,
    /// The kind of the machine's GPUs, as in `H100-SXM-80GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<&'a str>,
    /// The new price per GPU, where their number is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_gpu_hour: Option<f64>,
    /// Every price, by the first day on which it was seen: the last one before the time, and those in it.
    pub points: Vec<PriceSeen<'a>>,
}

impl<'a> From<&'a Moves> for PriceMoves<'a> {
    fn from(moves: &'a Moves) -> Self {
        let Moves { change, points } = moves;
        let key: &PriceKey<'_> = &(&change.new.key).into();
        let instance = change.new.key.seller.instance(key.instance_type);
        PriceMoves {
            change: change.into(),
            gpu: instance.map(|instance| instance.gpu.as_str()),
            usd_per_gpu_hour: per_gpu(&change.new.key, change.new.usd).map(|usd| usd.to_f64()),
            points: points.iter().map(PriceSeen::of).collect(),
        }
    }
}

/// Which tables of prices were written: the answer of `mcai cost export`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportResult<'a> {
    /// By path.
    pub files: Vec<ExportedFile>,
    /// Prices that were left out because they can't be true.
    pub left_out: Vec<PriceDoubt<'a>>,
}

impl Document for ExportResult<'_> {
    const KIND: &'static str = "ExportResult";
}

/// One table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExportedFile {
    /// Where it is.
    pub path: String,
    /// Its rows, without the headings.
    pub rows: usize,
}

impl<'a> From<&'a Exported> for ExportResult<'a> {
    fn from(exported: &'a Exported) -> Self {
        let file = |(path, rows): &(std::path::PathBuf, usize)| ExportedFile {
            path: path.display().to_string(),
            rows: *rows,
        };
        ExportResult {
            files: exported.files.iter().map(file).collect(),
            left_out: exported.doubts.iter().map(PriceDoubt::from).collect(),
        }
    }
}
