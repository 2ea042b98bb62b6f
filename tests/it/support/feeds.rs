//! Price lists on this machine: what the clouds' public lists would say if every price that is built in were still so, with
//! changes on order.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

#[path = "../../../src/http/loopback.rs"]
mod loopback;

pub(crate) use loopback::{Answer, Server};

/// Azure's list, row by row. It can be changed while it is served.
#[derive(Clone)]
pub(crate) struct AzureList {
    rows: Arc<Mutex<Vec<Value>>>,
}

const AZURE: &str = include_str!("../../../data/azure/prices.csv");
const GCP: &str = include_str!("../../../data/gcp/prices.csv");
const AWS: &str = include_str!("../../../data/aws/prices.csv");

/// Rows of a table of `data/`, cell by cell.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = table.lines().skip(1);
    lines.map(|line| line.split(',').collect())
}

impl AzureList {
    pub(crate) fn new() -> Self {
        let rows = rows(AZURE).map(|cells| match cells[..] {
            [name, region, "on-demand", usd, ..] => machine(name, region, usd),
            [name, region, "spot", usd, ..] => {
                let mut row = machine(name, region, usd);
                row["skuName"] = json!(format!("{name} Spot"));
                row
            }
            _ => panic!("{cells:?}"),
        });
        AzureList {
            rows: Arc::new(Mutex::new(rows.collect())),
        }
    }

    /// Changes fields of the rows about an instance type in a region; spot rows stay.
    pub(crate) fn change(&self, name: &str, region: &str, changes: &Value) -> &Self {
        let mut rows = self.rows.lock().expect("no panic in a server");
        let is_it = |row: &&mut Value| {
            row["armSkuName"] == name && row["armRegionName"] == region && row["skuName"] == name
        };
        let mut found = rows.iter_mut().filter(is_it).peekable();
        assert!(found.peek().is_some(), "{name} in {region}");
        for row in found {
            for (field, value) in changes.as_object().expect("fields") {
                row[field] = value.clone();
            }
        }
        drop(rows);
        self
    }

    /// Adds a row for an instance type in a region, with changed fields.
    pub(crate) fn add(&self, name: &str, region: &str, usd: &str, changes: &Value) -> &Self {
        let mut row = machine(name, region, usd);
        for (field, value) in changes.as_object().expect("fields") {
            row[field] = value.clone();
        }
        self.rows.lock().expect("no panic in a server").push(row);
        self
    }

    /// Takes the rows about an instance type in a region away.
    pub(crate) fn remove(&self, name: &str, region: &str) -> &Self {
        let mut rows = self.rows.lock().expect("no panic in a server");
        rows.retain(|row| row["armSkuName"] != name || row["armRegionName"] != region);
        drop(rows);
        self
    }

    /// Answers as the Azure Retail Prices API does: the rows of the region that the filter names.
    pub(crate) fn answer(&self, path: &str) -> Answer {
        let filter = path
            .split_once("armRegionName+eq+%27")
            .map(|(_, rest)| rest);
        let region = filter
            .and_then(|rest| rest.split_once("%27"))
            .map(|(region, _)| region);
        let Some(region) = region else {
            return Answer::status(404, "");
        };
        let rows = self.rows.lock().expect("no panic in a server");
        let items: Vec<&Value> = rows
            .iter()
            .filter(|row| row["armRegionName"] == region)
            .collect();
        let page = json!({"BillingCurrency": "USD", "Items": items, "NextPageLink": null, "Count": items.len()});
        Answer::ok(page.to_string())
    }

    pub(crate) fn serve(&self) -> Server {
        let list = self.clone();
        Server::start(move |path| list.answer(path))
    }
}

/// A row of Azure's list: a Linux machine by the hour.
fn machine(name: &str, region: &str, usd: &str) -> Value {
    let usd: Value = serde_json::from_str(usd).expect("a number");
    json!({
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": usd, "unitPrice": usd, "armRegionName": region,
        "effectiveStartDate": "2023-11-01T00:00:00Z", "meterName": name, "productName": "Virtual Machines N Series",
        "skuName": name, "serviceName": "Virtual Machines", "serviceFamily": "Compute", "unitOfMeasure": "1 Hour",
        "type": "Consumption", "isPrimaryMeterRegion": true, "armSkuName": name,
    })
}

/// Returns the public list of GCP's machine types as built-in prices have it; `price` may change those on demand.
pub(crate) fn gcp_list(price: impl Fn(&str, &str, &str) -> String) -> String {
    let mut text = "name,region,hour,hourSpot\n".to_owned();
    for cells in rows(GCP) {
        if let [name, region, "on-demand", usd, ..] = cells[..] {
            text.push_str(&format!("{name},{region},{},\n", price(name, region, usd)));
        }
    }
    text
}

