//! The clouds: one row of data each. Everything that only one cloud knows is in its file here and in
//! `data/<id>/`; nothing outside this module names a cloud.

mod aws;
mod azure;
mod bare_metal;
mod gcp;

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::text::{embedded_csv, nearest, quoted_list};

/// What is known of one cloud.
pub struct Provider {
    /// As the manifest and `--clouds` name it.
    pub id: &'static str,
    /// As its customers name it.
    pub name: &'static str,
    /// Whether clusters lie in one of the cloud's regions; otherwise they say their country themselves.
    pub has_regions: bool,
    regions_csv: &'static str,
    instances_csv: &'static str,
    regions: OnceLock<Vec<Region>>,
    instances: OnceLock<Vec<InstanceType>>,
}

/// A region of a cloud.
#[derive(Debug, Deserialize)]
pub struct Region {
    pub region: String,
    /// ISO 3166 alpha-2, lower case.
    pub country: String,
}

/// An instance type with GPUs.
#[derive(Debug, Deserialize)]
pub struct InstanceType {
    pub instance_type: String,
    /// Canonical name of a GPU kind.
    pub gpu: String,
    pub gpu_count: u32,
    pub vcpus: Option<f64>,
    pub memory_gib: Option<f64>,
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

impl Provider {
    const fn new(
        id: &'static str,
        name: &'static str,
        regions_csv: &'static str,
        instances_csv: &'static str,
    ) -> Self {
        let has_regions = !regions_csv.is_empty();
        Provider {
            id,
            name,
            has_regions,
            regions_csv,
            instances_csv,
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
    use super::{Deserialize, OnceLock, embedded_csv};

    #[derive(Debug, Deserialize)]
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
                assert!(instance.gpu_count > 0, "{instance:?}");
            }
        }
        assert!(
            country::find("nl")
                .is_some_and(|nl| nl.is_in("eu") && nl.is_in("eea") && !nl.is_in("us"))
        );
        assert!(country::find("ch").is_some_and(|ch| !ch.is_in("eu") && ch.is_in("adequate")));
    }
}
