//! `mcai status`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::flags::SelectionArgs;
use crate::app::App;
use crate::diagnostic::Problem;
use crate::failure::{Exit, Failure};
use crate::inventory::{self, Looker, Paths};
use crate::kubeai::verdict::{State, Verdict};
use crate::place;
use crate::plan::{Owner, owner};
use crate::project::{Cluster, Project};
use crate::report::{Format, StatusAnswer, StatusRow, answer, status_table};
use crate::target::{Connector, Target};
use crate::text::parse_duration;
use crate::value::ModelName;

/// Show how every model stands on every cluster
#[derive(Args)]
pub(super) struct StatusArgs {
    /// Models; all if none is named
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Time for reading one cluster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    cluster_timeout: Duration,
    /// Form of the answer
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &StatusArgs) -> Result<Exit, Failure> {
    let project = app.project()?;
    let selection = args.selection.selection(&args.models, false);
    let clusters = place::selected_clusters(&project, &selection)?;
    let (rows, problems) = app.block_on(read(app, &project, &clusters, args))?;
    let unknown: Vec<&String> = args
        .models
        .iter()
        .filter(|name| {
            !project.models.contains_key(name.as_str())
                && !rows.iter().any(|row| row.model == **name)
        })
        .collect();
    if !unknown.is_empty() && problems.is_empty() {
        return Err(place::place(&project, &selection)
            .err()
            .unwrap_or_default()
            .into());
    }
    let report = &app.report;
    match report.format {
        Format::Table | Format::Wide => {
            report.data(&status_table(
                &rows,
                report.format == Format::Wide,
                report.width,
                app.host.now(),
                &report.out,
            ));
            report.problems(&problems);
        }
        Format::Name => {
            report.data(
                &rows
                    .iter()
                    .map(|row| format!("{}/{}\n", row.cluster, row.model))
                    .collect::<String>(),
            );
            report.problems(&problems);
        }
        _ => report.document(&answer(
            "Status",
            &StatusAnswer {
                models: &rows,
                problems: &problems,
            },
        )),
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
) -> (Vec<StatusRow>, Vec<Problem>) {
    let connector = app.connector(args.cluster_timeout);
    let answers = join_all(
        clusters
            .iter()
            .map(|cluster| one(app, project, cluster, &connector, &args.models)),
    )
    .await;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (cluster, answer) in clusters.iter().zip(answers) {
        match answer {
            Ok(found) => rows.extend(found),
            Err(problem) => problems.push(problem.on(cluster.name.as_str())),
        }
    }
    rows.sort_by(|a, b| (&a.model, &a.cluster).cmp(&(&b.model, &b.cluster)));
    (rows, problems)
}

async fn one(
    app: &App,
    project: &Project,
    cluster: &Cluster,
    connector: &Connector,
    names: &[String],
) -> Result<Vec<StatusRow>, Problem> {
    let wanted =
        |name: &ModelName| names.is_empty() || names.iter().any(|chosen| chosen == name.as_str());
    let placed = project
        .models
        .values()
        .filter(|model| model.excluded_from(cluster).is_none());
    let mut models: BTreeSet<ModelName> = placed.map(|model| model.name.clone()).collect();
    match connector.open(cluster).await? {
        Target::Directory {
            directory,
            live: None,
        } => {
            let files = directory.models(&project.namespace)?;
            models.extend(files.keys().filter_map(|name| name.parse().ok()));
            let verdict = |name: &ModelName| match files.contains_key(name.as_str()) {
                true => Verdict::new(State::Written, "a file; no cluster is observed"),
                false => Verdict::new(State::Absent, "no file"),
            };
            Ok(models
                .iter()
                .filter(|name| wanted(name))
                .map(|name| {
                    row(
                        project,
                        cluster,
                        name,
                        files.get(name.as_str()),
                        verdict(name),
                    )
                })
                .collect())
        }
        Target::Kube(session)
        | Target::Directory {
            live: Some(session),
            ..
        } => {
            let paths = Paths::new(&project.namespace, &project.identity.id);
            let session = session.until(Instant::now() + connector.cluster_timeout);
            let looker = Looker {
                session,
                paths: &paths,
                cluster,
            };
            let look = looker.look(app.host.now()).await?;
            models.extend(look.models.keys().filter_map(|name| name.parse().ok()));
            let chosen: Vec<&ModelName> = models.iter().filter(|name| wanted(name)).collect();
            let verdicts =
                join_all(chosen.iter().map(|name| looker.verdict(&look, name, None))).await;
            Ok(chosen
                .iter()
                .zip(verdicts)
                .map(|(name, verdict)| {
                    row(
                        project,
                        cluster,
                        name,
                        look.models.get(name.as_str()),
                        verdict,
                    )
                })
                .collect())
        }
    }
}

fn row(
    project: &Project,
    cluster: &Cluster,
    model: &ModelName,
    object: Option<&Value>,
    verdict: Verdict,
) -> StatusRow {
    let target = match (&cluster.target.context, &cluster.target.directory) {
        (Some(context), _) => context.value.clone(),
        (None, Some(path)) => inventory::shown(&project.root, &path.value),
        (None, None) => String::new(),
    };
    StatusRow {
        model: model.to_string(),
        cluster: cluster.name.clone(),
        cloud: cluster.cloud.to_string(),
        region: cluster.region.clone(),
        target,
        owned: object.is_some_and(|object| owner(object, &project.identity) == Owner::Own),
        verdict,
        created: object.and_then(|object| {
            object
                .pointer("/metadata/creationTimestamp")?
                .as_str()?
                .parse()
                .ok()
        }),
    }
}
