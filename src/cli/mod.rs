//! The command line: one file per command, each with its clap types and `run(app, args)`.

mod apply;
mod carry;
mod check;
mod completion;
mod config;
mod cost;
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
  mcai status -o wide                            how every model stands
  mcai cost H100:8 --residency eu                what machines with GPUs cost, side by side",
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
    Cost(Box<cost::CostArgs>),
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
    fn call(self) -> Call {
        match self {
            Command::Check(args) => args.call(check::run, |args| args.output),
            Command::Config(config::ConfigCommand::View(args)) => {
                args.call(config::view, |args| args.output)
            }
            Command::Cost(args) => args.call(),
            Command::Plan(args) => args.call(plan::run, |args| args.output),
            Command::Deploy(args) => args.call(deploy::run, |args| args.rollout.output),
            Command::Apply(args) => args.call(apply::run, |args| args.rollout.output),
            Command::Status(args) => args.call(status::run, |args| args.output),
            Command::Delete(args) => args.call(delete::run, |args| args.rollout.output),
            Command::Schema(args) => args.call(schema::run, |args| args.output),
            Command::Completion(args) => args.call(completion::run, |_| Format::Table),
            Command::Man(args) => args.call(man::run, |_| Format::Table),
            Command::Help(args) => args.call(help::run, |_| Format::Table),
        }
    }
}

/// A command that is ready to run.
struct Call {
    shared: SharedArgs,
    format: Format,
    run: Box<Run>,
}

type Run = dyn FnOnce(&App) -> Result<Exit, Failure>;

impl<T: clap::Args + 'static> With<T> {
    fn call(self, run: fn(&App, &T) -> Result<Exit, Failure>, format: fn(&T) -> Format) -> Call {
        let With { own, shared } = self;
        Call {
            shared,
            format: format(&own),
            run: Box::new(move |app| run(app, &own)),
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
    std::panic::set_hook(Box::new(|panic| report::bug(&panic.to_string())));
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let exit = std::panic::catch_unwind(|| run(&words));
    let exit = exit.unwrap_or_else(|_| usage::after_a_bug(&words));
    ExitCode::from(u8::try_from(exit.code()).unwrap_or(u8::MAX))
}

fn run(words: &[OsString]) -> Exit {
    match completion::answer() {
        Ok(false) => {}
        Ok(true) => return Exit::Reached,
        Err(error) => return usage::exit(&error, words),
    }
    let command = || command().color(usage::color(words));
    let matches = command().try_get_matches().or_else(|error| {
        // What is deferred is missing in the list of commands; help has time to build it all.
        let mut command = command();
        match usage::is_help(&error) {
            true => {
                command.build();
                command.try_get_matches()
            }
            false => Err(error),
        }
    });
    let args = match matches.and_then(|mut matches| Args::from_arg_matches_mut(&mut matches)) {
        Ok(args) => args,
        Err(error) => return usage::exit(&error, words),
    };
    let call = args.command.call();
    let shared = args.shared.then(call.shared);
    shared.start_log();
    // No bug is known that would show how mcai ends after one. Release builds leave this out.
    debug_assert!(
        std::env::var_os("MCAI_TEST_BUG").is_none(),
        "a bug on order"
    );
    let mut host = Host::real();
    let moved = match &shared.chdir {
        Some(directory) => go_to(&mut host, directory),
        None => Ok(()),
    };
    let flags = shared.flags(&host);
    let mut app = App::new(host, flags, call.format);
    let result = moved
        .and_then(|()| app.report.prepare())
        .and_then(|()| (call.run)(&app));
    let exit = result.unwrap_or_else(|failure| {
        app.report.failure(&failure);
        failure.exit
    });
    // An answer that could not be written whole is no success.
    match exit {
        Exit::Reached | Exit::Changes if app.report.is_cut() => Exit::Error,
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
