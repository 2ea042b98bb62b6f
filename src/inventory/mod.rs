//! What the clusters have: reads, and server dry runs, which are reads too; all clusters at once, and all requests to a
//! cluster at once. "Could not be read, because" is a value.

mod look;
mod paths;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::future::{join, join_all, join4};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::diagnostic::{Kind, Problem};
use crate::kubeai::{self, profile::LiveProfiles, verdict};
use crate::place::{Desired, DesiredCluster};
use crate::project::Cluster;
use crate::target::kube::CallError;
use crate::target::{Connector, Directory, Session, Target};
use crate::value::{ClusterName, ModelName, Namespace};

pub use look::{Look, Looker};
pub use paths::{Paths, SYSTEM_NAMESPACE};
pub use standing::{Standing, standings};

/// All clusters of a run: each read, or the reason why not.
pub type Inventory = BTreeMap<ClusterName, Result<State, Problem>>;
/// The opened targets of a run, or why one could not be opened.
pub type Targets = BTreeMap<ClusterName, Result<Target, Problem>>;

/// What one cluster has.
pub struct State {
    pub place: Place,
    /// Models of the namespace by name, whoever made them.
    pub models: BTreeMap<String, Value>,
    pub previews: BTreeMap<ModelName, Preview>,
}

/// Where the state was read.
pub enum Place {
    Directory,
    Kube(Surroundings),
}

/// What is around the models on a live cluster; what may not be read is `None`.
#[derive(Default)]
pub struct Surroundings {
    /// UID of the namespace `kube-system`: the cluster's identity.
    pub uid: Option<String>,
    /// The cluster's name as the marker of this project has it.
    pub marker: Option<String>,
    /// Regions that the nodes say they are in.
    pub regions: Option<BTreeSet<String>>,
    pub profiles: Option<LiveProfiles>,
    /// Whether the namespace lacks KubeAI's configuration, as one does where KubeAI does not run.
    pub no_kubeai_here: bool,
    /// `pod-hash` labels by model.
    pub hashes: BTreeMap<String, BTreeSet<String>>,
}

/// How the server would answer an apply.
pub enum Preview {
    /// The object as it would be stored.
    Server(Value),
    /// The right to patch is missing: the answer to make the plan from is a merge on this side.
    Unverified(Box<Problem>),
    Refused(Box<CallError>),
}

/// How dry runs are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether fields of other managers are taken over.
    pub force_conflicts: bool,
}

/// Opens the targets of all clusters, at once.
pub async fn open<'p>(
    connector: &Connector,
    clusters: impl IntoIterator<Item = &'p Cluster>,
) -> Targets {
    let opened = clusters
        .into_iter()
        .map(|cluster| async { (cluster.name.clone(), connector.open(cluster).await) });
    join_all(opened).await.into_iter().collect()
}

/// Reads all clusters of a desired state, at once.
pub async fn observe(
    desired: &Desired<'_>,
    targets: &Targets,
    connector: &Connector,
    options: Options,
) -> Inventory {
    let reads = desired.clusters.iter().map(|wanted| async {
        let name = &wanted.cluster.name;
        let paths = Paths::new(&desired.project.namespace, &desired.project.identity.id);
        let state = match targets.get(name) {
            Some(Ok(Target::Kube(session))) => {
                let session = session.until(Instant::now() + connector.cluster_timeout);
                observe_cluster(&session, &paths, wanted, options).await
            }
            Some(Ok(Target::Directory(directory))) => {
                observe_directory(directory, &desired.project.namespace)
            }
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(Problem::error(Kind::Internal, "a cluster was not opened")),
        };
        (
            name.clone(),
            state.map_err(|problem| problem.on(name.as_str())),
        )
    });
    join_all(reads).await.into_iter().collect()
}

fn observe_directory(directory: &Directory, namespace: &Namespace) -> Result<State, Problem> {
    Ok(State {
        place: Place::Directory,
        models: directory.models(namespace)?,
        previews: BTreeMap::new(),
    })
}

/// One round of parallel requests.
async fn observe_cluster(
    session: &Session,
    paths: &Paths,
    wanted: &DesiredCluster<'_>,
    options: Options,
) -> Result<State, Problem> {
    let surroundings = surroundings(session, paths);
    let previews = previews(
        session,
        paths,
        wanted
            .objects
            .iter()
            .map(|wanted| (&wanted.model, &wanted.object)),
        options,
    );
    let models = session.get(&paths.models);
    let namespace = session.get(&paths.own_namespace);
    let (models, namespace, surroundings, previews) =
        join4(models, namespace, surroundings, previews).await;
    // The most telling error first: what is wrong with the connection is wrong for every request.
    let nothing_wanted = wanted.objects.is_empty();
    let models = match (models, namespace) {
        // Where KubeAI is not, there is nothing of mcai's to find.
        (Err(error), _) if error.is_missing_api() && nothing_wanted => Value::Null,
        (Err(error), _) if error.is_missing_api() => return Err(not_installed()),
        (Ok(_), Err(error)) if error.code == Some(404) && !nothing_wanted => {
            return Err(no_namespace(paths));
        }
        (Err(error), _) => return Err(error.problem("cannot list models")),
        (Ok(models), _) => models,
    };
    let surroundings = surroundings?;
    if let Some(error) = previews.values().find_map(broken) {
        return Err(error.clone().problem("cannot preview the models"));
    }
    let models = by_name(&models);
    Ok(State {
        place: Place::Kube(surroundings),
        models,
        previews,
    })
}

