//! Flags of every command. They may stand before the command and after it, so they are declared twice and joined: clap's
//! own global flags are built for every command at each start, and come first in its help.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::names;
use crate::app::Flags;
use crate::host::Host;
use crate::report::{self, Color, LogFormat, Talk};
use crate::value::ClusterName;

#[derive(Args, Default)]
#[command(next_help_heading = "Global options")]
pub(super) struct SharedArgs {
    // Variables are read by `Host`: clap would let one of the flags after the command win over a flag before it.
    /// Read this manifest instead of the nearest mcai.yaml (`-` is standard input) [env: MCAI_MANIFEST]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    manifest: Option<PathBuf>,
    /// Go to this directory first
    #[arg(short = 'C', long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub chdir: Option<PathBuf>,
    /// Read this kubeconfig instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// Reach a cluster through another kubeconfig context than the manifest's (repeatable)
    #[arg(
        long = "context",
        value_name = "CLUSTER=CONTEXT",
        value_parser = cluster_context,
        add = ArgValueCompleter::new(names::cluster_contexts)
    )]
    contexts: Vec<(ClusterName, String)>,
    /// Use colours [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    color: Option<Color>,
    /// Print answers and errors only
    #[arg(short, long)]
    quiet: bool,
    /// Log to stderr what is done (-v: requests, plugins, tries) and why (-vv)
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Form of the log [default: text]
    #[arg(long, value_enum, value_name = "FORM")]
    log_format: Option<LogFormat>,
    /// Also write the answer to this file, as JSON, whatever -o says (commands that have one)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    report_file: Option<PathBuf>,
    /// Never ask; fail and name the flag that answers
    #[arg(long)]
    no_input: bool,
}

fn cluster_context(text: &str) -> Result<(ClusterName, String), String> {
    let (cluster, context) = text
        .split_once('=')
        .filter(|(_, context)| !context.is_empty())
        .ok_or("expected CLUSTER=CONTEXT")?;
    Ok((cluster.parse()?, context.to_owned()))
}

// A command's own flags, and those of all. (A doc comment here would be the help of every command.)
#[derive(Args)]
pub(super) struct With<T: Args> {
    #[command(flatten)]
    pub own: T,
    #[command(flatten)]
    pub shared: SharedArgs,
}

impl SharedArgs {
    /// Joins the flags before the command with those after it, which win.
    pub(super) fn then(mut self, after: SharedArgs) -> SharedArgs {
        self.contexts.extend(after.contexts);
        SharedArgs {
            manifest: after.manifest.or(self.manifest),
            // As git's: the second is seen from the first.
            chdir: match (self.chdir, after.chdir) {
                (Some(first), Some(second)) => Some(first.join(second)),
                (first, second) => second.or(first),
            },
            kubeconfig: after.kubeconfig.or(self.kubeconfig),
            contexts: self.contexts,
            color: after.color.or(self.color),
            quiet: self.quiet || after.quiet,
            verbose: self.verbose.saturating_add(after.verbose),
            log_format: after.log_format.or(self.log_format),
            report_file: after.report_file.or(self.report_file),
            no_input: self.no_input || after.no_input,
        }
    }

    pub(super) fn start_log(&self) {
        report::log_to_stderr(self.verbose, self.log_format.unwrap_or_default());
    }
}

impl SharedArgs {
    /// Returns the flags, with the variables that take the place of those that are not given.
    pub(super) fn flags(self, host: &Host) -> Flags {
        let args = self;
        let named = host.var_os("MCAI_MANIFEST").map(PathBuf::from);
        Flags {
            manifest: args.manifest.or(named),
            kubeconfig: args.kubeconfig,
            contexts: args.contexts,
            talk: Talk {
                color: args.color.unwrap_or_default(),
                quiet: args.quiet,
                verbose: args.verbose > 0,
            },
            report_file: args.report_file,
            no_input: args.no_input,
        }
    }
}
