//! The document: the shape of `mcai.yaml`, key by key.

use std::collections::BTreeMap;

use crate::cloud::Cloud;
use crate::diagnostic::{Kind, Problem, Span};
use crate::kubeai::Version;
use crate::value::{
    ClusterName, ModelName, Namespace, Origin, ProjectId, ProjectName, Sourced, Usd,
};
use crate::yaml::{Fields, Findings, Node, checked, each, integer, list, string, string_map};

use super::prices::{self, PolicyDoc, PricesDoc, ThroughputDoc};

/// What is missing or broken is `None`, and its finding is made: the rest is checked all the same.
pub struct Document {
    pub project: Option<ProjectName>,
    pub id: Option<ProjectId>,
    pub namespace: Option<Namespace>,
    pub kubeai: Version,
    pub clusters: BTreeMap<ClusterName, ClusterDoc>,
    pub models: BTreeMap<ModelName, ModelDoc>,
    pub prices: PricesDoc,
    pub policy: PolicyDoc,
    pub span: Span,
}

pub struct ClusterDoc {
    /// `None` when it is unknown: the finding is made, the rest of the cluster is read all the same.
    pub cloud: Option<Cloud>,
    pub region: Option<Sourced<String>>,
    pub country: Option<Sourced<String>>,
    pub stage: Option<Sourced<String>>,
    pub context: Option<Sourced<String>>,
    pub directory: Option<Sourced<String>>,
    pub endpoint: Option<Sourced<String>>,
    pub labels: BTreeMap<String, String>,
    pub pools: Vec<PoolDoc>,
    pub kubeai: Option<Version>,
    pub span: Span,
}

pub struct PoolDoc {
    pub name: String,
    pub instance_type: Option<Sourced<String>>,
    pub gpu: Option<Sourced<String>>,
    /// GPUs in one node, where no instance type says it.
    pub count: Option<u32>,
    /// Nodes that exist, where nothing creates them.
    pub nodes: Option<u32>,
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub capacity: String,
    pub profile: Option<String>,
    pub hourly_usd: Option<Usd>,
    pub span: Span,
}

pub struct ModelDoc {
    pub spec: Node,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub placement: PlacementDoc,
    pub overrides: Vec<OverrideDoc>,
    pub throughput: Option<ThroughputDoc>,
    pub span: Span,
}

/// Keys that choose clusters; each that is given narrows.
#[derive(Clone, Debug, Default)]
pub struct PlacementDoc {
    pub clouds: Option<Vec<Cloud>>,
    pub clusters: Option<Vec<Sourced<String>>>,
    pub stages: Option<Vec<Sourced<String>>>,
    pub labels: BTreeMap<String, String>,
    pub capacity: Option<Vec<String>>,
    pub residency: Vec<Sourced<String>>,
    pub span: Option<Span>,
}

pub struct OverrideDoc {
    pub selector: PlacementDoc,
    pub set: Node,
}

/// The format that this mcai reads.
pub(super) const FORMAT: i64 = 1;
pub(super) const DEFAULT_NAMESPACE: &str = "kubeai";

/// Reads the tree; `None` when it is no mapping.
pub fn read(root: &Node, findings: &Findings) -> Option<Document> {
    let mut fields = Fields::of(root, "the manifest", findings)?;
    let version = fields.required("version", integer);
    fields.optional("requires", requires);
    let document = Document {
        project: fields.required("project", checked),
        id: match fields.node("id") {
            Some(node) => checked(node, findings),
            None => missing_id(root, findings),
        },
        namespace: match fields.node("namespace") {
            Some(node) => checked(node, findings),
            None => DEFAULT_NAMESPACE.parse().ok(),
        },
        kubeai: fields.optional("kubeai", kubeai).unwrap_or(Version::V0_22),
        clusters: fields.required("clusters", clusters).unwrap_or_default(),
        models: fields.optional("models", models).unwrap_or_default(),
        prices: fields.optional("prices", prices::read).unwrap_or_default(),
        policy: fields
            .optional("policy", prices::policy)
            .unwrap_or_default(),
        span: root.span.clone(),
    };
    fields.finish();
    if let Some(other) = version.filter(|version| *version != FORMAT) {
        let node = root.get("version").unwrap_or(root);
        findings.error(
            &node.span,
            "unknown manifest version",
            format!("this mcai reads version {FORMAT}, not {other}"),
        );
    }
    Some(document)
}

