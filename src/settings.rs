//! Settings that differ per person: which kubeconfig context a cluster has. A flag comes before a variable, a variable
//! before the user's file, and that before the manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Kind, Problem, Source};
use crate::host::{self, Host};
use crate::value::{ClusterName, Origin, Sourced};
use crate::yaml::{self, Fields, Findings, each, string};

/// Contexts of clusters that take the place of the manifest's.
#[derive(Default)]
pub struct Contexts {
    flags: BTreeMap<ClusterName, Sourced<String>>,
    variables: BTreeMap<String, Sourced<String>>,
    file: BTreeMap<ClusterName, Sourced<String>>,
}

const VARIABLE: &str = "MCAI_CONTEXT_";
const FILE: &str = "config.yaml";

impl Contexts {
    /// Reads `--context CLUSTER=CONTEXT`, `MCAI_CONTEXT_<CLUSTER>` and the user's `config.yaml`.
    pub fn read(flags: &[(ClusterName, String)], host: &Host) -> Result<Self, Vec<Problem>> {
        let flag = |(cluster, context): &(ClusterName, String)| {
            (
                cluster.clone(),
                Sourced {
                    value: context.clone(),
                    origin: Origin::Flag("--context"),
                },
            )
        };
        let variable = |(name, value): (&std::ffi::OsString, &std::ffi::OsString)| {
            let (name, value) = (name.to_str()?, value.to_str()?);
            let cluster = name.strip_prefix(VARIABLE).filter(|_| !value.is_empty())?;
            Some((
                cluster.to_owned(),
                Sourced {
                    value: value.to_owned(),
                    origin: Origin::Variable(name.to_owned()),
                },
            ))
        };
        Ok(Contexts {
            flags: flags.iter().map(flag).collect(),
            variables: host.env.iter().filter_map(variable).collect(),
            file: read_file(host)?,
        })
    }

    /// Returns the context that is set for a cluster outside the manifest.
    pub fn of(&self, cluster: &ClusterName) -> Option<Sourced<String>> {
        let variable = cluster.as_str().to_uppercase().replace('-', "_");
        self.flags
            .get(cluster)
            .or_else(|| self.variables.get(&variable))
            .or_else(|| self.file.get(cluster))
            .cloned()
    }

    /// Reports contexts that are given by flag for clusters that do not exist.
    pub fn check<'a>(&self, known: impl Iterator<Item = &'a ClusterName> + Clone) -> Vec<Problem> {
        let unknown = self
            .flags
            .keys()
            .filter(|name| !known.clone().any(|known| known == *name));
        unknown
            .map(|name| {
                Problem::error(Kind::Settings, "unknown cluster")
                    .detail(format!(
                        "--context {name}=...: the manifest has no cluster `{name}`"
                    ))
                    .suggest_or_list(name.as_str(), known.clone().map(ClusterName::as_str))
            })
            .collect()
    }
}

fn read_file(host: &Host) -> Result<BTreeMap<ClusterName, Sourced<String>>, Vec<Problem>> {
    let Some(path) = host
        .config_directory()
        .map(|folder| folder.join(FILE))
        .filter(|path| path.is_file())
    else {
        return Ok(BTreeMap::new());
    };
    let shown = path.display().to_string();
    let text = host::read_text(&path, &shown, yaml::MAX_BYTES).map_err(|problem| vec![problem])?;
    let is_remark = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_remark) {
        return Ok(BTreeMap::new());
    }
    let (root, duplicates) =
        yaml::parse(&Arc::new(Source { name: shown, text })).map_err(|problem| vec![problem])?;
    let findings = Findings::default();
    duplicates
        .into_iter()
        .for_each(|problem| findings.push(problem));
    let contexts = Fields::of(&root, "the settings", &findings).and_then(|mut fields| {
        let contexts = fields.optional("contexts", |node, findings| {
            each(node, findings, |_: &ClusterName, _, value| {
                Some(Sourced {
                    value: string(value, findings)?,
                    origin: Origin::File(value.span.clone()),
                })
            })
        });
        fields.finish();
        contexts
    });
    let problems = findings.into_sorted();
    if problems.is_empty() {
        Ok(contexts.unwrap_or_default())
    } else {
        Err(problems)
    }
}
