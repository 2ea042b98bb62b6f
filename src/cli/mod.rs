//! The command line: one file per command, each with its clap types and `run(app, args)`.

mod apply;
mod carry;
mod check;
mod config;
mod delete;
mod deploy;
mod flags;
mod plan;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::app::{App, Flags};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::host::Host;
use crate::report::{Color, Format};
use crate::value::ClusterName;

/// Run AI models on GPU clusters of more than one cloud, from one manifest
#[derive(Parser)]
#[command(
    name = "mcai",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(clap::Args)]
struct SharedArgs {
    /// Read this manifest instead of the nearest mcai.yaml (`-` is standard input)
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "MCAI_MANIFEST",
        hide_env_values = true
    )]
    manifest: Option<PathBuf>,
    /// Go to this directory first
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    chdir: Option<PathBuf>,
    /// Read this kubeconfig instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Reach a cluster through another kubeconfig context than the manifest's (repeatable)
    #[arg(long = "context", global = true, value_name = "CLUSTER=CONTEXT", value_parser = cluster_context)]
    contexts: Vec<(ClusterName, String)>,
    /// Use colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = false
    )]
    color: Color,
    /// Print answers and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Never ask; fail and name the flag that answers
    #[arg(long, global = true)]
    no_input: bool,
}

#[derive(Subcommand)]
enum Command {
    Check(check::CheckArgs),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Plan(plan::PlanArgs),
    Deploy(deploy::DeployArgs),
    Apply(apply::ApplyArgs),
    Status(status::StatusArgs),
    Delete(delete::DeleteArgs),
}

impl Command {
    fn format(&self) -> Format {
        match self {
            Command::Check(args) => args.output,
            Command::Config(config::ConfigCommand::View(args)) => args.output,
            Command::Plan(args) => args.output,
            Command::Deploy(args) => args.rollout.output,
            Command::Apply(args) => args.rollout.output,
            Command::Status(args) => args.output,
            Command::Delete(args) => args.rollout.output,
        }
    }

    fn run(self, app: &App) -> Result<Exit, Failure> {
        match self {
            Command::Check(args) => check::run(app, &args),
            Command::Config(config::ConfigCommand::View(args)) => config::view(app, &args),
            Command::Plan(args) => plan::run(app, &args),
            Command::Deploy(args) => deploy::run(app, &args),
            Command::Apply(args) => apply::run(app, &args),
            Command::Status(args) => status::run(app, &args),
            Command::Delete(args) => delete::run(app, &args),
        }
    }
}

fn cluster_context(text: &str) -> Result<(ClusterName, String), String> {
    let (cluster, context) = text
        .split_once('=')
        .filter(|(_, context)| !context.is_empty())
        .ok_or("expected CLUSTER=CONTEXT")?;
    Ok((cluster.parse()?, context.to_owned()))
}

/// Runs the program; a panic is a bug and has its own exit code.
pub fn main() -> ExitCode {
    std::panic::catch_unwind(run).unwrap_or_else(|_| code(Exit::Bug))
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(u8::try_from(exit.code()).unwrap_or(u8::MAX))
}

fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let mut host = Host::real();
    let format = args.command.format();
    let flags = Flags {
        manifest: args.shared.manifest,
        kubeconfig: args.shared.kubeconfig,
        contexts: args.shared.contexts,
        color: args.shared.color,
        quiet: args.shared.quiet,
        no_input: args.shared.no_input,
    };
    let moved = args
        .shared
        .chdir
        .map(|directory| go_to(&mut host, &directory));
    let app = App::new(host, flags, format);
    let result = match moved {
        Some(Err(failure)) => Err(failure),
        _ => args.command.run(&app),
    };
    let exit = result.unwrap_or_else(|failure| {
        app.report.failure(&failure);
        failure.exit
    });
    // An answer that could not be written whole is no success.
    let exit = if app.report.is_cut() && exit == Exit::Reached {
        Exit::Error
    } else {
        exit
    };
    code(exit)
}

fn go_to(host: &mut Host, directory: &std::path::Path) -> Result<(), Failure> {
    let target = host.directory.join(directory);
    let there = std::env::set_current_dir(&target).and_then(|()| std::env::current_dir());
    host.directory = there.map_err(|error| {
        Problem::error(Kind::Usage, "cannot go to the directory")
            .detail(format!("`{}`", directory.display()))
            .chain(&error)
    })?;
    Ok(())
}

/// Help and version are answers; everything else is a wrong command line.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Reached,
        _ => Exit::Usage,
    };
    // A closed pipe is no failure.
    let _ = error.print();
    code(exit)
}
