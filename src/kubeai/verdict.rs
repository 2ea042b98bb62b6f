//! Whether a model serves, and if not, why: what a person would find with five kubectl commands, on one line.
//!
//! KubeAI's Model has no conditions and its controller emits no events, so the verdict is derived from the Model, its
//! pods, their events and KubeAI's configuration. `status.replicas` lags by seconds and says nothing of an update, so
//! pods count, and status only where pods can't be read.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::profile::{LiveProfiles, ProfileCount};
use crate::text::{quoted_list, whole_seconds};

/// How a model stands on one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As many replicas as wanted answer.
    Ready,
    /// Nothing runs and nothing is asked for; the first request starts a replica.
    ScaledToZero,
    /// Some of the wanted replicas answer.
    Degraded,
    /// Containers are being made or load the model.
    Starting,
    /// A node is being added for it.
    Provisioning,
    /// Pods of the new kind wait for room that the old ones take.
    Updating,
    /// No node has room, and nothing says that one is coming.
    Waiting,
    /// Nobody will bring a node.
    NoCapacity,
    /// No node takes the pod: a taint, a selector.
    Unschedulable,
    /// The image can't be had.
    ImagePull,
    /// The container ends again and again.
    Crash,
    /// The resource or cache profile is unknown on the cluster.
    BadProfile,
    /// Model files are being loaded into the cache.
    CacheLoading,
    /// KubeAI does not act on the model.
    NotPickedUp,
    /// The model is being deleted.
    Deleting,
    /// The cluster does not have the model.
    Absent,
    /// A file was written; no cluster is observed.
    Written,
}

impl State {
    pub fn is_reached(self) -> bool {
        matches!(self, State::Ready | State::ScaledToZero | State::Written)
    }

    /// Whether waiting can't help: somebody must change the model or the cluster.
    pub fn is_definite_failure(self) -> bool {
        matches!(self, State::Crash | State::ImagePull | State::BadProfile)
    }

    pub fn word(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::ScaledToZero => "scaled to zero",
            State::Degraded => "degraded",
            State::Starting => "starting",
            State::Provisioning => "provisioning",
            State::Updating => "updating",
            State::Waiting => "waiting",
            State::NoCapacity => "no capacity",
            State::Unschedulable => "unschedulable",
            State::ImagePull => "image pull",
            State::Crash => "crash",
            State::BadProfile => "wrong profile",
            State::CacheLoading => "loading cache",
            State::NotPickedUp => "not picked up",
            State::Deleting => "deleting",
            State::Absent => "absent",
            State::Written => "written",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub state: State,
    pub reason: String,
    /// Replicas that answer, and that are wanted.
    pub ready: u32,
    pub want: u32,
    /// Since when the reason holds.
    pub since: Option<Timestamp>,
    /// The pod that the reason speaks of.
    pub pod: Option<String>,
}

impl Verdict {
    pub fn new(state: State, reason: impl Into<String>) -> Self {
        Verdict {
            state,
            reason: reason.into(),
            ready: 0,
            want: 0,
            since: None,
            pod: None,
        }
    }

    fn of(mut self, ready: u32, want: u32) -> Self {
        (self.ready, self.want) = (ready, want);
        self
    }

    fn since(mut self, time: Option<Timestamp>) -> Self {
        self.since = time;
        self
    }

    /// Whether a person would learn nothing new: only time has passed.
    pub fn is_same_news(&self, other: &Verdict) -> bool {
        let news = |verdict: &Verdict| {
            (
                verdict.state,
                verdict.reason.clone(),
                verdict.ready,
                verdict.want,
            )
        };
        news(self) == news(other)
    }

    /// Returns the reason with how long it has held.
    pub fn reason_at(&self, now: Timestamp) -> String {
        match self.since.map(|since| age(Some(since), now)) {
            Some(held) if held >= Duration::from_secs(1) => {
                format!("{} (for {})", self.reason, whole_seconds(held))
            }
            _ => self.reason.clone(),
        }
    }

    fn about(mut self, pod: &Pod) -> Self {
        self.pod = pod.metadata.name.clone();
        self
    }
}

/// What was seen of one model on one cluster.
pub struct Observed<'a> {
    /// The Model, or `None` where the cluster has none.
    pub model: Option<&'a Value>,
    /// Its pods, or `None` where they may not be listed.
    pub pods: Option<&'a [Pod]>,
    /// Events of its pods.
    pub events: &'a [Event],
    pub profiles: Option<&'a LiveProfiles>,
    /// Taints of the nodes with GPUs, as `{key: value}`: newer schedulers do not name the one they mean.
    pub taints: Vec<String>,
    /// A node pool of the manifest that could still grow for this model.
    pub room: Option<Room>,
    /// What mcai changed just now, when it waits for that.
    pub change: Option<&'a Change>,
    pub now: Timestamp,
}

