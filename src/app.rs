//! What every command works with: the machine, the flags that all share, and the way out.

use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::{Kind, Problem};
use crate::estimate::Rates;
use crate::failure::{Exit, Failure};
use crate::host::Host;
use crate::manifest;
use crate::price::{Catalog, Market};
use crate::project::{self, Project};
use crate::report::{self, Format, Report, Talk};
use crate::rollout::Interrupt;
use crate::settings::Contexts;
use crate::target::{Connector, kube};
use crate::value::{ClusterName, Sourced};

/// Flags of all commands, checked.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub manifest: Option<PathBuf>,
    pub kubeconfig: Option<PathBuf>,
    pub contexts: Vec<(ClusterName, String)>,
    pub talk: Talk,
    pub report_file: Option<PathBuf>,
    pub no_input: bool,
}

/// The refreshed prices in the user's data directory.
const CATALOG: &str = "prices.csv";

pub struct App {
    pub host: Host,
    pub flags: Flags,
    pub report: Report,
}

impl App {
    pub fn new(host: Host, flags: Flags, format: Format) -> Self {
        let file = flags.report_file.as_ref();
        let file = file.map(|path| host.directory.join(path));
        let report = Report::new(&host, format, flags.talk).with_file(file);
        App {
            host,
            flags,
            report,
        }
    }

    /// Finds, reads and checks the manifest; its warnings go to stderr.
    pub fn project(&self) -> Result<Project, Failure> {
        let project = self.checked_project()?;
        project
            .warnings
            .iter()
            .for_each(|problem| self.warn(problem));
        Ok(project)
    }

    /// Tells people of what is in the way of nothing.
    fn warn(&self, problem: &Problem) {
        if !self.report.quiet && !self.report.format.is_for_machines() {
            self.report.problem(problem);
        }
    }

    /// Finds, reads and checks the manifest.
    pub fn checked_project(&self) -> Result<Project, Failure> {
        let found = manifest::find(&self.host, self.flags.manifest.as_deref())?;
        let contexts = Contexts::read(&self.flags.contexts, &self.host)?;
        let project = project::check(&found, &|cluster| contexts.of(cluster))?;
        log_project(&found.source.name, &project);
        let unknown = contexts.check(project.clusters.keys());
        if unknown.is_empty() {
            Ok(project)
        } else {
            Err(unknown.into())
        }
    }

    /// Does as [`App::project`] where a manifest is named or near; there may be none.
    pub fn project_if_any(&self) -> Result<Option<Project>, Failure> {
        match manifest::is_there(&self.host, self.flags.manifest.as_deref()) {
            true => self.project().map(Some),
            false => Ok(None),
        }
    }

    /// Returns where refreshed prices are: what the manifest says, else in the user's data directory. There may be none yet.
    pub fn catalog_path(&self, project: Option<&Project>) -> Option<PathBuf> {
        let said = project.and_then(|project| project.catalog.as_ref());
        let own = || Some(self.host.data_directory()?.join(CATALOG));
        said.map(|path| path.value.clone()).or_else(own)
    }

    /// Returns the prices that are built in, with the refreshed ones over them.
    pub fn catalog(&self, project: Option<&Project>) -> Result<Catalog, Failure> {
        let said = project.and_then(|project| project.catalog.as_ref());
        if let Some(path) = said.filter(|path| !path.value.exists()) {
            self.warn(&no_catalog(path));
        }
        Ok(match self.catalog_path(project) {
            Some(path) => Catalog::at(&path)?,
            None => Catalog::embedded(),
        })
    }

    /// Returns what the nodes of the project's pools cost.
    pub fn rates(&self, project: &Project) -> Result<Rates, Failure> {
        let catalog = self.catalog(Some(project))?;
        let market = Market {
            catalog: &catalog,
            terms: &project.terms,
            today: self.host.today(),
        };
        Ok(Rates::read(project, &market)?)
    }

    /// Returns what opens clusters; nothing is read yet.
    pub fn connector(&self, project: &Project, cluster_timeout: Duration) -> Connector {
        let proxies = kube::proxy::Environment::new(|name| self.host.var(name).map(str::to_owned));
        Connector {
            root: project.root.clone(),
            kubeconfig: kubeconfig(&self.host, self.flags.kubeconfig.clone()),
            net: kube::Net { proxies },
            runner: kube::Runner::new(),
            cluster_timeout,
        }
    }

    /// Runs the part of a command that uses the network. One thread is enough: everything waits, nothing computes.
    /// From here on Ctrl-C and SIGTERM are for the work to answer.
    pub fn block_on<T>(
        &self,
        work: impl AsyncFnOnce(Interrupt) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Problem::error(Kind::Internal, "cannot start the async runtime").chain(&error)
            })?;
        let leave = || {
            report::restore_terminal();
            std::process::exit(Exit::Interrupted.code());
        };
        let result = runtime.block_on(async { work(Interrupt::listen(leave)).await });
        // A name that the system's resolver never answers must not hold up the end.
        runtime.shutdown_background();
        result
    }

    /// Does work that changes nothing: shows that it goes on, and gives it up when it is interrupted.
    pub async fn look<T>(
        &self,
        interrupt: &Interrupt,
        words: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = report::busy(&self.report, words, work) => Ok(done),
            () = interrupt.raised() => Err(interrupted()),
        }
    }
}

/// The manifest's own prices are not there, so laptop and CI may not agree.
fn no_catalog(path: &Sourced<PathBuf>) -> Problem {
    let problem = Problem::warning(Kind::Settings, "no price catalog yet")
        .detail(format!(
            "`{}` is not there; the prices that are built in are used",
            path.value.display()
        ))
        .hint("`mcai cost refresh` makes it");
    match path.span() {
        Some(span) => problem.at(span),
        None => problem,
    }
}

/// Why a run ended before it began to write.
pub fn interrupted() -> Failure {
    let problem = Problem::error(Kind::Interrupted, "interrupted").detail("nothing was changed");
    Failure::with(Exit::Interrupted, vec![problem])
}

/// Returns the kubeconfig that `--kubeconfig` names, else that of kubectl's rules; nothing is read yet.
pub fn kubeconfig(host: &Host, explicit: Option<PathBuf>) -> kube::Kubeconfig {
    kube::Kubeconfig::new(kube::Locations {
        explicit: explicit.map(|path| host.directory.join(path)),
        kubeconfig_env: host.var_os("KUBECONFIG").map(ToOwned::to_owned),
        home: host.home(),
    })
}

fn log_project(manifest: &str, project: &Project) {
    let (clusters, models) = (project.clusters.len(), project.models.len());
    tracing::info!(manifest, clusters, models, "read the manifest");
    for (name, cluster) in &project.clusters {
        if let Some(context) = &cluster.target.context {
            let (context, origin) = (&context.value, &context.origin);
            tracing::debug!(cluster = %name, context, %origin, "target");
        }
        if let Some(directory) = &cluster.target.directory {
            let (directory, origin) = (directory.value.display(), &directory.origin);
            tracing::debug!(cluster = %name, %directory, %origin, "target");
        }
    }
}
