//! What a reading of live prices changes in the prices that are known: [`merge`] decides for each row whether it is
//! taken, held for a person's word, or set aside. It is pure, and nothing in it compares each row with each other:
//! maps by key, and the few passes of [`settle`].

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::sanity::alone;
use super::{Accept, Doubt, Held, Key, Price, doubts};
use crate::cloud::feed::{Coverage, Reading, SetAsides, Unread};
use crate::cloud::{Capacity, Quote, Reason, Seller, SetAside};
use crate::diagnostic::Problem;
use crate::value::Usd;

/// A price that moves by more than this part of the last accepted one waits for a person's word: a feed that takes one
/// kind of price for another is off by more, and list prices move by less, or once a year.
pub const FARTHEST_MOVE: f64 = 0.3;

/// A price that another one took the place of.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub old: Price,
    pub new: Price,
}

impl Change {
    /// Returns by which part of the old price it moved: 0.12 is 12 % more.
    pub fn relative(&self) -> f64 {
        moved(self.old.usd, self.new.usd)
    }
}

/// Returns by which part of the old price a new one differs; what was free has moved infinitely.
pub fn moved(old: Usd, new: Usd) -> f64 {
    match old == new {
        true => 0.0,
        false => new.to_f64() / old.to_f64() - 1.0,
    }
}

/// What became of the known prices of a cloud.
#[derive(Debug, Default)]
pub struct Merged {
    /// All prices that are known now, in the order of their keys; those that are lost are not among them.
    pub rows: Vec<Price>,
    pub added: Vec<Price>,
    /// The largest move first.
    pub changed: Vec<Change>,
    /// Rows whose new price waits to be accepted.
    pub held: Vec<Price>,
    /// How many were confirmed.
    pub unchanged: usize,
    /// Rows that the list no longer has.
    pub lost: Vec<Price>,
    pub set_aside: SetAsides,
    /// What could not be read.
    pub failures: Vec<Problem>,
    /// Rows of the lists, of all kinds.
    pub read: usize,
}

impl Merged {
    /// Returns how many rows of the lists were taken.
    pub fn kept(&self) -> usize {
        self.added.len() + self.changed.len() + self.unchanged
    }
}

/// Merges what a cloud's lists say into what is known of it.
pub fn merge(old: Vec<Price>, cloud: Seller, reading: Reading, accept: &Accept) -> Merged {
    let mut merged = Merged {
        set_aside: reading.set_aside,
        failures: reading.failures,
        read: reading.rows,
        ..Merged::default()
    };
    let unread: HashSet<Unread> = merged.set_aside.unread().cloned().collect();
    let (fresh, seen) = quoted(cloud, reading.quotes, &mut merged.set_aside);
    let is_unread = |key: &Key| {
        let of = |capacity| (key.instance_type.clone(), key.region.clone(), capacity);
        !unread.is_empty()
            && (unread.contains(&of(None)) || unread.contains(&of(Some(key.capacity))))
    };
    let (lost, old) = old.into_iter().partition(|price: &Price| {
        let key = &price.key;
        covers(&reading.covered, key) && !seen.contains(key) && !is_unread(key)
    });
    merged.lost = lost;
    let mut rows = paired(old, fresh, accept, &mut merged.set_aside);
    settle(&mut rows, &mut merged.set_aside);
    rows.into_iter().for_each(|row| merged.take(row));
    let size = |change: &Change| change.relative().abs();
    merged
        .changed
        .sort_by(|one, other| size(other).total_cmp(&size(one)));
    merged
}

fn covers(covered: &BTreeSet<Coverage>, key: &Key) -> bool {
    let region = |region| Coverage {
        capacity: key.capacity,
        region,
    };
    covered.contains(&region(None)) || covered.contains(&region(Some(key.region.clone())))
}

/// Returns the prices of the lists that may be true by themselves, and the keys of all that the lists speak of.
fn quoted(
    cloud: Seller,
    quotes: Vec<Quote>,
    set_aside: &mut SetAsides,
) -> (BTreeMap<Key, Price>, HashSet<Key>) {
    let mut found: BTreeMap<Key, BTreeMap<Usd, Price>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for quote in quotes {
        let gpus = quote.gpus;
        let price = price_of(cloud, quote);
        seen.insert(price.key.clone());
        if let Some(reason) = fault(&price, gpus) {
            set_aside.push(aside(&price, reason, price.usd.to_string()));
            continue;
        }
        let alike = found.entry(price.key.clone()).or_default();
        match alike.get_mut(&price.usd) {
            Some(same) => same.as_of = same.as_of.max(price.as_of),
            None => drop(alike.insert(price.usd, price)),
        }
    }
    let mut fresh = BTreeMap::new();
    for (key, mut alike) in found {
        match alike.len() {
            1 => fresh.extend(alike.pop_first().map(|(_, price)| (key, price))),
            // Nobody knows which of them is the price.
            _ => alike.values().for_each(|price| {
                set_aside.push(aside(price, Reason::TwoPrices, price.usd.to_string()));
            }),
        }
    }
    (fresh, seen)
}

