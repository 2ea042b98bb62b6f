//! What the fleet costs, for a spreadsheet: exact amounts, a row for each model on a cluster.

use super::estimate::way_words;
use crate::estimate::{Amount, Estimate, Range, Row};
use crate::text::{csv_text, visible};

const HEADINGS: [&str; 21] = [
    "model",
    "cluster",
    "cloud",
    "region",
    "min_replicas",
    "max_replicas",
    "min_whole_usd_per_hour_low",
    "min_whole_usd_per_hour_high",
    "min_shared_usd_per_hour_low",
    "min_shared_usd_per_hour_high",
    "max_whole_usd_per_hour_low",
    "max_whole_usd_per_hour_high",
    "max_shared_usd_per_hour_low",
    "max_shared_usd_per_hour_high",
    "at_most",
    "input_usd_per_million_tokens_low",
    "input_usd_per_million_tokens_high",
    "output_usd_per_million_tokens_low",
    "output_usd_per_million_tokens_high",
    "runs_on",
    "unknown",
];

/// Returns the rows; what is not known is empty.
pub fn estimate_csv(estimate: &Estimate<'_>) -> String {
    let rows = estimate.rows.iter().map(cells);
    format!("{}\n{}", HEADINGS.join(","), csv_text(rows))
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let ways = row.takes.as_ref().map_or(&[][..], |takes| takes.ways());
    let words: Vec<String> = ways.iter().map(|way| way_words(way, true)).collect();
    let tokens = row.tokens.as_ref();
    let unknown = row.takes.as_ref().err().map(ToString::to_string);
    let limit = row.replicas.max.map(|max| max.to_string());
    let mut cells = vec![
        row.model.name.to_string(),
        row.cluster.name.to_string(),
        row.cluster.cloud.to_string(),
        row.cluster.region.clone().unwrap_or_default(),
        row.replicas.min.to_string(),
        limit.unwrap_or_default(),
    ];
    cells.extend(amounts(row.min.as_ref()));
    cells.extend(amounts(row.max.as_ref()));
    cells.push(ways.iter().any(|way| way.node.at_most).to_string());
    cells.extend(sides(tokens.and_then(|tokens| tokens.input)));
    cells.extend(sides(tokens.and_then(|tokens| tokens.output)));
    cells.push(visible(&words.join(" or "), &[]));
    cells.push(visible(&unknown.unwrap_or_default(), &[]));
    cells
}

fn amounts(amount: Option<&Amount>) -> impl Iterator<Item = String> + use<> {
    let whole = sides(amount.map(|amount| amount.whole));
    whole
        .into_iter()
        .chain(sides(amount.map(|amount| amount.shared)))
}

fn sides(range: Option<Range>) -> [String; 2] {
    range.map_or_else(Default::default, |range| {
        [range.low.to_string(), range.high.to_string()]
    })
}
