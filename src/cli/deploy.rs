//! `mcai deploy`: plan, question, rollout.

use std::io::{self, BufRead};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;

use super::flags::{PlanningArgs, RolloutArgs, SelectionArgs, WaitUntil};
use super::plan;
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{self, Exit, Failure};
use crate::inventory::Targets;
use crate::kubeai::verdict::State;
use crate::place::{self, Desired};
use crate::plan::{Made, Plan, Verb};
use crate::project::Project;
use crate::report::{self, DeployAnswer, Format, PlanAnswer, answer, plan_text};
use crate::rollout::{self, Ended, Interrupt, Outcome};
use crate::text;

/// Bring models to every cluster that should have them, and wait until they are ready
///
/// Shows the plan, asks, and carries out exactly that.
#[derive(Args)]
pub(super) struct DeployArgs {
    /// Models; all of the manifest's if none is named
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// Stop after the plan: `client` uses no network and shows what would be sent, `server` asks the clusters
    #[arg(long, value_enum, num_args = 0..=1, default_value = "none", default_missing_value = "client", require_equals = true, value_name = "WHERE")]
    dry_run: DryRun,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    None,
    Client,
    Server,
}

pub(super) fn run(app: &App, args: &DeployArgs) -> Result<Exit, Failure> {
    refuse_unanswerable(app, &args.rollout, args.dry_run != DryRun::None)?;
    let project = app.project()?;
    let desired = place::place(
        &project,
        &args.selection.selection(&args.models, args.planning.prune),
    )?;
    if args.dry_run == DryRun::Client {
        return Ok(show_desired(app, &desired));
    }
    app.block_on(async {
        let (made, targets) = plan::make(app, &desired, &args.planning).await;
        if args.dry_run == DryRun::Server {
            plan::show(app, &made);
            return obstacles(&made, args.planning.skip_unreachable)
                .map(|_| changes(&made.plan, &args.rollout));
        }
        let options = args.rollout.options(args.planning.cluster_timeout, false);
        Carry {
            app,
            project: &project,
            args: &args.rollout,
            options,
            skip_unreachable: args.planning.skip_unreachable,
            question: "Deploy to",
        }
        .out(made, &targets)
        .await
    })?
}

fn changes(plan: &Plan, args: &RolloutArgs) -> Exit {
    if args.detailed_exitcode && plan.changes_something() {
        Exit::Changes
    } else {
        Exit::Reached
    }
}

