//! Whether a price can be true, seen beside its neighbours. A price that can't be is never shown as the cheapest, however
//! many others agree with it: a feed that mistakes one kind of price for another is wrong in most regions at once.

use std::collections::{BTreeMap, HashMap};

use super::{Key, Price};
use crate::cloud::{Capacity, Reason, Seller};
use crate::value::Usd;

/// A price that can't be true.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    pub price: Price,
    pub reason: Reason,
    /// What it contradicts, for people.
    pub detail: String,
}

/// The most that one instance type may cost in one region against another of the same cloud. The true maximum of 2026 is
/// 2.0006: Azure in brazilsouth against eastus.
pub const WIDEST_SPREAD: f64 = 2.5;
/// Four spot prices of AWS in July 2026 are above on-demand by this much, from rounding.
const ROUNDING: Usd = Usd::from_nanos(100_000);

/// Returns which prices can't be true. The prices are all that are known of their instance types: a rule compares regions.
pub fn doubts(prices: &[Price]) -> BTreeMap<Key, Doubt> {
    let mut doubts = BTreeMap::new();
    let on_demand: HashMap<(Seller, &str, &str), Usd> = prices
        .iter()
        .filter(|price| price.key.capacity == Capacity::OnDemand)
        .map(|price| (place(&price.key), price.usd))
        .collect();
    let ranges = ranges(prices);
    for price in prices {
        let found = alone(price)
            .or_else(|| above_on_demand(price, &on_demand))
            .or_else(|| spread(price, &ranges));
        if let Some((reason, detail)) = found {
            let price = price.clone();
            let key = price.key.clone();
            let doubt = Doubt {
                price,
                reason,
                detail,
            };
            doubts.insert(key, doubt);
        }
    }
    doubts
}

fn place(key: &Key) -> (Seller, &str, &str) {
    (key.seller, &key.instance_type, &key.region)
}

/// What is wrong with a price by itself.
pub(super) fn alone(price: &Price) -> Option<(Reason, String)> {
    let key = &price.key;
    let Some(instance) = key.seller.instance(&key.instance_type) else {
        return Some((Reason::UnknownInstanceType, key.instance_type.clone()));
    };
    if price.usd == Usd::ZERO {
        Some((Reason::Zero, "no machine is free".to_owned()))
    } else if price.usd < Usd::ZERO {
        Some((Reason::Negative, format!("${}/h", price.usd)))
    } else if !instance.is_sold(key.capacity) {
        let detail = format!("{} is not sold {}", key.instance_type, key.capacity);
        Some((Reason::NotSold, detail))
    } else {
        None
    }
}

fn above_on_demand(
    price: &Price,
    on_demand: &HashMap<(Seller, &str, &str), Usd>,
) -> Option<(Reason, String)> {
    if price.key.capacity != Capacity::Spot {
        return None;
    }
    let most = *on_demand.get(&place(&price.key))?;
    let detail = || format!("spot ${}/h, on-demand ${most}/h", price.usd);
    (most > Usd::ZERO && price.usd > most + ROUNDING).then(|| (Reason::SpotAboveOnDemand, detail()))
}

/// The cheapest and the dearest region of everything that costs about the same everywhere. Spot does not.
type Ranges<'a> = HashMap<(Seller, &'a str, Capacity), [&'a Price; 2]>;

fn ranges(prices: &[Price]) -> Ranges<'_> {
    let mut ranges = Ranges::new();
    let is_compared =
        |price: &&Price| price.key.capacity != Capacity::Spot && price.usd > Usd::ZERO;
    for price in prices.iter().filter(is_compared) {
        let key = (
            price.key.seller,
            price.key.instance_type.as_str(),
            price.key.capacity,
        );
        let [least, most] = ranges.entry(key).or_insert([price, price]);
        if price.usd < least.usd {
            *least = price;
        }
        if price.usd > most.usd {
            *most = price;
        }
    }
    ranges
}

