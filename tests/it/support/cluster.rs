//! Real clusters, started by `tests/parts/clusters`, and what a test puts on them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use kube::config::Kubeconfig;
use serde_json::{Value, json};

use super::api::{Api, path_of};
use super::background::{eventually, wait};

/// Name of the field manager for what tests set up, so that it is never mistaken for anybody else's.
const MANAGER: &str = "test-setup";

const CRD: &str = include_str!("../../fixtures/models-crd-0.22.1.yaml");
const CONFIG: &str = include_str!("../../fixtures/kubeai-config.yaml");

/// Where each cluster pretends to be: the nodes that tests add carry the region. Never another region's
/// node on a shared cluster: a test that wants the wrong region says so in its manifest.
const PLACES: [(&str, &str); 4] = [
    ("aws", "us-east-1"),
    ("gcp", "europe-west4"),
    ("azure", "westeurope"),
    ("aws", "us-west-2"),
];

/// How to reach an API server, directly or through a [`super::Proxy`].
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) server: String,
    pub(crate) ca: PathBuf,
    pub(crate) token: String,
}

/// Writes a kubeconfig with one context for each name.
pub(crate) fn kubeconfig(contexts: &[(&str, Access)]) -> String {
    let entry = |key: &str, name: &str, value: Value| json!({"name": name, key: value});
    let clusters = contexts.iter().map(|(name, access)| {
        let cluster = json!({"server": access.server, "certificate-authority": access.ca});
        entry("cluster", name, cluster)
    });
    let users = contexts.iter().map(|(name, access)| {
        let user = json!({"token": access.token});
        entry("user", name, user)
    });
    let contexts = contexts.iter().map(|(name, _)| {
        let context = json!({"cluster": name, "user": name});
        entry("context", name, context)
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters.collect::<Vec<_>>(),
        "users": users.collect::<Vec<_>>(),
        "contexts": contexts.collect::<Vec<_>>(),
    });
    // JSON is YAML.
    serde_json::to_string_pretty(&config).expect("it is JSON")
}

/// Makes a name that no other test and no earlier run has: five characters after the prefix, always.
pub(crate) fn unique(prefix: &str) -> String {
    let mut random = RandomState::new().build_hasher().finish();
    let mut name = format!("{prefix}-");
    for _ in 0..5 {
        name.push(char::from(
            b"bcdfghjkmnpqrstvwxz23456789"[(random % 27) as usize],
        ));
        random /= 27;
    }
    name
}

#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) api: Api,
    pub(crate) name: String,
    pub(crate) cloud: &'static str,
    pub(crate) region: &'static str,
    access: Access,
    dir: PathBuf,
}

impl Cluster {
    /// One of the running clusters, counted from 1. Nobody installs KubeAI on the fourth.
    pub(crate) fn number(number: usize) -> Cluster {
        static KNOWN: LazyLock<Mutex<HashMap<usize, Cluster>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
        let cluster = known.entry(number).or_insert_with(|| connect(number));
        cluster.clone()
    }

    pub(crate) fn access(&self) -> Access {
        self.access.clone()
    }

    /// The folder with the cluster's certificate and key.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Installs the CustomResourceDefinition of KubeAI's Model, once.
    pub(crate) fn install_crd(&self) {
        let crd = parse(CRD).remove(0);
        let path = path_of(&crd, "", "models.kubeai.org");
        wait(self.api.apply(&path, MANAGER, &crd)).expect("the CRD is valid");
        eventually(Duration::from_secs(20), || {
            wait(self.api.list("/apis/kubeai.org/v1/models"))
                .map_err(|refused| format!("Models are served: {refused}"))
        });
    }

    /// Makes an empty namespace.
    pub(crate) fn namespace(&self, name: &str) -> KubeAi {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let path = path_of(&namespace, "", name);
        wait(self.api.apply(&path, MANAGER, &namespace)).expect("can make a namespace");
        KubeAi {
            cluster: self.clone(),
            namespace: name.into(),
        }
    }

    /// Makes a namespace as KubeAI's chart leaves it. Its operator is [`super::StandIn`].
    pub(crate) fn kubeai(&self, namespace: &str) -> KubeAi {
        self.install_crd();
        let kubeai = self.namespace(namespace);
        let config = CONFIG.replace("@NAMESPACE@", namespace);
        for object in [
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "kubeai-models"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeai-autoscaler-state"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeai-config"}, "data": {"system.yaml": config}}),
        ] {
            kubeai.apply_object(MANAGER, &object);
        }
        kubeai
    }
}

