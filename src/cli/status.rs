//! `mcai status`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCandidates;
use futures::future::join_all;

use super::flags::SelectionArgs;
use super::{forms, names};
use crate::app::App;
use crate::diagnostic::Problem;
use crate::failure::{Exit, Failure};
use crate::inventory::{self, Standing};
use crate::place;
use crate::plan::{Owner, owner};
use crate::project::{Cluster, Project};
use crate::report::{self, Format, StatusRow, contract, status_markdown, status_table};
use crate::rollout::Interrupt;
use crate::text::{self, parse_duration};

/// Show how every model stands on every cluster
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai status
  mcai status llama-3-8b -o wide
  mcai status -o json | jq -r '.models[] | select(.ready < .want) | .cluster'")]
pub(super) struct StatusArgs {
    /// Models; all if none is named
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    models: Vec<String>,
    /// Time for reading one cluster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    cluster_timeout: Duration,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::with_markdown(), default_value = "table", value_name = "FORM")]
    pub output: Format,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn run(app: &App, args: &StatusArgs) -> Result<Exit, Failure> {
    let project = app.project()?;
    let selection = args.selection.selection(app, &args.models, false);
    let clusters = place::selected_clusters(&project, &selection)?;
    let (rows, problems) =
        app.block_on(async |interrupt| read(app, &project, &clusters, args, &interrupt).await)?;
    // A name that the manifest lacks may be that of a model which a cluster has.
    let is_found = |name: &&String| rows.iter().any(|row| row.model == **name);
    let not_found: Vec<String> = args
        .models
        .iter()
        .filter(|name| !is_found(name))
        .cloned()
        .collect();
    if problems.is_empty() {
        place::selected_models(&project, &not_found)?;
    }
    let report = &app.report;
    report.answer(&contract::Status::new(&rows, &problems), || {
        let (format, now) = (report.format, app.host.now());
        match format {
            Format::Markdown => status_markdown(&rows, &problems, now),
            Format::Name => report::names(rows.iter().map(|row| (&row.cluster, &row.model))),
            _ => status_table(
                &rows,
                format == Format::Wide,
                report.width,
                now,
                &report.out,
            ),
        }
    });
    if report.format.is_for_people() {
        report.problems(&problems);
    }
    Ok(if problems.is_empty() {
        Exit::Reached
    } else {
        Exit::Unread
    })
}

async fn read(
    app: &App,
    project: &Project,
    clusters: &[&Cluster],
    args: &StatusArgs,
    interrupt: &Interrupt,
) -> Result<(Vec<StatusRow>, Vec<Problem>), Failure> {
    let connector = app.connector(project, args.cluster_timeout);
    let now = app.host.now();
    let reads = clusters
        .iter()
        .map(|cluster| inventory::standings(project, cluster, &connector, &args.models, now));
    let words = format!("reads {}", text::count(clusters.len(), "cluster"));
    let answers = app.look(interrupt, &words, join_all(reads)).await?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (cluster, answer) in clusters.iter().zip(answers) {
        match answer {
            Ok(found) => rows.extend(
                found
                    .into_iter()
                    .map(|standing| row(project, cluster, standing)),
            ),
            Err(problem) => problems.push(problem.on(cluster.name.as_str())),
        }
    }
    rows.sort_by(|a, b| (&a.model, &a.cluster).cmp(&(&b.model, &b.cluster)));
    Ok((rows, problems))
}

fn row(project: &Project, cluster: &Cluster, standing: Standing) -> StatusRow {
    let target = match (&cluster.target.context, &cluster.target.directory) {
        (Some(context), _) => context.value.clone(),
        (None, Some(path)) => inventory::shown(&project.root, &path.value),
        (None, None) => String::new(),
    };
    let object = standing.object;
    let created = object.as_ref().and_then(|object| {
        object
            .pointer("/metadata/creationTimestamp")?
            .as_str()?
            .parse()
            .ok()
    });
    StatusRow {
        model: standing.model.to_string(),
        cluster: cluster.name.clone(),
        cloud: cluster.cloud,
        region: cluster.region.clone(),
        target,
        owned: object.is_some_and(|object| owner(&object, &project.identity) == Owner::Own),
        verdict: standing.verdict,
        created,
    }
}
