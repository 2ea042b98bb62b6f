//! The table of `mcai status`, for a terminal and for a page of a pipeline.

use std::time::Duration;

use jiff::Timestamp;

use super::markdown;
use super::style::{Style, Styles};
use super::table::{Column, table};
use crate::cloud::Cloud;
use crate::diagnostic::Problem;
use crate::kubeai::verdict::{State, Verdict};
use crate::text;
use crate::value::ClusterName;

/// One model on one cluster.
pub struct StatusRow {
    pub model: String,
    pub cluster: ClusterName,
    pub cloud: Cloud,
    pub region: Option<String>,
    /// The context or the directory where it was looked.
    pub target: String,
    /// Whether the object is this project's.
    pub owned: bool,
    pub verdict: Verdict,
    pub created: Option<Timestamp>,
}

/// Returns the rows as a table; `width` is that of the terminal, where there is one.
pub fn status_table(
    rows: &[StatusRow],
    wide: bool,
    width: Option<usize>,
    now: Timestamp,
    styles: &Styles,
) -> String {
    let columns: Vec<Column> = [
        Column::new("MODEL", 0),
        Column::new("CLUSTER", 0),
        Column::new("READY", 0),
        Column::new("STATE", 0),
        Column::new("AGE", 1),
    ]
    .into_iter()
    .chain(wide.then_some(WIDE).into_iter().flatten())
    .chain([Column::new("REASON", 0)])
    .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| cells(row, wide, now, styles))
        .collect();
    table(&columns, &rows, width, styles)
}

const WIDE: [Column; 4] = [
    Column::new("CLOUD", 3),
    Column::new("REGION", 2),
    Column::new("TARGET", 4),
    Column::new("OWNED", 5),
];

/// A reason in a table of Markdown is shown to this length, in characters: the whole table grows as wide.
const REASON: usize = 200;

/// Returns the rows as a table of Markdown, and below it the clusters that could not be read.
pub fn status_markdown(rows: &[StatusRow], problems: &[Problem], now: Timestamp) -> String {
    let line = |row: &StatusRow| {
        let mut cells = cells(row, false, now, &Styles::PLAIN);
        if let Some(reason) = cells.last_mut() {
            *reason = markdown::code(&reason.chars().take(REASON).collect::<String>());
        }
        format!("| {} |\n", cells.join(" | "))
    };
    let head = "| Model | Cluster | Ready | State | Age | Reason |\n|---|---|--:|---|--:|---|\n";
    let (lines, left) = markdown::take(rows.iter().map(line), markdown::ROOM / 2);
    let problems = markdown::problems(problems, markdown::ROOM / 2);
    let left = match left {
        0 => String::new(),
        left => format!("\n{} not shown\n", text::count(left, "more row")),
    };
    [head, &lines, &left, &problems].concat()
}

fn cells(row: &StatusRow, wide: bool, now: Timestamp, styles: &Styles) -> Vec<String> {
    let verdict = &row.verdict;
    let style = Style::of(verdict.state);
    let ready = if verdict.state == State::Written {
        "-".to_owned()
    } else {
        format!("{}/{}", verdict.ready, verdict.want)
    };
    let age = row
        .created
        .and_then(|created| Duration::try_from(now.duration_since(created)).ok());
    let mut cells = vec![
        row.model.clone(),
        row.cluster.to_string(),
        ready,
        styles.paint(style, verdict.state.word()),
        age.map_or("-".to_owned(), text::whole_seconds),
    ];
    if wide {
        let owned = if row.owned { "yes" } else { "no" };
        cells.extend([
            row.cloud.to_string(),
            row.region.clone().unwrap_or("-".into()),
            row.target.clone(),
            owned.into(),
        ]);
    }
    cells.push(text::visible(&verdict.reason_at(now), &[]));
    cells
}
