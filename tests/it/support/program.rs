//! The real program in a sandbox: a home and a project folder of its own, nothing else in its environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

use super::background::eventually;
use super::contract::assert_documents;
use super::diff::difference;

/// No command of a test may take longer: a hanging program must fail the test, not the whole run.
const LONGEST_RUN: Duration = Duration::from_secs(180);

/// A manifest of one model on one cluster, whose objects are written to a folder.
pub(crate) const MANIFEST: &str = "version: 1
project: shop
id: k7m2q9x4p1zt
clusters:
  aws-1: { cloud: aws, region: us-east-1, directory: deploy/aws-1 }
models:
  llama:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y, minReplicas: 1, maxReplicas: 3 }
";

/// A temporary home and project folder, removed at the end.
pub(crate) struct Sandbox {
    root: TempDir,
    environment: BTreeMap<String, String>,
    redactions: Vec<(String, String)>,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        let root = TempDir::with_prefix("mcai-").expect("a temporary folder");
        let path = root.path().canonicalize().expect("the folder is there");
        let mut environment = BTreeMap::new();
        environment.insert("PATH".into(), std::env::var("PATH").unwrap_or_default());
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_STATE_HOME", "home/.local/state"),
        ] {
            environment.insert(name.into(), path.join(folder).display().to_string());
        }
        for folder in ["home", "project"] {
            fs::create_dir(path.join(folder)).expect("can make a folder");
        }
        let redactions = vec![
            (path.join("project").display().to_string(), "[DIR]".into()),
            (path.join("home").display().to_string(), "[HOME]".into()),
        ];
        Sandbox {
            root,
            environment,
            redactions,
        }
    }

    /// The project folder, where the program runs.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("project")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file of the project, and the folders above it.
    pub(crate) fn write(&self, path: &str, text: &str) -> &Sandbox {
        let file = self.dir().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("can make the folder");
        fs::write(file, text).expect("can write the file");
        self
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Sets a variable for the runs that follow.
    pub(crate) fn env(&mut self, name: &str, value: &str) -> &mut Sandbox {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Replaces a text wherever the program prints it, for what differs from run to run.
    pub(crate) fn redact(&mut self, text: &str, by: &str) -> &mut Sandbox {
        self.redactions.push((text.into(), by.into()));
        self
    }

    pub(crate) fn mcai(&self, words: &[&str]) -> Run {
        self.spawn(words).wait()
    }

    pub(crate) fn mcai_reading(&self, input: &str, words: &[&str]) -> Run {
        self.start(words, Some(input)).wait()
    }

    /// Runs another program in the sandbox.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Run {
        self.program(program, words, &BTreeMap::new()).wait()
    }

    /// Starts the program and returns at once.
    pub(crate) fn spawn(&self, words: &[&str]) -> Running {
        self.start(words, None)
    }

    /// Starts another program, with more variables.
    pub(crate) fn program(
        &self,
        program: &str,
        words: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> Running {
        self.start_program(program, words, variables, None)
    }

    fn start(&self, words: &[&str], input: Option<&str>) -> Running {
        let program = env!("CARGO_BIN_EXE_mcai");
        self.start_program(program, words, &BTreeMap::new(), input)
    }

    fn start_program(
        &self,
        program: &str,
        words: &[&str],
        variables: &BTreeMap<String, String>,
        input: Option<&str>,
    ) -> Running {
        let stdin = input.map_or_else(Stdio::null, |_| Stdio::piped());
        let mut child = Command::new(program)
            .args(words)
            .current_dir(self.dir())
            .env_clear()
            .envs(&self.environment)
            .envs(variables)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("can start the program");
        let stdout = Collected::from(child.stdout.take().expect("a pipe"));
        let stderr = Collected::from(child.stderr.take().expect("a pipe"));
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // The program may end without reading all of it.
            let _ = pipe.write_all(input.as_bytes());
        }
        Running {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            child,
            stdout,
            stderr,
            redactions: self.redactions.clone(),
        }
    }

    /// Runs the program on a terminal of its own and types an answer; both streams come as one. `script` is of util-linux.
    pub(crate) fn mcai_on_a_terminal(&self, words: &[&str], answer: &str) -> Run {
        let command = format!(
            "stty cols 80; exec {} {}",
            env!("CARGO_BIN_EXE_mcai"),
            words.join(" ")
        );
        let words = ["--quiet", "--return", "--command", &command, "/dev/null"];
        let variables = BTreeMap::new();
        self.start_program("script", &words, &variables, Some(answer))
            .wait()
    }

    /// All files of the project, by path.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        collect(&self.dir(), &self.dir(), &mut files);
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("can list the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let name = path.strip_prefix(root).expect("it is below");
        let bytes = fs::read(&path).expect("can read the file");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        files.insert(name.display().to_string(), text);
    }
}

