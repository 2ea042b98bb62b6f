//! What programs read: every JSON document that mcai prints, with its schema. The structs here are the promise of
//! docs/json.md; they are made from the values of the other modules and decide nothing. A value of theirs that gets a
//! new case does not compile until the contract has a word for it.

mod catalog;
mod cost;
mod estimate;
mod generate;
mod model;
mod plan;
mod plan_cost;
mod problem;
mod refresh;
mod rollout;
mod schema;
mod view;

use schemars::JsonSchema;
use serde::Serialize;

pub use catalog::{
    ExportResult, ExportedFile, LastRefresh, PriceAge, PriceCheck, PriceDoubt, PriceHistory,
    PriceMoves, UnusableLine,
};
pub use cost::{Capacity, CostResult, LeftOut, Offer, Price, Prices, Ranked};
pub use estimate::{
    Amount, CostEstimate, KeptNodes, ModelCost, NotCounted, Part, PoolPart, Range, Tokens, Total,
};
pub use model::{State, Verdict};
pub use plan::{Action, Change, ClusterPlan, Note, Plan, Residency, Verb};
pub use plan_cost::{At, ClusterCost, PlanCost, ReplicaChange};
pub use problem::{CheckResult, Failure, Position, Problem, ProblemKind, Severity};
pub use refresh::{
    PriceKey, PriceMove, PriceRow, PriceSeen, RefreshResult, RefreshedCloud, RowSetAside,
    RowsSetAside,
};
pub use rollout::{ClusterResult, DeployResult, Ended, Event, Happened};
pub use schema::{Schema, SchemaEntry, SchemaList, find, schemas};
pub use view::{Config, DryRun, ModelConfig, SentObject, Status, StatusModel};

/// Changes when a field changes its meaning or goes.
pub const API_VERSION: &str = "mcai/v1";

/// What is printed by itself, as an answer or as a line of a stream.
pub trait Document: Serialize + JsonSchema {
    const KIND: &'static str;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

/// Returns a document in its envelope.
pub(super) fn envelope<T: Document>(body: &T) -> impl Serialize {
    Envelope {
        api_version: API_VERSION,
        kind: T::KIND,
        body,
    }
}

/// Declares the contract's words for the cases of another module's enum.
macro_rules! words {
    ($(#[$about:meta])* $name:ident for $domain:ty { $($(#[$meaning:meta])* $word:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, serde::Serialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum $name { $($(#[$meaning])* $word,)* }

        impl From<$domain> for $name {
            fn from(case: $domain) -> Self {
                type Domain = $domain;
                match case { $(Domain::$word => $name::$word,)* }
            }
        }
    };
}
use words;
