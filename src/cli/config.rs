//! `mcai config view`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde_json::Value;

use super::flags::SelectionArgs;
use super::forms;
use super::names;
use super::shared::With;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::inventory::shown;
use crate::place::{self, Desired};
use crate::report::contract::{Config, ModelConfig};
use crate::report::{self, Format};
use crate::text::visible;
use crate::value::{ClusterName, ModelName};

/// Show the effective configuration
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    View(With<ViewArgs>),
}

/// Print each cluster's effective models, after all overrides
#[derive(Args)]
#[command(help_template = super::help::LAYOUT, before_help = "\
Examples:
  mcai config view llama-3-8b
  mcai config view --origin                 and where each value came from")]
pub(super) struct ViewArgs {
    /// Models; all if none is named
    #[arg(value_name = "MODEL", add = ArgValueCandidates::new(names::models))]
    models: Vec<String>,
    /// Say where each value came from
    #[arg(long)]
    origin: bool,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn view(app: &App, args: &ViewArgs) -> Result<Exit, Failure> {
    let project = app.project()?;
    let desired = place::place(
        &project,
        &args.selection.selection(app, &args.models, false),
    )?;
    let origins = |cluster: &ClusterName, model: &ModelName| {
        if args.origin {
            origins(&desired, cluster, model)
        } else {
            BTreeMap::new()
        }
    };
    let mut clusters = BTreeMap::new();
    for wanted in &desired.clusters {
        let name = &wanted.cluster.name;
        let model = |object: &'_ place::DesiredObject| origins(name, &object.model);
        let models = wanted.objects.iter().map(|object| {
            (
                object.model.as_str(),
                ModelConfig {
                    object: &object.object,
                    origins: model(object),
                },
            )
        });
        clusters.insert(name.as_str(), models.collect());
    }
    let config = Config { clusters };
    app.report.answer(&config, || match app.report.format {
        Format::Name => report::names(pairs(&config)),
        _ => text(&desired, args.origin),
    });
    Ok(Exit::Reached)
}

fn pairs<'a>(config: &'a Config) -> impl Iterator<Item = (&'a str, &'a str)> {
    let clusters = config.clusters.iter();
    clusters.flat_map(|(cluster, models)| models.keys().map(move |model| (*cluster, *model)))
}

/// Returns where each field of `spec` stands in the manifest; fields that mcai adds are defaults.
fn origins(
    desired: &Desired,
    cluster: &ClusterName,
    model: &ModelName,
) -> BTreeMap<String, String> {
    let mut origins = BTreeMap::new();
    let (Some(cluster), Some(model)) = (
        desired.project.clusters.get(cluster),
        desired.project.models.get(model),
    ) else {
        return origins;
    };
    model.effective_spec(cluster).leaves("", &mut |path, node| {
        origins.insert(path.to_owned(), node.span.to_string());
    });
    if !origins.contains_key("minReplicas") {
        origins.insert("minReplicas".to_owned(), "default".to_owned());
    }
    origins
}

/// One line per field, so that a value and its origin can be found with grep.
fn text(desired: &Desired, origin: bool) -> String {
    let mut lines = Vec::new();
    for wanted in &desired.clusters {
        let cluster = wanted.cluster;
        let context = cluster
            .target
            .context
            .as_ref()
            .map(|context| format!("context {} ({})", context.value, context.origin));
        let directory = cluster.target.directory.as_ref().map(|path| {
            format!(
                "directory {} ({})",
                shown(&desired.project.root, &path.value),
                path.origin
            )
        });
        let targets: Vec<String> = [directory, context].into_iter().flatten().collect();
        let targets = if origin {
            format!("  # {}", targets.join(", "))
        } else {
            String::new()
        };
        lines.push(format!("{}:{targets}", cluster.name));
        for object in &wanted.objects {
            lines.push(format!("  {}:", object.model));
            let origins = origins(desired, &cluster.name, &object.model);
            let spec = object.object.get("spec").cloned().unwrap_or_default();
            for (path, value) in flat(&spec) {
                let from = if origin {
                    format!(
                        "  # {}",
                        origins.get(&path).map_or("default", String::as_str)
                    )
                } else {
                    String::new()
                };
                lines.push(format!("    {path}: {value}{from}"));
            }
        }
    }
    lines
        .into_iter()
        .map(|line| visible(&line, &[]) + "\n")
        .collect()
}

/// Returns the leaves of a value with their paths.
fn flat(value: &Value) -> Vec<(String, String)> {
    fn walk(path: String, value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (key, value) in fields {
                    let joined = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    walk(joined, value, found);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (i, value) in items.iter().enumerate() {
                    walk(format!("{path}[{i}]"), value, found);
                }
            }
            other => found.push((path, other.to_string())),
        }
    }
    let mut found = Vec::new();
    walk(String::new(), value, &mut found);
    found
}
