//! Amounts of money, exact: prices have up to nine decimals, and sums of floats would not be what a user adds up.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// US dollars, as a whole number of nano-dollars; at most about 9.2 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

const NANOS: i64 = 1_000_000_000;
const DECIMALS: usize = 9;

impl Usd {
    pub const ZERO: Usd = Usd(0);

    pub const fn from_nanos(nanos: i64) -> Self {
        Usd(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Returns the amount as the nearest float, for ratios and for people.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }

    /// Returns the amount nearest to a number of dollars, or nothing where it is no number or too large.
    pub fn from_f64(dollars: f64) -> Option<Self> {
        let nanos = (dollars * NANOS as f64).round();
        (nanos.is_finite() && nanos.abs() < i64::MAX as f64).then_some(Usd(nanos as i64))
    }

    /// Returns the amount times a number, rounded to the nearest nano-dollar, halves away from zero.
    pub fn times(self, factor: f64) -> Self {
        Usd((self.0 as f64 * factor).round() as i64)
    }

    /// Returns the amount divided by a number, rounded to the nearest nano-dollar, halves away from zero.
    pub fn per(self, parts: f64) -> Self {
        Usd((self.0 as f64 / parts).round() as i64)
    }

    /// Returns the amount as `12.345`: rounded to so many decimals, halves away from zero.
    pub fn rounded(self, decimals: usize) -> String {
        let step = 10_i128.pow((DECIMALS - decimals.min(DECIMALS)) as u32);
        let nanos = i128::from(self.0);
        let steps = (nanos.abs() + step / 2) / step;
        let unit = 10_i128.pow(decimals.min(DECIMALS) as u32);
        let sign = if nanos < 0 && steps > 0 { "-" } else { "" };
        match decimals {
            0 => format!("{sign}{steps}"),
            _ => format!("{sign}{}.{:0decimals$}", steps / unit, steps % unit),
        }
    }
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoUsd {
    Blank,
    NotANumber,
}

impl fmt::Display for NoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoUsd::Blank => "it is blank",
            NoUsd::NotANumber => "it is not a number of dollars such as 12.345",
        })
    }
}

impl FromStr for Usd {
    type Err = NoUsd;

    /// Reads plain decimals; what is beyond nine of them is rounded. Price lists also write exponents (`1.2E-4`).
    fn from_str(text: &str) -> Result<Self, NoUsd> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NoUsd::Blank);
        }
        let is_plain = |text: &str| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
        };
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        if is_plain(unsigned) {
            let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
            if fraction.len() <= DECIMALS {
                let nanos = format!("{whole}{fraction:0<DECIMALS$}");
                let nanos: i64 = nanos.parse().map_err(|_| NoUsd::NotANumber)?;
                return Ok(Usd(if text.starts_with('-') { -nanos } else { nanos }));
            }
        } else if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            // `inf` and `nan` are floats to Rust.
            return Err(NoUsd::NotANumber);
        }
        let dollars: f64 = text.parse().map_err(|_| NoUsd::NotANumber)?;
        Usd::from_f64(dollars).ok_or(NoUsd::NotANumber)
    }
}

/// The exact amount, without zeros at the end.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.rounded(DECIMALS);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A plain number.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> serde::Deserialize<'de> for Usd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Usd::from_f64(dollars).ok_or_else(|| serde::de::Error::custom("not an amount of dollars"))
    }
}

impl Add for Usd {
    type Output = Usd;

    fn add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Usd) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Usd;

    fn sub(self, other: Usd) -> Usd {
        Usd(self.0.saturating_sub(other.0))
    }
}

impl Neg for Usd {
    type Output = Usd;

    fn neg(self) -> Usd {
        Usd(-self.0)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_price_lists_write() {
        for (text, nanos) in [
            ("21.957642", 21_957_642_000),
            ("0.0000000000", 0),
            ("98.3200000000", 98_320_000_000),
            (" 0.1 ", 100_000_000),
            (".5", 500_000_000),
            ("-1.5", -1_500_000_000),
            ("1.2E-4", 120_000),
            ("0.12345678949", 123_456_789),
        ] {
            assert_eq!(text.parse(), Ok(Usd(nanos)), "{text}");
        }
        assert_eq!("".parse::<Usd>(), Err(NoUsd::Blank));
        for wrong in [
            "NaN", "inf", "-inf", "N/A*", "1,5", "$3", "1e30", "--1", ".",
        ] {
            assert_eq!(wrong.parse::<Usd>(), Err(NoUsd::NotANumber), "{wrong}");
        }
    }

    #[test]
    fn writes_exactly_or_rounded() {
        let price = Usd(112_540_500_000);
        assert_eq!(price.to_string(), "112.5405");
        assert_eq!(price.rounded(2), "112.54");
        assert_eq!(Usd(2_744_705_250).rounded(3), "2.745");
        assert_eq!(Usd(-1).rounded(2), "0.00");
        assert_eq!(Usd(-5_000_000).rounded(2), "-0.01");
        assert_eq!(Usd(61_200_000_000).rounded(0), "61");
        assert_eq!(serde_json::to_string(&price).unwrap(), "112.5405");
    }

    #[test]
    fn divides_to_the_nearest_nano_dollar() {
        let price: Usd = "21.957642".parse().unwrap();
        assert_eq!(price.per(8.0).to_string(), "2.74470525");
        assert_eq!(Usd(1).per(2.0), Usd(1));
        assert_eq!(price.times(0.7).to_string(), "15.3703494");
    }
}
