//! Machines of one's own: no regions and no instance types; a cluster says its country and its GPUs itself.

use super::Provider;

pub(super) static PROVIDER: Provider = Provider::new("bare-metal", "own machines", "", "");
