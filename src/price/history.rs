//! How prices moved: the points that are built in, and those that refreshes have added. A point is the first day on which a
//! price was seen.

use std::path::Path;

use jiff::civil::Date;

use super::catalog::{lines, read_table};
use super::store::point_cells;
use super::{Change, Key, Price};
use crate::cloud::Seller;
use crate::diagnostic::{Kind, Problem};
use crate::host;
use crate::text::csv_text;
use crate::value::Usd;

/// The columns of a history's file.
const COLUMNS: &str = "cloud,instance_type,region,capacity,usd_per_hour,as_of,source";
/// A year of daily changes of every spot price has less.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How one price moved in a time.
#[derive(Debug)]
pub struct Moves {
    /// From the last point before the time, or the first one in it, to the last one.
    pub change: Change,
    /// Those two and all between them, by day.
    pub points: Vec<Price>,
}

/// Returns all points of what is wanted, built in and in a file, by key and day.
pub fn points(
    file: Option<&Path>,
    is_wanted: &dyn Fn(Seller, &str) -> bool,
) -> Result<Vec<Price>, Problem> {
    let mut points = Vec::new();
    for cloud in Seller::clouds() {
        read_table(
            cloud.embedded_history(),
            Some(cloud),
            is_wanted,
            &mut points,
        );
    }
    if let Some(path) = file {
        let more = self::file(path)?.into_iter();
        points.extend(more.filter(|point| is_wanted(point.key.seller, &point.key.instance_type)));
    }
    tidy(&mut points);
    Ok(points)
}

/// Reads a file of points, if there is one.
pub(super) fn file(path: &Path) -> Result<Vec<Price>, Problem> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let shown = path.display().to_string();
    let text = host::read_text(path, &shown, MAX_BYTES)?;
    let wrong = |line: usize, why: String| {
        Problem::error(Kind::Settings, "not a history of prices")
            .detail(format!("`{shown}`, line {line}: {why}"))
            .hint("move it away; `mcai cost refresh` begins a new one")
    };
    if text.lines().next() != Some(COLUMNS) {
        return Err(wrong(1, format!("its columns are not `{COLUMNS}`")));
    }
    let mut points = Vec::new();
    for line in lines(&text, 1, None) {
        let (number, text) = (line.number, line.text);
        let point = line.price();
        points.push(point.ok_or_else(|| wrong(number, format!("`{text}`")))?);
    }
    Ok(points)
}

/// Sorts points by key and day, and leaves out those that say nothing new.
pub(super) fn tidy(points: &mut Vec<Price>) {
    // Stable: what came later on one day stays the later one.
    points.sort_by(|one, other| (&one.key, one.as_of).cmp(&(&other.key, other.as_of)));
    points.dedup_by(|next, last| next.key == last.key && next.usd == last.usd);
}

/// Returns a file of points.
pub fn text(points: &[Price]) -> String {
    let rows = csv_text(points.iter().map(point_cells));
    format!("{COLUMNS}\n{rows}")
}

/// Returns what has a point after a day, the largest move first. What is new has not moved, nor what came back to where it
/// was. The points are in the order of [`points`].
pub fn moves(points: &[Price], since: Date) -> Vec<Moves> {
    let of_one = points.chunk_by(|one, next| one.key == next.key);
    let mut moves: Vec<Moves> = of_one
        .filter_map(|points| moves_of(points, since))
        .collect();
    let size = |moves: &Moves| moves.change.relative().abs();
    moves.sort_by(|one, other| size(other).total_cmp(&size(one)));
    moves
}

fn moves_of(points: &[Price], since: Date) -> Option<Moves> {
    let after = points.partition_point(|point| point.as_of <= since);
    let window = &points[after.saturating_sub(1)..];
    let (first, last) = (window.first()?, window.last()?);
    (last.as_of > since).then(|| Moves {
        change: Change {
            old: first.clone(),
            new: last.clone(),
        },
        points: window.to_vec(),
    })
}

/// Returns what a point's key costs per GPU, where the number of GPUs is known.
pub fn per_gpu(key: &Key, usd: Usd) -> Option<Usd> {
    let gpus = key.seller.instance(&key.instance_type)?.gpu_count?;
    Some(usd.per(gpus))
}
