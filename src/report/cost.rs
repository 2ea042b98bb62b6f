//! Prices side by side, for a terminal, a page and a spreadsheet; and what to know about them.

use jiff::civil::Date;

use super::Format;
use super::markdown;
use super::problem::fold;
use super::style::{Style, Styles};
use super::table::{Column, grid};
use crate::cloud::{Capacity, InstanceType};
use crate::diagnostic::Problem;
use crate::price::{self, Answer, Row, SPOT_STALE_AFTER_DAYS, STALE_AFTER_DAYS, age_in_days};
use crate::text::{count, visible};
use crate::value::Usd;

/// An answer with what it takes to word it.
pub struct CostView<'a> {
    pub answer: &'a Answer,
    /// What is compared.
    pub capacities: &'a [Capacity],
    pub today: Date,
    /// Whether the sellers were named, so that others are no news.
    pub named_sellers: bool,
}

/// Stands where there is nothing to say.
const NONE: &str = "-";

/// Returns the offers as a table; `width` is that of the terminal, where there is one.
fn cost_table(view: &CostView<'_>, wide: bool, width: Option<usize>, styles: &Styles) -> String {
    let columns: Vec<Column> = columns(view, wide).collect();
    let rows = view.answer.rows.iter();
    let rows: Vec<Vec<String>> = rows.map(|row| view.cells(row, wide, styles)).collect();
    let mut text = grid(&columns, &rows, width, styles);
    for line in view.legend() {
        text.push_str(&styles.paint(Style::Dim, fold(&line, width)));
        text.push('\n');
    }
    text
}

fn columns(view: &CostView<'_>, wide: bool) -> impl Iterator<Item = Column> + use<> {
    let by = (view.capacities.len() > 1).then_some(Column::new("BY", 0));
    // What is compared stays where there is little room; of several, the one that counts is in the price of a GPU.
    let price = |heading, capacity: Capacity, dispensable| match view.capacities {
        [one] if *one == capacity => Column::number(heading, 0),
        _ => Column::number(heading, dispensable),
    };
    let first = [
        Column::new("GPU", 0),
        Column::new("CLOUD", 1),
        Column::new("REGION", 0),
        Column::new("INSTANCE TYPE", 0),
        Column::number("GPUS", 0),
        Column::number("$/GPU-H", 0),
    ];
    let prices = [
        price("ON-DEMAND", Capacity::OnDemand, 2),
        price("SPOT", Capacity::Spot, 4),
        price("1Y", Capacity::Reserved1y, 6),
        price("3Y", Capacity::Reserved3y, 7),
        Column::new("AS OF", 5),
    ];
    let wide = wide.then_some([
        Column::new("COUNTRY", 10),
        Column::number("VCPUS", 12),
        Column::number("MEM GIB", 13),
        Column::number("GPU GIB", 11),
        Column::number("$/GIB-H", 9),
        Column::new("SOURCE", 8),
    ]);
    let prices = by.into_iter().chain(prices);
    first
        .into_iter()
        .chain(prices)
        .chain(wide.into_iter().flatten())
}

