//! `mcai cost export`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::cli::forms;
use crate::failure::{Exit, Failure};
use crate::price::export::export;
use crate::report::contract::ExportResult;
use crate::report::{Format, export_text};

/// Write all prices as CSV tables for other tools
///
/// Each cloud has a folder with `prices.csv` and, where prices have moved, `history.csv`; other sellers share `others`. Prices that can't be
/// true are left out.
#[derive(Args)]
#[command(help_template = crate::cli::help::LAYOUT, before_help = "\
Examples:
  mcai cost export prices")]
pub(super) struct ExportArgs {
    /// Folder for the tables; only tables of prices in it are replaced
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &ExportArgs) -> Result<Exit, Failure> {
    let project = app.project_if_any()?;
    let catalog = app.catalog(project.as_ref())?;
    let exported = export(&catalog, &app.host.directory.join(&args.folder))?;
    let report = &app.report;
    report.answer(&ExportResult::from(&exported), || {
        export_text(&exported, report.format)
    });
    Ok(Exit::Reached)
}
