//! What changes from one object to another, field by field.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kubeai::fields::POD_FIELDS;
use crate::kubeai::render::without_server_fields;

/// One field; `old` or `new` is missing where the field is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Such as `spec.args[2]` or `metadata.labels["app.kubernetes.io/instance"]`.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// Returns what an apply changes. What the server or KubeAI alone writes is no change of the plan's.
pub fn changes(old: &Value, new: &Value, sent: &Value) -> Vec<Change> {
    let (old, new) = (without_theirs(old, sent), without_theirs(new, sent));
    let mut found = Vec::new();
    compare(String::new(), Some(&old), Some(&new), &mut found);
    found
}

/// Leaves out what KubeAI writes by itself, unless it is sent: it may do so between the two reads that are compared.
fn without_theirs(object: &Value, sent: &Value) -> Value {
    let mut own = without_server_fields(object);
    if let Some(spec) = own.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|key, _| {
            !["replicas", "owner"].contains(&key.as_str()) || sent["spec"].get(key).is_some()
        });
    }
    if let Some(metadata) = own.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("finalizers");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|key, _| !key.starts_with("features.kubeai.org/"));
        }
        metadata.retain(|key, value| {
            key != "labels" || value.as_object().is_none_or(|labels| !labels.is_empty())
        });
    }
    own
}

/// Whether KubeAI replaces the model's pods for these changes.
pub fn shapes_pods(changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        let field = change.path.strip_prefix("spec.").unwrap_or_default();
        POD_FIELDS.contains(&field.split(['.', '[']).next().unwrap_or_default())
    })
}

fn compare(path: String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Change>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                compare(join(&path, key), before.get(key), after.get(key), found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for i in 0..before.len().max(after.len()) {
                compare(format!("{path}[{i}]"), before.get(i), after.get(i), found);
            }
        }
        _ => found.push(Change {
            path,
            old: old.cloned(),
            new: new.cloned(),
        }),
    }
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.contains(['.', '/', '['])) {
        (true, _) => key.to_owned(),
        (false, false) => format!("{path}.{key}"),
        (false, true) => format!("{path}[\"{key}\"]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_every_changed_field_and_no_other() {
        let old = json!({
            "metadata": {"uid": "u", "resourceVersion": "1", "labels": {"a.b/c": "1"}},
            "spec": {"minReplicas": 1, "replicas": 3, "args": ["x", "y"]}, "status": {"a": 1}
        });
        let new = json!({
            "metadata": {"uid": "u", "resourceVersion": "2", "labels": {"a.b/c": "2"}},
            "spec": {"minReplicas": 5, "replicas": 5, "args": ["x"]}
        });
        let found = changes(&old, &new, &json!({}));
        let paths: Vec<&str> = found.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                r#"metadata.labels["a.b/c"]"#,
                "spec.args[1]",
                "spec.minReplicas"
            ]
        );
        let scaled = json!({
            "metadata": {"labels": {"features.kubeai.org/TextGeneration": "true"}, "finalizers": ["kubeai.org/cache-eviction"]},
            "spec": {"minReplicas": 1, "replicas": 2, "owner": ""}
        });
        assert_eq!(
            changes(
                &json!({"metadata": {}, "spec": {"minReplicas": 1}}),
                &scaled,
                &json!({})
            ),
            []
        );
        assert!(shapes_pods(&found));
        assert!(!shapes_pods(&found[2..]));
        assert!(
            changes(&old, &new, &json!({"spec": {"replicas": 5}}))
                .iter()
                .any(|change| change.path == "spec.replicas")
        );
    }
}
