//! Whose an object is: mcai's of this project, another project's, or another tool's that would undo what mcai does.

use serde_json::Value;

use crate::kubeai::render::{
    Identity, LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_PART_OF, MANAGED_BY,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Owner {
    /// This project.
    Own,
    /// Nobody who keeps it: kubectl, a script.
    Nobody,
    /// A tool or another project; the evidence for a person.
    Other { name: String, evidence: String },
}

/// Marks that tools leave on what they keep: key, and whether it is a label.
const TRACES: [(&str, &str, &str); 7] = [
    ("Argo CD", "annotations", "argocd.argoproj.io/tracking-id"),
    ("Argo CD", "labels", "argocd.argoproj.io/instance"),
    ("Flux", "labels", "kustomize.toolkit.fluxcd.io/name"),
    ("Flux", "labels", "helm.toolkit.fluxcd.io/name"),
    ("Helm", "annotations", "meta.helm.sh/release-name"),
    ("Karmada", "labels", "work.karmada.io/permanent-id"),
    (
        "Open Cluster Management",
        "labels",
        "work.open-cluster-management.io/manifestworkreplicaset",
    ),
];

/// Field managers of tools that reconcile.
const MANAGERS: [(&str, &str); 5] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("helm", "Helm"),
];

pub fn owner(object: &Value, identity: &Identity) -> Owner {
    let label = |key: &str| {
        object
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get(key))
            .and_then(Value::as_str)
    };
    let other = |name: &str, evidence: String| Owner::Other {
        name: name.to_owned(),
        evidence,
    };
    for (tool, place, key) in TRACES {
        if let Some(value) = object
            .pointer(&format!("/metadata/{place}"))
            .and_then(|map| map.get(key))
            .and_then(Value::as_str)
        {
            return other(
                tool,
                format!("{} {key}: {value}", place.trim_end_matches('s')),
            );
        }
    }
    let managers = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for manager in managers.filter_map(|field| field.get("manager")?.as_str()) {
        if let Some((_, tool)) = MANAGERS.iter().find(|(known, _)| *known == manager) {
            return other(tool, format!("field manager {manager}"));
        }
    }
    match (label(LABEL_MANAGED_BY), label(LABEL_INSTANCE)) {
        (Some(MANAGED_BY), Some(id)) if id == identity.id.as_str() => Owner::Own,
        (Some(MANAGED_BY), Some(id)) => {
            let project = label(LABEL_PART_OF).unwrap_or("another project");
            other(
                "another mcai project",
                format!("project {project}, id {id}"),
            )
        }
        (Some("Helm"), _) => other("Helm", format!("label {LABEL_MANAGED_BY}: Helm")),
        _ => Owner::Nobody,
    }
}