impl CostView<'_> {
    fn cells(&self, row: &Row, wide: bool, styles: &Styles) -> Vec<String> {
        let offer = &row.offer;
        let mark = if row.choices.is_empty() { "" } else { " *" };
        let mut cells = vec![
            offer.gpu.name.clone(),
            offer.seller.to_string(),
            region(&offer.region),
            visible(&offer.instance_type, &[]) + mark,
            number(offer.gpus),
            row.per_gpu().map_or(NONE.to_owned(), dollars),
        ];
        if self.capacities.len() > 1 {
            let by = row.ranked.map_or(NONE, |(capacity, _)| capacity.word());
            cells.push(by.to_owned());
        }
        let prices = [
            Capacity::OnDemand,
            Capacity::Spot,
            Capacity::Reserved1y,
            Capacity::Reserved3y,
        ];
        cells.extend(prices.map(|capacity| self.price(row, capacity, styles)));
        cells.push(row.as_of().map_or(NONE.to_owned(), |day| day.to_string()));
        if wide {
            cells.extend(self.wide_cells(row));
        }
        cells
    }

    fn wide_cells(&self, row: &Row) -> [String; 6] {
        let offer = &row.offer;
        let instance = offer.instance();
        let of = |value: fn(&InstanceType) -> Option<f64>| number(instance.and_then(value));
        let per_gib = row.ranked.and_then(|(capacity, _)| offer.per_gib(capacity));
        let country = offer.country.map(|country| country.country.clone());
        [
            country.unwrap_or(NONE.to_owned()),
            of(|instance| instance.vcpus),
            of(|instance| instance.memory_gib),
            number(offer.gpu.memory_gib),
            per_gib.map_or(NONE.to_owned(), |usd| usd.rounded(4)),
            sources(row),
        ]
    }

    /// Returns a price, with the user's mark, and with its age where it is old.
    fn price(&self, row: &Row, capacity: Capacity, styles: &Styles) -> String {
        let Some(asked) = row.price(capacity) else {
            return NONE.to_owned();
        };
        let mark = if asked.is_yours() { " y" } else { "" };
        let words = dollars(asked.usd) + mark;
        match asked.as_of.filter(|_| self.is_old_beside(row, capacity)) {
            Some(day) => {
                let age = age_in_days(day, self.today);
                styles.paint(Style::Dim, format!("{words} ({age} d)"))
            }
            None => words,
        }
    }

    /// Whether a price is too old for its kind, and not the one whose day the row has.
    fn is_old_beside(&self, row: &Row, capacity: Capacity) -> bool {
        let is_compared = row.ranked.is_some_and(|(ranked, _)| ranked == capacity);
        let asked = row.price(capacity).filter(|_| !is_compared);
        asked.is_some_and(|asked| asked.is_stale(capacity, self.today))
    }

    /// Returns what the marks mean that occur, and how many regions are not shown.
    fn legend(&self) -> Vec<String> {
        let rows = || self.answer.rows.iter();
        let is_yours = |row: &Row| row.offer.prices.values().any(price::Asked::is_yours);
        let is_old = |row: &Row| {
            Capacity::ALL
                .iter()
                .any(|one| self.is_old_beside(row, *one))
        };
        let more = self.answer.more_regions();
        let lines = [
            (rows().any(|row| !row.choices.is_empty())).then(|| {
                let chosen = rows().filter(|row| !row.choices.is_empty());
                let names = chosen.map(|row| {
                    let name = visible(&row.offer.instance_type, &[]);
                    format!("{name} by {}", visible(&row.choices.join(", "), &[]))
                });
                format!(
                    "* chosen in the manifest: {}",
                    names.collect::<Vec<_>>().join("; ")
                )
            }),
            rows()
                .any(is_yours)
                .then(|| "y: by your own terms".to_owned()),
            rows().any(is_old).then(|| {
                format!(
                    "(N d): of N days ago; spot is not compared after {SPOT_STALE_AFTER_DAYS} days"
                )
            }),
            (more > 0).then(|| {
                let regions = count(more, "more region");
                format!("the cheapest region of each instance type; --all shows {regions}")
            }),
        ];
        lines.into_iter().flatten().collect()
    }

    /// Returns what to know about the prices: remarks for stderr, or below a page.
    pub fn notes(&self) -> Vec<String> {
        let answer = self.answer;
        let oldest = answer.oldest(self.today).unwrap_or(0);
        let others = answer.other_sellers.len();
        let elsewhere = answer.elsewhere.len();
        let refresh = "`mcai cost refresh` reads new ones";
        let notes = [
            answer.has_old_spot().then(|| {
                format!(
                    "spot prices move within weeks: old ones are shown, not compared; {refresh}"
                )
            }),
            (oldest > STALE_AFTER_DAYS)
                .then(|| format!("prices are up to {oldest} days old; {refresh}")),
            Answer::doubted_words(answer.doubted)
                .map(|words| format!("{words}; `mcai cost check` shows why")),
            (answer.nowhere > 0).then(|| {
                let offers = count(answer.nowhere, "offer");
                format!("{offers} left out: the country is not known")
            }),
            (elsewhere > 0).then(|| {
                let pools = count(elsewhere, "pool");
                format!("{pools} of the manifest left out: not where it was asked for")
            }),
            (others > 0 && !self.named_sellers).then(|| {
                let have = if others == 1 { "has" } else { "have" };
                let others = count(others, "other seller");
                format!("{others} {have} such machines, too; --all shows them")
            }),
        ];
        notes.into_iter().flatten().collect()
    }
}

