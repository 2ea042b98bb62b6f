//! The machine mcai runs on: environment, clock, home directories, terminals, files. Nothing else in mcai asks the
//! operating system for these, so tests can say what they are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::diagnostic::{Kind, Problem};

/// All variables of the environment that mcai reads, and what each does. `mcai help environment` prints them.
pub const VARIABLES: [(&str, &str); 26] = [
    ("MCAI_MANIFEST", "the manifest, as --manifest"),
    ("MCAI_STAGE", "stages, as --stage"),
    (
        "MCAI_CONTEXT_<CLUSTER>",
        "kubeconfig context of a cluster (upper case, _ for -), as --context",
    ),
    (
        "MCAI_FEED_<ID>",
        "address of a price list (upper case, _ for -) in place of its own",
    ),
    (
        "MCAI_GCP_API_KEY",
        "key for the price list of Google's billing API",
    ),
    ("MCAI_CONFIG_HOME", "folder of config.yaml [~/.config/mcai]"),
    (
        "XDG_CONFIG_HOME",
        "its parent, where MCAI_CONFIG_HOME is not set",
    ),
    (
        "MCAI_DATA_HOME",
        "folder of refreshed prices [~/.local/share/mcai]",
    ),
    (
        "XDG_DATA_HOME",
        "its parent, where MCAI_DATA_HOME is not set",
    ),
    ("HOME", "where ~/.kube and ~/.config are"),
    (
        "KUBECONFIG",
        "kubeconfig files, joined by :, as kubectl reads them",
    ),
    ("HTTPS_PROXY", "proxy to API servers and price lists"),
    ("https_proxy", "the same, where the upper one is not set"),
    ("HTTP_PROXY", "proxy to API servers without TLS"),
    ("http_proxy", "the same, where the upper one is not set"),
    ("NO_PROXY", "hosts that are reached without a proxy"),
    ("no_proxy", "the same, where the upper one is not set"),
    ("NO_COLOR", "no colours"),
    (
        "FORCE_COLOR",
        "colours, also where there is no terminal; 0 does nothing",
    ),
    ("CLICOLOR_FORCE", "the same"),
    ("TERM", "dumb: no colours, no redrawn lines"),
    (
        "COLUMNS",
        "width of the terminal, where it does not say itself",
    ),
    ("CI", "never ask, never redraw lines"),
    (
        "MCAI_COMPLETE",
        "set by a shell's completion: print words for it",
    ),
    ("RUST_BACKTRACE", "1: say more about a bug"),
    ("PATH", "where credential plugins of the kubeconfig are"),
];

pub struct Host {
    pub env: BTreeMap<OsString, OsString>,
    pub directory: PathBuf,
    pub stdin_terminal: bool,
    pub stdout_terminal: bool,
    pub stderr_terminal: bool,
}

impl Host {
    /// Returns the real machine.
    pub fn real() -> Self {
        Host {
            env: std::env::vars_os().collect(),
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stdin_terminal: io::stdin().is_terminal(),
            stdout_terminal: io::stdout().is_terminal(),
            stderr_terminal: io::stderr().is_terminal(),
        }
    }

    /// Returns a variable of the environment; one that is set to nothing counts as not set.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name)?.to_str()
    }

    /// Returns a variable that may be no text, as paths may.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        debug_assert!(
            VARIABLES.iter().any(|(known, _)| *known == name),
            "{name} is missing in VARIABLES"
        );
        let value = self.env.get(OsStr::new(name))?;
        Some(value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// Returns the time; tests of debug builds may say what it is.
    pub fn now(&self) -> Timestamp {
        let said = self.env.get(OsStr::new("MCAI_TEST_NOW"));
        let said = said.filter(|_| cfg!(debug_assertions));
        said.and_then(|text| text.to_str()?.parse().ok())
            .unwrap_or_else(Timestamp::now)
    }

    /// Returns the day, in UTC.
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    pub fn home(&self) -> Option<PathBuf> {
        self.var("HOME")
            .map(PathBuf::from)
            .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()))
    }

    /// Returns mcai's folder for the user's settings: `$MCAI_CONFIG_HOME`, `$XDG_CONFIG_HOME/mcai` or `~/.config/mcai`.
    pub fn config_directory(&self) -> Option<PathBuf> {
        self.own_directory("MCAI_CONFIG_HOME", "XDG_CONFIG_HOME", ".config/mcai")
    }

    /// Returns mcai's folder for what it has fetched: `$MCAI_DATA_HOME`, `$XDG_DATA_HOME/mcai` or `~/.local/share/mcai`.
    pub fn data_directory(&self) -> Option<PathBuf> {
        self.own_directory("MCAI_DATA_HOME", "XDG_DATA_HOME", ".local/share/mcai")
    }

    fn own_directory(&self, own: &str, parent: &str, in_home: &str) -> Option<PathBuf> {
        let below = || self.var(parent).map(|dir| Path::new(dir).join("mcai"));
        self.var(own)
            .map(PathBuf::from)
            .or_else(below)
            .or_else(|| self.home().map(|home| home.join(in_home)))
    }

    /// Whether a question can be answered by somebody: a terminal, and neither CI nor a pipe.
    pub fn can_ask(&self) -> bool {
        self.stdin_terminal && self.stderr_terminal && self.var("CI").is_none()
    }
}

/// Reads a text of at most `limit` bytes; `path` is how the user named it, `-` standard input.
pub fn read_text(path: &Path, shown: &str, limit: u64) -> Result<String, Problem> {
    let failed = |error: io::Error| {
        let problem = Problem::error(Kind::Io, "cannot read the file").detail(format!("`{shown}`"));
        match error.kind() {
            io::ErrorKind::IsADirectory => problem.cause("it is a directory"),
            _ => problem.chain(&error),
        }
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(
            Problem::error(Kind::Manifest, "the file is too large").detail(format!(
                "`{shown}` has more than {} MiB",
                limit / 1024 / 1024
            )),
        );
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        Problem::error(Kind::Manifest, "the file is not UTF-8")
            .detail(format!("`{shown}`, byte {at} in line {line}"))
    })?;
    // Some editors on Windows write a byte order mark; it is no part of the text.
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Writes a file that the user has named, as a shell would: into a device or a pipe, through a link, and else whole.
pub fn write_as_shells_do(path: &Path, text: &str) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => fs::File::options()
            .write(true)
            .open(path)?
            .write_all(text.as_bytes()),
        Ok(_) => write_whole(&fs::canonicalize(path)?, text),
        Err(_) => write_whole(path, text),
    }
}

/// Removes a file that [`write_as_shells_do`] is to write later, or says why it could not.
pub fn clear(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        // A link stays: somebody has put it there.
        Ok(found) if found.is_file() && path.is_symlink() => fs::write(path, ""),
        Ok(found) if found.is_file() => fs::remove_file(path),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Ok(()),
        Err(_) => tempfile::tempfile_in(folder_of(path)).map(drop),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes a file whole or not at all: under a temporary name beside it, synced, then renamed over it.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mcai-");
    // Temporary files are private to the user; one that stays is as readable as the umask lets it be.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
