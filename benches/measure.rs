//! How long commands take, and how much memory: several runs, sides taking turns so that both meet the same noise.

use std::fmt;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A command line that is run again and again.
pub(crate) type Line<'a> = Box<dyn FnMut() -> Result<Duration> + 'a>;

/// How long each run took, in ascending order.
#[derive(Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    fn min(&self) -> Duration {
        self.0[0]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (min {})", shown(self.median()), shown(self.min()))
    }
}

pub(crate) fn shown(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    match milliseconds {
        0.0..100.0 => format!("{milliseconds:.1} ms"),
        100.0..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// Runs all lines in turn, `runs` times, after one turn that nobody counts: it warms caches.
pub(crate) fn in_turn<const N: usize>(runs: usize, mut lines: [Line; N]) -> Result<[Times; N]> {
    let mut times = [const { Vec::new() }; N];
    for turn in 0..=runs {
        for (line, times) in lines.iter_mut().zip(&mut times) {
            let took = line()?;
            if turn > 0 {
                times.push(took);
            }
        }
    }
    Ok(times.map(|mut times| {
        times.sort();
        Times(times)
    }))
}

/// Runs a command to its end and says how long it took; its exit code has to be one of these.
pub(crate) fn time(command: &mut Command, codes: &[i32]) -> Result<Duration> {
    command.stdin(Stdio::null());
    let started = Instant::now();
    let status = quiet(command).status();
    let took = started.elapsed();
    let status = status.with_context(|| format!("cannot start {command:?}"))?;
    if !status.code().is_some_and(|code| codes.contains(&code)) {
        bail!("{command:?} ended with {status}: {}", words_of(command)?);
    }
    Ok(took)
}

/// Starts all commands at once and waits for the last.
pub(crate) fn time_together(mut commands: Vec<Command>) -> Result<Duration> {
    let started = Instant::now();
    let children: std::io::Result<Vec<Child>> = commands
        .iter_mut()
        .map(|command| quiet(command).spawn())
        .collect();
    for mut child in children? {
        let status = child.wait()?;
        if !status.success() {
            bail!("one of {} ended with {status}", commands.len());
        }
    }
    Ok(started.elapsed())
}

/// Runs a command to its end and returns the most memory that it had, in MB; its exit code has to be 0, as one that dies
/// at once needs little.
///
/// The kernel's own account is polled: what `wait4` tells starts with the memory of the process that has spawned.
pub(crate) fn peak_memory(command: &mut Command) -> Result<f64> {
    let mut child = quiet(command).spawn()?;
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // A finished program has no memory any more.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        peak = kibibytes.map_or(peak, |kibibytes| kibibytes * 1024.0 / 1e6);
        thread::sleep(Duration::from_millis(1));
    };
    if !status.success() {
        bail!("{command:?} ended with {status}: {}", words_of(command)?);
    }
    Ok(peak)
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

/// Runs a command once more, to tell why it fails.
fn words_of(command: &mut Command) -> Result<String> {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}