/// A pool below its maximum.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    pub pool: String,
    pub nodes: u32,
    pub max: u32,
}

/// A change that the verdict must wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: Timestamp,
    /// Whether a field that shapes pods changed, so that KubeAI replaces them.
    pub shapes_pods: bool,
    /// `pod-hash` labels seen before the change.
    pub hashes_before: BTreeSet<String>,
}

/// KubeAI writes `spec.replicas` within a second; half a minute of silence is no lag.
const SILENCE: Duration = Duration::from_secs(30);
/// Every write of `status` lags about 3 s, and pods of an update come within 0.2 s: what is settled this long after a
/// change is not the state from before it.
const SETTLED: Duration = Duration::from_secs(5);
/// Without progress for this long, no node is coming.
const NO_PROGRESS: Duration = Duration::from_secs(15 * 60);
/// A container that has ended this often is not just unlucky.
const CRASHES: i32 = 2;

/// Returns the `pod-hash` label of a pod: KubeAI's name for the shape that it has.
pub fn hash(pod: &ObjectMeta) -> &str {
    let hash = pod
        .labels
        .as_ref()
        .and_then(|labels| labels.get("pod-hash"));
    hash.map_or("", String::as_str)
}

/// Returns the verdict on one model.
pub fn judge(seen: &Observed) -> Verdict {
    let Some(model) = seen.model else {
        return Verdict::new(State::Absent, "the model is not on the cluster");
    };
    let want = wanted(model);
    if model.pointer("/metadata/deletionTimestamp").is_some() {
        return Verdict::new(State::Deleting, deletion_waits_for(model)).of(0, want);
    }
    if let Some(reason) = bad_profile(model, seen.profiles) {
        return Verdict::new(State::BadProfile, reason).of(ready_pods(seen), want);
    }
    if let Some(verdict) = untouched(model, seen) {
        return verdict.of(0, want);
    }
    if model.pointer("/status/cache/loaded") == Some(&Value::Bool(false)) {
        return Verdict::new(
            State::CacheLoading,
            "KubeAI's cache job loads the model files",
        )
        .of(0, want);
    }
    match seen.pods {
        Some(pods) => judge_pods(pods, want, seen),
        None => judge_status(model, want, seen),
    }
}

fn integer(model: &Value, pointer: &str) -> Option<u32> {
    model
        .pointer(pointer)
        .and_then(Value::as_u64)
        .and_then(|number| u32::try_from(number).ok())
}

/// Returns how many replicas the model should have: the autoscaler's number, but never under its minimum.
pub fn wanted(model: &Value) -> u32 {
    let replicas = integer(model, "/spec/replicas");
    if model.pointer("/spec/autoscalingDisabled") == Some(&Value::Bool(true)) {
        return replicas.unwrap_or(0);
    }
    replicas
        .unwrap_or(0)
        .max(integer(model, "/spec/minReplicas").unwrap_or(0))
}

/// Says what keeps an object that is being deleted.
pub fn deletion_waits_for(object: &Value) -> String {
    let names = object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array);
    let names: Vec<&str> = names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("waits for {}", quoted_list(names)),
    }
}

