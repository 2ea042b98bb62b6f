//! The list behind the spot price page of aws.amazon.com: one file with a price for each machine and region, made anew
//! every hour. It is not documented; github.com/alexei-led/spotinfo describes it. It has no Middle East.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::PROVIDER;
use super::prices::Row;
use crate::cloud::feed::{Access, Coverage, Feed, Progress, Reading};
use crate::cloud::{Capacity, Reason};
use crate::diagnostic::{Kind, Problem};
use crate::http;

/// The list behind the spot price page: one file, made anew every hour.
pub(super) const FEED: Feed = Feed {
    id: "aws-spot",
    url: "https://website.spot.ec2.aws.a2z.com",
    key: None,
};

/// Never `spot.js`: the same server still sends that one, as it was on 2024-05-13.
const FILE: &str = "spot.json";
/// The file has 2.7 MB (2026).
const LARGEST: usize = 32 * 1024 * 1024;

/// Old names of regions, which the list had for years; the table is github.com/infracost/cloud-pricing-api's.
const ALIASES: [(&str, &str); 6] = [
    ("us-east", "us-east-1"),
    ("us-west", "us-west-1"),
    ("eu-ireland", "eu-west-1"),
    ("apac-sin", "ap-southeast-1"),
    ("apac-syd", "ap-southeast-2"),
    ("apac-tokyo", "ap-northeast-1"),
];

#[derive(Deserialize)]
struct Document {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    rate: String,
    regions: Vec<Region>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    region: String,
    instance_types: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    #[serde(rename = "type")]
    name: String,
    sizes: Vec<Size>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Size {
    size: String,
    value_columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    prices: BTreeMap<String, String>,
}

pub(super) async fn read(access: &Access<'_>) -> Reading {
    let mut reading = Reading::default();
    let url = format!("{}/{FILE}", access.url(&FEED));
    match fetch(access, &url).await {
        Ok((document, as_of)) => take(&document.config, as_of, &mut reading),
        Err(problem) => reading.failures.push(FEED.failure("", problem)),
    }
    (access.progress)(Progress {
        feed: FEED.id,
        done: 1,
        of: Some(1),
        rows: reading.rows,
    });
    reading
}

async fn fetch(access: &Access<'_>, url: &str) -> Result<(Document, Date), Problem> {
    let body = access.http.get(url).await?;
    let as_of = access.day(&body);
    let bytes = body.whole(LARGEST).await?;
    let document: Document = serde_json::from_slice(unwrapped(&bytes))
        .map_err(|error| http::not_as_expected(url, &error))?;
    if document.config.regions.is_empty() {
        return Err(
            Problem::error(Kind::Protocol, "the answer is not as expected")
                .detail(format!("`{url}` has no regions")),
        );
    }
    Ok((document, as_of))
}

/// Returns the JSON of an answer, which may be the argument of a function: the file was a script once, and is still sent
/// as one.
fn unwrapped(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    let inner = bytes.strip_prefix(b"callback(");
    let inner = inner.map(|rest| rest.strip_suffix(b";").unwrap_or(rest));
    inner
        .and_then(|rest| rest.strip_suffix(b")"))
        .unwrap_or(bytes)
}

/// Adds the prices of all regions.
fn take(config: &Config, as_of: Date, reading: &mut Reading) {
    for region in &config.regions {
        let alias = ALIASES.iter().find(|(old, _)| *old == region.region);
        let code = alias.map_or(region.region.as_str(), |(_, code)| code);
        for class in &region.instance_types {
            for size in &class.sizes {
                for column in &size.value_columns {
                    let row = column.row(size, class, code, &config.rate);
                    row.enter(FEED.id, as_of, reading);
                }
            }
        }
        let has_prices = region
            .instance_types
            .iter()
            .any(|class| !class.sizes.is_empty());
        if has_prices && PROVIDER.region(code).is_some() {
            reading.covered.insert(Coverage {
                capacity: Capacity::Spot,
                region: Some(code.to_owned()),
            });
        }
    }
}

impl Column {
    fn row<'a>(&'a self, size: &'a Size, class: &Class, region: &'a str, rate: &str) -> Row<'a> {
        let price = self.prices.get("USD");
        let verdict = match self.name.as_str() {
            "linux" if rate != "perhr" => Err(Reason::Unit),
            "linux" if price.is_none() && !self.prices.is_empty() => Err(Reason::Currency),
            "linux" => Ok(Capacity::Spot),
            _ => Err(Reason::System),
        };
        Row {
            instance_type: &size.size,
            region,
            price: price.map_or("", |price| price),
            // The class has Inferentia and Trainium, too, in families of other letters.
            has_gpus: class.name.starts_with("gpu") && size.size.starts_with(['g', 'p']),
            gpus: None,
            verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_json_out_of_a_script() {
        for text in ["{}", "callback({});", " callback({})\n", "callback({});\n"] {
            assert_eq!(unwrapped(text.as_bytes()), b"{}", "{text}");
        }
        assert_eq!(unwrapped(b"callback({"), b"callback({");
    }
}
