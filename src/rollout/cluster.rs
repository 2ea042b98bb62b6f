//! One cluster: its applies, the wait until its models are ready, its deletes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::{ClusterOutcome, Ended, Event, Run, Wait};
use crate::diagnostic::{Kind, Problem};
use crate::inventory::{self, Looker, Paths, Preview};
use crate::kubeai::verdict::{Change, State, Verdict, deletion_waits_for};
use crate::plan::{Action, ClusterPlan, Owner, Verb, owner, recheck};
use crate::project::Cluster;
use crate::target::kube::CallError;
use crate::target::{Directory, Session, Target};
use crate::value::ModelName;

/// Looks are this far apart: KubeAI's own status lags by 3 s.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this long a slow start is under way, and looks may be rarer.
const EARLY: Duration = Duration::from_secs(30);
const LOOK_LATER: Duration = Duration::from_secs(2);
/// A crash or a failed pull must last this long to be no passing fault: the kubelet tries again after 10 s.
const FAILURE_HOLDS: Duration = Duration::from_secs(12);
/// An autoscaler that finds no node tries again every 10 s, in other zones too.
const NO_CAPACITY_HOLDS: Duration = Duration::from_secs(30);
/// One look may take this long; the next one follows all the same.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// A look that the end of the run leaves less time than this says nothing of the cluster when it fails.
const TELLING: Duration = Duration::from_secs(1);

pub(super) async fn apply(
    run: &Run<'_>,
    cluster: &ClusterPlan,
    target: &Target,
    place: Option<SemaphorePermit<'_>>,
) -> ClusterOutcome {
    let actions: Vec<&Action> = cluster
        .actions
        .iter()
        .filter(|action| action.verb != Verb::Delete)
        .collect();
    match target {
        Target::Directory(directory) => write_files(run, cluster, directory, &actions),
        Target::Kube(session) => {
            Kube::new(run, cluster, session)
                .apply(&actions, place)
                .await
        }
    }
}

/// Says why the plan is no longer true of a cluster, if it is not.
pub(super) async fn stale(
    run: &Run<'_>,
    cluster: &ClusterPlan,
    target: &Target,
) -> Option<Problem> {
    let actions: Vec<&Action> = cluster
        .actions
        .iter()
        .filter(|action| action.changes_something())
        .collect();
    match target {
        Target::Directory(directory) => stale_file(run, directory, &actions),
        Target::Kube(session) => Kube::new(run, cluster, session).recheck(&actions).await,
    }
}

pub(super) async fn delete(
    run: &Run<'_>,
    cluster: &ClusterPlan,
    target: &Target,
) -> ClusterOutcome {
    let actions: Vec<&Action> = cluster
        .actions
        .iter()
        .filter(|action| action.verb == Verb::Delete)
        .collect();
    match target {
        Target::Directory(directory) => write_files(run, cluster, directory, &actions),
        Target::Kube(session) => Kube::new(run, cluster, session).delete(&actions).await,
    }
}

fn write_files(
    run: &Run,
    cluster: &ClusterPlan,
    directory: &Directory,
    actions: &[&Action],
) -> ClusterOutcome {
    if let Some(problem) = stale_file(run, directory, actions) {
        return ClusterOutcome::failed(problem);
    }
    let mut outcome = ClusterOutcome::new(Ended::Reached);
    for action in actions {
        let namespace = &run.plan.namespace;
        let path = match (action.verb, &action.object) {
            (Verb::Keep, _) => {
                outcome
                    .verdicts
                    .insert(action.model.clone(), Verdict::new(State::Written, ""));
                continue;
            }
            (_, Some(object)) => directory.write(namespace, &action.model, object),
            (_, None) => directory.delete(namespace, &action.model),
        };
        match path {
            Ok(path) => {
                outcome.changed = true;
                if action.verb != Verb::Delete {
                    outcome
                        .verdicts
                        .insert(action.model.clone(), Verdict::new(State::Written, ""));
                }
                let path = inventory::shown(&run.project.root, &path);
                run.send(Event::Written {
                    cluster: cluster.cluster.clone(),
                    model: action.model.clone(),
                    path,
                    verb: action.verb,
                });
            }
            Err(problem) => {
                return ClusterOutcome {
                    problem: Some(problem),
                    ended: Ended::Failed,
                    ..outcome
                };
            }
        }
    }
    outcome
}

