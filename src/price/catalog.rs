//! Where prices are: tables that are built in, and a file of refreshed rows that takes the place of those of its clouds.
//! Only the rows that are asked for are read: a query looks at a few hundred of what may be a hundred thousand.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::{Held, Key, Price};
use crate::cloud::Seller;
use crate::diagnostic::{Kind, Problem};
use crate::host;
use crate::value::Usd;

/// The first line of a refreshed catalog: its format, then the clouds whose rows are all in it.
pub(super) const TITLE: &str = "# mcai prices 1:";
/// Its columns, in their order. No cell holds a comma or a quote.
pub(super) const COLUMNS: &str = "cloud,instance_type,region,capacity,usd_per_hour,as_of,source,held_usd_per_hour,held_as_of,held_source";
/// A catalog of all instance types of all clouds, GPUs or not, has about 60 MB.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// All prices that are known.
#[derive(Debug, Default)]
pub struct Catalog {
    file: Option<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
    clouds: Vec<Seller>,
}

impl Catalog {
    /// Returns the catalog that is built in.
    pub fn embedded() -> Self {
        Catalog::default()
    }

    /// Returns the catalog with the rows of a file over it.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let text = host::read_text(path, &path.display().to_string(), MAX_BYTES)?;
        let title = text.lines().next().unwrap_or_default();
        let clouds = title.strip_prefix(TITLE).ok_or_else(|| {
            wrong_file(path, 1, format!("it does not begin with `{TITLE}`"))
                .hint("`mcai cost refresh --out FILE` writes one")
        })?;
        if text.lines().nth(1) != Some(COLUMNS) {
            return Err(wrong_file(
                path,
                2,
                format!("its columns are not `{COLUMNS}`"),
            ));
        }
        let clouds: Result<_, String> = clouds.split_whitespace().map(str::parse).collect();
        let clouds = clouds.map_err(|why| wrong_file(path, 1, why))?;
        let path = path.to_owned();
        Ok(Catalog {
            file: Some(File { path, text, clouds }),
        })
    }

    /// Returns the catalog with the rows of a file over it, if the file is there.
    pub fn at(path: &Path) -> Result<Self, Problem> {
        match path.exists() {
            true => Catalog::open(path),
            false => Ok(Catalog::embedded()),
        }
    }

    /// Returns the file of refreshed rows, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Returns the clouds whose rows are refreshed ones.
    pub fn refreshed(&self) -> &[Seller] {
        self.file.as_ref().map_or(&[], |file| &file.clouds)
    }

    /// Returns every price of some instance types, in the order of the keys.
    pub fn prices(&self, types: &HashSet<(Seller, &str)>) -> Result<Vec<Price>, Problem> {
        self.read(&|seller, instance_type| types.contains(&(seller, instance_type)))
    }

    /// Returns every price of some sellers.
    pub fn all(&self, is_wanted: impl Fn(Seller) -> bool) -> Result<Vec<Price>, Problem> {
        self.read(&|seller, _| is_wanted(seller))
    }

    /// Fails where a line of the file is no price: a refresh writes the rows of other clouds again, and must lose none.
    pub fn check(&self) -> Result<(), Problem> {
        self.all(|seller| self.refreshed().contains(&seller))?;
        Ok(())
    }

    /// Returns every price that can be read, and the lines of the file that can't.
    pub fn review(&self) -> (Vec<Price>, Vec<Unusable>) {
        let (mut prices, mut unusable) = (Vec::new(), Vec::new());
        if let Some(file) = &self.file {
            let mut known = HashSet::new();
            for line in lines(&file.text, 2, None) {
                let (number, text) = (line.number, line.text);
                let price = line.price().filter(|price| {
                    file.clouds.contains(&price.key.seller) && known.insert(price.key.clone())
                });
                match price {
                    Some(price) => prices.push(price),
                    None => unusable.push(Unusable {
                        line: number,
                        text: text.to_owned(),
                    }),
                }
            }
        }
        self.read_built_in(&|_, _| true, &mut prices);
        prices.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        (prices, unusable)
    }

    fn read(&self, is_wanted: &dyn Fn(Seller, &str) -> bool) -> Result<Vec<Price>, Problem> {
        let mut prices = Vec::new();
        if let Some(file) = &self.file {
            file.read(is_wanted, &mut prices)?;
        }
        self.read_built_in(is_wanted, &mut prices);
        prices.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        if let Some(file) = &self.file {
            file.check_once(&prices)?;
        }
        Ok(prices)
    }

    fn read_built_in(&self, is_wanted: &dyn Fn(Seller, &str) -> bool, prices: &mut Vec<Price>) {
        let built_in = Seller::clouds().filter(|cloud| !self.refreshed().contains(cloud));
        for cloud in built_in {
            read_table(cloud.embedded_prices(), Some(cloud), is_wanted, prices);
        }
        if let Some(first) = Seller::others().first() {
            read_table(first.embedded_prices(), None, is_wanted, prices);
        }
    }
}

