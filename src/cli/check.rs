//! `mcai check`.

use clap::Args;

use crate::app::App;
use crate::diagnostic::Problem;
use crate::failure::{Exit, Failure};
use crate::report::{CheckAnswer, Format, answer};
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
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, _args: &CheckArgs) -> Result<Exit, Failure> {
    let (exit, findings, clusters, models) = match app.checked_project() {
        Ok(project) => (
            Exit::Reached,
            project.warnings,
            project.clusters.len(),
            project.models.len(),
        ),
        Err(failure) => (failure.exit, failure.problems, 0, 0),
    };
    let valid = exit == Exit::Reached;
    let report = &app.report;
    if report.format.is_for_machines() {
        report.document(&answer(
            "CheckResult",
            &CheckAnswer {
                valid,
                clusters,
                models,
                findings: &findings,
            },
        ));
        return Ok(exit);
    }
    if !valid {
        return Err(Failure::with(exit, findings));
    }
    report.problems(&findings);
    let warnings = match findings
        .iter()
        .filter(|finding: &&Problem| !finding.is_error())
        .count()
    {
        0 => String::new(),
        count => format!(", {}", text::count(count, "warning")),
    };
    report.data(&format!(
        "valid: {}, {}{warnings}\n",
        text::count(clusters, "cluster"),
        text::count(models, "model")
    ));
    Ok(Exit::Reached)
}
