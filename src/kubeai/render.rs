//! The Model object as mcai sends it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::value::{ModelName, Namespace, ProjectId, ProjectName};

/// The value of `app.kubernetes.io/managed-by` on everything that is mcai's.
pub const MANAGED_BY: &str = "mcai";
/// Labels of identity: whose object it is. `INSTANCE` alone decides what mcai may delete.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub const LABEL_PART_OF: &str = "app.kubernetes.io/part-of";
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";

/// Whose objects these are.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub project: ProjectName,
    pub id: ProjectId,
}

impl Identity {
    /// Returns the labels that everything of mcai's carries.
    pub fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
            (LABEL_PART_OF.to_owned(), self.project.to_string()),
            (LABEL_INSTANCE.to_owned(), self.id.to_string()),
        ])
    }
}

/// Returns a whole Model. `spec` is the effective spec, already checked; the identity's labels win over the user's.
pub fn model(
    identity: &Identity,
    namespace: &Namespace,
    name: &ModelName,
    spec: Value,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Value {
    let mut all_labels = labels.clone();
    all_labels.extend(identity.labels());
    let mut metadata = json!({ "name": name, "namespace": namespace, "labels": all_labels });
    if !annotations.is_empty() {
        metadata["annotations"] = json!(annotations);
    }
    json!({ "apiVersion": super::API_VERSION, "kind": "Model", "metadata": metadata, "spec": with_min_replicas(spec) })
}

/// The CRD refuses `maxReplicas` without `minReplicas` ("no such key: minReplicas"), so the lower bound is always sent.
fn with_min_replicas(mut spec: Value) -> Value {
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        let manual = fields.get("autoscalingDisabled") == Some(&Value::Bool(true));
        if !manual || fields.contains_key("maxReplicas") {
            fields.entry("minReplicas").or_insert(json!(0));
        }
    }
    spec
}

/// The object as another manager than the API server should see it: without what the server alone writes.
pub fn without_server_fields(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in [
            "managedFields",
            "resourceVersion",
            "generation",
            "uid",
            "creationTimestamp",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ] {
            metadata.remove(key);
        }
        metadata.retain(|_, value| *value != Value::Object(Map::new()));
    }
    bare
}
