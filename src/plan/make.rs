//! Desired state and inventory to plan, and to the problems that forbid carrying it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::diff::{Change, changes, shapes_pods};
use super::owner::{Owner, owner};
use super::{Action, ClusterPlan, Plan, Residency, Verb, cost, judge};
use crate::diagnostic::{Kind, Problem};
use crate::estimate::Rates;
use crate::inventory::{Inventory, Place, Preview, State, Surroundings, shown};
use crate::kubeai::profile::ProfileCount;
use crate::kubeai::render::Identity;
use crate::place::{Desired, DesiredCluster, DesiredObject};
use crate::project::{Cluster, Project};
use crate::target::kube::CallError;
use crate::text::quoted_list;
use crate::value::{ClusterName, ModelName};

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub force_conflicts: bool,
    /// Objects that another tool keeps are changed all the same.
    pub take_over: bool,
    /// A context that leads to another cluster than before is meant.
    pub accept_cluster: bool,
}

/// What a plan rests on beside the desired state and the clusters.
pub struct Basis<'a> {
    pub options: Options,
    pub now: Timestamp,
    /// What nodes cost, where the manifest has any.
    pub rates: Option<&'a Rates>,
}

/// A plan, and why it can't be carried out as it is.
pub struct Made {
    pub plan: Plan,
    /// Each names its cluster. Clusters that could not be read have no place in the plan.
    pub refusals: Vec<Problem>,
    pub unreadable: Vec<Problem>,
    /// Applies that the user has no right to: the plan shows what they would do, but can't be carried out.
    pub denied: Vec<Problem>,
}

impl Made {
    /// Returns everything that is in the plan's way.
    pub fn obstacles(&self) -> impl Iterator<Item = &Problem> {
        self.refusals
            .iter()
            .chain(&self.unreadable)
            .chain(&self.denied)
    }
}

/// Returns the plan for a desired state.
pub fn make(desired: &Desired, inventory: &Inventory, basis: &Basis) -> Made {
    let mut maker = Maker::new(desired.project, basis);
    maker.made.plan.notes = desired.notes.clone();
    maker.check_clusters(
        desired.clusters.iter().map(|wanted| wanted.cluster),
        inventory,
    );
    let homeless = homeless(desired, inventory);
    for wanted in &desired.clusters {
        match inventory.get(&wanted.cluster.name) {
            Some(Ok(state)) => maker.plan_cluster(wanted, state, desired.prune, &homeless),
            Some(Err(problem)) => maker.made.unreadable.push(problem.clone()),
            None => {}
        }
    }
    maker.price(inventory, basis);
    maker.made
}

/// Returns the models that should be on a cluster which can't be read: where else they are may be their only home.
fn homeless<'a>(desired: &'a Desired, inventory: &Inventory) -> BTreeSet<&'a ModelName> {
    let unread = desired
        .clusters
        .iter()
        .filter(|wanted| !matches!(inventory.get(&wanted.cluster.name), Some(Ok(_))));
    unread
        .flat_map(|wanted| &wanted.objects)
        .map(|object| &object.model)
        .collect()
}

/// Returns the plan that deletes one model wherever it is mcai's.
pub fn delete(
    project: &Project,
    clusters: &[&Cluster],
    model: &ModelName,
    inventory: &Inventory,
    basis: &Basis,
) -> Made {
    let mut maker = Maker::new(project, basis);
    maker.check_clusters(clusters.iter().copied(), inventory);
    for cluster in clusters {
        match inventory.get(&cluster.name) {
            Some(Ok(state)) => {
                let removed = maker.deletion(cluster, state, model, false);
                maker.push(cluster, state, removed.into_iter().collect());
            }
            Some(Err(problem)) => maker.made.unreadable.push(problem.clone()),
            None => {}
        }
    }
    maker.price(inventory, basis);
    maker.made
}

/// Says why an apply is no longer what the plan shows, seen from a fresh preview. Deletes need none: they name the UID.
pub fn recheck(
    action: &Action,
    identity: &Identity,
    live: Option<&Value>,
    preview: Option<&Preview>,
) -> Option<Problem> {
    let object = action.object.as_ref()?;
    let previewed = match preview? {
        Preview::Server(previewed) => previewed,
        Preview::Unverified(problem) => return Some((**problem).clone()),
        Preview::Refused(error) => return Some(refused(error, &action.model, object)),
    };
    let fresh = compare(identity, &action.model, object, live, previewed, true);
    if fresh.fingerprint == action.fingerprint {
        return None;
    }
    let detail = format!("model `{}` changed since the plan was made", action.model);
    let problem = Problem::error(Kind::Stale, "the plan is stale")
        .detail(detail)
        .hint("plan again");
    let moved = fresh
        .changes
        .iter()
        .filter(|change| !action.changes.contains(change));
    Some(moved.fold(problem, |problem, change| {
        let now = change
            .old
            .as_ref()
            .map_or("gone".to_owned(), Value::to_string);
        problem.cause(format!("{} is {now} now", change.path))
    }))
}

