//! The schema of the keys about money.

use serde_json::{Value, json};

use super::form::{list, mapping, one_of, optional, pattern, required, text};
use crate::cloud::Seller;
use crate::manifest::prices::DISCOUNTED;
use crate::price::{At, Reaction, STALE_AFTER_DAYS};

pub(super) fn prices() -> Value {
    mapping([
        optional(
            "catalog",
            text(),
            "A file below the manifest's folder with the refreshed prices that the project uses: `mcai cost refresh` writes it.",
        ),
        optional(
            "discounts",
            list(discount()),
            "What lists are reduced by; all that fit count, one after the other.",
        ),
        optional(
            "fixed",
            list(fixed()),
            "Agreed prices: they take the place of the lists', and no discount applies to them.",
        ),
        optional(
            "ownMachines",
            list(own_machine()),
            "Prices of nodes, in one place: the same as `hourlyUsdPerNode` of a pool.",
        ),
    ])
}

/// Returns an hourly price; a nano-dollar is the smallest.
pub(super) fn usd() -> Value {
    json!({ "type": "number", "exclusiveMinimum": 0 })
}

fn sellers() -> Value {
    let all = Seller::clouds().chain(Seller::others().iter().copied());
    one_of(all.map(Seller::id))
}

fn day() -> Value {
    pattern(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")
}

fn discount() -> Value {
    mapping([
        required(
            "percent",
            json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100 }),
            "How much less is paid.",
        ),
        optional("clouds", list(sellers()), "Only machines of these."),
        optional("regions", list(text()), "Only in these regions."),
        optional(
            "instanceTypes",
            list(text()),
            "Only machines of these types.",
        ),
        optional(
            "gpus",
            list(text()),
            "Only machines with these GPUs; a name of several kinds means each of them.",
        ),
        optional(
            "capacity",
            list(one_of(DISCOUNTED)),
            "Only machines that are bought so; `reserved` is both terms.",
        ),
        optional("until", day(), "The last day on which it holds."),
    ])
}

fn fixed() -> Value {
    mapping([
        required("cloud", sellers(), "Who sells the machine."),
        required("instanceType", text(), "Which machine."),
        optional("region", text(), "Where; everywhere if not given."),
        optional(
            "capacity",
            one_of(DISCOUNTED.into_iter().take(4)),
            "How it is bought.",
        )
        .default(DISCOUNTED[0]),
        required(
            "hourlyUsd",
            usd(),
            "What one machine costs in USD per hour.",
        ),
        optional("until", day(), "The last day on which it holds."),
    ])
}

fn own_machine() -> Value {
    mapping([
        required("cluster", text(), "A cluster of the manifest."),
        required("pool", text(), "A GPU pool of it."),
        required(
            "hourlyUsdPerNode",
            usd(),
            "The price of one node in USD per hour.",
        ),
    ])
}

pub(super) fn budget() -> Value {
    mapping([
        required(
            "hourlyUsd",
            usd(),
            "What the whole fleet's GPU instances may cost in USD per hour: a plan that would lift them above it is refused.",
        ),
        optional(
            "at",
            one_of(At::WORDS),
            "At how many replicas of each model: those that always run, or all that the autoscaler may start.",
        )
        .default(At::WORDS[0]),
        optional(
            "onUnknown",
            one_of(Reaction::WORDS),
            "What happens when the cost of a model is not known.",
        )
        .default(Reaction::WORDS[0]),
    ])
}

pub(super) fn age() -> Value {
    let age = pattern("^[0-9]{1,9}[dh]$");
    mapping([
        optional(
            "onStale",
            one_of(Reaction::WORDS),
            "What happens when a price that counts is older than `maxAge`.",
        )
        .default(Reaction::WORDS[0]),
        optional("maxAge", age, "How old prices may be, in days or hours.")
            .default(&format!("{STALE_AFTER_DAYS}d")),
    ])
}

pub(super) fn throughput() -> Value {
    let rate = || json!({ "type": "number", "exclusiveMinimum": 0 });
    let mut throughput = mapping([
        optional(
            "inputTokensPerSecond",
            rate(),
            "Tokens that one replica reads in a second.",
        ),
        optional(
            "outputTokensPerSecond",
            rate(),
            "Tokens that one replica writes in a second.",
        ),
        optional(
            "gpu",
            text(),
            "The GPU kind on which it was measured; for all if not given.",
        ),
        required("source", text(), "Who measured it, and how."),
    ]);
    let given =
        |key: &str| json!({ "required": [key], "properties": { key: { "type": "number" } } });
    throughput["anyOf"] = json!([
        given("inputTokensPerSecond"),
        given("outputTokensPerSecond")
    ]);
    throughput
}
