//! Machines of one's own: no regions and no instance types; a cluster says its country and its GPUs itself.

use super::{Capability, Provider, Tables};

pub(super) static PROVIDER: Provider = Provider::new(
    "bare-metal",
    "own machines",
    Capability::Lacks("own machines have no price list: the manifest says what they cost"),
    Tables {
        regions: "",
        instances: "",
        prices: "",
        history: "",
    },
);