/// A program that runs. Dropping it ends it.
pub(crate) struct Running {
    words: Vec<String>,
    child: Child,
    stdout: Collected,
    stderr: Collected,
    redactions: Vec<(String, String)>,
}

impl Running {
    /// Sends a signal, by its short name: `INT`, `TERM`, `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id();
        let status = Command::new("sh")
            .args(["-c", &format!("kill -s {name} {pid}")])
            .status()
            .expect("can run sh");
        assert!(status.success(), "cannot send {name} to process {pid}");
    }

    /// Returns once the program has printed this text, on stdout or stderr.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Running {
        eventually(LONGEST_RUN, || {
            let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
            if stdout.contains(text) || stderr.contains(text) {
                return Ok(());
            }
            Err(format!("`{text}` in\n{stdout}\n{stderr}"))
        });
        self
    }

    /// Waits for the end, and returns also the most memory that the program had, in MiB: all pages, shared ones, too.
    #[track_caller]
    pub(crate) fn wait_measured(self) -> (Run, u64) {
        let path = format!("/proc/{}/status", self.child.id());
        let mut peak = 0;
        // A process that has ended has no memory, until somebody waits for it.
        while let Some(now) = fs::read_to_string(&path).ok().as_deref().and_then(peak_of) {
            peak = peak.max(now);
            thread::sleep(Duration::from_millis(5));
        }
        (self.wait(), peak / 1024)
    }

    /// Waits for the end. Documents that the program printed must keep to their schemas, whatever the test looks at.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Run {
        let status = eventually(LONGEST_RUN, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!(
                "`mcai {}` still runs: {other:?}",
                self.words.join(" ")
            )),
        });
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        assert_documents(&self.words, status.code(), &stdout);
        let redact = |text: String| {
            let replace = |text: String, (from, to): &(String, String)| text.replace(from, to);
            self.redactions.iter().fold(text, replace)
        };
        Run {
            words: self.words.join(" "),
            code: status.code(),
            stdout: redact(stdout),
            stderr: redact(stderr),
        }
    }
}

/// Returns the peak in KiB of what Linux says about a process.
fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line?.trim().split(' ').next()?.parse().ok()
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a pipe has given so far, read by a thread so that the program never waits for us.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Collected {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                shared.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Collected {
            bytes,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends with its pipe");
        }
        self.so_far()
    }
}

/// What a finished program left behind. `code` is `None` when a signal ended it.
pub(crate) struct Run {
    pub(crate) words: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Compares everything; panics with all differences at once.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, stdout: &str, stderr: &str) -> &Run {
        let differences: Vec<String> = [
            (self.code != Some(code)).then(|| format!("exit code {:?}, not {code}", self.code)),
            difference("stdout", &self.stdout, stdout),
            difference("stderr", &self.stderr, stderr),
        ]
        .into_iter()
        .flatten()
        .collect();
        assert!(
            differences.is_empty(),
            "`mcai {}`: {}",
            self.words,
            differences.join("\n")
        );
        self
    }

    /// Compares the exit code only; shows the output when it is another.
    #[track_caller]
    pub(crate) fn code(&self, code: i32) -> &Run {
        assert_eq!(
            self.code,
            Some(code),
            "`mcai {}`\n{}\n{}",
            self.words,
            self.stdout,
            self.stderr
        );
        self
    }
}
