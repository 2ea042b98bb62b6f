//! The question of `mcai cost`: which offers there are for some machines, in which order, and what was left out. Kinds of
//! GPUs are never ranked against each other. Main type: [`Query`].

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::civil::Date;

use super::answer::{Answer, Row};
use super::ask::{sellers, who_has};
use super::{Asked, Key, Machine, Market, Offer, Offers};
use crate::cloud::{Capacity, Seller, country::Country};
use crate::diagnostic::{Kind, Problem};
use crate::gpu::Gpu;
use crate::value::Usd;

/// In which order offers of one kind stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// What one GPU costs
    #[default]
    GpuPrice,
    /// What the machine costs
    Price,
    Region,
    /// The name of the instance type
    Instance,
    /// The newest price first
    Age,
}

/// Which offers are asked for.
#[derive(Clone, Debug)]
pub struct Query {
    pub machines: Vec<Machine>,
    pub sellers: Vec<Seller>,
    /// None means all; so for countries.
    pub regions: Vec<String>,
    /// Countries and groups of them, of which one must cover the region.
    pub residency: Vec<String>,
    /// What is compared.
    pub capacities: Vec<Capacity>,
    pub sort: Sort,
    /// Every region, not just the cheapest one of each instance type.
    pub every_region: bool,
    /// What the manifest has chosen: shown whatever it costs.
    pub choices: Vec<Choice>,
}

/// A machine that the manifest has chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Cluster and pool.
    pub name: String,
    pub seller: Seller,
    pub region: String,
    pub country: &'static Country,
    pub instance_type: String,
    pub gpu: &'static Gpu,
    pub gpus: Option<f64>,
    pub bought_as: &'static [Capacity],
    /// What the user says that a node of the pool costs.
    pub usd: Option<Usd>,
}

impl Query {
    /// Answers from the market. A region that nobody has is a problem.
    pub fn answer(&self, market: &Market<'_>) -> Result<Answer, Problem> {
        let found = self.found(market)?;
        for region in &self.regions {
            check_region(region, &found.offers)?;
        }
        let mut answer = Answer {
            rows: Vec::new(),
            doubted: self.doubted(&found),
            other_sellers: Vec::new(),
            nowhere: 0,
            elsewhere: Vec::new(),
        };
        let rows = self.sort_out(&found.offers, &mut answer, market.today);
        answer.rows = match self.every_region {
            true => rows,
            false => cheapest_regions(rows, &self.capacities),
        };
        self.add_choices(&mut answer, &found.offers, market.today);
        answer.rows.sort_by(|one, other| self.compare(one, other));
        Ok(answer)
    }

    /// Returns the offers that fit, and counts in the answer those that do not.
    fn sort_out(&self, offers: &[Offer], answer: &mut Answer, today: Date) -> Vec<Row> {
        let (mut rows, mut others) = (Vec::new(), BTreeSet::new());
        for offer in offers {
            if !self.is_in_region(&offer.region) {
                continue;
            }
            let is_asked = self.sellers.contains(&offer.seller);
            match self.is_in_country(offer.country) {
                Some(true) if is_asked => {
                    rows.push(Row::new(offer.clone(), &self.capacities, today));
                }
                Some(true) => drop(others.insert(offer.seller)),
                None if is_asked => answer.nowhere += 1,
                _ => {}
            }
        }
        answer.other_sellers = others.into_iter().collect();
        rows
    }

    /// Returns all offers of the machines, whoever has them and wherever.
    pub(super) fn found(&self, market: &Market<'_>) -> Result<Offers, Problem> {
        let mut found = market.offers(&who_has(&self.machines).collect())?;
        let is_wanted = |offer: &Offer| {
            let (gpu, name) = (&offer.gpu.name, &offer.instance_type);
            let mut machines = self.machines.iter();
            machines.any(|machine| machine.covers(gpu, offer.gpus, name))
        };
        found.offers.extend(market.own().filter(is_wanted));
        Ok(found)
    }

    /// Returns how many prices can't be true of those that were asked for.
    pub(super) fn doubted(&self, found: &Offers) -> usize {
        let keys = found.doubts.iter().map(|doubt| &doubt.price.key);
        let is_asked = |key: &&Key| {
            let country = key.seller.country(&key.region);
            self.is_asked(key.seller, &key.region, country)
        };
        keys.filter(is_asked).count()
    }

