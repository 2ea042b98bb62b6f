//! The manifest as it is written: found, read and turned into a [`Document`]. Types, unknown keys and names are checked
//! here; what refers to something else (clusters, regions, rules) is checked by `project`.

mod document;
mod prices;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Kind, Problem, Source};
use crate::host::{self, Host};
use crate::yaml;

pub use document::{ClusterDoc, Document, ModelDoc, OverrideDoc, PlacementDoc, PoolDoc, read};
pub use prices::{DiscountDoc, FixedDoc, OwnMachineDoc, PricesDoc, ThroughputDoc};
pub use schema::{SCHEMA_DESCRIPTION, schema};

pub const FILE_NAME: &str = "mcai.yaml";

/// Where a manifest was found.
pub struct Found {
    pub source: Arc<Source>,
    /// The directory that its relative paths start from.
    pub root: PathBuf,
}

/// Reads the manifest that `-m` names (`-` is standard input), else the nearest `mcai.yaml` in the working directory or
/// a parent of it.
pub fn find(host: &Host, named: Option<&Path>) -> Result<Found, Problem> {
    let path = match named {
        Some(path) if path == Path::new("-") => {
            let text = host::read_text(path, "<stdin>", yaml::MAX_BYTES)?;
            return Ok(Found {
                source: Arc::new(Source {
                    name: "<stdin>".into(),
                    text,
                }),
                root: host.directory.clone(),
            });
        }
        Some(path) => host.directory.join(path),
        None => nearest(&host.directory)?,
    };
    let shown = path
        .strip_prefix(&host.directory)
        .unwrap_or(&path)
        .display()
        .to_string();
    let text = host::read_text(&path, &shown, yaml::MAX_BYTES)?;
    let root = path.parent().unwrap_or(&host.directory).to_owned();
    Ok(Found {
        source: Arc::new(Source { name: shown, text }),
        root,
    })
}

/// Whether there is a manifest, or one is named.
pub fn is_there(host: &Host, named: Option<&Path>) -> bool {
    named.is_some() || above(&host.directory).is_some()
}

fn above(directory: &Path) -> Option<PathBuf> {
    let mut paths = directory.ancestors().map(|folder| folder.join(FILE_NAME));
    paths.find(|path| path.is_file())
}

fn nearest(directory: &Path) -> Result<PathBuf, Problem> {
    above(directory).ok_or_else(|| {
        Problem::error(Kind::Io, "no manifest")
            .detail(format!("neither `{}` nor a parent of it has `{FILE_NAME}`", directory.display()))
            .hint("name one with `-m FILE`, or go to its folder with `-C DIR`; docs/manifest.md shows how to write one")
    })
}