/// A question that nobody can answer is a wrong command line; it is better known before any cluster is read.
pub(super) fn refuse_unanswerable(app: &App, args: &RolloutArgs, dry: bool) -> Result<(), Failure> {
    if args.yes
        || dry
        || (app.host.can_ask() && !app.flags.no_input && !args.output.is_for_machines())
    {
        return Ok(());
    }
    let why = if args.output.is_for_machines() {
        "an answer for programs leaves no room for a question"
    } else if app.flags.no_input {
        "--no-input is given"
    } else {
        "there is no terminal to answer at"
    };
    Err(Problem::error(Kind::Usage, "nobody can be asked")
        .detail(why)
        .hint("give `--yes` to carry out the plan, or `--dry-run=server` to see it")
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
    pub(super) async fn out(mut self, made: Made, targets: &Targets) -> Result<Exit, Failure> {
        let report = &self.app.report;
        let for_people = !report.format.is_for_machines();
        if for_people {
            report.data(&plan_text(
                &made.plan,
                report.format == Format::Wide,
                &report.out,
            ));
        }
        let skipped = obstacles(&made, self.skip_unreachable)?;
        if for_people {
            for problem in &made.unreadable {
                report.problem(&Problem {
                    severity: crate::diagnostic::Severity::Warning,
                    ..problem.clone()
                });
            }
        }
        let changing = made.plan.changes_something();
        if changing && !self.args.yes {
            ask(self.app, self.question, &made.plan)?;
            self.options.recheck = true;
        }
        let outcome = self.run(&made.plan, targets).await;
        let exit = match failure::of_outcome(&outcome, skipped) {
            Exit::Reached if changing && self.args.detailed_exitcode => Exit::Changes,
            exit => exit,
        };
        self.report(&made, &outcome, exit);
        Ok(exit)
    }

    async fn run(&self, plan: &Plan, targets: &Targets) -> Outcome {
        let interrupt = Interrupt::listen();
        let (sender, receiver) = mpsc::unbounded_channel();
        let rollout = rollout::run(plan, self.project, targets, self.options, interrupt, sender);
        let (outcome, ()) =
            futures::future::join(rollout, report::watch(&self.app.report, plan, receiver)).await;
        outcome
    }

    fn report(&self, made: &Made, outcome: &Outcome, exit: Exit) {
        let report = &self.app.report;
        if report.format.is_for_machines() {
            let plan = PlanAnswer::new(&made.plan, plan::obstacles(made));
            return report.document(&answer(
                "DeployResult",
                &DeployAnswer::new(plan, outcome, exit.code()),
            ));
        }
        report.data(&summary(
            &made.plan,
            outcome,
            exit,
            self.args.wait == WaitUntil::Ready,
        ));
        for line in call_lines(self.project, outcome) {
            report.data(&format!("{line}\n"));
        }
    }
}

/// Returns how many clusters are left out, or why nothing may be written.
pub(super) fn obstacles(made: &Made, skip_unreachable: bool) -> Result<usize, Failure> {
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

fn ask(app: &App, question: &str, plan: &Plan) -> Result<(), Failure> {
    let clusters = plan
        .clusters
        .iter()
        .filter(|cluster| {
            cluster
                .actions
                .iter()
                .any(crate::plan::Action::changes_something)
        })
        .count();
    app.report.prompt(&format!(
        "{question} {}? [y/N] ",
        text::count(clusters, "cluster")
    ));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.is_ok() && matches!(line.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::with(
        Exit::Error,
        vec![Problem::error(Kind::Usage, "not confirmed").detail("nothing was changed")],
    ))
}

/// Shows what would be sent, without any network.
fn show_desired(app: &App, desired: &Desired) -> Exit {
    let report = &app.report;
    let objects = || {
        desired
            .clusters
            .iter()
            .flat_map(|wanted| wanted.objects.iter().map(move |object| (wanted, object)))
    };
    match report.format {
        Format::Name => {
            let names = objects()
                .map(|(wanted, object)| format!("{}/{}\n", wanted.cluster.name, object.model));
            report.data(&names.collect::<String>());
        }
        Format::Table | Format::Wide => {
            report.talk("client dry run: no cluster was asked; `--dry-run=server` compares with the clusters");
            let documents = objects().map(|(wanted, object)| {
                format!(
                    "---\n# {}\n{}",
                    wanted.cluster.name,
                    crate::yaml::to_string(&object.object)
                )
            });
            report.data(&documents.collect::<String>());
        }
        _ => {
            let sent: Vec<_> = objects().map(|(wanted, object)| serde_json::json!({"cluster": wanted.cluster.name, "object": object.object})).collect();
            report.document(&answer("DryRun", &serde_json::json!({ "objects": sent })));
        }
    }
    Exit::Reached
}

/// Returns the last lines: what was done, and what to do next.
fn summary(plan: &Plan, outcome: &Outcome, exit: Exit, waited: bool) -> String {
    let written = |verdicts: &std::collections::BTreeMap<_, crate::kubeai::verdict::Verdict>| {
        verdicts
            .values()
            .any(|verdict| verdict.state == State::Written)
    };
    let files: Vec<&str> = outcome
        .clusters
        .iter()
        .filter(|(_, cluster)| written(&cluster.verdicts))
        .map(|(name, _)| name.as_str())
        .collect();
    let live = outcome.clusters.len() - files.len();
    let mut lines = Vec::new();
    if !files.is_empty() {
        let changing =
            |cluster: &&crate::plan::ClusterPlan| files.contains(&cluster.cluster.as_str());
        let count = plan
            .clusters
            .iter()
            .filter(changing)
            .flat_map(|cluster| &cluster.actions)
            .filter(|action| action.verb != Verb::Keep)
            .count();
        let what = if count == 0 {
            "no file changed".to_owned()
        } else {
            format!("{} written", text::count(count, "file"))
        };
        lines.push(format!(
            "{what}, nothing deployed by mcai: what applies the files is not observed"
        ));
    }
    if live > 0 || outcome.clusters.is_empty() {
        let failed = outcome.count(Ended::Failed);
        let changed = outcome
            .clusters
            .iter()
            .filter(|(name, cluster)| cluster.changed && !files.contains(&name.as_str()))
            .count();
        let mut line = format!(
            "{} changed, {failed} failed",
            text::count(changed, "cluster")
        );
        for (ended, words) in [
            (Ended::NotReady, "not ready"),
            (Ended::NotBegun, "left alone"),
            (Ended::Interrupted, "interrupted"),
        ] {
            match outcome.count(ended) {
                0 => {}
                count => line.push_str(&format!(", {count} {words}")),
            }
        }
        let deleting = plan.changes_something()
            && plan
                .actions()
                .all(|(_, action)| action.verb == Verb::Delete);
        if waited && exit == Exit::Reached && !deleting && !outcome.clusters.is_empty() {
            line.push_str(", all models ready");
        }
        lines.push(line);
    }
    if matches!(exit, Exit::NotReady | Exit::Partly | Exit::Interrupted) && live > 0 {
        lines.push("see how it goes on with: mcai status".to_owned());
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Says how to call what is ready.
fn call_lines(project: &Project, outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, ended) in &outcome.clusters {
        let ready = ended
            .verdicts
            .iter()
            .find(|(_, verdict)| matches!(verdict.state, State::Ready | State::ScaledToZero));
        let (Some((model, _)), Some(cluster)) = (ready, project.clusters.get(name)) else {
            continue;
        };
        let url = match (&cluster.endpoint, &cluster.target.context) {
            (Some(endpoint), _) => endpoint.trim_end_matches('/').to_owned(),
            (None, Some(context)) => {
                lines.push(format!(
                    "reach {name}:  kubectl --context {} -n {} port-forward svc/kubeai 8000:80",
                    context.value, project.namespace
                ));
                "http://localhost:8000".to_owned()
            }
            (None, None) => continue,
        };
        lines.push(format!("call it:  curl {url}/openai/v1/chat/completions -H 'content-type: application/json' -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello\"}}]}}'"));
    }
    lines
}
