//! Settings that differ per person: which kubeconfig context a cluster has, where price lists are. A flag comes before a
//! variable, a variable before the user's file, and that before the manifest.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use crate::diagnostic::{Kind, Problem, Source};
use crate::host::{self, Host};
use crate::value::{ClusterName, Origin, Sourced};
use crate::yaml::{self, Fields, Findings, Node, each, string};

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
            file: read_file(host)?.contexts,
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

const FEED: &str = "MCAI_FEED_";

/// Returns the addresses of price lists that take the place of their own, by id: `MCAI_FEED_<ID>`, then `feeds:` of the user's
/// `config.yaml`. Only lists that are known have one.
pub fn feed_addresses(
    known: &[&str],
    host: &Host,
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut feeds = read_file(host)?.feeds;
    for (name, value) in &host.env {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        if let Some(id) = name.strip_prefix(FEED).filter(|_| !value.is_empty()) {
            let said = Sourced {
                value: value.to_owned(),
                origin: Origin::Variable(name.to_owned()),
            };
            feeds.insert(id.to_lowercase().replace('_', "-"), said);
        }
    }
    let problems: Vec<Problem> = feeds
        .iter()
        .filter_map(|(id, address)| wrong_feed(id, address, known))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let feeds = feeds.into_iter();
    Ok(feeds.map(|(id, address)| (id, address.value)).collect())
}

fn wrong_feed(id: &str, address: &Sourced<String>, known: &[&str]) -> Option<Problem> {
    let origin = &address.origin;
    if !known.contains(&id) {
        let known = known.iter().copied();
        return Some(
            Problem::error(Kind::Settings, "unknown price list")
                .detail(format!("`{id}`, set by {origin}"))
                .suggest_or_list(id, known),
        );
    }
    let is_address = ["http://", "https://"].iter().any(|scheme| {
        let rest = address.value.strip_prefix(scheme);
        rest.is_some_and(|rest| !rest.is_empty())
    });
    (!is_address).then(|| {
        Problem::error(Kind::Settings, "wrong address of a price list")
            .detail(format!("`{id}`, set by {origin}"))
            .hint("write it as https://host/path")
    })
}

/// What the user's `config.yaml` says.
#[derive(Default)]
struct UserFile {
    contexts: BTreeMap<ClusterName, Sourced<String>>,
    feeds: BTreeMap<String, Sourced<String>>,
}

fn read_file(host: &Host) -> Result<UserFile, Vec<Problem>> {
    let Some(path) = host
        .config_directory()
        .map(|folder| folder.join(FILE))
        .filter(|path| path.is_file())
    else {
        return Ok(UserFile::default());
    };
    let shown = path.display().to_string();
    let text = host::read_text(&path, &shown, yaml::MAX_BYTES).map_err(|problem| vec![problem])?;
    let is_remark = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_remark) {
        return Ok(UserFile::default());
    }
    let (root, duplicates) =
        yaml::parse(&Arc::new(Source { name: shown, text })).map_err(|problem| vec![problem])?;
    let findings = Findings::default();
    duplicates
        .into_iter()
        .for_each(|problem| findings.push(problem));
    let file = Fields::of(&root, "the settings", &findings).map(|mut fields| {
        let contexts = fields.optional("contexts", strings);
        let feeds = fields.optional("feeds", strings);
        fields.finish();
        UserFile {
            contexts: contexts.unwrap_or_default(),
            feeds: feeds.unwrap_or_default(),
        }
    });
    let problems = findings.into_sorted();
    if problems.is_empty() {
        Ok(file.unwrap_or_default())
    } else {
        Err(problems)
    }
}

/// Reads a mapping of names to strings.
fn strings<K: FromStr<Err: Display> + Ord>(
    node: &Node,
    findings: &Findings,
) -> Option<BTreeMap<K, Sourced<String>>> {
    each(node, findings, |_: &K, _, value| {
        Some(Sourced {
            value: string(value, findings)?,
            origin: Origin::File(value.span.clone()),
        })
    })
}
