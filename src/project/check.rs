//! Document to [`Project`]: everything that refers to something else.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::pool::{Pool, check_fit};
use super::{Cluster, Model, Override, Project, Residency, Selector, TargetSpec};
use crate::cloud::{Cloud, country, country::Country};
use crate::diagnostic::{Kind, Problem, Span};
use crate::kubeai;
use crate::kubeai::profile::ProfileCount;
use crate::kubeai::render::Identity;
use crate::manifest::{ClusterDoc, Document, Found, ModelDoc, PlacementDoc};
use crate::text::quoted_list;
use crate::value::{ClusterName, ModelName, Origin, Sourced};
use crate::yaml::{self, Findings, Node};

/// Says which context takes the place of the manifest's, by a flag, a variable or the user's settings.
pub(super) type Contexts<'a> = &'a dyn Fn(&ClusterName) -> Option<Sourced<String>>;

/// Returns the project, or everything that is wrong with the manifest, in the order of its text.
pub fn check(found: &Found, contexts: Contexts) -> Result<Project, Vec<Problem>> {
    let (root, duplicates) = yaml::parse(&found.source).map_err(|problem| vec![problem])?;
    let findings = Findings::default();
    duplicates
        .into_iter()
        .for_each(|problem| findings.push(problem));
    let document = crate::manifest::read(&root, &findings);
    let project = document.and_then(|document| {
        Checker {
            document: &document,
            root: &found.root,
            contexts,
            findings: &findings,
        }
        .project()
    });
    let problems = findings.into_sorted();
    match project {
        Some(project) if !problems.iter().any(Problem::is_error) => Ok(Project {
            warnings: problems,
            ..project
        }),
        _ => Err(problems),
    }
}

pub(super) struct Checker<'a> {
    pub(super) document: &'a Document,
    root: &'a Path,
    contexts: Contexts<'a>,
    pub(super) findings: &'a Findings,
}

