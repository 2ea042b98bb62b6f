//! Reading the live prices of several clouds at once, and what a person's words say about them. What they change is `merge`'s
//! to decide, and where it is kept is `store`'s.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Catalog, Key, Merged, Price, merge};
use crate::cloud::feed::{Access, Feed, Prices, Reading};
use crate::cloud::{Capability, Cloud, Seller, providers};
use crate::diagnostic::{Kind, Problem};
use crate::text;

/// A cloud, and what reads its prices.
pub struct Source {
    pub cloud: Seller,
    prices: &'static dyn Prices,
}

/// A cloud after a refresh.
#[derive(Debug)]
pub struct Refreshed {
    pub merged: Merged,
    /// Why its rows stay as they were, if they do.
    pub refused: Option<Problem>,
}

impl Refreshed {
    /// Whether its rows are written, but for a dry run.
    pub fn is_stored(&self) -> bool {
        self.refused.is_none() && !self.is_unread()
    }

    /// Whether lists were asked at all.
    pub fn is_read(&self) -> bool {
        self.merged.read > 0 || !self.merged.failures.is_empty()
    }

    /// Whether nothing at all could be read.
    pub fn is_unread(&self) -> bool {
        self.merged.read == 0 && !self.merged.failures.is_empty()
    }

    /// Keeps the rows of a cloud as they were, as it would lose some.
    pub fn refuse_loss(&mut self, cloud: Seller) {
        let lost = self.merged.lost.len();
        let verb = if lost == 1 { "is" } else { "are" };
        let problem = Problem::error(Kind::Stale, "prices would be lost").detail(format!(
            "{} of `{cloud}` {verb} no longer in its lists; nothing of it was written",
            text::count(lost, "price")
        ));
        self.refused = Some(
            problem
                .hint("look at them with `--dry-run -o wide`, and drop them with `--accept-loss`"),
        );
    }

    /// Returns what stands in the way, and what could not be read.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.merged.failures.iter().chain(&self.refused)
    }
}

/// Returns the feeds of all clouds.
pub fn feeds() -> impl Iterator<Item = &'static Feed> {
    let readable = providers().filter_map(|cloud| match &cloud.prices {
        Capability::Has(prices) => Some(prices.feeds()),
        Capability::Lacks(_) => None,
    });
    readable.flatten()
}

/// Returns what there is to read: the named clouds, else all that can be read; only those of the named feeds, where some are.
pub fn sources(clouds: &[Cloud], named: Option<&[String]>) -> Result<Vec<Source>, Problem> {
    let mut sources = Vec::new();
    for cloud in Seller::clouds() {
        let is_named = clouds.iter().any(|named| named.id == cloud.id());
        match cloud.cloud().map(|provider| &provider.prices) {
            Some(Capability::Lacks(why)) if is_named => {
                return Err(
                    Problem::error(Kind::Settings, "the cloud's prices can't be read")
                        .detail(format!("`{cloud}`: {why}")),
                );
            }
            Some(Capability::Has(prices)) if is_named || clouds.is_empty() => {
                sources.push(Source {
                    cloud,
                    prices: *prices,
                });
            }
            _ => {}
        }
    }
    if let Some(ids) = named {
        keep_named(&mut sources, ids)?;
    }
    Ok(sources)
}

fn keep_named(sources: &mut Vec<Source>, ids: &[String]) -> Result<(), Problem> {
    let has = |source: &Source, id: &str| source.prices.feeds().iter().any(|feed| feed.id == id);
    let of_sources = || sources.iter().flat_map(|source| source.prices.feeds());
    let unknown = ids
        .iter()
        .find(|id| !of_sources().any(|feed| feed.id == *id));
    if let Some(id) = unknown {
        return Err(Problem::error(Kind::Settings, "unknown price list")
            .detail(format!("no list of the clouds is called `{id}`"))
            .suggest_or_list(id, of_sources().map(|feed| feed.id)));
    }
    sources.retain(|source| ids.iter().any(|id| has(source, id)));
    Ok(())
}

/// Reads all of them at once; `ended` is told of each that is done.
pub async fn read(
    sources: &[Source],
    access: &Access<'_>,
    ended: &dyn Fn(Seller, &Reading),
) -> BTreeMap<Seller, Reading> {
    let readings = sources.iter().map(|source| async move {
        let reading = source.prices.read(access).await;
        ended(source.cloud, &reading);
        (source.cloud, reading)
    });
    join_all(readings).await.into_iter().collect()
}

/// Prices that are known of each cloud that is to be refreshed.
pub type Known = BTreeMap<Seller, Vec<Price>>;

/// Returns what is known of the clouds of some sources; `offline` leaves only those of the file, as what is held is there.
pub fn known(catalog: &Catalog, sources: &[Source], offline: bool) -> Result<Known, Problem> {
    let is_asked = |cloud: Seller| {
        let is_source = sources.iter().any(|source| source.cloud == cloud);
        is_source && (!offline || catalog.refreshed().contains(&cloud))
    };
    let clouds = Seller::clouds().filter(|cloud| is_asked(*cloud));
    let mut known: Known = clouds.map(|cloud| (cloud, Vec::new())).collect();
    for row in catalog.all(is_asked)? {
        known.entry(row.key.seller).or_default().push(row);
    }
    Ok(known)
}

/// Which held prices a person has accepted.
#[derive(Clone, Debug, PartialEq)]
pub enum Accept {
    All,
    /// By [`Key`], as it is printed.
    Only(BTreeSet<String>),
}

impl Accept {
    /// Accepts nothing.
    pub fn none() -> Self {
        Accept::Only(BTreeSet::new())
    }

    pub(super) fn covers(&self, key: &Key) -> bool {
        match self {
            Accept::All => true,
            Accept::Only(ids) => !ids.is_empty() && ids.contains(&key.to_string()),
        }
    }
}

/// Reads what a person accepts: `all`, or names of prices that are held.
pub fn accepted(words: &[String], known: &Known) -> Result<Accept, Problem> {
    let ids: Vec<&String> = words.iter().filter(|word| *word != "all").collect();
    if !ids.is_empty() {
        let held = known.values().flatten().filter(|row| row.held.is_some());
        let held: Vec<String> = held.map(|row| row.key.to_string()).collect();
        if let Some(unknown) = ids.iter().find(|id| !held.contains(id)) {
            return Err(
                Problem::error(Kind::Settings, "no price is held by this name")
                    .detail(format!("`{unknown}`"))
                    .suggest(unknown, held.iter().map(String::as_str))
                    .hint("`mcai cost check` lists what is held"),
            );
        }
    }
    Ok(match ids.len() == words.len() {
        true => Accept::Only(ids.into_iter().cloned().collect()),
        false => Accept::All,
    })
}

/// Merges what was read into what is known, cloud by cloud.
pub fn merged(
    known: Known,
    mut readings: BTreeMap<Seller, Reading>,
    accept: &Accept,
) -> BTreeMap<Seller, Refreshed> {
    let clouds = known.into_iter().map(|(cloud, old)| {
        let reading = readings.remove(&cloud).unwrap_or_default();
        let refreshed = Refreshed {
            merged: merge(old, cloud, reading, accept),
            refused: None,
        };
        (cloud, refreshed)
    });
    clouds.collect()
}
