//! Carries out a plan: the only writes. It decides nothing; everything is in the plan.
//!
//! One task per cluster. All objects of a cluster are applied at once, then waited for; deletes come when everything else
//! is ready on every cluster.

mod cluster;
mod event;
mod interrupt;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{join, join_all};
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::Instant;

use crate::diagnostic::{Kind, Problem};
use crate::inventory::{self, Targets};
use crate::kubeai::render::Identity;
use crate::plan::{ClusterPlan, Plan, Verb};
use crate::project::Project;
use crate::target::Target;
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
        let in_time = Instant::now() < self.deadline;
        !self.interrupt.is_raised() && !stopped && in_time
    }

    /// Whether everything else is as it should be: deletes come last.
    fn may_delete(&self, outcome: &Outcome) -> bool {
        let all_well = outcome
            .clusters
            .values()
            .all(|cluster| cluster.ended == Ended::Reached);
        let applies = self
            .plan
            .clusters
            .iter()
            .any(|cluster| Phase::Apply.concerns(cluster));
        let known_to_serve = self.options.wait == Wait::Ready || !applies;
        all_well && known_to_serve && !self.interrupt.is_raised()
    }

    fn tell_ended(&self, cluster: &ClusterPlan, outcome: &ClusterOutcome) {
        if outcome.ended == Ended::Failed {
            self.failed.set(true);
        }
        self.send(Event::ClusterEnded {
            cluster: cluster.cluster.clone(),
            ended: outcome.ended,
            changed: outcome.changed,
            models: outcome.verdicts.clone(),
            problem: outcome.problem.clone(),
        });
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
    let started = Instant::now();
    let deadline = started + options.timeout;
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
    if options.recheck {
        outcome.clusters = stale_clusters(&run, targets).await;
    }
    if outcome.clusters.is_empty() {
        phase(&run, targets, &mut outcome, Phase::Apply).await;
    }
    if run.may_delete(&outcome) {
        phase(&run, targets, &mut outcome, Phase::Delete).await;
    } else {
        outcome.deletes_skipped = plan.count(Verb::Delete) > 0;
        for cluster in plan
            .clusters
            .iter()
            .filter(|cluster| Phase::Delete.concerns(cluster))
        {
            run.send(Event::DeletesSkipped {
                cluster: cluster.cluster.clone(),
                waited: options.wait == Wait::Ready,
            });
        }
    }
    outcome.interrupted = run.interrupt.is_raised();
    outcome.elapsed = started.elapsed();
    outcome
}

/// Compares an aged plan with all clusters before anything is written; empty when it still holds everywhere.
async fn stale_clusters(run: &Run<'_>, targets: &Targets) -> BTreeMap<ClusterName, ClusterOutcome> {
    let checks = run.plan.clusters.iter().map(|cluster| async move {
        let problem = match targets.get(&cluster.cluster) {
            Some(Ok(target)) => cluster::stale(run, cluster, target).await,
            Some(Err(problem)) => Some(problem.clone()),
            None => None,
        };
        (cluster, problem)
    });
    let checked = join_all(checks).await;
    if checked.iter().all(|(_, problem)| problem.is_none()) {
        return BTreeMap::new();
    }
    let outcomes = checked.into_iter().map(|(cluster, problem)| {
        let outcome = problem.map_or(ClusterOutcome::new(Ended::NotBegun), ClusterOutcome::failed);
        run.tell_ended(cluster, &outcome);
        (cluster.cluster.clone(), outcome)
    });
    outcomes.collect()
}

/// Compares the clusters of a saved plan with those that their contexts lead to now.
pub async fn check_identity(plan: &Plan, targets: &Targets, limit: Duration) -> Vec<Problem> {
    let checks = plan.clusters.iter().map(|planned| async {
        let on = |problem: Problem| Some(problem.on(planned.cluster.as_str()));
        let session = match targets.get(&planned.cluster)? {
            Ok(Target::Kube(session)) => session,
            Ok(Target::Directory(_)) => return None,
            Err(problem) => return Some(problem.clone()),
        };
        let session = session.until(Instant::now() + limit);
        let paths = inventory::Paths::new(&plan.namespace, &plan.id);
        let (marker, system) = join(
            session.get(&paths.marker),
            session.get(inventory::SYSTEM_NAMESPACE),
        )
        .await;
        let marked = marker
            .ok()
            .and_then(|marker| Some(marker.pointer("/data/cluster")?.as_str()?.to_owned()));
        if let Some(other) = marked.filter(|name| name != planned.cluster.as_str()) {
            let detail = format!(
                "the {} leads to the cluster that is marked as `{other}`",
                planned.target
            );
            return on(
                Problem::error(Kind::WrongCluster, "not the cluster of the plan").detail(detail),
            );
        }
        let planned_uid = planned.uid.as_deref()?;
        match system {
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

impl Phase {
    fn concerns(self, cluster: &ClusterPlan) -> bool {
        cluster
            .actions
            .iter()
            .any(|action| (action.verb == Verb::Delete) == (self == Phase::Delete))
    }
}

async fn phase(run: &Run<'_>, targets: &Targets, outcome: &mut Outcome, phase: Phase) {
    let places = Semaphore::new(run.options.parallelism.max(1));
    let mut tasks: FuturesUnordered<_> = run
        .plan
        .clusters
        .iter()
        .filter(|cluster| phase.concerns(cluster))
        .map(|cluster| async {
            // Held while the cluster is written to: waiting for models takes no place.
            let place = places.acquire().await.ok();
            (
                cluster.cluster.clone(),
                one(run, targets, cluster, phase, place).await,
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
    place: Option<SemaphorePermit<'_>>,
) -> ClusterOutcome {
    if !run.may_begin() {
        run.send(Event::NotBegun {
            cluster: cluster.cluster.clone(),
        });
        return ClusterOutcome::new(Ended::NotBegun);
    }
    let result = match targets.get(&cluster.cluster) {
        Some(Ok(target)) => match phase {
            Phase::Apply => cluster::apply(run, cluster, target, place).await,
            Phase::Delete => cluster::delete(run, cluster, target).await,
        },
        Some(Err(problem)) => ClusterOutcome::failed(problem.clone()),
        None => ClusterOutcome::failed(Problem::error(
            Kind::Internal,
            "a cluster of the plan was not opened",
        )),
    };
    run.tell_ended(cluster, &result);
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
