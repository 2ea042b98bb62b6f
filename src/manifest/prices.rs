//! The keys about money: `prices`, `policy`, `throughput`. What names something (regions, instance types, pools) is
//! checked by `project`.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;

use super::document::{sourced, sourced_list};
use crate::cloud::{Capacity, Seller};
use crate::diagnostic::{Kind, Problem, Span};
use crate::price::{AgeRule, Budget};
use crate::text::{parse_age, quoted_list};
use crate::value::{Sourced, Usd};
use crate::yaml::{Fields, Findings, Node, Value, checked, list, string};

/// What the user pays otherwise than the lists say, and where refreshed lists are.
#[derive(Default)]
pub struct PricesDoc {
    pub catalog: Option<Sourced<String>>,
    pub discounts: Vec<DiscountDoc>,
    pub fixed: Vec<FixedDoc>,
    pub own: Vec<OwnMachineDoc>,
}

/// Each list that is given narrows.
pub struct DiscountDoc {
    pub percent: f64,
    pub clouds: Option<Vec<Seller>>,
    pub regions: Option<Vec<Sourced<String>>>,
    pub instance_types: Option<Vec<Sourced<String>>>,
    pub gpus: Option<Vec<Sourced<String>>>,
    pub capacities: Option<Vec<Capacity>>,
    pub until: Option<Date>,
    pub span: Span,
}

pub struct FixedDoc {
    pub cloud: Seller,
    pub instance_type: Sourced<String>,
    pub region: Option<Sourced<String>>,
    pub capacity: Capacity,
    pub usd: Usd,
    pub until: Option<Date>,
}

pub struct OwnMachineDoc {
    pub cluster: Sourced<String>,
    pub pool: Sourced<String>,
    pub usd: Usd,
    pub span: Span,
}

/// Rules for every model.
#[derive(Default)]
pub struct PolicyDoc {
    pub residency: Vec<Sourced<String>>,
    pub budget: Option<Budget>,
    pub prices: Option<AgeRule>,
}

/// What one replica was measured to do.
pub struct ThroughputDoc {
    pub input: Option<f64>,
    pub output: Option<f64>,
    /// The GPU kind on which it was measured.
    pub gpu: Option<Sourced<String>>,
    pub source: String,
    pub span: Span,
}

pub(super) fn read(node: &Node, findings: &Findings) -> Option<PricesDoc> {
    let mut fields = Fields::of(node, "`prices`", findings)?;
    let prices = PricesDoc {
        catalog: fields.optional("catalog", sourced),
        discounts: fields
            .optional("discounts", list_of(discount))
            .unwrap_or_default(),
        fixed: fields.optional("fixed", list_of(fixed)).unwrap_or_default(),
        own: fields
            .optional("ownMachines", list_of(own_machine))
            .unwrap_or_default(),
    };
    fields.finish();
    Some(prices)
}

/// Returns a reader of a list of things.
fn list_of<T>(
    read: impl Fn(&Node, &Findings) -> Option<T>,
) -> impl FnOnce(&Node, &Findings) -> Option<Vec<T>> {
    move |node, findings| list(node, findings, |node, findings| read(node, findings))
}

fn discount(node: &Node, findings: &Findings) -> Option<DiscountDoc> {
    let mut fields = Fields::of(node, "a discount", findings)?;
    let percent = fields.required("percent", percent);
    let discount = DiscountDoc {
        percent: percent.unwrap_or_default(),
        clouds: fields.optional("clouds", list_of(checked)),
        regions: fields.optional("regions", sourced_list),
        instance_types: fields.optional("instanceTypes", sourced_list),
        gpus: fields.optional("gpus", sourced_list),
        capacities: fields.optional("capacity", capacities),
        until: fields.optional("until", date),
        span: node.span.clone(),
    };
    fields.finish();
    percent.map(|_| discount)
}

fn fixed(node: &Node, findings: &Findings) -> Option<FixedDoc> {
    let mut fields = Fields::of(node, "a fixed price", findings)?;
    let cloud = fields.required("cloud", checked);
    let instance_type = fields.required("instanceType", sourced);
    let region = fields.optional("region", sourced);
    let capacity = fields.optional("capacity", capacity);
    let usd = fields.required("hourlyUsd", usd);
    let until = fields.optional("until", date);
    fields.finish();
    Some(FixedDoc {
        cloud: cloud?,
        instance_type: instance_type?,
        region,
        capacity: capacity.unwrap_or(Capacity::OnDemand),
        usd: usd?,
        until,
    })
}

fn own_machine(node: &Node, findings: &Findings) -> Option<OwnMachineDoc> {
    let mut fields = Fields::of(node, "an own machine", findings)?;
    let cluster = fields.required("cluster", sourced);
    let pool = fields.required("pool", sourced);
    let usd = fields.required("hourlyUsdPerNode", usd);
    fields.finish();
    Some(OwnMachineDoc {
        cluster: cluster?,
        pool: pool?,
        usd: usd?,
        span: node.span.clone(),
    })
}