struct Maker<'a> {
    project: &'a Project,
    options: Options,
    made: Made,
}

impl<'a> Maker<'a> {
    fn new(project: &'a Project, basis: &Basis) -> Self {
        let plan = Plan {
            project: project.identity.project.clone(),
            id: project.identity.id.clone(),
            namespace: project.namespace.clone(),
            made_at: basis.now,
            force_conflicts: basis.options.force_conflicts,
            clusters: Vec::new(),
            notes: Vec::new(),
            cost: None,
        };
        Maker {
            project,
            options: basis.options,
            made: Made {
                plan,
                refusals: Vec::new(),
                unreadable: Vec::new(),
                denied: Vec::new(),
            },
        }
    }

    /// Says what the plan costs, and refuses what costs too much.
    fn price(&mut self, inventory: &Inventory, basis: &Basis) {
        let Some(rates) = basis.rates else { return };
        let mut change = cost::change(rates, self.project, &self.made.plan, inventory);
        let refusals = judge::judge(&mut change, self.project, rates);
        self.made.refusals.extend(refusals);
        self.made.plan.cost = Some(change);
    }

    fn refuse(&mut self, cluster: &Cluster, problem: Problem) {
        self.made.refusals.push(problem.on(cluster.name.as_str()));
    }

    /// Stops a run that would write to the wrong cluster.
    fn check_clusters(
        &mut self,
        clusters: impl Iterator<Item = &'a Cluster>,
        inventory: &Inventory,
    ) {
        let mut uids: BTreeMap<&str, &ClusterName> = BTreeMap::new();
        for cluster in clusters {
            let Some(Ok(State {
                place: Place::Kube(around),
                ..
            })) = inventory.get(&cluster.name)
            else {
                continue;
            };
            if self.options.accept_cluster {
                continue;
            }
            if let Some(problem) = wrong_cluster(cluster, around) {
                self.refuse(cluster, problem);
            }
            if let Some(first) = around
                .uid
                .as_deref()
                .and_then(|uid| uids.insert(uid, &cluster.name))
            {
                let detail = format!(
                    "the contexts of `{first}` and `{}` lead to the same cluster",
                    cluster.name
                );
                self.refuse(
                    cluster,
                    Problem::error(Kind::WrongCluster, "one cluster under two names")
                        .detail(detail),
                );
            }
        }
    }

    fn plan_cluster(
        &mut self,
        wanted: &DesiredCluster,
        state: &State,
        prune: bool,
        homeless: &BTreeSet<&ModelName>,
    ) {
        let cluster = wanted.cluster;
        if let Place::Kube(around) = &state.place {
            self.check_surroundings(wanted, around);
        }
        let mut actions = Vec::new();
        for object in &wanted.objects {
            actions.extend(self.action(cluster, state, object));
        }
        let gone = |name: &&String| prune && !self.project.models.contains_key(name.as_str());
        let pruned: Vec<ModelName> = state
            .models
            .keys()
            .filter(gone)
            .filter_map(|name| name.parse().ok())
            .collect();
        let withdrawn = wanted
            .withdrawn
            .iter()
            .filter(|model| !homeless.contains(model));
        for model in withdrawn.chain(&pruned) {
            actions.extend(self.deletion(cluster, state, model, true));
        }
        self.push(cluster, state, actions);
    }

    fn push(&mut self, cluster: &Cluster, state: &State, actions: Vec<Action>) {
        let (live, uid, residency, marked) = match &state.place {
            Place::Directory => (false, None, Residency::Declared, true),
            Place::Kube(around) => {
                let one_region = |seen: &BTreeSet<String>| {
                    seen.len() == 1 && seen.first() == cluster.region.as_ref()
                };
                let seen = around.regions.as_ref().is_some_and(one_region);
                let residency = if seen {
                    Residency::Verified
                } else {
                    Residency::Declared
                };
                (
                    true,
                    around.uid.clone(),
                    residency,
                    around.marker.as_deref() == Some(cluster.name.as_str()),
                )
            }
        };
        let target = target_of(self.project, cluster);
        let mark = !marked && actions.iter().any(Action::changes_something);
        self.made.plan.clusters.push(ClusterPlan {
            cluster: cluster.name.clone(),
            target,
            live,
            uid,
            mark,
            actions,
            residency,
        });
    }

