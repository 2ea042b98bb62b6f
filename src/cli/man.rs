//! `mcai man`.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::app::App;
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::host;
use crate::text;

/// Write the man pages: one for mcai, one for each command
#[derive(Args)]
#[command(before_help = "\
Examples:
  mcai man ~/.local/share/man/man1        then: man mcai-deploy
  mcai man | man -l -                     read the first page without writing any")]
pub(super) struct ManArgs {
    /// Where to write them; without it, mcai's own page is printed
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    directory: Option<PathBuf>,
}

pub(super) fn run(app: &App, args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = super::command();
    root.build();
    let failed =
        |error: io::Error| Problem::error(Kind::Io, "cannot write the man pages").chain(&error);
    let Some(directory) = &args.directory else {
        app.report.data(&page(&root, "mcai").map_err(failed)?);
        return Ok(Exit::Reached);
    };
    let directory = app.host.directory.join(directory);
    let pages = write(&root, "mcai", &directory).map_err(failed)?;
    let shown = args.directory.as_deref().unwrap_or(&directory).display();
    app.report.data(&format!(
        "{} written to {shown}\n",
        text::count(pages, "page")
    ));
    Ok(Exit::Reached)
}

/// Writes the page of a command and those of its subcommands; returns how many.
fn write(command: &clap::Command, name: &str, directory: &Path) -> io::Result<usize> {
    let page = page(command, name)?;
    host::write_whole(&directory.join(format!("{name}.1")), &page)?;
    let mut pages = 1;
    for subcommand in command.get_subcommands() {
        let name = format!("{name}-{}", subcommand.get_name());
        pages += write(subcommand, &name, directory)?;
    }
    Ok(pages)
}

fn page(command: &clap::Command, name: &str) -> io::Result<String> {
    let mut page = Vec::new();
    let command = command.clone().display_name(name);
    let examples = command.get_before_help().map(ToString::to_string);
    let version = concat!("mcai ", env!("CARGO_PKG_VERSION"));
    Man::new(command)
        .title(name)
        .source(version)
        .manual("mcai")
        .render(&mut page)?;
    if let Some(examples) = examples {
        let lines = examples.lines().skip(1).map(str::trim_start);
        let mut section = Roff::new();
        section.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in lines {
            section.text([roman(line)]);
        }
        section.control("fi", []).to_writer(&mut page)?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}
