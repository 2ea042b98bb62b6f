//! A directory target: `<dir>/<namespace>/model-<name>.yaml`, for a GitOps tool or a person to apply. Files are written
//! whole or not at all; files that mcai did not make are never touched.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Kind, Problem, Source};
use crate::host;
use crate::value::{ModelName, Namespace};
use crate::yaml;

pub struct Directory {
    /// The project's folder, which nothing is written outside of.
    root: PathBuf,
    path: PathBuf,
}

impl Directory {
    pub fn new(root: PathBuf, path: PathBuf) -> Self {
        Directory { root, path }
    }

    /// Returns where a model's file lies.
    pub fn file(&self, namespace: &Namespace, model: &str) -> PathBuf {
        self.path
            .join(namespace.as_str())
            .join(format!("model-{model}.yaml"))
    }

    /// Returns the objects of all `model-*.yaml` files by model name; a file that is no YAML is an error, as it may be
    /// a person's half-done work.
    pub fn models(&self, namespace: &Namespace) -> Result<BTreeMap<String, Value>, Problem> {
        let folder = self.path.join(namespace.as_str());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed("cannot read the directory", &folder, &error)),
            Ok(entries) => entries,
        };
        let mut models = BTreeMap::new();
        for entry in entries {
            let entry =
                entry.map_err(|error| failed("cannot read the directory", &folder, &error))?;
            let name = entry.file_name();
            let model = name
                .to_str()
                .and_then(|name| name.strip_prefix("model-")?.strip_suffix(".yaml"));
            if let Some(model) = model {
                models.insert(model.to_owned(), read(&entry.path())?);
            }
        }
        Ok(models)
    }

    pub fn write(
        &self,
        namespace: &Namespace,
        model: &ModelName,
        object: &Value,
    ) -> Result<PathBuf, Problem> {
        let path = self.file(namespace, model.as_str());
        self.check_inside(&path)?;
        host::write_whole(&path, &yaml::to_string(object))
            .map_err(|error| failed("cannot write the file", &path, &error))?;
        Ok(path)
    }

    pub fn delete(&self, namespace: &Namespace, model: &ModelName) -> Result<PathBuf, Problem> {
        let path = self.file(namespace, model.as_str());
        self.check_inside(&path)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("cannot delete the file", &path, &error))
            }
            _ => Ok(path),
        }
    }

    /// A folder that is a symbolic link may lead out of the project.
    fn check_inside(&self, path: &Path) -> Result<(), Problem> {
        let below = path
            .parent()
            .into_iter()
            .flat_map(Path::ancestors)
            .take_while(|folder| **folder != self.root);
        for folder in below {
            if fs::symlink_metadata(folder).is_ok_and(|meta| meta.file_type().is_symlink()) {
                return Err(
                    Problem::error(Kind::Io, "a symbolic link in the way").detail(format!(
                        "`{}`: mcai writes only real folders of the project",
                        folder.display()
                    )),
                );
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Value, Problem> {
    let shown = path.display().to_string();
    let text = host::read_text(path, &shown, yaml::MAX_BYTES)?;
    let (node, _) = yaml::parse(&Arc::new(Source { name: shown, text }))?;
    Ok(node.to_json())
}

fn failed(summary: &str, path: &Path, error: &io::Error) -> Problem {
    Problem::error(Kind::Io, summary)
        .detail(format!("`{}`", path.display()))
        .chain(error)
}
