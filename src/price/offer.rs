//! Prices side by side: an [`Offer`] is a machine in a region, with what it costs in each capacity. The user's terms are
//! applied, and what can't be true is left out.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use super::terms::{Fixed, OwnMachine, Terms, holds};
use super::{Catalog, Doubt, Key, Price, doubts, is_stale};
use crate::cloud::country::Country;
use crate::cloud::{Capacity, InstanceType, Seller};
use crate::diagnostic::Problem;
use crate::gpu::{self, Gpu};
use crate::value::Usd;

/// A machine that somebody sells, or that the user has.
#[derive(Clone, Debug)]
pub struct Offer {
    pub seller: Seller,
    /// `*` where it is the same everywhere; the name of the cluster for an own machine.
    pub region: String,
    pub country: Option<&'static Country>,
    /// The name of the pool for an own machine.
    pub instance_type: String,
    pub gpu: &'static Gpu,
    /// A fraction where machines share a GPU; nothing where it is not known.
    pub gpus: Option<f64>,
    pub prices: BTreeMap<Capacity, Asked>,
}

/// What is asked for an offer in one capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// For the whole machine and one hour, the user's terms applied.
    pub usd: Usd,
    /// The list's price, where the user's terms changed it.
    pub list: Option<Usd>,
    /// When the list's price was seen; nothing where the user says it.
    pub as_of: Option<Date>,
    pub source: String,
}

/// The source of prices that the user has stated.
pub const YOURS: &str = "yours";

impl Asked {
    /// Returns a price that the user has stated, beside what the list asks, if it does.
    pub(super) fn yours(usd: Usd, instead_of: Option<&Asked>) -> Self {
        let list = instead_of.and_then(|asked| {
            let is_list = asked.source != YOURS;
            asked.list.or(is_list.then_some(asked.usd))
        });
        Asked {
            usd,
            list,
            as_of: None,
            source: YOURS.to_owned(),
        }
    }

    /// Whether the user's own terms made it.
    pub fn is_yours(&self) -> bool {
        self.list.is_some() || self.source == YOURS
    }

    /// Whether it is spot of so long ago that it says nothing about today.
    pub fn is_old_spot(&self, capacity: Capacity, today: Date) -> bool {
        capacity == Capacity::Spot && self.is_stale(capacity, today)
    }

    pub fn is_stale(&self, capacity: Capacity, today: Date) -> bool {
        self.as_of
            .is_some_and(|as_of| is_stale(capacity, as_of, today))
    }
}

impl Offer {
    /// Whether it is a machine of the user's own, on a cloud without regions.
    pub fn is_own(&self) -> bool {
        self.seller.cloud().is_some_and(|cloud| !cloud.has_regions)
    }

    /// Returns what a GPU costs for an hour, rounded to the nano-dollar; nothing where their number is not known.
    pub fn per_gpu(&self, capacity: Capacity) -> Option<Usd> {
        let asked = self.prices.get(&capacity)?;
        self.gpus.map(|gpus| asked.usd.per(gpus))
    }

    /// Returns what a GiB of the GPUs' memory costs for an hour; nothing where their number or memory is not known.
    pub fn per_gib(&self, capacity: Capacity) -> Option<Usd> {
        Some(self.per_gpu(capacity)?.per(self.gpu.memory_gib?))
    }

    /// Returns the seller's table row of the machine; own machines have none.
    pub fn instance(&self) -> Option<&'static InstanceType> {
        self.seller.instance(&self.instance_type)
    }

    /// Returns the lowest price in some capacities, however old.
    pub(super) fn cheapest(&self, among: &[Capacity]) -> Option<Usd> {
        let asked = among
            .iter()
            .filter_map(|capacity| self.prices.get(capacity));
        asked.map(|asked| asked.usd).min()
    }

    /// Returns the cheapest of some capacities that may be compared today: spot that is old may not.
    pub fn best(&self, among: &[Capacity], today: Date) -> Option<(Capacity, Usd)> {
        let compared = among.iter().filter_map(|capacity| {
            let asked = self.prices.get(capacity)?;
            let too_old = asked.is_old_spot(*capacity, today);
            (!too_old).then_some((*capacity, asked.usd))
        });
        compared.min_by_key(|(_, usd)| *usd)
    }
}

/// Which machines are wanted.
pub type Wanted<'a> = HashSet<(Seller, &'a str)>;

/// The catalog and the user's terms, on a day.
pub struct Market<'a> {
    pub catalog: &'a Catalog,
    pub terms: &'a Terms,
    pub today: Date,
}

/// What is to be had, and what was left out because it can't be true.
#[derive(Debug)]
pub struct Offers {
    /// In the order of seller, instance type, region.
    pub offers: Vec<Offer>,
    pub doubts: Vec<Doubt>,
}

