//! The paths of the Kubernetes API that mcai uses: it knows its kinds, so it needs no discovery.

use crate::kubeai;
use crate::value::{ModelName, Namespace, ProjectId};

/// mcai's name among field managers.
pub(super) const FIELD_MANAGER: &str = "mcai";

pub const SYSTEM_NAMESPACE: &str = "/api/v1/namespaces/kube-system";
/// Enough to know regions and pools; the largest clusters that serve models have fewer.
pub(super) const NODES: &str = "/api/v1/nodes?limit=500";

pub struct Paths {
    pub namespace: Namespace,
    pub own_namespace: String,
    pub models: String,
    pub config: String,
    pub marker: String,
    pub marker_name: String,
    pub pods: String,
    /// Events about pods.
    pub events: String,
}

impl Paths {
    pub fn new(namespace: &Namespace, id: &ProjectId) -> Self {
        let core = format!("/api/v1/namespaces/{namespace}");
        let marker_name = format!("mcai-{id}");
        Paths {
            namespace: namespace.clone(),
            models: format!("{}/namespaces/{namespace}/models", kubeai::API_PATH),
            config: format!("{core}/configmaps/{}", kubeai::CONFIG_MAP),
            marker: format!("{core}/configmaps/{marker_name}"),
            pods: format!("{core}/pods?labelSelector=app%3Dmodel"),
            events: format!("{core}/events?fieldSelector=involvedObject.kind%3DPod"),
            own_namespace: core,
            marker_name,
        }
    }

    pub fn model(&self, model: &ModelName) -> String {
        format!("{}/{model}", self.models)
    }

    /// A server-side apply that refuses unknown fields.
    pub fn apply(&self, model: &ModelName, dry_run: bool, force: bool) -> String {
        apply_query(self.model(model), dry_run, force)
    }

    pub fn apply_marker(&self) -> String {
        // The marker is mcai's alone, so whatever stands in it is taken over.
        apply_query(self.marker.clone(), false, true)
    }

    /// The last lines that a pod's server wrote before it ended.
    pub fn last_log(&self, pod: &str, previous: bool) -> String {
        format!(
            "{}/pods/{pod}/log?container=server&tailLines=60&previous={previous}",
            self.own_namespace
        )
    }
}

fn apply_query(path: String, dry_run: bool, force: bool) -> String {
    let mut query = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict");
    if dry_run {
        query.push_str("&dryRun=All");
    }
    if force {
        query.push_str("&force=true");
    }
    query
}
