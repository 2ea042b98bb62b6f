//! The log: what mcai does while it works, for whoever wants to know. It goes to stderr, and never has a header, a body
//! or a credential in it.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::time;
use tracing_subscriber::prelude::*;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Starts the log: nothing for 0, requests, plugins and tries for 1, the reasons as well for 2 and more.
pub fn log_to_stderr(verbosity: u8, format: LogFormat) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // Only mcai's own: kube's client logs whole bodies when it can't read them, Secrets included.
    let filter = Targets::new().with_target("mcai", level);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_timer(time::uptime())).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
}
