//! `mcai schema`.

use clap::Args;
use clap_complete::ArgValueCandidates;

use super::{forms, names};
use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::report::contract::{self, Schema, SchemaList};
use crate::report::{Format, list_text, schema_text};

/// Print the JSON Schema of the manifest or of an answer, or list what there is
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai schema                               what there is
  mcai schema Plan                          what `mcai plan -o json` prints
  mcai schema manifest > mcai.schema.json   for an editor: docs/manifest.md")]
pub(super) struct SchemaArgs {
    /// Kind of document, in any case; all are listed if none is named
    #[arg(value_name = "KIND", add = ArgValueCandidates::new(names::kinds))]
    kind: Option<String>,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &SchemaArgs) -> Result<Exit, Failure> {
    let report = &app.report;
    match &args.kind {
        Some(kind) => {
            let found = contract::find(kind).ok_or_else(|| unknown(kind))?;
            report.data(&schema_text(&found, report.format));
        }
        None => list(app, &contract::schemas()),
    }
    Ok(Exit::Reached)
}

fn list(app: &App, schemas: &[Schema]) {
    let report = &app.report;
    report.answer(&SchemaList::from(schemas), || match report.format {
        Format::Name => schemas
            .iter()
            .map(|schema| format!("{}\n", schema.kind))
            .collect(),
        _ => {
            let rows = schemas
                .iter()
                .map(|schema| (schema.kind, &*schema.description));
            list_text(["KIND", "WHAT IT IS"], rows, report.width)
        }
    });
}

fn unknown(kind: &str) -> Problem {
    let schemas = contract::schemas();
    Problem::error(Kind::Usage, "unknown kind of document")
        .detail(format!("there is no schema of `{kind}`"))
        .suggest_or_list(kind, schemas.iter().map(|schema| schema.kind))
}
