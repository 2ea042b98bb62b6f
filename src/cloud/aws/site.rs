//! The lists behind the price pages of aws.amazon.com: small JSON files, one for each place and way to pay. They are not
//! documented; github.com/yeo/ec2.shop and others read them in the same way.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use serde::Deserialize;

use super::locations::{self, LOCATIONS};
use super::prices::{Patience, Row, as_of};
use crate::cloud::feed::{Access, Coverage, Feed, Progress, Reading};
use crate::cloud::{Capacity, Reason};
use crate::diagnostic::{Kind, Problem};

/// The lists behind the EC2 price pages: on-demand and reserved, a small file for each region.
pub(super) const FEED: Feed = Feed {
    id: "aws-site",
    url: "https://b0.p.awsstatic.com",
    key: None,
};

const ROOT: &str = "pricing/2.0/meteredUnitMaps/ec2/USD/current";
/// Files have less than 1 MiB (1,322 machines in us-east-1 in 2026).
const LARGEST: usize = 16 * 1024 * 1024;
/// Files that are asked for at once.
const AT_ONCE: usize = 6;

/// A kind of list, of which there is one for each place.
struct List {
    /// The address before and after the place.
    before: &'static str,
    after: &'static str,
    capacity: Capacity,
    /// Whether each place has one: not each has old machines, or reserves some.
    is_everywhere: bool,
}

static LISTS: [List; 4] = [
    List {
        before: "ec2-ondemand-without-sec-sel",
        after: "Linux",
        capacity: Capacity::OnDemand,
        is_everywhere: true,
    },
    List {
        before: "ec2-reservedinstance/1%20year/No%20Upfront",
        after: "Linux/Shared",
        capacity: Capacity::Reserved1y,
        is_everywhere: false,
    },
    List {
        before: "ec2-reservedinstance/3%20year/No%20Upfront",
        after: "Linux/Shared",
        capacity: Capacity::Reserved3y,
        is_everywhere: false,
    },
    // Machines move here when AWS stops to show them among the others. Last, as it matters least when the server gives out.
    List {
        before: "previousgen-ondemand",
        after: "Linux",
        capacity: Capacity::OnDemand,
        is_everywhere: false,
    },
];

/// One file of the site.
#[derive(Clone, Copy)]
struct Part {
    list: &'static List,
    region: &'static str,
    location: &'static str,
}

fn parts() -> impl Iterator<Item = Part> {
    LISTS.iter().flat_map(|list| {
        LOCATIONS.iter().map(move |(region, location)| Part {
            list,
            region,
            location,
        })
    })
}

#[derive(Deserialize)]
struct Document {
    manifest: Manifest,
    regions: BTreeMap<String, BTreeMap<String, Item>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    currency_code: String,
    hawk_file_publication_date: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    price: String,
    #[serde(rename = "Instance Type")]
    instance_type: String,
    #[serde(rename = "Instance Family")]
    family: String,
    #[serde(rename = "Operating System")]
    system: String,
    #[serde(rename = "Pre Installed S/W")]
    software: String,
    #[serde(rename = "License Model")]
    license: String,
    #[serde(rename = "Tenancy")]
    tenancy: String,
    #[serde(rename = "PurchaseOption")]
    payment: String,
    #[serde(rename = "LeaseContractLength")]
    length: String,
}

/// Reads all lists; returns also the regions whose on-demand prices could not be read. Old machines and reserved ones are
/// not among these: they are not worth a file of 450 MB.
pub(super) async fn read(access: &Access<'_>) -> (Reading, BTreeSet<&'static str>) {
    let mut site = Site::default();
    let total = parts().count();
    let asked = parts().map(|part| async move { (part, fetch(access, part).await) });
    let mut answers = stream::iter(asked).buffered(AT_ONCE);
    let mut done = 0;
    while let Some((part, answer)) = answers.next().await {
        done += 1;
        match answer {
            Ok(document) => site.take(part, document, access),
            Err(problem) => site.fail(part, problem, total - done),
        }
        (access.progress)(Progress {
            feed: FEED.id,
            done,
            of: Some(total),
            rows: site.reading.rows,
        });
        if site.patience.is_over() {
            let unread = parts().skip(done).map(|part| part.coverage());
            site.failed.extend(unread);
            break;
        }
    }
    site.finish()
}

