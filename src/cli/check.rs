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
    let (exit, findings, valid) = match app.checked_project() {
        Ok(project) => {
            let names = names(&project);
            let counts = (project.clusters.len(), project.models.len());
            (Exit::Reached, project.warnings, Some((counts, names)))
        }
        Err(failure) => (failure.exit, failure.problems, None),
    };
    let report = &app.report;
    if !report.format.is_for_machines() {
        let told = |finding: &&Problem| finding.is_error() || !report.quiet;
        let told: Vec<Problem> = findings.iter().filter(told).cloned().collect();
        report.findings(&told);
    }
    let numbers = valid.as_ref().map(|(numbers, _)| *numbers);
    report.answer(
        &contract::CheckResult::new(numbers, &findings),
        || match valid {
            Some((_, names)) if report.format == Format::Name => names,
            Some((numbers, _)) => verdict(numbers, &findings),
            None => String::new(),
        },
    );
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