fn connect(number: usize) -> Cluster {
    let Some(dir) = std::env::var_os("MCAI_TEST_CLUSTERS") else {
        panic!(
            "no clusters to test on: run scripts/test, or `tests/parts/clusters up 4` and \
             `eval \"$(tests/parts/clusters env)\"` first"
        );
    };
    let dir = PathBuf::from(dir);
    let name = format!("c{number}");
    let file = dir.join("kubeconfig");
    let config = Kubeconfig::read_from(&file)
        .unwrap_or_else(|e| panic!("cannot read {}: {e}: do the clusters run?", file.display()));
    let named = config.clusters.iter().find(|cluster| cluster.name == name);
    let server = named
        .and_then(|cluster| cluster.cluster.as_ref()?.server.clone())
        .unwrap_or_else(|| panic!("there is no cluster {name}: `tests/parts/clusters up 4`"));
    let dir = dir.join(&name);
    let (cloud, region) = PLACES[(number - 1) % PLACES.len()];
    Cluster {
        api: wait(Api::connect(config, &name)),
        access: Access {
            server,
            ca: dir.join("tls.crt"),
            token: format!("{name}-admin"),
        },
        name,
        cloud,
        region,
        dir,
    }
}

fn parse(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).expect("the test's YAML is right")
}

/// A namespace on a cluster, with or without what KubeAI needs. Dropping it deletes it and its nodes.
pub(crate) struct KubeAi {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
}

impl KubeAi {
    /// Applies YAML as `kubectl apply --server-side` would, with another name for the manager.
    #[track_caller]
    pub(crate) fn apply(&self, text: &str) {
        self.apply_as(MANAGER, text);
    }

    #[track_caller]
    pub(crate) fn apply_as(&self, manager: &str, text: &str) {
        for object in parse(text) {
            self.apply_object(manager, &object);
        }
    }

    #[track_caller]
    fn apply_object(&self, manager: &str, object: &Value) -> Value {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = path_of(object, &self.namespace, name);
        wait(self.cluster.api.apply(&path, manager, object))
            .unwrap_or_else(|refused| panic!("cannot apply {path}: {refused}"))
    }

