//! `mcai completion`: what a shell needs to complete mcai's words. The names come from `names`, while the user types.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::{Args, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::words;
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
            Shell::Bash => &WholeWords,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
            Shell::Powershell => &Powershell,
        }
    }
}

/// Tells mcai that a shell asks for words, and which shell. clap's own name for it, COMPLETE, may be in use.
const VARIABLE: &str = "MCAI_COMPLETE";

/// Answers a shell that asks for words; says whether one did.
pub(super) fn answer() -> Result<bool, clap::Error> {
    let directory = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .shells(Shells(&[&WholeWords, &Fish, &Powershell, &Zsh]))
        .try_complete(std::env::args_os(), directory.as_deref())
}

const LAST_WORD: &str = r#"        words[COMP_CWORD]="$2"
"#;
/// Right after a `=`, bash says that the `=` is the word.
const LAST_WORD_OR_NONE: &str = r#"        if [[ "${words[COMP_CWORD]}" == "=" && -z "$2" ]]; then
            words=("${words[@]:0:COMP_CWORD+1}" "")
            _CLAP_COMPLETE_INDEX=$((COMP_CWORD + 1))
        else
            words[COMP_CWORD]="$2"
        fi
"#;

/// Completion for bash, which cuts words at `=` and wants only what comes after it.
struct WholeWords;

impl EnvCompleter for WholeWords {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        program: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut stub = Vec::new();
        Bash.write_registration(variable, name, program, completer, &mut stub)?;
        let stub = String::from_utf8_lossy(&stub).replace(LAST_WORD, LAST_WORD_OR_NONE);
        out.write_all(stub.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        directory: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let variable = |name| std::env::var(name).ok();
        let index = variable("_CLAP_COMPLETE_INDEX").and_then(|index| index.parse().ok());
        let typed = words.into_iter().take(index.unwrap_or(0) + 1);
        let words = words::rejoin(typed);
        let before_equals = words
            .last()
            .and_then(|word| word.to_str()?.rfind('='))
            .map_or(0, |at| at + 1);
        let at = words.len().saturating_sub(1);
        let found = clap_complete::engine::complete(command, words, at, directory)?;
        let separator = variable("_CLAP_IFS").unwrap_or("\n".to_owned());
        for (number, candidate) in found.iter().enumerate() {
            let word = candidate.get_value().to_string_lossy();
            let word = word.get(before_equals..).unwrap_or_default();
            let separator = if number == 0 { "" } else { &separator };
            write!(out, "{separator}{word}")?;
        }
        Ok(())
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
        .write_registration(VARIABLE, "mcai", "mcai", "mcai", &mut stub)
        .map_err(|error| Problem::error(Kind::Internal, "no completion").chain(&error))?;
    app.report.data(&String::from_utf8_lossy(&stub));
    Ok(Exit::Reached)
}
