//! Microsoft Azure.

mod meter;
mod prices;
#[cfg(test)]
mod tests;

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "azure",
    "Microsoft Azure",
    Capability::Has(&prices::RetailPrices),
    Tables {
        regions: include_str!("../../../data/azure/regions.csv"),
        instances: include_str!("../../../data/azure/instances.csv"),
        prices: include_str!("../../../data/azure/prices.csv"),
        history: "",
    },
);
