//! What the user pays otherwise than the lists say: discounts, fixed prices, own machines.

use jiff::civil::Date;

use crate::cloud::country::Country;
use crate::cloud::{Capacity, Seller};
use crate::gpu::Gpu;
use crate::value::Usd;

/// The user's terms, from the manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Each applies to what is left by those before it; all that fit count.
    pub discounts: Vec<Discount>,
    /// Take the place of the lists' prices; no discount applies to them.
    pub fixed: Vec<Fixed>,
    pub own: Vec<OwnMachine>,
}

/// What a discount is for: each list that is there narrows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    pub clouds: Option<Vec<Seller>>,
    pub regions: Option<Vec<String>>,
    pub instance_types: Option<Vec<String>>,
    pub gpus: Option<Vec<&'static Gpu>>,
    pub capacities: Option<Vec<Capacity>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Discount {
    pub scope: Scope,
    /// Above 0, below 100.
    pub percent: f64,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

/// A price that was agreed for one kind of machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixed {
    pub cloud: Seller,
    pub instance_type: String,
    /// One region, or all.
    pub region: Option<String>,
    pub capacity: Capacity,
    pub usd: Usd,
    pub until: Option<Date>,
}

/// Machines of the user's own, on no cloud, with what one of them costs for an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnMachine {
    /// The one without regions.
    pub cloud: Seller,
    /// The cluster and the pool that they are.
    pub cluster: String,
    pub pool: String,
    pub country: &'static Country,
    pub gpu: &'static Gpu,
    pub gpus: Option<u32>,
    pub usd: Usd,
}

impl Scope {
    pub fn covers(
        &self,
        seller: Seller,
        region: &str,
        instance_type: &str,
        gpu: &Gpu,
        capacity: Capacity,
    ) -> bool {
        fn has<T>(list: &Option<Vec<T>>, is_it: impl Fn(&T) -> bool) -> bool {
            list.as_ref().is_none_or(|list| list.iter().any(is_it))
        }
        has(&self.clouds, |known| *known == seller)
            && has(&self.regions, |known| known == region)
            && has(&self.instance_types, |known| known == instance_type)
            && has(&self.gpus, |known| known.name == gpu.name)
            && has(&self.capacities, |known| *known == capacity)
    }
}

/// Whether terms that may have an end hold on a day.
pub(super) fn holds(until: Option<Date>, today: Date) -> bool {
    until.is_none_or(|last| today <= last)
}
