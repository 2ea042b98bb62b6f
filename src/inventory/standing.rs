//! How every model stands on one cluster: what `status` shows.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{Looker, Paths};
use crate::diagnostic::{Kind, Problem};
use crate::kubeai::verdict::{State, Verdict};
use crate::project::{Cluster, Project};
use crate::target::{Connector, Directory, Session};
use crate::value::ModelName;

pub struct Standing {
    pub model: ModelName,
    /// The object, where the cluster has it.
    pub object: Option<Value>,
    pub verdict: Verdict,
}

/// Returns the models that are placed on a cluster and those that it has, with those names only where some are given.
pub async fn standings(
    project: &Project,
    cluster: &Cluster,
    connector: &Connector,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<Standing>, Problem> {
    let wanted =
        |name: &ModelName| names.is_empty() || names.iter().any(|chosen| chosen == name.as_str());
    let placed = project
        .models
        .values()
        .filter(|model| model.excluded_from(cluster).is_none());
    let placed = placed.map(|model| model.name.clone()).filter(wanted);
    let models = Models {
        placed: placed.collect(),
        wanted: &wanted,
    };
    if let Some(session) = connector.look_at(cluster).await {
        let session = session?.until(Instant::now() + connector.cluster_timeout);
        return of_cluster(project, cluster, session, models, now).await;
    }
    match connector.directory(cluster) {
        Some(directory) => of_files(project, &directory, models),
        None => Ok(Vec::new()),
    }
}

struct Models<'a> {
    placed: BTreeSet<ModelName>,
    wanted: &'a dyn Fn(&ModelName) -> bool,
}

impl Models<'_> {
    /// Returns the placed models and those found.
    fn with(self, found: &BTreeMap<String, Value>) -> BTreeSet<ModelName> {
        let mut all = self.placed;
        all.extend(
            found
                .keys()
                .filter_map(|name| name.parse().ok())
                .filter(self.wanted),
        );
        all
    }
}

fn of_files(
    project: &Project,
    directory: &Directory,
    models: Models,
) -> Result<Vec<Standing>, Problem> {
    let files = directory.models(&project.namespace)?;
    let standing = |model: ModelName| {
        let object = files.get(model.as_str()).cloned();
        let verdict = match object {
            Some(_) => Verdict::new(State::Written, "a file; no cluster is observed"),
            None => Verdict::new(State::Absent, "no file"),
        };
        Standing {
            model,
            object,
            verdict,
        }
    };
    Ok(models.with(&files).into_iter().map(standing).collect())
}

async fn of_cluster(
    project: &Project,
    cluster: &Cluster,
    session: Session,
    models: Models<'_>,
    now: Timestamp,
) -> Result<Vec<Standing>, Problem> {
    let paths = Paths::new(&project.namespace, &project.identity.id);
    let looker = Looker {
        session,
        paths: &paths,
        cluster,
    };
    let look = match looker.look(now).await {
        // Where nothing is placed, KubeAI need not be.
        Err(problem) if problem.kind == Kind::NotFound && models.placed.is_empty() => {
            return Ok(Vec::new());
        }
        look => look?,
    };
    let standing = async |model: ModelName| {
        let verdict = looker.verdict(&look, &model, None).await;
        Standing {
            object: look.models.get(model.as_str()).cloned(),
            model,
            verdict,
        }
    };
    Ok(join_all(models.with(&look.models).into_iter().map(standing)).await)
}
