//! Where a cluster's objects go: its API server, or files in a directory that something else applies.

pub mod directory;
pub mod kube;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Kind, Problem};
use crate::project::Cluster;
use crate::value::Sourced;

pub use directory::Directory;
pub use kube::Session;

/// A cluster that can be worked with. A directory with a context beside it is written as files and read live.
pub enum Target {
    Kube(Session),
    Directory {
        directory: Directory,
        live: Option<Session>,
    },
}

impl Target {
    /// Returns the session with the cluster itself, if there is one.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Target::Kube(session) => Some(session),
            Target::Directory { live, .. } => live.as_ref(),
        }
    }
}

/// Opens targets: what all clusters of a run share.
pub struct Connector {
    /// The project's folder.
    pub root: PathBuf,
    pub kubeconfig: kube::Kubeconfig,
    pub net: kube::Net,
    pub runner: Arc<kube::Runner>,
    /// How long one cluster may take to be read, and for each of its writes.
    pub cluster_timeout: Duration,
}

impl Connector {
    /// Opens a cluster's target; credential plugins run here, under their own clock.
    pub async fn open(&self, cluster: &Cluster) -> Result<Target, Problem> {
        let on = |problem: Problem| problem.on(cluster.name.as_str());
        let live = match &cluster.target.context {
            Some(context) => Some(self.session(context).await.map_err(on)?),
            None => None,
        };
        match (&cluster.target.directory, live) {
            (Some(path), live) => Ok(Target::Directory {
                directory: Directory::new(self.root.clone(), path.value.clone()),
                live,
            }),
            (None, Some(session)) => Ok(Target::Kube(session)),
            (None, None) => Err(on(Problem::error(
                Kind::Internal,
                "a cluster without a target",
            ))),
        }
    }

    async fn session(&self, context: &Sourced<String>) -> Result<Session, Problem> {
        let found =
            self.kubeconfig
                .context(&context.value)
                .map_err(|problem| match context.span() {
                    Some(span) if problem.span.is_none() => problem.at(span),
                    _ => problem,
                })?;
        Session::open(&found, &self.net, &self.runner).await
    }
}
