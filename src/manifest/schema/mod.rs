//! The JSON Schema of the manifest, for editors. The reader in `document` decides, since it sees more: what refers to
//! something else, what is near a known word. Tests hold the two together, key by key.

mod form;
mod prices;
mod spec;

use serde_json::{Value, json};

use form::{Key, list, mapping, one_of, optional, pattern, required, text, text_map, whole};
use spec::Nulls;

use super::document::{CAPACITIES, DEFAULT_NAMESPACE, FORMAT, STRATEGIES};
use crate::cloud::{self, country};
use crate::kubeai::fields::SPEC;
use crate::value::{LONGEST_LABEL, LONGEST_MODEL_NAME};

pub const SCHEMA_DESCRIPTION: &str =
    "The manifest, `mcai.yaml`: clusters, models, and where the models run.";

/// Returns the schema: draft 2020-12.
pub fn schema() -> Value {
    let mut root = mapping([
        required(
            "version",
            json!({ "const": FORMAT }),
            "The format of the manifest.",
        ),
        optional(
            "requires",
            text(),
            "The mcai that this manifest needs, such as `>=0.1`.",
        ),
        required(
            "project",
            label(),
            "A name; the label `app.kubernetes.io/part-of` on every object.",
        ),
        required(
            "id",
            pattern("^[a-z0-9]{12}$"),
            "Whose objects these are on the clusters: 12 random characters, never changed. Only objects with it are ever deleted.",
        ),
        optional(
            "namespace",
            label(),
            "Where KubeAI runs: it watches no other namespace.",
        )
        .default(DEFAULT_NAMESPACE),
        optional(
            "kubeai",
            kubeai(),
            "Which KubeAI's fields are known offline; 0.22 if not given.",
        ),
        required(
            "clusters",
            named(label(), "cluster"),
            "By name, which becomes part of file names.",
        ),
        optional(
            "models",
            named(model_name(), "model"),
            "By the name of the Model on the clusters.",
        ),
        optional("policy", policy(), "Rules for every model."),
        optional(
            "prices",
            prices::prices(),
            "What the user pays otherwise than the price lists say.",
        ),
    ]);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["$id"] = json!(format!("urn:mcai:manifest:v{FORMAT}"));
    root["title"] = json!("mcai manifest");
    root["description"] = json!(SCHEMA_DESCRIPTION);
    root["$defs"] = json!({
        "cluster": cluster(),
        "pool": pool(),
        "model": model(),
        "placement": placement(),
        "override": override_of(),
        "residency": residency(),
    });
    root
}

