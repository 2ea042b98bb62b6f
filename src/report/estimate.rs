//! What the fleet costs, for a terminal and for a page: a table of models, a table of sums, and what must be known to
//! judge them.

use super::markdown::{self, code};
use super::style::{Style, Styles};
use super::table::{Column, grid, table};
use crate::diagnostic::Problem;
use crate::estimate::{Amount, Estimate, Part, Range, Row, Takes, Total, Way};
use crate::text::{count, visible};
use crate::value::Usd;

/// Stands where there is nothing to say.
const NONE: &str = "-";
/// What every estimate leaves out.
const SCOPE: &str =
    "GPU instances only: no disks, no network, no control planes. A month has 730 hours.";
/// How the two figures differ.
const FIGURES: &str = "shared: the replicas' part of their machines; else whole machines, which the models of a pool share in the sums.";

/// Returns the estimate as text; `width` is that of the terminal, where there is one.
pub fn estimate_text(
    estimate: &Estimate<'_>,
    wide: bool,
    width: Option<usize>,
    styles: &Styles,
) -> String {
    let rows: Vec<Vec<String>> = estimate.rows.iter().map(|row| cells(row, wide)).collect();
    let sums: Vec<Vec<String>> = parts(estimate)
        .map(|(kind, part)| sum(kind, part))
        .collect();
    let mut text = table(&columns(wide), &rows, width, styles);
    text.push('\n');
    text.push_str(&grid(&SUMS, &sums, width, styles));
    text.push('\n');
    for line in remarks(estimate) {
        text.push_str(&styles.paint(Style::Dim, line));
        text.push('\n');
    }
    text
}

/// Returns the estimate as Markdown, and below it what is over the budget.
pub fn estimate_markdown(estimate: &Estimate<'_>, problems: &[Problem]) -> String {
    let rows = estimate.rows.iter().map(|row| {
        let mut cells = cells(row, false);
        if let Some(on) = cells.last_mut() {
            // A code span has no place for those of the reasons.
            *on = code(&on.replace('`', ""));
        }
        cells
    });
    let sums = parts(estimate).map(|(kind, part)| sum(kind, part));
    let (rows, left) = page(&columns(false), rows, markdown::ROOM / 2);
    let left = match left {
        0 => String::new(),
        left => format!("\n{} not shown\n", count(left, "more model")),
    };
    let (sums, _) = page(&SUMS, sums, markdown::ROOM / 4);
    let remarks = remarks(estimate)
        .into_iter()
        .map(|line| format!("# {line}"));
    let remarks = markdown::fence(remarks);
    let problems = markdown::problems(problems, markdown::ROOM / 8);
    format!("{rows}{left}\n{sums}\n{remarks}{problems}")
}

/// Returns a table of Markdown, and how many rows had no room.
fn page(
    columns: &[Column],
    rows: impl Iterator<Item = Vec<String>>,
    room: usize,
) -> (String, usize) {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let rules: Vec<&str> = columns.iter().map(Column::markdown_rule).collect();
    let rows = rows.map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    let (rows, left) = markdown::take(rows, room);
    (line(&heads) + &line(&rules) + &rows, left)
}

fn columns(wide: bool) -> Vec<Column> {
    let first = [
        Column::new("MODEL", 0),
        Column::new("CLUSTER", 0),
        Column::new("REPLICAS", 3),
        Column::number("MIN $/H", 0),
        Column::number("MAX $/H", 0),
        Column::number("SHARED MIN", 1),
        Column::number("SHARED MAX", 2),
        Column::number("OUT $/1M", 4),
    ];
    let more = [
        Column::number("IN $/1M", 5),
        Column::new("CLOUD", 7),
        Column::new("REGION", 6),
        Column::number("MIN $/MONTH", 8),
        Column::number("MAX $/MONTH", 9),
    ];
    let more = wide.then_some(more).into_iter().flatten();
    let last = [Column::new("ON", 0)];
    first.into_iter().chain(more).chain(last).collect()
}

