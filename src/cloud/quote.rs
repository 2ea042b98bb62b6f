//! What clouds ask for machines by the hour, as their price lists say it. Main types: [`Quote`], [`Capacity`].

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::value::{NoUsd, Usd};

/// How a machine is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capacity {
    OnDemand,
    /// Paid for one year, used or not.
    Reserved1y,
    Reserved3y,
    /// Cheaper, and taken away when the cloud needs it.
    Spot,
}

impl Capacity {
    pub const ALL: [Capacity; 4] = [
        Capacity::OnDemand,
        Capacity::Reserved1y,
        Capacity::Reserved3y,
        Capacity::Spot,
    ];

    /// Returns the word for it in tables and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Capacity::OnDemand => "on-demand",
            Capacity::Spot => "spot",
            Capacity::Reserved1y => "reserved-1y",
            Capacity::Reserved3y => "reserved-3y",
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Capacity::ALL.into_iter().find(|known| known.word() == text);
        found.ok_or_else(|| format!("`{text}` is not a capacity"))
    }
}

/// One price of a price list: what one machine costs for one hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    pub instance_type: String,
    pub region: String,
    pub capacity: Capacity,
    pub usd: Usd,
    /// The day for which the list says so.
    pub as_of: Date,
    /// The id of the feed.
    pub source: &'static str,
    /// GPUs of the machine, where the list says it too: a check of the list.
    pub gpus: Option<f64>,
}

/// Why a row of a price list is no price of mcai's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    Blank,
    NotANumber,
    Zero,
    Negative,
    /// In another currency than US dollars.
    Currency,
    /// By another unit than the hour.
    Unit,
    /// Windows, or another system that has its own price.
    System,
    /// Only for development and testing subscriptions.
    DevTest,
    /// Azure's old spot, for batch jobs only.
    LowPriority,
    /// A machine or host of one's own.
    Dedicated,
    /// Capacity by appointment: Capacity Blocks, DWS, reservations' slots.
    Appointment,
    /// A commitment whose term is not known.
    Term,
    /// Valid only later, or no longer.
    NotInForce,
    /// A service on top of the machine: software licences, Cloud Services, managed pools.
    Extra,
    UnknownRegion,
    /// A machine with GPUs that mcai's table lacks.
    UnknownInstanceType,
    /// Not sold in this way, whatever the list says.
    NotSold,
    /// The list says another number of GPUs than the machine has.
    GpuCount,
    /// The list has two prices for one thing.
    TwoPrices,
    SpotAboveOnDemand,
    /// One instance type at more than 2.5 times the price between two regions.
    RegionSpread,
    /// Parts of the price are missing: host, memory or disks.
    Incomplete,
    /// The row can't be read.
    Malformed,
}

impl Reason {
    /// Returns the word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Blank => "blank",
            Reason::NotANumber => "notANumber",
            Reason::Zero => "zero",
            Reason::Negative => "negative",
            Reason::Currency => "currency",
            Reason::Unit => "unit",
            Reason::System => "operatingSystem",
            Reason::DevTest => "devTest",
            Reason::LowPriority => "lowPriority",
            Reason::Dedicated => "dedicated",
            Reason::Appointment => "appointment",
            Reason::Term => "term",
            Reason::NotInForce => "notInForce",
            Reason::Extra => "extra",
            Reason::UnknownRegion => "unknownRegion",
            Reason::UnknownInstanceType => "unknownInstanceType",
            Reason::NotSold => "notSold",
            Reason::GpuCount => "gpuCount",
            Reason::TwoPrices => "twoPrices",
            Reason::SpotAboveOnDemand => "spotAboveOnDemand",
            Reason::RegionSpread => "regionSpread",
            Reason::Incomplete => "incomplete",
            Reason::Malformed => "malformed",
        }
    }

    /// Whether the row is one of mcai's, but for its price.
    pub fn is_about_price(self) -> bool {
        matches!(
            self,
            Reason::Blank
                | Reason::NotANumber
                | Reason::Currency
                | Reason::Unit
                | Reason::Incomplete
        )
    }

    /// Returns why, for people.
    pub fn explained(self) -> &'static str {
        match self {
            Reason::Blank => "no price",
            Reason::NotANumber => "the price is not a number",
            Reason::Zero => "the price is 0",
            Reason::Negative => "the price is below 0",
            Reason::Currency => "not in US dollars",
            Reason::Unit => "not by the hour",
            Reason::System => "another operating system than Linux",
            Reason::DevTest => "only for development and testing",
            Reason::LowPriority => "low priority, which Kubernetes nodes can't be",
            Reason::Dedicated => "dedicated hosts",
            Reason::Appointment => "capacity by appointment: blocks, calendars, queues",
            Reason::Term => "a commitment of another kind or length",
            Reason::NotInForce => "not in force today",
            Reason::Extra => "software or a service on top of the machine",
            Reason::UnknownRegion => "the region is not in mcai's table",
            Reason::UnknownInstanceType => "the instance type is not in mcai's table",
            Reason::NotSold => "not sold in this way",
            Reason::GpuCount => "another number of GPUs than the machine has",
            Reason::TwoPrices => "two prices for one thing",
            Reason::SpotAboveOnDemand => "spot above on-demand",
            Reason::RegionSpread => "more than 2.5 times the price of another region",
            Reason::Incomplete => "parts of the price are missing",
            Reason::Malformed => "the row can't be read",
        }
    }
}

impl From<NoUsd> for Reason {
    fn from(why: NoUsd) -> Self {
        match why {
            NoUsd::Blank => Reason::Blank,
            NoUsd::NotANumber => Reason::NotANumber,
        }
    }
}

/// A row of a price list that is left out, as the list has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    pub reason: Reason,
    /// What the row is about, in the list's words: instance type, product, SKU.
    pub what: String,
    pub region: String,
    /// How the machine is paid for, where that is known of the row.
    pub capacity: Option<Capacity>,
    /// The price as the list writes it.
    pub price: String,
}
