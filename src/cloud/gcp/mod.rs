//! Google Cloud.

mod bill;
mod catalog;
mod machine_types;
mod prices;
mod sku;
mod sums;
#[cfg(test)]
mod tests;
mod wording;

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "gcp",
    "Google Cloud",
    Capability::Has(&prices::GcpPrices),
    Tables {
        regions: include_str!("../../../data/gcp/regions.csv"),
        instances: include_str!("../../../data/gcp/instances.csv"),
        prices: include_str!("../../../data/gcp/prices.csv"),
        history: include_str!("../../../data/gcp/history.csv"),
    },
);
