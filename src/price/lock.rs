//! The lock beside a catalog's file, which one mcai at a time holds while it refreshes. Main type: [`Lock`].

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::diagnostic::{Kind, Problem};

/// A lock that is held. The system gives it back however the process ends. The file stays: removing it would let two others
/// in.
pub(super) struct Lock(#[expect(dead_code, reason = "an open file is what holds it")] fs::File);

/// A note has less.
const MAX_NOTE_BYTES: u64 = 200;
const NOTE: &str = "process ";

impl Lock {
    /// Takes the lock, and notes in it who has it; fails at once where another has it.
    pub(super) fn take(path: &Path, now: jiff::Timestamp) -> Result<Self, Problem> {
        let failed = |error: io::Error| {
            Problem::error(Kind::Io, "cannot lock the prices")
                .detail(format!("`{}`", path.display()))
                .chain(&error)
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = fs::File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => note(&mut file, now).map_err(failed)?,
            Err(fs::TryLockError::WouldBlock) => return Err(taken(path, &file)),
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Lock(file))
    }
}

/// Writes who has the lock, but not over words that are another's: the file may be locked all the same.
fn note(file: &mut fs::File, now: jiff::Timestamp) -> io::Result<()> {
    let old = start(file);
    if !old.is_empty() && !is_note(&old) {
        return Ok(());
    }
    let words = format!("{NOTE}{} since {now:.0}\n", std::process::id());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(words.as_bytes())
}

fn is_note(text: &[u8]) -> bool {
    let is_short = (text.len() as u64) < MAX_NOTE_BYTES;
    is_short && text.starts_with(NOTE.as_bytes()) && text.ends_with(b"\n")
}

/// Returns how the file begins. Some systems let nobody read a file that another has locked.
fn start(file: &fs::File) -> Vec<u8> {
    let mut start = Vec::new();
    let _ = file.take(MAX_NOTE_BYTES).read_to_end(&mut start);
    start
}

fn taken(path: &Path, file: &fs::File) -> Problem {
    let start = start(file);
    let who = match is_note(&start) {
        true => format!(" by {}", String::from_utf8_lossy(&start).trim()),
        false => String::new(),
    };
    let who = crate::text::visible(&who, &[]);
    Problem::error(Kind::Io, "another mcai refreshes these prices")
        .detail(format!("`{}` is locked{who}", path.display()))
        .hint("wait until it has ended")
}