/// The headings of AWS's price list that matter.
const HEADINGS: [&str; 21] = [
    "SKU",
    "TermType",
    "Unit",
    "PricePerUnit",
    "Currency",
    "LeaseContractLength",
    "PurchaseOption",
    "OfferingClass",
    "Product Family",
    "Location",
    "Location Type",
    "Instance Type",
    "Instance Family",
    "Tenancy",
    "Operating System",
    "License Model",
    "CapacityStatus",
    "GPU",
    "MarketOption",
    "Pre Installed S/W",
    "Region Code",
];

/// A machine, its price, and cells of its row that are not the usual ones, by heading.
pub(crate) type AwsRow<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Returns AWS's price list of a region as built-in prices have it, with more rows: each a machine with changed cells.
pub(crate) fn aws_list(region: &str, more: &[AwsRow<'_>]) -> String {
    let mut text = aws_preamble();
    for cells in rows(AWS) {
        let (length, option, class) = match cells[2] {
            "reserved-1y" => ("1yr", "No Upfront", "standard"),
            "reserved-3y" => ("3yr", "No Upfront", "standard"),
            "on-demand" => ("", "", ""),
            _ => continue,
        };
        if cells[1] == region {
            let term = if length.is_empty() {
                "OnDemand"
            } else {
                "Reserved"
            };
            let changes = [
                ("TermType", term),
                ("LeaseContractLength", length),
                ("PurchaseOption", option),
                ("OfferingClass", class),
            ];
            text.push_str(&aws_row(region, cells[0], cells[3], &changes));
        }
    }
    for (name, usd, changes) in more {
        text.push_str(&aws_row(region, name, usd, changes));
    }
    text
}

/// Returns what is before the rows.
fn aws_preamble() -> String {
    let headings = quoted(&HEADINGS);
    format!(
        "\"FormatVersion\",\"v1.0\"\n\"Disclaimer\",\"This pricing list is for informational purposes only.\"\n\
         \"Publication Date\",\"2026-11-20T00:00:00Z\"\n\"Version\",\"20261120000000\"\n\"OfferCode\",\"AmazonEC2\"\n{headings}"
    )
}

/// Returns a row for a Linux machine on demand, with changed cells.
fn aws_row(region: &str, name: &str, usd: &str, changes: &[(&str, &str)]) -> String {
    let cell = |heading: &&str| {
        let changed = changes.iter().find(|(name, _)| name == heading);
        changed.map(|(_, value)| *value).unwrap_or(match *heading {
            "SKU" => "SKU1",
            "TermType" => "OnDemand",
            "Unit" => "Hrs",
            "PricePerUnit" => usd,
            "Currency" => "USD",
            "Product Family" => "Compute Instance",
            "Location" => "US East (N. Virginia)",
            "Location Type" => "AWS Region",
            "Instance Type" => name,
            "Instance Family" => "GPU instance",
            "Tenancy" => "Shared",
            "Operating System" => "Linux",
            "License Model" => "No License required",
            "CapacityStatus" => "Used",
            "MarketOption" => "OnDemand",
            "Pre Installed S/W" => "NA",
            "Region Code" => region,
            _ => "",
        })
    };
    quoted(&HEADINGS.iter().map(cell).collect::<Vec<_>>())
}

fn quoted(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
    cells.join(",") + "\n"
}

/// Answers as AWS's price list does, with one region.
pub(crate) fn aws_answer(path: &str, region: &str, list: &str) -> Answer {
    let root = "/offers/v1.0/aws/AmazonEC2/current";
    if path == format!("{root}/region_index.json") {
        let entry = json!({"regionCode": region, "currentVersionUrl": format!("{root}/{region}/index.json")});
        return Answer::ok(json!({"regions": {region: entry}}).to_string());
    }
    match path == format!("{root}/{region}/index.csv") {
        true => Answer::ok(list),
        false => Answer::status(404, ""),
    }
}

/// Serves AWS's price list of a region with so many rows of machines without GPUs before one with; it is never whole in
/// memory. Returns the server's address and how many bytes the list has.
pub(crate) fn serve_long_aws_list(region: &'static str, rows: usize) -> (String, usize) {
    // The real list has about 90 columns and 1 KiB a row.
    let padding = "x".repeat(700);
    let row = aws_row(
        region,
        "m5.large",
        "0.0960000000",
        &[("SKU", &padding), ("Instance Family", "General purpose")],
    );
    let last = aws_row(region, "p5.48xlarge", "56.0", &[("GPU", "8")]);
    let preamble = aws_preamble();
    let length = preamble.len() + row.len() * rows + last.len();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let send = move |mut stream: TcpStream| -> std::io::Result<()> {
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
        if first.contains("region_index.json") {
            let index = json!({"regions": {region: {}}}).to_string();
            return write!(stream, "{head} {}\r\n\r\n{index}", index.len());
        }
        write!(stream, "{head} {length}\r\n\r\n{preamble}")?;
        (0..rows).try_for_each(|_| stream.write_all(row.as_bytes()))?;
        stream.write_all(last.as_bytes())
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away early is the test's to notice.
            let _ = send(stream);
        }
    });
    (url, length)
}
