//! The list of machine types by region at gcloud-compute.com, which Nils Knieling makes from Google's own APIs every week:
//! no key is needed. Main type: [`MachineTypes`].
//!
//! Columns are those of `build/01_create_database.sql` in Cyclenerd/google-cloud-compute-machine-types, as
//! cloudpilot-ai/karpenter-provider-gcp and others read them: `hour` and `hourSpot` by the hour, `month1yCud` and
//! `month3yCud` by the month of 730 hours. Prices are with bundled disks.

use jiff::civil::Date;
use serde::Deserialize;

use super::PROVIDER;
use super::sums::Places;
use crate::cloud::feed::{Access, Feed, Progress, SetAsides};
use crate::cloud::{Capacity, InstanceType, Quote, Reason, SetAside};
use crate::diagnostic::{Kind, Problem};
use crate::value::Usd;

const PATH: &str = "/machine-types-regions.csv";
/// The list has about 10 MB.
const LARGEST_LIST: usize = 128 * 1024 * 1024;
const HOURS_OF_A_MONTH: f64 = 730.0;
const NEEDED: [&str; 4] = ["name", "region", "hour", "hourSpot"];

/// What the list says about machines with accelerators.
#[derive(Default)]
pub(super) struct MachineTypes {
    pub(super) quotes: Vec<Quote>,
    pub(super) set_aside: SetAsides,
    pub(super) rows: usize,
    /// Where which machine is.
    pub(super) places: Places,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    region: String,
    hour: String,
    hour_spot: String,
    #[serde(default)]
    month: String,
    #[serde(default)]
    month1y_cud: String,
    #[serde(default)]
    month3y_cud: String,
    #[serde(default)]
    accelerator_count: String,
}

impl MachineTypes {
    pub(super) async fn read(feed: &'static Feed, access: &Access<'_>) -> Result<Self, Problem> {
        let url = format!("{}{PATH}", access.url(feed));
        let body = access.http.get(&url).await?;
        let as_of = access.day(&body);
        let text = body.whole(LARGEST_LIST).await?;
        let mut list = MachineTypes::default();
        list.parse(&text, feed, as_of).map_err(|problem| Problem {
            detail: format!("`{url}`: {}", problem.detail),
            ..problem
        })?;
        (access.progress)(Progress {
            feed: feed.id,
            done: 1,
            of: Some(1),
            rows: list.rows,
        });
        Ok(list)
    }

    fn parse(&mut self, text: &[u8], feed: &'static Feed, as_of: Date) -> Result<(), Problem> {
        let unexpected = |detail: &str| {
            Problem::error(Kind::Protocol, "the answer is not as expected").detail(detail)
        };
        let mut reader = csv::Reader::from_reader(text);
        let headings = reader.headers().cloned().unwrap_or_default();
        let lacks = |name: &&&str| !headings.iter().any(|heading| heading == **name);
        if let Some(missing) = NEEDED.iter().find(lacks) {
            return Err(unexpected(&format!("no column `{missing}`")));
        }
        for record in reader.records() {
            self.rows += 1;
            let row = record.and_then(|record| record.deserialize::<Row>(Some(&headings)));
            match row {
                Ok(row) => self.take(&row, feed, as_of),
                // Its maker's program writes whole rows only, so what follows may be missing, too.
                Err(_) => return Err(unexpected(&format!("row {} can't be read", self.rows))),
            }
        }
        match self.places.is_empty() {
            true => Err(unexpected("no machine with accelerators")),
            false => Ok(()),
        }
    }

    fn take(&mut self, row: &Row, feed: &'static Feed, as_of: Date) {
        let Some(machine) = PROVIDER.instance(&row.name) else {
            if row.accelerators().is_some() {
                self.leave(Reason::UnknownInstanceType, row, Capacity::OnDemand);
            }
            return;
        };
        if PROVIDER.region(&row.region).is_none() {
            return self.leave(Reason::UnknownRegion, row, Capacity::OnDemand);
        }
        self.places.insert((row.name.clone(), row.region.clone()));
        for capacity in Capacity::ALL {
            match row.price(capacity) {
                Ok(usd) => self.quotes.push(Quote {
                    instance_type: row.name.clone(),
                    region: row.region.clone(),
                    capacity,
                    usd,
                    as_of,
                    source: feed.id,
                    gpus: row.gpus(machine),
                }),
                Err(reason) => self.leave(reason, row, capacity),
            }
        }
    }