/// A dry run that got no answer of the API says nothing of the model.
fn broken(preview: &Preview) -> Option<&CallError> {
    match preview {
        Preview::Refused(error) if error.kind.is_about_reach() => Some(error),
        _ => None,
    }
}

fn not_installed() -> Problem {
    Problem::error(Kind::NotFound, "KubeAI is not installed")
        .detail(format!(
            "the cluster does not serve {}",
            kubeai::API_VERSION
        ))
        .hint("install KubeAI's chart first: https://www.kubeai.org")
}

fn no_namespace(paths: &Paths) -> Problem {
    Problem::error(Kind::NotFound, "KubeAI is not in this namespace")
        .detail(format!("namespace `{}` does not exist", paths.namespace))
        .hint("set the manifest's `namespace` to the one that KubeAI runs in: it watches no other")
}

/// Tolerates what may not be read; anything else is trouble with the cluster itself.
fn readable(answer: Result<Value, CallError>, attempted: &str) -> Result<Option<Value>, Problem> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.code, Some(403 | 404)) => Ok(None),
        Err(error) => Err(error.problem(attempted)),
    }
}

async fn surroundings(session: &Session, paths: &Paths) -> Result<Surroundings, Problem> {
    let (config, marker) = (session.get(&paths.config), session.get(&paths.marker));
    let (system, nodes, pods) = (
        session.get(SYSTEM_NAMESPACE),
        session.get_metadata(paths::NODES),
        session.get_metadata(&paths.pods),
    );
    let (config, marker, system, (nodes, pods)) =
        join4(config, marker, system, join(nodes, pods)).await;
    let no_kubeai_here = config.as_ref().is_err_and(|error| error.code == Some(404));
    let config = readable(config, "cannot read KubeAI's configuration")?;
    let marker = readable(marker, "cannot read mcai's marker")?;
    let system = readable(system, "cannot read namespace `kube-system`")?;
    let nodes = readable(nodes, "cannot list nodes")?;
    let pods = readable(pods, "cannot list pods")?;
    let text = |value: &Option<Value>, pointer: &str| {
        value
            .as_ref()?
            .pointer(pointer)?
            .as_str()
            .map(str::to_owned)
    };
    Ok(Surroundings {
        uid: text(&system, "/metadata/uid"),
        marker: text(&marker, "/data/cluster"),
        regions: nodes.as_ref().map(regions),
        profiles: text(&config, "/data/system.yaml").and_then(|yaml| LiveProfiles::read(&yaml)),
        no_kubeai_here,
        hashes: pods.as_ref().map(hashes_by_model).unwrap_or_default(),
    })
}

async fn previews(
    session: &Session,
    paths: &Paths,
    objects: impl Iterator<Item = (&ModelName, &Value)>,
    options: Options,
) -> BTreeMap<ModelName, Preview> {
    let each = objects.map(|(model, object)| async {
        let path = paths.apply(model, true, options.force_conflicts);
        (model.clone(), preview(session.apply(&path, object).await))
    });
    join_all(each).await.into_iter().collect()
}

fn preview(answer: Result<Value, CallError>) -> Preview {
    match answer {
        Ok(object) => Preview::Server(object),
        Err(error) if error.code == Some(403) => {
            Preview::Unverified(Box::new(error.problem("cannot apply the model")))
        }
        Err(error) => Preview::Refused(Box::new(error)),
    }
}

/// Reads the models and previews some objects again, for a plan that has aged.
pub async fn preview_again(
    session: &Session,
    paths: &Paths,
    objects: &BTreeMap<ModelName, Value>,
    options: Options,
) -> Result<(BTreeMap<String, Value>, BTreeMap<ModelName, Preview>), Problem> {
    let (models, previews) = join(
        session.get(&paths.models),
        previews(session, paths, objects.iter(), options),
    )
    .await;
    let models = models.map_err(|error| error.problem("cannot list models"))?;
    Ok((by_name(&models), previews))
}

/// Returns the items of a list by their names.
fn by_name(list: &Value) -> BTreeMap<String, Value> {
    items(list)
        .map(|item| (name_of(item), item.clone()))
        .collect()
}

/// Returns a path as the manifest's folder sees it.
pub fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.get("items")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

pub(crate) fn name_of(object: &Value) -> String {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Reads each item as a Kubernetes type; one that does not fit is left out.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(list: &Value) -> Vec<T> {
    items(list)
        .filter_map(|item| serde_json::from_value(item.clone()).ok())
        .collect()
}

const REGION_LABEL: &str = "topology.kubernetes.io/region";

/// KubeAI's label on the pods of a model.
const MODEL_LABEL: &str = "model";

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// An item of a list of which only metadata was asked for.
#[derive(Deserialize)]
struct Labelled {
    metadata: ObjectMeta,
}

fn regions(nodes: &Value) -> BTreeSet<String> {
    let nodes: Vec<Labelled> = typed(nodes);
    nodes
        .iter()
        .filter_map(|node| node.metadata.labels.as_ref()?.get(REGION_LABEL).cloned())
        .collect()
}

/// Returns the `pod-hash` labels of a list of pods, by model.
pub(crate) fn hashes_by_model(pods: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_model: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pod in typed::<Labelled>(pods) {
        if let Some(model) = label(&pod.metadata, MODEL_LABEL) {
            let hashes = by_model.entry(model.to_owned()).or_default();
            hashes.insert(verdict::hash(&pod.metadata).to_owned());
        }
    }
    by_model
}
