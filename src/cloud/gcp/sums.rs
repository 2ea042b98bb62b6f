//! What machines cost: the sums of their parts' prices, where the machines are. Main type: [`Sums`].

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::PROVIDER;
use super::bill::{Part, bill};
use super::catalog::{Catalog, Entry};
use crate::cloud::feed::{Coverage, Feed};
use crate::cloud::{Capacity, InstanceType, Quote, Reason};
use crate::value::Usd;

/// Machines in regions.
pub(super) type Places = BTreeSet<(String, String)>;

/// The prices of machines, and where every machine's could be made.
pub(super) struct Sums {
    pub(super) quotes: Vec<Quote>,
    pub(super) covered: BTreeSet<Coverage>,
}

impl Catalog {
    /// Returns the prices of the machines that exist in a region: parts have prices where no machine is.
    pub(super) fn sums(&mut self, places: &Places, feed: &Feed, today: Date) -> Sums {
        let mut sums = Sums {
            quotes: Vec::new(),
            covered: markets().map(coverage).collect(),
        };
        for machine in PROVIDER.instances() {
            let Some(parts) = bill(machine) else {
                self.leave(Reason::Incomplete, machine.instance_type.clone(), "*", "");
                // A price that can't be made is not one that is gone: TPUs are in another list.
                sums.covered.retain(|part| !is_in(machine, part, places));
                continue;
            };
            for (region, capacity) in markets() {
                let place = (machine.instance_type.clone(), region.to_owned());
                let what = || format!("{} {capacity}", machine.instance_type);
                match (self.sum(&parts, capacity, region), places.contains(&place)) {
                    (Some(Ok(usd)), true) => {
                        sums.quotes.push(quote(place, capacity, usd, (feed, today)));
                    }
                    (Some(Ok(_)), false) => self.leave(Reason::NotSold, what(), region, ""),
                    (Some(Err(reason)), true) => {
                        sums.covered.remove(&coverage((region, capacity)));
                        self.leave(reason, what(), region, "");
                    }
                    (Some(Err(_)), false) | (None, _) => {}
                }
            }
        }
        sums
    }

    /// Returns the sum of a bill, or nothing where the list has none of its parts.
    fn sum(
        &self,
        bill: &[(Part, f64)],
        capacity: Capacity,
        region: &str,
    ) -> Option<Result<Usd, Reason>> {
        let entry = |part| self.entry(part, capacity, region);
        let found: Vec<_> = bill.iter().map(|&(part, n)| (entry(part), n)).collect();
        if found.iter().all(|(entry, _)| entry.is_none()) {
            return None;
        }
        let costs = found.into_iter().map(|(entry, quantity)| match entry {
            None => Err(Reason::Incomplete),
            Some(Entry::Two) => Err(Reason::TwoPrices),
            Some(Entry::One(rate)) => Ok(rate.times(quantity)),
        });
        Some(costs.sum())
    }
}

fn markets() -> impl Iterator<Item = (&'static str, Capacity)> {
    let regions = PROVIDER.regions().iter().map(|row| row.region.as_str());
    regions.flat_map(|region| Capacity::ALL.map(|capacity| (region, capacity)))
}

fn coverage((region, capacity): (&str, Capacity)) -> Coverage {
    Coverage {
        capacity,
        region: Some(region.to_owned()),
    }
}

fn is_in(machine: &InstanceType, part: &Coverage, places: &Places) -> bool {
    let region = part.region.clone().unwrap_or_default();
    places.contains(&(machine.instance_type.clone(), region))
}