fn clusters(node: &Node, findings: &Findings) -> Option<BTreeMap<ClusterName, ClusterDoc>> {
    each(node, findings, |_, key, value| {
        cluster(&key.span, value, findings)
    })
}

fn models(node: &Node, findings: &Findings) -> Option<BTreeMap<ModelName, ModelDoc>> {
    each(node, findings, |_, key, value| {
        model(&key.span, value, findings)
    })
}

fn missing_id(root: &Node, findings: &Findings) -> Option<ProjectId> {
    findings.push(
        Problem::error(Kind::Manifest, "missing key")
            .detail("the manifest needs `id`: it marks on the clusters whose objects these are")
            .hint(format!(
                "add `id: {}` (fresh and random)",
                ProjectId::random()
            ))
            .at(&root.span),
    );
    None
}

/// Checks `requires` against this mcai.
fn requires(node: &Node, findings: &Findings) -> Option<()> {
    let text = string(node, findings)?;
    let own = semver::Version::parse(env!("CARGO_PKG_VERSION")).ok()?;
    match semver::VersionReq::parse(&text) {
        Err(error) => {
            let detail = format!("`{text}` is not a version requirement such as `>=0.1`: {error}");
            findings.error(&node.span, "invalid value", detail);
        }
        Ok(wanted) if !wanted.matches(&own) => {
            let detail = format!("the manifest requires {text}; this is {own}");
            findings.error(&node.span, "another mcai is required", detail);
        }
        Ok(_) => {}
    }
    Some(())
}

fn kubeai(node: &Node, findings: &Findings) -> Option<Version> {
    let mut fields = Fields::of(node, "`kubeai`", findings)?;
    let version = fields.required("version", checked);
    fields.finish();
    version
}

pub(super) fn sourced(node: &Node, findings: &Findings) -> Option<Sourced<String>> {
    let value = string(node, findings)?;
    Some(Sourced {
        value,
        origin: Origin::File(node.span.clone()),
    })
}

pub(super) fn sourced_list(node: &Node, findings: &Findings) -> Option<Vec<Sourced<String>>> {
    list(node, findings, sourced)
}

fn cluster(span: &Span, node: &Node, findings: &Findings) -> Option<ClusterDoc> {
    let mut fields = Fields::of(node, "a cluster", findings)?;
    let doc = ClusterDoc {
        cloud: fields.required("cloud", checked),
        region: fields.optional("region", sourced),
        country: fields.optional("country", sourced),
        stage: fields.optional("stage", sourced),
        context: fields.optional("context", sourced),
        directory: fields.optional("directory", sourced),
        endpoint: fields.optional("endpoint", endpoint),
        labels: fields.optional("labels", string_map).unwrap_or_default(),
        pools: fields
            .optional("gpuPools", |node, findings| list(node, findings, pool))
            .unwrap_or_default(),
        kubeai: fields.optional("kubeai", kubeai),
        span: span.clone(),
    };
    // For Terraform's guard against the wrong account: here it only has to be a string.
    fields.optional("account", string);
    fields.finish();
    Some(doc)
}

fn endpoint(node: &Node, findings: &Findings) -> Option<Sourced<String>> {
    let url = sourced(node, findings)?;
    let host = url
        .value
        .strip_prefix("https://")
        .or_else(|| url.value.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        findings.error(
            &node.span,
            "invalid value",
            format!("`{}` is not an http or https URL", url.value),
        );
        return None;
    }
    Some(url)
}

pub(super) const CAPACITIES: [&str; 3] = ["on-demand", "spot", "reserved"];

fn capacity(node: &Node, findings: &Findings) -> Option<String> {
    let text = string(node, findings)?;
    if !CAPACITIES.contains(&text.as_str()) {
        let detail = format!(
            "`{text}` is not a capacity type: {}",
            crate::text::quoted_list(CAPACITIES)
        );
        findings.push(
            Problem::error(Kind::Manifest, "unknown value")
                .detail(detail)
                .at(&node.span)
                .suggest(&text, CAPACITIES),
        );
        return None;
    }
    Some(text)
}