    fn is_in_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|asked| asked == region)
    }

    /// Whether the countries that are asked for cover one; nothing where it is not known.
    fn is_in_country(&self, country: Option<&Country>) -> Option<bool> {
        if self.residency.is_empty() {
            return Some(true);
        }
        let country = country?;
        Some(self.residency.iter().any(|word| country.is_in(word)))
    }

    /// Whether a place is one of those that are asked for.
    pub(super) fn is_asked(&self, seller: Seller, region: &str, country: Option<&Country>) -> bool {
        self.sellers.contains(&seller)
            && self.is_in_region(region)
            && self.is_in_country(country) == Some(true)
    }

    /// Marks what the manifest has chosen, and adds what is not among the rows.
    fn add_choices(&self, answer: &mut Answer, found: &[Offer], today: Date) {
        let rows = &mut answer.rows;
        for choice in &self.choices {
            if !self.is_asked(choice.seller, &choice.region, Some(choice.country)) {
                answer.elsewhere.push(choice.name.clone());
                continue;
            }
            let sold = found.iter().find(|offer| choice.is(offer));
            let offer = choice.offer(sold);
            // A pool with a price of its own is not what the next one there would cost.
            let is_same =
                |row: &&mut Row| choice.is(&row.offer) && row.offer.prices == offer.prices;
            if let Some(row) = rows.iter_mut().find(is_same) {
                row.choices.push(choice.name.clone());
                continue;
            }
            let is_shown = rows.iter().any(|row| choice.is(&row.offer));
            let is_shown_elsewhere = |row: &&mut Row| {
                row.offer.seller == choice.seller && row.offer.instance_type == choice.instance_type
            };
            // Then it is one of the regions that are counted as not shown.
            if sold.is_some()
                && !is_shown
                && let Some(row) = rows.iter_mut().find(is_shown_elsewhere)
            {
                row.more_regions = row.more_regions.saturating_sub(1);
            }
            let mut row = Row::new(offer, &self.capacities, today);
            row.choices.push(choice.name.clone());
            rows.push(row);
        }
    }

    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let by = |key: fn(&Row) -> (bool, Option<Usd>)| key(one).cmp(&key(other));
        let no_price = || one.ranked.is_none().cmp(&other.ranked.is_none());
        let per_gpu = || no_price().then(by(|row| (row.per_gpu().is_none(), row.per_gpu())));
        let price = || by(|row| (row.ranked.is_none(), row.ranked.map(|(_, usd)| usd)));
        let (here, there) = (&one.offer, &other.offer);
        let region = || here.region.cmp(&there.region);
        let instance = || here.instance_type.cmp(&there.instance_type);
        let asked = match self.sort {
            Sort::GpuPrice => per_gpu(),
            Sort::Price => price(),
            Sort::Region => region(),
            Sort::Instance => instance(),
            Sort::Age => no_price().then(other.as_of().cmp(&one.as_of())),
        };
        let kind = here.gpu.name.cmp(&there.gpu.name);
        let rest = || per_gpu().then(price()).then(here.seller.cmp(&there.seller));
        kind.then(asked)
            .then_with(|| rest().then(instance()).then(region()))
    }
}

impl Choice {
    fn is(&self, offer: &Offer) -> bool {
        offer.seller == self.seller
            && offer.region == self.region
            && offer.instance_type == self.instance_type
    }

    /// Returns it as an offer: as it is sold, but for what the user says.
    fn offer(&self, sold: Option<&Offer>) -> Offer {
        let mut offer = sold.cloned().unwrap_or_else(|| self.without_price());
        for (capacity, usd) in self.stated() {
            let asked = Asked::yours(usd, offer.prices.get(&capacity));
            offer.prices.insert(capacity, asked);
        }
        offer
    }

    fn stated(&self) -> impl Iterator<Item = (Capacity, Usd)> {
        let capacities = self.bought_as.iter().copied();
        capacities.filter_map(|capacity| Some((capacity, self.usd?)))
    }

    fn without_price(&self) -> Offer {
        Offer {
            seller: self.seller,
            region: self.region.clone(),
            country: Some(self.country),
            instance_type: self.instance_type.clone(),
            gpu: self.gpu,
            gpus: self.gpus,
            prices: Default::default(),
        }
    }
}

/// Leaves the cheapest region of each instance type, with the number of the others. Where nothing can be compared
/// it is the cheapest by what was asked for, however old; then on demand, then by whatever else is shown.
fn cheapest_regions(rows: Vec<Row>, capacities: &[Capacity]) -> Vec<Row> {
    let key = |row: &Row| {
        let ranked = row.ranked.map(|(_, usd)| usd);
        let shown = [
            ranked,
            row.offer.cheapest(capacities),
            row.offer.cheapest(&[Capacity::OnDemand]),
            row.offer.cheapest(&Capacity::ALL),
        ];
        let mut shown = shown.into_iter().enumerate();
        let first = shown.find_map(|(at, usd)| Some((at, usd?)));
        (first.is_none(), first, row.offer.region.clone())
    };
    let mut kept: Vec<Row> = Vec::new();
    // Offers come by seller and instance type.
    for mut row in rows {
        let is_same = |last: &&mut Row| {
            last.offer.seller == row.offer.seller
                && last.offer.instance_type == row.offer.instance_type
        };
        match kept.last_mut().filter(is_same) {
            // Own machines are of one place each.
            Some(last) if !row.offer.is_own() => {
                row.more_regions = last.more_regions + 1;
                if key(&row) < key(last) {
                    *last = row;
                } else {
                    last.more_regions = row.more_regions;
                }
            }
            _ => kept.push(row),
        }
    }
    kept
}

fn check_region(name: &str, found: &[Offer]) -> Result<(), Problem> {
    let mut known: BTreeSet<&str> = found.iter().map(|offer| offer.region.as_str()).collect();
    for region in sellers().flat_map(Seller::regions) {
        known.insert(region);
    }
    if known.contains(name) {
        return Ok(());
    }
    let problem = Problem::error(Kind::Settings, "unknown region").detail(format!(
        "`{name}` is not a region of a seller that mcai knows"
    ));
    let near: Vec<&str> = known
        .iter()
        .copied()
        .filter(|known| known.contains(name))
        .collect();
    Err(match near.as_slice() {
        [] if crate::text::nearest(name, known.iter().copied()).is_none() => {
            problem.hint("without `--region`, `--all` shows every region that has it")
        }
        [] => problem.suggest(name, known),
        near => problem.hint(format!(
            "regions with that in their name: {}",
            crate::text::quoted_list(near)
        )),
    })
}

#[cfg(test)]
mod tests;