impl Market<'_> {
    /// Returns all offers of some instance types, in all regions, own machines not among them.
    pub fn offers(&self, wanted: &Wanted<'_>) -> Result<Offers, Problem> {
        let prices = self.catalog.prices(wanted)?;
        let doubts = doubts(&prices);
        let mut offers: Vec<Offer> = Vec::new();
        for price in prices {
            if doubts.contains_key(&price.key) {
                continue;
            }
            let Some(offer) = self.offer_of(&price.key, &mut offers) else {
                continue;
            };
            let asked = self.asked(offer, &price);
            offer.prices.insert(price.key.capacity, asked);
        }
        self.add_fixed(wanted, &mut offers);
        let doubts = doubts.into_values().collect();
        Ok(Offers { offers, doubts })
    }

    /// Returns the user's own machines as offers.
    pub fn own(&self) -> impl Iterator<Item = Offer> {
        self.terms.own.iter().map(own_offer)
    }

    /// Finds the offer that a price belongs to, the last one or a new one: prices come in the order of their keys.
    fn offer_of<'o>(&self, key: &Key, offers: &'o mut Vec<Offer>) -> Option<&'o mut Offer> {
        let is_same = |last: &Offer| {
            last.seller == key.seller
                && last.instance_type == key.instance_type
                && last.region == key.region
        };
        if !offers.last().is_some_and(is_same) {
            let instance = key.seller.instance(&key.instance_type)?;
            offers.push(offer(key.seller, instance, &key.region)?);
        }
        offers.last_mut()
    }

    /// Applies the user's discounts to the price of a list.
    fn asked(&self, offer: &Offer, price: &Price) -> Asked {
        let capacity = price.key.capacity;
        let discounts = self.terms.discounts.iter().filter(|discount| {
            holds(discount.until, self.today)
                && discount.scope.covers(
                    offer.seller,
                    &offer.region,
                    &offer.instance_type,
                    offer.gpu,
                    capacity,
                )
        });
        let (usd, changed) = discounts.fold((price.usd, false), |(usd, _), discount| {
            (usd.times(1.0 - discount.percent / 100.0), true)
        });
        Asked {
            usd,
            list: changed.then_some(price.usd),
            as_of: Some(price.as_of),
            source: price.source.clone(),
        }
    }

    /// Puts agreed prices in the place of the lists' ones, and adds offers that no list has.
    fn add_fixed(&self, wanted: &Wanted<'_>, offers: &mut Vec<Offer>) {
        let is_wanted = |fixed: &&Fixed| {
            holds(fixed.until, self.today)
                && wanted.contains(&(fixed.cloud, fixed.instance_type.as_str()))
        };
        let mut fixed: Vec<&Fixed> = self.terms.fixed.iter().filter(is_wanted).collect();
        // What is agreed for one region has the last word, wherever it stands.
        fixed.sort_by_key(|fixed| fixed.region.is_some());
        for fixed in fixed {
            apply(fixed, offers);
        }
        fn place(offer: &Offer) -> (Seller, &str, &str) {
            (offer.seller, &offer.instance_type, &offer.region)
        }
        offers.sort_by(|one, other| place(one).cmp(&place(other)));
    }
}

/// Gives the offers that an agreed price is for that price; where there is none in its region, it makes one.
fn apply(fixed: &Fixed, offers: &mut Vec<Offer>) {
    let is_in_region = |offer: &Offer| match &fixed.region {
        Some(region) => *region == offer.region,
        None => true,
    };
    let fits = |offer: &&mut Offer| {
        offer.seller == fixed.cloud
            && offer.instance_type == fixed.instance_type
            && is_in_region(offer)
    };
    let mut found = false;
    for offer in offers.iter_mut().filter(fits) {
        found = true;
        let asked = Asked::yours(fixed.usd, offer.prices.get(&fixed.capacity));
        offer.prices.insert(fixed.capacity, asked);
    }
    let instance = fixed.cloud.instance(&fixed.instance_type);
    if let (false, Some(region), Some(instance)) = (found, &fixed.region, instance)
        && let Some(mut offer) = offer(fixed.cloud, instance, region)
    {
        let asked = Asked::yours(fixed.usd, None);
        offer.prices.insert(fixed.capacity, asked);
        offers.push(offer);
    }
}

fn offer(seller: Seller, instance: &'static InstanceType, region: &str) -> Option<Offer> {
    Some(Offer {
        seller,
        region: region.to_owned(),
        country: seller.country(region),
        instance_type: instance.instance_type.clone(),
        gpu: gpu::by_name(&instance.gpu)?,
        gpus: instance.gpu_count,
        prices: BTreeMap::new(),
    })
}

fn own_offer(machine: &OwnMachine) -> Offer {
    let asked = Asked::yours(machine.usd, None);
    Offer {
        seller: machine.cloud,
        region: machine.cluster.clone(),
        country: Some(machine.country),
        instance_type: machine.pool.clone(),
        gpu: machine.gpu,
        gpus: machine.gpus.map(f64::from),
        prices: BTreeMap::from([(Capacity::OnDemand, asked)]),
    }
}

#[cfg(test)]
mod tests;
