//! A stand-in for KubeAI's operator, which no package registry has. It does what the operator 0.22.1 was seen to
//! do on these clusters (tests/fixtures/kubeai-0.22.1, checked by tests/it/standin.rs) and nothing else; scheduler,
//! Jobs and played kubelets are not its business.
//!
//! One worker per namespace, like the operator: it looks at a model, changes pods, sleeps for `pace` if it did, and
//! only then writes the status it had counted *before*. Hence status lags, and is wrong during an update.
//!
//! Tests order misfortune through a model: an argument `--test-waiting=CrashLoopBackOff` becomes the annotation
//! `test/waiting: CrashLoopBackOff` of its new pods, and so do annotations `test/...` of the Model itself, which do
//! not change `pod-hash`. What they do is in tests/parts/kwok/pods.yaml. `test/cache: loading` on the Model holds
//! its cache back, `test/stuck` keeps its finalizer.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::api::{Answer, Api};
use super::background::{handle, wait};
use super::cluster::KubeAi;

/// The operator sleeps for three seconds: too long for tests that wait for several updates.
const PACE: Duration = Duration::from_secs(1);
/// How soon a change of a Model is noticed: the operator needs a fifth of a second.
const GLANCE: Duration = Duration::from_millis(150);

const FINALIZER: &str = "kubeai.org/cache-eviction";

/// Runs until dropped.
pub(crate) struct StandIn {
    api: Api,
    namespace: String,
    task: AbortHandle,
}

impl StandIn {
    pub(crate) fn start(kubeai: &KubeAi) -> StandIn {
        StandIn::with_pace(kubeai, PACE)
    }

    pub(crate) fn with_pace(kubeai: &KubeAi, pace: Duration) -> StandIn {
        let config = kubeai.get("configmaps/kubeai-config");
        let config = config.expect("a namespace with KubeAI's configuration");
        let text = config["data"]["system.yaml"].as_str().unwrap_or_default();
        let worker = Worker {
            api: kubeai.cluster.api.clone(),
            namespace: kubeai.namespace.clone(),
            config: serde_saphyr::from_str(text).expect("the configuration is YAML"),
            pace,
        };
        StandIn {
            api: worker.api.clone(),
            namespace: worker.namespace.clone(),
            task: handle().spawn(worker.run()).abort_handle(),
        }
    }

