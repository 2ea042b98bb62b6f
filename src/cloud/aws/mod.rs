//! Amazon Web Services.

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "aws",
    "Amazon Web Services",
    Capability::Lacks("not read yet"),
    Tables {
        regions: include_str!("../../../data/aws/regions.csv"),
        instances: include_str!("../../../data/aws/instances.csv"),
        prices: include_str!("../../../data/aws/prices.csv"),
        history: "",
    },
);
