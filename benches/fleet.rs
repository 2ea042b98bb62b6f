//! Clusters far away: contexts that lead to real control planes through a delay, and six Models for them.

use std::cell::Cell;
use std::fmt::Write;
use std::fs;
use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::config::{Kubeconfig, NamedCluster, NamedContext};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle};

use super::delay::Delay;
use super::measure::time;

/// Of a cluster on another continent.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(90);
const MODELS: usize = 6;
/// A control plane that has just started, or taken in a kind of objects, computes for some seconds.
const SETTLE: Duration = Duration::from_secs(12);
/// Each side has its own objects: fields that both own would be another job.
const OURS: &str = "bench-mcai";
const THEIRS: &str = "bench-kubectl";

const CRD: &str = "tests/fixtures/models-crd-0.22.1.yaml";
const CONFIG: &str = include_str!("../tests/fixtures/kubeai-config.yaml");

/// Carries the delays, beside the thread that measures.
static BACKGROUND: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(pending::<()>()));
    handle
});

pub(crate) struct Fleet {
    folder: TempDir,
    kubectl: PathBuf,
    delays: Vec<Delay>,
    /// Every run changes all Models, so that there is something to write.
    turn: Cell<usize>,
}

impl Fleet {
    /// Makes contexts `x1`, `x2`, ... to the running control planes in turn, and puts what KubeAI needs on each.
    pub(crate) fn new(kubectl: &Path, clusters: &Path, contexts: usize) -> Result<Fleet> {
        let real = Kubeconfig::read_from(clusters.join("kubeconfig"))?;
        let folder = TempDir::with_prefix("mcai-bench-")?;
        let mut fleet = Fleet {
            folder,
            kubectl: kubectl.to_owned(),
            delays: Vec::new(),
            turn: Cell::new(0),
        };
        fs::create_dir_all(fleet.home().join(".kube"))?;
        fleet.write_kubeconfig(&real)?;
        fleet.install(&real)?;
        let far = fleet.far(real, contexts)?;
        fleet.write_kubeconfig(&far)?;
        fleet.write_manifest(contexts)?;
        fleet.change()?;
        thread::sleep(SETTLE);
        Ok(fleet)
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn write_kubeconfig(&self, config: &Kubeconfig) -> Result<()> {
        // JSON is YAML.
        let text = serde_json::to_string(config)?;
        Ok(fs::write(self.home().join(".kube/config"), text)?)
    }

    fn install(&self, real: &Kubeconfig) -> Result<()> {
        let mut objects = String::new();
        for namespace in [OURS, THEIRS] {
            let config = CONFIG.replace("@NAMESPACE@", namespace);
            let object = |kind, name, data| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "data": data});
            let map = object("ConfigMap", "kubeai-config", json!({"system.yaml": config}));
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            writeln!(objects, "---\n{namespace}\n---\n{map}")?;
        }
        let file = self.folder.path().join("kubeai.yaml");
        fs::write(&file, objects)?;
        let file = file.display().to_string();
        for context in &real.contexts {
            let on = |words: &[&str]| time(self.kubectl(&context.name).args(words), &[0]);
            on(&["apply", "--server-side", "-f", CRD, "-f", &file])?;
            on(&[
                "wait",
                "--for=condition=Established",
                "crd/models.kubeai.org",
            ])?;
        }
        Ok(())
    }

    /// Puts a delay in front of each context's server.
    fn far(&mut self, real: Kubeconfig, contexts: usize) -> Result<Kubeconfig> {
        let mut far = Kubeconfig {
            clusters: Vec::new(),
            contexts: Vec::new(),
            ..real.clone()
        };
        for (number, (context, cluster)) in
            (1..=contexts).zip(real.contexts.iter().zip(&real.clusters).cycle())
        {
            let name = format!("x{number}");
            let mut cluster = cluster.cluster.clone().context("a cluster")?;
            let server = cluster.server.context("a server")?;
            let server: SocketAddr = server.trim_start_matches("https://").parse()?;
            let delay = BACKGROUND.block_on(Delay::in_front_of(server, ROUND_TRIP))?;
            cluster.server = Some(format!("https://{}", delay.address));
            self.delays.push(delay);
            let mut context = context.context.clone().context("a context")?;
            context.cluster.clone_from(&name);
            far.clusters.push(NamedCluster {
                name: name.clone(),
                cluster: Some(cluster),
                ..NamedCluster::default()
            });
            far.contexts.push(NamedContext {
                name,
                context: Some(context),
                ..NamedContext::default()
            });
        }
        Ok(far)
    }

    /// Lets a context lead to another address.
    pub(crate) fn lead(&self, context: &str, to: SocketAddr) -> Result<()> {
        let mut config = Kubeconfig::read_from(self.home().join(".kube/config"))?;
        let named = config
            .clusters
            .iter_mut()
            .find(|named| named.name == context);
        let cluster = named.and_then(|named| named.cluster.as_mut());
        cluster.context("a cluster")?.server = Some(format!("https://{to}"));
        self.write_kubeconfig(&config)
    }

    fn write_manifest(&self, contexts: usize) -> Result<()> {
        let mut text =
            format!("version: 1\nproject: bench\nid: benchbenchbb\nnamespace: {OURS}\nclusters:\n");
        for number in 1..=contexts {
            writeln!(
                text,
                "  x{number}: {{ cloud: aws, region: us-east-1, context: x{number} }}"
            )?;
        }
        text += "models:\n";
        for number in 1..=MODELS {
            writeln!(text, "  model-{number}:\n    spec: {}", spec("@TURN@"))?;
        }
        Ok(fs::write(self.folder.path().join("template.yaml"), text)?)
    }

    /// Changes a field of all Models, on both sides.
    pub(crate) fn change(&self) -> Result<()> {
        self.turn.set(self.turn.get() + 1);
        // Another number than the last run on the same control planes left.
        let turn = (std::process::id() as usize % 1000 * 1000 + self.turn.get()).to_string();
        let folder = self.folder.path();
        let template = fs::read_to_string(folder.join("template.yaml"))?;
        fs::write(folder.join("mcai.yaml"), template.replace("@TURN@", &turn))?;
        let mut six = String::new();
        for number in 1..=MODELS {
            let metadata = json!({
                "name": format!("model-{number}"),
                "namespace": THEIRS,
                "labels": {"app.kubernetes.io/instance": "bench", "app.kubernetes.io/part-of": "bench"},
            });
            writeln!(
                six,
                "---\napiVersion: kubeai.org/v1\nkind: Model\nmetadata: {metadata}\nspec: {}",
                spec(&turn)
            )?;
        }
        Ok(fs::write(folder.join("six.yaml"), six)?)
    }

    pub(crate) fn mcai(&self, words: &[&str]) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_mcai")));
        command.arg("-C").arg(self.folder.path()).args(words);
        command
    }

    pub(crate) fn kubectl(&self, context: &str) -> Command {
        let mut command = self.command(&self.kubectl);
        command.args(["--context", context]);
        command
    }

    /// The peer's command for the same six Models on one cluster.
    pub(crate) fn kubectl_six(&self, verb: &str, number: usize) -> Command {
        let mut command = self.kubectl(&format!("x{number}"));
        let six = self.folder.path().join("six.yaml");
        command.args([verb, "--server-side", "-f"]).arg(six);
        command
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home());
        command
    }

    /// The round trips on the first cluster's connections since the last call.
    pub(crate) fn take_round_trips(&self) -> Vec<usize> {
        self.delays[0].take_round_trips()
    }
}

fn spec(target_requests: &str) -> String {
    format!(
        "{{ engine: VLLM, features: [TextGeneration], url: 'hf://neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8', \
         args: [--max-model-len=16384, --gpu-memory-utilization=0.9], resourceProfile: 'nvidia-gpu-l4:1', \
         minReplicas: 1, maxReplicas: 10, targetRequests: {target_requests} }}"
    )
}
