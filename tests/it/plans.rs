//! The planner on tests/plans: a folder is a case. `mcai.yaml` is the manifest, `inventory.yaml` what the clusters have,
//! `prices.csv` what nodes cost, where the manifest has pools; `expected.txt` is the plan and what is in its way; where
//! there is an `expected.md`, the same as a comment on a pull request (`AS_COMMENTS` names those). No Rust is needed for
//! another case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mcai::diagnostic::{Kind, Problem, Source};
use mcai::estimate::Rates;
use mcai::inventory::{Inventory, Place, Preview, State, Surroundings};
use mcai::kubeai::profile::LiveProfiles;
use mcai::manifest::Found;
use mcai::place::{DesiredCluster, Selection, place};
use mcai::plan::{self, Made};
use mcai::price::{Catalog, Market};
use mcai::project::Project;
use mcai::report::{
    Format, Styles, contract, document_text, plan_markdown, plan_text, problem_text,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{cases, expect_file, fault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Case {
    #[serde(default)]
    options: CaseOptions,
    #[serde(default)]
    selection: CaseSelection,
    /// A model that is deleted, in place of a deploy.
    delete: Option<String>,
    clusters: BTreeMap<String, CaseCluster>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct CaseOptions {
    take_over: bool,
    accept_cluster: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct CaseSelection {
    models: Vec<String>,
    clouds: Option<Vec<String>>,
    prune: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct CaseCluster {
    uid: Option<String>,
    marker: Option<String>,
    regions: Option<BTreeSet<String>>,
    profiles: Option<BTreeSet<String>>,
    no_kubeai_here: bool,
    may_not_patch: bool,
    unreadable: Option<String>,
    models: Vec<Value>,
}

/// The cases with an `expected.md`: one that is lost must not go unnoticed.
const AS_COMMENTS: [&str; 12] = [
    "cost-raised",
    "cost-unknown",
    "create",
    "hostile-values",
    "many-fields",
    "not-permitted",
    "prune-only-what-is-ours",
    "refuse-argo",
    "take-over",
    "unreadable",
    "update-fields",
    "withdrawn-by-residency",
];

#[test]
fn every_case_gives_the_expected_plan() {
    for name in cases("tests/plans") {
        let run = || made(&name).map_or_else(|problems| problems, |made| text(&made));
        let text = run();
        assert_eq!(text, run(), "{name}: same input, same bytes");
        expect_file(&format!("tests/plans/{name}/expected.txt"), &text);
    }
}

#[test]
fn plans_read_well_as_comments() {
    let path = |name: &str| format!("tests/plans/{name}/expected.md");
    let mut names = cases("tests/plans");
    names.retain(|name| Path::new(&path(name)).exists());
    assert_eq!(names, AS_COMMENTS, "the cases with an expected.md");
    for name in names {
        let made = made(&name).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        expect_file(&path(&name), &plan_markdown(&made));
    }
}

#[test]
fn plans_keep_to_their_schema() {
    for made in cases("tests/plans")
        .iter()
        .filter_map(|name| made(name).ok())
    {
        let text = document_text(&contract::Plan::from(&made), Format::Json);
        let document = serde_json::from_str(&text).expect("JSON");
        assert_eq!(fault(&document), None, "{text}");
    }
}

/// Returns a case's plan, or why nothing can be placed.
fn made(name: &str) -> Result<Made, String> {
    let read = |file: &str| {
        fs::read_to_string(format!("tests/plans/{name}/{file}"))
            .unwrap_or_else(|e| panic!("{name}/{file}: {e}"))
    };
    let found = Found {
        source: Arc::new(Source {
            name: "mcai.yaml".into(),
            text: read("mcai.yaml"),
        }),
        root: PathBuf::from("/project"),
    };
    let project = mcai::project::check(&found, &|_| None)
        .unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
    let case: Case =
        serde_saphyr::from_str(&read("inventory.yaml")).unwrap_or_else(|e| panic!("{name}: {e}"));
    let clouds = case.selection.clouds.as_ref().map(|clouds| {
        clouds
            .iter()
            .map(|cloud| cloud.parse().expect("a cloud"))
            .collect()
    });
    let selection = Selection {
        models: case.selection.models.clone(),
        clouds,
        prune: case.selection.prune,
        ..Selection::default()
    };
    let desired = place(&project, &selection).map_err(|problems| words("not placed", &problems))?;
    let inventory: Inventory = desired
        .clusters
        .iter()
        .map(|wanted| {
            (
                wanted.cluster.name.clone(),
                state(wanted, &case.clusters[wanted.cluster.name.as_str()]),
            )
        })
        .collect();
    let options = plan::Options {
        take_over: case.options.take_over,
        accept_cluster: case.options.accept_cluster,
        ..plan::Options::default()
    };
    let rates = project.has_costs().then(|| rates(name, &project));
    let basis = plan::Basis {
        options,
        now: "2026-11-25T12:00:00Z".parse().expect("a time"),
        rates: rates.as_ref(),
    };
    Ok(match case.delete {
        None => plan::make(&desired, &inventory, &basis),
        Some(model) => {
            let clusters = desired.clusters.iter().map(|wanted| wanted.cluster);
            let model = model.parse().expect("a name");
            plan::delete(
                &project,
                &clusters.collect::<Vec<_>>(),
                &model,
                &inventory,
                &basis,
            )
        }
    })
}

/// Returns what nodes cost by the case's own list: built-in prices change.
fn rates(name: &str, project: &Project) -> Rates {
    let path = format!("tests/plans/{name}/prices.csv");
    let market = Market {
        catalog: &Catalog::open(Path::new(&path)).expect("prices"),
        terms: &project.terms,
        today: "2026-11-25".parse().expect("a day"),
    };
    Rates::read(project, &market).expect("rates")
}

fn text(made: &Made) -> String {
    let mut text = plan_text(made, true, &Styles::PLAIN);
    for cluster in &made.plan.clusters {
        let pods = cluster
            .actions
            .iter()
            .filter(|action| action.shapes_pods)
            .count();
        text += &format!(
            "{}: mark {}, pods replaced {pods}\n",
            cluster.cluster, cluster.mark
        );
    }
    text += &words("refused", &made.refusals);
    text += &words("unreadable", &made.unreadable);
    text + &words("denied", &made.denied)
}

fn words(title: &str, problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("{title}\n{}\n", problem_text(problem, &Styles::PLAIN, None)))
        .collect()
}

/// The server's answer to a dry run is the object laid over the live one, as server-side apply does for fields that
/// are sent.
fn state(wanted: &DesiredCluster, case: &CaseCluster) -> Result<State, Problem> {
    if let Some(why) = &case.unreadable {
        return Err(Problem::error(Kind::Timeout, "cannot list models")
            .detail(why)
            .on(wanted.cluster.name.as_str()));
    }
    let name = |model: &Value| {
        model["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let models: BTreeMap<String, Value> = case
        .models
        .iter()
        .map(|model| (name(model), model.clone()))
        .collect();
    let previews = wanted.objects.iter().map(|object| {
        let mut preview = models
            .get(object.model.as_str())
            .cloned()
            .unwrap_or(json!({}));
        lay_over(&mut preview, &object.object);
        let denied =
            || Problem::error(Kind::Denied, "cannot apply the model").detail("403: may not patch");
        let preview = if case.may_not_patch {
            Preview::Unverified(Box::new(denied()))
        } else {
            Preview::Server(preview)
        };
        (object.model.clone(), preview)
    });
    let profiles = case.profiles.as_ref().map(|names| LiveProfiles {
        resource: names.clone(),
        cache: BTreeSet::new(),
    });
    let around = Surroundings {
        uid: case.uid.clone(),
        marker: case.marker.clone(),
        regions: case.regions.clone(),
        profiles,
        no_kubeai_here: case.no_kubeai_here,
        hashes: BTreeMap::new(),
    };
    Ok(State {
        previews: previews.collect(),
        models,
        place: Place::Kube(around),
    })
}

fn lay_over(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                if ["apiVersion", "kind", "namespace"].contains(&key.as_str()) {
                    continue;
                }
                lay_over(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
