//! Google Cloud.

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "gcp",
    "Google Cloud",
    Capability::Lacks("not read yet"),
    Tables {
        regions: include_str!("../../data/gcp/regions.csv"),
        instances: include_str!("../../data/gcp/instances.csv"),
        prices: include_str!("../../data/gcp/prices.csv"),
        history: include_str!("../../data/gcp/history.csv"),
    },
);