    /// Scales as the operator's autoscaler does when load changes.
    pub(crate) fn scale(&self, model: &str, replicas: u32) {
        let path = format!("{}/{model}/scale", models(&self.namespace));
        let scale = json!({"spec": {"replicas": replicas}});
        wait(self.api.patch(&path, "kubeai", &scale)).expect("can scale the model");
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn models(namespace: &str) -> String {
    format!("/apis/kubeai.org/v1/namespaces/{namespace}/models")
}

struct Worker {
    api: Api,
    namespace: String,
    config: Value,
    pace: Duration,
}

impl Worker {
    async fn run(self) {
        loop {
            // A refused request is tried again, as a controller does: objects come and go under it.
            let _ = self.round().await;
            sleep(GLANCE).await;
        }
    }

    async fn round(&self) -> Answer<()> {
        let models = self.api.list(&models(&self.namespace)).await?;
        self.collect_garbage(&models).await?;
        for model in models {
            let _ = self.reconcile(model).await;
        }
        Ok(())
    }

    /// The cluster's own garbage collector takes up to a minute to learn that there are Models: tests that start
    /// right after the cluster cannot wait for it.
    async fn collect_garbage(&self, models: &[Value]) -> Answer<()> {
        let path = format!("{}?labelSelector=app%3Dmodel", self.pods_path());
        for pod in self.api.list(&path).await? {
            let owner = &pod["metadata"]["ownerReferences"][0];
            let lives = models
                .iter()
                .any(|model| model["metadata"]["uid"] == owner["uid"]);
            if owner["kind"] == "Model" && !lives {
                self.delete_pod(&pod).await?;
            }
        }
        Ok(())
    }

    async fn reconcile(&self, model: Value) -> Answer<()> {
        if !model["metadata"]["deletionTimestamp"].is_null() {
            return self.finalize(&model).await;
        }
        let model = self.own_fields(model).await?;
        let mut status = json!({"replicas": {"all": 0, "ready": 0}});
        let mut changed = false;
        // A wrong profile leaves the status at zero; the operator tells only its own log.
        if let Some(spec) = pod_spec(&model, &self.config) {
            let ready = self.cache(&model, &mut status).await?;
            if ready {
                let pods = self.pods(&model).await?;
                status["replicas"]["all"] = json!(pods.len());
                status["replicas"]["ready"] =
                    json!(pods.iter().filter(|pod| is_ready(pod)).count());
                changed = self.adjust(&model, &spec, pods).await?;
            }
        }
        if changed {
            sleep(self.pace).await;
        }
        if model["status"] != status {
            let path = format!("{}/status", self.model_path(&model));
            let patch = json!({"status": status});
            self.api.patch(&path, "kubeai", &patch).await?;
        }
        Ok(())
    }

    /// Writes the labels and the spec fields that are the operator's.
    async fn own_fields(&self, model: Value) -> Answer {
        let mut patch = json!({});
        for feature in model["spec"]["features"].as_array().into_iter().flatten() {
            let label = format!(
                "features.kubeai.org/{}",
                feature.as_str().unwrap_or_default()
            );
            if model["metadata"]["labels"][&label].is_null() {
                patch["metadata"]["labels"][&label] = json!("true");
            }
        }
        if model["spec"]["autoscalingDisabled"] != true {
            let min = model["spec"]["minReplicas"].as_i64().unwrap_or(0);
            let max = model["spec"]["maxReplicas"].as_i64().unwrap_or(i64::MAX);
            let now = model["spec"]["replicas"].as_i64();
            let bounded = now.unwrap_or(min).max(min).min(max);
            if now != Some(bounded) {
                patch["spec"]["replicas"] = json!(bounded);
            }
        }
        if patch == json!({}) {
            return Ok(model);
        }
        patch["spec"]["owner"] = json!("");
        self.patch_model(&model, &patch).await
    }

    /// Sees to the model's cache, if it has one; says whether pods may start.
    async fn cache(&self, model: &Value, status: &mut Value) -> Answer<bool> {
        if model["spec"]["cacheProfile"].is_null() {
            return Ok(true);
        }
        if model["status"]["cache"]["loaded"] == true {
            status["cache"] = json!({"loaded": true});
            return Ok(true);
        }
        status["cache"] = json!({"loaded": false});
        if model["metadata"]["finalizers"].is_null() {
            let patch = json!({"metadata": {"finalizers": [FINALIZER]}});
            self.patch_model(model, &patch).await?;
        }
        let name = format!("load-cache-{}", name(model));
        let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace);
        let path = format!("{jobs}/{name}");
        let Some(job) = self.api.get(&path).await? else {
            let job = self.load_job(&name, model);
            self.api.create(&jobs, "kubeai-manager", &job).await?;
            return Ok(false);
        };
        let held = model["metadata"]["annotations"]["test/cache"] == "loading";
        if job["status"]["succeeded"] != 1 || held {
            return Ok(false);
        }
        status["cache"] = json!({"loaded": true});
        let path = format!("{path}?propagationPolicy=Foreground");
        self.api.delete(&path).await?;
        Ok(true)
    }

    fn load_job(&self, name: &str, model: &Value) -> Value {
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "ownerReferences": [owner(model)]},
            "spec": {
                "parallelism": 1,
                "completions": 1,
                "template": {"spec": {
                    "restartPolicy": "OnFailure",
                    "nodeSelector": {"test": self.namespace},
                    "containers": [{
                        "name": "loader",
                        "image": "kubeai-model-loader",
                        "args": [model["spec"]["url"], format!("/models/{}", self::name(model))],
                    }],
                }},
            },
        })
    }

    async fn finalize(&self, model: &Value) -> Answer<()> {
        for pod in self.pods(model).await? {
            self.delete_pod(&pod).await?;
        }
        let finalizers = model["metadata"]["finalizers"].as_array().cloned();
        let mut finalizers = finalizers.unwrap_or_default();
        let stuck = !model["metadata"]["annotations"]["test/stuck"].is_null();
        if finalizers.contains(&json!(FINALIZER)) && !stuck {
            sleep(self.pace).await;
            finalizers.retain(|finalizer| *finalizer != FINALIZER);
            let patch = json!({"metadata": {"finalizers": finalizers}});
            self.patch_model(model, &patch).await?;
        }
        Ok(())
    }

    /// Brings the pods one step nearer to what the Model says; tells whether there was anything to do.
    async fn adjust(&self, model: &Value, spec: &Value, pods: Vec<Value>) -> Answer<bool> {
        let hash = pod_hash(spec);
        let replicas = model["spec"]["replicas"].as_u64().unwrap_or(0) as usize;
        let surge = self.config["modelRollouts"]["surge"].as_u64().unwrap_or(0) as usize;
        let step = next_step(pods, &hash, replicas, surge);
        for pod in &step.delete {
            self.delete_pod(pod).await?;
        }
        for _ in 0..step.create {
            let pod = pod(model, spec, &hash);
            self.api
                .create(&self.pods_path(), "kubeai-manager", &pod)
                .await?;
        }
        Ok(step.create > 0 || !step.delete.is_empty())
    }

    async fn pods(&self, model: &Value) -> Answer<Vec<Value>> {
        let path = format!("{}?labelSelector=model%3D{}", self.pods_path(), name(model));
        self.api.list(&path).await
    }

    fn pods_path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    async fn delete_pod(&self, pod: &Value) -> Answer<()> {
        let path = format!("{}/{}", self.pods_path(), name(pod));
        self.api.delete(&path).await
    }

    async fn patch_model(&self, model: &Value, patch: &Value) -> Answer {
        let path = self.model_path(model);
        self.api.patch(&path, "kubeai-manager", patch).await
    }

    fn model_path(&self, model: &Value) -> String {
        format!("{}/{}", models(&self.namespace), name(model))
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn is_ready(pod: &Value) -> bool {
    has_condition(pod, "Ready")
}

struct Step {
    create: usize,
    delete: Vec<Value>,
}

/// One surge pod while there are pods of another hash; old ones that are not Ready are replaced at once, Ready ones
/// one at a time and only while all pods, the new included, are Ready.
fn next_step(mut pods: Vec<Value>, hash: &str, replicas: usize, surge: usize) -> Step {
    let is_old = |pod: &Value| pod["metadata"]["labels"]["pod-hash"] != hash;
    pods.sort_by_key(|pod| {
        let created = pod["metadata"]["creationTimestamp"].as_str();
        let youngest_first = std::cmp::Reverse(created.unwrap_or_default().to_owned());
        let scheduled = has_condition(pod, "PodScheduled");
        (is_ready(pod), scheduled, !is_old(pod), youngest_first)
    });
    let (old, ready) = (
        pods.iter().filter(|pod| is_old(pod)).count(),
        pods.iter().filter(|pod| is_ready(pod)).count(),
    );
    let wanted = if old > 0 { replicas + surge } else { replicas };
    let excess = pods.len().saturating_sub(wanted);
    let mut step = Step {
        create: wanted.saturating_sub(pods.len()),
        delete: pods[..excess].to_vec(),
    };
    // The last old pod makes room for none: it was the surplus one.
    let mut replacements = old.saturating_sub(surge);
    for pod in pods[excess..].iter().filter(|pod| is_old(pod)) {
        if is_ready(pod) && ready != wanted {
            continue;
        }
        step.delete.push(pod.clone());
        if replacements > 0 {
            replacements -= 1;
            step.create += 1;
        }
        if is_ready(pod) {
            break;
        }
    }
    step
}

fn owner(model: &Value) -> Value {
    json!({
        "apiVersion": "kubeai.org/v1",
        "kind": "Model",
        "name": model["metadata"]["name"],
        "uid": model["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

fn pod(model: &Value, spec: &Value, hash: &str) -> Value {
    let name = name(model);
    let engine = model["spec"]["engine"].as_str().unwrap_or_default();
    let engine = engine.to_lowercase();
    let mut annotations = orders(model);
    annotations.insert("model-pod-port".into(), json!("8000"));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": format!("model-{name}-{hash}-"),
            "annotations": annotations,
            "labels": {
                "app": "model",
                "app.kubernetes.io/instance": format!("{engine}-{name}"),
                "app.kubernetes.io/managed-by": "kubeai",
                "app.kubernetes.io/name": engine,
                "model": name,
                "pod-hash": hash,
            },
            "ownerReferences": [owner(model)],
        },
        "spec": spec,
    })
}

/// What the test ordered for these pods: see the top of this file.
fn orders(model: &Value) -> Map<String, Value> {
    let annotations = model["metadata"]["annotations"].as_object();
    let own = annotations.into_iter().flatten();
    let own = own.filter(|(key, _)| key.starts_with("test/"));
    let mut orders: Map<String, Value> = own.map(|(k, v)| (k.clone(), v.clone())).collect();
    for arg in model["spec"]["args"].as_array().into_iter().flatten() {
        let arg = arg.as_str().unwrap_or_default();
        if let Some((key, value)) = arg.strip_prefix("--test-").and_then(|a| a.split_once('=')) {
            orders.insert(format!("test/{key}"), json!(value));
        }
    }
    orders
}

/// The pod a Model asks for, from its resource profile; `None` if there is no such profile.
fn pod_spec(model: &Value, config: &Value) -> Option<Value> {
    let spec = &model["spec"];
    let (profile, count) = spec["resourceProfile"].as_str()?.split_once(':')?;
    let count: u64 = count.parse().ok()?;
    let profile = config["resourceProfiles"].get(profile)?;
    if let Some(cache) = spec["cacheProfile"].as_str() {
        config["cacheProfiles"].get(cache)?;
    }
    let mut pod = json!({
        "containers": [server(model, config, profile, count)],
        "serviceAccountName": config["modelServerPods"]["serviceAccountName"],
        "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory"}}],
    });
    for key in [
        "nodeSelector",
        "tolerations",
        "affinity",
        "runtimeClassName",
    ] {
        if let Some(value) = profile.get(key) {
            pod[key] = value.clone();
        }
    }
    if let Some(priority) = spec.get("priorityClassName") {
        pod["priorityClassName"] = priority.clone();
    }
    Some(pod)
}