impl File {
    fn read(
        &self,
        is_wanted: &dyn Fn(Seller, &str) -> bool,
        prices: &mut Vec<Price>,
    ) -> Result<(), Problem> {
        for line in lines(&self.text, 2, None) {
            let (number, text) = (line.number, line.text);
            let wrong = || self.wrong(number, format!("`{text}` is no price"));
            let seller = line.seller.ok_or_else(wrong)?;
            // Of a cloud that is not in the title there are no rows to read.
            if self.clouds.contains(&seller) && is_wanted(seller, line.instance_type) {
                prices.push(line.price().ok_or_else(wrong)?);
            }
        }
        Ok(())
    }

    /// Fails where the file has two rows for one thing, as a merge of two of them leaves it: nobody knows which one counts.
    /// The prices are in the order of their keys.
    fn check_once(&self, prices: &[Price]) -> Result<(), Problem> {
        let mut pairs = prices.windows(2);
        let Some(twice) = pairs.find(|pair| pair[0].key == pair[1].key) else {
            return Ok(());
        };
        let is_it = |line: &Line<'_>| {
            let price = line.clone().price();
            price.is_some_and(|price| price.key == twice[0].key)
        };
        let again = lines(&self.text, 2, None).filter(is_it).nth(1);
        let number = again.map_or(1, |line| line.number);
        Err(self.wrong(number, format!("`{}` is there twice", twice[0].key)))
    }

    fn wrong(&self, line: usize, why: String) -> Problem {
        wrong_file(&self.path, line, why)
            .hint("correct the file; `mcai cost check` lists all such lines")
    }
}

/// A line of the file that is no price the program could use.
#[derive(Debug)]
pub struct Unusable {
    pub line: usize,
    pub text: String,
}

/// A line of a table, cut as far as it takes to know what it is about: most are about something that nobody asked for.
#[derive(Clone)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
    seller: Option<Seller>,
    instance_type: &'a str,
    rest: std::str::Split<'a, char>,
}

/// Cuts the lines below some headings; a table of one seller has no column for it.
pub(super) fn lines(
    text: &str,
    headings: usize,
    of: Option<Seller>,
) -> impl Iterator<Item = Line<'_>> {
    let lines = text.lines().enumerate().skip(headings);
    lines.map(move |(at, text)| {
        let mut rest = text.split(',');
        let seller = of.or_else(|| rest.next()?.parse().ok());
        Line {
            number: at + 1,
            text,
            seller,
            instance_type: rest.next().unwrap_or_default(),
            rest,
        }
    })
}

/// Reads an embedded table, of one cloud or with a column for the seller. What is wrong in it is a bug: a test reads it all.
pub(super) fn read_table(
    table: &'static str,
    cloud: Option<Seller>,
    is_wanted: &dyn Fn(Seller, &str) -> bool,
    prices: &mut Vec<Price>,
) {
    for line in lines(table, 1, cloud) {
        let is_it = |seller| is_wanted(seller, line.instance_type);
        if line.seller.is_some_and(is_it) {
            let text = line.text;
            let price = line.price();
            debug_assert!(price.is_some(), "embedded price: {text}");
            prices.extend(price);
        }
    }
}

