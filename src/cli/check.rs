//! `mcai check`.

use clap::Args;

use super::forms;
use crate::app::App;
use crate::diagnostic::Problem;
use crate::failure::{Exit, Failure};
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
    let (exit, findings, counts) = match app.checked_project() {
        Ok(project) => {
            let counts = (project.clusters.len(), project.models.len());
            (Exit::Reached, project.warnings, Some(counts))
        }
        Err(failure) => (failure.exit, failure.problems, None),
    };
    let report = &app.report;
    if !report.format.is_for_machines() {
        let told = |finding: &&Problem| finding.is_error() || !report.quiet;
        let told: Vec<Problem> = findings.iter().filter(told).cloned().collect();
        report.findings(&told);
    }
    report.answer(&contract::CheckResult::new(counts, &findings), || {
        counts.map_or_else(String::new, |counts| verdict(counts, &findings))
    });
    Ok(exit)
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
