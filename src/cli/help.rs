//! `mcai help`: of commands, and of topics that belong to all of them.

use clap::Args;

use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::host::VARIABLES;
use crate::report::list_text;

/// How help is laid out: what the command is for, how it is used, and only then all that it takes.
pub(super) const LAYOUT: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// Print help for a command, or about a topic: `exit-codes`, `environment`
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai help deploy
  mcai help exit-codes
  mcai help environment")]
pub(super) struct HelpArgs {
    /// A command with its subcommand, or a topic
    #[arg(value_name = "COMMAND|TOPIC", add = clap_complete::ArgValueCandidates::new(subjects))]
    words: Vec<String>,
}

const TOPICS: [&str; 2] = ["exit-codes", "environment"];

fn topic(name: &str, width: Option<usize>) -> Option<String> {
    match name {
        "exit-codes" => Some(exit_codes()),
        "environment" => Some(environment(width)),
        _ => None,
    }
}

pub(super) fn run(app: &App, args: &HelpArgs) -> Result<Exit, Failure> {
    if let [name] = args.words.as_slice()
        && let Some(text) = topic(name, app.report.width)
    {
        app.report.data(&text);
        return Ok(Exit::Reached);
    }
    let mut root = super::command();
    root.build();
    let mut command = &root;
    for word in &args.words {
        let known = command.find_subcommand(word);
        command = known.ok_or_else(|| unknown(word, command))?;
    }
    let help = command.clone().render_long_help();
    app.report.data(&match app.report.out.colored() {
        true => help.ansi().to_string(),
        false => help.to_string(),
    });
    Ok(Exit::Reached)
}

fn unknown(word: &str, command: &clap::Command) -> Problem {
    let commands = command.get_subcommands().map(clap::Command::get_name);
    Problem::error(Kind::Usage, "unknown command or topic")
        .detail(format!("there is no help for `{word}`"))
        .suggest_or_list(word, commands.chain(TOPICS))
}

fn subjects() -> Vec<clap_complete::CompletionCandidate> {
    let commands = super::command();
    let commands = commands
        .get_subcommands()
        .map(|command| command.get_name().to_owned());
    commands
        .chain(TOPICS.map(str::to_owned))
        .map(clap_complete::CompletionCandidate::new)
        .collect()
}

fn exit_codes() -> String {
    let lines = Exit::ALL.map(|exit| format!("{:>5}  {}\n", exit.code(), exit.meaning()));
    format!(
        "\
Exit codes, as a script sees them; `exitCode` in a JSON failure is the same:

{}
When several hold, the first of 130, 3, 6, 4, 7, 2 is given.
A closed pipe ends quietly with 0.
",
        lines.concat()
    )
}

fn environment(width: Option<usize>) -> String {
    format!(
        "\
Variables that mcai reads; one that is set to nothing counts as not set:

{}
A flag comes before its variable, a variable before the user's config.yaml, and
that before the manifest. `mcai config view --origin` shows where each value
came from. Credential plugins of the kubeconfig see the whole environment.
",
        list_text(["VARIABLE", "WHAT IT DOES"], VARIABLES, width)
    )
}