fn bad_profile(model: &Value, profiles: Option<&LiveProfiles>) -> Option<String> {
    let profiles = profiles?;
    let text = |pointer| {
        model
            .pointer(pointer)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(wanted) = text("/spec/resourceProfile") {
        match wanted.parse::<ProfileCount>() {
            Err(why) => return Some(why),
            Ok(profile) if !profiles.resource.contains(&profile.name) => {
                return Some(format!(
                    "resource profile `{}` is not in KubeAI's configuration",
                    profile.name
                ));
            }
            Ok(_) => {}
        }
    }
    let cache = text("/spec/cacheProfile").filter(|name| !profiles.cache.contains(*name))?;
    Some(format!(
        "cache profile `{cache}` is not in KubeAI's configuration"
    ))
}

fn age(at: Option<Timestamp>, now: Timestamp) -> Duration {
    at.and_then(|at| now.duration_since(at).try_into().ok())
        .unwrap_or_default()
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// The verdict on a model that KubeAI's controller has not acted on.
fn untouched(model: &Value, seen: &Observed) -> Option<Verdict> {
    let manual = model.pointer("/spec/autoscalingDisabled") == Some(&Value::Bool(true));
    let touched = model.pointer("/status/replicas").is_some()
        || (!manual && model.pointer("/spec/replicas").is_some());
    if touched || seen.pods.is_some_and(|pods| !pods.is_empty()) {
        return None;
    }
    let made = model
        .pointer("/metadata/creationTimestamp")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    // The local clock dates our own change; the server's may differ.
    let since = seen.change.map(|change| change.at).or(made);
    Some(if age(since, seen.now) < SILENCE {
        Verdict::new(State::Starting, "KubeAI has not acted yet")
    } else {
        let why = "KubeAI does not act on the model: its controller is down, or watches another namespace";
        Verdict::new(State::NotPickedUp, why)
    })
}

fn judge_status(model: &Value, want: u32, seen: &Observed) -> Verdict {
    let ready = integer(model, "/status/replicas/ready").unwrap_or(0);
    let fresh = seen
        .change
        .is_none_or(|change| !change.shapes_pods && age(Some(change.at), seen.now) >= SETTLED);
    let state = match (ready, want) {
        (_, 0) => State::ScaledToZero,
        (ready, want) if ready >= want && fresh => State::Ready,
        (0, _) => State::Starting,
        _ if fresh => State::Degraded,
        _ => State::Updating,
    };
    Verdict::new(
        state,
        "pods may not be listed: from the model's status alone",
    )
    .of(ready, want)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let ready = conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one.type_ == "Ready" && one.status == "True")
    });
    ready && pod.metadata.deletion_timestamp.is_none()
}

fn ready_pods(seen: &Observed) -> u32 {
    count(
        seen.pods
            .unwrap_or_default()
            .iter()
            .filter(|pod| is_ready(pod)),
    )
}

fn count<T>(things: impl Iterator<Item = T>) -> u32 {
    u32::try_from(things.count()).unwrap_or(u32::MAX)
}

fn judge_pods(pods: &[Pod], want: u32, seen: &Observed) -> Verdict {
    let (current, old) = split(pods, seen.change);
    let ready = count(current.iter().filter(|pod| is_ready(pod)));
    // Before a change is settled, only a new hash proves that KubeAI has seen it.
    let settled = seen.change.is_none_or(|change| {
        let proven = change.shapes_pods
            && !change.hashes_before.is_empty()
            && current
                .iter()
                .any(|pod| !change.hashes_before.contains(hash(&pod.metadata)));
        let nothing_to_replace = !change.shapes_pods || change.hashes_before.is_empty();
        proven || nothing_to_replace || age(Some(change.at), seen.now) >= SETTLED
    });
    let serving = count(pods.iter().filter(|pod| is_ready(pod)));
    if want == 0 && pods.is_empty() {
        return Verdict::new(State::ScaledToZero, "the first request starts a replica");
    }
    if want > 0 && ready >= want && old.is_empty() && settled {
        return Verdict::new(State::Ready, "").of(ready, want);
    }
    let waiting: Vec<&&Pod> = current.iter().filter(|pod| !is_ready(pod)).collect();
    let worst = waiting
        .iter()
        .map(|pod| judge_pod(pod, seen))
        .min_by_key(|verdict| severity(verdict.state));
    match worst {
        Some(verdict) => in_context(
            verdict,
            serving,
            ready,
            want,
            !old.is_empty(),
            seen.change.is_some(),
        ),
        None if !old.is_empty() => replacing(old.len(), ready, want, seen),
        None if ready < want => no_pods(ready, want, seen),
        None => Verdict::new(State::Starting, "KubeAI has not acted yet").of(ready, want),
    }
}

/// Splits pods into those that the model's present spec asked for, and those to be replaced.
fn split<'a>(pods: &'a [Pod], change: Option<&Change>) -> (Vec<&'a Pod>, Vec<&'a Pod>) {
    let newest = pods
        .iter()
        .max_by_key(|pod| (created(pod), hash(&pod.metadata)))
        .map(|pod| hash(&pod.metadata));
    let is_current = |pod: &&Pod| match change {
        // One hash before: whatever has it still is old. Several: an update was under way, and may be turned back.
        Some(change) if change.shapes_pods && change.hashes_before.len() == 1 => {
            !change.hashes_before.contains(hash(&pod.metadata))
        }
        _ => Some(hash(&pod.metadata)) == newest,
    };
    pods.iter().partition(is_current)
}

