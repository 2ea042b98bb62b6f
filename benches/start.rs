//! How long the program takes when there is nothing to wait for.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::measure::{Line, Times, in_turn, time};
use super::table::{self, Target};

const RUNS: usize = 40;

pub(crate) fn run(kubectl: &Path) -> Result<()> {
    let mcai = env!("CARGO_BIN_EXE_mcai");
    let kubectl = kubectl.display().to_string();
    let [empty, version, check, peer] = in_turn(
        RUNS,
        [
            line(&["/bin/true"]),
            line(&[mcai, "--version"]),
            line(&[mcai, "-C", "examples/quickstart", "check"]),
            line(&[&kubectl, "version", "--client"]),
        ],
    )?;
    table::heading("Start");
    let above = |milliseconds| Target::Above(Duration::from_millis(milliseconds));
    let nothing = "an empty program, `/bin/true`";
    table::compare("`--version`", &version, nothing, &empty, &above(3));
    table::compare("`check` of the example", &check, nothing, &empty, &above(5));
    let peer_name = "`kubectl version --client`";
    let faster = Target::Faster(15.0);
    table::compare("`--version`", &version, peer_name, &peer, &faster);
    table::compare("`check` of the example", &check, peer_name, &peer, &faster);
    for words in [&["terraform", "version"][..], &["helm", "version"]] {
        beside(words, &version)?;
    }
    Ok(())
}

/// Compares with a program of this machine, if it is there.
fn beside(words: &[&str], version: &Times) -> Result<()> {
    let name = format!("`{}`", words.join(" "));
    if time(&mut command(words), &[0]).is_err() {
        table::row(&[
            "`--version`",
            &version.to_string(),
            &format!("{name}: not here"),
            "-",
            "-",
        ]);
        return Ok(());
    }
    let [peer] = in_turn(RUNS / 2, [line(words)])?;
    table::compare("`--version`", version, &name, &peer, &Target::None);
    Ok(())
}

fn line<'a>(words: &'a [&'a str]) -> Line<'a> {
    Box::new(|| time(&mut command(words), &[0]))
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    // Telling of new versions is switched off, for the peers' sake.
    command.args(&words[1..]).env("CHECKPOINT_DISABLE", "1");
    command
}
