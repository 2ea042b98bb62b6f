//! The official price list (AWS Price List Bulk API): a CSV file of up to 450 MB for each region. Its addresses and columns
//! are documented under <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::offer_file::{NoOfferFile, OfferFile};
use super::prices::Patience;
use crate::cloud::Capacity;
use crate::cloud::feed::{Access, Coverage, Feed, Progress, Reading};
use crate::diagnostic::Problem;
use crate::http;

/// The official EC2 price list: on-demand and reserved, up to 450 MB for each region; read where `aws-site` fails.
pub(super) const FEED: Feed = Feed {
    id: "aws-price-list",
    url: "https://pricing.us-east-1.amazonaws.com",
    key: None,
};

const ROOT: &str = "offers/v1.0/aws/AmazonEC2/current";
/// The index has about 200 bytes for each of 150 regions and zones.
const LARGEST_INDEX: usize = 4 * 1024 * 1024;
/// What one file has.
const CAPACITIES: [Capacity; 3] = [
    Capacity::OnDemand,
    Capacity::Reserved1y,
    Capacity::Reserved3y,
];

/// The regions that have a file. There are more than in our table: local zones, and `cn-north-1-pkx-1`, which is there by
/// mistake.
#[derive(Deserialize)]
struct Index {
    regions: BTreeMap<String, IgnoredAny>,
}

/// Reads the files of regions, one after another: each alone fills a usual line.
pub(super) async fn read(access: &Access<'_>, wanted: &BTreeSet<&str>) -> Reading {
    let mut reading = Reading::default();
    let root = format!("{}/{ROOT}", access.url(&FEED));
    let index = format!("{root}/region_index.json");
    let index: Index = match access.http.json(&index, LARGEST_INDEX).await {
        Ok(index) => index,
        Err(problem) => {
            reading.failures.push(FEED.failure("", problem));
            return reading;
        }
    };
    let has_file = |region: &&&str| index.regions.contains_key(**region);
    let regions: Vec<&str> = wanted.iter().filter(has_file).copied().collect();
    let mut patience = Patience::default();
    for (done, region) in regions.iter().enumerate() {
        let rows = reading.rows;
        let (part, outcome) = read_file(access, &root, region, |more| {
            tell(access, done, regions.len(), rows + more);
        })
        .await;
        reading.extend(part);
        match outcome {
            Ok(()) => {
                patience.renew();
                reading.covered.extend(coverage(region));
            }
            Err(problem) => {
                let unread = regions.len() - done - 1;
                patience.fail(&FEED, problem, unread, &mut reading);
            }
        }
        tell(access, done + 1, regions.len(), reading.rows);
        if patience.is_over() {
            break;
        }
    }
    reading
}

fn tell(access: &Access<'_>, done: usize, of: usize, rows: usize) {
    (access.progress)(Progress {
        feed: FEED.id,
        done,
        of: Some(of),
        rows,
    });
}

fn coverage(region: &str) -> impl Iterator<Item = Coverage> {
    CAPACITIES.into_iter().map(|capacity| Coverage {
        capacity,
        region: Some(region.to_owned()),
    })
}

/// Reads the file of one region. What was read before it broke off is still what the list says.
async fn read_file(
    access: &Access<'_>,
    root: &str,
    region: &str,
    tell: impl Fn(usize),
) -> (Reading, Result<(), Problem>) {
    let url = format!("{root}/{region}/index.csv");
    let mut file = OfferFile::new(FEED.id, access.today);
    let outcome = stream(access, &url, &mut file, tell).await;
    (file.reading, outcome)
}

/// A file takes minutes: every so many rows it is said how far it is.
const ROWS_BETWEEN_PROGRESS: usize = 50_000;

async fn stream(
    access: &Access<'_>,
    url: &str,
    file: &mut OfferFile,
    tell: impl Fn(usize),
) -> Result<(), Problem> {
    let no_offer_file = |error: NoOfferFile| http::not_as_expected(url, &error);
    let mut told = 0;
    let mut body = access.http.get(url).await?;
    while let Some(piece) = body.chunk().await? {
        file.take(&piece).map_err(no_offer_file)?;
        if file.reading.rows - told >= ROWS_BETWEEN_PROGRESS {
            told = file.reading.rows;
            tell(told);
        }
    }
    file.finish().map_err(no_offer_file)
}
