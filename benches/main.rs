//! mcai beside the tools that people use instead, both sides in the same run. `scripts/bench` brings kubectl and the
//! control planes. It prints tables with ratios and what they should be, and fails for no time: machines differ.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and one that can't go on fails with the place"
)]

#[path = "../tests/it/support/delay.rs"]
mod delay;
#[expect(dead_code, reason = "the bench plays one of the lists")]
#[path = "../tests/it/support/feeds.rs"]
mod feeds;
mod fleet;
mod measure;
mod network;
mod price;
mod start;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let path = |name: &str| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.with_context(|| format!("{name} is not set: run scripts/bench"))
    };
    let kubectl = path("MCAI_TEST_KUBECTL")?;
    // Cargo adds a flag of its own.
    let sections = std::env::args().skip(1).filter(|word| word != "--bench");
    for section in sections {
        let clusters = || path("MCAI_TEST_CLUSTERS");
        match section.as_str() {
            "start" => start::run(&kubectl)?,
            "price" => price::run()?,
            "four" => network::fleet(&kubectl, &clusters()?, 4, 7.0)?,
            "ten" => network::fleet(&kubectl, &clusters()?, 10, 15.0)?,
            "contexts" => network::contexts(&kubectl, &clusters()?, 100)?,
            "hanging" => network::hanging(&kubectl, &clusters()?)?,
            other => bail!("no section `{other}`: start, price, four, ten, contexts, hanging"),
        }
    }
    Ok(())
}
