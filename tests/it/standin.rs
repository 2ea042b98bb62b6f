//! The stand-in for KubeAI's operator against what was recorded of the operator itself, on the same control plane.
//! `play` lets people use it.

use std::collections::BTreeMap;
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Cluster, KubeAi, Node, StandIn, assert_same, eventually, unique, wait};

const OBJECTS: &str = include_str!("../fixtures/kubeai-0.22.1/objects.yaml");
const UPDATES: &str = include_str!("../fixtures/kubeai-0.22.1/updates.txt");
const SOON: Duration = Duration::from_secs(20);

fn model(name: &str, spec: &str) -> String {
    let head = "apiVersion: kubeai.org/v1\nkind: Model\n";
    let common =
        "engine: VLLM, features: [TextGeneration], url: hf://meta-llama/Llama-3.1-8B-Instruct";
    format!("{head}metadata: {{name: {name}}}\nspec: {{{common}, {spec}}}\n")
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn objects_are_as_recorded() {
    let kubeai = Cluster::number(1).kubeai(&unique("kubeai"));
    let _operator = StandIn::start(&kubeai);
    kubeai.add_node(&Node::default());
    let spec = "minReplicas: 1, maxReplicas: 10";
    let good = format!("{spec}, resourceProfile: 'nvidia-gpu-l4:1'");
    let bad = format!("{spec}, resourceProfile: 'nope:1'");
    kubeai.apply_as("mcai", &model("llama-3-8b", &good));
    kubeai.apply_as("mcai", &model("bad-profile", &bad));
    replicas(&kubeai, "llama-3-8b", 1, 1);
    replicas(&kubeai, "bad-profile", 0, 0);
    let live = json!([
        kubeai.model("bad-profile"),
        kubeai.model("llama-3-8b"),
        kubeai.pods("llama-3-8b")[0],
    ]);

    let recorded: Value = serde_saphyr::from_str(OBJECTS).unwrap();
    assert_same(
        "objects",
        &comparable(live),
        &comparable(recorded["items"].clone()),
    );
}

/// Takes out what differs from run to run, what the scheduler and the kubelet wrote, and the labels that keep tests
/// apart.
fn comparable(mut objects: Value) -> String {
    for object in objects.as_array_mut().unwrap() {
        let fields = object["metadata"]["managedFields"].as_array_mut().unwrap();
        let known = ["mcai", "kubeai", "kubeai-manager"].map(Value::from);
        fields.retain(|entry| known.contains(&entry["manager"]));
        fields.sort_by_key(|entry| entry["manager"].to_string());
        let hash = object["metadata"]["labels"]["pod-hash"].as_str();
        let hash = hash.unwrap_or("no hash").to_owned();
        strip(object, &hash);
    }
    serde_json::to_string_pretty(&objects).unwrap()
}

fn strip(value: &mut Value, hash: &str) {
    const DIFFERENT: [&str; 19] = [
        "creationTimestamp",
        "f:nodeSelector",
        "ip",
        "kind",
        "apiVersion",
        "lastTransitionTime",
        "namespace",
        "nodeName",
        "nodeSelector",
        "podIP",
        "resourceVersion",
        "startTime",
        "startedAt",
        "time",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "uid",
        "hostIP",
        "hostIPs",
    ];
    match value {
        Value::Object(fields) => {
            // A List's items carry their kind; those of a typed list do not.
            fields.retain(|key, _| !DIFFERENT.contains(&key.as_str()));
            let renamed = std::mem::take(fields).into_iter().map(|(key, mut value)| {
                strip(&mut value, hash);
                let variable = key.starts_with("k:{\"uid\"") || key.starts_with("k:{\"ip\"");
                (if variable { "k:{...}".into() } else { key }, value)
            });
            *fields = renamed.collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, hash)),
        Value::String(text) => {
            *text = text.replace(hash, "[hash]");
            for prefix in ["kube-api-access-", "model-llama-3-8b-[hash]-"] {
                if text.starts_with(prefix) {
                    *text = format!("{prefix}[random]");
                }
            }
        }
        _ => {}
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn updates_are_as_recorded() {
    let kubeai = Cluster::number(2).kubeai(&unique("kubeai"));
    // Slow enough that the pods are Ready before its next look, on a busy machine too.
    let _operator = StandIn::with_pace(&kubeai, Duration::from_secs(2));
    kubeai.add_node(&Node::default());

    let apply = |spec: &str| {
        let spec = format!("resourceProfile: 'nvidia-gpu-l4:1', {spec}");
        kubeai.apply_as("mcai", &model("m", &spec));
    };
    let delete = || kubeai.delete("/apis/kubeai.org/v1/models/m");
    let label = || {
        let patch = json!({"metadata": {"labels": {"team": "platform"}}});
        kubeai.patch_as("kubectl", "/apis/kubeai.org/v1/models/m", &patch);
    };
    let steps: [(&str, &dyn Fn()); 10] = [
        ("create, minReplicas 2, 4 GPUs", &|| {
            apply("minReplicas: 2, maxReplicas: 4")
        }),
        ("args changed (2 of 4 GPUs in use)", &|| {
            apply("minReplicas: 2, maxReplicas: 4, args: [--a=1]")
        }),
        ("minReplicas 2 -> 4 (all GPUs)", &|| {
            apply("minReplicas: 4, maxReplicas: 4, args: [--a=1]")
        }),
        ("args changed, pool full", &|| {
            apply("minReplicas: 4, maxReplicas: 4, args: [--a=2]")
        }),
        ("minReplicas 4 -> 1", &|| {
            apply("minReplicas: 1, maxReplicas: 4, args: [--a=2]")
        }),
        ("label added to Model", &label),
        ("deleted", &delete),
        (
            "autoscalingDisabled, minReplicas 3, no replicas sent",
            &|| {
                apply("autoscalingDisabled: true, minReplicas: 3, maxReplicas: 4, args: [--a=2]");
            },
        ),
        ("autoscalingDisabled, replicas 2 sent", &|| {
            apply(
                "autoscalingDisabled: true, replicas: 2, minReplicas: 3, maxReplicas: 4, args: [--a=2]",
            );
        }),
        ("minReplicas 0", &|| {
            delete();
            eventually(SOON, || {
                kubeai.model("m").map_or(Ok(()), |_| Err("gone".into()))
            });
            apply("minReplicas: 0, maxReplicas: 4, args: [--a=2]");
        }),
    ];
    let mut recorded_names = Names::default();
    let mut live_names = Names::default();
    let mut recorded = UPDATES.split("\n== ").skip(1);
    for (title, act) in steps {
        let (recorded_title, lines) = recorded.next().unwrap().split_once('\n').unwrap();
        assert_eq!(title, recorded_title);
        let states = lines
            .lines()
            .filter_map(|line| line.strip_prefix('+')?.split_once(" ms "));
        act();
        for (_, state) in states {
            let expected = recorded_names.rename(state);
            let mut seen = Vec::new();
            eventually(SOON, || {
                let now = live_names.rename(&state_of(&kubeai));
                if now == expected {
                    return Ok(());
                }
                if seen.last() != Some(&now) {
                    seen.push(now);
                }
                Err(format!(
                    "{title}: never\n{expected}\nbut\n{}",
                    seen.join("\n")
                ))
            });
        }
    }
}

/// One line in the form of the recording.
fn state_of(kubeai: &KubeAi) -> String {
    let model = kubeai.model("m").unwrap_or_default();
    let mut pods: BTreeMap<String, usize> = BTreeMap::new();
    for pod in kubeai.pods("m") {
        let hash = pod["metadata"]["labels"]["pod-hash"]
            .as_str()
            .unwrap_or_default();
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.find(|condition| condition["type"] == "Ready");
        let ready = ready.and_then(|condition| condition["status"].as_str());
        let key = format!("{hash}:{phase}:{}", ready.unwrap_or_default());
        *pods.entry(key).or_default() += 1;
    }
    let pods: Vec<String> = pods
        .iter()
        .map(|(pod, count)| format!("{count} {pod}"))
        .collect();
    let number = |value: &Value| value.as_u64().map(|n| n.to_string()).unwrap_or_default();
    let replicas = &model["status"]["replicas"];
    let counts = format!(
        "{}/{}/{}",
        number(&model["spec"]["replicas"]),
        number(&replicas["all"]),
        number(&replicas["ready"])
    );
    let generation = number(&model["metadata"]["generation"]);
    if model.is_null() {
        return format!("spec/all/ready  | pods: {}", pods.join(" "));
    }
    format!(
        "spec/all/ready {counts} gen={generation} | pods: {}",
        pods.join(" ")
    )
}

/// Gives pod hashes names in the order in which they turn up, since their values mean nothing.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn rename(&mut self, state: &str) -> String {
        let (counts, pods) = state.split_once("| pods:").unwrap();
        let mut words = pods.split_whitespace();
        let mut groups = Vec::new();
        while let (Some(count), Some(pod)) = (words.next(), words.next()) {
            let (hash, rest) = pod.split_once(':').unwrap();
            let known = self.0.iter().position(|name| name == hash);
            let number = known.unwrap_or_else(|| {
                self.0.push(hash.to_owned());
                self.0.len() - 1
            });
            groups.push(format!("hash {number}: {count} {rest}"));
        }
        groups.sort();
        format!("{} | {}", counts.trim(), groups.join(", "))
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn misfortune_comes_on_order() {
    let kubeai = Cluster::number(3).kubeai(&unique("kubeai"));
    let operator = StandIn::start(&kubeai);
    kubeai.add_node(&Node::default());
    let spec = |args: &str| {
        let rest = "minReplicas: 1, maxReplicas: 3";
        model(
            "m",
            &format!("resourceProfile: 'nvidia-gpu-l4:1', {rest}, args: [{args}]"),
        )
    };

    kubeai.create_as("kubectl-create", &spec("--test-waiting=ImagePullBackOff"));
    pods(&kubeai, "ImagePullBackOff");
    // Old pods that are not Ready are replaced at once.
    kubeai.apply(&spec("--test-slow=1h"));
    pods(&kubeai, "");
    let pod = kubeai.pods("m")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let log = wait(
        kubeai
            .cluster
            .api
            .text(&kubeai.path(&format!("pods/{pod}/log?container=server"))),
    );
    assert!(
        log.unwrap()
            .contains("Loading safetensors checkpoint shards")
    );
    let told = json!({"metadata": {"annotations": {"test/ready": "true"}}});
    kubeai.patch_as("test", &format!("pods/{pod}"), &told);
    replicas(&kubeai, "m", 1, 1);
    // A Ready one goes on serving beside its crashing successor.
    kubeai.apply(&spec("--test-waiting=CrashLoopBackOff"));
    replicas(&kubeai, "m", 2, 1);
    pods(&kubeai, "CrashLoopBackOff");
    let crashed = waiting(&kubeai.pods("m"), "CrashLoopBackOff").unwrap();
    let path = kubeai.path(&format!(
        "pods/{crashed}/log?container=server&previous=true"
    ));
    let log = wait(kubeai.cluster.api.text(&path)).unwrap();
    assert!(log.contains("ValueError: No available memory for the cache blocks"));

    kubeai.apply(&spec(""));
    replicas(&kubeai, "m", 1, 1);
    operator.scale("m", 3);
    replicas(&kubeai, "m", 3, 3);
    let model = kubeai.model("m").unwrap();
    kubeai.event(&model, "test", "Played", "an event");
    assert!(
        kubeai.get("events").unwrap()["items"]
            .to_string()
            .contains("an event")
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_cache_is_loaded_first_and_evicted_last() {
    let kubeai = Cluster::number(1).kubeai(&unique("kubeai"));
    let _operator = StandIn::start(&kubeai);
    kubeai.add_node(&Node::default());
    kubeai.add_node(&Node {
        name: "cpu-0",
        gpus: 0,
        instance_type: "m7i.2xlarge",
        ..Node::default()
    });
    let path = "/apis/kubeai.org/v1/models/m";
    let annotate = |key: &str, value: Value| {
        kubeai.patch_as(
            "test",
            path,
            &json!({"metadata": {"annotations": {key: value}}}),
        );
    };

    let text = model(
        "m",
        "resourceProfile: 'nvidia-gpu-l4:1', minReplicas: 1, maxReplicas: 1, cacheProfile: shared",
    );
    kubeai.apply(&text.replace(
        "{name: m}",
        "{name: m, annotations: {test/cache: loading, test/stuck: 'true'}}",
    ));
    cache(&kubeai, &json!(false));
    assert!(kubeai.get("/apis/batch/v1/jobs/load-cache-m").is_some());
    assert_eq!(kubeai.pods("m").len(), 0);
    annotate("test/cache", Value::Null);
    cache(&kubeai, &json!(true));
    replicas(&kubeai, "m", 1, 1);

    kubeai.delete(path);
    let limit = Instant::now() + Duration::from_secs(3);
    while Instant::now() < limit {
        assert!(kubeai.model("m").is_some(), "its finalizer is stuck");
    }
    annotate("test/stuck", Value::Null);
    eventually(SOON, || match (kubeai.model("m"), kubeai.pods("m").len()) {
        (None, 0) => Ok(()),
        (model, pods) => Err(format!("gone, but {pods} pods of {model:?}")),
    });
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn users_may_only_what_their_role_says() {
    let kubeai = Cluster::number(2).kubeai(&unique("kubeai"));
    let rules =
        json!([{"apiGroups": ["kubeai.org"], "resources": ["models"], "verbs": ["get", "list"]}]);
    let access = kubeai.user(&rules);
    let models = kubeai.path("/apis/kubeai.org/v1/models");
    let code = |path: &str| crate::faults::curl(&access, path, &[]).0;
    assert_eq!(code(&models), "200");
    assert_eq!(code(&kubeai.path("pods")), "403");
}

fn replicas(kubeai: &KubeAi, model: &str, all: u64, ready: u64) {
    let expected = json!({"all": all, "ready": ready});
    eventually(SOON, || {
        let model = kubeai.model(model).unwrap_or_default();
        if model["status"]["replicas"] == expected {
            return Ok(());
        }
        Err(format!("{expected}, but {}", model["status"]))
    });
}

fn cache(kubeai: &KubeAi, loaded: &Value) {
    eventually(SOON, || {
        let model = kubeai.model("m").unwrap_or_default();
        if model["status"]["cache"]["loaded"] == *loaded {
            return Ok(());
        }
        Err(format!("cache loaded {loaded}, but {}", model["status"]))
    });
}

/// Waits for a pod whose server waits for this reason; `""` for a single one that runs and is not Ready.
fn pods(kubeai: &KubeAi, reason: &str) {
    eventually(SOON, || {
        let pods = kubeai.pods("m");
        let starting = pods.len() == 1
            && pods[0]["status"]["containerStatuses"][0]["state"]["running"].is_object()
            && pods[0]["status"]["containerStatuses"][0]["ready"] == false;
        if waiting(&pods, reason).is_some() || (reason.is_empty() && starting) {
            return Ok(());
        }
        Err(format!("`{reason}` in {pods:?}"))
    });
}

fn waiting(pods: &[Value], reason: &str) -> Option<String> {
    let pod = pods.iter().find(|pod| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
    })?;
    Some(pod["metadata"]["name"].as_str()?.to_owned())
}

/// Not a test: `tests/parts/clusters play` runs it for a person who tries mcai.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn play() {
    if std::env::var_os("MCAI_PLAY").is_none() {
        return;
    }
    let count = std::fs::read_dir(std::env::var("MCAI_TEST_CLUSTERS").unwrap())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().join("tls.crt").exists())
        .count();
    let mut running = Vec::new();
    for number in 1..count.max(2) {
        let kubeai = Cluster::number(number).kubeai("kubeai");
        kubeai.add_node(&Node::default());
        kubeai.add_node(&Node {
            name: "cpu-0",
            gpus: 0,
            instance_type: "m7i.2xlarge",
            ..Node::default()
        });
        let cluster = &kubeai.cluster;
        let place = format!("{} {}", cluster.cloud, cluster.region);
        let line = format!(
            "{}: {place}, 4 L4 GPUs, a stand-in for KubeAI in namespace kubeai\n",
            cluster.name
        );
        stderr().write_all(line.as_bytes()).unwrap();
        running.push((StandIn::start(&kubeai), kubeai));
    }
    stderr().write_all(b"Ctrl-C ends the stand-ins\n").unwrap();
    loop {
        std::thread::park();
    }
}
