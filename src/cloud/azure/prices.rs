//! Azure's prices, from its public Retail Prices API: region by region, page by page. Main type: [`RetailPrices`].
//!
//! Regions are asked one by one because a walk through all of them shifts when the list changes meanwhile
//! (dstackai/gpuhunt issue 255).

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use super::PROVIDER;
use super::meter::Meter;
use crate::cloud::feed::{Access, Choice, Coverage, Feed, Prices, Progress, Reading, SetAsides};
use crate::cloud::{Capacity, Quote, Reason, SetAside};
use crate::diagnostic::{Kind, Problem};
use crate::http;
use crate::text::quoted_list;

/// Azure Retail Prices: on-demand, spot and reservations in every region.
static FEEDS: [Feed; 1] = [Feed {
    id: "azure-retail",
    url: "https://prices.azure.com",
    key: None,
}];

/// With more at once the API answers 429.
const IN_FLIGHT: usize = 4;
/// A page has 1000 rows, about 1 MiB.
const LARGEST_PAGE: usize = 32 * 1024 * 1024;
/// A region has 2 to 4 pages; one that never ends has failed.
const MOST_PAGES: usize = 100;
/// More regions than this in one failure help nobody.
const LISTED: usize = 5;
/// Regions of national clouds, which this API does not serve.
const NATIONAL: [&str; 3] = ["china", "usgov", "usdod"];
/// GPU families; `NP` has FPGAs, and `NM` video encoders.
const GPU_FAMILIES: [&str; 4] = ["Standard_NC", "Standard_ND", "Standard_NG", "Standard_NV"];

/// Reads the Azure Retail Prices API.
pub(super) struct RetailPrices;

impl Prices for RetailPrices {
    fn feeds(&self) -> &'static [Feed] {
        &FEEDS
    }

    fn read<'a>(&'a self, access: &'a Access<'a>) -> LocalBoxFuture<'a, Reading> {
        read(access).boxed_local()
    }
}

async fn read(access: &Access<'_>) -> Reading {
    let [feed] = &FEEDS;
    if access.choice(feed) == Choice::LeftOut {
        return Reading::default();
    }
    let regions: Vec<&str> = served_regions().collect();
    let walk = Walk {
        access,
        base: access.url(feed),
        regions: regions.len(),
        done: Cell::new(0),
        rows: Cell::new(0),
        down: RefCell::new(None),
    };
    // In the order of the table, so that two readings of one list are the same.
    let parts = stream::iter(regions).map(|region| walk.region(region));
    let parts: Vec<Part> = parts.buffered(IN_FLIGHT).collect().await;
    together(parts)
}

/// Returns the regions of the public cloud.
pub(super) fn served_regions() -> impl Iterator<Item = &'static str> {
    let names = PROVIDER.regions().iter().map(|row| row.region.as_str());
    names.filter(|name| !NATIONAL.iter().any(|prefix| name.starts_with(prefix)))
}

/// One reading of all regions.
struct Walk<'a> {
    access: &'a Access<'a>,
    base: String,
    regions: usize,
    done: Cell<usize>,
    rows: Cell<usize>,
    /// Why the server can't be reached at all: other regions would only wait for the same.
    down: RefCell<Option<Problem>>,
}

/// What one region has.
struct Part {
    region: &'static str,
    quotes: Vec<Quote>,
    set_aside: SetAsides,
    rows: usize,
    failure: Option<Problem>,
}

/// A page of the API, of whose envelope only this matters.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    items: Vec<Value>,
    next_page_link: Option<String>,
}

impl Walk<'_> {
    async fn region(&self, region: &'static str) -> Part {
        let mut part = Part {
            region,
            quotes: Vec::new(),
            set_aside: SetAsides::default(),
            rows: 0,
            failure: self.down.borrow().clone(),
        };
        if part.failure.is_none() {
            part.failure = self.pages(&mut part).await.err();
        }
        if let Some(problem) = &part.failure
            && matches!(problem.kind, Kind::Unreachable | Kind::Timeout)
            && self.rows.get() == 0
        {
            *self.down.borrow_mut() = Some(problem.clone());
        }
        self.done.set(self.done.get() + 1);
        self.report();
        part
    }

    async fn pages(&self, part: &mut Part) -> Result<(), Problem> {
        let mut address = first_page(&self.base, part.region)?;
        for _ in 0..MOST_PAGES {
            let page: Page = self.access.http.json(&address, LARGEST_PAGE).await?;
            self.rows.set(self.rows.get() + page.items.len());
            for item in page.items {
                part.take(item, self.access);
            }
            let Some(next) = page.next_page_link.filter(|link| !link.is_empty()) else {
                return Ok(());
            };
            self.report();
            address = format!("{}{}", self.base, path_and_query(&next));
        }
        Err(Problem::error(Kind::Protocol, "the list does not end")
            .detail(format!("`{}` has more than {MOST_PAGES} pages", self.base)))
    }

    fn report(&self) {
        (self.access.progress)(Progress {
            feed: FEEDS[0].id,
            done: self.done.get(),
            of: Some(self.regions),
            rows: self.rows.get(),
        });
    }
}

