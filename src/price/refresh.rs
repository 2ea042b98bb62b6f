//! Reading the live prices of several clouds at once. What they change is `merge`'s to decide, and where it is kept is
//! `store`'s.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{Merged, Price};
use crate::cloud::feed::{Access, Prices, Reading};
use crate::cloud::{Capability, Cloud, Seller, providers};
use crate::diagnostic::{Kind, Problem};

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

    /// Returns what stands in the way, and what could not be read.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.merged.failures.iter().chain(&self.refused)
    }
}

/// Returns the ids of all feeds.
pub fn feeds() -> Vec<&'static str> {
    let readable = providers().filter_map(|cloud| match &cloud.prices {
        Capability::Has(prices) => Some(prices.feeds()),
        Capability::Lacks(_) => None,
    });
    readable.flatten().map(|feed| feed.id).collect()
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
        let reading = match source.prices.lacks(access) {
            Some(problem) => Reading {
                failures: vec![problem],
                ..Reading::default()
            },
            None => source.prices.read(access).await,
        };
        ended(source.cloud, &reading);
        (source.cloud, reading)
    });
    join_all(readings).await.into_iter().collect()
}

/// Returns the first id that names no known price, as a problem. `is_held` asks for one that waits.
pub fn unknown_id(ids: &[String], rows: &[Price], is_held: bool) -> Option<Problem> {
    let known: Vec<String> = rows
        .iter()
        .filter(|row| !is_held || row.held.is_some())
        .map(|row| row.key.to_string())
        .collect();
    let unknown = ids.iter().find(|id| !known.contains(id))?;
    let summary = match is_held {
        true => "no price is held by this name",
        false => "no price has this name",
    };
    let near = known.iter().map(String::as_str);
    Some(
        Problem::error(Kind::Settings, summary)
            .detail(format!("`{unknown}`"))
            .suggest(unknown, near)
            .hint("`mcai cost check` lists what is held"),
    )
}
