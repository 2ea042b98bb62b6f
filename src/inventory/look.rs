//! How the models on one cluster stand now: the reads behind `status` and behind waiting.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, join3};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use serde_json::Value;

use super::{Paths, paths, typed};
use crate::diagnostic::Problem;
use crate::kubeai::profile::{LiveProfiles, ProfileCount};
use crate::kubeai::verdict::{self, Change, Observed, Room, State, Verdict};
use crate::process::{plain, redact};
use crate::project::Cluster;
use crate::target::Session;
use crate::value::ModelName;

/// The last lines of a log are shown to this length each, in characters.
const LOG_LINE: usize = 160;
const LOG_LINES: usize = 2;

const INSTANCE_TYPE_LABEL: &str = "node.kubernetes.io/instance-type";

/// Looks at a cluster's models, again and again.
pub struct Looker<'a> {
    pub session: Session,
    pub paths: &'a Paths,
    pub cluster: &'a Cluster,
}

/// What one look found.
pub struct Look {
    /// The models of the namespace.
    pub models: BTreeMap<String, Value>,
    pods: Option<Vec<Pod>>,
    events: Vec<Event>,
    nodes: Option<Vec<Node>>,
    profiles: Option<LiveProfiles>,
    now: Timestamp,
}

impl Looker<'_> {
    /// Reads models, pods and, where a pod is not ready, what explains that.
    pub async fn look(&self, now: Timestamp) -> Result<Look, Problem> {
        let (models, pods, config) = join3(
            self.session.get(&self.paths.models),
            self.session.get(&self.paths.pods),
            self.session.get(&self.paths.config),
        )
        .await;
        let models = models.map_err(|error| {
            if error.is_missing_api() {
                super::not_installed()
            } else {
                error.problem("cannot list models")
            }
        })?;
        let pods: Option<Vec<Pod>> =
            super::readable(pods, "cannot list pods")?.map(|list| typed(&list));
        let config = super::readable(config, "cannot read KubeAI's configuration")?;
        let profiles = config
            .as_ref()
            .and_then(|config| LiveProfiles::read(config.pointer("/data/system.yaml")?.as_str()?));
        let unscheduled = pods.as_deref().unwrap_or_default().iter().any(|pod| {
            pod.spec
                .as_ref()
                .is_none_or(|spec| spec.node_name.is_none())
        });
        let (events, nodes) = if unscheduled {
            self.explain().await
        } else {
            (Vec::new(), None)
        };
        Ok(Look {
            models: super::by_name(&models),
            pods,
            events,
            nodes,
            profiles,
            now,
        })
    }

    /// Events and nodes help to explain; without the right to read them, the verdict is only less precise.
    async fn explain(&self) -> (Vec<Event>, Option<Vec<Node>>) {
        let (events, nodes) = join(
            self.session.get(&self.paths.events),
            self.session.get(paths::NODES),
        )
        .await;
        (
            events.map(|list| typed(&list)).unwrap_or_default(),
            nodes.ok().map(|list| typed(&list)),
        )
    }

    /// Returns the verdict on one model, with the last words of a container that crashes.
    pub async fn verdict(
        &self,
        look: &Look,
        model: &ModelName,
        change: Option<&Change>,
    ) -> Verdict {
        let object = look.models.get(model.as_str());
        let of_model =
            |pod: &&Pod| super::label(&pod.metadata, super::MODEL_LABEL) == Some(model.as_str());
        let pods: Option<Vec<Pod>> = look
            .pods
            .as_ref()
            .map(|pods| pods.iter().filter(of_model).cloned().collect());
        let mut verdict = verdict::judge(&Observed {
            model: object,
            pods: pods.as_deref(),
            events: &look.events,
            profiles: look.profiles.as_ref(),
            taints: taints(look.nodes.as_deref().unwrap_or_default()),
            room: object.and_then(|object| self.room(object, look.nodes.as_deref())),
            change,
            now: look.now,
        });
        if let (State::Crash, Some(pod)) = (verdict.state, &verdict.pod) {
            let words = self.last_words(pod).await;
            if !words.is_empty() {
                verdict.reason.push_str(&format!("; last log: {words}"));
            }
        }
        verdict
    }

    async fn last_words(&self, pod: &str) -> String {
        let previous = self.session.get_text(&self.paths.last_log(pod, true)).await;
        let text = match previous {
            Ok(text) if !text.trim().is_empty() => text,
            _ => self
                .session
                .get_text(&self.paths.last_log(pod, false))
                .await
                .unwrap_or_default(),
        };
        telling(&text)
            .into_iter()
            .map(shorten)
            .collect::<Vec<_>>()
            .join(" | ")
    }

    /// Returns a pool of the manifest that serves the model's profile and is below its maximum.
    fn room(&self, model: &Value, nodes: Option<&[Node]>) -> Option<Room> {
        let wanted: ProfileCount = model
            .pointer("/spec/resourceProfile")?
            .as_str()?
            .parse()
            .ok()?;
        let nodes = nodes?;
        self.cluster.pools_for(&wanted.name).find_map(|pool| {
            let max = pool.max?;
            let instance_type = pool.instance_type.as_deref()?;
            let of_pool = |node: &&Node| {
                super::label(&node.metadata, INSTANCE_TYPE_LABEL) == Some(instance_type)
            };
            let has = u32::try_from(nodes.iter().filter(of_pool).count()).ok()?;
            (has < max).then(|| Room {
                pool: pool.name.clone(),
                nodes: has,
                max,
            })
        })
    }
}

/// Returns the lines of a log's end that tell why it ended: its last errors, but not the one that points to another; or the
/// very last lines.
fn telling(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let is_error = |line: &&&str| {
        line.to_lowercase().contains("error") && !line.contains("See root cause above")
    };
    let errors: Vec<&str> = lines
        .iter()
        .filter(is_error)
        .filter(|line| !line.trim_start().ends_with('('))
        .copied()
        .collect();
    let chosen = if errors.is_empty() { lines } else { errors };
    chosen[chosen.len().saturating_sub(LOG_LINES)..].to_vec()
}

/// Returns the taints of nodes that have GPUs, as the scheduler used to name them.
fn taints(nodes: &[Node]) -> Vec<String> {
    let has_gpus = |node: &&Node| {
        let capacity = node
            .status
            .as_ref()
            .and_then(|status| status.allocatable.as_ref());
        capacity.is_some_and(|resources| resources.keys().any(|name| name.ends_with("/gpu")))
    };
    let of_gpus = nodes
        .iter()
        .filter(has_gpus)
        .filter_map(|node| node.spec.as_ref()?.taints.as_deref());
    let named = of_gpus.flatten().map(|taint| {
        format!(
            "{{{}: {}}}",
            taint.key,
            taint.value.as_deref().unwrap_or_default()
        )
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

fn shorten(line: &str) -> String {
    // A server may log its arguments and tokens.
    let plain = redact(&plain(line), &[]);
    match plain.char_indices().nth(LOG_LINE) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}