/// Returns the offers as a table of Markdown, and below it what to know about them.
fn cost_markdown(view: &CostView<'_>, problems: &[Problem]) -> String {
    let columns: Vec<Column> = columns(view, false).collect();
    let heads: Vec<&str> = columns.iter().map(|column| column.heading).collect();
    let rules: Vec<&str> = columns.iter().map(Column::markdown_rule).collect();
    let line = |row: &Row| {
        let cells = view.cells(row, false, &Styles::PLAIN).into_iter();
        let cells = cells.enumerate().map(|(at, cell)| match heads[at] {
            "REGION" | "INSTANCE TYPE" => markdown::code(&cell),
            _ => cell,
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let head = format!("| {} |\n|{}|\n", heads.join(" | "), rules.join("|"));
    let rows = view.answer.rows.iter().map(line);
    let (lines, left) = markdown::take(rows, markdown::ROOM / 2);
    let left = (left > 0).then(|| format!("{} not shown", count(left, "more row")));
    let words = view.legend().into_iter().chain(view.notes()).chain(left);
    let words = words.map(|line| format!("\n{}\n", line.replace('*', "\\*")));
    let problems = markdown::problems(problems, markdown::ROOM / 4);
    [head, lines, words.collect(), problems].concat()
}

/// Returns `cloud/region/instance-type` for each offer, a line each.
fn cost_names(answer: &Answer) -> String {
    let rows = answer.rows.iter().map(|row| &row.offer);
    let line = |offer: &price::Offer| {
        let name = format!("{}/{}/{}", offer.seller, offer.region, offer.instance_type);
        visible(&name, &[]) + "\n"
    };
    rows.map(line).collect()
}

/// Returns the answer in a form for people.
pub fn cost_text(
    view: &CostView<'_>,
    format: Format,
    width: Option<usize>,
    styles: &Styles,
    problems: &[Problem],
) -> String {
    match format {
        Format::Markdown => cost_markdown(view, problems),
        Format::Name => cost_names(view.answer),
        Format::Csv => super::cost_csv(view),
        format => cost_table(view, format == Format::Wide, width, styles),
    }
}

fn region(name: &str) -> String {
    match name {
        "*" => "any".to_owned(),
        name => visible(name, &[]),
    }
}

fn dollars(usd: Usd) -> String {
    usd.rounded(3)
}

fn number(value: Option<f64>) -> String {
    value.map_or("?".to_owned(), |value| value.to_string())
}

/// Returns the sources of all prices of a row, each once.
fn sources(row: &Row) -> String {
    let mut sources: Vec<&str> = Vec::new();
    for asked in row.offer.prices.values() {
        if !sources.contains(&asked.source.as_str()) {
            sources.push(&asked.source);
        }
    }
    match sources.as_slice() {
        [] => NONE.to_owned(),
        sources => visible(&sources.join(" "), &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::{Catalog, Discount, Market, Query, Scope, Sort, Terms, machines};

    fn text_of(terms: &Terms, format: Format) -> String {
        let today = "2026-11-25".parse().unwrap();
        let query = Query {
            machines: machines("p5.48xlarge", terms).unwrap(),
            sellers: vec!["aws".parse().unwrap()],
            regions: vec!["us-east-1".to_owned()],
            residency: Vec::new(),
            capacities: vec![Capacity::OnDemand],
            sort: Sort::GpuPrice,
            every_region: false,
            choices: Vec::new(),
        };
        let market = Market {
            catalog: &Catalog::embedded(),
            terms,
            today,
        };
        let view = CostView {
            answer: &query.answer(&market).unwrap(),
            capacities: &query.capacities,
            today,
            named_sellers: true,
        };
        cost_text(&view, format, None, &Styles::PLAIN, &[])
    }

    #[test]
    fn prices_of_the_user_s_terms_are_marked() {
        let half = Discount {
            scope: Scope {
                capacities: Some(vec![Capacity::OnDemand]),
                ..Scope::default()
            },
            percent: 50.0,
            until: None,
        };
        let terms = Terms {
            discounts: vec![half],
            ..Terms::default()
        };
        let table = text_of(&terms, Format::Table);
        assert!(
            table.contains("  3.440   27.520 y  16.951 (139 d)"),
            "{table}"
        );
        assert!(table.contains("\ny: by your own terms\n"), "{table}");
        let csv = text_of(&terms, Format::Csv);
        assert!(
            csv.contains(",on-demand,27.52,3.44,0.043,55.04,2026-07-20,"),
            "{csv}"
        );
        let plain = text_of(&Terms::default(), Format::Table);
        assert!(!plain.contains("y: by your own terms"), "{plain}");
    }
}