/// A file that somebody changed after the plan was made is theirs: reading all again costs nothing.
fn stale_file(run: &Run, directory: &Directory, actions: &[&Action]) -> Option<Problem> {
    let identity = run.identity();
    let files = match directory.models(&run.plan.namespace) {
        Ok(files) => files,
        Err(problem) => return Some(problem),
    };
    actions.iter().find_map(|action| {
        let file = files.get(action.model.as_str());
        let preview = action.object.clone().map(Preview::Server);
        let taken = action.verb == Verb::Delete
            && file.is_some_and(|file| owner(file, &identity) != Owner::Own);
        match taken {
            true => Some(
                Problem::error(Kind::Stale, "the plan is stale")
                    .detail(format!("model `{}` is no longer mcai's", action.model)),
            ),
            false => recheck(action, &identity, file, preview.as_ref()),
        }
    })
}

struct Kube<'a> {
    run: &'a Run<'a>,
    cluster: &'a ClusterPlan,
    session: &'a Session,
    paths: Paths,
    started: Instant,
}

impl<'a> Kube<'a> {
    fn new(run: &'a Run<'a>, cluster: &'a ClusterPlan, session: &'a Session) -> Self {
        let paths = Paths::new(&run.plan.namespace, &run.plan.id);
        Kube {
            run,
            cluster,
            session,
            paths,
            started: Instant::now(),
        }
    }

    async fn apply(
        &self,
        actions: &[&Action],
        place: Option<SemaphorePermit<'_>>,
    ) -> ClusterOutcome {
        let writes: Vec<&Action> = actions
            .iter()
            .copied()
            .filter(|action| action.changes_something())
            .collect();
        let changes = self.changes(actions).await;
        let mut outcome = ClusterOutcome::new(Ended::Reached);
        if let Err(problem) = self.write(&writes, &mut outcome.changed).await {
            return ClusterOutcome {
                ended: Ended::Failed,
                problem: Some(problem),
                ..outcome
            };
        }
        drop(place);
        if !writes.is_empty() {
            let models = writes.iter().map(|action| action.model.clone()).collect();
            self.run.send(Event::Applied {
                cluster: self.cluster.cluster.clone(),
                models,
                elapsed: self.started.elapsed(),
            });
        }
        if self.run.options.wait == Wait::Applied {
            return outcome;
        }
        self.wait(actions, &changes, outcome).await
    }

    /// Compares the plan with the cluster as it is now.
    async fn recheck(&self, actions: &[&Action]) -> Option<Problem> {
        let session = self.within_cluster_timeout();
        let objects: BTreeMap<ModelName, Value> = actions
            .iter()
            .filter_map(|action| Some((action.model.clone(), action.object.clone()?)))
            .collect();
        let options = inventory::Options {
            force_conflicts: self.run.plan.force_conflicts,
        };
        let (models, previews) =
            match inventory::preview_again(&session, &self.paths, &objects, options).await {
                Ok(fresh) => fresh,
                Err(problem) => return Some(problem),
            };
        let identity = self.run.identity();
        actions.iter().find_map(|action| {
            recheck(
                action,
                &identity,
                models.get(action.model.as_str()),
                previews.get(&action.model),
            )
        })
    }

    fn within_cluster_timeout(&self) -> Session {
        self.within(self.run.options.cluster_timeout)
    }

    /// The session with this time for its calls, but no more than the run has left.
    fn within(&self, limit: Duration) -> Session {
        self.session
            .until((Instant::now() + limit).min(self.run.deadline))
    }