    /// What KubeAI would silently not do.
    fn check_surroundings(&mut self, wanted: &DesiredCluster, around: &Surroundings) {
        let cluster = wanted.cluster;
        if around.no_kubeai_here && !wanted.objects.is_empty() {
            let problem = Problem::error(Kind::NotFound, "KubeAI is not in this namespace")
                .detail(format!("namespace `{}` has no ConfigMap `{}`", self.project.namespace, crate::kubeai::CONFIG_MAP))
                .hint("set the manifest's `namespace` to the one that KubeAI runs in: it watches no other");
            self.refuse(cluster, problem);
        }
        let Some(profiles) = &around.profiles else {
            return;
        };
        for wanted in &wanted.objects {
            let text = |pointer| wanted.object.pointer(pointer).and_then(Value::as_str);
            let profile = text("/spec/resourceProfile")
                .and_then(|text| text.parse::<ProfileCount>().ok())
                .map(|profile| profile.name);
            let cache = text("/spec/cacheProfile").map(str::to_owned);
            for (name, known, what) in [
                (profile, &profiles.resource, "resource"),
                (cache, &profiles.cache, "cache"),
            ] {
                if let Some(name) = name.filter(|name| !known.contains(name)) {
                    let summary = format!("unknown {what} profile");
                    let detail = format!(
                        "model `{}`: `{name}` is not in KubeAI's configuration, so KubeAI would never start a pod",
                        wanted.model
                    );
                    let problem = Problem::error(Kind::Rejected, summary)
                        .detail(detail)
                        .suggest_or_list(&name, known.iter().map(String::as_str));
                    self.refuse(cluster, problem);
                }
            }
        }
    }

    fn action(
        &mut self,
        cluster: &Cluster,
        state: &State,
        wanted: &DesiredObject,
    ) -> Option<Action> {
        let live = state.models.get(wanted.model.as_str());
        if let Some(problem) = live.and_then(|live| self.foreign(live, &wanted.model, &state.place))
        {
            self.refuse(cluster, problem);
            return None;
        }
        let merged;
        let (previewed, verified) = match (&state.place, state.previews.get(&wanted.model)) {
            (Place::Directory, _) => (&wanted.object, true),
            (_, Some(Preview::Server(object))) => (object, true),
            (_, Some(Preview::Unverified(problem))) => {
                self.made
                    .denied
                    .push((**problem).clone().on(cluster.name.as_str()));
                merged = merge(live, &wanted.object);
                (&merged, false)
            }
            (_, Some(Preview::Refused(error))) => {
                self.refuse(cluster, refused(error, &wanted.model, &wanted.object));
                return None;
            }
            (_, None) => return None,
        };
        let mut action = compare(
            &self.project.identity,
            &wanted.model,
            &wanted.object,
            live,
            previewed,
            verified,
        );
        if let Place::Kube(around) = &state.place {
            action.hashes_before = around
                .hashes
                .get(wanted.model.as_str())
                .into_iter()
                .flatten()
                .cloned()
                .collect();
        }
        Some(action)
    }

    /// Objects that another tool keeps would be changed back by it.
    fn foreign(&self, live: &Value, model: &ModelName, place: &Place) -> Option<Problem> {
        let problem = match owner(live, &self.project.identity) {
            Owner::Own => return None,
            // A file that mcai did not make is somebody's text; a live object made by hand is adopted.
            Owner::Nobody if matches!(place, Place::Directory) => {
                Problem::error(Kind::Conflict, "a file that mcai did not make").detail(format!(
                    "`model-{model}.yaml` lacks the labels of this project"
                ))
            }
            Owner::Nobody => return None,
            Owner::Other { name, evidence } => {
                Problem::error(Kind::Conflict, "the model belongs to another tool")
                    .detail(format!("model `{model}` is kept by {name} ({evidence})"))
            }
        };
        (!self.options.take_over).then(|| {
            problem.hint("remove it there first, or `--take-over` if mcai is to own it from now on")
        })
    }

    fn deletion(
        &mut self,
        cluster: &Cluster,
        state: &State,
        model: &ModelName,
        quiet: bool,
    ) -> Option<Action> {
        let live = state.models.get(model.as_str())?;
        let uid = live
            .pointer("/metadata/uid")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let whose = owner(live, &self.project.identity);
        if whose != Owner::Own {
            let keeper = match whose {
                Owner::Other { name, evidence } => format!("is kept by {name} ({evidence})"),
                _ => "lacks the labels of this project".to_owned(),
            };
            let problem = Problem::error(Kind::Conflict, "the model is not mcai's")
                .detail(format!(
                    "model `{model}` {keeper}; only what is mcai's is deleted"
                ))
                .hint("delete it with the tool that made it");
            if !quiet {
                self.refuse(cluster, problem);
            }
            return None;
        }
        Some(Action {
            verb: Verb::Delete,
            model: model.clone(),
            object: None,
            changes: Vec::new(),
            fingerprint: fingerprint(Verb::Delete, uid.as_deref(), &[]),
            uid,
            shapes_pods: false,
            hashes_before: Vec::new(),
            verified: true,
        })
    }
}