/// Orders what is wrong with pods: the first is what a person should hear.
fn severity(state: State) -> u8 {
    match state {
        State::Crash => 0,
        State::ImagePull => 1,
        State::NoCapacity => 2,
        State::Unschedulable => 3,
        State::Waiting => 4,
        State::Provisioning => 5,
        _ => 6,
    }
}

/// Puts the verdict on the worst pod into the context of the whole model.
fn in_context(
    worst: Verdict,
    serving: u32,
    ready: u32,
    want: u32,
    updating: bool,
    changed: bool,
) -> Verdict {
    let mut verdict = worst.of(ready, want);
    match verdict.state {
        State::Waiting if updating => {
            verdict.state = State::Updating;
            verdict.reason = format!(
                "update waits for room for one more pod ({}); {serving} old still serve",
                verdict.reason
            );
        }
        State::Starting if updating => {
            verdict.state = State::Updating;
            verdict.reason = format!("new pod {}; {serving} old still serve", verdict.reason);
        }
        State::Starting if ready > 0 && !changed => verdict.state = State::Degraded,
        _ if updating => verdict
            .reason
            .push_str(&format!("; {serving} old still serve")),
        _ => {}
    }
    verdict
}

/// The verdict while old pods are left and nothing is wrong with new ones.
fn replacing(old: usize, ready: u32, want: u32, seen: &Observed) -> Verdict {
    let waited = seen
        .change
        .map_or(Duration::ZERO, |change| age(Some(change.at), seen.now));
    let verdict = if ready >= want {
        Verdict::new(State::Updating, format!("{old} of the old pods to go"))
    } else if ready == 0 && waited >= SILENCE {
        Verdict::new(
            State::NotPickedUp,
            format!(
                "KubeAI does not replace the {old} old pods: the change makes no difference to them, or its controller is down"
            ),
        )
    } else {
        Verdict::new(
            State::Updating,
            format!("new pods are to replace {old} old"),
        )
    };
    verdict.of(ready, want)
}

fn no_pods(ready: u32, want: u32, seen: &Observed) -> Verdict {
    let waited = seen
        .change
        .map_or(SILENCE, |change| age(Some(change.at), seen.now));
    let verdict = if ready > 0 {
        Verdict::new(State::Starting, "KubeAI is to make more pods")
    } else if waited < SILENCE {
        Verdict::new(State::Starting, "KubeAI makes the pods")
    } else {
        Verdict::new(
            State::NotPickedUp,
            "KubeAI makes no pod: its log names the model and the error",
        )
    };
    verdict.of(ready, want)
}

fn judge_pod(pod: &Pod, seen: &Observed) -> Verdict {
    let status = pod.status.as_ref();
    let conditions = status
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let unscheduled = conditions
        .iter()
        .find(|one| one.type_ == "PodScheduled" && one.status == "False");
    if let Some(condition) = unscheduled {
        let message = condition.message.as_deref().unwrap_or("not scheduled");
        return judge_unscheduled(pod, message, seen).about(pod);
    }
    let containers = status
        .and_then(|status| status.container_statuses.as_deref())
        .unwrap_or_default();
    let init = status
        .and_then(|status| status.init_container_statuses.as_deref())
        .unwrap_or_default();
    let broken = init.iter().chain(containers).find_map(judge_container);
    broken
        .unwrap_or_else(|| starting(pod, containers))
        .about(pod)
}

fn judge_container(container: &ContainerStatus) -> Option<Verdict> {
    let waiting = container
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref());
    let reason = waiting
        .and_then(|waiting| waiting.reason.as_deref())
        .unwrap_or_default();
    let message = waiting
        .and_then(|waiting| waiting.message.as_deref())
        .unwrap_or_default();
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable" => Some(Verdict::new(
            State::ImagePull,
            join(&[reason, &format!("`{}`", container.image), message]),
        )),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(Verdict::new(State::Crash, join(&[reason, message])))
        }
        "CrashLoopBackOff" => Some(Verdict::new(State::Crash, crashed(container))),
        // Between two tries; one that runs again may well come up this time.
        _ if container.restart_count >= CRASHES && has_ended(container) => {
            Some(Verdict::new(State::Crash, crashed(container)))
        }
        _ => None,
    }
}

