//! The catalog as tables for other tools, in the layout of `data/`: that is also how the tables that are built in are made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::store::{point_cells, write};
use super::{Catalog, Doubt, Price, doubts, history};
use crate::cloud::Seller;
use crate::diagnostic::{Kind, Problem};
use crate::text::csv_text;

/// The columns of a cloud's table; that of other sellers has the seller before them.
const COLUMNS: &str = "instance_type,region,capacity,usd_per_hour,as_of,source";

/// What was written.
#[derive(Debug)]
pub struct Exported {
    /// Tables with the number of their rows.
    pub files: Vec<(PathBuf, usize)>,
    /// Prices that were left out because they can't be true.
    pub doubts: Vec<Doubt>,
}

/// Writes the catalog's prices and their history into a folder. A file that is no table of prices is not replaced.
pub fn export(catalog: &Catalog, folder: &Path) -> Result<Exported, Problem> {
    let prices = catalog.all(|_| true)?;
    let doubts = doubts(&prices);
    let prices = prices
        .into_iter()
        .filter(|price| !doubts.contains_key(&price.key));
    let file = catalog.path().map(super::store::history_path);
    let points = history::points(file.as_deref(), &|_, _| true)?;
    let mut tables = Tables::default();
    for price in prices {
        tables.push("prices.csv", price);
    }
    for point in points {
        tables.push("history.csv", point);
    }
    let files = tables
        .0
        .iter()
        .map(|(path, table)| (folder.join(path), table));
    let files: Vec<_> = files.collect();
    for (path, table) in &files {
        check_own(path, &table.headings())?;
    }
    for (path, table) in &files {
        write(path, &table.text())?;
    }
    Ok(Exported {
        files: files
            .into_iter()
            .map(|(path, table)| (path, table.rows.len()))
            .collect(),
        doubts: doubts.into_values().collect(),
    })
}

#[derive(Default)]
struct Tables(BTreeMap<PathBuf, Table>);

struct Table {
    has_seller: bool,
    rows: Vec<Price>,
}

impl Tables {
    fn push(&mut self, name: &str, price: Price) {
        let seller: Seller = price.key.seller;
        let is_cloud = seller.cloud().is_some();
        let folder = if is_cloud { seller.id() } else { "others" };
        let table = self.0.entry(Path::new(folder).join(name));
        let table = table.or_insert_with(|| Table {
            has_seller: !is_cloud,
            rows: Vec::new(),
        });
        table.rows.push(price);
    }
}

impl Table {
    fn headings(&self) -> String {
        match self.has_seller {
            true => format!("seller,{COLUMNS}"),
            false => COLUMNS.to_owned(),
        }
    }

    fn text(&self) -> String {
        let skipped = usize::from(!self.has_seller);
        let rows = self
            .rows
            .iter()
            .map(|price| point_cells(price).split_off(skipped));
        format!("{}\n{}", self.headings(), csv_text(rows))
    }
}

/// A mistyped folder must not cost a file.
fn check_own(path: &Path, headings: &str) -> Result<(), Problem> {
    if !path.exists() {
        return Ok(());
    }
    let is_own = fs::read(path).is_ok_and(|bytes| {
        let first = bytes.split(|byte| *byte == b'\n').next();
        first.is_some_and(|line| line.trim_ascii_end() == headings.as_bytes())
    });
    match is_own {
        true => Ok(()),
        false => Err(Problem::error(Kind::Io, "the file is no table of prices")
            .detail(format!(
                "`{}` is there and does not begin with `{headings}`",
                path.display()
            ))
            .hint("export to another folder")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_exported_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let exported = export(&Catalog::embedded(), folder.path()).unwrap();
        assert!(exported.doubts.is_empty());
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        for (path, table) in [
            ("aws/prices.csv", include_str!("../../data/aws/prices.csv")),
            (
                "azure/prices.csv",
                include_str!("../../data/azure/prices.csv"),
            ),
            ("gcp/prices.csv", include_str!("../../data/gcp/prices.csv")),
            (
                "gcp/history.csv",
                include_str!("../../data/gcp/history.csv"),
            ),
            (
                "others/prices.csv",
                include_str!("../../data/others/prices.csv"),
            ),
        ] {
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(lines(&read(path)), lines(table), "{path}");
        }
        assert_eq!(exported.files.len(), 5);
        // Again over its own, but not over another's.
        export(&Catalog::embedded(), folder.path()).unwrap();
        fs::write(folder.path().join("aws/prices.csv"), "my,own\n").unwrap();
        fs::remove_file(folder.path().join("gcp/prices.csv")).unwrap();
        let problem = export(&Catalog::embedded(), folder.path()).unwrap_err();
        assert!(problem.detail.contains("aws/prices.csv"), "{problem:?}");
        assert!(!folder.path().join("gcp/prices.csv").exists());
    }
}
