//! Which objects each cluster should have, and why not. Pure.
//!
//! Selectors of the command line choose which clusters of the computed placement are touched; they never change the
//! placement.

mod need;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cloud::Cloud;
use crate::diagnostic::{Kind, Problem};
use crate::kubeai::render;
use crate::project::{Cluster, Exclusion, Model, Project, Selector};
use crate::text::quoted_list;
use crate::value::{ClusterName, ModelName};

pub use need::{Needs, needs};

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Models by name; none means all of the manifest's.
    pub models: Vec<String>,
    pub clouds: Option<Vec<Cloud>>,
    pub clusters: Option<Vec<String>>,
    pub stages: Option<Vec<String>>,
    pub exclude: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// Whether models that are gone from the manifest are deleted on the selected clusters.
    pub prune: bool,
}

/// The objects that the selected clusters should have.
#[derive(Debug)]
pub struct Desired<'p> {
    pub project: &'p Project,
    pub clusters: Vec<DesiredCluster<'p>>,
    /// Why models are not on clusters that were selected.
    pub notes: Vec<Note>,
    pub prune: bool,
}

#[derive(Debug)]
pub struct DesiredCluster<'p> {
    pub cluster: &'p Cluster,
    pub objects: Vec<DesiredObject>,
    /// Selected models that are not placed here: mcai's own objects of them go.
    pub withdrawn: Vec<ModelName>,
}

#[derive(Debug)]
pub struct DesiredObject {
    pub model: ModelName,
    /// The whole Model as it is sent.
    pub object: Value,
}

/// A model that is not on a cluster, and why.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    pub model: ModelName,
    pub cluster: ClusterName,
    pub reason: String,
}

/// Returns what the selected clusters should have, or why the selection makes no sense.
pub fn place<'p>(project: &'p Project, selection: &Selection) -> Result<Desired<'p>, Vec<Problem>> {
    let models = selected_models(project, &selection.models)?;
    let clusters = selected_clusters(project, selection)?;
    let mut notes = Vec::new();
    let mut unmatched = Vec::new();
    for model in &models {
        let placed = |cluster: &&&Cluster| model.excluded_from(cluster).is_none();
        if !selection.models.is_empty() && !clusters.iter().any(|cluster| placed(&cluster)) {
            unmatched.push(unmatched_problem(model, &clusters, project));
        }
    }
    if !unmatched.is_empty() {
        return Err(unmatched);
    }
    let mut placed = Vec::new();
    for cluster in clusters {
        let mut desired = DesiredCluster {
            cluster,
            objects: Vec::new(),
            withdrawn: Vec::new(),
        };
        for model in &models {
            match model.excluded_from(cluster) {
                None => desired.objects.push(DesiredObject {
                    model: model.name.clone(),
                    object: object(project, model, cluster),
                }),
                Some(exclusion) => {
                    let reason = exclusion.to_string();
                    notes.push(Note {
                        model: model.name.clone(),
                        cluster: cluster.name.clone(),
                        reason,
                    });
                    // Only a model that is named moves: the others' new homes may not be selected.
                    if !selection.models.is_empty() {
                        desired.withdrawn.push(model.name.clone());
                    }
                }
            }
        }
        placed.push(desired);
    }
    let nothing = placed.iter().all(|cluster| cluster.objects.is_empty());
    if nothing && !models.is_empty() && selection.models.is_empty() && !selection.prune {
        let places = placed
            .iter()
            .map(|desired| desired.cluster)
            .collect::<Vec<_>>();
        return Err(models
            .iter()
            .map(|model| unmatched_problem(model, &places, project))
            .collect());
    }
    Ok(Desired {
        project,
        clusters: placed,
        notes,
        prune: selection.prune,
    })
}

/// Returns the Model that a cluster should have.
pub fn object(project: &Project, model: &Model, cluster: &Cluster) -> Value {
    let spec = model.effective_spec(cluster).to_json();
    render::model(
        &project.identity,
        &project.namespace,
        &model.name,
        spec,
        &model.labels,
        &model.annotations,
    )
}