impl Checker<'_> {
    fn project(&self) -> Option<Project> {
        let document = self.document;
        let mut clusters: BTreeMap<_, _> = document
            .clusters
            .iter()
            .filter_map(|(name, doc)| Some((name.clone(), self.cluster(name, doc)?)))
            .collect();
        self.check_shared_targets(&clusters);
        self.price_own_machines(&mut clusters);
        let complete = clusters.len() == document.clusters.len();
        let mut models = BTreeMap::new();
        for (name, doc) in &document.models {
            let before = self.findings.count();
            let model = self.model(name, doc);
            // A placement is judged only when all that it refers to could be read: else it would only seem to be empty.
            let judge = complete && self.findings.count() == before;
            self.check_placed(&model, &clusters, judge);
            models.insert(name.clone(), model);
        }
        Some(Project {
            identity: Identity {
                project: document.project.clone()?,
                id: document.id.clone()?,
            },
            namespace: document.namespace.clone()?,
            terms: self.terms(&clusters),
            catalog: self.catalog(),
            budget: document.policy.budget.clone(),
            price_policy: document.policy.prices.clone(),
            clusters,
            models,
            root: self.root.to_owned(),
            warnings: Vec::new(),
        })
    }

    fn cluster(&self, name: &ClusterName, doc: &ClusterDoc) -> Option<Cluster> {
        let target = self.target(name, doc);
        let cloud = doc.cloud?;
        let country = self.country(name, cloud, doc);
        let pools = doc
            .pools
            .iter()
            .map(|pool| Pool::new(pool, cloud, self.findings))
            .collect();
        Some(Cluster {
            name: name.clone(),
            cloud,
            region: doc.region.as_ref().map(|region| region.value.clone()),
            country: country?,
            stage: doc.stage.as_ref().map(|stage| stage.value.clone()),
            target: target?,
            endpoint: doc.endpoint.as_ref().map(|url| url.value.clone()),
            labels: doc.labels.clone(),
            pools,
            kubeai: doc.kubeai.unwrap_or(self.document.kubeai),
        })
    }

    /// Returns the country that the region lies in, or that an own machine says it lies in.
    fn country(
        &self,
        name: &ClusterName,
        cloud: Cloud,
        doc: &ClusterDoc,
    ) -> Option<&'static Country> {
        let stated = doc
            .country
            .as_ref()
            .map(|code| (code, country::find(&code.value)));
        if let Some((code, None)) = stated {
            let codes = country::all()
                .iter()
                .map(|country| country.country.as_str());
            let span = code.span().unwrap_or(&doc.span);
            let detail = format!(
                "cluster `{name}`: `{}` is not an ISO 3166 code in lower case",
                code.value
            );
            self.findings.push(
                Problem::error(Kind::Manifest, "unknown country")
                    .detail(detail)
                    .at(span)
                    .suggest(&code.value, codes),
            );
            return None;
        }
        let stated = stated.and_then(|(_, country)| country);
        if !cloud.has_regions {
            if stated.is_none() {
                self.findings.error(
                    &doc.span,
                    "missing key",
                    format!(
                        "cluster `{name}` needs `country`: {} have no regions",
                        cloud.name
                    ),
                );
            }
            return stated;
        }
        let Some(region) = &doc.region else {
            self.findings.error(
                &doc.span,
                "missing key",
                format!("cluster `{name}` needs `region`"),
            );
            return None;
        };
        let span = region.span().unwrap_or(&doc.span);
        let Some(row) = cloud.region(&region.value) else {
            let names = cloud.regions().iter().map(|region| region.region.as_str());
            let detail = format!(
                "cluster `{name}`: `{}` is not a region of {}",
                region.value, cloud
            );
            self.findings.push(
                Problem::error(Kind::Manifest, "unknown region")
                    .detail(detail)
                    .at(span)
                    .suggest(&region.value, names),
            );
            return None;
        };
        if stated.is_some_and(|country| country.country != row.country) {
            self.findings.error(
                span,
                "country does not fit the region",
                format!("cluster `{name}`: {} is in `{}`", region.value, row.country),
            );
        }
        country::find(&row.country)
    }

    fn target(&self, name: &ClusterName, doc: &ClusterDoc) -> Option<TargetSpec> {
        let context = (self.contexts)(name).or_else(|| doc.context.clone());
        let directory = match &doc.directory {
            Some(text) => Some(self.directory(name, text, &doc.span)?),
            None => None,
        };
        if context.is_none() && directory.is_none() {
            self.findings.push(
                Problem::error(Kind::Manifest, "no target")
                    .detail(format!("cluster `{name}` has neither `context` nor `directory`"))
                    .hint(format!("add `context: NAME` (see `kubectl config get-contexts`) or `directory: deploy/{name}`"))
                    .at(&doc.span),
            );
            return None;
        }
        Some(TargetSpec { context, directory })
    }

    fn directory(
        &self,
        name: &ClusterName,
        text: &Sourced<String>,
        span: &Span,
    ) -> Option<Sourced<PathBuf>> {
        let path = self.below_root(text);
        if path.is_none() {
            let detail = format!(
                "cluster `{name}`: `{}` is not a path below the manifest's folder",
                text.value
            );
            self.findings.error(
                text.span().unwrap_or(span),
                "directory outside the project",
                detail,
            );
        }
        path
    }

    /// Returns a path of the manifest, if it leads below the manifest's folder.
    pub(super) fn below_root(&self, text: &Sourced<String>) -> Option<Sourced<PathBuf>> {
        let relative = Path::new(&text.value);
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        (inside && !text.value.is_empty()).then(|| Sourced {
            value: self.root.join(relative),
            origin: text.origin.clone(),
        })
    }

    /// Two clusters with one context or one directory would overwrite each other.
    fn check_shared_targets(&self, clusters: &BTreeMap<ClusterName, Cluster>) {
        let mut users: BTreeMap<(&str, String), &Cluster> = BTreeMap::new();
        for cluster in clusters.values() {
            let context = cluster
                .target
                .context
                .as_ref()
                .map(|context| (("context", context.value.clone()), &context.origin));
            let directory = cluster.target.directory.as_ref().map(|dir| {
                (
                    (
                        "directory",
                        dir.value
                            .components()
                            .collect::<PathBuf>()
                            .display()
                            .to_string(),
                    ),
                    &dir.origin,
                )
            });
            for (key, origin) in context.into_iter().chain(directory) {
                let kind = key.0;
                if let Some(first) = users.insert(key, cluster) {
                    let detail = format!(
                        "clusters `{}` and `{}` have the same {kind}",
                        first.name, cluster.name
                    );
                    let problem =
                        Problem::error(Kind::Manifest, format!("one {kind} for two clusters"))
                            .detail(detail);
                    self.findings.push(match origin {
                        Origin::File(span) => problem.at(span),
                        _ => problem.cause(format!("set by {origin}")),
                    });
                }
            }
        }
    }

    fn model(&self, name: &ModelName, doc: &ModelDoc) -> Model {
        let mut rules = Vec::new();
        for rule in [&doc.placement.residency, &self.document.policy.residency] {
            self.check_residency_words(rule);
            if !rule.is_empty() {
                rules.push(rule.clone());
            }
        }
        for (labels, what) in [(&doc.labels, "label"), (&doc.annotations, "annotation")] {
            self.check_reserved(labels, what, doc);
        }
        Model {
            name: name.clone(),
            spec: doc.spec.clone(),
            labels: doc.labels.clone(),
            annotations: doc.annotations.clone(),
            placement: self.selector(&doc.placement),
            residency: Residency { rules },
            overrides: doc
                .overrides
                .iter()
                .map(|o| Override {
                    selector: self.selector(&o.selector),
                    set: o.set.clone(),
                })
                .collect(),
            throughput: self.throughput(doc),
            span: doc.span.clone(),
        }
    }

    /// Labels that mcai or KubeAI write themselves.
    fn check_reserved(&self, labels: &BTreeMap<String, String>, what: &str, doc: &ModelDoc) {
        let reserved = |key: &&String| {
            [
                kubeai::render::LABEL_MANAGED_BY,
                kubeai::render::LABEL_PART_OF,
                kubeai::render::LABEL_INSTANCE,
            ]
            .contains(&key.as_str())
                || key.starts_with("features.kubeai.org/")
        };
        if let Some(key) = labels.keys().find(reserved) {
            self.findings.error(
                &doc.span,
                "reserved key",
                format!("mcai and KubeAI write the {what} `{key}` themselves"),
            );
        }
    }

    fn check_residency_words(&self, rule: &[Sourced<String>]) {
        for word in rule {
            if !country::is_word(&word.value) {
                let problem = Problem::error(Kind::Manifest, "unknown residency")
                    .detail(country::no_word(&word.value))
                    .suggest(&word.value, country::words());
                self.findings
                    .push(problem.at(word.span().unwrap_or(&self.document.span)));
            }
        }
    }

    fn selector(&self, doc: &PlacementDoc) -> Selector {
        let clusters = &self.document.clusters;
        let names = doc.clusters.as_ref().map(|names| {
            names
                .iter()
                .filter_map(|name| {
                    self.dangling(name, "cluster", clusters.keys().map(ClusterName::as_str))
                })
                .collect()
        });
        let known_stages: Vec<&str> = clusters
            .values()
            .filter_map(|c| c.stage.as_ref())
            .map(|stage| stage.value.as_str())
            .collect();
        let stages = doc.stages.as_ref().map(|stages| {
            stages
                .iter()
                .filter_map(|stage| self.dangling(stage, "stage", known_stages.iter().copied()))
                .collect()
        });
        Selector {
            clouds: doc.clouds.clone(),
            clusters: names,
            stages,
            labels: doc.labels.clone(),
            capacity: doc.capacity.clone(),
        }
    }

    /// Returns a name as it is if it is known, and reports it otherwise.
    pub(super) fn dangling<'k, T: FromStr>(
        &self,
        name: &Sourced<String>,
        what: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> Option<T> {
        let known: Vec<&str> = known.collect();
        if !known.contains(&name.value.as_str()) {
            let detail = format!("no {what} of the manifest is named `{}`", name.value);
            let problem = Problem::error(Kind::Manifest, format!("unknown {what}"))
                .detail(detail)
                .suggest_or_list(&name.value, known);
            let span = name.span().unwrap_or(&self.document.span);
            self.findings.push(problem.at(span));
            return None;
        }
        name.value.parse().ok()
    }

    fn check_placed(&self, model: &Model, clusters: &BTreeMap<ClusterName, Cluster>, judge: bool) {
        let placed: Vec<&Cluster> = clusters
            .values()
            .filter(|cluster| model.excluded_from(cluster).is_none())
            .collect();
        for cluster in &placed {
            let spec = model.effective_spec(cluster);
            kubeai::rules::check(&spec, cluster.kubeai, self.findings);
            self.check_profile(&spec, cluster);
        }
        if placed.is_empty() {
            kubeai::rules::check(&model.spec, self.document.kubeai, self.findings);
        }
        if judge && placed.is_empty() {
            self.report_unplaced(model, clusters);
        }
        if judge {
            self.check_named_but_forbidden(model, clusters);
            self.check_overrides(model, &placed);
        }
    }

    /// An override that meets no cluster is hardly meant so, and what it sets is never checked.
    fn check_overrides(&self, model: &Model, placed: &[&Cluster]) {
        let meets =
            |change: &&Override| placed.iter().any(|cluster| change.selector.admits(cluster));
        for change in model.overrides.iter().filter(|change| !meets(change)) {
            let detail = format!(
                "none of the clusters of model `{}` is chosen by it",
                model.name
            );
            self.findings.push(
                Problem::warning(Kind::Manifest, "override without a cluster")
                    .detail(detail)
                    .at(&change.set.span),
            );
        }
    }

    fn check_profile(&self, spec: &Node, cluster: &Cluster) {
        let Some(node) = spec.get("resourceProfile") else {
            return;
        };
        let Some(wanted) = node
            .as_str()
            .and_then(|text| text.parse::<ProfileCount>().ok())
        else {
            return;
        };
        let place = format!("`{}`", cluster.name);
        check_fit(
            &wanted,
            cluster.pools_for(&wanted.name),
            &place,
            &node.span,
            self.findings,
        );
        let undecided =
            cluster.pools.is_empty() || cluster.pools.iter().any(|pool| pool.profile.is_none());
        if !undecided && wanted.name != "cpu" && cluster.pools_for(&wanted.name).next().is_none() {
            let served: Vec<&str> = cluster
                .pools
                .iter()
                .filter_map(|pool| pool.profile.as_deref())
                .collect();
            self.findings.push(
                Problem::warning(Kind::Manifest, "no pool for the resource profile")
                    .detail(format!(
                        "the pools of {place} serve {}, not `{}`",
                        quoted_list(served),
                        wanted.name
                    ))
                    .at(&node.span),
            );
        }
    }

    fn report_unplaced(&self, model: &Model, clusters: &BTreeMap<ClusterName, Cluster>) {
        let exclusions: Vec<_> = clusters
            .values()
            .filter_map(|cluster| Some((cluster, model.excluded_from(cluster)?)))
            .collect();
        let by_residency = exclusions
            .iter()
            .any(|(_, exclusion)| exclusion.rule == "residency");
        let (kind, summary) = if by_residency {
            (Kind::Residency, "no chosen cluster satisfies residency")
        } else {
            (Kind::Manifest, "no cluster fits the model")
        };
        let mut problem = Problem::error(kind, summary)
            .detail(format!("model `{}`", model.name))
            .at(&model.span);
        for (cluster, exclusion) in exclusions {
            problem = problem.cause(format!("{}: {exclusion}", cluster.name));
        }
        self.findings.push(problem);
    }

    /// A cluster that is named outright but lies outside the rule is a contradiction, not a narrower choice.
    fn check_named_but_forbidden(&self, model: &Model, clusters: &BTreeMap<ClusterName, Cluster>) {
        for name in model.placement.clusters.iter().flatten() {
            let Some(exclusion) = clusters
                .get(name)
                .and_then(|cluster| model.residency.excludes(cluster))
            else {
                continue;
            };
            let detail = format!(
                "model `{}` names cluster `{name}`: {}",
                model.name, exclusion.reason
            );
            self.findings.push(
                Problem::error(Kind::Residency, "cluster outside the residency rule")
                    .detail(detail)
                    .at(&model.span),
            );
        }
    }
}
