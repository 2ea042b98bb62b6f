//! Who sells machines by the hour: the clouds that mcai runs on, and others of whom it only knows prices
//! (`data/others/`).

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use super::country::{self, Country};
use super::{Cloud, InstanceType, PROVIDERS, Provider, Region};
use crate::text::{embedded_csv, nearest, quoted_list};

/// A cloud or another seller, by its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seller(&'static str);

/// What is known of the sellers that are no clouds of mcai's.
struct Others {
    instances: Vec<InstanceType>,
    regions: Vec<Region>,
}

fn others() -> &'static Others {
    static OTHERS: OnceLock<Others> = OnceLock::new();
    OTHERS.get_or_init(|| Others {
        instances: embedded_csv(include_str!("../../data/others/instances.csv")),
        regions: embedded_csv(include_str!("../../data/others/regions.csv")),
    })
}

impl Seller {
    /// Returns the clouds, in the order of their table.
    pub fn clouds() -> impl Iterator<Item = Seller> {
        PROVIDERS.iter().map(|provider| Seller(provider.id))
    }

    /// Returns the sellers that are no clouds, by name.
    pub fn others() -> &'static [Seller] {
        static SELLERS: OnceLock<Vec<Seller>> = OnceLock::new();
        SELLERS.get_or_init(|| {
            let ids = others().instances.iter().map(|row| row.seller.as_str());
            let mut sellers: Vec<Seller> = ids.map(Seller).collect();
            sellers.sort_unstable();
            sellers.dedup();
            sellers
        })
    }

    pub fn id(self) -> &'static str {
        self.0
    }

    /// Returns the cloud, where mcai can run models on it.
    pub fn cloud(self) -> Option<&'static Provider> {
        PROVIDERS.iter().copied().find(|cloud| cloud.id == self.0)
    }

    pub fn instances(self) -> impl Iterator<Item = &'static InstanceType> {
        let own = self.cloud().map_or(&[][..], Provider::instances).iter();
        let of_others = match self.cloud() {
            Some(_) => &[][..],
            None => &others().instances,
        };
        own.chain(of_others.iter().filter(move |row| row.seller == self.0))
    }

    pub fn instance(self, name: &str) -> Option<&'static InstanceType> {
        self.instances().find(|row| row.instance_type == name)
    }

    /// Returns the names of the regions whose country is known.
    pub fn regions(self) -> impl Iterator<Item = &'static str> {
        let own = self.cloud().map_or(&[][..], Provider::regions).iter();
        let of_others = match self.cloud() {
            Some(_) => &[][..],
            None => &others().regions,
        };
        let of_others = of_others.iter().filter(move |row| row.seller == self.0);
        own.chain(of_others).map(|row| row.region.as_str())
    }

    /// Returns the country of a region, where it is known; a price that is the same everywhere has the region `*`.
    pub fn country(self, region: &str) -> Option<&'static Country> {
        let row = match self.cloud() {
            Some(cloud) => cloud.region(region)?,
            None => others()
                .regions
                .iter()
                .find(|row| row.seller == self.0 && row.region == region)?,
        };
        country::find(&row.country)
    }

    /// Returns the embedded prices of a cloud, or of all sellers that are no clouds together.
    pub fn embedded_prices(self) -> &'static str {
        self.cloud()
            .map_or(include_str!("../../data/others/prices.csv"), |cloud| {
                cloud.prices_csv
            })
    }

    /// Returns the embedded history of a cloud's prices.
    pub fn embedded_history(self) -> &'static str {
        self.cloud().map_or("", |cloud| cloud.history_csv)
    }
}

impl From<Cloud> for Seller {
    fn from(cloud: Cloud) -> Self {
        Seller(cloud.provider().id)
    }
}

impl FromStr for Seller {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(cloud) = Seller::clouds().find(|cloud| cloud.0 == text) {
            return Ok(cloud);
        }
        let all = || Seller::clouds().chain(Seller::others().iter().copied());
        let found = all().find(|seller| seller.0 == text);
        found.ok_or_else(|| {
            let ids = || all().map(Seller::id);
            let likely = nearest(text, ids())
                .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            format!(
                "`{text}` sells nothing that mcai knows; known are {}{likely}",
                quoted_list(ids())
            )
        })
    }
}

impl fmt::Debug for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
