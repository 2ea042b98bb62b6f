//! Where refreshed prices are kept: the catalog's file, beside it the history of what changed and what the last refresh
//! left out, and a lock that only one mcai holds. Main type: [`Store`].

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::catalog::{COLUMNS, TITLE};
use super::refresh::Refreshed;
use super::{Catalog, Change, Key, Merged, Price, history};
use crate::cloud::Seller;
use crate::cloud::feed::SetAsides;
use crate::diagnostic::{Kind, Problem};
use crate::host;

/// The file of refreshed prices, while nobody else may write it.
pub struct Store {
    path: PathBuf,
    /// What is known before the refresh.
    pub catalog: Catalog,
    _lock: fs::File,
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
    /// Opens the file, or begins with what is built in; fails at once where another mcai refreshes it. `now` is for who looks
    /// into the lock.
    pub fn lock(path: &Path, now: jiff::Timestamp) -> Result<Self, Problem> {
        let lock = lock(&beside(path, "lock"), now)?;
        Ok(Store {
            path: path.to_owned(),
            catalog: Catalog::at(path)?,
            _lock: lock,
        })
    }

    /// Writes what a refresh has brought; other clouds of the file stay.
    pub fn write(&self, clouds: &BTreeMap<Seller, Refreshed>, today: Date) -> Result<(), Problem> {
        let stored = clouds.iter().filter(|(_, cloud)| cloud.is_stored());
        let stored: BTreeMap<Seller, &Merged> = stored
            .map(|(cloud, refreshed)| (*cloud, &refreshed.merged))
            .collect();
        if stored.is_empty() {
            return Ok(());
        }
        // The catalog comes last. After a crash before it the next refresh finds the same changes again; what is already
        // in the history is not written twice. The other way round a change would be missing there for ever.
        let changed = stored.values().flat_map(|merged| &merged.changed);
        let added = stored.values().flat_map(|merged| &merged.added);
        self.write_history(changed, added)?;
        self.write_last(clouds, today)?;
        self.write_catalog(&stored)
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

    fn write_catalog(&self, stored: &BTreeMap<Seller, &Merged>) -> Result<(), Problem> {
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
        write(&self.path, &format!("{TITLE}{clouds}\n{COLUMNS}\n{rows}"))
    }
}

const HISTORY: &str = "history.csv";
const REPORT: &str = "report.json";

/// Returns the name of a file beside the catalog's: `prices.csv` has `prices.lock`.
fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_extension(extension)
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

/// Returns rows as CSV.
pub(super) fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Memory takes every row.
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Problem> {
    host::write_whole(path, text).map_err(|error| {
        Problem::error(Kind::Io, "cannot write the prices")
            .detail(format!("`{}`", path.display()))
            .chain(&error)
    })
}

/// Takes the lock, which the system gives back however the process ends. The file stays: removing it would let two others in.
fn lock(path: &Path, now: jiff::Timestamp) -> Result<fs::File, Problem> {
    let failed = |error: &io::Error| {
        Problem::error(Kind::Io, "cannot lock the prices")
            .detail(format!("`{}`", path.display()))
            .chain(error)
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let mut options = fs::File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {
            let words = format!("process {} since {now:.0}\n", std::process::id());
            let noted = file
                .set_len(0)
                .and_then(|()| file.write_all(words.as_bytes()));
            noted.map_err(|error| failed(&error))?;
            Ok(file)
        }
        Err(fs::TryLockError::WouldBlock) => Err(taken(path, file)),
        Err(fs::TryLockError::Error(error)) => Err(failed(&error)),
    }
}

fn taken(path: &Path, file: fs::File) -> Problem {
    let mut who = String::new();
    // Some systems let nobody read a locked file.
    let _ = file.take(MAX_NOTE_BYTES).read_to_string(&mut who);
    let who = crate::text::visible(who.trim(), &[]);
    let who = if who.is_empty() {
        String::new()
    } else {
        format!(" by {who}")
    };
    Problem::error(Kind::Io, "another mcai refreshes these prices")
        .detail(format!("`{}` is locked{who}", path.display()))
        .hint("wait until it has ended")
}

const MAX_NOTE_BYTES: u64 = 200;

impl LastRefresh {
    /// Reads what the last refresh of a catalog's file left out, if there was one.
    pub fn of(catalog: &Path) -> Result<Option<Self>, Problem> {
        let path = beside(catalog, REPORT);
        if !path.exists() {
            return Ok(None);
        }
        let shown = path.display().to_string();
        let wrong = || {
            Problem::error(Kind::Settings, "not a report of a refresh")
                .detail(format!("`{shown}`"))
                .hint("`mcai cost refresh` writes a new one")
        };
        let text = host::read_text(&path, &shown, MAX_REPORT_BYTES)?;
        let last: LastRefresh =
            serde_json::from_str(&text).map_err(|error| wrong().chain(&error))?;
        match last.version {
            VERSION => Ok(Some(last)),
            other => Err(wrong().cause(format!("its version is {other}, not {VERSION}"))),
        }
    }
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
