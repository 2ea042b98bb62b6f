//! Names that the shell offers to complete: models, clusters and stages of the manifest, contexts of the kubeconfig.
//! Files are read, clusters are never asked. A manifest with mistakes still gives its names, one that can't be read none.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::CompletionCandidate;

use super::words;
use crate::app::kubeconfig;
use crate::cloud::{self, Seller, country};
use crate::gpu;
use crate::host::Host;
use crate::manifest;
use crate::price;
use crate::report::contract;
use crate::yaml::{self, Node};

pub(super) fn models() -> Vec<CompletionCandidate> {
    candidates(keys("models"))
}

pub(super) fn clusters() -> Vec<CompletionCandidate> {
    candidates(keys("clusters"))
}

pub(super) fn clouds() -> Vec<CompletionCandidate> {
    candidates(cloud::providers().map(|provider| provider.id.to_owned()))
}

pub(super) fn sellers() -> Vec<CompletionCandidate> {
    candidates(price::sellers().map(|seller| seller.id().to_owned()))
}

pub(super) fn gpus() -> Vec<CompletionCandidate> {
    candidates(gpu::all().iter().map(|gpu| gpu.name.clone()))
}

pub(super) fn regions() -> Vec<CompletionCandidate> {
    candidates(
        price::sellers()
            .flat_map(Seller::regions)
            .map(str::to_owned),
    )
}

/// Groups of countries, then countries.
pub(super) fn residencies() -> Vec<CompletionCandidate> {
    let groups = country::groups().into_iter();
    let countries = country::all()
        .iter()
        .map(|country| country.country.as_str());
    candidates(groups.chain(countries).map(str::to_owned))
}

/// Price lists.
pub(super) fn feeds() -> Vec<CompletionCandidate> {
    candidates(price::refresh::feeds().map(|feed| feed.id.to_owned()))
}

/// Kinds of documents that have a schema.
pub(super) fn kinds() -> Vec<CompletionCandidate> {
    let schemas = contract::schemas().into_iter();
    candidates(schemas.map(|schema| schema.kind.to_owned()))
}

pub(super) fn stages() -> Vec<CompletionCandidate> {
    let mut stages: Vec<String> = values("stage");
    stages.sort();
    stages.dedup();
    candidates(stages)
}

/// Completes `CLUSTER=CONTEXT`: the cluster first, then the context.
pub(super) fn cluster_contexts(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let names: Vec<String> = match current.split_once('=') {
        None => keys("clusters")
            .iter()
            .map(|cluster| format!("{cluster}="))
            .collect(),
        Some((cluster, _)) => contexts()
            .iter()
            .map(|context| format!("{cluster}={context}"))
            .collect(),
    };
    candidates(names.into_iter().filter(|name| name.starts_with(&*current)))
}

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Returns the names of what the manifest has under a key of its top.
fn keys(key: &str) -> Vec<String> {
    let manifest = read_manifest();
    let entries = manifest.iter().filter_map(|root| root.get(key));
    let names = entries.flat_map(|node| node.entries());
    names.map(|(name, _)| name.name.clone()).collect()
}

/// Returns what the clusters of the manifest have under a key of theirs.
fn values(key: &str) -> Vec<String> {
    let manifest = read_manifest();
    let clusters = manifest.iter().filter_map(|root| root.get("clusters"));
    let values = clusters.flat_map(|node| node.entries());
    values
        .filter_map(|(_, cluster)| Some(cluster.get(key)?.as_str()?.to_owned()))
        .collect()
}

/// Reads the manifest that the half-typed line is about.
fn read_manifest() -> Option<Node> {
    let (host, words) = typed();
    let named = words::option(&words, &["-m", "--manifest"])
        .map(|path| unquoted(&host, path))
        .or_else(|| host.var("MCAI_MANIFEST").map(PathBuf::from))
        // Standard input is the terminal that is typed at.
        .filter(|path| path.as_os_str() != "-");
    let found = manifest::find(&host, named.as_deref()).ok()?;
    Some(yaml::parse(&found.source).ok()?.0)
}

fn contexts() -> Vec<String> {
    let (host, words) = typed();
    let explicit = words::option(&words, &["--kubeconfig"]).map(|path| unquoted(&host, path));
    kubeconfig(&host, explicit).contexts().unwrap_or_default()
}

/// Returns the words that are typed so far, and the machine as seen from the directory that they name.
fn typed() -> (Host, Vec<OsString>) {
    let mut host = Host::real();
    // The shell calls `mcai -- mcai WORD...`.
    let words = words::rejoin(std::env::args_os().skip(3));
    for directory in words::options(&words, &["-C", "--chdir"]) {
        host.directory = host.directory.join(unquoted(&host, directory));
    }
    (host, words)
}

/// Returns the path that the shell would make of a word that it has not seen to yet: quotes and `~/` are as typed.
fn unquoted(host: &Host, word: OsString) -> PathBuf {
    let Some(text) = word.to_str() else {
        return PathBuf::from(word);
    };
    let text = text.replace(['"', '\'', '\\'], "");
    match (text.strip_prefix("~/"), host.home()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(text),
    }
}