/// Every GPU machine is one of the N series. `or` does not work in these filters (redhat-developer/mapt issue 885), so
/// all ways to pay come at once.
fn first_page(base: &str, region: &str) -> Result<String, Problem> {
    let filter = format!(
        "serviceName eq 'Virtual Machines' and armRegionName eq '{region}' and contains(armSkuName, 'Standard_N')"
    );
    let address = format!("{base}/api/retail/prices");
    let version = ("api-version", "2023-01-01-preview");
    http::with_query(&address, &[version, ("$filter", &filter)])
}

/// Returns a link without its server: the next page comes from where this one came from, which may be a mirror.
fn path_and_query(link: &str) -> &str {
    match link.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => link,
    }
}

impl Part {
    fn take(&mut self, item: Value, access: &Access<'_>) {
        self.rows += 1;
        let Ok(meter) = serde_json::from_value::<Meter>(item) else {
            self.set_aside.push(SetAside {
                reason: Reason::Malformed,
                what: format!("row {}", self.rows),
                region: self.region.to_owned(),
                capacity: None,
                price: String::new(),
            });
            return;
        };
        let name = meter.arm_sku_name.as_deref().unwrap_or_default();
        let is_known = PROVIDER.instance(name).is_some();
        if !is_known && !GPU_FAMILIES.iter().any(|family| name.starts_with(family)) {
            return;
        }
        // A mirror that ignores the filter would give every row to every region.
        let price = if meter.arm_region_name.as_deref() != Some(self.region) {
            Err(Reason::UnknownRegion)
        } else if !is_known {
            Err(Reason::UnknownInstanceType)
        } else {
            meter.price(access.today)
        };
        match price {
            Ok((capacity, usd)) => self.quotes.push(Quote {
                instance_type: name.to_owned(),
                region: self.region.to_owned(),
                capacity,
                usd,
                // The list is today's; `effectiveStartDate` only says since when a price has not changed.
                as_of: access.today,
                source: FEEDS[0].id,
                // The list has no GPU counts.
                gpus: None,
            }),
            Err(reason) => self.set_aside.push(SetAside {
                reason,
                what: meter.what(),
                region: meter.arm_region_name.clone().unwrap_or_default(),
                capacity: meter.capacity().ok(),
                price: meter.written_price(),
            }),
        }
    }
}

fn together(parts: Vec<Part>) -> Reading {
    let mut reading = Reading::default();
    let mut failures: Vec<(Problem, Vec<&str>)> = Vec::new();
    for part in parts {
        reading.rows += part.rows;
        reading.quotes.extend(part.quotes);
        reading.set_aside.extend(part.set_aside);
        match part.failure {
            None => reading.covered.extend(coverage(part.region, part.rows)),
            Some(problem) => match failures.iter_mut().find(|(known, _)| *known == problem) {
                Some((_, regions)) => regions.push(part.region),
                None => failures.push((problem, vec![part.region])),
            },
        }
    }
    let failures = failures.into_iter().map(failure);
    reading.failures.extend(failures);
    reading
}

/// A region without any row is not covered: the API answers so to filters that it does not understand.
fn coverage(region: &str, rows: usize) -> BTreeSet<Coverage> {
    let capacities = Capacity::ALL.into_iter().filter(|_| rows > 0);
    let covered = capacities.map(|capacity| Coverage {
        capacity,
        region: Some(region.to_owned()),
    });
    covered.collect()
}

fn failure((problem, regions): (Problem, Vec<&str>)) -> Problem {
    let names = quoted_list(&regions[..regions.len().min(LISTED)]);
    let part = match regions.len() {
        1 => format!("region {names}"),
        count if count <= LISTED => format!("regions {names}"),
        count => format!("{count} regions, such as {names}"),
    };
    FEEDS[0].failure(&part, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_clouds_are_not_asked() {
        let regions: Vec<&str> = served_regions().collect();
        assert!(regions.contains(&"eastus") && regions.contains(&"brazilsouth"));
        for region in ["chinanorth3", "usgovvirginia", "usdodcentral"] {
            assert!(!regions.contains(&region), "{region}");
        }
    }

    #[test]
    fn links_lose_their_server() {
        for (link, rest) in [
            (
                "https://prices.azure.com:443/api/retail/prices?$skip=1000",
                "/api/retail/prices?$skip=1000",
            ),
            (
                "/api/retail/prices?$skip=1000",
                "/api/retail/prices?$skip=1000",
            ),
            ("https://prices.azure.com", ""),
        ] {
            assert_eq!(path_and_query(link), rest, "{link}");
        }
    }
}