fn has_ended(container: &ContainerStatus) -> bool {
    container
        .state
        .as_ref()
        .is_some_and(|state| state.terminated.is_some())
}

fn crashed(container: &ContainerStatus) -> String {
    let last = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    let ended = last.map_or(String::new(), |last| match last.reason.as_deref() {
        Some("OOMKilled") => ", OOMKilled (out of host memory)".to_owned(),
        _ => format!(", exit code {}", last.exit_code),
    });
    format!("ended {} times{ended}", container.restart_count)
}

fn starting(pod: &Pod, containers: &[ContainerStatus]) -> Verdict {
    let state = containers
        .first()
        .and_then(|container| container.state.as_ref());
    match state.and_then(|state| state.running.as_ref()) {
        Some(running) => {
            let started = running.started_at.as_ref().map(|time| time.0);
            Verdict::new(State::Starting, "loads the model").since(started)
        }
        None => Verdict::new(State::Starting, "its container is being made").since(created(pod)),
    }
}

fn join(parts: &[&str]) -> String {
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(": ")
}

/// The newest event of an autoscaler about a pod decides; without one, the scheduler's own words do.
fn judge_unscheduled(pod: &Pod, message: &str, seen: &Observed) -> Verdict {
    let told = seen
        .events
        .iter()
        .filter(|event| event.involved_object.name == pod.metadata.name)
        .filter_map(|event| Some((event_time(event), autoscaler_says(event)?, event)))
        .max_by_key(|(time, ..)| *time);
    if let Some((time, state, event)) = told
        && (state != State::Provisioning || age(time, seen.now) < NO_PROGRESS)
    {
        let words = event.message.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        return Verdict::new(state, format!("{reason}: {}", first_clause(words))).since(time);
    }
    let made = created(pod);
    let summary = scheduler_summary(message, &seen.taints);
    if age(made, seen.now) >= NO_PROGRESS {
        return Verdict::new(State::NoCapacity, summary).since(made);
    }
    let misfit = !message.contains("Insufficient") && untolerated(message, &seen.taints).is_some();
    match (&seen.room, misfit) {
        (_, true) => Verdict::new(State::Unschedulable, summary),
        (Some(room), false) => {
            let Room { pool, nodes, max } = room;
            Verdict::new(
                State::Provisioning,
                format!("{summary}; pool `{pool}` has {nodes} of at most {max} nodes"),
            )
        }
        (None, false) if message.contains("Insufficient") => Verdict::new(State::Waiting, summary),
        (None, false) => Verdict::new(State::Unschedulable, summary),
    }
}

fn event_time(event: &Event) -> Option<Timestamp> {
    let series = event
        .series
        .as_ref()
        .and_then(|series| series.last_observed_time.as_ref())
        .map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    series
        .or(last)
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(event
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0))
}

/// cluster-autoscaler's and Karpenter's reasons.
fn autoscaler_says(event: &Event) -> Option<State> {
    let karpenter = event
        .source
        .as_ref()
        .and_then(|source| source.component.as_deref())
        == Some("karpenter")
        || event.reporting_component.as_deref() == Some("karpenter");
    match event.reason.as_deref()? {
        "TriggeredScaleUp" | "Nominated" => Some(State::Provisioning),
        "FailedScaleUp" | "NotTriggerScaleUp" => Some(State::NoCapacity),
        "FailedScheduling" if karpenter => Some(State::NoCapacity),
        _ => None,
    }
}

/// Returns `{key: value}` of the first untolerated taint that the node keeps: taints of nodes that are still starting, and
/// of control planes, are no reason. Kubernetes 1.36 only counts the nodes, so `taints` has those of the GPU nodes.
fn untolerated(message: &str, taints: &[String]) -> Option<String> {
    let named = message
        .split("untolerated taint ")
        .skip(1)
        .filter_map(|rest| rest.split_inclusive('}').next());
    let counted = if message.contains("untolerated taint(s)") {
        taints
    } else {
        Default::default()
    };
    named
        .chain(counted.iter().map(String::as_str))
        .find(|taint| is_lasting(taint))
        .map(str::to_owned)
}

fn is_lasting(taint: &str) -> bool {
    let passing = [
        "{node.kubernetes.io/",
        "{node-role.kubernetes.io/",
        "{node.cloudprovider.kubernetes.io/",
    ];
    !passing.iter().any(|prefix| taint.starts_with(prefix))
}

