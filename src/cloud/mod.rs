//! The clouds: one row of data each. Everything that only one cloud knows is in its file here and in
//! `data/<id>/`; nothing outside this module names a cloud.

mod aws;
mod azure;
mod bare_metal;
pub mod feed;
mod gcp;
mod near;
mod quote;
#[cfg(test)]
mod rehearsal;
mod seller;

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::text::{embedded_csv, nearest, quoted_list};

pub use near::{near_instances, near_instances_hint};
pub use quote::{Capacity, Quote, Reason, SetAside};
pub use seller::Seller;

/// What is known of one cloud.
pub struct Provider {
    /// As the manifest and `--clouds` name it.
    pub id: &'static str,
    /// As its customers name it.
    pub name: &'static str,
    /// Whether clusters lie in one of the cloud's regions; otherwise they say their country themselves.
    pub has_regions: bool,
    /// What reads the cloud's live prices.
    pub prices: Capability<dyn feed::Prices>,
    regions_csv: &'static str,
    instances_csv: &'static str,
    prices_csv: &'static str,
    history_csv: &'static str,
    regions: OnceLock<Vec<Region>>,
    instances: OnceLock<Vec<InstanceType>>,
}

/// What a cloud can, or the reason why not.
pub enum Capability<T: ?Sized + 'static> {
    Has(&'static T),
    Lacks(&'static str),
}

/// A region of a cloud.
#[derive(Debug, Deserialize)]
pub struct Region {
    /// Only in the table of sellers that are no clouds.
    #[serde(default)]
    seller: String,
    pub region: String,
    /// ISO 3166 alpha-2, lower case.
    pub country: String,
}

/// An instance type with GPUs.
#[derive(Debug, Deserialize)]
pub struct InstanceType {
    /// Only in the table of sellers that are no clouds.
    #[serde(default)]
    seller: String,
    pub instance_type: String,
    /// Canonical name of a GPU kind.
    pub gpu: String,
    /// A fraction where machines share a GPU; nothing where it is not known.
    pub gpu_count: Option<f64>,
    pub vcpus: Option<f64>,
    pub memory_gib: Option<f64>,
    /// Capacities in which it is not sold, whatever a price list says, separated by `;`.
    #[serde(default)]
    not_sold: String,
}

impl InstanceType {
    /// Returns how many GPUs Kubernetes sees on the machine: a part of one counts as one.
    pub fn visible_gpus(&self) -> Option<u32> {
        self.gpu_count.map(|count| count.ceil() as u32)
    }

    pub fn is_sold(&self, capacity: Capacity) -> bool {
        !self.not_sold.split(';').any(|word| word == capacity.word())
    }
}

static PROVIDERS: [&Provider; 4] = [
    &aws::PROVIDER,
    &gcp::PROVIDER,
    &azure::PROVIDER,
    &bare_metal::PROVIDER,
];

/// Returns every cloud that mcai knows.
pub fn providers() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied()
}

/// The embedded tables of a cloud, as they are in `data/<id>/`.
struct Tables {
    regions: &'static str,
    instances: &'static str,
    prices: &'static str,
    history: &'static str,
}

impl Provider {
    const fn new(
        id: &'static str,
        name: &'static str,
        prices: Capability<dyn feed::Prices>,
        tables: Tables,
    ) -> Self {
        Provider {
            id,
            name,
            has_regions: !tables.regions.is_empty(),
            prices,
            regions_csv: tables.regions,
            instances_csv: tables.instances,
            prices_csv: tables.prices,
            history_csv: tables.history,
            regions: OnceLock::new(),
            instances: OnceLock::new(),
        }
    }

    pub fn regions(&self) -> &[Region] {
        self.regions.get_or_init(|| embedded_csv(self.regions_csv))
    }

    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions().iter().find(|region| region.region == name)
    }

    pub fn instances(&self) -> &[InstanceType] {
        self.instances
            .get_or_init(|| embedded_csv(self.instances_csv))
    }

    pub fn instance(&self, name: &str) -> Option<&InstanceType> {
        self.instances()
            .iter()
            .find(|instance| instance.instance_type == name)
    }
}

/// A cloud of the manifest or the command line.
#[derive(Clone, Copy)]
pub struct Cloud(&'static Provider);

impl Cloud {
    /// Returns the cloud's row of the table, for as long as the program runs.
    pub fn provider(self) -> &'static Provider {
        self.0
    }
}

impl std::ops::Deref for Cloud {
    type Target = Provider;

    fn deref(&self) -> &Provider {
        self.0
    }
}

impl FromStr for Cloud {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ids = || PROVIDERS.iter().map(|provider| provider.id);
        PROVIDERS
            .iter()
            .find(|provider| provider.id == text)
            .map(|provider| Cloud(provider))
            .ok_or_else(|| {
                let likely = nearest(text, ids())
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                format!(
                    "`{text}` is not a cloud; known are {}{likely}",
                    quoted_list(ids())
                )
            })
    }
}

impl PartialEq for Cloud {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.id)
    }
}

/// Countries with the groups that residency rules name (`data/countries.csv`).
pub mod country {
    use super::{Deserialize, OnceLock, embedded_csv, quoted_list};

    #[derive(Debug, PartialEq, Deserialize)]
    pub struct Country {
        /// ISO 3166 alpha-2, lower case.
        pub country: String,
        pub name: String,
        groups: String,
    }

    pub fn all() -> &'static [Country] {
        static TABLE: OnceLock<Vec<Country>> = OnceLock::new();
        TABLE.get_or_init(|| embedded_csv(include_str!("../../data/countries.csv")))
    }

    pub fn find(code: &str) -> Option<&'static Country> {
        all().iter().find(|country| country.country == code)
    }

    /// Returns the names of all groups, sorted.
    pub fn groups() -> Vec<&'static str> {
        let mut names: Vec<&str> = all().iter().flat_map(Country::groups).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns every word of a residency rule: the groups, then the countries.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let countries = all().iter().map(|country| country.country.as_str());
        groups().into_iter().chain(countries)
    }

    pub fn is_word(text: &str) -> bool {
        words().any(|word| word == text)
    }

    /// Says that a text is no word of a residency rule.
    pub fn no_word(text: &str) -> String {
        format!(
            "`{text}` is neither a country code nor one of the groups {}",
            quoted_list(groups())
        )
    }

    impl Country {
        pub fn groups(&self) -> impl Iterator<Item = &str> {
            self.groups.split(';').filter(|group| !group.is_empty())
        }

        /// Whether a word of a residency rule, a country or a group, covers this country.
        pub fn is_in(&self, word: &str) -> bool {
            self.country == word || self.groups().any(|group| group == word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_fits_and_refers_to_what_exists() {
        for provider in providers() {
            for region in provider.regions() {
                assert!(country::find(&region.country).is_some(), "{region:?}");
            }
            for instance in provider.instances() {
                assert!(crate::gpu::by_name(&instance.gpu).is_some(), "{instance:?}");
                assert!(instance.gpu_count != Some(0.0), "{instance:?}");
            }
        }
        assert!(
            country::find("nl")
                .is_some_and(|nl| nl.is_in("eu") && nl.is_in("eea") && !nl.is_in("us"))
        );
        assert!(country::find("ch").is_some_and(|ch| !ch.is_in("eu") && ch.is_in("adequate")));
    }
}
