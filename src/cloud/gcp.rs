//! Google Cloud.

use super::Provider;

pub(super) static PROVIDER: Provider = Provider::new(
    "gcp",
    "Google Cloud",
    include_str!("../../data/gcp/regions.csv"),
    include_str!("../../data/gcp/instances.csv"),
);
