//! Tables that fit the terminal: what matters least is left out, and the last column's prose folds. In a pipe nothing
//! is cut, folded or left out.

use comfy_table::{ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::style::{Style, Styles};

/// Returns names with what each is, folded to the terminal.
pub fn list_text<'a>(
    headings: [&'static str; 2],
    rows: impl IntoIterator<Item = (&'a str, &'a str)>,
    width: Option<usize>,
) -> String {
    let columns = headings.map(|heading| Column::new(heading, 0));
    let rows = rows.into_iter();
    let rows: Vec<Vec<String>> = rows
        .map(|(name, about)| vec![name.to_owned(), about.to_owned()])
        .collect();
    table(&columns, &rows, width, &Styles::PLAIN)
}

/// A column's heading, and whether it stays where the terminal is narrow.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub heading: &'static str,
    /// The highest is left out first; 0 stays.
    pub dispensable: u8,
    /// Whether its cells are numbers, which stand at the right.
    is_number: bool,
}

impl Column {
    pub(super) const fn new(heading: &'static str, dispensable: u8) -> Self {
        Column {
            heading,
            dispensable,
            is_number: false,
        }
    }

    pub(super) const fn number(heading: &'static str, dispensable: u8) -> Self {
        Column {
            heading,
            dispensable,
            is_number: true,
        }
    }

    /// Returns what stands below its heading in Markdown.
    pub(super) fn markdown_rule(&self) -> &'static str {
        if self.is_number { "--:" } else { "---" }
    }
}

const GAP: usize = 2;
/// The last column's prose is not folded narrower than this: it gets a line of its own instead.
const NARROWEST: usize = 24;

/// Returns the rows as a table; `width` is that of the terminal, where there is one. The last column is prose.
pub(super) fn table(
    columns: &[Column],
    rows: &[Vec<String>],
    width: Option<usize>,
    styles: &Styles,
) -> String {
    let Some(width) = width else {
        return laid_out(columns, rows, None);
    };
    let mut left = fitting(columns, rows, width);
    let omitted = (0..columns.len()).filter(|column| !left.contains(column));
    let omitted: Vec<&str> = omitted.map(|column| columns[column].heading).collect();
    let prose = left.pop().unwrap_or_default();
    let room = width.saturating_sub(span(columns, rows, &left));
    let needed = widest(columns, rows, prose);
    let mut text = if room >= needed.min(NARROWEST) {
        left.push(prose);
        let (columns, rows) = only(columns, rows, &left);
        laid_out(&columns, &rows, Some(width))
    } else {
        let (columns, shown) = only(columns, rows, &left);
        let lines = laid_out(&columns, &shown, None);
        let with_prose =
            |(line, row): (&str, Option<&Vec<String>>)| match row.map(|row| &row[prose]) {
                Some(words) if !words.is_empty() => format!("{line}\n{}\n", below(words, width)),
                _ => format!("{line}\n"),
            };
        // The heading has no row.
        let rows = std::iter::once(None).chain(rows.iter().map(Some));
        lines.lines().zip(rows).map(with_prose).collect()
    };
    text.push_str(&left_out(&omitted, width, styles));
    text
}

/// Returns rows of figures as a table, without prose. Where it is too wide for the terminal, the first column becomes a
/// line above the rows that share it, before others are left out.
pub(super) fn grid(
    columns: &[Column],
    rows: &[Vec<String>],
    width: Option<usize>,
    styles: &Styles,
) -> String {
    let all: Vec<usize> = (0..columns.len()).collect();
    let taken = |which: &[usize]| span(columns, rows, which).saturating_sub(GAP);
    let Some(width) = width.filter(|width| taken(&all) > *width) else {
        return laid_out(columns, rows, None);
    };
    let mut left = all[1..].to_vec();
    let mut omitted = Vec::new();
    while taken(&left) > width
        && let Some(column) = most_dispensable(columns, &left)
    {
        left.retain(|known| *known != column);
        omitted.push(columns[column].heading);
    }
    let (columns, cells) = only(columns, rows, &left);
    let lines = laid_out(&columns, &cells, None);
    let mut lines = lines.lines();
    let mut text = lines
        .next()
        .map_or(String::new(), |line| format!("{line}\n"));
    let mut above = None;
    for (line, row) in lines.zip(rows) {
        let title = row.first();
        if above != title {
            let title = title.map_or("", String::as_str);
            text.push_str(&format!("{}\n", styles.paint(Style::Name, title)));
        }
        above = title;
        text.push_str(&format!("{line}\n"));
    }
    text + &left_out(&omitted, width, styles)
}

/// Says which columns are not shown.
fn left_out(headings: &[&str], width: usize, styles: &Styles) -> String {
    if headings.is_empty() {
        return String::new();
    }
    let headings = headings.join(", ");
    let words = format!("({headings} left out: the terminal has {width} columns)");
    styles.paint(Style::Dim, words) + "\n"
}

fn most_dispensable(columns: &[Column], among: &[usize]) -> Option<usize> {
    let rank = |column: &usize| columns[*column].dispensable;
    let column = among.iter().copied().max_by_key(rank)?;
    (rank(&column) > 0).then_some(column)
}