async fn fetch(access: &Access<'_>, part: Part) -> Result<Document, Problem> {
    let Part { list, location, .. } = part;
    let url = format!(
        "{}/{ROOT}/{}/{}/{}/index.json",
        access.url(&FEED),
        list.before,
        location.replace(' ', "%20"),
        list.after
    );
    let document: Document = access.http.json(&url, LARGEST).await?;
    match document.regions.get(location) {
        Some(items) if !items.is_empty() => Ok(document),
        // What the site would say of a place that it does not know: not that everything there is gone.
        _ => Err(
            Problem::error(Kind::Protocol, "the answer is not as expected")
                .detail(format!("`{url}` has no prices of {location}")),
        ),
    }
}

/// What is read of the site so far.
#[derive(Default)]
struct Site {
    reading: Reading,
    read: BTreeSet<Coverage>,
    failed: BTreeSet<Coverage>,
    /// Regions whose on-demand prices are read, but perhaps not those of old machines.
    said: BTreeSet<&'static str>,
    patience: Patience,
    /// Places without a list that others may have, by the list's address.
    lacking: BTreeMap<&'static str, (usize, Problem)>,
}

impl Part {
    fn coverage(&self) -> Coverage {
        Coverage {
            capacity: self.list.capacity,
            region: Some(self.region.to_owned()),
        }
    }
}

impl Site {
    fn take(&mut self, part: Part, document: Document, access: &Access<'_>) {
        self.patience.renew();
        self.read.insert(part.coverage());
        if part.list.is_everywhere {
            self.said.insert(part.region);
        }
        let published = document.manifest.hawk_file_publication_date.as_deref();
        let as_of = as_of(published, access.today);
        for (location, items) in &document.regions {
            let region = locations::region(location).unwrap_or(location);
            for (name, item) in items {
                let row = item.row(name, region, part.list, &document.manifest);
                row.enter(FEED.id, as_of, &mut self.reading);
            }
        }
    }

    fn fail(&mut self, part: Part, problem: Problem, unread: usize) {
        if problem.kind == Kind::NotFound && !part.list.is_everywhere {
            self.patience.renew();
            let entry = self.lacking.entry(part.list.before);
            entry.or_insert((0, problem)).0 += 1;
            return;
        }
        self.failed.insert(part.coverage());
        self.patience
            .fail(&FEED, problem, unread, &mut self.reading);
    }

    fn finish(mut self) -> (Reading, BTreeSet<&'static str>) {
        // A list that no place has is not lacking: it has moved.
        let gone = self.lacking.into_values();
        let gone = gone.filter(|(places, _)| *places == LOCATIONS.len());
        let gone = gone.map(|(_, problem)| FEED.failure("", problem));
        self.reading.failures.extend(gone);
        self.reading.covered = &self.read - &self.failed;
        let all = LOCATIONS.iter().map(|(region, _)| *region);
        let missed = all.filter(|region| !self.said.contains(region)).collect();
        (self.reading, missed)
    }
}

impl Item {
    fn row<'a>(&'a self, name: &str, region: &'a str, list: &List, manifest: &Manifest) -> Row<'a> {
        let verdict = match manifest.currency_code.as_str() {
            "USD" => self.judge(list.capacity),
            _ => Err(Reason::Currency),
        };
        Row {
            instance_type: &self.instance_type,
            region,
            price: &self.price,
            // Reserved machines have their family in the name alone.
            has_gpus: self.family == "GPU instance" || name.contains(" GPU instance "),
            gpus: None,
            verdict,
        }
    }

    fn judge(&self, capacity: Capacity) -> Result<Capacity, Reason> {
        if self.system != "Linux" {
            return Err(Reason::System);
        }
        let is_plain = matches!(self.software.as_str(), "" | "NA")
            && matches!(self.license.as_str(), "" | "NA" | "No License required");
        if !is_plain {
            return Err(Reason::Extra);
        }
        let length = match capacity {
            Capacity::Reserved1y => "1yr",
            Capacity::Reserved3y => "3yr",
            Capacity::OnDemand | Capacity::Spot => return Ok(capacity),
        };
        match self {
            item if item.tenancy != "Shared" => Err(Reason::Dedicated),
            item if item.payment != "No Upfront" || item.length != length => Err(Reason::Term),
            _ => Ok(capacity),
        }
    }
}
