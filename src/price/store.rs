//! Where refreshed prices are kept: the catalog's file, beside it the history of what changed and what the last refresh
//! left out, and a lock that only one mcai holds. Main type: [`Store`].

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::catalog::{COLUMNS, TITLE};
use super::lock::Lock;
use super::refresh::Refreshed;
use super::{Catalog, Change, Key, Merged, Price, history};
use crate::cloud::Seller;
use crate::cloud::feed::SetAsides;
use crate::diagnostic::{Kind, Problem};
use crate::host;
use crate::text::csv_text;

/// The file of refreshed prices, while nobody else may write it.
pub struct Store {
    path: PathBuf,
    /// What is known before the refresh.
    pub catalog: Catalog,
    _lock: Lock,
}

/// What the last refresh left out, by cloud: a file for `mcai cost check`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LastRefresh {
    version: u32,
    pub clouds: BTreeMap<String, CloudRefresh>,
}

/// What the last refresh of one cloud left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudRefresh {
    pub day: Date,
    /// Whether its rows were written.
    pub stored: bool,
    pub rows_read: usize,
    pub set_aside: Vec<LeftOut>,
    /// Names of rows that the lists no longer have.
    pub lost: Vec<String>,
    /// A line for each feed, or part of one, that could not be read.
    pub failures: Vec<String>,
}

/// Rows that were set aside for one reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// A word of [`crate::cloud::Reason`].
    pub reason: String,
    pub explained: String,
    pub count: usize,
    pub examples: Vec<Example>,
}

/// A row that was set aside, in the list's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Example {
    pub what: String,
    pub region: String,
    pub price: String,
}

/// The form of the file of the last refresh.
const VERSION: u32 = 1;
/// A report has at most a few hundred examples, and the names of all lost rows.
const MAX_REPORT_BYTES: u64 = 32 * 1024 * 1024;

impl Store {
    /// Opens the file, or begins with what is built in; fails at once where another mcai refreshes it, and before anything
    /// is read or written where the file, or one beside it, is not mcai's. `now` is for who looks into the lock.
    pub fn lock(path: &Path, now: jiff::Timestamp) -> Result<Self, Problem> {
        // Nothing may be put beside a file that is something else.
        Catalog::at(path)?;
        history::file(&beside(path, HISTORY))?;
        LastRefresh::check_own(path)?;
        let lock = Lock::take(&beside(path, LOCK), now)?;
        Ok(Store {
            path: path.to_owned(),
            catalog: Catalog::at(path)?,
            _lock: lock,
        })
    }

    /// Writes what a refresh has brought; other clouds of the file stay. What was left out is noted in any case.
    pub fn write(&self, clouds: &BTreeMap<Seller, Refreshed>, today: Date) -> Result<(), Problem> {
        let stored = clouds.iter().filter(|(_, cloud)| cloud.is_stored());
        let stored: BTreeMap<Seller, &Merged> = stored
            .map(|(cloud, refreshed)| (*cloud, &refreshed.merged))
            .collect();
        if stored.is_empty() {
            return self.write_last(clouds, today);
        }
        let catalog = self.catalog_text(&stored)?;
        // The catalog comes last. After a crash before it the next refresh finds the same changes again; what is already
        // in the history is not written twice. The other way round a change would be missing there for ever.
        let changed = stored.values().flat_map(|merged| &merged.changed);
        let added = stored.values().flat_map(|merged| &merged.added);
        self.write_history(changed, added)?;
        self.write_last(clouds, today)?;
        write(&self.path, &catalog)
    }

    fn write_history<'a>(
        &self,
        changed: impl Iterator<Item = &'a Change>,
        added: impl Iterator<Item = &'a Price>,
    ) -> Result<(), Problem> {
        let path = beside(&self.path, HISTORY);
        let mut points = history::file(&path)?;
        let known: HashSet<Key> = points.iter().map(|point| point.key.clone()).collect();
        let before = points.len();
        for change in changed {
            // Where a row's history begins, it begins with what was known.
            let is_first = !known.contains(&change.old.key);
            points.extend(is_first.then(|| change.old.clone()));
            points.push(change.new.clone());
        }
        points.extend(added.cloned());
        if points.len() == before {
            return Ok(());
        }
        history::tidy(&mut points);
        write(&path, &history::text(&points))
    }

    fn write_last(&self, clouds: &BTreeMap<Seller, Refreshed>, today: Date) -> Result<(), Problem> {
        // Accepting what is held reads nothing: what the last reading left out still holds.
        let mut read = clouds
            .iter()
            .filter(|(_, cloud)| cloud.is_read())
            .peekable();
        if read.peek().is_none() {
            return Ok(());
        }
        // One of another version, or a broken one, is about the past: it is no reason to keep new prices out.
        let old = LastRefresh::of(&self.path).ok().flatten();
        let mut clouds = old.map(|old| old.clouds).unwrap_or_default();
        clouds.extend(read.map(|(cloud, refreshed)| {
            let refresh = CloudRefresh::new(&refreshed.merged, refreshed.is_stored(), today);
            (cloud.to_string(), refresh)
        }));
        let file = LastRefresh {
            version: VERSION,
            clouds,
        };
        let text = serde_json::to_string_pretty(&file).unwrap_or_default() + "\n";
        write(&beside(&self.path, REPORT), &text)
    }

    fn catalog_text(&self, stored: &BTreeMap<Seller, &Merged>) -> Result<String, Problem> {
        let is_other = |cloud: Seller| {
            self.catalog.refreshed().contains(&cloud) && !stored.contains_key(&cloud)
        };
        let others = self.catalog.all(is_other)?;
        let fresh = stored.values().flat_map(|merged| &merged.rows);
        let mut rows: Vec<&Price> = others.iter().chain(fresh).collect();
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        let clouds =
            Seller::clouds().filter(|cloud| stored.contains_key(cloud) || is_other(*cloud));
        let clouds: String = clouds.map(|cloud| format!(" {cloud}")).collect();
        let rows = csv_text(rows.into_iter().map(cells));
        Ok(format!("{TITLE}{clouds}\n{COLUMNS}\n{rows}"))
    }
}

