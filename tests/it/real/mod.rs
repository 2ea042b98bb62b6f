//! The program on real Kubernetes control planes, with a stand-in for KubeAI's operator. `scripts/test` brings the
//! clusters and runs these tests.

mod access;
mod ci;
mod deploy;
mod faults;
mod ownership;
mod readiness;
mod rules;
mod speed;
mod ways;

use super::support::{Access, Cluster, KubeAi, Node, Run, Sandbox, StandIn, kubeconfig, unique};

/// The clusters of a fleet, as the manifest names them.
const NAMES: [&str; 3] = ["aws-us-east-1", "gcp-europe-west4", "azure-westeurope"];
const CLOUDS: [&str; 3] = ["aws", "gcp", "azure"];

/// A Model's spec that the tests' configuration of KubeAI serves; more fields may follow.
const SPEC: &str =
    "engine: VLLM, features: [TextGeneration], url: hf://x/y, resourceProfile: nvidia-gpu-l4:1";

/// A namespace on the first clusters, each with a node of 4 GPUs and a stand-in, and a project that deploys to them.
struct Fleet {
    sandbox: Sandbox,
    kubeai: Vec<KubeAi>,
    operators: Vec<StandIn>,
    namespace: String,
}

impl Fleet {
    fn new(clusters: usize) -> Fleet {
        let fleet = Fleet::without_nodes(clusters);
        for kubeai in &fleet.kubeai {
            kubeai.add_node(&Node::default());
        }
        fleet
    }

    fn without_nodes(clusters: usize) -> Fleet {
        let namespace = unique("kubeai");
        let kubeai: Vec<KubeAi> = (1..=clusters)
            .map(|number| Cluster::number(number).kubeai(&namespace))
            .collect();
        let operators = kubeai.iter().map(StandIn::start).collect();
        let mut sandbox = Sandbox::new();
        sandbox.redact(&namespace, "[NS]");
        let fleet = Fleet {
            sandbox,
            kubeai,
            operators,
            namespace,
        };
        let contexts: Vec<(&str, Access)> = fleet
            .kubeai
            .iter()
            .zip(["c1", "c2", "c3"])
            .map(|(kubeai, name)| (name, kubeai.cluster.access()))
            .collect();
        fleet.contexts(&contexts);
        fleet
    }

    /// Writes the user's kubeconfig.
    fn contexts(&self, contexts: &[(&str, Access)]) {
        let folder = self.sandbox.home().join(".kube");
        std::fs::create_dir_all(&folder).expect("can make the folder");
        std::fs::write(folder.join("config"), kubeconfig(contexts))
            .expect("can write the kubeconfig");
    }

    /// Writes the manifest: `models` is the YAML below `models:`, each line indented by two.
    fn manifest(&self, models: &str) {
        self.manifest_with(&["", "", ""], models);
    }

    /// Writes the manifest with more keys for each cluster.
    fn manifest_with(&self, more: &[&str], models: &str) {
        let mut text = format!(
            "version: 1\nproject: fleet\nid: {}\nnamespace: {}\nclusters:\n",
            self.id(),
            self.namespace
        );
        for (i, kubeai) in self.kubeai.iter().enumerate() {
            let region = kubeai.cluster.region;
            let more = more.get(i).copied().unwrap_or_default();
            text += &format!(
                "  {}: {{ cloud: {}, region: {region}, context: c{}{more} }}\n",
                NAMES[i],
                CLOUDS[i],
                i + 1
            );
        }
        self.sandbox
            .write("mcai.yaml", &format!("{text}models:\n{models}"));
    }

    /// 12 characters that no other test has.
    fn id(&self) -> String {
        format!("{:0<12}", self.namespace.replace('-', ""))
    }

    fn run(&self, words: &[&str]) -> Run {
        self.sandbox.mcai(words)
    }
}

/// Returns the manifest's text of one model with more fields in its spec.
fn model(name: &str, more: &str) -> String {
    format!("  {name}:\n    spec: {{ {SPEC}{more} }}\n")
}

/// Panics unless the text has every one of these, in this order.
#[track_caller]
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some(at) = rest.find(word) else {
            panic!("`{word}` is missing, or comes too early, in\n{text}");
        };
        rest = &rest[at + word.len()..];
    }
}