fn whole(node: &Node, findings: &Findings) -> Option<u32> {
    let number = integer(node, findings)?;
    let whole = u32::try_from(number).ok();
    if whole.is_none() {
        findings.error(
            &node.span,
            "value too small",
            format!("{number} is not a number of things"),
        );
    }
    whole
}

fn pool(node: &Node, findings: &Findings) -> Option<PoolDoc> {
    let mut fields = Fields::of(node, "a GPU pool", findings)?;
    let name = fields.required("name", string);
    let (min, max) = (fields.optional("min", whole), fields.optional("max", whole));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        findings.error(
            &node.span,
            "min above max",
            format!("{min} is more than {max}"),
        );
    }
    let pool = PoolDoc {
        name: name.clone().unwrap_or_default(),
        instance_type: fields.optional("instanceType", sourced),
        gpu: fields.optional("gpu", sourced),
        count: fields.optional("count", whole),
        nodes: fields.optional("nodes", whole),
        min,
        max,
        capacity: fields
            .optional("capacity", capacity)
            .unwrap_or_else(|| CAPACITIES[0].to_owned()),
        profile: fields.optional("profile", string),
        hourly_usd: fields.optional("hourlyUsdPerNode", prices::usd),
        span: node.span.clone(),
    };
    fields.finish();
    name.map(|_| pool)
}

fn model(span: &Span, node: &Node, findings: &Findings) -> Option<ModelDoc> {
    let mut fields = Fields::of(node, "a model", findings)?;
    let spec = fields.required("spec", |node, findings| {
        Fields::of(node, "`spec`", findings).map(|_| node.clone())
    });
    let labels = fields.optional("labels", string_map).unwrap_or_default();
    let annotations = fields
        .optional("annotations", string_map)
        .unwrap_or_default();
    let placement = fields.optional("placement", placement).unwrap_or_default();
    let overrides = fields
        .optional("overrides", |node, findings| {
            list(node, findings, override_of)
        })
        .unwrap_or_default();
    let throughput = fields.optional("throughput", prices::throughput);
    fields.finish();
    Some(ModelDoc {
        spec: spec?,
        labels,
        annotations,
        placement,
        overrides,
        throughput,
        span: span.clone(),
    })
}

fn placement(node: &Node, findings: &Findings) -> Option<PlacementDoc> {
    let mut fields = Fields::of(node, "`placement`", findings)?;
    fields.optional("strategy", strategy);
    let mut placement = selector(&mut fields);
    placement.capacity =
        fields.optional("capacity", |node, findings| list(node, findings, capacity));
    placement.residency = fields
        .optional("residency", sourced_list)
        .unwrap_or_default();
    placement.span = Some(node.span.clone());
    fields.finish();
    Some(placement)
}

pub(super) const STRATEGIES: [&str; 1] = ["everywhere"];

fn strategy(node: &Node, findings: &Findings) -> Option<()> {
    let text = string(node, findings)?;
    if !STRATEGIES.contains(&text.as_str()) {
        let known = crate::text::quoted_list(STRATEGIES);
        findings.error(
            &node.span,
            "unknown value",
            format!("`{text}` is not a placement strategy: {known}"),
        );
    }
    Some(())
}

/// Reads the keys that choose clusters, in a placement and in an override.
fn selector(fields: &mut Fields) -> PlacementDoc {
    PlacementDoc {
        clouds: fields.optional("clouds", |node, findings| list(node, findings, checked)),
        clusters: fields.optional("clusters", sourced_list),
        stages: fields.optional("stages", sourced_list),
        labels: fields.optional("labels", string_map).unwrap_or_default(),
        ..PlacementDoc::default()
    }
}

fn override_of(node: &Node, findings: &Findings) -> Option<OverrideDoc> {
    let mut fields = Fields::of(node, "an override", findings)?;
    let selector = selector(&mut fields);
    let set = fields.required("set", |node, findings| {
        Fields::of(node, "`set`", findings).map(|_| node.clone())
    });
    fields.finish();
    let chooses = selector.clouds.is_some()
        || selector.clusters.is_some()
        || selector.stages.is_some()
        || !selector.labels.is_empty();
    if !chooses {
        findings.error(
            &node.span,
            "missing key",
            "an override needs `clusters`, `clouds`, `stages` or `labels`: where it applies",
        );
    }
    Some(OverrideDoc {
        selector,
        set: set?,
    })
}