const SUMS: [Column; 10] = [
    Column::new("SUM", 0),
    Column::new("OF", 0),
    Column::number("MIN $/H", 0),
    Column::number("MAX $/H", 0),
    Column::number("SHARED MIN", 1),
    Column::number("SHARED MAX", 2),
    Column::number("MIN $/MONTH", 4),
    Column::number("MAX $/MONTH", 3),
    Column::number("SPOT", 5),
    Column::number("NOT COUNTED", 0),
];

fn cells(row: &Row<'_>, wide: bool) -> Vec<String> {
    let most = match &row.takes {
        Ok(takes) if takes.ways().iter().any(|way| way.node.at_most) => "<=",
        _ => "",
    };
    let hourly = |amount: &Option<Amount>, figure: fn(&Amount) -> Range| match amount {
        Some(amount) if *amount == Amount::default() => dollars(Range::default(), 3),
        Some(amount) => format!("{most}{}", dollars(figure(amount), 3)),
        None => NONE.to_owned(),
    };
    let (whole, shared) = (
        |amount: &Amount| amount.whole,
        |amount: &Amount| amount.shared,
    );
    let replicas = match row.replicas.max {
        Some(max) if max == row.replicas.min => max.to_string(),
        Some(max) => format!("{}..{max}", row.replicas.min),
        None => format!("{}..", row.replicas.min),
    };
    let tokens = |figure: fn(&crate::estimate::TokenPrice<'_>) -> Option<Range>| {
        let price = row.tokens.as_ref().and_then(figure);
        price.map_or(NONE.to_owned(), |price| {
            format!("{most}{}", dollars(price, 3))
        })
    };
    let mut cells = vec![
        row.model.name.to_string(),
        row.cluster.name.to_string(),
        replicas,
        hourly(&row.min, whole),
        hourly(&row.max, whole),
        hourly(&row.min, shared),
        hourly(&row.max, shared),
        tokens(|price| price.output),
    ];
    if wide {
        let monthly = |amount: &Option<Amount>| match amount {
            Some(amount) => format!("{most}{}", dollars(amount.monthly().whole, 2)),
            None => NONE.to_owned(),
        };
        cells.extend([
            tokens(|price| price.input),
            row.cluster.cloud.to_string(),
            row.cluster.region.clone().unwrap_or(NONE.to_owned()),
            monthly(&row.min),
            monthly(&row.max),
        ]);
    }
    cells.push(visible(&on(row, wide), &[]));
    cells
}

/// Returns where a model's replicas run, or why that is not known.
fn on(row: &Row<'_>, wide: bool) -> String {
    match &row.takes {
        Ok(Takes::NoGpu) => "no GPU instance".to_owned(),
        Ok(Takes::Ways(ways)) => {
            let ways: Vec<String> = ways.iter().map(|way| way_words(way, wide)).collect();
            ways.join(" or ") + &limit_words(row)
        }
        Err(why) => format!("unknown: {why}"),
    }
}

/// Returns what holds the replicas back, or that nothing does.
fn limit_words(row: &Row<'_>) -> String {
    let held = row.takes.as_ref().ok().and_then(Takes::held);
    match (row.replicas.max, held) {
        (None, None) => "; neither the model nor a pool has a limit".to_owned(),
        (None, Some(held)) => format!("; no more than {held} have room"),
        (Some(max), Some(held)) if held < max => format!("; {held} of {max} have room"),
        _ => String::new(),
    }
}

