//! What a query finds: offers in their order, each with the price that it stands for. Main types: [`Answer`], [`Row`].

use std::time::Duration;

use jiff::civil::Date;

use super::{Asked, Offer, age_in_days, is_older};
use crate::cloud::{Capacity, Seller};
use crate::diagnostic::{Kind, Problem};
use crate::text::count;
use crate::value::Usd;

/// The offers, and what was left out.
#[derive(Debug)]
pub struct Answer {
    /// By kind, then as asked for; what can't be compared is last.
    pub rows: Vec<Row>,
    /// Prices that can't be true, of those that were asked for.
    pub doubted: usize,
    /// Sellers of such machines that were not asked for.
    pub other_sellers: Vec<Seller>,
    /// Offers in a region whose country is not known, where a country was asked for.
    pub nowhere: usize,
    /// Clusters and pools of the manifest that are not where it was asked for.
    pub elsewhere: Vec<String>,
}

/// An offer in its place among the others.
#[derive(Clone, Debug)]
pub struct Row {
    pub offer: Offer,
    /// What is compared; nothing where there is no such price, or only an old one of spot.
    pub ranked: Option<(Capacity, Usd)>,
    /// Of the prices that were asked for, the day of the one that the row stands for.
    pub judged: Option<(Capacity, Date)>,
    /// Regions with the same instance type that are not shown.
    pub more_regions: usize,
    /// The clusters and pools for which the manifest has chosen it.
    pub choices: Vec<String>,
}

impl Row {
    pub(super) fn new(offer: Offer, capacities: &[Capacity], today: Date) -> Self {
        let ranked = offer.best(capacities, today);
        let seen = |capacity: &Capacity| Some((*capacity, offer.prices.get(capacity)?.as_of?));
        let judged = match ranked {
            Some((capacity, _)) => seen(&capacity),
            None => capacities
                .iter()
                .filter_map(seen)
                .min_by_key(|(_, day)| *day),
        };
        Row {
            ranked,
            judged,
            offer,
            more_regions: 0,
            choices: Vec::new(),
        }
    }

    /// Returns what is compared for one GPU; nothing where their number is not known.
    pub fn per_gpu(&self) -> Option<Usd> {
        let (capacity, _) = self.ranked?;
        self.offer.per_gpu(capacity)
    }

    /// Returns the oldest day of what the row stands for, else of all that it shows.
    pub fn as_of(&self) -> Option<Date> {
        let all = || self.offer.prices.values().filter_map(|asked| asked.as_of);
        match self.ranked {
            Some(_) => self.judged.map(|(_, day)| day),
            None => all().min(),
        }
    }

    pub fn price(&self, capacity: Capacity) -> Option<&Asked> {
        self.offer.prices.get(&capacity)
    }
}

impl Answer {
    /// Returns the age in days of the oldest price that is compared.
    pub fn oldest(&self, today: Date) -> Option<i64> {
        let compared = self.rows.iter().filter(|row| row.ranked.is_some());
        let days = compared.filter_map(|row| row.judged);
        days.map(|(_, day)| age_in_days(day, today)).max()
    }

    /// Refuses the answer if a compared price is older than somebody allows.
    pub fn check_age(&self, today: Date, most: Duration, by: &str) -> Result<(), Problem> {
        let rows = self.rows.iter();
        let judged: Vec<(&Row, Date)> = rows.filter_map(|row| Some((row, row.judged?.1))).collect();
        let old = || judged.iter().filter(|(_, day)| is_older(*day, today, most));
        let Some((oldest, day)) = old().min_by_key(|(_, day)| *day) else {
            return Ok(());
        };
        let offer = &oldest.offer;
        let detail = format!(
            "older than {by} allows: {} of {}; the oldest is of {day}: {} `{}` in {}",
            old().count(),
            count(judged.len(), "compared price"),
            offer.seller,
            offer.instance_type,
            offer.region
        );
        Err(Problem::error(Kind::PriceAge, "prices are too old")
            .detail(detail)
            .hint("`mcai cost refresh` reads new ones"))
    }

    /// Whether spot was asked for and is there, but too old to be compared.
    pub fn has_old_spot(&self) -> bool {
        let is_spot = |row: &Row| matches!(row.judged, Some((Capacity::Spot, _)));
        let mut old = self.rows.iter().filter(|row| row.ranked.is_none());
        old.any(is_spot)
    }

    /// Returns, in words, how many prices can't be true, if any can't.
    pub fn doubted_words(doubted: usize) -> Option<String> {
        let they = match doubted {
            0 => return None,
            1 => "it",
            _ => "they",
        };
        let prices = count(doubted, "price");
        Some(format!("{prices} left out, as {they} can't be true"))
    }

    /// Returns how many regions are not shown.
    pub fn more_regions(&self) -> usize {
        self.rows.iter().map(|row| row.more_regions).sum()
    }
}
