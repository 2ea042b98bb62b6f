//! What replicas cost: from a model's resource profile to the pools that carry it, to the prices of their nodes. Only
//! GPU instances count: no disks, no network, no control planes. Pure, but for [`Rates::read`], which reads prices.
//!
//! Two figures stand side by side everywhere. *Shared*: the replicas' part of the machines they run on. *Whole*: the
//! machines themselves, which is what is billed when nobody else uses what is left free on them.

mod fleet;
mod pack;
mod rates;
mod rules;
mod spread;
mod takes;
#[cfg(test)]
mod tests;
mod total;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::value::Usd;

pub use fleet::{Estimate, Kept, Part, Row, TokenPrice, estimate};
pub use rates::{NodePrice, Rates};
pub use rules::{over_budget, refuse_age, too_old, unknown_cost};
pub use takes::{Replicas, Takes, Way};
pub use total::{Load, NotCounted, Oldest, Total};

/// Hours of a month, as clouds count them.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// What something may cost for an hour, where several pools may carry it: the lower end has each model on its cheapest
/// pool, the upper one is a bound, however replicas are spread over the pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub low: Usd,
    pub high: Usd,
}

impl Range {
    /// Returns the range from the least to the most of some amounts; nothing costs nothing.
    pub fn over(amounts: impl Iterator<Item = Usd> + Clone) -> Self {
        Range {
            low: amounts.clone().min().unwrap_or_default(),
            high: amounts.max().unwrap_or_default(),
        }
    }

    /// Returns it for people: `$2.41/h`, `$2.41..$3.90/h`.
    pub fn hourly(self) -> String {
        let (low, high) = (self.low.rounded(2), self.high.rounded(2));
        match low == high {
            true => format!("${low}/h"),
            false => format!("${low}..${high}/h"),
        }
    }

    pub fn times(self, factor: f64) -> Self {
        Range {
            low: self.low.times(factor),
            high: self.high.times(factor),
        }
    }
}

impl Add for Range {
    type Output = Range;

    fn add(self, other: Range) -> Range {
        Range {
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }
}

/// What replicas cost for an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub shared: Range,
    pub whole: Range,
}

impl Amount {
    /// Returns what it comes to in a month.
    pub fn monthly(self) -> Self {
        Amount {
            shared: self.shared.times(HOURS_PER_MONTH),
            whole: self.whole.times(HOURS_PER_MONTH),
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.shared = self.shared + other.shared;
        self.whole = self.whole + other.whole;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::default(), |mut sum, amount| {
            sum += amount;
            sum
        })
    }
}

/// Why it is not known what a model costs on a cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Unknown {
    /// The model does not say what it runs on.
    NoProfile,
    /// The manifest does not say what nodes the cluster has.
    NoPools,
    /// No pool carries the profile.
    NoPool(String),
    /// No pool of the profile has nodes large enough for a replica.
    TooLarge(String),
    /// The pool does not say how many GPUs its nodes have.
    NoCount(String),
    /// The pool says neither an instance type nor a price.
    NoInstanceType(String),
    /// No list has a price that can be used.
    NoPrice {
        instance_type: String,
        region: String,
    },
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::NoProfile => write!(f, "the model has no resourceProfile"),
            Unknown::NoPools => write!(f, "the cluster has no gpuPools"),
            Unknown::NoPool(profile) => write!(f, "no pool carries `{profile}`"),
            Unknown::TooLarge(profile) => {
                write!(f, "no node is large enough for a replica of `{profile}`")
            }
            Unknown::NoCount(pool) => write!(f, "pool `{pool}` does not say its GPUs per node"),
            Unknown::NoInstanceType(pool) => {
                write!(
                    f,
                    "pool `{pool}` has neither instanceType nor hourlyUsdPerNode"
                )
            }
            Unknown::NoPrice {
                instance_type,
                region,
            } => write!(f, "no price of {instance_type} in {region}"),
        }
    }
}
