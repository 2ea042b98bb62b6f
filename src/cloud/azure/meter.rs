//! One row of the Azure Retail Prices API, and what it means for a machine's price. Main type: [`Meter`].
//!
//! The fields are those of <https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices>; the
//! traps are told in the issues of Azure/karpenter-provider-azure, dstackai/gpuhunt and Azure/azure-rest-api-specs.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use crate::cloud::{Capacity, Reason};
use crate::value::{NoUsd, Usd};

/// Hours of a year without a leap day, as Azure counts reservations.
const HOURS_OF_A_YEAR: f64 = 8760.0;

/// A price of one way to buy one thing in one region. Everything may be missing: what is not there is not relied on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meter {
    pub(super) arm_sku_name: Option<String>,
    pub(super) arm_region_name: Option<String>,
    currency_code: Option<String>,
    retail_price: Value,
    unit_of_measure: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    reservation_term: Option<String>,
    service_name: Option<String>,
    product_name: Option<String>,
    sku_name: Option<String>,
    meter_name: Option<String>,
    effective_start_date: Option<String>,
    effective_end_date: Option<String>,
}

impl Meter {
    /// Returns how the machine is paid for and what one hour of it costs, or why this is no price of a Linux machine.
    pub(super) fn price(&self, today: Date) -> Result<(Capacity, Usd), Reason> {
        let capacity = self.capacity()?;
        self.is_a_linux_machine()?;
        self.is_in_force(today)?;
        if self.currency_code.as_deref() != Some("USD") {
            return Err(Reason::Currency);
        }
        // Reservations say `1 Hour`, too, though their price is that of the whole term.
        if self.unit_of_measure.as_deref() != Some("1 Hour") {
            return Err(Reason::Unit);
        }
        let price = number(&self.retail_price)?;
        // Rounded to the nearest nano-dollar.
        Ok(match capacity {
            Capacity::Reserved1y => (capacity, price.per(HOURS_OF_A_YEAR)),
            Capacity::Reserved3y => (capacity, price.per(3.0 * HOURS_OF_A_YEAR)),
            Capacity::OnDemand | Capacity::Spot => (capacity, price),
        })
    }

    /// Returns what the row is about, in the list's words.
    pub(super) fn what(&self) -> String {
        let words = [&self.arm_sku_name, &self.product_name, &self.meter_name];
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        words.join(", ")
    }

    /// Returns the price as the list writes it.
    pub(super) fn written_price(&self) -> String {
        written(&self.retail_price)
    }

    /// Returns how the machine is paid for.
    pub(super) fn capacity(&self) -> Result<Capacity, Reason> {
        match self.kind.as_deref() {
            Some("Consumption") if self.says("Low Priority") => Err(Reason::LowPriority),
            Some("Consumption") => {
                let sku = self.sku_name.as_deref().unwrap_or_default();
                Ok(match sku.ends_with(" Spot") {
                    true => Capacity::Spot,
                    false => Capacity::OnDemand,
                })
            }
            Some("DevTestConsumption") => Err(Reason::DevTest),
            Some("Reservation") => match self.reservation_term.as_deref() {
                Some("1 Year") => Ok(Capacity::Reserved1y),
                Some("3 Years") => Ok(Capacity::Reserved3y),
                _ => Err(Reason::Term),
            },
            _ => Err(Reason::Term),
        }
    }

    fn is_a_linux_machine(&self) -> Result<(), Reason> {
        let product = self.product_name.as_deref().unwrap_or_default();
        let is_about = |words: &[&str]| words.iter().any(|word| product.contains(word));
        let is_a_machine = self.service_name.as_deref() == Some("Virtual Machines");
        match () {
            // Some products are cut off in the middle of ` Windows`.
            () if is_about(&[" Win"]) => Err(Reason::System),
            () if !is_a_machine || is_about(&["Cloud Services", "CloudServices"]) => {
                Err(Reason::Extra)
            }
            () if is_about(&["Dedicated"]) => Err(Reason::Dedicated),
            () => Ok(()),
        }
    }

    fn is_in_force(&self, today: Date) -> Result<(), Reason> {
        let begins_later = day(&self.effective_start_date).is_some_and(|start| start > today);
        let is_over = day(&self.effective_end_date).is_some_and(|end| end < today);
        match begins_later || is_over || self.says("Expired") {
            true => Err(Reason::NotInForce),
            false => Ok(()),
        }
    }

    /// Whether one of the row's names has some words.
    fn says(&self, words: &str) -> bool {
        let names = [&self.product_name, &self.sku_name, &self.meter_name];
        names.into_iter().flatten().any(|name| name.contains(words))
    }
}

/// Reads a price from its digits, which a float would lose.
fn number(price: &Value) -> Result<Usd, Reason> {
    match price {
        Value::Null => Err(NoUsd::Blank.into()),
        Value::Number(_) | Value::String(_) => written(price).parse().map_err(Reason::from),
        _ => Err(NoUsd::NotANumber.into()),
    }
}