/// Returns the models of these names, or all; a name that the manifest lacks is a problem.
pub fn selected_models<'p>(
    project: &'p Project,
    names: &[String],
) -> Result<Vec<&'p Model>, Vec<Problem>> {
    let known = || project.models.keys().map(ModelName::as_str);
    let unknown: Vec<Problem> = names
        .iter()
        .filter(|name| !project.models.contains_key(name.as_str()))
        .map(|name| unknown("model", name, known()))
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let chosen =
        |model: &&Model| names.is_empty() || names.iter().any(|name| name == model.name.as_str());
    Ok(project.models.values().filter(chosen).collect())
}

/// Returns the clusters that the selectors of the command line leave, in the order of their names.
pub fn selected_clusters<'p>(
    project: &'p Project,
    selection: &Selection,
) -> Result<Vec<&'p Cluster>, Vec<Problem>> {
    let names = || project.clusters.keys().map(ClusterName::as_str);
    let mut stages: Vec<&str> = project
        .clusters
        .values()
        .filter_map(|cluster| cluster.stage.as_deref())
        .collect();
    stages.sort_unstable();
    stages.dedup();
    let mut problems = Vec::new();
    for name in selection
        .clusters
        .iter()
        .flatten()
        .chain(&selection.exclude)
    {
        if !project.clusters.contains_key(name.as_str()) {
            problems.push(unknown("cluster", name, names()));
        }
    }
    for stage in selection
        .stages
        .iter()
        .flatten()
        .filter(|stage| !stages.contains(&stage.as_str()))
    {
        problems.push(unknown("stage", stage, stages.iter().copied()));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let selector = Selector {
        clouds: selection.clouds.clone(),
        clusters: selection
            .clusters
            .as_ref()
            .map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()),
        stages: selection.stages.clone(),
        labels: selection.labels.clone(),
        capacity: None,
    };
    let excluded = |cluster: &Cluster| {
        selection
            .exclude
            .iter()
            .any(|name| name == cluster.name.as_str())
    };
    let chosen: Vec<&Cluster> = project
        .clusters
        .values()
        .filter(|cluster| selector.admits(cluster) && !excluded(cluster))
        .collect();
    if chosen.is_empty() {
        let problem = Problem::error(Kind::Settings, "no cluster is selected")
            .detail("the selectors of the command line match no cluster of the manifest")
            .hint(format!("clusters: {}", quoted_list(names())));
        return Err(vec![problem]);
    }
    Ok(chosen)
}

fn unknown<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Problem {
    Problem::error(Kind::Settings, format!("unknown {what}"))
        .detail(format!("the manifest has no {what} `{name}`"))
        .suggest_or_list(name, known)
}

fn unmatched_problem(model: &Model, clusters: &[&Cluster], project: &Project) -> Problem {
    let exclusions: Vec<(&Cluster, Exclusion)> = clusters
        .iter()
        .filter_map(|cluster| Some((*cluster, model.excluded_from(cluster)?)))
        .collect();
    let by_residency = !exclusions.is_empty()
        && exclusions
            .iter()
            .all(|(_, exclusion)| exclusion.rule == "residency");
    let kind = if by_residency {
        Kind::Residency
    } else {
        Kind::Settings
    };
    let mut problem = Problem::error(kind, "no selected cluster is in the model's placement")
        .detail(format!("model `{}`", model.name));
    for (cluster, exclusion) in &exclusions {
        problem = problem.cause(format!("{}: {exclusion}", cluster.name));
    }
    let placed = project
        .clusters
        .values()
        .filter(|cluster| model.excluded_from(cluster).is_none());
    problem.hint(format!(
        "it is placed on {}",
        quoted_list(placed.map(|cluster| cluster.name.as_str()))
    ))
}
