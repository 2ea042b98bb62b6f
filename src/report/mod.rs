//! Everything that a person or a program reads: answers on stdout, talk on stderr. Text and JSON come from the same
//! values; nothing else in mcai prints.

pub mod contract;
mod cost;
mod cost_change;
mod cost_csv;
mod estimate;
mod estimate_csv;
mod feeds;
mod log;
mod markdown;
mod outcome;
mod plan;
mod plan_markdown;
mod prices;
mod problem;
mod progress;
mod refresh;
mod status;
mod style;
mod table;
mod terminal;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use terminal_size::{Height, Width, terminal_size_of};

use crate::diagnostic::{Kind, Problem, Severity};
use crate::failure::Failure;
use crate::host::{self, Host};
use crate::yaml;

pub use contract::Document;
pub use cost::{CostView, cost_text};
pub use cost_csv::cost_csv;
pub use estimate::{estimate_markdown, estimate_text};
pub use estimate_csv::estimate_csv;
pub use feeds::Watch;
pub use log::{LogFormat, log_to_stderr};
pub use outcome::{call_text, outcome_text};
pub use plan::{plan_names, plan_text};
pub use plan_markdown::plan_markdown;
pub use prices::{export_text, history_text, review_names, review_text};
pub use problem::problem_text;
pub use progress::{busy, watch};
pub use refresh::{RefreshText, refresh_text};
pub use status::{StatusRow, status_markdown, status_table};
pub use style::{Color, Style, Styles};
pub use table::list_text;
pub use terminal::restore as restore_terminal;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    /// Events, one a line, then the answer.
    Jsonl,
    /// A comment on a pull request.
    Markdown,
    /// Rows for a spreadsheet.
    Csv,
}

impl Format {
    /// Whether the answer is on a terminal or in a pipe of a person's, with problems beside it on stderr.
    pub fn is_for_people(self) -> bool {
        matches!(
            self,
            Format::Table | Format::Wide | Format::Name | Format::Csv
        )
    }

    /// Whether a program reads the answer.
    pub fn is_for_machines(self) -> bool {
        matches!(self, Format::Json | Format::Yaml | Format::Jsonl)
    }
}

/// Whether a text is a document of ours, or nothing yet.
fn is_document(bytes: &[u8]) -> bool {
    let ours = |document: serde_json::Value| document["apiVersion"] == contract::API_VERSION;
    bytes.is_empty() || serde_json::from_slice(bytes).is_ok_and(ours)
}

fn no_report(path: &Path, error: &io::Error) -> Problem {
    Problem::error(Kind::Io, "cannot write the report file")
        .detail(format!("`{}`", path.display()))
        .chain(error)
}

/// Returns `cluster/model` for each pair, a line each: the form `name` of every answer.
pub fn names<C: fmt::Display, M: fmt::Display>(pairs: impl IntoIterator<Item = (C, M)>) -> String {
    let names = pairs.into_iter();
    names
        .map(|(cluster, model)| format!("{cluster}/{model}\n"))
        .collect()
}

/// How the user wants to be talked to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Talk {
    pub color: Color,
    pub quiet: bool,
    /// Whether there is a log on stderr.
    pub verbose: bool,
}

/// Tells people of a bug: what panicked where, and what to do with it.
pub fn bug(panic: &str) {
    let trace = Backtrace::capture();
    let trace = match trace.status() {
        BacktraceStatus::Captured => format!("\n{trace}"),
        _ => String::new(),
    };
    let _ = writeln!(
        io::stderr().lock(),
        "error: a bug in mcai {}\n  {}\n  hint: report it with the command line and this text; RUST_BACKTRACE=1 tells more{trace}",
        env!("CARGO_PKG_VERSION"),
        panic.replace('\n', "\n  "),
    );
}

/// Returns a document, in its envelope, in the form that a program reads.
pub fn document_text<T: Document>(document: &T, format: Format) -> String {
    value_text(&contract::envelope(document), format)
}

/// Returns a schema in the form that a program reads.
pub fn schema_text(schema: &contract::Schema, format: Format) -> String {
    value_text(&schema.schema, format)
}

fn value_text<T: Serialize>(value: &T, format: Format) -> String {
    match format {
        Format::Yaml => yaml::to_string(value),
        Format::Jsonl => serde_json::to_string(value).unwrap_or_default() + "\n",
        _ => serde_json::to_string_pretty(value).unwrap_or_default() + "\n",
    }
}

/// Where a run reports to.
pub struct Report {
    pub format: Format,
    /// Meanings as colours on stdout, and on stderr.
    pub out: Styles,
    pub err: Styles,
    pub quiet: bool,
    /// Characters in a line of the terminal, where stdout is one.
    pub width: Option<usize>,
    /// The same of stderr.
    err_width: Option<usize>,
    /// Whether progress may be redrawn.
    pub live: bool,
    /// Where the answer is also written to, as JSON.
    file: Option<PathBuf>,
    /// Whether an answer could not be written.
    cut: Cell<bool>,
}

