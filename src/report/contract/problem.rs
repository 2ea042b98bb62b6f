//! What went wrong: problems, a failed run, the findings in a manifest.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Document, words};
use crate::diagnostic::{self, Span};
use crate::failure;

words! {
    /// The case that a problem belongs to, for programs that act on it.
    ProblemKind for diagnostic::Kind {
        /// the manifest, or a Model in it, is wrong
        Manifest,
        /// a rule of residency is not met
        Residency,
        /// the fleet would cost more than the manifest's budget
        Budget,
        /// a price is older than it may be
        PriceAge,
        /// a flag, a kubeconfig or the user's settings are wrong
        Settings,
        /// a credential plugin failed, or its answer can't be used
        Credentials,
        /// no connection: refused, reset, name not found, TLS
        Unreachable,
        /// no answer in time
        Timeout,
        /// the API server answered 401
        Unauthorized,
        /// the API server answered 403
        Denied,
        /// an object, the namespace or KubeAI's whole API is missing
        NotFound,
        /// another field manager owns a field, or the object belongs to somebody else
        Conflict,
        /// the API server refuses the object (400 or 422)
        Rejected,
        /// the API server answered 429
        Throttled,
        /// the API server answered 5xx
        Unavailable,
        /// an answer that is not the Kubernetes API's
        Protocol,
        /// the context leads to another cluster than the manifest says
        WrongCluster,
        /// the cluster changed after the plan was made
        Stale,
        /// what was asked for was not so in time
        NotReady,
        /// a file can't be read or written
        Io,
        /// the command line is wrong
        Usage,
        /// a signal ended the run before it began to write.
        Interrupted,
        /// a bug in mcai
        Internal,
    }
}

words! {
    /// Whether a problem stands in the way.
    Severity for diagnostic::Severity {
        /// worth knowing; the run goes on
        Warning,
        /// what was asked for can't be done
        Error,
    }
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Position<'a> {
    /// The path as the user gave it, or `<stdin>`.
    pub file: &'a str,
    /// Counts from 1.
    #[schemars(range(min = 1))]
    pub line: usize,
    /// In characters; counts from 1.
    #[schemars(range(min = 1))]
    pub column: usize,
}

impl<'a> From<&'a Span> for Position<'a> {
    fn from(span: &'a Span) -> Self {
        Position {
            file: &span.source.name,
            line: span.line,
            column: span.column,
        }
    }
}

/// One thing that is wrong, with what a person needs to mend it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem<'a> {
    pub kind: ProblemKind,
    pub severity: Severity,
    /// The case in words, without names of the user's: the same words for the same case.
    pub summary: &'a str,
    /// What exactly, and why it matters.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: &'a str,
    /// What is underneath, outermost first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub causes: &'a [String],
    /// Each one thing to do, or a likely spelling.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub hints: &'a [String],
    /// The manifest's name of the cluster that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<&'a str>,
    /// Where in the manifest or in another file of the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position<'a>>,
}

impl<'a> From<&'a diagnostic::Problem> for Problem<'a> {
    fn from(problem: &'a diagnostic::Problem) -> Self {
        Problem {
            kind: problem.kind.into(),
            severity: problem.severity.into(),
            summary: &problem.summary,
            detail: &problem.detail,
            causes: &problem.causes,
            hints: &problem.hints,
            cluster: problem.cluster.as_deref(),
            position: problem.span.as_ref().map(Position::from),
        }
    }
}

/// Returns problems as the contract has them.
pub(super) fn problems<'a>(
    problems: impl IntoIterator<Item = &'a diagnostic::Problem>,
) -> Vec<Problem<'a>> {
    problems.into_iter().map(Problem::from).collect()
}

/// Why a run failed: the answer in place of the one that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure<'a> {
    /// With which the program ends; docs/errors-and-exit-codes.md says what each means.
    pub exit_code: i32,
    /// What went wrong: one or several.
    pub problems: Vec<Problem<'a>>,
}

impl Document for Failure<'_> {
    const KIND: &'static str = "Failure";
}

impl<'a> From<&'a failure::Failure> for Failure<'a> {
    fn from(failure: &'a failure::Failure) -> Self {
        Failure {
            exit_code: failure.exit.code(),
            problems: problems(&failure.problems),
        }
    }
}

/// The answer of `mcai check`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckResult<'a> {
    /// Whether the manifest has no errors; it may have warnings.
    pub valid: bool,
    /// How many clusters a valid manifest has, else 0.
    pub clusters: usize,
    /// How many models a valid manifest has, else 0.
    pub models: usize,
    /// In the order of the manifest's text.
    pub findings: Vec<Problem<'a>>,
}

impl Document for CheckResult<'_> {
    const KIND: &'static str = "CheckResult";
}

impl<'a> CheckResult<'a> {
    /// Makes the answer for a valid manifest of so many clusters and models, or for an invalid one.
    pub fn new(valid: Option<(usize, usize)>, findings: &'a [diagnostic::Problem]) -> Self {
        let (clusters, models) = valid.unwrap_or_default();
        CheckResult {
            valid: valid.is_some(),
            clusters,
            models,
            findings: problems(findings),
        }
    }
}
