//! A sum held against the manifest's rules about money: what is wrong with it, in words.

use std::time::Duration;

use super::{Rates, Total};
use crate::diagnostic::{Kind, Problem};
use crate::price::{Budget, Reaction, is_older};
use crate::project::Project;
use crate::text;

/// Says that a sum is over the budget, if its upper end is.
pub fn over_budget(total: &Total, budget: &Budget) -> Option<Problem> {
    let hint = match total.unlimited.is_empty() {
        true => "lower the replicas, or raise `policy.budget.hourlyUsd` if this is meant",
        false => "set `maxReplicas` of the models, or `max` of the pools",
    };
    let detail = format!(
        "the fleet costs {} at {} replicas; the budget is ${}/h",
        total.hourly(),
        budget.at.word(),
        budget.limit.rounded(2)
    );
    let problem = Problem::error(Kind::Budget, "over the budget").detail(detail);
    let problem = total.unlimited.iter().fold(problem, |problem, name| {
        problem.cause(format!("{name} has no limit"))
    });
    let is_over = total.amount.whole.high > budget.limit || !total.unlimited.is_empty();
    is_over.then(|| problem.hint(hint).at(&budget.span))
}

/// Says that the budget can't be kept, as a part of the sum is not known, if it refuses that.
pub fn unknown_cost(total: &Total, budget: &Budget) -> Option<Problem> {
    let unknown = &total.not_counted;
    if budget.on_unknown != Reaction::Refuse || unknown.is_empty() {
        return None;
    }
    let models = text::count(unknown.len(), "model");
    let detail = format!("the budget can't be held against {models} without a price");
    let problem = Problem::error(Kind::Budget, "the cost is not known").detail(detail);
    let problem = unknown.iter().fold(problem, |problem, one| {
        let (model, cluster) = (&one.model, &one.cluster);
        problem.cause(format!("{model} on {cluster}: {}", one.reason))
    });
    let hint = "state `hourlyUsdPerNode` of the pool, or allow it with `onUnknown: note`";
    Some(problem.hint(hint).at(&budget.span))
}

/// Returns what is to be said of the oldest price of a sum, if it is older than it may be.
pub fn too_old(total: &Total, most: Duration, rates: &Rates) -> Option<String> {
    let oldest = total.oldest.as_ref()?;
    let (pool, cluster, as_of) = (&oldest.pool, &oldest.cluster, oldest.as_of);
    is_older(as_of, rates.today, most)
        .then(|| format!("the price of pool `{pool}` on `{cluster}` is of {as_of}"))
}

/// Makes a refusal of what [`too_old`] says.
pub fn refuse_age(words: &str, most: Duration, total: &Total, project: &Project) -> Problem {
    let oldest = total.oldest.as_ref();
    let cluster = oldest.and_then(|oldest| project.clusters.get(&oldest.cluster));
    let clouds = cluster.map_or_else(String::new, |cluster| {
        format!(" --clouds {}", cluster.cloud)
    });
    Problem::error(Kind::PriceAge, "prices are too old")
        .detail(format!("{words}; {} is the most", text::duration(most)))
        .hint(format!("run `mcai cost refresh{clouds}`"))
}
