//! Carries out a plan: the only writes. It decides nothing; everything is in the plan.
//!
//! One task per cluster, actions in order inside it; a failed action skips the rest of its cluster. Deletes come when
//! everything else is ready.

mod cluster;
mod event;
mod interrupt;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::diagnostic::{Kind, Problem};
use crate::inventory::{self, Targets};
use crate::kubeai::render::Identity;
use crate::plan::{ClusterPlan, Plan, Verb};
use crate::project::Project;
use crate::value::ClusterName;

pub use event::{ClusterOutcome, Ended, Event, Outcome};
pub use interrupt::Interrupt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until every model is ready.
    Ready,
    /// Until the clusters have the objects.
    Applied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Clusters that are not begun are left alone.
    Stop,
    Continue,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub wait: Wait,
    pub on_failure: OnFailure,
    /// Clusters at once.
    pub parallelism: usize,
    /// For the whole run.
    pub timeout: Duration,
    /// For the writes of one cluster.
    pub cluster_timeout: Duration,
    /// Whether the plan has aged (a question was asked, or it comes from a file), so that it is compared again.
    pub recheck: bool,
}

/// What all clusters of a rollout share.
struct Run<'a> {
    plan: &'a Plan,
    project: &'a Project,
    options: Options,
    deadline: Instant,
    interrupt: Interrupt,
    events: mpsc::UnboundedSender<Event>,
    failed: Cell<bool>,
}

impl Run<'_> {
    fn identity(&self) -> Identity {
        Identity {
            project: self.plan.project.clone(),
            id: self.plan.id.clone(),
        }
    }

    fn send(&self, event: Event) {
        // The report ends only with the rollout; if it has ended early, there is nobody to tell.
        let _ = self.events.send(event);
    }

    /// Whether a cluster that is not begun should be begun.
    fn may_begin(&self) -> bool {
        let stopped = self.failed.get() && self.options.on_failure == OnFailure::Stop;
        !self.interrupt.is_raised() && !stopped
    }
}

/// Carries out a plan on all its clusters and tells `events` how it goes.
pub async fn run(
    plan: &Plan,
    project: &Project,
    targets: &Targets,
    options: Options,
    interrupt: Interrupt,
    events: mpsc::UnboundedSender<Event>,
) -> Outcome {
    let deadline = Instant::now() + options.timeout;
    let run = Run {
        plan,
        project,
        options,
        deadline,
        interrupt,
        events,
        failed: Cell::new(false),
    };
    let mut outcome = Outcome::default();
    phase(&run, targets, &mut outcome, Phase::Apply).await;
    let all_well = outcome
        .clusters
        .values()
        .all(|cluster| cluster.ended == Ended::Reached);
    if plan.count(Verb::Delete) > 0 {
        if all_well && !run.interrupt.is_raised() {
            phase(&run, targets, &mut outcome, Phase::Delete).await;
        } else {
            for cluster in plan.clusters.iter().filter(|cluster| {
                cluster
                    .actions
                    .iter()
                    .any(|action| action.verb == Verb::Delete)
            }) {
                run.send(Event::DeletesSkipped {
                    cluster: cluster.cluster.clone(),
                });
            }
        }
    }
    outcome.interrupted = run.interrupt.is_raised();
    outcome
}

/// Compares the clusters of a saved plan with those that their contexts lead to now.
pub async fn check_identity(plan: &Plan, targets: &Targets, limit: Duration) -> Vec<Problem> {
    let checks = plan.clusters.iter().map(|planned| async {
        let on = |problem: Problem| Some(problem.on(planned.cluster.as_str()));
        let session = match targets.get(&planned.cluster)? {
            Ok(target) => target.session().filter(|_| planned.live)?,
            Err(problem) => return Some(problem.clone()),
        };
        let planned_uid = planned.uid.as_deref()?;
        match session
            .until(Instant::now() + limit)
            .get(inventory::SYSTEM_NAMESPACE)
            .await
        {
            Ok(namespace)
                if namespace.pointer("/metadata/uid").and_then(Value::as_str)
                    == Some(planned_uid) =>
            {
                None
            }
            Ok(_) => {
                let detail = format!(
                    "the {} leads to another cluster than when the plan was made",
                    planned.target
                );
                on(
                    Problem::error(Kind::WrongCluster, "not the cluster of the plan")
                        .detail(detail)
                        .hint("plan again"),
                )
            }
            Err(error) => on(error.problem("cannot read namespace `kube-system`")),
        }
    });
    join_all(checks).await.into_iter().flatten().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Apply,
    Delete,
}

async fn phase(run: &Run<'_>, targets: &Targets, outcome: &mut Outcome, phase: Phase) {
    let places = Semaphore::new(run.options.parallelism.max(1));
    let involved = |cluster: &&ClusterPlan| {
        cluster
            .actions
            .iter()
            .any(|action| (action.verb == Verb::Delete) == (phase == Phase::Delete))
    };
    let mut tasks: FuturesUnordered<_> = run
        .plan
        .clusters
        .iter()
        .filter(involved)
        .map(|cluster| async {
            let _place = places.acquire().await;
            (
                cluster.cluster.clone(),
                one(run, targets, cluster, phase).await,
            )
        })
        .collect();
    while let Some((name, result)) = tasks.next().await {
        merge(&mut outcome.clusters, name, result);
    }
}

async fn one(
    run: &Run<'_>,
    targets: &Targets,
    cluster: &ClusterPlan,
    phase: Phase,
) -> ClusterOutcome {
    if !run.may_begin() {
        run.send(Event::NotBegun {
            cluster: cluster.cluster.clone(),
        });
        return ClusterOutcome::new(Ended::NotBegun);
    }
    let result = match targets.get(&cluster.cluster) {
        Some(Ok(target)) => match phase {
            Phase::Apply => cluster::apply(run, cluster, target).await,
            Phase::Delete => cluster::delete(run, cluster, target).await,
        },
        Some(Err(problem)) => ClusterOutcome::failed(problem.clone()),
        None => ClusterOutcome::failed(Problem::error(
            Kind::Internal,
            "a cluster of the plan was not opened",
        )),
    };
    if matches!(result.ended, Ended::Failed) {
        run.failed.set(true);
    }
    run.send(Event::ClusterEnded {
        cluster: cluster.cluster.clone(),
        ended: result.ended,
        changed: result.changed,
        models: result.verdicts.clone(),
        problem: result.problem.clone(),
    });
    result
}

/// Joins what both phases did to a cluster.
fn merge(
    clusters: &mut BTreeMap<ClusterName, ClusterOutcome>,
    name: ClusterName,
    fresh: ClusterOutcome,
) {
    match clusters.entry(name) {
        std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(fresh)),
        std::collections::btree_map::Entry::Occupied(mut place) => {
            let merged = place.get_mut();
            merged.changed |= fresh.changed;
            merged.ended = fresh.ended;
            merged.problem = fresh.problem;
            merged.verdicts.extend(fresh.verdicts);
        }
    }
}
