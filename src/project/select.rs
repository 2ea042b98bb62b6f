//! Which clusters a placement or an override means, and what a residency rule allows.

use std::collections::BTreeMap;
use std::fmt;

use super::Cluster;
use crate::cloud::Cloud;
use crate::value::{ClusterName, Sourced};

/// Keys that choose clusters; each that is given narrows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    pub clouds: Option<Vec<Cloud>>,
    pub clusters: Option<Vec<ClusterName>>,
    pub stages: Option<Vec<String>>,
    pub labels: BTreeMap<String, String>,
    pub capacity: Option<Vec<String>>,
}

/// Why a cluster is not chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusion {
    /// The key of the manifest that excludes it.
    pub rule: &'static str,
    pub reason: String,
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.reason)
    }
}

impl Selector {
    pub fn admits(&self, cluster: &Cluster) -> bool {
        self.excludes(cluster).is_none()
    }

    pub fn excludes(&self, cluster: &Cluster) -> Option<Exclusion> {
        let no = |rule, reason: String| Some(Exclusion { rule, reason });
        if self
            .clouds
            .as_ref()
            .is_some_and(|clouds| !clouds.contains(&cluster.cloud))
        {
            return no("clouds", format!("{} is not listed", cluster.cloud));
        }
        if self
            .clusters
            .as_ref()
            .is_some_and(|names| !names.contains(&cluster.name))
        {
            return no("clusters", format!("{} is not listed", cluster.name));
        }
        let stage = cluster.stage.as_ref();
        if self
            .stages
            .as_ref()
            .is_some_and(|stages| stage.is_none_or(|stage| !stages.contains(stage)))
        {
            return no(
                "stages",
                stage.map_or("the cluster has no stage".into(), |stage| {
                    format!("{stage} is not listed")
                }),
            );
        }
        if let Some((key, value)) = self
            .labels
            .iter()
            .find(|(key, value)| cluster.labels.get(*key) != Some(*value))
        {
            return no(
                "labels",
                format!("the cluster is not labelled {key}={value}"),
            );
        }
        let has = |capacity: &String| cluster.pools.iter().any(|pool| pool.capacity == *capacity);
        if self
            .capacity
            .as_ref()
            .is_some_and(|wanted| !wanted.iter().any(has))
        {
            return no("capacity", "no pool of the cluster has it".into());
        }
        None
    }
}

/// Where data may be: the model's own rule and the policy's; both hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Residency {
    /// Each a list of countries and groups of which one must cover the cluster's country; empty means no rule.
    pub rules: Vec<Vec<Sourced<String>>>,
}

impl Residency {
    pub fn excludes(&self, cluster: &Cluster) -> Option<Exclusion> {
        let broken = self
            .rules
            .iter()
            .find(|rule| !rule.iter().any(|word| cluster.country.is_in(&word.value)))?;
        let words: Vec<&str> = broken.iter().map(|word| word.value.as_str()).collect();
        let place = cluster.region.as_deref().unwrap_or(cluster.name.as_str());
        let cited = broken
            .first()
            .map_or(String::new(), |word| format!(" ({})", word.origin));
        let reason = format!(
            "{place} is in {} ({}), not in {}{cited}",
            cluster.country.name,
            cluster.country.country,
            words.join(", ")
        );
        Some(Exclusion {
            rule: "residency",
            reason,
        })
    }
}
