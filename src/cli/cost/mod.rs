//! `mcai cost`: the query of prices by itself, and the commands about prices below it.

mod check;
mod estimate;
mod export;
mod history;
mod query;
mod refresh;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Call;
use super::shared::With;
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::Failure;

/// Compare what GPU machines cost
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, before_help = query::EXAMPLES)]
pub(super) struct CostArgs {
    #[command(subcommand)]
    command: Option<CostCommand>,
    #[command(flatten)]
    query: With<query::QueryArgs>,
}

#[derive(Subcommand)]
#[command(defer = true)]
enum CostCommand {
    Estimate(With<estimate::EstimateArgs>),
    Refresh(With<refresh::RefreshArgs>),
    Check(With<check::CheckArgs>),
    History(With<history::HistoryArgs>),
    Export(With<export::ExportArgs>),
}

impl CostArgs {
    pub(super) fn call(self) -> Call {
        match self.command {
            None => self.query.call(query::run, |args| args.output),
            Some(CostCommand::Estimate(args)) => args.call(estimate::run, |args| args.output),
            Some(CostCommand::Refresh(args)) => args.call(refresh::run, |args| args.output),
            Some(CostCommand::Check(args)) => args.call(check::run, |args| args.output),
            Some(CostCommand::History(args)) => args.call(history::run, |args| args.output),
            Some(CostCommand::Export(args)) => args.call(export::run, |args| args.output),
        }
    }
}

/// Returns where refreshed prices are: the named file, else the manifest's, else the user's. There may be none yet.
fn catalog_path(app: &App, named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(app.host.directory.join(path));
    }
    let project = app.project_if_any()?;
    app.catalog_path(project.as_ref()).ok_or_else(|| {
        Problem::error(Kind::Io, "no folder for prices")
            .detail("the user has no home directory")
            .hint("name a file with `--out FILE`")
            .into()
    })
}
