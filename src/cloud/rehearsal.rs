//! Reads a cloud's feeds from servers on this machine, for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::date;

use super::feed::{Access, Prices, Progress, Reading};
use super::{Capacity, Quote, Reason};
use crate::http;
use crate::value::Secret;

/// What is read from where; it is 25 November 2026.
#[derive(Default)]
pub(super) struct Rehearsal {
    addresses: BTreeMap<String, String>,
    feeds: Option<Vec<String>>,
    keys: BTreeMap<&'static str, Secret>,
}

impl Rehearsal {
    /// Puts a feed at an address.
    pub(super) fn at(mut self, feed: &str, url: &str) -> Self {
        self.addresses.insert(feed.to_owned(), url.to_owned());
        self
    }

    /// Gives a feed its key.
    pub(super) fn key(mut self, feed: &'static str, key: &str) -> Self {
        self.keys.insert(feed, Secret::new(key));
        self
    }

    /// Names the only feeds to read.
    pub(super) fn only(mut self, feeds: &[&str]) -> Self {
        self.feeds = Some(feeds.iter().copied().map(str::to_owned).collect());
        self
    }

    /// Returns the reading and what was reported meanwhile.
    pub(super) fn read(self, prices: &dyn Prices) -> (Reading, Vec<Progress>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let seen = RefCell::new(Vec::new());
        let http = http::Client::impatient();
        let access = Access {
            http: &http,
            addresses: &self.addresses,
            feeds: self.feeds.as_deref(),
            keys: &self.keys,
            today: date(2026, 11, 25),
            progress: &|progress| seen.borrow_mut().push(progress),
        };
        let reading = runtime.block_on(prices.read(&access));
        (reading, seen.into_inner())
    }
}

impl Reading {
    /// Returns the prices of a machine as `capacity price`, in the reading's order.
    pub(super) fn prices(&self, instance_type: &str, region: &str) -> Vec<String> {
        let quotes = self.quotes.iter();
        let fits = |quote: &&Quote| quote.instance_type == instance_type && quote.region == region;
        let shown = |quote: &Quote| format!("{} {}", quote.capacity, quote.usd);
        quotes.filter(fits).map(shown).collect()
    }

    /// Returns what was set aside for a reason.
    pub(super) fn aside(&self, reason: Reason) -> Vec<&str> {
        let examples = self.set_aside.0.get(&reason);
        let some = examples.into_iter().flat_map(|examples| &examples.some);
        some.map(|row| row.what.as_str()).collect()
    }

    pub(super) fn covers(&self, capacity: Capacity, region: &str) -> bool {
        let mut covered = self.covered.iter();
        covered.any(|part| {
            part.capacity == capacity && part.region.as_deref().is_none_or(|name| name == region)
        })
    }
}