    /// What the server would say to an apply: the object as it would be stored, or why not.
    pub(crate) fn dry_run(&self, manager: &str, object: &Value) -> Result<Value, String> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = path_of(object, &self.namespace, name);
        let path = format!("{path}?dryRun=All&fieldValidation=Strict");
        wait(self.cluster.api.apply(&path, manager, object)).map_err(|refused| refused.to_string())
    }

    /// Creates objects as `kubectl create` does: fields owned by an update, not an apply.
    #[track_caller]
    pub(crate) fn create_as(&self, manager: &str, text: &str) {
        for object in parse(text) {
            let path = path_of(&object, &self.namespace, "");
            wait(self.cluster.api.create(&path, manager, &object))
                .unwrap_or_else(|refused| panic!("cannot create {path}: {refused}"));
        }
    }

    /// The object at a path below the namespace, such as `pods/x`; `None` if it is not there.
    #[track_caller]
    pub(crate) fn get(&self, below: &str) -> Option<Value> {
        let path = self.path(below);
        wait(self.cluster.api.get(&path))
            .unwrap_or_else(|refused| panic!("cannot get {path}: {refused}"))
    }

    #[track_caller]
    pub(crate) fn patch_as(&self, manager: &str, below: &str, patch: &Value) {
        let path = self.path(below);
        wait(self.cluster.api.patch(&path, manager, patch))
            .unwrap_or_else(|refused| panic!("cannot patch {path}: {refused}"));
    }

    #[track_caller]
    pub(crate) fn delete(&self, below: &str) {
        let path = self.path(below);
        wait(self.cluster.api.delete(&path))
            .unwrap_or_else(|refused| panic!("cannot delete {path}: {refused}"));
    }

    pub(crate) fn model(&self, name: &str) -> Option<Value> {
        self.get(&format!("/apis/kubeai.org/v1/models/{name}"))
    }

    /// The pods of a model.
    pub(crate) fn pods(&self, model: &str) -> Vec<Value> {
        let path = self.path(&format!("pods?labelSelector=model%3D{model}"));
        wait(self.cluster.api.list(&path)).expect("can list pods")
    }

    /// `pods/x` is of the core group; others start with their own root: `/apis/kubeai.org/v1/models/x`.
    pub(crate) fn path(&self, below: &str) -> String {
        let namespace = &self.namespace;
        if !below.starts_with("/apis/") {
            return format!("/api/v1/namespaces/{namespace}/{below}");
        }
        let mut parts = below.splitn(5, '/').skip(2);
        let (group, version) = (parts.next(), parts.next());
        let (group, version) = (group.unwrap_or_default(), version.unwrap_or_default());
        let rest = parts.next().unwrap_or_default();
        format!("/apis/{group}/{version}/namespaces/{namespace}/{rest}")
    }

    /// Adds a node that only this namespace's models choose.
    pub(crate) fn add_node(&self, node: &Node) {
        let name = format!("{}-{}", self.namespace, node.name);
        let region = self.cluster.region;
        let mut labels = json!({
            "test": self.namespace,
            "kubernetes.io/hostname": name,
            "node.kubernetes.io/instance-type": node.instance_type,
            "topology.kubernetes.io/region": region,
            "topology.kubernetes.io/zone": format!("{region}a"),
        });
        for (key, value) in node.labels {
            labels[*key] = json!(value);
        }
        let mut capacity = json!({"cpu": "48", "memory": "192Gi", "pods": "110"});
        let mut taints = json!([]);
        if node.gpus > 0 {
            capacity["nvidia.com/gpu"] = json!(node.gpus.to_string());
            taints = json!([{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]);
        }
        self.apply_object(
            MANAGER,
            &json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
                "spec": {"taints": taints},
                "status": {"allocatable": capacity, "capacity": capacity},
            }),
        );
    }

    /// Plays an Event about an object, such as an autoscaler's `TriggeredScaleUp` about a pod.
    pub(crate) fn event(&self, about: &Value, component: &str, reason: &str, message: &str) {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let now = now.to_string();
        let name = about["metadata"]["name"].as_str().unwrap_or_default();
        let warning = reason.starts_with("Failed");
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": unique(name)},
            "involvedObject": {
                // Items of a list do not say what they are; these are pods.
                "apiVersion": about["apiVersion"].as_str().unwrap_or("v1"),
                "kind": about["kind"].as_str().unwrap_or("Pod"),
                "namespace": about["metadata"]["namespace"],
                "name": name,
                "uid": about["metadata"]["uid"],
            },
            "type": if warning { "Warning" } else { "Normal" },
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "reportingComponent": component,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        });
        let path = path_of(&event, &self.namespace, "");
        wait(self.cluster.api.create(&path, component, &event)).expect("can create an Event");
    }

    /// A user who may do only what these rules of a Role say, in this namespace.
    pub(crate) fn user(&self, rules: &Value) -> Access {
        let name = unique("user");
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules});
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.namespace}],
        });
        for object in [role, account, binding] {
            self.apply_object(MANAGER, &object);
        }
        let request =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let path = self.path(&format!("serviceaccounts/{name}/token"));
        let answer = wait(self.cluster.api.create(&path, MANAGER, &request)).expect("a token");
        let token = answer["status"]["token"].as_str().unwrap_or_default();
        Access {
            token: token.into(),
            ..self.cluster.access()
        }
    }
}

impl Drop for KubeAi {
    /// Best effort, without waiting: a namespace takes five seconds to go.
    fn drop(&mut self) {
        let (api, namespace) = (&self.cluster.api, &self.namespace);
        // First the pods: nobody would end them once their nodes are gone.
        let pods = format!("/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0");
        let _ = wait(api.delete(&pods));
        let _ = wait(api.delete(&format!("/api/v1/namespaces/{namespace}")));
        let _ = wait(api.delete(&format!("/api/v1/nodes?labelSelector=test%3D{namespace}")));
    }
}

/// A node to add. What a test does not say is as on a `g6.12xlarge`.
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) gpus: u32,
    pub(crate) instance_type: &'a str,
    pub(crate) labels: &'a [(&'a str, &'a str)],
}

impl Default for Node<'_> {
    fn default() -> Self {
        Node {
            name: "gpu-0",
            gpus: 4,
            instance_type: "g6.12xlarge",
            labels: &[],
        }
    }
}
