//! What machines cost: the [`Catalog`] of prices, each with its day and source; whether a price can be true; and the
//! [`Offer`]s that are left, with the user's own terms applied.

mod answer;
mod ask;
mod catalog;
pub mod export;
pub mod history;
mod lock;
mod merge;
mod near;
mod offer;
mod query;
pub mod refresh;
pub mod review;
mod rules;
mod sanity;
pub mod store;
mod terms;

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use crate::cloud::{Capacity, Seller};
use crate::text::visible;
use crate::value::Usd;

pub use answer::{Answer, Row};
pub use ask::{Machine, machines, sellers, sellers_of};
pub use catalog::{Catalog, Unusable};
pub use merge::{Change, FARTHEST_MOVE, Merged, merge, moved};
pub use offer::{Asked, Market, Offer, Offers, Wanted, YOURS};
pub use query::{Choice, Query, Sort};
pub use refresh::Accept;
pub use rules::{AgeRule, At, Budget, Reaction};
pub use sanity::{Doubt, WIDEST_SPREAD, doubts};
pub use terms::{Discount, Fixed, OwnMachine, Scope, Terms};

/// What a price is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub seller: Seller,
    pub instance_type: String,
    /// `*` where a seller asks the same everywhere.
    pub region: String,
    pub capacity: Capacity,
}

/// `cloud/instance-type/region/capacity`: how a person names a price, on the command line, too. It may be of a file or a list,
/// so what a terminal would obey is escaped here, once for everybody who prints it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key {
            seller,
            instance_type,
            region,
            capacity,
        } = self;
        let name = format!("{seller}/{instance_type}/{region}/{capacity}");
        f.write_str(&visible(&name, &[]))
    }
}

/// One price of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    pub key: Key,
    /// For the whole machine and one hour.
    pub usd: Usd,
    pub as_of: Date,
    /// An id of `data/sources.csv`, or of a feed.
    pub source: String,
    /// A newer price that moved too far to be taken without a person's word.
    pub held: Option<Held>,
}

/// A price that waits to be accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub usd: Usd,
    pub as_of: Date,
    pub source: String,
}

/// On-demand and committed prices move about once a year; after a quarter one should look again.
pub const STALE_AFTER_DAYS: i64 = 90;
/// Spot moves every two to four weeks on GCP, and by the hour on AWS.
pub const SPOT_STALE_AFTER_DAYS: i64 = 14;

/// Returns how many days ago a price was seen; one from tomorrow's time zone is new.
pub fn age_in_days(as_of: Date, today: Date) -> i64 {
    let age = as_of
        .until(today)
        .map_or(0, |age| i64::from(age.get_days()));
    age.max(0)
}

/// Whether a price is older than somebody allows.
pub fn is_older(as_of: Date, today: Date, most: Duration) -> bool {
    let days = age_in_days(as_of, today).unsigned_abs();
    Duration::from_secs(days * 24 * 3600) > most
}

/// Whether a price is too old for its kind: a note for most, and spot is no longer ranked.
pub fn is_stale(capacity: Capacity, as_of: Date, today: Date) -> bool {
    let most = match capacity {
        Capacity::Spot => SPOT_STALE_AFTER_DAYS,
        _ => STALE_AFTER_DAYS,
    };
    age_in_days(as_of, today) > most
}