    fn leave(&mut self, reason: Reason, row: &Row, capacity: Capacity) {
        self.set_aside.push(SetAside {
            reason,
            what: format!("{} {capacity}", row.name),
            region: row.region.clone(),
            capacity: Some(capacity),
            price: row.columns(capacity).0.to_owned(),
        });
    }
}

impl Row {
    /// Returns how many GPUs or TPUs Google counts on the machine.
    fn accelerators(&self) -> Option<f64> {
        let count: f64 = self.accelerator_count.parse().ok()?;
        (count > 0.0).then_some(count)
    }

    /// Returns the column of a price, and that of the on-demand price for the same time.
    fn columns(&self, capacity: Capacity) -> (&str, &str) {
        match capacity {
            Capacity::OnDemand => (&self.hour, ""),
            Capacity::Spot => (&self.hour_spot, &self.hour),
            Capacity::Reserved1y => (&self.month1y_cud, &self.month),
            Capacity::Reserved3y => (&self.month3y_cud, &self.month),
        }
    }

    fn price(&self, capacity: Capacity) -> Result<Usd, Reason> {
        let (price, on_demand) = self.columns(capacity);
        let usd: Usd = price.parse()?;
        // Where there is no such price, the list repeats the on-demand price (`build/06_add_costs.pl`).
        if on_demand.parse() == Ok(usd) {
            return Err(Reason::NotSold);
        }
        // Rounded to the nearest nano-dollar.
        Ok(match capacity {
            Capacity::OnDemand | Capacity::Spot => usd,
            Capacity::Reserved1y | Capacity::Reserved3y => usd.per(HOURS_OF_A_MONTH),
        })
    }

    /// Returns the GPUs of the row, but for machines with a part of one, where Google counts the whole one.
    fn gpus(&self, machine: &InstanceType) -> Option<f64> {
        let is_part = machine.gpu_count.is_some_and(|count| count < 1.0);
        self.accelerators().filter(|_| !is_part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::embedded_csv;

    fn row(text: &str) -> Row {
        let heading = "name,region,hour,hourSpot,month,month1yCud,month3yCud,acceleratorCount\n";
        let mut reader = csv::Reader::from_reader(heading.as_bytes());
        let headings = reader.headers().expect("headings").clone();
        let record = csv::StringRecord::from_iter(text.split(','));
        record.deserialize(Some(&headings)).expect("a row")
    }

    #[test]
    fn a_price_that_repeats_the_on_demand_price_is_none() {
        let row = row("a2-ultragpu-8g,us-central1,40.5,40.5,29565.0,29565.0,14600,8");
        let usd = |text: &str| text.parse::<Usd>().expect("an amount");
        assert_eq!(row.price(Capacity::OnDemand), Ok(usd("40.5")));
        assert_eq!(row.price(Capacity::Spot), Err(Reason::NotSold));
        assert_eq!(row.price(Capacity::Reserved1y), Err(Reason::NotSold));
        assert_eq!(row.price(Capacity::Reserved3y), Ok(usd("20")));
    }

    #[test]
    fn cells_that_are_no_number_have_their_reason() {
        let row = row("a2-ultragpu-8g,us-central1,N/A,,0.0,0.0,x,8");
        assert_eq!(row.price(Capacity::OnDemand), Err(Reason::NotANumber));
        assert_eq!(row.price(Capacity::Spot), Err(Reason::Blank));
        assert_eq!(row.price(Capacity::Reserved1y), Err(Reason::NotSold));
        assert_eq!(row.price(Capacity::Reserved3y), Err(Reason::NotANumber));
    }

    #[test]
    fn parts_of_gpus_are_not_compared() {
        let table = "instance_type,gpu,gpu_count,vcpus,memory_gib\n\
            g4-standard-6,RTX-PRO-6000-96GB,0.125,6,22\ng4-standard-48,RTX-PRO-6000-96GB,1,48,180\n";
        let machines: Vec<InstanceType> = embedded_csv(table);
        let row = row("g4-standard-6,us-central1,0.6,0.2,1,1,1,1.0");
        assert_eq!(row.gpus(&machines[0]), None);
        assert_eq!(row.gpus(&machines[1]), Some(1.0));
    }

    #[test]
    fn only_machines_with_accelerators_are_counted() {
        let accelerators =
            |count: &str| row(&format!("x,us-central1,1,1,1,1,1,{count}")).accelerators();
        assert_eq!(accelerators("8"), Some(8.0));
        assert_eq!(accelerators("0.0"), None);
        assert_eq!(accelerators(""), None);
    }
}
