//! Microsoft Azure.

use super::Provider;

pub(super) static PROVIDER: Provider = Provider::new(
    "azure",
    "Microsoft Azure",
    include_str!("../../data/azure/regions.csv"),
    include_str!("../../data/azure/instances.csv"),
);
