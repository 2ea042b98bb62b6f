//! What commands that change nothing show: how models stand, what each cluster should have, what would be sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Document;
use super::model::Verdict;
use super::problem::{Problem, problems};
use crate::diagnostic;
use crate::place::Desired;
use crate::report::StatusRow;

/// How every model stands on every cluster: the answer of `mcai status`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status<'a> {
    /// By name of the model, then of the cluster.
    pub models: Vec<StatusModel<'a>>,
    /// Clusters that could not be read, and why.
    pub problems: Vec<Problem<'a>>,
}

impl Document for Status<'_> {
    const KIND: &'static str = "Status";
}

impl<'a> Status<'a> {
    pub fn new(rows: &'a [StatusRow], unread: &'a [diagnostic::Problem]) -> Self {
        Status {
            models: rows.iter().map(StatusModel::from).collect(),
            problems: problems(unread),
        }
    }
}

/// One model on one cluster.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusModel<'a> {
    /// The name of the Model.
    pub model: &'a str,
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// As the manifest names it, such as `aws`.
    pub cloud: &'a str,
    /// The cloud's region; own machines have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
    /// The context or the directory where it was looked.
    pub target: &'a str,
    /// Whether the object is this project's.
    pub owned: bool,
    #[serde(flatten)]
    pub verdict: Verdict<'a>,
    /// When the object was made, where a cluster has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl<'a> From<&'a StatusRow> for StatusModel<'a> {
    fn from(row: &'a StatusRow) -> Self {
        StatusModel {
            model: &row.model,
            cluster: row.cluster.as_str(),
            cloud: row.cloud.id,
            region: row.region.as_deref(),
            target: &row.target,
            owned: row.owned,
            verdict: (&row.verdict).into(),
            created: row.created,
        }
    }
}

/// Each cluster's effective models, after all overrides: the answer of `mcai config view`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Config<'a> {
    /// By name of the cluster, then of the model.
    pub clusters: BTreeMap<&'a str, BTreeMap<&'a str, ModelConfig<'a>>>,
}

impl Document for Config<'_> {
    const KIND: &'static str = "Config";
}

/// One model as a cluster should have it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelConfig<'a> {
    /// The whole Model (`kubeai.org/v1`) as it is sent.
    #[schemars(with = "Map<String, Value>")]
    pub object: &'a Value,
    /// Where each field of `spec` was set, as `FILE:LINE:COLUMN` or `default`; only with `--origin`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, String>,
}

/// What would be sent, without any network: the answer of `mcai deploy --dry-run`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DryRun<'a> {
    /// By cluster, then by model.
    pub objects: Vec<SentObject<'a>>,
}

impl Document for DryRun<'_> {
    const KIND: &'static str = "DryRun";
}

impl<'a> From<&'a Desired<'a>> for DryRun<'a> {
    fn from(desired: &'a Desired<'a>) -> Self {
        let objects = desired.clusters.iter().flat_map(|wanted| {
            wanted.objects.iter().map(|object| SentObject {
                cluster: wanted.cluster.name.as_str(),
                object: &object.object,
            })
        });
        DryRun {
            objects: objects.collect(),
        }
    }
}

/// One object for one cluster.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SentObject<'a> {
    /// The manifest's name of the cluster.
    pub cluster: &'a str,
    /// The whole Model (`kubeai.org/v1`).
    #[schemars(with = "Map<String, Value>")]
    pub object: &'a Value,
}