fn definition(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Returns a mapping from names to things.
fn named(name: Value, thing: &str) -> Value {
    json!({ "type": "object", "propertyNames": name, "additionalProperties": definition(thing) })
}

/// RFC 1123's label.
const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

fn label() -> Value {
    json!({ "type": "string", "pattern": format!("^{LABEL}$"), "maxLength": LONGEST_LABEL })
}

fn model_name() -> Value {
    json!({ "type": "string", "pattern": format!("^{LABEL}(\\.{LABEL})*$"), "maxLength": LONGEST_MODEL_NAME })
}

fn kubeai() -> Value {
    let version = pattern(r"^v?0\.(22|23|24)(\.|$)");
    mapping([required("version", version, "0.22, 0.23 or 0.24.")])
}

fn policy() -> Value {
    mapping([
        optional(
            "residency",
            definition("residency"),
            "Where data may be, beside each model's own rule.",
        ),
        optional("budget", prices::budget(), "What the fleet may cost."),
        optional(
            "prices",
            prices::age(),
            "How old the prices behind a decision may be.",
        ),
    ])
}

fn residency() -> Value {
    let countries = country::all()
        .iter()
        .map(|country| country.country.as_str());
    // `us` is a country and a group.
    let countries = countries.filter(|code| !country::groups().contains(code));
    json!({
        "type": "array",
        "items": one_of(country::groups().into_iter().chain(countries)),
        "description": "Countries (ISO 3166, lower case) and groups of them; one must cover the cluster's country.",
    })
}

fn clouds() -> Value {
    one_of(cloud::providers().map(|provider| provider.id))
}

fn cluster() -> Value {
    let countries = country::all()
        .iter()
        .map(|country| country.country.as_str());
    let mut cluster = mapping([
        required("cloud", clouds(), "Who runs the machines."),
        optional(
            "region",
            text(),
            "A region of the cloud; it gives the country.",
        ),
        optional(
            "country",
            one_of(countries),
            "Where own machines stand: ISO 3166, lower case.",
        ),
        optional(
            "stage",
            text(),
            "A word such as `prod`, to select and to place by.",
        ),
        optional(
            "context",
            text(),
            "The context of the kubeconfig where mcai reads and writes. `--context`, `MCAI_CONTEXT_<CLUSTER>` and the user's settings take its place.",
        ),
        optional(
            "directory",
            text(),
            "A folder below the manifest's: files are written there in place of the cluster's API.",
        ),
        optional(
            "account",
            text(),
            "The AWS account, GCP project or Azure subscription.",
        ),
        optional(
            "endpoint",
            pattern(r"^https?://\S+$"),
            "The URL at which the cluster's models are called.",
        ),
        optional("labels", text_map(), "To select and to place by."),
        optional(
            "gpuPools",
            list(definition("pool")),
            "What GPU nodes there are or may be.",
        ),
        optional(
            "kubeai",
            kubeai(),
            "Which KubeAI this cluster has, if another than the rest.",
        ),
    ]);
    cluster["allOf"] = cloud::providers().map(place_in).collect();
    cluster
}

/// Returns what a cloud asks of a cluster's place.
fn place_in(cloud: &cloud::Provider) -> Value {
    let place = if cloud.has_regions {
        let regions = cloud.regions().iter().map(|region| region.region.as_str());
        json!({ "required": ["region"], "properties": { "region": one_of(regions) } })
    } else {
        json!({ "required": ["country"], "properties": { "country": text() } })
    };
    json!({ "if": { "required": ["cloud"], "properties": { "cloud": { "const": cloud.id } } }, "then": place })
}

fn pool() -> Value {
    mapping([
        required("name", text(), "The name of the pool."),
        optional(
            "instanceType",
            text(),
            "The cloud's name of the machine, such as `g6.2xlarge`; known ones give GPU kind and count.",
        ),
        optional(
            "gpu",
            text(),
            "The GPU kind, such as `H100-SXM-80GB`, where no instance type says it.",
        ),
        optional(
            "count",
            whole(),
            "GPUs in one node, where no instance type says it.",
        ),
        optional(
            "nodes",
            whole(),
            "Nodes that exist, where nothing creates them.",
        ),
        optional("min", whole(), "Fewest nodes."),
        optional("max", whole(), "Most nodes."),
        optional(
            "capacity",
            one_of(CAPACITIES),
            "How the machines are bought.",
        )
        .default(CAPACITIES[0]),
        optional(
            "profile",
            text(),
            "KubeAI's resource profile that the nodes serve; known GPUs have one.",
        ),
        optional(
            "hourlyUsdPerNode",
            prices::usd(),
            "The price of one node in USD per hour.",
        ),
    ])
}

fn model() -> Value {
    let mut spec = spec::fields(SPEC, Nulls::AreMissing);
    // Overrides may bring what `spec` lacks.
    let needed = spec
        .as_object_mut()
        .and_then(|spec| spec.remove("required"));
    let mut model = mapping([
        required(
            "spec",
            spec,
            "KubeAI's own: the `spec` of a Model (kubeai.org/v1), as it is.",
        ),
        optional("labels", text_map(), "Added to the Model."),
        optional("annotations", text_map(), "Added to the Model."),
        optional(
            "placement",
            definition("placement"),
            "Where the model runs; on every cluster if not given.",
        ),
        optional(
            "overrides",
            list(definition("override")),
            "Changes of `spec` for some clusters; later entries win.",
        ),
        optional(
            "throughput",
            prices::throughput(),
            "What one replica was measured to do: gives the price of a million tokens.",
        ),
    ]);
    model["if"] = json!({ "required": ["overrides"], "properties": { "overrides": { "type": "array", "minItems": 1 } } });
    model["else"] = json!({ "properties": { "spec": { "required": needed } } });
    model
}

/// Returns the keys that choose clusters.
fn selector() -> [Key; 4] {
    [
        optional("clouds", list(clouds()), "Only clusters of these clouds."),
        optional("clusters", list(text()), "Only these clusters."),
        optional("stages", list(text()), "Only clusters of these stages."),
        optional("labels", text_map(), "Only clusters with all these labels."),
    ]
}

fn placement() -> Value {
    let others = [
        optional(
            "strategy",
            one_of(STRATEGIES),
            "On which of the chosen clusters the model runs.",
        )
        .default(STRATEGIES[0]),
        optional(
            "capacity",
            list(one_of(CAPACITIES)),
            "Only clusters with a pool of one of these.",
        ),
        optional(
            "residency",
            definition("residency"),
            "Where data may be: a hard rule.",
        ),
    ];
    mapping(selector().into_iter().chain(others))
}

fn override_of() -> Value {
    let set = spec::fields(SPEC, Nulls::Remove);
    let set = required("set", set, "A JSON merge patch of `spec`: null removes.");
    let mut change = mapping(selector().into_iter().chain([set]));
    let given =
        |key: &str| json!({ "required": [key], "properties": { key: { "type": "array" } } });
    let labels = json!({ "type": "object", "minProperties": 1 });
    change["anyOf"] = json!([
        given("clouds"),
        given("clusters"),
        given("stages"),
        { "required": ["labels"], "properties": { "labels": labels } },
    ]);
    change
}
