//! `mcai cost history`.

use std::str::FromStr;

use clap::Args;
use clap_complete::ArgValueCandidates;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::app::App;
use crate::cli::{forms, names};
use crate::cloud::{Capacity, Cloud, Seller};
use crate::failure::{Exit, Failure};
use crate::price::history::{moves, points};
use crate::price::store::history_path;
use crate::price::{self, Machine, Price, Terms};
use crate::report::contract::PriceHistory;
use crate::report::{Format, history_text};

/// Show how prices moved
#[derive(Args)]
#[command(help_template = crate::cli::help::LAYOUT, before_help = "\
Examples:
  mcai cost history                                       all moves of the last 30 days
  mcai cost history H100:8 --since 2026-01-01             of machines with eight H100
  mcai cost history --clouds gcp --capacity spot -o csv   every price, for a spreadsheet")]
pub(super) struct HistoryArgs {
    /// A GPU kind or a short name of it, with the number in a machine, or an instance type; all if none is named
    #[arg(value_name = "GPU[:COUNT]|INSTANCE")]
    what: Option<String>,
    /// The time: so many days back (`30d`), or from a day on (`2026-10-01`)
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: Since,
    /// Clouds
    #[arg(long, value_name = "CLOUD", value_delimiter = ',', add = ArgValueCandidates::new(names::clouds))]
    clouds: Vec<Cloud>,
    /// Regions
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// Capacities: on-demand, spot, reserved-1y, reserved-3y
    #[arg(long, value_name = "CAPACITY", value_delimiter = ',')]
    capacity: Vec<Capacity>,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::of_prices(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

/// From when on.
#[derive(Clone, Copy, Debug)]
enum Since {
    Days(i32),
    Day(Date),
}

/// No history is longer, and calendars can still count it.
const MOST_DAYS: i32 = 10_000;

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        let days = days.filter(|days| (0..=MOST_DAYS).contains(days));
        match (days, text.parse()) {
            (Some(days), _) => Ok(Since::Days(days)),
            (None, Ok(day)) => Ok(Since::Day(day)),
            _ => Err(format!(
                "`{text}` is neither days such as 30d nor a day such as 2026-10-01"
            )),
        }
    }
}

impl Since {
    fn day(self, today: Date) -> Date {
        match self {
            Since::Days(days) => today.saturating_sub(days.days()),
            Since::Day(day) => day,
        }
    }
}

pub(super) fn run(app: &App, args: &HistoryArgs) -> Result<Exit, Failure> {
    let project = app.project_if_any()?;
    let machines = args.what.as_deref();
    let machines = machines.map(|word| price::machines(word, &Terms::default()));
    let machines = machines.transpose()?;
    let file = app.catalog_path(project.as_ref());
    let file = file.map(|path| history_path(&path));
    let is_wanted = |seller: Seller, instance_type: &str| {
        let is_named = |cloud: &Cloud| cloud.id == seller.id();
        (args.clouds.is_empty() || args.clouds.iter().any(is_named))
            && machines
                .as_ref()
                .is_none_or(|machines| are_covered(machines, seller, instance_type))
    };
    let mut points = points(file.as_deref(), &is_wanted)?;
    points.retain(|point| args.covers(point));
    let since = args.since.day(app.host.today());
    let moves = moves(&points, since);
    let report = &app.report;
    report.answer(&PriceHistory::new(&moves, since), || {
        history_text(&moves, since, report.format)
    });
    if moves.is_empty() && report.format.is_for_people() {
        report.talk(&format!("no price is known to have moved since {since}"));
    }
    Ok(Exit::Reached)
}

impl HistoryArgs {
    fn covers(&self, point: &Price) -> bool {
        let key = &point.key;
        (self.region.is_empty() || self.region.contains(&key.region))
            && (self.capacity.is_empty() || self.capacity.contains(&key.capacity))
    }
}

fn are_covered(machines: &[Machine], seller: Seller, instance_type: &str) -> bool {
    let row = seller.instance(instance_type);
    row.is_some_and(|row| machines.iter().any(|machine| machine.is(row)))
}
