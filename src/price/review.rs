//! What the catalog is worth: prices that can't be true, that wait, that were left out, and how old the others are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::store::LastRefresh;
use super::{Catalog, Doubt, Price, Unusable, doubts};
use crate::cloud::{Capacity, Seller};
use crate::diagnostic::Problem;

/// The catalog as a person should look at it.
#[derive(Debug)]
pub struct Review {
    pub file: Option<PathBuf>,
    pub prices: Vec<Price>,
    pub ages: Vec<Age>,
    pub doubts: Vec<Doubt>,
    pub unusable: Vec<Unusable>,
    pub last: Option<LastRefresh>,
}

/// How old the prices of a seller in one capacity are.
#[derive(Debug)]
pub struct Age {
    pub seller: Seller,
    pub capacity: Capacity,
    pub prices: usize,
    pub oldest: Date,
    pub newest: Date,
    pub is_refreshed: bool,
}

/// Reviews all prices of a catalog. `kept` is where a refresh keeps them: it may have left a report, and no prices.
pub fn review(catalog: &Catalog, kept: Option<&Path>) -> Result<Review, Problem> {
    let (prices, unusable) = catalog.review();
    let last = kept.map(LastRefresh::of).transpose()?.flatten();
    Ok(Review {
        file: catalog.path().map(ToOwned::to_owned),
        ages: ages(&prices, catalog.refreshed()),
        doubts: doubts(&prices).into_values().collect(),
        prices,
        unusable,
        last,
    })
}

impl Review {
    /// Returns the prices that wait to be accepted.
    pub fn held(&self) -> impl Iterator<Item = &Price> {
        self.prices.iter().filter(|price| price.held.is_some())
    }

    /// Whether there is nothing for a person to do.
    pub fn is_well(&self) -> bool {
        self.doubts.is_empty() && self.unusable.is_empty() && self.held().next().is_none()
    }
}

fn ages(prices: &[Price], refreshed: &[Seller]) -> Vec<Age> {
    let mut ages: BTreeMap<(Seller, Capacity), Age> = BTreeMap::new();
    for price in prices {
        let (seller, capacity) = (price.key.seller, price.key.capacity);
        let age = ages.entry((seller, capacity)).or_insert(Age {
            seller,
            capacity,
            prices: 0,
            oldest: price.as_of,
            newest: price.as_of,
            is_refreshed: refreshed.contains(&seller),
        });
        age.prices += 1;
        age.oldest = age.oldest.min(price.as_of);
        age.newest = age.newest.max(price.as_of);
    }
    ages.into_values().collect()
}
