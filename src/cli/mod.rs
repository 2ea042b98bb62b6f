//! The command line: one file per command, each with its clap types and `run(app, args)`.

mod apply;
mod carry;
mod check;
mod completion;
mod config;
mod delete;
mod deploy;
mod flags;
mod forms;
mod help;
mod man;
mod names;
mod plan;
mod schema;
mod shared;
mod status;
mod usage;
mod words;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::CompleteEnv;

use self::shared::{SharedArgs, With};
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::host::Host;
use crate::report::{self, Format};

/// Run AI models on GPU clusters of more than one cloud, from one manifest
#[derive(Parser)]
#[command(
    name = "mcai",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    help_template = help::LAYOUT,
    before_help = "\
Examples:
  mcai check                                     everything that can be known offline
  mcai plan                                      what would change on every cluster
  mcai deploy llama-3-8b --clouds aws,gcp        bring a model to some of them, and wait
  mcai status -o wide                            how every model stands",
    after_help = "`mcai help COMMAND` has examples and all flags; `mcai help exit-codes` and `mcai help environment` are for scripts."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    shared: SharedArgs,
}

// Deferred: only the command that is called is built, which is most of the time of a start.
#[derive(Subcommand)]
#[command(defer = true)]
enum Command {
    Check(With<check::CheckArgs>),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Plan(With<plan::PlanArgs>),
    Deploy(With<deploy::DeployArgs>),
    Apply(With<apply::ApplyArgs>),
    Status(With<status::StatusArgs>),
    Delete(With<delete::DeleteArgs>),
    Schema(With<schema::SchemaArgs>),
    Completion(With<completion::CompletionArgs>),
    Man(With<man::ManArgs>),
    Help(With<help::HelpArgs>),
}

impl Command {
    fn format(&self) -> Format {
        match self {
            Command::Check(args) => args.own.output,
            Command::Config(config::ConfigCommand::View(args)) => args.own.output,
            Command::Plan(args) => args.own.output,
            Command::Deploy(args) => args.own.rollout.output,
            Command::Apply(args) => args.own.rollout.output,
            Command::Status(args) => args.own.output,
            Command::Delete(args) => args.own.rollout.output,
            Command::Schema(args) => args.own.output,
            Command::Completion(_) | Command::Man(_) | Command::Help(_) => Format::Table,
        }
    }

    fn take_shared(&mut self) -> SharedArgs {
        std::mem::take(match self {
            Command::Check(args) => &mut args.shared,
            Command::Config(config::ConfigCommand::View(args)) => &mut args.shared,
            Command::Plan(args) => &mut args.shared,
            Command::Deploy(args) => &mut args.shared,
            Command::Apply(args) => &mut args.shared,
            Command::Status(args) => &mut args.shared,
            Command::Delete(args) => &mut args.shared,
            Command::Schema(args) => &mut args.shared,
            Command::Completion(args) => &mut args.shared,
            Command::Man(args) => &mut args.shared,
            Command::Help(args) => &mut args.shared,
        })
    }

    fn run(self, app: &App) -> Result<Exit, Failure> {
        match self {
            Command::Check(args) => check::run(app, &args.own),
            Command::Config(config::ConfigCommand::View(args)) => config::view(app, &args.own),
            Command::Plan(args) => plan::run(app, &args.own),
            Command::Deploy(args) => deploy::run(app, &args.own),
            Command::Apply(args) => apply::run(app, &args.own),
            Command::Status(args) => status::run(app, &args.own),
            Command::Delete(args) => delete::run(app, &args.own),
            Command::Schema(args) => schema::run(app, &args.own),
            Command::Completion(args) => completion::run(app, &args.own),
            Command::Man(args) => man::run(app, &args.own),
            Command::Help(args) => help::run(app, &args.own),
        }
    }
}

/// Returns the command line as clap knows it, under the name that it is called by.
fn command() -> clap::Command {
    let command = Args::command().mut_subcommands(|command| command.help_template(help::LAYOUT));
    match is_plugin() {
        true => command.bin_name("kubectl mcai"),
        false => command,
    }
}

/// Whether kubectl runs mcai as its plugin.
fn is_plugin() -> bool {
    let program = std::env::args_os().next().unwrap_or_default();
    Path::new(&program)
        .file_stem()
        .is_some_and(|name| name == "kubectl-mcai")
}

/// Runs the program; a panic is a bug and has its own exit code.
pub fn main() -> ExitCode {
    CompleteEnv::with_factory(completion::command).complete();
    std::panic::set_hook(Box::new(|panic| report::bug(&panic.to_string())));
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let exit = std::panic::catch_unwind(|| run(&words));
    let exit = exit.unwrap_or_else(|_| usage::after_a_bug(&words));
    ExitCode::from(u8::try_from(exit.code()).unwrap_or(u8::MAX))
}

fn run(words: &[OsString]) -> Exit {
    let matches = command().try_get_matches();
    let mut args = match matches.and_then(|mut matches| Args::from_arg_matches_mut(&mut matches)) {
        Ok(args) => args,
        Err(error) => return usage::exit(&error, words),
    };
    let shared = args.shared.then(args.command.take_shared());
    shared.start_log();
    let mut host = Host::real();
    let moved = match &shared.chdir {
        Some(directory) => go_to(&mut host, directory),
        None => Ok(()),
    };
    let app = App::new(host, shared.into(), args.command.format());
    let result = moved.and_then(|()| args.command.run(&app));
    let exit = result.unwrap_or_else(|failure| {
        app.report.failure(&failure);
        failure.exit
    });
    // An answer that could not be written whole is no success.
    match exit {
        Exit::Reached if app.report.is_cut() => Exit::Error,
        exit => exit,
    }
}

fn go_to(host: &mut Host, directory: &Path) -> Result<(), Failure> {
    let target = host.directory.join(directory);
    let there = std::env::set_current_dir(&target).and_then(|()| std::env::current_dir());
    host.directory = there.map_err(|error| {
        Problem::error(Kind::Usage, "cannot go to the directory")
            .detail(format!("`{}`", directory.display()))
            .chain(&error)
    })?;
    Ok(())
}
