//! Which of the feeds of AWS are read, and what is common to them: the site's small lists and the spot list as a rule, and
//! the official but huge price list for what the site fails to say. Main type: [`AwsPrices`].

use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use jiff::civil::Date;

use super::{PROVIDER, price_list, site, spot};
use crate::cloud::feed::{Access, Choice, Feed, Prices, Reading};
use crate::cloud::{Capacity, Quote, Reason, SetAside};
use crate::diagnostic::Problem;
use crate::value::Usd;

pub(super) struct AwsPrices;

static FEEDS: [Feed; 3] = [site::FEED, price_list::FEED, spot::FEED];

impl Prices for AwsPrices {
    fn feeds(&self) -> &'static [Feed] {
        &FEEDS
    }

    fn read<'a>(&'a self, access: &'a Access<'a>) -> LocalBoxFuture<'a, Reading> {
        read(access).boxed_local()
    }
}

async fn read(access: &Access<'_>) -> Reading {
    let mut reading = Reading::default();
    let mut missed = BTreeSet::new();
    if access.choice(&site::FEED) != Choice::LeftOut {
        let on_site;
        (on_site, missed) = site::read(access).await;
        reading.extend(on_site);
    }
    let wanted = match access.choice(&price_list::FEED) {
        Choice::Named => PROVIDER.regions().iter().map(|row| &*row.region).collect(),
        Choice::Usual => missed,
        Choice::LeftOut => BTreeSet::new(),
    };
    if !wanted.is_empty() {
        reading.extend(price_list::read(access, &wanted).await);
    }
    if access.choice(&spot::FEED) != Choice::LeftOut {
        reading.extend(spot::read(access).await);
    }
    reading
}

/// A server that fails so often in a row is not asked for the rest: there are up to 144 files, and each takes a minute to
/// fail.
const MOST_FAILURES: usize = 3;

/// Counts how often a feed failed in a row.
#[derive(Default)]
pub(super) struct Patience {
    failures: usize,
}

impl Patience {
    pub(super) fn renew(&mut self) {
        self.failures = 0;
    }

    pub(super) fn is_over(&self) -> bool {
        self.failures >= MOST_FAILURES
    }

    /// Adds the problem of one file to a reading; the last one says that the files after it are left out.
    pub(super) fn fail(&mut self, feed: &Feed, problem: Problem, unread: usize, to: &mut Reading) {
        match problem.kind.is_about_reach() {
            true => self.failures += 1,
            false => self.renew(),
        }
        let kind = problem.kind;
        to.failures.push(feed.failure("", problem));
        if self.is_over() && unread > 0 {
            let words =
                format!("{MOST_FAILURES} files failed in a row, {unread} more are not asked for");
            let end = Problem::error(kind, "the feed is given up").detail(words);
            to.failures.push(feed.failure("", end));
        }
    }
}

/// A price of a list, as the list has it.
pub(super) struct Row<'a> {
    pub(super) instance_type: &'a str,
    /// A region's code, or a place that is no region.
    pub(super) region: &'a str,
    pub(super) price: &'a str,
    /// Whether the list itself says that the machine has GPUs.
    pub(super) has_gpus: bool,
    pub(super) gpus: Option<f64>,
    /// How the machine is paid for, or why the row is no price of mcai's, by the columns of the list.
    pub(super) verdict: Result<Capacity, Reason>,
}

impl Row<'_> {
    /// Adds the row to the quotes or to what is set aside; rows about machines without GPUs are only counted.
    pub(super) fn enter(self, source: &'static str, as_of: Date, reading: &mut Reading) {
        reading.rows += 1;
        let verdict = match (PROVIDER.instance(self.instance_type), self.verdict) {
            (Some(_), verdict) => verdict,
            (None, Ok(_)) if self.has_gpus => Err(Reason::UnknownInstanceType),
            (None, _) => return,
        };
        let capacity = verdict.ok();
        match verdict.and_then(|capacity| Ok((capacity, self.usd()?))) {
            Ok((capacity, usd)) => reading.quotes.push(Quote {
                instance_type: self.instance_type.to_owned(),
                region: self.region.to_owned(),
                capacity,
                usd,
                as_of,
                source,
                gpus: self.gpus,
            }),
            Err(reason) => reading.set_aside.push(SetAside {
                reason,
                what: self.instance_type.to_owned(),
                region: self.region.to_owned(),
                capacity,
                price: self.price.to_owned(),
            }),
        }
    }

    fn usd(&self) -> Result<Usd, Reason> {
        if PROVIDER.region(self.region).is_none() {
            return Err(Reason::UnknownRegion);
        }
        // How the spot list says that there is no price.
        if self.price.starts_with("N/A") {
            return Err(Reason::Blank);
        }
        Ok(self.price.parse::<Usd>()?)
    }
}

/// AWS publishes these lists anew several times a month, changed or not: one that is older has been frozen, or is a copy.
const FROZEN_AFTER_DAYS: i32 = 90;

/// Returns the day for which a list says its prices: today for a list that is kept current, its own date for a frozen one.
pub(super) fn as_of(published: Option<&str>, today: Date) -> Date {
    let published = published.and_then(|text| text.get(..10)?.parse::<Date>().ok());
    let frozen = published.filter(|date| (today - *date).get_days() > FROZEN_AFTER_DAYS);
    frozen.unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_current_list_is_of_today_and_a_frozen_one_of_its_own_day() {
        let today = date(2026, 11, 25);
        assert_eq!(as_of(Some("2026-09-25T17:45:21Z"), today), today);
        assert_eq!(
            as_of(Some("2024-05-13T00:00:00Z"), today),
            date(2024, 5, 13)
        );
        assert_eq!(as_of(Some("2027-01-01"), today), today);
        for unknown in [None, Some(""), Some("last week"), Some("é́é́é́é́é́")] {
            assert_eq!(as_of(unknown, today), today);
        }
    }
}
