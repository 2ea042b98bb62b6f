//! What a plan does to the cost of the fleet.
//!
//! Before is what the clusters that were read have of this project, after is that with the plan carried out. Clusters
//! that were not read count as the manifest declares them, on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::owner::{Owner, owner};
use super::{ClusterPlan, Plan, Verb};
use crate::estimate::{Load, Rates, Replicas, Total};
use crate::inventory::{Inventory, Preview, State};
use crate::place;
use crate::price::{At, SPOT_STALE_AFTER_DAYS};
use crate::project::{Cluster, Project};
use crate::value::ClusterName;

/// How the cost of the fleet changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostChange {
    /// At how many replicas of each model.
    pub at: At,
    /// Clusters where replicas or their cost change, by name.
    pub clusters: Vec<ClusterCost>,
    /// The whole fleet, with what is not selected.
    pub before: Total,
    pub after: Total,
    /// What a reader must know to judge the sums.
    pub notes: Vec<String>,
}

/// How the cost of one cluster changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterCost {
    pub cluster: ClusterName,
    /// Models of which there will be more or fewer replicas.
    pub models: Vec<ReplicaChange>,
    pub before: Total,
    pub after: Total,
}

/// How many replicas a model has; nothing where there is no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaChange {
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<u64>,
}

impl CostChange {
    /// Whether more is to be paid than before, as far as it is known, or more runs whose price is not known.
    pub fn raises(&self) -> bool {
        // The upper end decides; where it stays, the lower one may still rise.
        let ends = |total: &Total| (total.amount.whole.high, total.amount.whole.low);
        let (before, after) = (&self.before, &self.after);
        ends(after) > ends(before)
            || unpriced(after) > unpriced(before)
            || after.unlimited.len() > before.unlimited.len()
    }
}

/// Returns how many replicas have no price.
fn unpriced(total: &Total) -> u64 {
    let replicas = total
        .not_counted
        .iter()
        .map(|one| one.replicas.unwrap_or(u64::MAX));
    replicas.fold(0, u64::saturating_add)
}

/// Returns what a plan changes.
pub(super) fn change(
    rates: &Rates,
    project: &Project,
    plan: &Plan,
    inventory: &Inventory,
) -> CostChange {
    let at = project.budget.as_ref().map_or(At::Min, |budget| budget.at);
    let mut counting = Counting {
        rates,
        at,
        before: Vec::new(),
        after: Vec::new(),
    };
    let (mut clusters, mut declared) = (Vec::new(), Vec::new());
    for cluster in project.clusters.values() {
        let planned = plan.clusters.iter().find(|one| one.cluster == cluster.name);
        match (planned, inventory.get(&cluster.name)) {
            (Some(planned), Some(Ok(state))) => {
                clusters.extend(counting.read(project, cluster, planned, state));
            }
            _ if counting.declared(project, cluster) => declared.push(cluster.name.as_str()),
            _ => {}
        }
    }
    let (before, after) = (Total::of(&counting.before), Total::of(&counting.after));
    let mut notes = Vec::new();
    if !declared.is_empty() {
        let names = declared.join(", ");
        notes.push(format!("not read, so counted as declared: {names}"));
    }
    if before.at_most || after.at_most {
        notes.push(format!(
            "counted as on demand, as there is no price of the capacity, or a spot price of more than {SPOT_STALE_AFTER_DAYS} days ago: at most (<=)"
        ));
    }
    CostChange {
        at,
        clusters,
        before,
        after,
        notes,
    }
}

/// The loads of the fleet, cluster by cluster.
struct Counting<'a> {
    rates: &'a Rates,
    at: At,
    before: Vec<Load<'a>>,
    after: Vec<Load<'a>>,
}

/// A model's spec as it is and as it will be, where it is there.
type Specs<'a> = BTreeMap<&'a str, [Option<&'a Value>; 2]>;

impl<'a> Counting<'a> {
    /// Counts a cluster as the manifest declares it; says whether anything is declared there.
    fn declared(&mut self, project: &'a Project, cluster: &'a Cluster) -> bool {
        let models = project.models.values();
        let mut is_any = false;
        for model in models.filter(|model| model.excluded_from(cluster).is_none()) {
            let object = place::object(project, model, cluster);
            for side in [Side::Before, Side::After] {
                let load = self.load(cluster, model.name.as_str(), &object["spec"]);
                self.side(side).push(load);
            }
            is_any = true;
        }
        is_any
    }

    /// Counts a cluster that was read; returns what changes there, if anything does.
    fn read(
        &mut self,
        project: &Project,
        cluster: &'a Cluster,
        planned: &'a ClusterPlan,
        state: &'a State,
    ) -> Option<ClusterCost> {
        let specs = specs(project, planned, state);
        let begin = [self.before.len(), self.after.len()];
        let mut models = Vec::new();
        for (model, [before, after]) in specs {
            let loads = [before, after].map(|spec| Some(self.load(cluster, model, spec?)));
            let replicas = |load: &Option<Load<'_>>| match load {
                Some(load) => load.replicas,
                None => Some(0),
            };
            let (was, will) = (replicas(&loads[0]), replicas(&loads[1]));
            if was != will {
                models.push(ReplicaChange {
                    model: model.to_owned(),
                    before: was,
                    after: will,
                });
            }
            let [before, after] = loads;
            self.before.extend(before);
            self.after.extend(after);
        }
        let before = Total::of(&self.before[begin[0]..]);
        let after = Total::of(&self.after[begin[1]..]);
        let changes = !models.is_empty() || before.amount != after.amount;
        changes.then(|| ClusterCost {
            cluster: cluster.name.clone(),
            models,
            before,
            after,
        })
    }

    fn load(&self, cluster: &'a Cluster, model: &'a str, spec: &Value) -> Load<'a> {
        let replicas = Replicas::of(spec);
        Load {
            cluster,
            model,
            takes: self.rates.takes(cluster, spec),
            replicas: replicas.at(self.at),
            least: replicas.min,
        }
    }

    fn side(&mut self, side: Side) -> &mut Vec<Load<'a>> {
        match side {
            Side::Before => &mut self.before,
            Side::After => &mut self.after,
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// Returns the specs of this project's models on a cluster, and of those that the plan adopts: their pods run already.
fn specs<'a>(project: &Project, planned: &'a ClusterPlan, state: &'a State) -> Specs<'a> {
    let mut specs = Specs::new();
    for (name, live) in &state.models {
        if owner(live, &project.identity) == Owner::Own {
            let spec = live.get("spec");
            specs.insert(name, [spec, spec]);
        }
    }
    for action in &planned.actions {
        let name = action.model.as_str();
        let live = state.models.get(name).and_then(|live| live.get("spec"));
        // The server fills in what is not sent.
        let previewed = match state.previews.get(&action.model) {
            Some(Preview::Server(object)) => object.get("spec"),
            _ => action.object.as_ref().and_then(|object| object.get("spec")),
        };
        let after = match action.verb {
            Verb::Create | Verb::Update | Verb::Adopt => previewed,
            Verb::Keep => live,
            Verb::Delete => None,
        };
        specs.insert(name, [live, after]);
    }
    specs
}
