//! Google's Cloud Billing Catalog: what the parts of machines cost, region by region. Main type: [`Catalog`].

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::PROVIDER;
use super::bill::Part;
use super::sku::{Rate, Sku};
use crate::cloud::feed::{Access, Feed, Progress, SetAsides};
use crate::cloud::{Capacity, Reason, SetAside};
use crate::diagnostic::{Kind, Problem};
use crate::http;
use crate::value::Secret;

/// Compute Engine's list.
const PATH: &str = "/v1/services/6F81-5844-456A/skus";
/// The most that the API gives at once; it has tens of thousands, of some 1.5 KiB each.
const PAGE_SIZE: &str = "5000";
const LARGEST_PAGE: usize = 64 * 1024 * 1024;
/// A list that never ends has failed.
const MOST_PAGES: usize = 200;

/// Prices of parts, as far as the list is read.
#[derive(Default)]
pub(super) struct Catalog {
    rates: BTreeMap<(Part, Capacity, String), Entry>,
    pub(super) set_aside: SetAsides,
    pub(super) rows: usize,
}

pub(super) enum Entry {
    One(Rate),
    /// The list has different prices for the same.
    Two,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    skus: Vec<Value>,
    #[serde(default)]
    next_page_token: String,
}

impl Catalog {
    /// Reads the whole list. The key is in the query, which `http` shows to nobody.
    pub(super) async fn read(
        &mut self,
        feed: &Feed,
        access: &Access<'_>,
        key: &Secret,
    ) -> Result<(), Problem> {
        let address = format!("{}{PATH}", access.url(feed));
        let mut token = String::new();
        for page in 1..=MOST_PAGES {
            let mut query = vec![
                ("pageSize", PAGE_SIZE),
                ("currencyCode", "USD"),
                ("key", key.reveal()),
            ];
            if page > 1 {
                query.push(("pageToken", &token));
            }
            let url = http::with_query(&address, &query)?;
            let Page {
                skus,
                next_page_token,
            } = access.http.json(&url, LARGEST_PAGE).await?;
            for sku in skus {
                self.take(sku, access.today);
            }
            (access.progress)(Progress {
                feed: feed.id,
                done: page,
                of: None,
                rows: self.rows,
            });
            if next_page_token.is_empty() {
                return self.check(&address);
            }
            token = next_page_token;
        }
        Err(Problem::error(Kind::Protocol, "the list does not end")
            .detail(format!("`{address}` has more than {MOST_PAGES} pages")))
    }

    /// A list that lost all its GPUs is another list, not the end of all prices.
    fn check(&self, address: &str) -> Result<(), Problem> {
        match self.rates.is_empty() {
            true => Err(
                Problem::error(Kind::Protocol, "the answer is not as expected")
                    .detail(format!("`{address}`: no price of a machine with GPUs")),
            ),
            false => Ok(()),
        }
    }

    pub(super) fn take(&mut self, sku: Value, today: Date) {
        self.rows += 1;
        let Ok(sku) = serde_json::from_value::<Sku>(sku) else {
            let what = format!("row {}", self.rows);
            return self.leave(Reason::Malformed, what, "", "");
        };
        let price = match sku.part() {
            None if !sku.has_gpu() => return,
            None => Err(Reason::UnknownInstanceType),
            Some(part) => sku.price(today).map(|price| (part, price)),
        };
        let price = price.and_then(|(part, (capacity, rate))| {
            let known = sku.service_regions.iter();
            let known: Vec<&String> = known
                .filter(|name| PROVIDER.region(name).is_some())
                .collect();
            known.first().ok_or(Reason::UnknownRegion)?;
            for region in known {
                self.add((part, capacity, region.clone()), rate);
            }
            Ok(())
        });
        if let Err(reason) = price {
            let regions = sku.service_regions.join(", ");
            self.leave(
                reason,
                sku.description.clone(),
                &regions,
                &sku.written_price(),
            );
        }
    }

    fn add(&mut self, key: (Part, Capacity, String), rate: Rate) {
        let entry = self.rates.entry(key).or_insert(Entry::One(rate));
        if matches!(entry, Entry::One(known) if *known != rate) {
            *entry = Entry::Two;
        }
    }

    pub(super) fn leave(&mut self, reason: Reason, what: String, region: &str, price: &str) {
        self.set_aside.push(SetAside {
            reason,
            what,
            region: region.to_owned(),
            capacity: None,
            price: price.to_owned(),
        });
    }

    /// Returns the price of one of a part.
    pub(super) fn entry(&self, part: Part, capacity: Capacity, region: &str) -> Option<&Entry> {
        self.rates.get(&(part, capacity, region.to_owned()))
    }
}
