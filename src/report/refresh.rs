//! The words of `mcai cost refresh`: what live prices changed, cloud by cloud.

use std::collections::BTreeMap;
use std::path::Path;

use super::style::{Style, Styles};
use crate::cloud::Seller;
use crate::price::refresh::Refreshed;
use crate::price::store::{Example, LeftOut, left_out};
use crate::price::{Change, Held, Merged, Price, moved};
use crate::text::{self, visible};
use crate::value::Usd;

/// What a refresh brought, and whether it was written.
pub struct RefreshText<'a> {
    pub clouds: &'a BTreeMap<Seller, Refreshed>,
    pub file: &'a Path,
    pub dry_run: bool,
    pub wide: bool,
}

/// Without `-o wide` so many rows of one sort are shown.
const SHOWN: usize = 10;

/// Returns what a refresh brought, in words.
pub fn refresh_text(told: &RefreshText<'_>, styles: &Styles) -> String {
    let clouds = told.clouds.iter();
    let mut text: String = clouds
        .map(|(cloud, refreshed)| cloud_text(*cloud, refreshed, told.wide, styles))
        .collect();
    let is_stored = told.clouds.values().any(Refreshed::is_stored);
    let file = visible(&told.file.display().to_string(), &[]);
    match (is_stored, told.dry_run) {
        (true, true) => text.push_str(&format!("nothing was written to {file}: --dry-run\n")),
        (true, false) => text.push_str(&format!("written to {file}\n")),
        (false, _) => text.push_str("nothing was written\n"),
    }
    let held = told.clouds.values().flat_map(|cloud| &cloud.merged.held);
    if let Some(first) = held.clone().next() {
        let about = format!(
            "{} held: the old price counts until you accept the new one, such as\n  mcai cost refresh --offline --accept {}\n",
            are(held.count()),
            first.key
        );
        text.push_str(&styles.paint(Style::Dim, about.trim_end()));
        text.push('\n');
    }
    text
}

fn are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", text::count(count, "price"))
}

fn cloud_text(cloud: Seller, refreshed: &Refreshed, wide: bool, styles: &Styles) -> String {
    let merged = &refreshed.merged;
    let mut lines = vec![format!(
        "{}  {}",
        styles.paint(Style::Name, cloud.id()),
        counts(merged)
    )];
    if refreshed.is_unread() {
        lines = vec![format!(
            "{}  {}: its prices stay as they are",
            styles.paint(Style::Name, cloud.id()),
            styles.paint(Style::Bad, "could not be read")
        )];
    } else if refreshed.refused.is_some() {
        let words = styles.paint(Style::Bad, "not written");
        lines.push(format!("  {words}: prices would be lost"));
    }
    let most = if wide { usize::MAX } else { SHOWN };
    let prices = |prices: &[Price]| prices.iter().map(price_line).collect();
    let changed = merged.changed.iter().map(change_line).collect();
    let held = merged.held.iter().filter_map(held_line).collect();
    let set_aside = left_out(&merged.set_aside);
    let set_aside = set_aside.iter().map(|row| left_out_line(row, wide));
    lines.extend(part("changed", changed, most));
    lines.extend(part("held", held, most));
    lines.extend(part("lost", prices(&merged.lost), most));
    if wide {
        lines.extend(part("added", prices(&merged.added), most));
    }
    lines.extend(part("set aside", set_aside.collect(), usize::MAX));
    lines.join("\n") + "\n"
}

fn counts(merged: &Merged) -> String {
    let mut words = format!(
        "{} read, {} kept: {} added, {} changed, {} unchanged",
        text::count(merged.read, "row"),
        merged.kept(),
        merged.added.len(),
        merged.changed.len(),
        merged.unchanged,
    );
    for (count, word) in [
        (merged.held.len(), "held"),
        (merged.set_aside.count(), "set aside"),
        (merged.lost.len(), "lost"),
    ] {
        if count > 0 {
            words.push_str(&format!("; {count} {word}"));
        }
    }
    words
}

/// Returns the lines of one sort, and how many more there are.
fn part(word: &str, lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    let shown = lines.into_iter().take(most);
    let mut part: Vec<String> = shown
        .map(|line| format!("  {word:9}  {}", visible(&line, &[])))
        .collect();
    if more > 0 && most > 0 {
        part.push(format!("  {:9}  ({more} more: -o wide)", ""));
    }
    part
}

fn change_line(change: &Change) -> String {
    move_line(&change.old, change.new.usd)
}

pub(super) fn held_line(price: &Price) -> Option<String> {
    let Held { usd, .. } = price.held.as_ref()?;
    Some(move_line(price, *usd))
}

fn move_line(old: &Price, new: Usd) -> String {
    let percent = percent(moved(old.usd, new));
    let (from, to) = (old.usd.rounded(3), new.rounded(3));
    format!("{percent:>8}  {}  ${from} -> ${to} per hour", old.key)
}

/// Returns a part as percents: `+12.0 %`.
pub(super) fn percent(part: f64) -> String {
    format!("{:+.1} %", part * 100.0)
}

fn price_line(price: &Price) -> String {
    let usd = price.usd.rounded(3);
    format!("{}  ${usd} per hour ({})", price.key, price.as_of)
}

/// Returns one line for a reason: how many rows, and the first of them.
pub(super) fn left_out_line(left_out: &LeftOut, wide: bool) -> String {
    let shown = if wide { usize::MAX } else { 1 };
    let examples = left_out.examples.iter().take(shown);
    let examples = examples.map(
        |Example {
             what,
             region,
             price,
         }| {
            let place = if region.is_empty() {
                String::new()
            } else {
                format!(" in {region}")
            };
            let price = if price.is_empty() {
                String::new()
            } else {
                format!(": {price}")
            };
            format!("{what}{place}{price}")
        },
    );
    let examples: Vec<String> = examples.collect();
    let such = if examples.is_empty() {
        String::new()
    } else {
        format!(", such as {}", examples.join("; "))
    };
    format!("{}  {}{such}", left_out.count, left_out.explained)
}
