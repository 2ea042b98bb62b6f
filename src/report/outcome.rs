//! The last words of a rollout: what was done, what to do next, how to call what is ready.

use super::style::{Style, Styles};
use crate::failure::Exit;
use crate::kubeai::verdict::State;
use crate::plan::{ClusterPlan, Plan, Verb};
use crate::project::{Cluster, Project};
use crate::rollout::{Ended, Outcome};
use crate::text;
use crate::value::{ClusterName, ModelName};

/// Returns the last lines of a rollout; `waited` says whether models were to be ready.
pub fn outcome_text(plan: &Plan, outcome: &Outcome, exit: Exit, waited: bool) -> String {
    let is_live = |name: &ClusterName| {
        plan.clusters
            .iter()
            .any(|cluster| cluster.cluster == *name && cluster.live)
    };
    let (live, files): (Vec<_>, Vec<_>) =
        outcome.clusters.iter().partition(|(name, _)| is_live(name));
    let mut lines = Vec::new();
    if !files.is_empty() {
        let done = |cluster: &&ClusterPlan| {
            let ended = outcome
                .clusters
                .get(&cluster.cluster)
                .map(|ended| ended.ended);
            !cluster.live && ended == Some(Ended::Reached)
        };
        let actions = plan
            .clusters
            .iter()
            .filter(done)
            .flat_map(|cluster| &cluster.actions);
        let (deleted, written): (Vec<_>, Vec<_>) = actions
            .filter(|action| action.verb != Verb::Keep)
            .partition(|action| action.verb == Verb::Delete);
        let count = |number: usize, word| {
            (number > 0).then(|| format!("{} {word}", text::count(number, "file")))
        };
        let what: Vec<String> = [
            count(written.len(), "written"),
            count(deleted.len(), "deleted"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let what = if what.is_empty() {
            "no file changed".to_owned()
        } else {
            what.join(", ")
        };
        lines.push(format!(
            "{what}, nothing deployed by mcai: what applies the files is not observed"
        ));
    }
    let files_failed = files
        .iter()
        .any(|(_, cluster)| cluster.ended != Ended::Reached);
    if !live.is_empty() || files_failed || outcome.clusters.is_empty() {
        let changed = live.iter().filter(|(_, cluster)| cluster.changed).count();
        let mut line = format!(
            "{} changed, {} failed",
            text::count(changed, "cluster"),
            outcome.count(Ended::Failed)
        );
        let others = [
            (Ended::NotReady, "not ready"),
            (Ended::NotBegun, "left alone"),
            (Ended::Interrupted, "interrupted"),
        ];
        for (count, words) in others.map(|(ended, words)| (outcome.count(ended), words)) {
            if count > 0 {
                line.push_str(&format!(", {count} {words}"));
            }
        }
        let deploys = plan
            .actions()
            .any(|(_, action)| action.verb != Verb::Delete);
        if waited && deploys && matches!(exit, Exit::Reached | Exit::Changes) {
            line.push_str(", all models ready");
        }
        line.push_str(&format!(", in {}", text::duration(outcome.elapsed)));
        lines.push(line);
    }
    if matches!(exit, Exit::NotReady | Exit::Partly | Exit::Interrupted) && !live.is_empty() {
        lines.push("see how it goes on with: mcai status".to_owned());
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Says at which URL each cluster's ready models are called, with one example.
pub fn call_text(project: &Project, outcome: &Outcome, styles: &Styles) -> String {
    let width = outcome
        .clusters
        .keys()
        .map(|name| name.as_str().len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    let mut example = None;
    for (name, ended) in &outcome.clusters {
        let serves = |state| matches!(state, State::Ready | State::ScaledToZero);
        let ready = ended
            .verdicts
            .iter()
            .find(|(_, verdict)| serves(verdict.state));
        let (Some((model, _)), Some(cluster)) = (ready, project.clusters.get(name)) else {
            continue;
        };
        let Some((url, first)) = address(project, cluster) else {
            continue;
        };
        lines.push(format!(
            "  {name:width$}  {}{first}\n",
            styles.paint(Style::Name, &url)
        ));
        if chats(project, model, cluster) {
            example.get_or_insert((url, model));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let Some((url, model)) = example else {
        return format!("call the models at\n{}", lines.concat());
    };
    let body =
        serde_json::json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    let curl =
        format!("curl {url}/chat/completions -H 'content-type: application/json' -d '{body}'");
    format!("call the models at\n{}such as:  {curl}\n", lines.concat())
}

/// Whether a model answers in a chat: others have other paths.
fn chats(project: &Project, model: &ModelName, cluster: &Cluster) -> bool {
    let spec = project
        .models
        .get(model)
        .map(|model| model.effective_spec(cluster));
    let features = spec.as_ref().and_then(|spec| spec.get("features"));
    features.is_some_and(|features| {
        features
            .items()
            .iter()
            .any(|one| one.as_str() == Some("TextGeneration"))
    })
}

/// Returns the URL of a cluster's models, and what must be done first where it has no endpoint.
fn address(project: &Project, cluster: &Cluster) -> Option<(String, String)> {
    if let Some(endpoint) = &cluster.endpoint {
        return Some((
            format!("{}/openai/v1", endpoint.trim_end_matches('/')),
            String::new(),
        ));
    }
    let context = &cluster.target.context.as_ref()?.value;
    let forward = format!(
        "kubectl --context {context} -n {} port-forward svc/kubeai 8000:80",
        project.namespace
    );
    Some((
        "http://localhost:8000/openai/v1".to_owned(),
        format!("  after: {forward}"),
    ))
}