fn server(model: &Value, config: &Value, profile: &Value, count: u64) -> Value {
    let spec = &model["spec"];
    let engine = spec["engine"].as_str().unwrap_or_default();
    let url = spec["url"].as_str().unwrap_or_default();
    let mut args = Vec::new();
    if engine == "VLLM" {
        args.push(json!(format!(
            "--model={}",
            url.trim_start_matches("hf://")
        )));
        args.push(json!(format!("--served-model-name={}", name(model))));
    }
    args.extend(spec["args"].as_array().into_iter().flatten().cloned());
    let token = json!({"secretKeyRef": {"name": config["secretNames"]["huggingface"], "key": "token", "optional": true}});
    let mut env = vec![json!({"name": "HF_TOKEN", "valueFrom": token})];
    for (key, value) in spec["env"].as_object().into_iter().flatten() {
        env.push(json!({"name": key, "value": value}));
    }
    let mut container = json!({
        "name": "server",
        "image": image(spec, config, profile, engine),
        "args": args,
        "env": env,
        "ports": [{"name": "http", "containerPort": 8000, "protocol": "TCP"}],
        "resources": {"limits": times(&profile["limits"], count), "requests": times(&profile["requests"], count)},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": false,
        },
        "startupProbe": probe(2, 2, 5400),
        "readinessProbe": probe(10, 2, 3),
        "livenessProbe": probe(30, 3, 3),
        "volumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}],
    });
    if engine == "VLLM" {
        container["command"] = json!(["python3", "-m", "vllm.entrypoints.openai.api_server"]);
    }
    if let Some(sources) = spec.get("envFrom") {
        container["envFrom"] = sources.clone();
    }
    container
}