    /// Applies all objects of the cluster and leaves the marker, at once: one round trip.
    async fn write(&self, actions: &[&Action], changed: &mut bool) -> Result<(), Problem> {
        let session = self.within_cluster_timeout();
        let applies = join_all(
            actions
                .iter()
                .map(|action| self.apply_one(&session, action)),
        );
        let (results, ()) = join(applies, self.mark(&session)).await;
        let applied = results.iter().any(Result::is_ok);
        // A write whose answer is lost may have been done.
        let errors = || results.iter().filter_map(|result| result.as_ref().err());
        *changed = applied || errors().any(CallError::may_be_done);
        let mut failed = actions
            .iter()
            .zip(&results)
            .filter_map(|(action, result)| Some(not_applied(action, result.as_ref().err()?)));
        let Some(first) = failed.next() else {
            return Ok(());
        };
        let applied = if applied {
            "; the cluster's other models are applied"
        } else {
            ""
        };
        let first = Problem {
            detail: format!("{}{applied}", first.detail),
            ..first
        };
        Err(failed.fold(first, |problem, other| problem.cause(other.one_line())))
    }

    async fn apply_one(&self, session: &Session, action: &Action) -> Result<(), CallError> {
        let Some(mut object) = action.object.clone() else {
            return Ok(());
        };
        if let Some(uid) = &action.uid {
            // The server refuses if the object was deleted and made anew meanwhile.
            object["metadata"]["uid"] = json!(uid);
        }
        let path = self
            .paths
            .apply(&action.model, false, self.run.plan.force_conflicts);
        session.apply(&path, &object).await.map(drop)
    }

