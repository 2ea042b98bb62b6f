//! Why a run of mcai ends as it does: exit codes, and the problems behind them.

use crate::diagnostic::{Kind, Problem};
use crate::rollout::{Ended, Outcome};

/// The exit codes: `mcai help exit-codes` prints this table, docs/errors-and-exit-codes.md explains it. When several
/// hold, the first of 130, 3, 6, 4, 7, 2 is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Reached,
    Error,
    Changes,
    Partly,
    Policy,
    NotReady,
    Unread,
    Usage,
    Bug,
    Interrupted,
}

impl Exit {
    /// All codes, in the order of their numbers. `5` is kept for "failed and everything is restored".
    pub const ALL: [Exit; 10] = [
        Exit::Reached,
        Exit::Error,
        Exit::Changes,
        Exit::Partly,
        Exit::Policy,
        Exit::NotReady,
        Exit::Unread,
        Exit::Usage,
        Exit::Bug,
        Exit::Interrupted,
    ];

    pub fn code(self) -> i32 {
        match self {
            Exit::Reached => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Partly => 3,
            Exit::Policy => 4,
            Exit::NotReady => 6,
            Exit::Unread => 7,
            Exit::Usage => 64,
            Exit::Bug => 70,
            Exit::Interrupted => 130,
        }
    }

    /// Returns what a script may conclude from the code.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Reached => "reached: what was asked for is so",
            Exit::Error => "error, nothing changed",
            Exit::Changes => "changes exist or were made (only with --detailed-exitcode)",
            Exit::Partly => "something changed, and a requested cluster failed or was not reached",
            Exit::Policy => "refused by a policy: residency, budget, age of prices",
            Exit::NotReady => "applied, but not ready in time, or deletes left out or unfinished",
            Exit::Unread => "a read command could not read every cluster or price list",
            Exit::Usage => "wrong command line, or a question that nobody can answer",
            Exit::Bug => "a bug in mcai",
            Exit::Interrupted => "interrupted",
        }
    }
}

/// A run that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub problems: Vec<Problem>,
}

impl Failure {
    /// Makes the failure of a run that changed nothing; refusals of a policy have their own code.
    pub fn of(problems: Vec<Problem>) -> Self {
        let errors = || problems.iter().filter(|problem| problem.is_error());
        let all = |is_it: &dyn Fn(Kind) -> bool| {
            errors().count() > 0 && errors().all(|problem| is_it(problem.kind))
        };
        let exit = if all(&Kind::is_policy) {
            Exit::Policy
        } else if all(&|kind| kind == Kind::Usage) {
            Exit::Usage
        } else if all(&|kind| kind == Kind::Internal) {
            Exit::Bug
        } else {
            Exit::Error
        };
        Failure { exit, problems }
    }

    pub fn with(exit: Exit, problems: Vec<Problem>) -> Self {
        Failure { exit, problems }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::of(vec![problem])
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Failure::of(problems)
    }
}

/// Returns the exit code of a rollout; `skipped` clusters were asked for and not reached.
pub fn of_outcome(outcome: &Outcome, skipped: usize) -> Exit {
    let failed = outcome.count(Ended::Failed) + outcome.count(Ended::NotBegun) + skipped;
    if outcome.interrupted {
        Exit::Interrupted
    } else if failed > 0 {
        if outcome.changed() > 0 {
            Exit::Partly
        } else {
            Exit::Error
        }
    } else if outcome.count(Ended::NotReady) > 0 || outcome.deletes_skipped {
        Exit::NotReady
    } else {
        Exit::Reached
    }
}
