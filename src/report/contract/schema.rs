//! The kinds of documents, each with its JSON Schema (draft 2020-12).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::generate::schema_of;
use super::{
    CheckResult, Config, CostEstimate, CostResult, DeployResult, Document, DryRun, Event,
    ExportResult, Failure, Plan, PriceCheck, PriceHistory, RefreshResult, Status,
};
use crate::manifest;

/// What a kind of document looks like.
pub struct Schema {
    /// The document's `kind`, or `manifest`, which has none.
    pub kind: &'static str,
    /// One sentence.
    pub description: String,
    pub schema: Value,
}

/// Returns the schema of every kind, the manifest's first.
pub fn schemas() -> Vec<Schema> {
    vec![
        Schema {
            kind: "manifest",
            description: manifest::SCHEMA_DESCRIPTION.to_owned(),
            schema: manifest::schema(),
        },
        schema_of::<CheckResult>(),
        schema_of::<Config>(),
        schema_of::<CostEstimate>(),
        schema_of::<CostResult>(),
        schema_of::<DeployResult>(),
        schema_of::<DryRun>(),
        schema_of::<Event>(),
        schema_of::<ExportResult>(),
        schema_of::<Failure>(),
        schema_of::<Plan>(),
        schema_of::<PriceCheck>(),
        schema_of::<PriceHistory>(),
        schema_of::<RefreshResult>(),
        schema_of::<SchemaList>(),
        schema_of::<Status>(),
    ]
}

/// Returns the schema of a kind, in any case.
pub fn find(kind: &str) -> Option<Schema> {
    schemas()
        .into_iter()
        .find(|schema| schema.kind.eq_ignore_ascii_case(kind))
}

/// The kinds that have a schema: the answer of `mcai schema`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SchemaList {
    /// The manifest's, then those of answers by kind.
    pub schemas: Vec<SchemaEntry>,
}

impl Document for SchemaList {
    const KIND: &'static str = "SchemaList";
}

impl From<&[Schema]> for SchemaList {
    fn from(schemas: &[Schema]) -> Self {
        let entry = |schema: &Schema| SchemaEntry {
            kind: schema.kind,
            description: schema.description.clone(),
        };
        SchemaList {
            schemas: schemas.iter().map(entry).collect(),
        }
    }
}

/// One kind.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SchemaEntry {
    /// As `mcai schema KIND` takes it.
    pub kind: &'static str,
    /// What it is, in one sentence.
    pub description: String,
}