fn quote(place: (String, String), capacity: Capacity, usd: Usd, of: (&Feed, Date)) -> Quote {
    Quote {
        instance_type: place.0,
        region: place.1,
        capacity,
        usd,
        // The catalog is today's; `effectiveTime` only says since when a price has not changed.
        as_of: of.1,
        source: of.0.id,
        // The list has no machines, so no GPU counts.
        gpus: None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    const TODAY: Date = date(2026, 11, 25);
    static FEED: Feed = Feed {
        id: "gcp-billing",
        url: "",
        key: None,
    };

    /// A catalog of SKUs: description, unit, dollars and regions of each.
    fn catalog(skus: &[(&str, &str, f64, &[&str])]) -> Catalog {
        let mut catalog = Catalog::default();
        for (description, unit, usd, regions) in skus {
            let money = json!({"currencyCode": "USD", "nanos": (usd * 1e9).round() as i64});
            let tiers = json!([{"unitPrice": money}]);
            let pricing = json!([{"pricingExpression": {"usageUnit": unit, "tieredRates": tiers}}]);
            let category = json!({"usageType": "OnDemand", "resourceGroup": "GPU"});
            let sku = json!({"description": description, "category": category, "serviceRegions": regions, "pricingInfo": pricing});
            catalog.take(sku, TODAY);
        }
        catalog
    }

    fn places(of: &[(&str, &str)]) -> Places {
        let owned =
            |(machine, region): &(&str, &str)| ((*machine).to_owned(), (*region).to_owned());
        of.iter().map(owned).collect()
    }

    fn prices(sums: &Sums) -> Vec<String> {
        let quotes = sums.quotes.iter();
        let shown =
            |quote: &Quote| format!("{} {} {}", quote.instance_type, quote.region, quote.usd);
        quotes.map(shown).collect()
    }

    fn aside(catalog: &Catalog, reason: Reason) -> Vec<(&str, &str)> {
        let rows = catalog.set_aside.0.get(&reason);
        let some = rows.into_iter().flat_map(|examples| &examples.some);
        some.map(|row| (row.what.as_str(), row.region.as_str()))
            .collect()
    }

    const A3: [(&str, &str, f64, &[&str]); 4] = [
        (
            "A3 Instance Core running in Iowa",
            "h",
            0.029917,
            &["us-central1"],
        ),
        (
            "A3 Instance Ram running in Iowa",
            "GiBy.h",
            0.001729341,
            &["us-central1"],
        ),
        (
            "Nvidia H100 80GB GPU running in Iowa",
            "h",
            9.79655,
            &["us-central1"],
        ),
        (
            "SSD backed Local Storage",
            "GiBy.mo",
            0.08,
            &["us-central1"],
        ),
    ];

    #[test]
    fn a_machine_costs_what_its_parts_cost() {
        let mut catalog = catalog(&A3);
        let here = places(&[("a3-highgpu-8g", "us-central1")]);
        let sums = catalog.sums(&here, &FEED, TODAY);
        // 9.46006 for the host, 78.3724 for 8 GPUs, 0.65753 for 6000 GiB of disks.
        assert_eq!(prices(&sums), ["a3-highgpu-8g us-central1 88.489996599"]);
        assert_eq!(sums.quotes[0].usd.rounded(2), "88.49");
    }

    #[test]
    fn slices_need_nothing_else() {
        let slice = "Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas";
        let mut catalog = catalog(&[(slice, "h", 4.7183, &["us-central1", "us-east1"])]);
        let here = places(&[("a4-highgpu-8g", "us-east1")]);
        let sums = catalog.sums(&here, &FEED, TODAY);
        assert_eq!(prices(&sums), ["a4-highgpu-8g us-east1 37.7464"]);
        assert_eq!(sums.quotes[0].capacity, Capacity::Spot);
        assert_eq!(
            aside(&catalog, Reason::NotSold),
            [("a4-highgpu-8g spot", "us-central1")]
        );
    }

    #[test]
    fn a_price_where_no_machine_is_is_none() {
        let mut catalog = catalog(&A3);
        let elsewhere = places(&[("a3-highgpu-8g", "us-east1")]);
        let sums = catalog.sums(&elsewhere, &FEED, TODAY);
        assert_eq!(prices(&sums), [""; 0]);
        let sizes = aside(&catalog, Reason::NotSold);
        assert_eq!(sizes.len(), 4, "{sizes:?}");
        assert!(sizes.contains(&("a3-highgpu-8g on-demand", "us-central1")));
        assert_eq!(sums.covered.len(), PROVIDER.regions().len() * 4);
    }

    #[test]
    fn a_sum_without_a_part_is_incomplete_rather_than_cheap() {
        let here = places(&[("a3-highgpu-8g", "us-central1")]);
        for (missing, (part, ..)) in A3.iter().enumerate() {
            let mut skus = A3.to_vec();
            skus.remove(missing);
            let mut catalog = catalog(&skus);
            let sums = catalog.sums(&here, &FEED, TODAY);
            assert_eq!(prices(&sums), [""; 0], "without {part}");
            assert!(
                aside(&catalog, Reason::Incomplete)
                    .contains(&("a3-highgpu-8g on-demand", "us-central1"))
            );
            assert_eq!(sums.covered.len(), PROVIDER.regions().len() * 4 - 1);
        }
    }

    #[test]
    fn a_machine_whose_parts_nobody_knows_is_incomplete() {
        let mut catalog = catalog(&A3);
        let here = places(&[("a4x-highgpu-4g", "us-central1")]);
        let sums = catalog.sums(&here, &FEED, TODAY);
        assert_eq!(
            sums.covered.len(),
            (PROVIDER.regions().len() - 1) * Capacity::ALL.len()
        );
        assert!(aside(&catalog, Reason::Incomplete).contains(&("a4x-highgpu-4g", "*")));
    }

    #[test]
    fn two_prices_of_a_part_are_no_price_of_the_machine() {
        let dearer = (
            "Nvidia H100 80GB GPU running in Americas",
            "h",
            9.9,
            A3[2].3,
        );
        let here = places(&[("a3-highgpu-8g", "us-central1")]);
        let mut skus = A3.to_vec();
        skus.push(skus[2]);
        assert_eq!(
            catalog(&skus).sums(&here, &FEED, TODAY).quotes.len(),
            1,
            "twice the same"
        );
        skus.push(dearer);
        let mut catalog = catalog(&skus);
        let sums = catalog.sums(&here, &FEED, TODAY);
        assert_eq!(prices(&sums), [""; 0]);
        assert_eq!(
            aside(&catalog, Reason::TwoPrices),
            [("a3-highgpu-8g on-demand", "us-central1")]
        );
    }

    #[test]
    fn rows_that_are_no_price_of_a_part_have_their_reason() {
        let mut catalog = catalog(&[
            (
                "Nvidia Tesla T4 GPU running in Iowa",
                "h",
                0.35,
                &["us-central1"],
            ),
            ("Nvidia L4 GPU running in Mars", "h", 0.56, &["mars-north1"]),
            (
                "Nvidia L4 GPU attached to DWS Defined Duration VMs running in Iowa",
                "h",
                0.3,
                &["us-central1", "us-east1"],
            ),
        ]);
        catalog.take(json!({"description": 5}), TODAY);
        let t4 = ("Nvidia Tesla T4 GPU running in Iowa", "us-central1");
        assert_eq!(aside(&catalog, Reason::UnknownInstanceType), [t4]);
        let mars = ("Nvidia L4 GPU running in Mars", "mars-north1");
        assert_eq!(aside(&catalog, Reason::UnknownRegion), [mars]);
        let dws = "Nvidia L4 GPU attached to DWS Defined Duration VMs running in Iowa";
        assert_eq!(
            aside(&catalog, Reason::Appointment),
            [(dws, "us-central1, us-east1")]
        );
        assert_eq!(aside(&catalog, Reason::Malformed), [("row 4", "")]);
        assert_eq!(
            catalog.set_aside.0[&Reason::Appointment].some[0].price,
            "0.3 USD"
        );
    }
}