/// Says in words where a cluster's objects go: `context NAME` or `directory PATH`.
pub fn target_of(project: &Project, cluster: &Cluster) -> String {
    match (&cluster.target.directory, &cluster.target.context) {
        (Some(directory), _) => format!("directory {}", shown(&project.root, &directory.value)),
        (None, Some(context)) => format!("context {}", context.value),
        (None, None) => String::new(),
    }
}

fn wrong_cluster(cluster: &Cluster, around: &Surroundings) -> Option<Problem> {
    let accept = "mend `context`, or `--accept-cluster` if this is the cluster that you mean";
    let context = cluster
        .target
        .context
        .as_ref()
        .map_or("", |context| context.value.as_str());
    if let Some(marked) = around
        .marker
        .as_deref()
        .filter(|name| *name != cluster.name.as_str())
    {
        return Some(
            Problem::error(Kind::WrongCluster, "the context leads to another cluster")
                .detail(format!(
                    "context `{context}` is for `{}`, but the cluster is marked as `{marked}`",
                    cluster.name
                ))
                .hint(accept),
        );
    }
    let region = cluster.region.as_ref()?;
    let seen = around
        .regions
        .as_ref()
        .filter(|seen| !seen.is_empty() && !seen.contains(region))?;
    Some(
        Problem::error(Kind::WrongCluster, "the context leads to another region")
            .detail(format!(
                "the manifest says `{region}`; the nodes behind context `{context}` are in {}",
                quoted_list(seen)
            ))
            .hint(accept),
    )
}

fn compare(
    identity: &Identity,
    model: &ModelName,
    sent: &Value,
    live: Option<&Value>,
    previewed: &Value,
    verified: bool,
) -> Action {
    let changes = match live {
        Some(live) => changes(live, previewed, sent),
        None => vec![],
    };
    let verb = match live {
        None => Verb::Create,
        Some(live) if owner(live, identity) != Owner::Own => Verb::Adopt,
        Some(_) if changes.is_empty() => Verb::Keep,
        Some(_) => Verb::Update,
    };
    let uid = live
        .and_then(|live| live.pointer("/metadata/uid"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    Action {
        verb,
        model: model.clone(),
        object: Some(sent.clone()),
        shapes_pods: verb != Verb::Create && shapes_pods(&changes),
        fingerprint: fingerprint(verb, uid.as_deref(), &changes),
        changes,
        uid,
        hashes_before: Vec::new(),
        verified,
    }
}

fn fingerprint(verb: Verb, uid: Option<&str>, changes: &[Change]) -> String {
    let text = serde_json::json!([verb, uid, changes]).to_string();
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The answer of a server that may not be asked: the object laid over the live one.
fn merge(live: Option<&Value>, sent: &Value) -> Value {
    fn over(base: &mut Value, patch: &Value) {
        match (base, patch) {
            (Value::Object(base), Value::Object(patch)) => {
                for (key, value) in patch {
                    over(base.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (base, patch) => *base = patch.clone(),
        }
    }
    let mut merged = live.cloned().unwrap_or(Value::Null);
    over(&mut merged, sent);
    merged
}

/// Words the server's refusal of one model: conflicts name field and manager.
fn refused(error: &CallError, model: &ModelName, sent: &Value) -> Problem {
    let conflicts = error.field_conflicts();
    if conflicts.is_empty() {
        return error
            .clone()
            .problem(&format!("the cluster refuses model `{model}`"));
    }
    let managers: BTreeSet<&str> = conflicts
        .iter()
        .map(|conflict| conflict.manager.as_str())
        .collect();
    let mut problem =
        Problem::error(Kind::Conflict, "fields belong to another manager").detail(format!(
            "model `{model}`: {} set fields that the manifest sets otherwise",
            quoted_list(managers)
        ));
    for conflict in &conflicts {
        let pointer = conflict.field.replace('.', "/");
        let wanted = sent
            .pointer(&pointer)
            .map(|value| format!(" (the manifest says {value})"))
            .unwrap_or_default();
        problem = problem.cause(format!(
            "{} is set by `{}`{wanted}",
            conflict.field, conflict.manager
        ));
    }
    problem.hint("drop the fields from the manifest, or `--force-conflicts` to take them over")
}
