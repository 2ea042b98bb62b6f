//! A plan as a comment on a pull request: what happens where in one table, what is in its way, then each changing model
//! as a diff below its cluster.

use super::cost_change::{remarks as cost_remarks, sums};
use super::markdown::{ROOM, code, fence, problems, take, tally};
use super::plan::{VALUE, counts, created, is_identity, plain, remarks, summary};
use crate::plan::{Action, Change, ClusterPlan, Made, Plan, Verb};
use crate::text;

/// More changes of one model than this are folded.
const UNFOLDED: usize = 10;

/// A folded value is shown to this length, in characters.
const FOLDED_VALUE: usize = 1000;

/// The folded changes of one model have at most so many bytes, so that it leaves room for others.
const FOLDED: usize = 8_000;

/// So many models whose cost is not known are named.
const COST_REMARKS: usize = 20;

/// Kept free for the last line, which says what is missing.
const LAST_LINE: usize = 200;

/// Returns the plan and what is in its way; what a comment has no room for is counted.
pub fn plan_markdown(made: &Made) -> String {
    let plan = &made.plan;
    let mut title = vec![plan.project.to_string(), summary(made)];
    title.extend(tally(made.obstacles()));
    let mut text = format!("### {}\n", title.join(" · "));
    text += &overview(plan);
    text += &cost(plan);
    text += &problems(made.obstacles(), ROOM / 4);
    let left = push_clusters(&mut text, plan);
    push_notes(&mut text, plan);
    text + &left
}

/// Returns the table of clusters. It alone tells of clusters where nothing changes.
fn overview(plan: &Plan) -> String {
    if plan.clusters.is_empty() {
        return String::new();
    }
    let row = |cluster: &ClusterPlan| {
        let mut words = counts(&cluster.actions);
        let kept = cluster.actions.len() - changing(cluster).count();
        if kept > 0 {
            words.push(format!("{kept} kept"));
        }
        let (name, target) = (code(cluster.cluster.as_str()), code(&cluster.target));
        format!("| {name} | {target} | {} |\n", words.join(", "))
    };
    let (rows, left) = take(plan.clusters.iter().map(row), ROOM / 4);
    let left = match left {
        0 => String::new(),
        left => format!("\n{} not shown\n", text::count(left, "more cluster")),
    };
    format!("\n| Cluster | Where | Models |\n|---|---|---|\n{rows}{left}")
}

/// Returns what the plan does to the cost of the fleet.
fn cost(plan: &Plan) -> String {
    let Some(change) = &plan.cost else {
        return String::new();
    };
    let sums = sums(change).into_iter().map(|line| format!("! {line}"));
    let remarks = cost_remarks(change, COST_REMARKS).into_iter();
    let remarks = remarks.map(|line| format!("# {line}"));
    format!(
        "\n**Cost, GPU instances only**\n\n{}",
        fence(sums.chain(remarks))
    )
}

/// Adds a section for each cluster that changes; returns the line that says what had no room.
fn push_clusters(text: &mut String, plan: &Plan) -> String {
    let (mut models, mut clusters) = (0, 0);
    for cluster in plan.clusters.iter().filter(|one| one.changes_something()) {
        let title = format!("\n#### {}\n", code(cluster.cluster.as_str()));
        let room = ROOM.saturating_sub(text.len() + title.len() + LAST_LINE);
        let (shown, left) = take(changing(cluster).map(model), room);
        if !shown.is_empty() {
            text.push_str(&title);
            text.push_str(&shown);
        }
        models += left;
        clusters += usize::from(left > 0);
    }
    if models == 0 {
        return String::new();
    }
    let (models, clusters) = (
        text::count(models, "changing model"),
        text::count(clusters, "cluster"),
    );
    format!(
        "\n**{models} on {clusters} not shown: a comment has no room for more. `mcai plan` shows all.**\n"
    )
}

fn changing(cluster: &ClusterPlan) -> impl Iterator<Item = &Action> {
    cluster
        .actions
        .iter()
        .filter(|action| action.changes_something())
}

/// Returns a model's diff: in full where it is short, else folded.
fn model(action: &Action) -> String {
    let sign = match action.verb {
        Verb::Create => '+',
        Verb::Delete => '-',
        Verb::Update | Verb::Adopt | Verb::Keep => '!',
    };
    let head = format!(
        "{sign} Model/{}  {}{}",
        action.model,
        action.verb.word(),
        remarks(action)
    );
    if let (Some(object), Verb::Create) = (&action.object, action.verb) {
        let fields = created(object)
            .into_iter()
            .map(|line| format!("+     {line}"));
        return format!("\n{}", fence([head].into_iter().chain(fields)));
    }
    let changes: Vec<&Change> = action
        .changes
        .iter()
        .filter(|change| !is_identity(change))
        .collect();
    if changes.len() > UNFOLDED || changes.iter().any(|change| is_long(change)) {
        return format!("\n{}{}", fence([head]), folded(&changes));
    }
    let lines = changes.iter().flat_map(|change| lines(change, VALUE));
    format!("\n{}", fence([head].into_iter().chain(lines)))
}

fn is_long(change: &Change) -> bool {
    let values = [&change.old, &change.new].into_iter().flatten();
    values
        .map(|value| plain(value, FOLDED_VALUE))
        .any(|text| text.chars().count() > VALUE)
}

/// Returns what the field was and what it will be.
fn lines(change: &Change, most: usize) -> Vec<String> {
    [('-', &change.old), ('+', &change.new)]
        .into_iter()
        .filter_map(|(sign, value)| {
            let value = plain(value.as_ref()?, most);
            Some(format!("{sign}     {}: {value}", change.path))
        })
        .collect()
}

fn folded(changes: &[&Change]) -> String {
    let (mut shown, mut size, mut left) = (Vec::new(), 0, 0);
    for change in changes {
        let lines = lines(change, FOLDED_VALUE);
        let more: usize = lines.iter().map(String::len).sum();
        if size + more <= FOLDED {
            size += more;
            shown.extend(lines);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        shown.push(format!("# {} not shown", text::count(left, "more field")));
    }
    details(&text::count(changes.len(), "changed field"), shown)
}

/// The empty lines make a forge read Markdown between the tags.
fn details(title: &str, lines: Vec<String>) -> String {
    format!(
        "\n<details><summary>{title}</summary>\n\n{}\n</details>\n",
        fence(lines)
    )
}

/// Adds why models are not on clusters, if there is room.
fn push_notes(text: &mut String, plan: &Plan) {
    if plan.notes.is_empty() {
        return;
    }
    let line = |note: &crate::place::Note| {
        format!(
            "# {} is not on {}: {}",
            note.model, note.cluster, note.reason
        )
    };
    let notes = details("Not placed", plan.notes.iter().map(line).collect());
    if text.len() + notes.len() + LAST_LINE <= ROOM {
        text.push_str(&notes);
    }
}
