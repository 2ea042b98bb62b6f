//! `mcai cost`: the query of prices by itself, and the commands about prices below it.

mod query;

use clap::{Args, Subcommand};

use super::Call;
use super::shared::With;

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
enum CostCommand {}

impl CostArgs {
    pub(super) fn call(self) -> Call {
        match self.command {
            None => self.query.call(query::run, |args| args.output),
            Some(command) => match command {},
        }
    }
}
