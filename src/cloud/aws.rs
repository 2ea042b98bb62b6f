//! Amazon Web Services.

use super::Provider;

pub(super) static PROVIDER: Provider = Provider::new(
    "aws",
    "Amazon Web Services",
    include_str!("../../data/aws/regions.csv"),
    include_str!("../../data/aws/instances.csv"),
);
