//! A plan as people read it: per cluster, per model, field by field.

use serde_json::Value;

use super::cost_change::cost_text;
use super::style::{Style, Styles};
use crate::plan::{Action, Change, ClusterPlan, Made, Plan, Residency, Verb};
use crate::text;

/// A value in a field change is shown to this length, in characters.
pub(super) const VALUE: usize = 100;

/// Returns the plan as text, with its summary line.
pub fn plan_text(made: &Made, wide: bool, styles: &Styles) -> String {
    let plan = &made.plan;
    let mut text = String::new();
    // What stays as it is would bury what changes.
    let is_told = |action: &&Action| wide || action.verb != Verb::Keep;
    for cluster in &plan.clusters {
        let actions: Vec<&Action> = cluster.actions.iter().filter(is_told).collect();
        if !actions.is_empty() {
            push_cluster(&mut text, cluster, &actions, wide, styles);
        }
    }
    if wide {
        for note in &plan.notes {
            let line = format!(
                "  {} is not on {}: {}\n",
                note.model, note.cluster, note.reason
            );
            text.push_str(&styles.paint(Style::Dim, line));
        }
    }
    text.push_str(&summary(made));
    text.push('\n');
    if let Some(change) = &plan.cost {
        text.push_str(&cost_text(change, wide, styles));
    }
    text
}

/// Returns `cluster/model` of everything that changes, a line each.
pub fn plan_names(plan: &Plan) -> String {
    let changing = plan
        .actions()
        .filter(|(_, action)| action.changes_something());
    super::names(changing.map(|(cluster, action)| (&cluster.cluster, &action.model)))
}

fn push_cluster(
    text: &mut String,
    cluster: &ClusterPlan,
    actions: &[&Action],
    wide: bool,
    styles: &Styles,
) {
    let residency = match cluster.residency {
        _ if !wide => "",
        Residency::Declared => ", residency declared",
        Residency::Verified => ", residency verified",
    };
    let target = styles.paint(
        Style::Dim,
        format!("({}{residency})", text::visible(&cluster.target, &[])),
    );
    text.push_str(&format!(
        "{}  {target}\n",
        styles.paint(Style::Name, &cluster.cluster)
    ));
    for action in actions {
        let style = match action.verb {
            Verb::Create => Style::Good,
            Verb::Update | Verb::Adopt => Style::Warning,
            Verb::Delete => Style::Bad,
            Verb::Keep => Style::Dim,
        };
        let sign = styles.paint(style, action.verb.sign());
        text.push_str(&format!(
            "  {sign} Model/{}  {}{}\n",
            action.model,
            action.verb.word(),
            remarks(action)
        ));
        for line in fields(action, wide) {
            text.push_str(&format!("      {line}\n"));
        }
    }
}

/// Returns what a reader must know of an action, in brackets.
pub(super) fn remarks(action: &Action) -> String {
    let mut remarks = Vec::new();
    if action.verb == Verb::Adopt {
        remarks.push("made by others so far, mcai's from now on");
    }
    if action.shapes_pods {
        remarks.push("its pods are replaced");
    }
    if !action.verified {
        remarks.push("not verified by the server");
    }
    if remarks.is_empty() {
        String::new()
    } else {
        format!("  ({})", remarks.join("; "))
    }
}

fn fields(action: &Action, wide: bool) -> Vec<String> {
    match (&action.object, action.verb) {
        (Some(object), Verb::Create) => created(object),
        // The labels that make an adopted object mcai's are no news.
        _ => action
            .changes
            .iter()
            .filter(|change| wide || !is_identity(change))
            .map(change_line)
            .collect(),
    }
}

/// Whether a change only makes an object mcai's: its labels.
pub(super) fn is_identity(change: &Change) -> bool {
    change.path == "metadata.labels"
        || change
            .path
            .starts_with("metadata.labels[\"app.kubernetes.io/")
}

/// The fields of a new model that a reader looks for.
pub(super) fn created(object: &Value) -> Vec<String> {
    let text = |key: &str| {
        object
            .pointer(&format!("/spec/{key}"))
            .map(|value| plain(value, VALUE))
    };
    let replicas = match (text("replicas"), text("minReplicas"), text("maxReplicas")) {
        (Some(fixed), ..) => Some(fixed),
        (None, Some(least), Some(most)) if least == most => Some(least),
        (None, Some(least), Some(most)) => Some(format!("{least}..{most}")),
        (None, Some(least), None) => Some(format!("{least}..")),
        (None, None, _) => None,
    };
    let rows = [
        ("url", text("url")),
        ("resourceProfile", text("resourceProfile")),
        ("replicas", replicas),
    ];
    rows.into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", value?)))
        .collect()
}

fn change_line(change: &Change) -> String {
    let missing = || "(none)".to_owned();
    let shown = |value: &Value| plain(value, VALUE);
    let old = change.old.as_ref().map_or_else(missing, shown);
    let new = change.new.as_ref().map_or_else(missing, shown);
    format!("{}: {old} -> {new}", text::visible(&change.path, &[]))
}

/// Returns a value on one line, cut to so many characters, text without quotes where it reads well.
pub(super) fn plain(value: &Value, most: usize) -> String {
    let text = match value {
        Value::String(text) if !text.is_empty() && !text.contains(char::is_control) => text.clone(),
        other => other.to_string(),
    };
    let text = text::visible(&text, &[]);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Returns what the plan does, all in all.
pub(super) fn summary(made: &Made) -> String {
    let unread = match made.unreadable.len() {
        0 => String::new(),
        unread => format!(", {} not read", text::count(unread, "cluster")),
    };
    format!("{}{unread}", known(&made.plan))
}

fn known(plan: &Plan) -> String {
    let counts = counts(plan.actions().map(|(_, action)| action));
    let kept = plan.count(Verb::Keep);
    if counts.is_empty() && kept == 0 {
        return "Nothing to do".to_owned();
    }
    if counts.is_empty() {
        return format!(
            "No changes: {} as the manifest says",
            text::count(kept, "model object")
        );
    }
    let clusters = plan.changing_clusters();
    let kept = if kept > 0 {
        format!(", {kept} kept")
    } else {
        String::new()
    };
    format!(
        "Plan: {} on {}{kept}",
        counts.join(", "),
        text::count(clusters, "cluster")
    )
}

/// Returns how many of the actions create, update, adopt and delete, such as `2 to create`.
pub(super) fn counts<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Vec<String> {
    let verbs: Vec<Verb> = actions.into_iter().map(|action| action.verb).collect();
    [Verb::Create, Verb::Update, Verb::Adopt, Verb::Delete]
        .into_iter()
        .map(|verb| (verb, verbs.iter().filter(|other| **other == verb).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(verb, count)| format!("{count} to {}", verb.word()))
        .collect()
}
