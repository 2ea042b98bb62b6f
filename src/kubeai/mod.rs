//! What mcai knows of KubeAI: the Model's fields and rules, how one is rendered, resource profiles, and the verdict
//! whether a model serves. Pure: nothing here reads a cluster.
//!
//! Facts are those of KubeAI 0.22.1 and 0.24.0: its CRD `models.kubeai.org/v1`, chart values and recorded behaviour.

pub mod fields;
pub mod profile;
pub mod render;
pub mod rules;
pub mod verdict;

use std::str::FromStr;

/// `apiVersion` of a Model.
pub const API_VERSION: &str = "kubeai.org/v1";
/// The path of KubeAI's API group and version; 404 there means that KubeAI is not installed.
pub const API_PATH: &str = "/apis/kubeai.org/v1";
/// KubeAI's own configuration, in its namespace; key `system.yaml`.
pub const CONFIG_MAP: &str = "kubeai-config";

/// Which table of fields and values applies offline; the server's own CRD decides in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V0_22,
    V0_24,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('v').unwrap_or(text);
        let mut parts = number.split('.');
        let minor = (parts.next() == Some("0"))
            .then(|| parts.next().and_then(|minor| minor.parse::<u32>().ok()))
            .flatten();
        match minor {
            Some(22 | 23) => Ok(Version::V0_22),
            Some(24) => Ok(Version::V0_24),
            _ => Err(format!(
                "`{text}` is not a version of KubeAI that mcai knows: 0.22, 0.23 or 0.24"
            )),
        }
    }
}
