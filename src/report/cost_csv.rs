//! Prices for a spreadsheet: a row for each price, with all that is known of it.

use super::cost::CostView;
use crate::cloud::Capacity;
use crate::price::{Asked, Row};
use crate::text::{csv_text, visible};

const COLUMNS: [&str; 20] = [
    "gpu",
    "gpu_memory_gib",
    "form",
    "vendor",
    "gpus",
    "cloud",
    "region",
    "country",
    "instance_type",
    "vcpus",
    "memory_gib",
    "capacity",
    "usd_per_hour",
    "usd_per_gpu_hour",
    "usd_per_gib_hour",
    "list_usd_per_hour",
    "as_of",
    "source",
    "ranked",
    "manifest",
];

/// Returns a line of headings and a line for each price, amounts exact.
pub fn cost_csv(view: &CostView<'_>) -> String {
    let rows = view.answer.rows.iter().flat_map(|row| {
        let prices = row.offer.prices.iter();
        prices.map(move |(capacity, asked)| cells(row, *capacity, asked).to_vec())
    });
    format!("{}\n{}", COLUMNS.join(","), csv_text(rows))
}

fn cells(row: &Row, capacity: Capacity, asked: &Asked) -> [String; COLUMNS.len()] {
    let offer = &row.offer;
    let instance = offer.instance();
    let is_ranked = row.ranked.is_some_and(|(ranked, _)| ranked == capacity);
    let country = offer.country.map(|country| country.country.clone());
    [
        offer.gpu.name.clone(),
        text(offer.gpu.memory_gib),
        text(offer.gpu.form()),
        offer.gpu.vendor.clone(),
        text(offer.gpus),
        offer.seller.to_string(),
        visible(&offer.region, &[]),
        country.unwrap_or_default(),
        visible(&offer.instance_type, &[]),
        text(instance.and_then(|instance| instance.vcpus)),
        text(instance.and_then(|instance| instance.memory_gib)),
        capacity.to_string(),
        asked.usd.to_string(),
        text(offer.per_gpu(capacity)),
        text(offer.per_gib(capacity)),
        text(asked.list),
        text(asked.as_of),
        visible(&asked.source, &[]),
        is_ranked.to_string(),
        visible(&row.choices.join(" "), &[]),
    ]
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}
