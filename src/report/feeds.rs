//! Price lists while they are read: a bar per list on a terminal, a line per cloud elsewhere.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Report;
use super::progress::spinner;
use super::terminal::Quiet;
use crate::cloud::Seller;
use crate::cloud::feed::{Progress, Reading};
use crate::text;

/// Shows how far lists are read. Dropping it takes its lines off the screen.
pub struct Watch<'a> {
    report: &'a Report,
    bars: Option<MultiProgress>,
    lines: RefCell<BTreeMap<&'static str, ProgressBar>>,
    _quiet: Option<Quiet>,
}

impl<'a> Watch<'a> {
    pub fn new(report: &'a Report) -> Self {
        let live = report.live && !report.format.is_for_machines();
        let bars =
            live.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));
        Watch {
            report,
            bars,
            lines: RefCell::default(),
            _quiet: live.then(Quiet::new),
        }
    }

    /// Redraws the line of a list.
    pub fn show(&self, progress: Progress) {
        let Some(bars) = &self.bars else { return };
        let mut lines = self.lines.borrow_mut();
        let line = lines
            .entry(progress.feed)
            .or_insert_with(|| spinner(|line| bars.add(line)));
        if let Some(of) = progress.of {
            line.set_style(bar());
            line.set_length(of as u64);
            line.set_position(progress.done as u64);
        }
        let rows = text::count(progress.rows, "row");
        line.set_message(format!("{}: {rows}", progress.feed));
    }

    /// Says that a cloud is done.
    pub fn ended(&self, cloud: Seller, reading: &Reading) {
        if self.report.format.is_for_machines() {
            return;
        }
        let words = match reading.failures.len() {
            0 => String::new(),
            failures => format!(", {}", text::count(failures, "failure")),
        };
        let line = format!("{cloud}: {} read{words}", text::count(reading.rows, "row"));
        match &self.bars {
            Some(bars) => drop(bars.println(line)),
            None => self.report.talk(&line),
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        for line in self.lines.borrow().values() {
            line.finish_and_clear();
        }
    }
}

fn bar() -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {bar:20} {pos}/{len} {msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
