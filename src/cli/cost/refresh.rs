//! `mcai cost refresh`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::app::{App, interrupted};
use crate::cli::carry::is_confirmed;
use crate::cli::{forms, names};
use crate::cloud::feed::{Access, Feed, Reading};
use crate::cloud::{Cloud, Seller};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::http;
use crate::price::Catalog;
use crate::price::refresh::{Refreshed, Source, accepted, feeds, known, merged, read, sources};
use crate::price::store::Store;
use crate::report::contract::{RefreshResult, RefreshedCloud};
use crate::report::{Format, RefreshText, Watch, refresh_text};
use crate::settings::feed_addresses;
use crate::text;
use crate::value::Secret;

/// Read live prices from the clouds' public lists
///
/// What is read takes the place of the prices that are built in. A price that moves by more than 30 % is held until it is accepted, and a
/// price that a list no longer has is not dropped unasked.
#[derive(Args)]
#[command(help_template = crate::cli::help::LAYOUT, before_help = "\
Examples:
  mcai cost refresh
  mcai cost refresh --clouds aws,gcp --out prices.csv     keep them in the repository
  mcai cost refresh --dry-run -o wide                     what would change
  mcai cost refresh --offline --accept all                take every price that is held")]
pub(super) struct RefreshArgs {
    /// Clouds; all that can be read if none is named
    #[arg(long, value_name = "CLOUD", value_delimiter = ',', add = ArgValueCandidates::new(names::clouds))]
    clouds: Vec<Cloud>,
    /// Read these price lists only, by their ids
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "offline", add = ArgValueCandidates::new(names::feeds))]
    feeds: Option<Vec<String>>,
    /// Write to this file, not to `prices.catalog` of the manifest or the user's data folder
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// Accept a price that is held, by its name, or `all`
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    accept: Vec<String>,
    /// Drop prices that the lists no longer have
    #[arg(long)]
    accept_loss: bool,
    /// Read no list: only accept what is held
    #[arg(long)]
    offline: bool,
    /// Read and compare, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::usual(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &RefreshArgs) -> Result<Exit, Failure> {
    if args.offline && args.accept.is_empty() {
        return Err(
            Problem::error(Kind::Unreachable, "nothing can be refreshed offline")
                .detail("live prices are read from the network")
                .hint("leave out `--offline`, or name what is held with `--accept`")
                .into(),
        );
    }
    let sources = sources(&args.clouds, args.feeds.as_deref())?;
    let path = super::catalog_path(app, args.out.as_deref())?;
    let store = match args.dry_run {
        true => None,
        false => Some(Store::lock(&path, app.host.now())?),
    };
    let catalog = match &store {
        Some(store) => &store.catalog,
        None => &Catalog::at(&path)?,
    };
    catalog.check()?;
    let known = known(catalog, &sources, args.offline)?;
    let accept = accepted(&args.accept, &known)?;
    let clouds = app.block_on(async |interrupt| {
        let work = async {
            let readings = readings(app, args, &sources).await?;
            let mut clouds = merged(known, readings, &accept);
            refuse_losses(app, args, &mut clouds).await;
            Ok(clouds)
        };
        tokio::select! {
            clouds = work => clouds,
            () = interrupt.raised() => Err(interrupted()),
        }
    })?;
    if let Some(store) = &store {
        store.write(&clouds, app.host.today())?;
    }
    answer(app, args, &path, &clouds);
    Ok(exit(&clouds))
}

async fn readings(
    app: &App,
    args: &RefreshArgs,
    sources: &[Source],
) -> Result<BTreeMap<Seller, Reading>, Failure> {
    if args.offline {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<&str> = feeds().map(|feed| feed.id).collect();
    let addresses = feed_addresses(&ids, &app.host)?;
    let key = |feed: &Feed| Some((feed.id, Secret::new(app.host.var(feed.key?)?)));
    let keys = feeds().filter_map(key).collect();
    let http = http::Client::new(&app.host)?;
    let watch = Watch::new(&app.report);
    let access = Access {
        http: &http,
        addresses: &addresses,
        feeds: args.feeds.as_deref(),
        keys: &keys,
        today: app.host.today(),
        progress: &|progress| watch.show(progress),
    };
    Ok(read(sources, &access, &|cloud, reading| {
        watch.ended(cloud, reading)
    })
    .await)
}

/// Keeps clouds as they are that would lose prices, where nobody says that they may. A dry run asks nothing and ends as a run
/// does that nobody can answer.
async fn refuse_losses(app: &App, args: &RefreshArgs, clouds: &mut BTreeMap<Seller, Refreshed>) {
    if args.accept_loss {
        return;
    }
    for (cloud, refreshed) in clouds {
        let is_loss = !refreshed.merged.lost.is_empty();
        if is_loss && (args.dry_run || !may_lose(app, *cloud, refreshed).await) {
            refreshed.refuse_loss(*cloud);
        }
    }
}

async fn may_lose(app: &App, cloud: Seller, refreshed: &Refreshed) -> bool {
    let can_ask = app.host.can_ask() && !app.flags.no_input;
    if !can_ask || app.report.format.is_for_machines() {
        return false;
    }
    let lost = &refreshed.merged.lost;
    for price in lost.iter().take(SHOWN) {
        app.report.say(&format!("  {}", price.key));
    }
    let question = format!(
        "{} of {cloud} {} no longer in its lists. Drop {}?",
        text::count(lost.len(), "price"),
        if lost.len() == 1 { "is" } else { "are" },
        if lost.len() == 1 { "it" } else { "them" },
    );
    is_confirmed(app, &question).await
}

/// So many lost prices are shown before the question.
const SHOWN: usize = 10;

fn answer(app: &App, args: &RefreshArgs, path: &Path, clouds: &BTreeMap<Seller, Refreshed>) {
    let report = &app.report;
    let result = RefreshResult {
        file: path.display().to_string(),
        dry_run: args.dry_run,
        clouds: clouds
            .iter()
            .map(|(cloud, refreshed)| RefreshedCloud::new(*cloud, refreshed, args.dry_run))
            .collect(),
    };
    report.answer(&result, || match report.format {
        Format::Name => {
            let held = clouds.values().flat_map(|refreshed| &refreshed.merged.held);
            held.map(|price| format!("{}\n", price.key)).collect()
        }
        format => {
            let told = RefreshText {
                clouds,
                file: path,
                dry_run: args.dry_run,
                wide: format == Format::Wide,
            };
            refresh_text(&told, &report.out)
        }
    });
    if report.format.is_for_people() {
        let problems = clouds.values().flat_map(Refreshed::problems);
        problems.for_each(|problem| report.problem(problem));
    }
}

/// A cloud that would lose prices has failed as a cluster fails that can't be written; a list that can't be read is like a
/// cluster that can't be read.
fn exit(clouds: &BTreeMap<Seller, Refreshed>) -> Exit {
    let any = |is: fn(&Refreshed) -> bool| clouds.values().any(is);
    let is_stored = clouds.is_empty() || any(Refreshed::is_stored);
    if !is_stored {
        Exit::Error
    } else if any(|refreshed| refreshed.refused.is_some()) {
        Exit::Partly
    } else if any(|refreshed| !refreshed.merged.failures.is_empty()) {
        Exit::Unread
    } else {
        Exit::Reached
    }
}