    async fn mark(&self, session: &Session) {
        if !self.cluster.mark {
            return;
        }
        let marker = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.paths.marker_name, "namespace": self.run.plan.namespace, "labels": self.run.identity().labels()},
            "data": {"cluster": self.cluster.cluster, "project": self.run.plan.project},
        });
        if let Err(error) = session.apply(&self.paths.apply_marker(), &marker).await {
            let problem = error
                .problem("cannot leave mcai's marker")
                .on(self.cluster.cluster.as_str());
            self.run.send(Event::NotMarked {
                cluster: self.cluster.cluster.clone(),
                problem,
            });
        }
    }

    /// Returns what the wait is for, as it is just before the writes: the pods of an aged plan may have been replaced since.
    async fn changes(&self, actions: &[&Action]) -> BTreeMap<ModelName, Change> {
        let waited_for = self.run.options.recheck && self.run.options.wait == Wait::Ready;
        let fresh = match waited_for {
            true => self
                .within_cluster_timeout()
                .get_metadata(&self.paths.pods)
                .await
                .ok(),
            false => None,
        };
        let fresh = fresh.as_ref().map(inventory::hashes_by_model);
        let at = jiff::Timestamp::now();
        let change = |action: &&Action| {
            let planned = || action.hashes_before.iter().cloned().collect();
            let hashes_before = match &fresh {
                Some(fresh) => fresh
                    .get(action.model.as_str())
                    .cloned()
                    .unwrap_or_default(),
                None => planned(),
            };
            let change = Change {
                at,
                shapes_pods: action.shapes_pods,
                hashes_before,
            };
            (action.model.clone(), change)
        };
        actions
            .iter()
            .filter(|action| action.changes_something())
            .map(change)
            .collect()
    }

    async fn wait(
        &self,
        actions: &[&Action],
        changes: &BTreeMap<ModelName, Change>,
        mut outcome: ClusterOutcome,
    ) -> ClusterOutcome {
        let Some(cluster) = self.run.project.clusters.get(&self.cluster.cluster) else {
            return outcome;
        };
        let mut waiting = Waiting::default();
        loop {
            if Instant::now() < self.run.deadline {
                self.look(
                    cluster,
                    actions,
                    changes,
                    &mut outcome.verdicts,
                    &mut waiting,
                )
                .await;
            }
            if let Some(ended) = self.ended(&outcome.verdicts, actions.len(), &waiting) {
                outcome.ended = ended;
                outcome.problem = waiting.unreadable.filter(|_| ended != Ended::Reached);
                return outcome;
            }
            let pause = if self.started.elapsed() < EARLY {
                LOOK_EVERY
            } else {
                LOOK_LATER
            };
            tokio::select! {
                () = tokio::time::sleep_until((Instant::now() + pause).min(self.run.deadline)) => {}
                () = self.run.interrupt.raised() => {}
            }
        }
    }

    async fn look(
        &self,
        cluster: &Cluster,
        actions: &[&Action],
        changes: &BTreeMap<ModelName, Change>,
        verdicts: &mut BTreeMap<ModelName, Verdict>,
        waiting: &mut Waiting,
    ) {
        let looker = Looker {
            session: self.within(LOOK_TIMEOUT),
            paths: &self.paths,
            cluster,
        };
        let cut_short = Instant::now() + TELLING > self.run.deadline;
        match looker.look(jiff::Timestamp::now()).await {
            Err(_) if cut_short => {}
            Err(problem) => self.tell_unreadable(problem, waiting),
            Ok(look) => {
                waiting.unreadable = None;
                for action in actions {
                    let verdict = looker
                        .verdict(&look, &action.model, changes.get(&action.model))
                        .await;
                    self.tell_progress(&action.model, verdict, verdicts, waiting);
                }
            }
        }
    }

    fn tell_progress(
        &self,
        model: &ModelName,
        verdict: Verdict,
        verdicts: &mut BTreeMap<ModelName, Verdict>,
        waiting: &mut Waiting,
    ) {
        let before = verdicts.get(model);
        if before.map(|before| before.state) != Some(verdict.state) {
            waiting.since.insert(model.clone(), Instant::now());
        }
        if !before.is_some_and(|before| before.is_same_news(&verdict)) {
            let (cluster, model, verdict) =
                (self.cluster.cluster.clone(), model.clone(), verdict.clone());
            self.run.send(Event::Progress {
                cluster,
                model,
                verdict,
                elapsed: self.started.elapsed(),
            });
        }
        verdicts.insert(model.clone(), verdict);
    }

    fn tell_unreadable(&self, problem: Problem, waiting: &mut Waiting) {
        if waiting.unreadable.as_ref() != Some(&problem) {
            self.run.send(Event::Unreadable {
                cluster: self.cluster.cluster.clone(),
                problem: problem.clone(),
            });
        }
        waiting.unreadable = Some(problem);
    }

    /// Says how the wait has ended, if it has.
    fn ended(
        &self,
        verdicts: &BTreeMap<ModelName, Verdict>,
        models: usize,
        waiting: &Waiting,
    ) -> Option<Ended> {
        let held = |model: &ModelName| {
            waiting
                .since
                .get(model)
                .map_or(Duration::ZERO, Instant::elapsed)
        };
        let is_final = |(model, verdict): (&ModelName, &Verdict)| match verdict.state {
            State::BadProfile => Some(Ended::Failed),
            state if state.is_definite_failure() && held(model) >= FAILURE_HOLDS => {
                Some(Ended::Failed)
            }
            State::NoCapacity if held(model) >= NO_CAPACITY_HOLDS => Some(Ended::NotReady),
            state if state.is_reached() => Some(Ended::Reached),
            _ => None,
        };
        let finals: Vec<Ended> = verdicts.iter().filter_map(is_final).collect();
        if finals.len() == models && waiting.unreadable.is_none() {
            return Some(worst(&finals));
        }
        if self.run.interrupt.is_raised() {
            return Some(Ended::Interrupted);
        }
        (Instant::now() >= self.run.deadline).then(|| {
            if finals.contains(&Ended::Failed) {
                Ended::Failed
            } else {
                Ended::NotReady
            }
        })
    }

    async fn delete(&self, actions: &[&Action]) -> ClusterOutcome {
        let mut outcome = ClusterOutcome::new(Ended::Reached);
        for action in actions {
            let path = self.paths.model(&action.model);
            // It may have been handed to another tool since it was read: only what still is mcai's is deleted.
            let live = self.within_cluster_timeout().get(&path).await;
            if live.is_ok_and(|live| owner(&live, &self.run.identity()) != Owner::Own) {
                let problem = Problem::error(Kind::Stale, "the plan is stale")
                    .detail(format!("model `{}` is no longer mcai's", action.model));
                return ClusterOutcome {
                    ended: Ended::Failed,
                    problem: Some(problem),
                    ..outcome
                };
            }
            let options =
                json!({"propagationPolicy": "Background", "preconditions": {"uid": action.uid}});
            match self.within_cluster_timeout().delete(&path, &options).await {
                Ok(_) => outcome.changed = true,
                Err(error) if error.code == Some(404) => {}
                Err(error) => {
                    let problem = error.problem(&format!("cannot delete model `{}`", action.model));
                    return ClusterOutcome {
                        ended: Ended::Failed,
                        problem: Some(problem),
                        ..outcome
                    };
                }
            }
        }
        for action in actions {
            if let Err((ended, problem)) = self.wait_gone(action).await {
                return ClusterOutcome {
                    ended,
                    problem,
                    ..outcome
                };
            }
            self.run.send(Event::Deleted {
                cluster: self.cluster.cluster.clone(),
                model: action.model.clone(),
            });
        }
        outcome
    }

    /// Waits until the server has no such object: finalizers may take their time.
    async fn wait_gone(&self, action: &Action) -> Result<(), (Ended, Option<Problem>)> {
        let path = self.paths.model(&action.model);
        let mut told = None;
        loop {
            let left = match self.within(LOOK_TIMEOUT).get(&path).await {
                Err(error) if error.code == Some(404) => return Ok(()),
                Ok(live)
                    if live.pointer("/metadata/uid").and_then(Value::as_str)
                        != action.uid.as_deref() =>
                {
                    return Ok(());
                }
                Ok(live) => deletion_waits_for(&live),
                Err(error) => error.to_string(),
            };
            if told.as_ref() != Some(&left) {
                let verdict = Verdict::new(State::Deleting, left.clone());
                let (cluster, model) = (self.cluster.cluster.clone(), action.model.clone());
                self.run.send(Event::Progress {
                    cluster,
                    model,
                    verdict,
                    elapsed: self.started.elapsed(),
                });
                told = Some(left.clone());
            }
            if self.run.options.wait == Wait::Applied {
                return Ok(());
            }
            if self.run.interrupt.is_raised() {
                return Err((Ended::Interrupted, None));
            }
            if Instant::now() >= self.run.deadline {
                let problem = Problem::error(Kind::NotReady, "the model is not gone in time")
                    .detail(format!("model `{}` {left}", action.model))
                    .hint("KubeAI's cache eviction may hang; `kubectl get jobs` in its namespace shows it");
                return Err((Ended::NotReady, Some(problem)));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// What a wait remembers between looks.
#[derive(Default)]
struct Waiting {
    /// Since when a model is in its present state.
    since: BTreeMap<ModelName, Instant>,
    /// The last look failed.
    unreadable: Option<Problem>,
}

fn worst(finals: &[Ended]) -> Ended {
    [Ended::Failed, Ended::NotReady]
        .into_iter()
        .find(|ended| finals.contains(ended))
        .unwrap_or(Ended::Reached)
}

fn not_applied(action: &Action, error: &CallError) -> Problem {
    let problem = error
        .clone()
        .problem(&format!("cannot apply model `{}`", action.model));
    match error.may_be_done() {
        true => problem.hint("it may have been applied all the same: run again to see"),
        false => problem,
    }
}
