//! `mcai completion`: what a shell needs to complete mcai's words. The names come from `names`, while the user types.

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};

/// Print the lines that make a shell complete mcai's words, with the manifest's own names
#[derive(Args)]
#[command(before_help = "\
Examples:
  source <(mcai completion bash)                                      in ~/.bashrc
  source <(mcai completion zsh)                                       in ~/.zshrc, after compinit
  mcai completion fish > ~/.config/fish/completions/mcai.fish
  mcai completion powershell | Out-String | Invoke-Expression         in $PROFILE")]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
            Shell::Powershell => &Powershell,
        }
    }
}

/// Returns the command line as completion sees it: names come first, flags when a `-` is typed or nothing else fits.
/// (What is hidden is offered where there is nothing that is not.)
pub(super) fn command() -> clap::Command {
    fn hide_flags(command: clap::Command) -> clap::Command {
        let command = command.mut_args(|arg| match arg.is_positional() {
            true => arg,
            false => arg.hide(true),
        });
        command.mut_subcommands(hide_flags)
    }
    let mut command = super::command();
    command.build();
    hide_flags(command)
}

pub(super) fn run(app: &App, args: &CompletionArgs) -> Result<Exit, Failure> {
    let mut stub = Vec::new();
    args.shell
        .completer()
        .write_registration("COMPLETE", "mcai", "mcai", "mcai", &mut stub)
        .map_err(|error| Problem::error(Kind::Internal, "no completion").chain(&error))?;
    app.report.data(&String::from_utf8_lossy(&stub));
    Ok(Exit::Reached)
}