const HISTORY: &str = "history.csv";
const REPORT: &str = "report.json";
const LOCK: &str = "lock";

/// Returns the name of a file beside the catalog's: `prices.csv` has `prices.csv.lock`. The whole name is kept, as
/// `Cargo.toml` has a `Cargo.lock` that is another's.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Returns where the history of a catalog's file is.
pub fn history_path(catalog: &Path) -> PathBuf {
    beside(catalog, HISTORY)
}

fn cells(price: &Price) -> Vec<String> {
    let mut cells = point_cells(price);
    match &price.held {
        Some(held) => cells.extend([
            held.usd.to_string(),
            held.as_of.to_string(),
            held.source.clone(),
        ]),
        None => cells.extend([const { String::new() }; 3]),
    }
    cells
}

/// Returns the cells of a price without what is held.
pub(super) fn point_cells(price: &Price) -> Vec<String> {
    let key = &price.key;
    vec![
        key.seller.to_string(),
        key.instance_type.clone(),
        key.region.clone(),
        key.capacity.to_string(),
        price.usd.to_string(),
        price.as_of.to_string(),
        price.source.clone(),
    ]
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Problem> {
    host::write_whole(path, text).map_err(|error| {
        Problem::error(Kind::Io, "cannot write the prices")
            .detail(format!("`{}`", path.display()))
            .chain(&error)
    })
}

impl LastRefresh {
    /// Reads what the last refresh of a catalog's file left out, if there was one.
    pub fn of(catalog: &Path) -> Result<Option<Self>, Problem> {
        let path = beside(catalog, REPORT);
        let Some(text) = report_text(&path)? else {
            return Ok(None);
        };
        match version(&path, &text)? {
            VERSION => {
                let last = serde_json::from_str(&text);
                Ok(Some(last.map_err(|error| foreign(&path).chain(&error))?))
            }
            other => Err(wrong_report(&path)
                .cause(format!("its version is {other}, not {VERSION}"))
                .hint("`mcai cost refresh` writes a new one")),
        }
    }

    /// Fails where the file is there and no mcai has written it; one of another version may be replaced.
    fn check_own(catalog: &Path) -> Result<(), Problem> {
        let path = beside(catalog, REPORT);
        if let Some(text) = report_text(&path)? {
            version(&path, &text)?;
        }
        Ok(())
    }
}

fn report_text(path: &Path) -> Result<Option<String>, Problem> {
    match path.exists() {
        true => host::read_text(path, &path.display().to_string(), MAX_REPORT_BYTES).map(Some),
        false => Ok(None),
    }
}

/// Returns the version of a report; what every version has tells it from other files.
fn version(path: &Path, text: &str) -> Result<u32, Problem> {
    #[derive(Deserialize)]
    struct Any {
        version: u32,
        #[serde(rename = "clouds")]
        _clouds: BTreeMap<String, serde::de::IgnoredAny>,
    }
    let any: Any = serde_json::from_str(text).map_err(|error| foreign(path).chain(&error))?;
    Ok(any.version)
}

fn wrong_report(path: &Path) -> Problem {
    Problem::error(Kind::Settings, "not a report of a refresh")
        .detail(format!("`{}`", path.display()))
}

fn foreign(path: &Path) -> Problem {
    wrong_report(path).hint("move it away; `mcai cost refresh` begins a new one")
}

impl CloudRefresh {
    pub fn new(merged: &Merged, stored: bool, day: Date) -> Self {
        CloudRefresh {
            day,
            stored,
            rows_read: merged.read,
            set_aside: left_out(&merged.set_aside),
            lost: merged
                .lost
                .iter()
                .map(|price| price.key.to_string())
                .collect(),
            failures: merged.failures.iter().map(Problem::one_line).collect(),
        }
    }
}

/// Returns what was set aside, reason by reason.
pub fn left_out(set_aside: &SetAsides) -> Vec<LeftOut> {
    let one =
        |(reason, examples): (&crate::cloud::Reason, &crate::cloud::feed::Examples)| LeftOut {
            reason: reason.word().to_owned(),
            explained: reason.explained().to_owned(),
            count: examples.count,
            examples: examples
                .some
                .iter()
                .map(|row| Example {
                    what: row.what.clone(),
                    region: row.region.clone(),
                    price: row.price.clone(),
                })
                .collect(),
        };
    set_aside.0.iter().map(one).collect()
}