fn price_of(seller: Seller, quote: Quote) -> Price {
    Price {
        key: Key {
            seller,
            instance_type: quote.instance_type,
            region: quote.region,
            capacity: quote.capacity,
        },
        usd: quote.usd,
        as_of: quote.as_of,
        source: quote.source.to_owned(),
        held: None,
    }
}

/// Returns what is wrong with a price by itself; `gpus` is what the list says of the machine.
fn fault(price: &Price, gpus: Option<f64>) -> Option<Reason> {
    if let Some((reason, _)) = alone(price) {
        return Some(reason);
    }
    let key = &price.key;
    let known = key.seller.instance(&key.instance_type)?.gpu_count;
    if let (Some(known), Some(said)) = (known, gpus)
        && !is_count(said, known)
    {
        return Some(Reason::GpuCount);
    }
    let region = key.seller.country(&key.region);
    region.is_none().then_some(Reason::UnknownRegion)
}

/// Whether a list's number of GPUs is that of the table. Lists round fractions (a sixth is 0.167) or count a part of one as one.
fn is_count(said: f64, known: f64) -> bool {
    (said - known).abs() < 0.01 || said == known.ceil()
}

fn aside(price: &Price, reason: Reason, words: String) -> SetAside {
    SetAside {
        reason,
        what: format!("{} {}", price.key.instance_type, price.key.capacity),
        region: price.key.region.clone(),
        capacity: Some(price.key.capacity),
        price: words,
    }
}

/// A row before and after.
struct Row {
    old: Option<Price>,
    /// Nothing where a new row was set aside.
    now: Option<Price>,
    /// Whether `now` is news that nobody has accepted before: another price, or the first one.
    is_news: bool,
    /// Whether a list said today what it costs, and it was taken.
    is_fresh: bool,
}

/// Puts what is known beside what the lists say.
fn paired(
    old: Vec<Price>,
    mut fresh: BTreeMap<Key, Price>,
    accept: &Accept,
    set_aside: &mut SetAsides,
) -> Vec<Row> {
    let mut rows = Vec::with_capacity(old.len().max(fresh.len()));
    for old in old {
        let fresh = fresh.remove(&old.key).filter(|fresh| {
            // A copy of a list may be older than what is known already.
            let is_older = fresh.as_of < old.as_of && fresh.usd != old.usd;
            if is_older {
                let words = format!("{} of {}, known of {}", fresh.usd, fresh.as_of, old.as_of);
                set_aside.push(aside(fresh, Reason::NotInForce, words));
            }
            !is_older
        });
        rows.push(updated(old, fresh, accept));
    }
    rows.extend(fresh.into_values().map(|fresh| Row {
        old: None,
        now: Some(fresh),
        is_news: true,
        is_fresh: true,
    }));
    rows.sort_by(|one, other| one.key().cmp(&other.key()));
    rows
}

/// Decides about one known price: a new one that is near takes its place, one that is far waits to be accepted. Accepted is
/// what was held before and so has been seen, or what is near it: not whatever the list says now.
fn updated(old: Price, fresh: Option<Price>, accept: &Accept) -> Row {
    let is_accepted = accept.covers(&old.key);
    let is_far = |from: Usd, to: Usd| moved(from, to).abs() > FARTHEST_MOVE;
    let seen = old.held.as_ref().filter(|_| is_accepted);
    let is_unseen = |usd: Usd| seen.is_none_or(|held| is_far(held.usd, usd));
    let now = match (fresh, &old.held) {
        (None, Some(held)) if is_accepted => Price {
            key: old.key.clone(),
            usd: held.usd,
            as_of: held.as_of,
            source: held.source.clone(),
            held: None,
        },
        (None, _) => return Row::kept(old, None),
        (Some(fresh), _) if is_far(old.usd, fresh.usd) && is_unseen(fresh.usd) => {
            let held = Held {
                usd: fresh.usd,
                as_of: fresh.as_of,
                source: fresh.source,
            };
            return Row::kept(old, Some(held));
        }
        (Some(fresh), _) if fresh.usd == old.usd => {
            let now = Price {
                as_of: fresh.as_of.max(old.as_of),
                source: fresh.source,
                held: None,
                ..old.clone()
            };
            return Row {
                old: Some(old),
                now: Some(now),
                is_news: false,
                is_fresh: true,
            };
        }
        (Some(fresh), _) => fresh,
    };
    Row {
        old: Some(old),
        now: Some(now),
        is_news: true,
        is_fresh: true,
    }
}

