//! Resource profiles: `name:count` in a Model, the requests of KubeAI's shipped ones, and the names that a live
//! cluster's configuration has.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::diagnostic::Source;
use crate::text::embedded_csv;
use crate::yaml;

/// A Model's `resourceProfile`: a profile and how many units of it, which multiply its requests and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileCount {
    pub name: String,
    pub count: u32,
}

impl FromStr for ProfileCount {
    type Err = String;

    /// KubeAI's controller wants exactly one colon and an integer behind it, though its schema takes any text.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not `name:count`, such as `nvidia-gpu-l4:1`");
        let (name, count) = text.split_once(':').ok_or_else(wrong)?;
        let count = count
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(ProfileCount {
            name: name.to_owned(),
            count,
        })
    }
}

/// What one unit of a shipped profile requests (`data/kubeai/profiles.csv`).
#[derive(Debug, Deserialize)]
pub struct Profile {
    profile: String,
    pub gpus: Option<u32>,
    /// Cores.
    pub cpu: Option<f64>,
    pub memory_gib: Option<f64>,
}

/// Returns a profile that KubeAI ships; a cluster's own configuration may say otherwise.
pub fn shipped(name: &str) -> Option<&'static Profile> {
    static TABLE: OnceLock<Vec<Profile>> = OnceLock::new();
    let table = TABLE.get_or_init(|| embedded_csv(include_str!("../../data/kubeai/profiles.csv")));
    table.iter().find(|profile| profile.profile == name)
}

/// The names that a cluster's `kubeai-config` declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveProfiles {
    pub resource: BTreeSet<String>,
    pub cache: BTreeSet<String>,
}

impl LiveProfiles {
    /// Reads `system.yaml`; `None` when it is not what KubeAI writes.
    pub fn read(system_yaml: &str) -> Option<Self> {
        let source = Arc::new(Source {
            name: "system.yaml".into(),
            text: system_yaml.into(),
        });
        let (node, _) = yaml::parse(&source).ok()?;
        let names = |key: &str| {
            let entries = node.get(key).map_or(&[][..], yaml::Node::entries);
            entries.iter().map(|(key, _)| key.name.clone()).collect()
        };
        node.get("resourceProfiles")?;
        Some(LiveProfiles {
            resource: names("resourceProfiles"),
            cache: names("cacheProfiles"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_name_and_count() {
        assert_eq!(
            "nvidia-gpu-l4:2".parse(),
            Ok(ProfileCount {
                name: "nvidia-gpu-l4".into(),
                count: 2
            })
        );
        for wrong in ["nvidia-gpu-l4", "a:b", "a:1:2", ":1", "a:0", "a:-1"] {
            assert!(wrong.parse::<ProfileCount>().is_err(), "{wrong}");
        }
        assert_eq!(shipped("nvidia-gpu-l4").and_then(|l4| l4.cpu), Some(6.0));
    }

    #[test]
    fn reads_a_live_configuration() {
        let live =
            LiveProfiles::read("resourceProfiles: {cpu: {}, l4: {}}\ncacheProfiles: {}\n").unwrap();
        assert!(live.resource.contains("l4") && live.cache.is_empty());
        assert_eq!(LiveProfiles::read("{}"), None);
    }
}
