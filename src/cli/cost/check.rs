//! `mcai cost check`.

use clap::Args;

use crate::app::App;
use crate::cli::forms;
use crate::failure::{Exit, Failure};
use crate::price::review::review;
use crate::report::contract::PriceCheck;
use crate::report::{Format, review_names, review_text};

/// List prices that can't be true, wait to be accepted or were left out
#[derive(Args)]
#[command(help_template = crate::cli::help::LAYOUT, before_help = "\
Examples:
  mcai cost check
  mcai cost check -o json | jq -r '.lastRefresh[].setAside[].reason'
  mcai cost check -o name                   prices to look at, by name
  mcai cost check --detailed-exitcode       exit with 2 when a person should look")]
pub(super) struct CheckArgs {
    /// Exit with 2 when a price can't be true, waits or can't be read
    #[arg(long)]
    detailed_exitcode: bool,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &CheckArgs) -> Result<Exit, Failure> {
    let project = app.project_if_any()?;
    let catalog = app.catalog(project.as_ref())?;
    let kept = app.catalog_path(project.as_ref());
    let review = review(&catalog, kept.as_deref())?;
    let report = &app.report;
    report.answer(&PriceCheck::from(&review), || match report.format {
        Format::Name => review_names(&review),
        format => review_text(&review, format == Format::Wide, report.width, &report.out),
    });
    Ok(match args.detailed_exitcode && !review.is_well() {
        true => Exit::Changes,
        false => Exit::Reached,
    })
}