fn written(price: &Value) -> String {
    match price {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the day of a time such as `2023-06-27T00:00:00Z`.
fn day(time: &Option<String>) -> Option<Date> {
    time.as_deref()?.get(..10)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    const REAL: &str =
        include_str!("../../../tests/fixtures/feeds/azure/low_priority_windows_devtest.real.json");

    /// An on-demand price of a Linux machine, with some fields changed.
    fn price(changes: Value) -> Result<(Capacity, Usd), Reason> {
        let mut row = json!({
            "currencyCode": "USD", "retailPrice": 6.98, "armRegionName": "eastus", "unitOfMeasure": "1 Hour",
            "effectiveStartDate": "2023-11-01T00:00:00Z", "meterName": "NC40ads H100 v5",
            "productName": "Virtual Machines NCadsH100v5 Series", "skuName": "NC40ads H100 v5",
            "serviceName": "Virtual Machines", "type": "Consumption", "armSkuName": "Standard_NC40ads_H100_v5",
        });
        for (key, value) in changes.as_object().expect("an object") {
            row[key] = value.clone();
        }
        let meter: Meter = serde_json::from_value(row).expect("a meter");
        meter.price(date(2026, 11, 25))
    }

    fn usd(text: &str) -> Usd {
        text.parse().expect("an amount")
    }

    #[test]
    fn what_is_sold_has_a_price_by_the_hour() {
        assert_eq!(price(json!({})), Ok((Capacity::OnDemand, usd("6.98"))));
        let spot = json!({"skuName": "NC40ads H100 v5 Spot", "retailPrice": 1.289904});
        assert_eq!(price(spot), Ok((Capacity::Spot, usd("1.289904"))));
        let one = json!({"type": "Reservation", "reservationTerm": "1 Year", "retailPrice": 40000});
        assert_eq!(price(one), Ok((Capacity::Reserved1y, usd("4.566210046"))));
        let three =
            json!({"type": "Reservation", "reservationTerm": "3 Years", "retailPrice": 78840.0});
        assert_eq!(price(three), Ok((Capacity::Reserved3y, usd("3"))));
    }

    #[test]
    fn every_trap_has_its_reason() {
        for (change, reason) in [
            (
                json!({"productName": "Virtual Machines NCadsH100v5 Series Windows"}),
                Reason::System,
            ),
            (
                json!({"productName": "Virtual Machines NCadsH100v5 Series Win"}),
                Reason::System,
            ),
            (
                json!({"productName": "NCv3 Series Cloud Services"}),
                Reason::Extra,
            ),
            (
                json!({"productName": "NCv3 Series CloudServices"}),
                Reason::Extra,
            ),
            (
                json!({"serviceName": "Azure Kubernetes Service"}),
                Reason::Extra,
            ),
            (
                json!({"productName": "NDasrA100v4 Series Dedicated Host"}),
                Reason::Dedicated,
            ),
            (
                json!({"meterName": "NC40ads H100 v5 Low Priority"}),
                Reason::LowPriority,
            ),
            (json!({"type": "DevTestConsumption"}), Reason::DevTest),
            (
                json!({"type": "Reservation", "reservationTerm": "5 Years"}),
                Reason::Term,
            ),
            (json!({"type": "Reservation"}), Reason::Term),
            (json!({"type": null}), Reason::Term),
            (
                json!({"effectiveStartDate": "2026-12-01T00:00:00Z"}),
                Reason::NotInForce,
            ),
            (
                json!({"effectiveEndDate": "2026-10-31T23:59:59Z"}),
                Reason::NotInForce,
            ),
            (
                json!({"meterName": "NC40ads H100 v5 Expired"}),
                Reason::NotInForce,
            ),
            (json!({"currencyCode": "EUR"}), Reason::Currency),
            (json!({"unitOfMeasure": "100 Hours"}), Reason::Unit),
            (json!({"retailPrice": null}), Reason::Blank),
            (json!({"retailPrice": ""}), Reason::Blank),
            (json!({"retailPrice": "N/A"}), Reason::NotANumber),
            (json!({"retailPrice": [1]}), Reason::NotANumber),
        ] {
            assert_eq!(price(change.clone()), Err(reason), "{change}");
        }
    }

    #[test]
    fn zero_is_left_for_others_to_judge() {
        assert_eq!(
            price(json!({"retailPrice": 0.0})),
            Ok((Capacity::OnDemand, Usd::ZERO))
        );
    }

    #[test]
    fn a_real_row_that_is_everything_at_once_is_for_testing() {
        let meter: Meter = serde_json::from_str(REAL).expect("a meter");
        assert_eq!(meter.price(date(2026, 11, 25)), Err(Reason::DevTest));
        assert_eq!(meter.written_price(), "0.0096");
        assert_eq!(
            meter.what(),
            "Standard_B2s, Virtual Machines BS Series Windows, B2s Low Priority"
        );
    }
}
