//! What every command works with: the machine, the flags that all share, and the way out.

use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Problem;
use crate::failure::Failure;
use crate::host::Host;
use crate::manifest;
use crate::project::{self, Project};
use crate::report::{Color, Format, Report};
use crate::settings::Contexts;
use crate::target::{Connector, kube};
use crate::value::ClusterName;

/// Flags of all commands, checked.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub manifest: Option<PathBuf>,
    pub kubeconfig: Option<PathBuf>,
    pub contexts: Vec<(ClusterName, String)>,
    pub color: Color,
    pub quiet: bool,
    pub no_input: bool,
}

pub struct App {
    pub host: Host,
    pub flags: Flags,
    pub report: Report,
}

impl App {
    pub fn new(host: Host, flags: Flags, format: Format) -> Self {
        let report = Report::new(&host, format, flags.color, flags.quiet);
        App {
            host,
            flags,
            report,
        }
    }

    /// Finds, reads and checks the manifest; its warnings go to stderr.
    pub fn project(&self) -> Result<Project, Failure> {
        let project = self.checked_project()?;
        if !self.report.quiet && !self.report.format.is_for_machines() {
            self.report.problems(&project.warnings);
        }
        Ok(project)
    }

    /// Finds, reads and checks the manifest.
    pub fn checked_project(&self) -> Result<Project, Failure> {
        let found = manifest::find(&self.host, self.flags.manifest.as_deref())?;
        let contexts = Contexts::read(&self.flags.contexts, &self.host)?;
        let project = project::check(&found, &|cluster| contexts.of(cluster))?;
        let unknown = contexts.check(project.clusters.keys());
        if unknown.is_empty() {
            Ok(project)
        } else {
            Err(unknown.into())
        }
    }

    /// Returns what opens clusters; nothing is read yet.
    pub fn connector(&self, project: &Project, cluster_timeout: Duration) -> Connector {
        let locations = kube::Locations {
            explicit: self
                .flags
                .kubeconfig
                .clone()
                .map(|path| self.host.directory.join(path)),
            kubeconfig_env: self
                .host
                .env
                .get(std::ffi::OsStr::new("KUBECONFIG"))
                .cloned(),
            home: self.host.home(),
        };
        let proxies = kube::proxy::Environment::new(|name| self.host.var(name).map(str::to_owned));
        Connector {
            root: project.root.clone(),
            kubeconfig: kube::Kubeconfig::new(locations),
            net: kube::Net { proxies },
            runner: kube::Runner::new(),
            cluster_timeout,
        }
    }

    /// Runs the part of a command that uses the network. One thread is enough: everything waits, nothing computes.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Problem::error(
                    crate::diagnostic::Kind::Internal,
                    "cannot start the async runtime",
                )
                .chain(&error)
            })?;
        let result = runtime.block_on(work);
        // A name that the system's resolver never answers must not hold up the end.
        runtime.shutdown_background();
        Ok(result)
    }
}