fn below(words: &str, width: usize) -> String {
    let options = textwrap::Options::new(width.max(NARROWEST))
        .initial_indent("    ")
        .subsequent_indent("    ");
    textwrap::fill(words, options)
}

/// Returns which columns stay so that all but the last fit the terminal.
fn fitting(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..columns.len()).collect();
    let is_too_wide = |left: &[usize]| span(columns, rows, &left[..left.len() - 1]) > width;
    while is_too_wide(&left)
        && let Some(column) = most_dispensable(columns, &left)
    {
        left.retain(|known| *known != column);
    }
    left
}

/// Returns how many characters the columns take, gaps included.
fn span(columns: &[Column], rows: &[Vec<String>], which: &[usize]) -> usize {
    which
        .iter()
        .map(|column| widest(columns, rows, *column) + GAP)
        .sum()
}

fn widest(columns: &[Column], rows: &[Vec<String>], column: usize) -> usize {
    let cells = rows.iter().map(|row| row[column].as_str());
    let widths = cells.map(|cell| anstream::adapter::strip_str(cell).to_string().width());
    widths.fold(columns[column].heading.width(), usize::max)
}

fn only(
    columns: &[Column],
    rows: &[Vec<String>],
    which: &[usize],
) -> (Vec<Column>, Vec<Vec<String>>) {
    let column = |at: &usize| columns[*at];
    let row = |row: &Vec<String>| which.iter().map(|at| row[*at].clone()).collect();
    (
        which.iter().map(column).collect(),
        rows.iter().map(row).collect(),
    )
}

fn laid_out(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match width.and_then(|width| u16::try_from(width).ok()) {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_header(columns.iter().map(|column| column.heading));
    table.add_rows(rows);
    let last = columns.len().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        if columns[at].is_number {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        column.set_padding((0, if at == last { 0 } else { GAP as u16 }));
        if at != last {
            column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
        }
    }
    let lines = table.lines();
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("MODEL", 0),
        Column::new("AGE", 1),
        Column::new("TARGET", 2),
        Column::new("REASON", 0),
    ];

    fn at(width: Option<usize>) -> String {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row([
                "llama-3-8b",
                "2 min",
                "eks-prod",
                "no node has enough free nvidia.com/gpu",
            ]),
            row(["größe-模型", "3 d", "gke", ""]),
        ];
        table(&COLUMNS, &rows, width, &Styles::PLAIN)
    }

    #[test]
    fn a_pipe_gets_everything_on_one_line() {
        let expected = "\
MODEL       AGE    TARGET    REASON
llama-3-8b  2 min  eks-prod  no node has enough free nvidia.com/gpu
größe-模型  3 d    gke
";
        assert_eq!(at(None), expected);
        assert_eq!(at(Some(100)), expected);
    }

    #[test]
    fn prose_folds_where_there_is_room_for_it() {
        assert_eq!(
            at(Some(56)),
            "\
MODEL       AGE    TARGET    REASON
llama-3-8b  2 min  eks-prod  no node has enough free
                             nvidia.com/gpu
größe-模型  3 d    gke
"
        );
    }

    #[test]
    fn prose_has_its_own_line_where_there_is_none() {
        assert_eq!(
            at(Some(40)),
            "\
MODEL       AGE    TARGET
llama-3-8b  2 min  eks-prod
    no node has enough free
    nvidia.com/gpu
größe-模型  3 d    gke
"
        );
    }

    #[test]
    fn what_matters_least_goes_first_and_is_named() {
        assert_eq!(
            at(Some(20)),
            "\
MODEL       AGE
llama-3-8b  2 min
    no node has enough
    free nvidia.com/gpu
größe-模型  3 d
(TARGET left out: the terminal has 20 columns)
"
        );
    }

    #[test]
    fn figures_stand_at_the_right_and_what_they_share_above_them() {
        let columns = [
            Column::new("GPU", 0),
            Column::new("TYPE", 0),
            Column::number("SPOT", 1),
            Column::number("$/H", 0),
        ];
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["L4-24GB", "g6.xlarge", "0.3", "0.805"]),
            row(["L4-24GB", "g6.48xlarge", "5.0", "13.350"]),
            row(["T4-16GB", "g4dn.xlarge", "-", "0.526"]),
        ];
        let at = |width| grid(&columns, &rows, width, &Styles::PLAIN);
        let wide = "\
GPU      TYPE         SPOT     $/H
L4-24GB  g6.xlarge     0.3   0.805
L4-24GB  g6.48xlarge   5.0  13.350
T4-16GB  g4dn.xlarge     -   0.526
";
        assert_eq!(at(None), wide);
        assert_eq!(at(Some(34)), wide);
        assert_eq!(
            at(Some(24)),
            "\
TYPE            $/H
L4-24GB
g6.xlarge     0.805
g6.48xlarge  13.350
T4-16GB
g4dn.xlarge   0.526
(SPOT left out: the terminal has 24 columns)
"
        );
    }
}