/// Returns a pool, what a replica takes of its nodes and what a node costs.
pub(super) fn way_words(way: &Way<'_>, wide: bool) -> String {
    let (pool, node) = (way.pool, way.node);
    let machine = pool.instance_type.as_deref().unwrap_or("own machine");
    let bought = match node.capacity {
        None => String::new(),
        Some(capacity) if node.at_most => format!("{} at most as {capacity} ", pool.capacity),
        Some(capacity) => format!("{capacity} "),
    };
    let yours = if node.is_yours { " (yours)" } else { "" };
    let usd = node.usd.rounded(3);
    let part = format!("{}/{} of {machine}", way.gpus, way.gpus_per_node);
    let words = format!("{}: {part}, {bought}${usd}/h{yours}", pool.name);
    match node.as_of.filter(|_| wide) {
        Some(day) => format!("{words}, {day} {}", node.source),
        None => words,
    }
}

/// Returns all sums with what kind each is.
fn parts<'e>(estimate: &'e Estimate<'_>) -> impl Iterator<Item = (&'static str, &'e Part)> {
    let clusters = estimate.clusters.iter().map(|part| ("cluster", part));
    let clouds = estimate.clouds.iter().map(|part| ("cloud", part));
    let fleet = [("fleet", &estimate.fleet)];
    clusters.chain(clouds).chain(fleet)
}

fn sum(kind: &str, part: &Part) -> Vec<String> {
    let (min, max) = (&part.min, &part.max);
    let of = |total: &Total, range: Range| {
        let most = if total.at_most && range.high > Usd::ZERO {
            "<="
        } else {
            ""
        };
        let more = if total.unlimited.is_empty() { "" } else { "+" };
        format!("{most}{}{more}", dollars(range, 2))
    };
    let unknown = match max.not_counted.len() {
        0 => NONE.to_owned(),
        unknown => count(unknown, "model"),
    };
    let percent = |total: &Total| format!("{:.0}", total.spot_share() * 100.0);
    let spot = match percent(min) == percent(max) {
        true => format!("{} %", percent(max)),
        false => format!("{}..{} %", percent(min), percent(max)),
    };
    let name = if kind == "fleet" { NONE } else { &part.name };
    vec![
        kind.to_owned(),
        name.to_owned(),
        of(min, min.amount.whole),
        of(max, max.amount.whole),
        of(min, min.amount.shared),
        of(max, max.amount.shared),
        of(min, min.amount.monthly().whole),
        of(max, max.amount.monthly().whole),
        spot,
        unknown,
    ]
}

/// Returns what must be known to judge the figures.
fn remarks(estimate: &Estimate<'_>) -> Vec<String> {
    let mut lines = vec![SCOPE.to_owned(), FIGURES.to_owned()];
    let totals = [&estimate.fleet.min, &estimate.fleet.max];
    let oldest = totals
        .iter()
        .filter_map(|total| total.oldest.as_ref())
        .min();
    if let Some(oldest) = oldest {
        let pool = visible(&oldest.pool, &[]);
        lines.push(format!(
            "The oldest price is of {}: pool {pool} on {}.",
            oldest.as_of, oldest.cluster
        ));
    }
    if totals.iter().any(|total| total.at_most) {
        lines.push(
            "<=: spot or reserved machines without a usable price count as on demand.".to_owned(),
        );
    }
    for kept in &estimate.kept {
        lines.push(format!(
            "Pool {} on {} keeps {} whatever runs: ${}/h, in no sum.",
            visible(&kept.pool.name, &[]),
            kept.cluster.name,
            count(kept.pool.min as usize, "node"),
            kept.usd.rounded(2)
        ));
    }
    lines.extend(measured(estimate));
    lines
}

/// Returns who measured the throughputs behind the prices of tokens, once for each model.
fn measured(estimate: &Estimate<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for row in &estimate.rows {
        let Some(tokens) = &row.tokens else { continue };
        let source = visible(tokens.source, &[]);
        let line = format!(
            "Tokens of {} are at full load, as measured by: {source}",
            row.model.name
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn dollars(range: Range, decimals: usize) -> String {
    let (low, high) = (range.low.rounded(decimals), range.high.rounded(decimals));
    match low == high {
        true => low,
        false => format!("{low}..{high}"),
    }
}