pub(super) fn policy(node: &Node, findings: &Findings) -> Option<PolicyDoc> {
    let mut fields = Fields::of(node, "`policy`", findings)?;
    let policy = PolicyDoc {
        residency: fields
            .optional("residency", sourced_list)
            .unwrap_or_default(),
        budget: fields.optional("budget", budget),
        prices: fields.optional("prices", age_rule),
    };
    fields.finish();
    Some(policy)
}

fn budget(node: &Node, findings: &Findings) -> Option<Budget> {
    let mut fields = Fields::of(node, "`policy.budget`", findings)?;
    let limit = fields.required("hourlyUsd", usd);
    let at = fields.optional("at", checked).unwrap_or_default();
    let on_unknown = fields.optional("onUnknown", checked).unwrap_or_default();
    fields.finish();
    Some(Budget {
        limit: limit?,
        at,
        on_unknown,
        span: node.span.clone(),
    })
}

fn age_rule(node: &Node, findings: &Findings) -> Option<AgeRule> {
    let mut fields = Fields::of(node, "`policy.prices`", findings)?;
    let on_stale = fields.optional("onStale", checked).unwrap_or_default();
    let max_age = fields.optional("maxAge", age).unwrap_or(AgeRule::DEFAULT);
    fields.finish();
    Some(AgeRule {
        on_stale,
        max_age,
        span: node.span.clone(),
    })
}

const RATES: [&str; 2] = ["inputTokensPerSecond", "outputTokensPerSecond"];

pub(super) fn throughput(node: &Node, findings: &Findings) -> Option<ThroughputDoc> {
    let mut fields = Fields::of(node, "`throughput`", findings)?;
    let input = fields.optional(RATES[0], per_second);
    let output = fields.optional(RATES[1], per_second);
    let gpu = fields.optional("gpu", sourced);
    let source = fields.required("source", string);
    if RATES.iter().all(|key| fields.node(key).is_none()) {
        findings.error(
            &node.span,
            "missing key",
            format!(
                "`throughput` needs {}, or both",
                RATES.map(|key| format!("`{key}`")).join(" or ")
            ),
        );
    }
    fields.finish();
    Some(ThroughputDoc {
        input,
        output,
        gpu,
        source: source?,
        span: node.span.clone(),
    })
}

/// Reads an hourly price.
pub(super) fn usd(node: &Node, findings: &Findings) -> Option<Usd> {
    let dollars = number(
        node,
        findings,
        "an hourly price in USD is a number above 0",
        |_| true,
    )?;
    let usd = Usd::from_f64(dollars).filter(|usd| *usd > Usd::ZERO);
    if usd.is_none() {
        let detail = format!("{dollars} USD is no hourly price");
        findings.error(&node.span, "invalid value", detail);
    }
    usd
}

fn percent(node: &Node, findings: &Findings) -> Option<f64> {
    let what = "a discount is a number above 0 and below 100";
    number(node, findings, what, |percent| percent < 100.0)
}

fn per_second(node: &Node, findings: &Findings) -> Option<f64> {
    number(node, findings, "a rate is a number above 0", |_| true)
}

/// Reads a number above 0.
fn number(node: &Node, findings: &Findings, what: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
    let number = match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    let good = number.filter(|number| *number > 0.0 && number.is_finite() && fits(*number));
    if good.is_none() {
        findings.error(&node.span, "invalid value", what);
    }
    good
}

fn date(node: &Node, findings: &Findings) -> Option<Date> {
    let text = string(node, findings)?;
    // jiff reads other forms, too, which an editor's schema does not.
    let date = Date::strptime("%Y-%m-%d", &text).ok();
    let date = date.filter(|date| date.to_string() == text);
    if date.is_none() {
        let detail = format!("`{text}` is not a day such as 2027-01-31");
        findings.error(&node.span, "invalid value", detail);
    }
    date
}

fn age(node: &Node, findings: &Findings) -> Option<Duration> {
    let text = string(node, findings)?;
    parse_age(&text)
        .map_err(|why| findings.error(&node.span, "invalid value", why))
        .ok()
}

/// What a discount may be for: `reserved` is both terms.
pub(super) const DISCOUNTED: [&str; 5] = [
    "on-demand",
    "spot",
    "reserved-1y",
    "reserved-3y",
    "reserved",
];

fn capacities(node: &Node, findings: &Findings) -> Option<Vec<Capacity>> {
    let several = list(node, findings, |node, findings| {
        let text = string(node, findings)?;
        if text == "reserved" {
            return Some(vec![Capacity::Reserved1y, Capacity::Reserved3y]);
        }
        word(&text, &DISCOUNTED, node, findings).map(|capacity| vec![capacity])
    })?;
    Some(several.into_iter().flatten().collect())
}

fn capacity(node: &Node, findings: &Findings) -> Option<Capacity> {
    let text = string(node, findings)?;
    word(&text, &DISCOUNTED[..4], node, findings)
}

fn word<T: FromStr>(text: &str, known: &[&str], node: &Node, findings: &Findings) -> Option<T> {
    let found = text.parse().ok();
    if found.is_none() {
        let detail = format!("`{text}` is not a capacity type: {}", quoted_list(known));
        let problem = Problem::error(Kind::Manifest, "unknown value").detail(detail);
        let problem = problem.suggest(text, known.iter().copied());
        findings.push(problem.at(&node.span));
    }
    found
}