impl Line<'_> {
    /// Makes a price of the line, if its cells are what they should be.
    pub(super) fn price(mut self) -> Option<Price> {
        let cells = &mut self.rest;
        let key = Key {
            seller: self.seller?,
            instance_type: self.instance_type.to_owned(),
            region: cells.next()?.to_owned(),
            capacity: cells.next()?.parse().ok()?,
        };
        let (usd, as_of, source) = seen(cells)?;
        let held = match cells.next() {
            None | Some("") => None,
            Some(usd) => {
                let (usd, as_of, source) = seen(&mut std::iter::once(usd).chain(cells))?;
                Some(Held { usd, as_of, source })
            }
        };
        Some(Price {
            key,
            usd,
            as_of,
            source,
            held,
        })
    }
}

/// Reads three cells: an amount, the day it was seen, and where.
fn seen<'a>(cells: &mut impl Iterator<Item = &'a str>) -> Option<(Usd, Date, String)> {
    let usd = cells.next()?.parse().ok()?;
    let as_of = cells.next()?.parse().ok()?;
    Some((usd, as_of, cells.next()?.to_owned()))
}

fn wrong_file(path: &Path, line: usize, why: String) -> Problem {
    Problem::error(Kind::Settings, "not a price catalog")
        .detail(format!("`{}`, line {line}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_price_is_read_and_refers_to_what_exists() {
        let prices = Catalog::embedded().all(|_| true).unwrap();
        let lines = |table: &str| table.lines().skip(1).count();
        let clouds = Seller::clouds().map(|cloud| lines(cloud.embedded_prices()));
        let all = clouds.sum::<usize>() + lines(Seller::others()[0].embedded_prices());
        assert_eq!(prices.len(), all);
        assert!(
            prices.is_sorted_by(|one, other| one.key < other.key),
            "a key twice"
        );
        let sources = include_str!("../../data/sources.csv");
        for price in &prices {
            let key = &price.key;
            assert!(
                key.seller.instance(&key.instance_type).is_some(),
                "{price:?}"
            );
            let is_known =
                key.seller.cloud().is_none() || key.seller.country(&key.region).is_some();
            assert!(is_known, "{price:?}");
            assert!(
                sources.contains(&format!("\n{},", price.source)),
                "{price:?}"
            );
        }
    }

    #[test]
    fn a_file_takes_the_place_of_its_clouds_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.csv");
        let rows =
            "aws,g6.xlarge,us-east-1,on-demand,0.9,2026-11-24,aws-site,2,2026-11-25,aws-site\n";
        std::fs::write(&path, format!("{TITLE} aws\n{COLUMNS}\n{rows}")).unwrap();
        let catalog = Catalog::open(&path).unwrap();
        let prices = catalog.all(|seller| seller.id() == "aws").unwrap();
        let [price] = prices.as_slice() else {
            panic!("{prices:?}")
        };
        assert_eq!(price.usd.to_string(), "0.9");
        assert_eq!(price.held.as_ref().unwrap().usd.to_string(), "2");
        assert!(
            !catalog
                .all(|seller| seller.id() == "gcp")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.csv");
        let row = "aws,g6.xlarge,us-east-1,on-demand,0.9,2026-11-24,x,,,\n";
        for (text, line) in [
            ("", "line 1"),
            ("cloud,price\n", "line 1"),
            ("# mcai prices 1: amazon\n", "line 2"),
            (&format!("{TITLE} moon\n{COLUMNS}\n"), "line 1"),
            (
                &format!(
                    "{TITLE} aws\n{COLUMNS}\naws,g6.xlarge,us-east-1,on-demand,cheap,2026-11-24,x,,,\n"
                ),
                "line 3",
            ),
            (
                &format!("{TITLE} aws\n{COLUMNS}\n{row}<<<<<<< HEAD\n"),
                "line 4",
            ),
            (
                &format!(
                    "{TITLE} aws\n{COLUMNS}\n{row}aws,g6.xlarge,us-east-2,spot,0.4,2026-11-24,x,,,\n{row}"
                ),
                "line 5",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let problem = Catalog::open(&path).and_then(|catalog| catalog.all(|_| true));
            let problem = problem.unwrap_err();
            assert!(problem.detail.contains(line), "{problem:?}");
        }
    }
}
