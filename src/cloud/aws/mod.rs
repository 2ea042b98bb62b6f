//! Amazon Web Services.

mod locations;
mod offer;
mod offer_file;
mod price_list;
mod prices;
mod site;
mod spot;
#[cfg(test)]
mod tests;

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "aws",
    "Amazon Web Services",
    Capability::Has(&prices::AwsPrices),
    Tables {
        regions: include_str!("../../../data/aws/regions.csv"),
        instances: include_str!("../../../data/aws/instances.csv"),
        prices: include_str!("../../../data/aws/prices.csv"),
        history: "",
    },
);