fn image(spec: &Value, config: &Value, profile: &Value, engine: &str) -> Value {
    let images = &config["modelServers"][engine]["images"];
    let of_profile = profile["imageName"].as_str().unwrap_or_default();
    let candidates = [&spec["image"], &images[of_profile], &images["default"]];
    let image = candidates.into_iter().find(|image| image.is_string());
    image.cloned().unwrap_or_default()
}

fn probe(period: u32, timeout: u32, failures: u32) -> Value {
    json!({
        "httpGet": {"path": "/health", "port": "http", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
        "successThreshold": 1,
    })
}

/// Multiplies every quantity, such as `24Gi`.
fn times(quantities: &Value, count: u64) -> Value {
    let each = quantities.as_object().into_iter().flatten();
    let product = each.map(|(resource, quantity)| {
        let text = match quantity {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number = number.parse::<u64>().unwrap_or(0) * count;
        (resource.clone(), json!(format!("{number}{unit}")))
    });
    Value::Object(product.collect())
}

/// A hash in the form that Kubernetes gives `pod-hash`: other pod-shaping fields, other value.
fn pod_hash(spec: &Value) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in spec.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let digits = hash.to_string();
    digits
        .bytes()
        .map(|digit| char::from(b"456789bcdf"[usize::from(digit - b'0')]))
        .collect()
}
