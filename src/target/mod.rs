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

/// Where a cluster's objects are written. A directory with a context beside it is written as files; its cluster is only
/// looked at, through [`Connector::look_at`].
pub enum Target {
    Kube(Session),
    Directory(Directory),
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
        if let Some(directory) = self.directory(cluster) {
            return Ok(Target::Directory(directory));
        }
        match self.look_at(cluster).await {
            Some(session) => session.map(Target::Kube).map_err(on),
            None => Err(on(Problem::error(
                Kind::Internal,
                "a cluster without a target",
            ))),
        }
    }

    /// Returns the directory that a cluster's objects are written to, if it has one.
    pub fn directory(&self, cluster: &Cluster) -> Option<Directory> {
        let path = cluster.target.directory.as_ref()?;
        Some(Directory::new(self.root.clone(), path.value.clone()))
    }

    /// Opens the cluster itself, if it has a context.
    pub async fn look_at(&self, cluster: &Cluster) -> Option<Result<Session, Problem>> {
        let context = cluster.target.context.as_ref()?;
        Some(self.session(context).await)
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
