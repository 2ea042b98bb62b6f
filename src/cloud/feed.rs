//! How a cloud's live prices are read: each cloud has a [`Prices`] that reads its public feeds to a [`Reading`]. A feed only
//! says what its list says; whether a price can be true is `price`'s to judge.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use jiff::civil::Date;

use super::quote::{Capacity, Quote, Reason, SetAside};
use crate::diagnostic::Problem;
use crate::http;
use crate::value::Secret;

/// A public list of prices.
#[derive(Debug)]
pub struct Feed {
    /// Its name as the source of prices and in settings, such as `aws-price-list`.
    pub id: &'static str,
    /// Where it is, without a slash at the end.
    pub url: &'static str,
    /// The variable of the environment with the key that it needs, if it needs one.
    pub key: Option<&'static str>,
}

impl Feed {
    /// Returns why it, or a part of it, could not be read, with its name.
    pub fn failure(&self, part: &str, mut problem: Problem) -> Problem {
        let comma = if part.is_empty() { "" } else { ", " };
        problem.detail = format!("feed `{}`{comma}{part}: {}", self.id, problem.detail);
        problem
    }
}

/// What reads the live prices of one cloud.
pub trait Prices: Sync {
    fn feeds(&self) -> &'static [Feed];

    /// Reads every feed. One that fails is a problem of the reading; the others count.
    fn read<'a>(&'a self, access: &'a Access<'a>) -> LocalBoxFuture<'a, Reading>;
}

/// What reading needs of the world.
pub struct Access<'a> {
    pub http: &'a http::Client,
    /// Addresses that take the place of feeds' own, by their ids.
    pub addresses: &'a BTreeMap<String, String>,
    /// The ids of the only feeds to read, where the user has named some.
    pub feeds: Option<&'a [String]>,
    /// The keys that the user has, by the ids of the feeds that need them.
    pub keys: &'a BTreeMap<&'static str, Secret>,
    pub today: Date,
    pub progress: &'a dyn Fn(Progress),
}

impl Access<'_> {
    /// Returns where a feed is.
    pub fn url(&self, feed: &Feed) -> String {
        let set = self.addresses.get(feed.id).map(String::as_str);
        set.unwrap_or(feed.url).trim_end_matches('/').to_owned()
    }

    /// Returns the day of a list that has no date of its own: that on which it changed last, as a mirror may have stopped. It is
    /// today's where nobody says.
    pub fn day(&self, list: &http::Body) -> Date {
        let modified = list.modified();
        modified.map_or(self.today, |day| day.min(self.today))
    }

    /// Says whether the user wants a feed to be read.
    pub fn choice(&self, feed: &Feed) -> Choice {
        match self.feeds {
            None => Choice::Usual,
            Some(ids) if ids.iter().any(|id| id == feed.id) => Choice::Named,
            Some(_) => Choice::LeftOut,
        }
    }
}

/// Whether a feed is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing was said: it is read if the cloud needs it.
    Usual,
    Named,
    LeftOut,
}

/// How far a feed is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub feed: &'static str,
    /// Parts that are read, and all of them where it is known: regions, pages.
    pub done: usize,
    pub of: Option<usize>,
    pub rows: usize,
}

/// What a cloud's feeds say.
#[derive(Debug, Default)]
pub struct Reading {
    pub quotes: Vec<Quote>,
    /// Rows that were read, of all kinds.
    pub rows: usize,
    pub set_aside: SetAsides,
    /// What was read whole: a known price of it that is not among the quotes is gone from the list.
    pub covered: BTreeSet<Coverage>,
    /// Feeds, or parts of them, that could not be read.
    pub failures: Vec<Problem>,
}

/// A part of the market that a reading covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coverage {
    pub capacity: Capacity,
    /// One region, or all.
    pub region: Option<String>,
}

/// How many rows were set aside for which reason, with some of them as examples: price lists have millions that are about
/// other systems or terms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetAsides(pub BTreeMap<Reason, Examples>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    pub count: usize,
    pub some: Vec<SetAside>,
    /// What all rows are about whose price can't be read: the list speaks of it, so it is not gone.
    unread: BTreeSet<Unread>,
}

/// A machine, its region and, where the row says it, how it is paid for.
pub type Unread = (String, String, Option<Capacity>);

/// More examples of one reason than this help nobody.
const EXAMPLES: usize = 20;

impl Reading {
    /// Adds another part of the reading.
    pub fn extend(&mut self, part: Reading) {
        self.quotes.extend(part.quotes);
        self.rows += part.rows;
        self.set_aside.extend(part.set_aside);
        self.covered.extend(part.covered);
        self.failures.extend(part.failures);
    }
}

impl SetAsides {
    pub fn push(&mut self, row: SetAside) {
        let examples = self.0.entry(row.reason).or_default();
        examples.count += 1;
        if row.reason.is_about_price() {
            // What a row is about begins with the machine.
            let machine = row.what.split([' ', ',']).next().unwrap_or_default();
            let unread = (machine.to_owned(), row.region.clone(), row.capacity);
            examples.unread.insert(unread);
        }
        if examples.some.len() < EXAMPLES {
            examples.some.push(row);
        }
    }

    /// Adds what another part of the reading set aside.
    pub fn extend(&mut self, other: SetAsides) {
        for (reason, more) in other.0 {
            let examples = self.0.entry(reason).or_default();
            examples.count += more.count;
            let room = EXAMPLES.saturating_sub(examples.some.len());
            examples.some.extend(more.some.into_iter().take(room));
            examples.unread.extend(more.unread);
        }
    }

    /// Returns what rows are about whose price can't be read.
    pub fn unread(&self) -> impl Iterator<Item = &Unread> {
        self.0.values().flat_map(|examples| &examples.unread)
    }

    pub fn count(&self) -> usize {
        self.0.values().map(|examples| examples.count).sum()
    }
}
