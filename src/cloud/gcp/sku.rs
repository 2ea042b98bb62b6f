//! One SKU of Google's Cloud Billing Catalog, and its price. Main types: [`Sku`], [`Rate`].

use jiff::civil::Date;
use serde::Deserialize;

use super::bill::Part;
use super::wording::Wording;
use crate::cloud::{Capacity, Reason};
use crate::value::Usd;

/// Hours of a month in Google's prices.
const HOURS_OF_A_MONTH: f64 = 730.0;
const BYTES_OF_A_GIB: f64 = 1_073_741_824.0;
const BYTES_OF_A_GB: f64 = 1_000_000_000.0;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sku {
    pub(super) description: String,
    category: Category,
    pub(super) service_regions: Vec<String>,
    /// In the order of time.
    pricing_info: Vec<Pricing>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Category {
    resource_group: String,
    usage_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pricing {
    effective_time: String,
    pricing_expression: Expression,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Expression {
    usage_unit: String,
    tiered_rates: Vec<Tier>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tier {
    unit_price: Money,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Money {
    currency_code: String,
    /// A whole number as text; left out where it is 0.
    units: String,
    nanos: i64,
}

/// What one hour of one core, GPU or GiB costs: an amount, and what it is multiplied by. Only the product is rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    usd: Usd,
    factor: f64,
}

impl Rate {
    /// Returns what so many cost, rounded to the nearest nano-dollar.
    pub(super) fn times(self, quantity: f64) -> Usd {
        self.usd.times(quantity * self.factor)
    }
}

impl Sku {
    /// Returns what the SKU is about, or nothing where it is about no machine with GPUs.
    pub(super) fn part(&self) -> Option<Part> {
        Some(Wording::read(&self.description)?.part)
    }

    /// Whether it is about GPUs, known or not.
    pub(super) fn has_gpu(&self) -> bool {
        self.category.resource_group == "GPU"
    }

    /// Returns how what it is about is paid for, and the price of it.
    pub(super) fn price(&self, today: Date) -> Result<(Capacity, Rate), Reason> {
        let wording = Wording::read(&self.description).ok_or(Reason::Malformed)?;
        let capacity = wording.capacity(&self.category.usage_type)?;
        Ok((capacity, self.rate(wording.part, today)?))
    }

    /// Returns the price as the catalog writes it.
    pub(super) fn written_price(&self) -> String {
        let tiers = self
            .pricing_info
            .last()
            .map(|info| &info.pricing_expression.tiered_rates);
        let money = tiers
            .and_then(|tiers| tiers.last())
            .map(|tier| &tier.unit_price);
        money.map_or(String::new(), |money| match money.usd() {
            Ok(usd) => format!("{usd} {}", money.currency_code),
            Err(_) => format!("{} {}", money.units, money.currency_code),
        })
    }

    fn rate(&self, part: Part, today: Date) -> Result<Rate, Reason> {
        let begun = |info: &&Pricing| {
            let day = info
                .effective_time
                .get(..10)
                .and_then(|day| day.parse::<Date>().ok());
            day.is_none_or(|day| day <= today)
        };
        let info = self.pricing_info.iter().rev().find(begun);
        let expression = &info.ok_or(Reason::NotInForce)?.pricing_expression;
        let factor = hourly(part, &expression.usage_unit).ok_or(Reason::Unit)?;
        let mut last = Err(Reason::Blank);
        // The first tiers may be free; the last one that is not is the price.
        for tier in &expression.tiered_rates {
            match tier.unit_price.usd() {
                Ok(usd) if usd == Usd::ZERO && last.is_ok() => {}
                Ok(usd) if usd == Usd::ZERO => last = Err(Reason::Zero),
                amount => last = amount,
            }
        }
        last.map(|usd| Rate { usd, factor })
    }
}

impl Money {
    fn usd(&self) -> Result<Usd, Reason> {
        if self.currency_code != "USD" {
            return Err(Reason::Currency);
        }
        let units: i64 = match self.units.as_str() {
            "" => 0,
            units => units.parse().map_err(|_| Reason::NotANumber)?,
        };
        let nanos = units.checked_mul(1_000_000_000);
        let nanos = nanos.and_then(|nanos| nanos.checked_add(self.nanos));
        match nanos.map(Usd::from_nanos) {
            None => Err(Reason::NotANumber),
            Some(usd) if usd < Usd::ZERO => Err(Reason::Negative),
            Some(usd) => Ok(usd),
        }
    }
}

/// Returns what makes the price of a unit that of one core, GPU or GiB for an hour.
fn hourly(part: Part, unit: &str) -> Option<f64> {
    match (part, unit) {
        (Part::Core(_) | Part::Gpu(_), "h") => Some(1.0),
        (Part::Ram(_) | Part::LocalSsd, "GiBy.h") => Some(1.0),
        (Part::Ram(_), "GBy.h") => Some(BYTES_OF_A_GIB / BYTES_OF_A_GB),
        (Part::LocalSsd, "GiBy.mo") => Some(1.0 / HOURS_OF_A_MONTH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;

    fn sku(description: &str, changes: Value) -> Sku {
        let mut sku = json!({
            "description": description,
            "category": {"resourceGroup": "GPU", "usageType": "OnDemand"},
            "serviceRegions": ["us-central1"],
            "pricingInfo": [{"effectiveTime": "2026-07-22T00:00:00Z", "pricingExpression": {
                "usageUnit": "h",
                "tieredRates": [{"unitPrice": {"currencyCode": "USD", "units": "9", "nanos": 796550000}}],
            }}],
        });
        for (path, value) in changes.as_object().expect("an object") {
            *sku.pointer_mut(path).expect("a field") = value.clone();
        }
        serde_json::from_value(sku).expect("a SKU")
    }

    #[test]
    fn rates_are_by_the_hour_and_the_gib() {
        const UNIT: &str = "/pricingInfo/0/pricingExpression/usageUnit";
        for (description, unit, quantity, usd) in [
            ("Nvidia H100 80GB GPU running in Iowa", "h", 8.0, "78.3724"),
            ("A3 Instance Ram running in Iowa", "GiBy.h", 1.0, "9.79655"),
            (
                "A3 Instance Ram running in Iowa",
                "GBy.h",
                1.0,
                "10.518965466",
            ),
            ("SSD backed Local Storage", "GiBy.mo", 730.0, "9.79655"),
        ] {
            let sku = sku(description, json!({UNIT: unit}));
            let (_, rate) = sku.price(date(2026, 11, 25)).expect("a price");
            assert_eq!(
                rate.times(quantity).to_string(),
                usd,
                "{description} {unit}"
            );
        }
    }

    #[test]
    fn a_rate_that_is_none_has_its_reason() {
        const TIERS: &str = "/pricingInfo/0/pricingExpression/tieredRates";
        let tier = |units: &str, currency: &str| json!({"unitPrice": {"units": units, "nanos": 0, "currencyCode": currency}});
        let rate = |path: &str, value: Value| {
            let sku = sku("Nvidia L4 GPU running in Iowa", json!({path: value}));
            let price = sku.price(date(2026, 11, 25));
            price.map(|(_, rate)| rate.times(1.0).to_string())
        };
        for (path, value, reason) in [
            (
                "/pricingInfo/0/pricingExpression/usageUnit",
                json!("mo"),
                Reason::Unit,
            ),
            (
                "/pricingInfo/0/effectiveTime",
                json!("2026-12-01T00:00:00Z"),
                Reason::NotInForce,
            ),
            ("/pricingInfo", json!([]), Reason::NotInForce),
            (TIERS, json!([]), Reason::Blank),
            (TIERS, json!([tier("0", "USD")]), Reason::Zero),
            (TIERS, json!([tier("-1", "USD")]), Reason::Negative),
            (TIERS, json!([tier("one", "USD")]), Reason::NotANumber),
            (
                TIERS,
                json!([tier("99999999999999", "USD")]),
                Reason::NotANumber,
            ),
            (TIERS, json!([tier("14000", "IDR")]), Reason::Currency),
        ] {
            assert_eq!(rate(path, value.clone()), Err(reason), "{value}");
        }
        let tiers = [
            tier("0", "USD"),
            tier("3", "USD"),
            tier("2", "USD"),
            tier("0", "USD"),
        ];
        assert_eq!(
            rate(TIERS, json!(tiers)).as_deref(),
            Ok("2"),
            "the last that is not free"
        );
    }
}
