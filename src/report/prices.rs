//! The words of `mcai cost check`, `history` and `export`: what the catalog is worth, how prices moved, what was written.

use jiff::civil::Date;

use super::Format;
use super::refresh::{held_line, left_out_line, percent};
use super::style::{Style, Styles};
use super::table::{Column, table};
use crate::price::export::Exported;
use crate::price::history::{Moves, per_gpu, text as history_csv};
use crate::price::review::Review;
use crate::price::store::CloudRefresh;
use crate::price::{Doubt, Price};
use crate::text::{self, visible};

/// Returns the names of the prices that a person should look at, a line each.
pub fn review_names(review: &Review) -> String {
    let doubted = review.doubts.iter().map(|doubt| &doubt.price.key);
    let held = review.held().map(|price| &price.key);
    doubted.chain(held).map(|key| format!("{key}\n")).collect()
}

/// Returns how old prices are, and which a person should look at.
pub fn review_text(review: &Review, wide: bool, width: Option<usize>, styles: &Styles) -> String {
    let mut text = ages(review, width, styles);
    let sections = [
        (
            "that can't be true: never shown as an offer",
            Style::Bad,
            review.doubts.iter().map(doubt_line).collect(),
        ),
        (
            "held: the old one counts until you accept the new one",
            Style::Warning,
            review.held().filter_map(held_line).collect(),
        ),
        (
            "that can't be read: lines of the file",
            Style::Bad,
            review
                .unusable
                .iter()
                .map(|line| format!("line {}: {}", line.line, line.text))
                .collect::<Vec<_>>(),
        ),
    ];
    for (words, style, lines) in sections {
        if !lines.is_empty() {
            let heading = format!("{} {words}", text::count(lines.len(), "price"));
            text.push_str(&section(&styles.paint(style, heading), &lines));
        }
    }
    for (cloud, refresh) in review.last.iter().flat_map(|last| &last.clouds) {
        text.push_str(&refresh_section(cloud, refresh, wide));
    }
    if review.is_well() {
        text.push_str("\nnothing to do: no price is impossible or held\n");
    }
    text
}

fn section(heading: &str, lines: &[String]) -> String {
    let lines: String = lines
        .iter()
        .map(|line| format!("  {}\n", visible(line, &[])))
        .collect();
    format!("\n{heading}\n{lines}")
}

fn ages(review: &Review, width: Option<usize>, styles: &Styles) -> String {
    let columns = ["SELLER", "CAPACITY", "PRICES", "OLDEST", "NEWEST", "FROM"];
    let columns = columns.map(|heading| Column::new(heading, 0));
    let file = review.file.as_ref().map(|path| path.display().to_string());
    let file = visible(&file.unwrap_or_default(), &[]);
    let row = |age: &crate::price::review::Age| {
        let from = if age.is_refreshed {
            file.as_str()
        } else {
            "built in"
        };
        vec![
            age.seller.to_string(),
            age.capacity.to_string(),
            age.prices.to_string(),
            age.oldest.to_string(),
            age.newest.to_string(),
            from.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = review.ages.iter().map(row).collect();
    table(&columns, &rows, width, styles)
}

fn doubt_line(doubt: &Doubt) -> String {
    let Doubt {
        price,
        reason,
        detail,
    } = doubt;
    format!("{}  {}: {detail}", price.key, reason.explained())
}

fn refresh_section(cloud: &str, refresh: &CloudRefresh, wide: bool) -> String {
    let left_out = refresh.set_aside.iter();
    let mut lines: Vec<String> = left_out
        .map(|row| format!("set aside  {}", left_out_line(row, wide)))
        .collect();
    lines.extend(refresh.lost.iter().map(|id| format!("lost       {id}")));
    lines.extend(
        refresh
            .failures
            .iter()
            .map(|line| format!("not read   {line}")),
    );
    if lines.is_empty() {
        return String::new();
    }
    let written = if refresh.stored {
        ""
    } else {
        ", which was not written"
    };
    let rows = text::count(refresh.rows_read, "row");
    let heading = format!("last refresh of {cloud} ({}, {rows}){written}", refresh.day);
    section(&visible(&heading, &[]), &lines)
}

/// Returns how prices moved, the largest move first; as CSV, every price.
pub fn history_text(moves: &[Moves], since: Date, format: Format) -> String {
    let moved = || moves.iter().filter(|moves| moves.change.relative() != 0.0);
    let line = |moves: &Moves| visible(&move_line(moves, since), &[]);
    match format {
        Format::Csv => {
            let points = moves.iter().flat_map(|moves| &moves.points);
            let csv = history_csv(&points.cloned().collect::<Vec<Price>>());
            // A cell is a part of a line of a file, so no line ends within one.
            csv.lines().map(|line| visible(line, &[]) + "\n").collect()
        }
        Format::Name => moved()
            .map(|moves| format!("{}\n", moves.change.new.key))
            .collect(),
        Format::Markdown => moved()
            .map(|moves| format!("- {}\n", line(moves)))
            .collect(),
        _ => moved().map(|moves| line(moves) + "\n").collect(),
    }
}

/// As in `H100-SXM-80GB on gcp europe-west4 (a3-highgpu-8g) spot +12.0 % since 2026-10-01: $4.710 -> $5.280 per GPU-h`.
fn move_line(moves: &Moves, since: Date) -> String {
    let (old, new) = (&moves.change.old, &moves.change.new);
    let key = &new.key;
    let kind = key
        .seller
        .instance(&key.instance_type)
        .map_or("?", |instance| &instance.gpu);
    let (from, to, unit) = match (per_gpu(key, old.usd), per_gpu(key, new.usd)) {
        (Some(from), Some(to)) => (from, to, "GPU-h"),
        _ => (old.usd, new.usd, "h"),
    };
    format!(
        "{kind} on {} {} ({}) {} {} since {}: ${} -> ${} per {unit}",
        key.seller,
        key.region,
        key.instance_type,
        key.capacity,
        percent(moves.change.relative()),
        since.max(old.as_of),
        from.rounded(3),
        to.rounded(3),
    )
}

/// Returns what was written.
pub fn export_text(exported: &Exported, format: Format) -> String {
    let path = |path: &std::path::Path| visible(&path.display().to_string(), &[]);
    let files = exported.files.iter();
    let mut text: String = match format {
        Format::Name => files.map(|(file, _)| path(file) + "\n").collect(),
        _ => files
            .map(|(file, rows)| format!("{}  {}\n", path(file), text::count(*rows, "row")))
            .collect(),
    };
    let left_out = exported.doubts.len();
    if left_out > 0 && format != Format::Name {
        text.push_str(&format!(
            "left out: {} that can't be true (mcai cost check)\n",
            text::count(left_out, "price")
        ));
    }
    text
}
