//! What a plan does to the cost of the fleet, in lines.

use super::style::{Style, Styles};
use crate::estimate::{NotCounted, Range};
use crate::plan::{ClusterCost, CostChange, ReplicaChange};
use crate::price::At;
use crate::text;
use crate::value::Usd;

/// So many models without a price are named; `-o wide` and JSON have all.
const NAMED: usize = 5;

/// Returns the change as lines below the plan's summary.
pub(super) fn cost_text(change: &CostChange, wide: bool, styles: &Styles) -> String {
    let sums = sums(change);
    let mut text = match sums.as_slice() {
        [one] => format!("Cost: {one}\n"),
        several => {
            let lines = several.iter().map(|line| format!("  {line}\n"));
            format!("Cost:\n{}", lines.collect::<String>())
        }
    };
    let most = if wide { usize::MAX } else { NAMED };
    for remark in remarks(change, most) {
        text.push_str(&styles.paint(Style::Dim, format!("  {remark}\n")));
    }
    text
}

/// Returns a line for each cluster whose cost changes, and one for the fleet; both in one where only one changes.
pub(super) fn sums(change: &CostChange) -> Vec<String> {
    let fleet = fleet(change);
    let mut lines: Vec<String> = change.clusters.iter().map(cluster).collect();
    match lines.as_slice() {
        [one] => vec![format!("{one}; {fleet}")],
        _ => {
            lines.push(fleet);
            lines
        }
    }
}

/// Returns what must be known to judge the sums: models that are not in them, up to so many, and notes.
pub(super) fn remarks(change: &CostChange, most: usize) -> Vec<String> {
    let unknown = &change.after.not_counted;
    let line = |one: &NotCounted| {
        let reason = text::visible(&one.reason, &[]);
        let model = text::visible(&one.model, &[]);
        format!("not counted: {model} on {}: {reason}", one.cluster)
    };
    let mut lines: Vec<String> = unknown.iter().take(most).map(line).collect();
    if unknown.len() > most {
        lines.push(format!("not counted: {} more", unknown.len() - most));
    }
    let notes = change.notes.iter();
    lines.extend(notes.map(|note| format!("note: {}", text::visible(note, &[]))));
    lines
}

fn fleet(change: &CostChange) -> String {
    let (before, after) = (change.before.hourly(), change.after.hourly());
    let sums = match before == after {
        true => after,
        false => format!("{before} -> {after}"),
    };
    let at = match change.at {
        At::Min => "",
        At::Max => " at max replicas",
    };
    let oldest = [&change.before.oldest, &change.after.oldest];
    let oldest = oldest.into_iter().flatten().map(|price| price.as_of).min();
    let day = oldest.map_or(String::new(), |day| format!(" (prices of {day})"));
    format!("fleet {sums}{at}{day}")
}

fn cluster(change: &ClusterCost) -> String {
    let (before, after) = (&change.before, &change.after);
    let (was, will) = (before.amount.whole, after.amount.whole);
    // The cheapest way may change by more than the dearest.
    let delta = Range::over([will.low - was.low, will.high - was.high].into_iter());
    // Of what is saved nobody knows the most by an upper bound.
    let is_bound = (before.at_most || after.at_most) && delta.high > Usd::ZERO;
    let most = if is_bound { "<=" } else { "" };
    let changes = |one: &&NotCounted| change.models.iter().any(|model| model.model == one.model);
    let unknown = after.not_counted.iter().chain(&before.not_counted);
    let cost = match (delta == Range::default(), unknown.filter(changes).count()) {
        (true, 1..) => "unknown".to_owned(),
        (false, 1..) => format!("{most}{} + unknown", signed(delta)),
        _ => format!("{most}{}", signed(delta)),
    };
    format!("{} on {}: {cost}", replicas(&change.models), change.cluster)
}

/// Returns how many replicas more or fewer there are.
fn replicas(models: &[ReplicaChange]) -> String {
    let mut more: i128 = 0;
    for model in models {
        match (model.before, model.after) {
            (Some(before), Some(after)) => more += i128::from(after) - i128::from(before),
            (None, _) => return "fewer replicas".to_owned(),
            (_, None) => return "more replicas".to_owned(),
        }
    }
    match more {
        0 => "as many replicas".to_owned(),
        1 | -1 => format!("{more:+} replica"),
        _ => format!("{more:+} replicas"),
    }
}

fn signed(delta: Range) -> String {
    let side = |usd: Usd| {
        let text = usd.rounded(2);
        match text.strip_prefix('-') {
            Some(less) => format!("-${less}"),
            None => format!("+${text}"),
        }
    };
    let (low, high) = (side(delta.low), side(delta.high));
    match low == high {
        true => format!("{low}/h"),
        false => format!("{low}..{high}/h"),
    }
}
