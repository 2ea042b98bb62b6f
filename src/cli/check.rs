//! `mcai check`.

use clap::Args;

use super::forms;
use crate::app::App;
use crate::diagnostic::Problem;
use crate::failure::{Exit, Failure};
use crate::project::Project;
use crate::report::{Format, contract};
use crate::text;

/// Check the manifest, offline: everything that can be known without a cluster
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai check
  mcai check -m staging.yaml -o json        findings for a program
  cat mcai.yaml | mcai check -m -")]
pub(super) struct CheckArgs {
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, _args: &CheckArgs) -> Result<Exit, Failure> {
    let (exit, findings, project) = match app.checked_project() {
        Ok(mut project) => {
            let warnings = std::mem::take(&mut project.warnings);
            (Exit::Reached, warnings, Some(project))
        }
        Err(failure) => (failure.exit, failure.problems, None),
    };
    let report = &app.report;
    if !report.format.is_for_machines() {
        let told = |finding: &&Problem| finding.is_error() || !report.quiet;
        let told: Vec<Problem> = findings.iter().filter(told).cloned().collect();
        report.findings(&told);
    }
    let counts = |project: &Project| (project.clusters.len(), project.models.len());
    let answer = contract::CheckResult::new(project.as_ref().map(counts), &findings);
    report.answer(&answer, || match &project {
        Some(project) if report.format == Format::Name => names(project),
        Some(project) => verdict(counts(project), &findings),
        None => String::new(),
    });
    Ok(exit)
}

fn names(project: &Project) -> String {
    let clusters = project
        .clusters
        .keys()
        .map(|name| format!("cluster/{name}\n"));
    let models = project.models.keys().map(|name| format!("model/{name}\n"));
    clusters.chain(models).collect()
}

fn verdict((clusters, models): (usize, usize), findings: &[Problem]) -> String {
    let warnings = match findings
        .iter()
        .filter(|finding: &&Problem| !finding.is_error())
        .count()
    {
        0 => String::new(),
        count => format!(", {}", text::count(count, "warning")),
    };
    format!(
        "valid: {}, {}{warnings}\n",
        text::count(clusters, "cluster"),
        text::count(models, "model")
    )
}
