//! Command lines that clap does not take, and the end after a bug: before there is an [`crate::app::App`], or after it.

use std::ffi::OsString;
use std::io;

use clap::ColorChoice;
use clap::error::ErrorKind;

use super::words;
use crate::app::{App, Flags};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::host::Host;

pub(super) fn is_help(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// Prints why a command line is wrong, or the help that was asked for.
pub(super) fn exit(error: &clap::Error, words: &[OsString]) -> Exit {
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !is_answer && words::format(words).is_for_machines() {
        return fail(words, problem(error));
    }
    match error.print() {
        // A closed pipe is no failure.
        Err(lost) if is_answer && lost.kind() != io::ErrorKind::BrokenPipe => Exit::Error,
        _ if is_answer => Exit::Reached,
        _ => Exit::Usage,
    }
}

/// Returns whether clap is to use colours, which it must know before it reads the flag.
pub(super) fn color(words: &[OsString]) -> ColorChoice {
    let color = words::option(words, &["--color"]);
    match color.as_ref().and_then(|color| color.to_str()) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Reports a bug to a program that waits for a document; people have read about it on stderr.
pub(super) fn after_a_bug(words: &[OsString]) -> Exit {
    if words::format(words).is_for_machines() {
        return fail(words, Problem::error(Kind::Internal, "a bug in mcai"));
    }
    Exit::Bug
}

fn fail(words: &[OsString], problem: Problem) -> Exit {
    let app = App::new(Host::real(), Flags::default(), words::format(words));
    let failure = Failure::from(problem);
    app.report.failure(&failure);
    failure.exit
}

/// Takes apart what clap says in one text: what is wrong, and its tips.
fn problem(error: &clap::Error) -> Problem {
    let text = error.render().to_string();
    let (mut detail, mut problem) = (
        Vec::new(),
        Problem::error(Kind::Usage, "wrong command line"),
    );
    let about = text.lines().take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    for line in about.map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("tip: ") {
            Some(tip) => problem = problem.hint(tip),
            None => detail.push(line.strip_prefix("error: ").unwrap_or(line)),
        }
    }
    problem.detail(detail.join(" "))
}