/// Shortens the scheduler's message to what names the cause.
fn scheduler_summary(message: &str, taints: &[String]) -> String {
    let own = message.split(" preemption:").next().unwrap_or(message);
    let own = own
        .split(" no new claims")
        .next()
        .unwrap_or(own)
        .trim_end_matches('.');
    if let Some(resource) = own.split("Insufficient ").nth(1) {
        let resource = resource.split([',', ' ']).next().unwrap_or(resource);
        return format!("no node has enough free {}", resource.trim_end_matches('.'));
    }
    if let Some(taint) = untolerated(own, taints) {
        return format!("the resource profile does not tolerate the nodes' taint {taint}");
    }
    if own.contains("didn't match Pod's node affinity/selector") {
        return "no node matches the resource profile's node selector".to_owned();
    }
    own.to_owned()
}

fn first_clause(text: &str) -> &str {
    text.split('\n').next().unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn pod(name: &str, hash: &str, status: Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {"pod-hash": hash}, "creationTimestamp": "2026-11-20T10:00:00Z"},
            "status": status
        }))
        .unwrap()
    }

    fn ready() -> Value {
        json!({"conditions": [{"type": "Ready", "status": "True"}]})
    }

    fn pending(message: &str) -> Value {
        json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]})
    }

    fn waiting(reason: &str) -> Value {
        json!({"containerStatuses": [{
            "name": "server", "image": "vllm:x", "imageID": "", "ready": false, "restartCount": 4,
            "state": {"waiting": {"reason": reason, "message": "why"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}
        }]})
    }

    fn model(min: u32, replicas: Option<u32>) -> Value {
        let mut model = json!({
            "metadata": {"creationTimestamp": "2026-11-20T10:00:00Z"},
            "spec": {"minReplicas": min, "resourceProfile": "l4:1"},
            "status": {"replicas": {"all": 0, "ready": 0}}
        });
        if let Some(replicas) = replicas {
            model["spec"]["replicas"] = json!(replicas);
        }
        model
    }

    fn seen<'a>(model: &'a Value, pods: &'a [Pod]) -> Observed<'a> {
        let now = at("2026-11-20T10:01:00Z");
        Observed {
            model: Some(model),
            pods: Some(pods),
            events: &[],
            profiles: None,
            taints: Vec::new(),
            room: None,
            change: None,
            now,
        }
    }

    fn change(before: &[&str]) -> Change {
        let hashes_before = before.iter().map(|hash| (*hash).to_owned()).collect();
        Change {
            at: at("2026-11-20T10:00:50Z"),
            shapes_pods: true,
            hashes_before,
        }
    }

    #[test]
    fn counts_ready_pods_against_the_larger_number() {
        let pods = [pod("a", "h", ready())];
        assert_eq!(judge(&seen(&model(1, Some(1)), &pods)).state, State::Ready);
        let three = judge(&seen(&model(1, Some(3)), &pods));
        assert_eq!(
            (three.state, three.ready, three.want),
            (State::Starting, 1, 3)
        );
        assert_eq!(
            judge(&seen(&model(0, Some(0)), &[])).state,
            State::ScaledToZero
        );
    }

    #[test]
    fn tells_degraded_loading_caches_and_missing_pods() {
        let two = model(2, Some(2));
        let loading = pod(
            "b",
            "h",
            json!({"containerStatuses": [{
                "name": "server", "image": "vllm:x", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"running": {"startedAt": "2026-11-20T10:00:30Z"}}
            }]}),
        );
        let pods = [pod("a", "h", ready()), loading];
        let verdict = judge(&seen(&two, &pods));
        assert_eq!(
            (verdict.state, verdict.ready, verdict.want),
            (State::Degraded, 1, 2)
        );
        assert_eq!(
            verdict.reason_at(at("2026-11-20T10:01:00Z")),
            "loads the model (for 30 s)"
        );
        let mut cached = model(1, Some(1));
        cached["status"]["cache"] = json!({"loaded": false});
        assert_eq!(judge(&seen(&cached, &[])).state, State::CacheLoading);
        assert_eq!(judge(&seen(&two, &[])).state, State::NotPickedUp);
        let unlisted = judge(&Observed {
            pods: None,
            ..seen(&two, &[])
        });
        assert_eq!((unlisted.state, unlisted.ready), (State::Starting, 0));
        let deleting = json!({"metadata": {"deletionTimestamp": "2026-11-20T10:00:00Z", "finalizers": ["a/b"]}});
        assert_eq!(judge(&seen(&deleting, &[])).reason, "waits for `a/b`");
    }

    #[test]
    fn old_pods_do_not_count_after_a_change() {
        let model = model(1, Some(1));
        let before = change(&["old"]);
        let old_only = [pod("a", "old", ready())];
        assert_eq!(
            judge(&Observed {
                change: Some(&before),
                ..seen(&model, &old_only)
            })
            .state,
            State::Updating
        );
        let crashing = [
            pod("a", "old", ready()),
            pod("b", "new", waiting("CrashLoopBackOff")),
        ];
        let verdict = judge(&Observed {
            change: Some(&before),
            ..seen(&model, &crashing)
        });
        assert_eq!(verdict.state, State::Crash);
        assert_eq!(
            verdict.reason,
            "ended 4 times, exit code 1; 1 old still serve"
        );
        let replaced = [pod("b", "new", ready())];
        assert_eq!(
            judge(&Observed {
                change: Some(&before),
                ..seen(&model, &replaced)
            })
            .state,
            State::Ready
        );
    }

    #[test]
    fn an_update_that_is_turned_back_ends() {
        let model = model(1, Some(1));
        let before = change(&["one", "two"]);
        let back = [pod("a", "one", ready())];
        assert_eq!(
            judge(&Observed {
                change: Some(&before),
                ..seen(&model, &back)
            })
            .state,
            State::Ready
        );
    }

    #[test]
    fn tells_waiting_from_provisioning_and_no_capacity() {
        let model = model(1, Some(1));
        let pods = [pod(
            "a",
            "h",
            pending("0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2"),
        )];
        let verdict = judge(&seen(&model, &pods));
        assert_eq!(
            (verdict.state, verdict.reason.as_str()),
            (State::Waiting, "no node has enough free nvidia.com/gpu")
        );
        let room = Some(Room {
            pool: "l4".into(),
            nodes: 0,
            max: 8,
        });
        assert_eq!(
            judge(&Observed {
                room,
                ..seen(&model, &pods)
            })
            .state,
            State::Provisioning
        );
        let late = Observed {
            now: at("2026-11-20T10:16:00Z"),
            ..seen(&model, &pods)
        };
        assert_eq!(judge(&late).state, State::NoCapacity);
        for (reason, state) in [
            ("TriggeredScaleUp", State::Provisioning),
            ("NotTriggerScaleUp", State::NoCapacity),
        ] {
            let event: Event = serde_json::from_value(json!({
                "metadata": {}, "involvedObject": {"name": "a"}, "reason": reason, "message": "words",
                "lastTimestamp": "2026-11-20T10:00:20Z"
            }))
            .unwrap();
            let events = [event];
            let verdict = judge(&Observed {
                events: &events,
                ..seen(&model, &pods)
            });
            assert_eq!(verdict.state, state);
            assert_eq!(
                verdict.reason_at(at("2026-11-20T10:01:00Z")),
                format!("{reason}: words (for 40 s)")
            );
        }
    }

    #[test]
    fn names_taints_images_profiles_and_silence() {
        let one = model(1, Some(1));
        let taint = [pod(
            "a",
            "h",
            pending(
                "0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: true}.",
            ),
        )];
        assert_eq!(judge(&seen(&one, &taint)).state, State::Unschedulable);
        let counted = [pod(
            "a",
            "h",
            pending(
                "0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate",
            ),
        )];
        let taints = vec!["{nvidia.com/gpu: present}".to_owned()];
        let verdict = judge(&Observed {
            taints,
            ..seen(&one, &counted)
        });
        assert_eq!(
            verdict.reason,
            "the resource profile does not tolerate the nodes' taint {nvidia.com/gpu: present}"
        );
        let image = [pod("a", "h", waiting("ImagePullBackOff"))];
        assert_eq!(
            judge(&seen(&one, &image)).reason,
            "ImagePullBackOff: `vllm:x`: why"
        );
        let profiles = LiveProfiles::default();
        assert_eq!(
            judge(&Observed {
                profiles: Some(&profiles),
                ..seen(&one, &[])
            })
            .state,
            State::BadProfile
        );
        let mut fresh = model(1, None);
        fresh.as_object_mut().unwrap().remove("status");
        assert_eq!(judge(&seen(&fresh, &[])).state, State::NotPickedUp);
    }
}