impl Report {
    pub fn new(host: &Host, format: Format, talk: Talk) -> Self {
        let columns = || {
            host.var("COLUMNS")
                .and_then(|text| usize::from_str(text).ok())
        };
        let width = |is_terminal: bool, size: Option<(Width, Height)>| {
            let said = size.map(|(width, _)| usize::from(width.0));
            said.or_else(columns).filter(|_| is_terminal)
        };
        let dumb = host.var("TERM") == Some("dumb");
        Report {
            format,
            out: Styles::new(talk.color, host.stdout_terminal && !dumb, host),
            err: Styles::new(talk.color, host.stderr_terminal && !dumb, host),
            quiet: talk.quiet,
            width: width(host.stdout_terminal, terminal_size_of(io::stdout())),
            err_width: width(host.stderr_terminal, terminal_size_of(io::stderr())),
            file: None,
            cut: Cell::new(false),
            // Lines of a log would tear a line that is redrawn.
            live: host.stderr_terminal
                && !dumb
                && host.var("CI").is_none()
                && !talk.quiet
                && !talk.verbose,
        }
    }

    /// Also writes the answer, or why there is none, to a file.
    pub fn with_file(self, file: Option<PathBuf>) -> Self {
        Report { file, ..self }
    }

    /// Writes an answer to stdout. A closed pipe is no failure: the reader has seen enough.
    pub fn data(&self, text: &str) {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.cut.set(true);
                self.say(&format!(
                    "error: cannot write the answer\n  caused by: {error}"
                ));
            }
            _ => {}
        }
    }

    /// Whether an answer was lost, as on a full disk.
    pub fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// Writes a remark to stderr, unless the user wants quiet.
    pub fn talk(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Writes what is worth knowing about an answer to stderr, unless the user wants quiet.
    pub fn note(&self, words: &str) {
        let label = self.err.paint(Style::Dim, "note");
        self.talk(&problem::fold(&format!("{label}: {words}"), self.err_width));
    }

    /// Writes to stderr.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Asks on stderr; the answer is typed on the same line.
    pub fn prompt(&self, words: &str) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{words}").and_then(|()| err.flush());
    }

    /// Reports the answer of a run: as a document where a program reads it, else in words. The report file always gets
    /// the document.
    pub fn answer<T: Document>(&self, document: &T, words: impl FnOnce() -> String) {
        self.keep(document);
        match self.format.is_for_machines() {
            true => self.document(document),
            false => self.data(&words()),
        }
    }

    /// Writes a document to stdout in the form that a program reads.
    pub fn document<T: Document>(&self, document: &T) {
        self.data(&document_text(document, self.format));
    }

    /// Removes an old report, so that none is taken for this run's. If a new one can't be written, none will be.
    pub fn prepare(&mut self) -> Result<(), Failure> {
        let Some(path) = self.file.take() else {
            return Ok(());
        };
        // A mistyped name must not cost a file. A pipe or a device is not read: that could last for ever.
        if path.is_file() && !fs::read(&path).is_ok_and(|bytes| is_document(&bytes)) {
            let foreign = io::Error::other("the file is there and is no report of mcai's");
            return Err(no_report(&path, &foreign).into());
        }
        host::clear(&path).map_err(|error| no_report(&path, &error))?;
        self.file = Some(path);
        Ok(())
    }

    /// Writes the answer to the report file, if there is to be one.
    fn keep<T: Document>(&self, document: &T) {
        let Some(path) = &self.file else { return };
        let text = document_text(document, Format::Json);
        if let Err(error) = host::write_as_shells_do(path, &text) {
            self.cut.set(true);
            self.problem(&no_report(path, &error));
        }
    }

    pub fn problem(&self, problem: &Problem) {
        self.say(&problem_text(problem, &self.err, self.err_width));
    }

    /// Reports a problem that the run goes on in spite of.
    pub fn warn(&self, problem: Problem) {
        self.problem(&Problem {
            severity: Severity::Warning,
            ..problem
        });
    }

    pub fn problems(&self, problems: &[Problem]) {
        for problem in problems {
            self.problem(problem);
        }
    }

    /// Reports why a run failed.
    pub fn failure(&self, failure: &Failure) {
        let document = contract::Failure::from(failure);
        self.keep(&document);
        match self.format {
            Format::Markdown => self.data(&markdown::failure(&failure.problems)),
            format if format.is_for_machines() => self.document(&document),
            _ => self.findings(&failure.problems),
        }
    }

    /// Reports problems, and how many of them are errors.
    pub fn findings(&self, problems: &[Problem]) {
        self.problems(problems);
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        if errors > 1 {
            self.say(&format!("{errors} errors"));
        }
    }
}