/// Nobody knows which side is wrong: both are doubted.
fn spread(price: &Price, ranges: &Ranges<'_>) -> Option<(Reason, String)> {
    let key = &price.key;
    let [least, most] = ranges.get(&(key.seller, key.instance_type.as_str(), key.capacity))?;
    let ratio = |dear: &Price, cheap: &Price| dear.usd.to_f64() / cheap.usd.to_f64();
    let other = [(most, ratio(most, price)), (least, ratio(price, least))]
        .into_iter()
        .find(|(_, ratio)| *ratio > WIDEST_SPREAD)?;
    let (other, _) = other;
    let detail = format!(
        "${}/h here, ${}/h in {}",
        price.usd, other.usd, other.key.region
    );
    Some((Reason::RegionSpread, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::Catalog;

    /// Makes prices of `cloud type region capacity usd` lines.
    fn prices(lines: &str) -> Vec<Price> {
        let price = |line: &str| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let [seller, instance_type, region, capacity, usd] = cells[..] else {
                panic!("{line}")
            };
            Price {
                key: Key {
                    seller: seller.parse().unwrap(),
                    instance_type: instance_type.to_owned(),
                    region: region.to_owned(),
                    capacity: capacity.parse().unwrap(),
                },
                usd: usd.parse().unwrap(),
                as_of: "2026-11-25".parse().unwrap(),
                source: "test".to_owned(),
                held: None,
            }
        };
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(price)
            .collect()
    }

    fn reasons(lines: &str) -> Vec<(String, Reason)> {
        let doubts = doubts(&prices(lines));
        let named = |doubt: &Doubt| (doubt.price.key.region.clone(), doubt.reason);
        doubts.values().map(named).collect()
    }

    #[test]
    fn nothing_that_is_built_in_is_doubted() {
        let prices = Catalog::embedded().all(|_| true).unwrap();
        let doubts: Vec<_> = doubts(&prices).into_values().collect();
        assert!(doubts.is_empty(), "{doubts:#?}");
    }

    #[test]
    fn nothing_is_free_and_nobody_pays_the_buyer() {
        assert_eq!(
            reasons("aws g6.xlarge us-east-1 on-demand 0\naws g6.xlarge us-east-2 on-demand -0.8"),
            [
                ("us-east-1".to_owned(), Reason::Zero),
                ("us-east-2".to_owned(), Reason::Negative)
            ]
        );
    }

    #[test]
    fn what_is_not_sold_has_no_price() {
        assert_eq!(
            reasons(
                "gcp a3-highgpu-1g us-central1 on-demand 11.06\ngcp a3-highgpu-1g us-central1 spot 6"
            ),
            [("us-central1".to_owned(), Reason::NotSold)]
        );
        let unknown = reasons("azure Standard_NC80s_v4_H200 eastus on-demand 35");
        assert_eq!(
            unknown,
            [("eastus".to_owned(), Reason::UnknownInstanceType)]
        );
    }

    #[test]
    fn spot_is_at_most_on_demand_but_for_rounding() {
        let at = |spot: &str| {
            reasons(&format!(
                "aws g6.xlarge us-east-1 on-demand 0.8048\naws g6.xlarge us-east-1 spot {spot}"
            ))
        };
        assert_eq!(at("0.8049"), []);
        assert_eq!(
            at("0.805"),
            [("us-east-1".to_owned(), Reason::SpotAboveOnDemand)]
        );
    }

    #[test]
    fn regions_may_differ_as_brazil_does_and_no_more() {
        let brazil = |usd: &str| {
            reasons(&format!(
                "azure Standard_NC24rs_v3 eastus on-demand 10
                 azure Standard_NC24rs_v3 brazilsouth on-demand {usd}
                 azure Standard_NC24rs_v3 eastus2 on-demand 15"
            ))
        };
        assert_eq!(brazil("20.006"), []);
        // The two that contradict each other are doubted, the one between them is not.
        assert_eq!(
            brazil("26"),
            [
                ("brazilsouth".to_owned(), Reason::RegionSpread),
                ("eastus".to_owned(), Reason::RegionSpread)
            ]
        );
    }
}
