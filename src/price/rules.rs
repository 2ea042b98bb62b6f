//! Rules about money that the manifest sets for plans: a budget, and how old prices may be.

use std::str::FromStr;
use std::time::Duration;

use super::STALE_AFTER_DAYS;
use crate::diagnostic::Span;
use crate::value::Usd;

/// `policy.budget`: what the fleet may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// For an hour of the whole fleet.
    pub limit: Usd,
    pub at: At,
    pub on_unknown: Reaction,
    pub span: Span,
}

/// `policy.prices`: how old the prices behind a decision may be.
#[derive(Clone, Debug, PartialEq)]
pub struct AgeRule {
    pub on_stale: Reaction,
    pub max_age: Duration,
    pub span: Span,
}

impl AgeRule {
    /// As old as prices may be where nobody says it.
    pub const DEFAULT: Duration = Duration::from_secs(STALE_AFTER_DAYS as u64 * 86_400);
}

/// At how many replicas of each model a sum is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum At {
    /// As many as always run.
    #[default]
    Min,
    /// As many as the autoscaler may start.
    Max,
}

/// What a rule does with what does not meet it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reaction {
    #[default]
    Note,
    Refuse,
}

impl At {
    pub const WORDS: [&str; 2] = ["min", "max"];

    pub fn word(self) -> &'static str {
        match self {
            At::Min => "min",
            At::Max => "max",
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "min" => Ok(At::Min),
            "max" => Ok(At::Max),
            _ => Err(format!("`{text}` is neither `min` nor `max`")),
        }
    }
}

impl Reaction {
    pub const WORDS: [&str; 2] = ["note", "refuse"];
}

impl FromStr for Reaction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "note" => Ok(Reaction::Note),
            "refuse" => Ok(Reaction::Refuse),
            _ => Err(format!("`{text}` is neither `note` nor `refuse`")),
        }
    }
}