impl Row {
    /// Returns a row that stays as it was, but for a price that waits.
    fn kept(old: Price, held: Option<Held>) -> Self {
        let now = Price {
            held: held.or_else(|| old.held.clone()),
            ..old.clone()
        };
        Row {
            old: Some(old),
            now: Some(now),
            is_news: false,
            is_fresh: false,
        }
    }

    fn key(&self) -> Option<&Key> {
        let price = self.old.as_ref().or(self.now.as_ref());
        price.map(|price| &price.key)
    }

    /// Takes the news back.
    fn revert(&mut self) {
        self.now = self.old.clone();
        (self.is_news, self.is_fresh) = (false, false);
    }
}

/// What is taken back may contradict other news: twice is enough in practice, and then all news of an instance type that
/// still contradicts itself goes.
const PASSES: usize = 3;

/// Takes back all news that can't be true beside the other prices, old and new: however many agree, what was accepted stays.
fn settle(rows: &mut [Row], set_aside: &mut SetAsides) {
    let old: Vec<Price> = rows.iter().filter_map(|row| row.old.clone()).collect();
    let already = doubts(&old);
    for pass in 1..=PASSES {
        let now: Vec<Price> = rows.iter().filter_map(|row| row.now.clone()).collect();
        let news: HashSet<&Key> = rows
            .iter()
            .filter_map(|row| row.key().filter(|_| row.is_news))
            .collect();
        let doubted = doubted_news(doubts(&now), &already, &news);
        if doubted.is_empty() {
            return;
        }
        let machines: HashSet<(Seller, String)> = doubted.keys().map(machine).collect();
        for row in rows.iter_mut().filter(|row| row.is_news) {
            let words = row.key().and_then(|key| match doubted.get(key) {
                Some((reason, detail)) => Some((*reason, detail.clone())),
                None if pass == PASSES && machines.contains(&machine(key)) => {
                    Some((Reason::RegionSpread, "beside others that are".to_owned()))
                }
                None => None,
            });
            if let (Some((reason, detail)), Some(now)) = (words, &row.now) {
                set_aside.push(aside(now, reason, detail));
                row.revert();
            }
        }
    }
}

/// Returns the news that a doubt is about, with what is wrong. A known spot price that comes to be above on-demand speaks
/// against the on-demand price that has moved, not against itself.
fn doubted_news(
    doubts: BTreeMap<Key, Doubt>,
    already: &BTreeMap<Key, Doubt>,
    news: &HashSet<&Key>,
) -> BTreeMap<Key, (Reason, String)> {
    let mut found = BTreeMap::new();
    for (key, doubt) in doubts {
        let (reason, detail) = (doubt.reason, doubt.detail);
        if news.contains(&key) {
            // What is wrong with it by itself comes before what it does to another.
            found.insert(key, (reason, detail));
        } else if reason == Reason::SpotAboveOnDemand && !already.contains_key(&key) {
            let capacity = Capacity::OnDemand;
            let on_demand = Key { capacity, ..key };
            if news.contains(&on_demand) {
                found.entry(on_demand).or_insert((reason, detail));
            }
        }
    }
    found
}

fn machine(key: &Key) -> (Seller, String) {
    (key.seller, key.instance_type.clone())
}

impl Merged {
    fn take(&mut self, row: Row) {
        let Some(now) = row.now else { return };
        if now.held.is_some() {
            self.held.push(now.clone());
        }
        match row.old {
            None => self.added.push(now.clone()),
            Some(old) if old.usd != now.usd => self.changed.push(Change {
                old,
                new: now.clone(),
            }),
            Some(_) => self.unchanged += usize::from(row.is_fresh),
        }
        self.rows.push(now);
    }
}

#[cfg(test)]
mod tests;
