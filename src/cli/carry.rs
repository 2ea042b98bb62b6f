//! Carrying out a plan: show it, ask, roll it out, report. What `deploy`, `apply` and `delete` share.

use std::io::{self, BufRead};

use tokio::sync::mpsc;

use super::flags::{RolloutArgs, WaitUntil};
use crate::app::{App, interrupted};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{self, Exit, Failure};
use crate::inventory::Targets;
use crate::plan::{Made, Plan};
use crate::project::Project;
use crate::report::{self, Format, call_text, contract, outcome_text, plan_text};
use crate::rollout::{self, Interrupt, Outcome};
use crate::text;

/// A question that nobody can answer is a wrong command line; it is better known before any cluster is read.
/// `or` is what else there is to do than to answer with `--yes`.
pub(super) fn refuse_unanswerable(app: &App, args: &RolloutArgs, or: &str) -> Result<(), Failure> {
    if args.yes || (app.host.can_ask() && !app.flags.no_input && !args.output.is_for_machines()) {
        return Ok(());
    }
    let why = if args.output.is_for_machines() {
        "an answer for programs leaves no room for a question"
    } else if app.flags.no_input {
        "--no-input is given"
    } else if app.host.var("CI").is_some() {
        "CI is set"
    } else {
        "there is no terminal to answer at"
    };
    Err(Problem::error(Kind::Usage, "nobody can be asked")
        .detail(why)
        .hint(format!("give `--yes` to carry out the plan{or}"))
        .into())
}

/// What carrying out a plan needs.
pub(super) struct Carry<'a> {
    pub app: &'a App,
    pub project: &'a Project,
    pub args: &'a RolloutArgs,
    pub options: rollout::Options,
    pub skip_unreachable: bool,
    /// What is asked, as in "Deploy to 2 clusters?".
    pub question: &'static str,
}

impl Carry<'_> {
    /// Shows a plan, asks, carries it out and reports.
    pub(super) async fn out(
        mut self,
        made: Made,
        targets: &Targets,
        interrupt: Interrupt,
    ) -> Result<Exit, Failure> {
        let report = &self.app.report;
        let for_people = !report.format.is_for_machines();
        match report.format {
            // stdout has room for names alone, but nobody is to answer for what they have not seen.
            Format::Name if self.args.yes => {}
            Format::Name => report.say(plan_text(&made, false, &report.err).trim_end()),
            format if for_people => {
                report.data(&plan_text(&made, format == Format::Wide, &report.out));
            }
            _ => {}
        }
        let skipped = check_obstacles(&made, self.skip_unreachable)?;
        if for_people {
            for problem in &made.unreadable {
                report.warn(problem.clone());
            }
        }
        let changing = made.plan.changes_something();
        if changing && !self.args.yes {
            tokio::select! {
                answer = ask(self.app, self.question, &made.plan) => answer?,
                () = interrupt.raised() => return Err(interrupted()),
            }
            self.options.recheck = true;
        }
        let outcome = self.run(&made.plan, targets, interrupt).await;
        let exit = match failure::of_outcome(&outcome, skipped) {
            Exit::Reached if changing && self.args.detailed_exitcode => Exit::Changes,
            exit => exit,
        };
        self.report(&made, &outcome, exit);
        // An answer that is lost must not pass for a success, nor for a run that changed nothing.
        let is_lost = report.is_cut() && outcome.changed() > 0;
        Ok(match exit {
            Exit::Reached | Exit::Changes if is_lost => Exit::Partly,
            exit => exit,
        })
    }

    async fn run(&self, plan: &Plan, targets: &Targets, interrupt: Interrupt) -> Outcome {
        let (sender, receiver) = mpsc::unbounded_channel();
        let rollout = rollout::run(plan, self.project, targets, self.options, interrupt, sender);
        let (outcome, ()) =
            futures::future::join(rollout, report::watch(&self.app.report, plan, receiver)).await;
        outcome
    }

    fn report(&self, made: &Made, outcome: &Outcome, exit: Exit) {
        let report = &self.app.report;
        let waited = self.args.wait == WaitUntil::Ready;
        report.answer(&contract::DeployResult::new(made, outcome, exit), || {
            if report.format == Format::Name {
                return changed_names(&made.plan, outcome);
            }
            let words = outcome_text(&made.plan, outcome, exit, waited);
            words + &call_text(self.project, outcome, &report.out)
        });
    }
}

fn changed_names(plan: &Plan, outcome: &Outcome) -> String {
    let is_changed = |name| {
        outcome
            .clusters
            .get(name)
            .is_some_and(|ended| ended.changed)
    };
    let changed = plan
        .actions()
        .filter(|(cluster, action)| action.changes_something() && is_changed(&cluster.cluster));
    report::names(changed.map(|(cluster, action)| (&cluster.cluster, &action.model)))
}

/// Returns how many clusters are left out, or why nothing may be written.
pub(super) fn check_obstacles(made: &Made, skip_unreachable: bool) -> Result<usize, Failure> {
    let may_skip = |problem: &Problem| problem.kind.is_about_reach();
    let unread = made
        .unreadable
        .iter()
        .filter(|problem| !(skip_unreachable && may_skip(problem)));
    let unread = unread.cloned().map(|problem| match may_skip(&problem) {
        true => problem.hint("or deploy to the others with `--skip-unreachable`"),
        false => problem,
    });
    let problems: Vec<Problem> = made
        .refusals
        .iter()
        .chain(&made.denied)
        .cloned()
        .chain(unread)
        .collect();
    if problems.is_empty() {
        Ok(made.unreadable.len())
    } else {
        Err(Failure::of(problems))
    }
}

async fn ask(app: &App, question: &str, plan: &Plan) -> Result<(), Failure> {
    let clusters = plan.changing_clusters();
    let question = format!("{question} {}?", text::count(clusters, "cluster"));
    if is_confirmed(app, &question).await {
        return Ok(());
    }
    Err(Failure::with(
        Exit::Error,
        vec![Problem::error(Kind::Usage, "not confirmed").detail("nothing was changed")],
    ))
}

/// Asks on another thread, so that connections are kept alive while the user thinks.
pub(super) async fn is_confirmed(app: &App, question: &str) -> bool {
    app.report.prompt(&format!("{question} [y/N] "));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await.ok().and_then(Result::ok).unwrap_or_default();
    if !answer.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        app.report.prompt("\n");
    }
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
