//! A rollout while it runs: a line per cluster that is redrawn on a terminal, milestone lines elsewhere, or one JSON
//! object a line. One consumer owns the terminal, so what stands there always agrees.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::contract;
use super::style::Style;
use super::{Format, Report, problem_text};
use crate::kubeai::verdict::{State, Verdict};
use crate::plan::{Plan, Verb};
use crate::rollout::{Ended, Event};
use crate::text;
use crate::value::{ClusterName, ModelName};

/// Reports events until the rollout has ended.
pub async fn watch(report: &Report, plan: &Plan, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut view = View::new(report, plan);
    while let Some(event) = events.recv().await {
        view.show(&event);
    }
    view.end();
}

struct View<'a> {
    report: &'a Report,
    /// The longest name of a cluster, so that lines align.
    width: usize,
    bars: Option<MultiProgress>,
    lines: BTreeMap<ClusterName, ProgressBar>,
    /// The last verdict of every model, for the line of its cluster.
    verdicts: BTreeMap<ClusterName, BTreeMap<ModelName, Verdict>>,
}

impl<'a> View<'a> {
    fn new(report: &'a Report, plan: &Plan) -> Self {
        let width = plan
            .clusters
            .iter()
            .map(|cluster| cluster.cluster.as_str().len())
            .max()
            .unwrap_or(0);
        let live = report.live && !report.format.is_for_machines();
        let bars =
            live.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));
        View {
            report,
            width,
            bars,
            lines: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        }
    }

    fn show(&mut self, event: &Event) {
        if self.report.format == Format::Jsonl {
            let line = contract::Event::new(event, Timestamp::now());
            self.report.document(&line);
        }
        self.remember(event);
        let Some((cluster, words, lasting)) = self.words(event) else {
            return;
        };
        match self.bars {
            Some(_) => self.redraw(cluster, &words, lasting),
            None if self.report.format.is_for_machines() => {}
            None => {
                let line = format!("{cluster:width$}  {words}", width = self.width);
                // What went wrong is said in quiet, too.
                match event {
                    Event::ClusterEnded { .. } | Event::NotMarked { .. } => self.report.say(&line),
                    _ => self.report.talk(&line),
                }
            }
        }
    }

    fn remember(&mut self, event: &Event) {
        match event {
            Event::Progress {
                cluster,
                model,
                verdict,
                ..
            } => {
                let models = self.verdicts.entry(cluster.clone()).or_default();
                models.insert(model.clone(), verdict.clone());
            }
            Event::Deleted { cluster, .. } | Event::ClusterEnded { cluster, .. } => {
                self.verdicts.remove(cluster);
            }
            _ => {}
        }
    }

    /// Keeps one line per cluster; what lasts is printed above the lines.
    fn redraw(&mut self, cluster: &ClusterName, words: &str, lasting: bool) {
        let Some(bars) = &self.bars else { return };
        if lasting {
            let _ = bars.println(format!("{cluster:width$}  {words}", width = self.width));
        }
        let waiting = self.waiting(cluster);
        if lasting && waiting.is_none() {
            if let Some(line) = self.lines.remove(cluster) {
                line.finish_and_clear();
            }
            return;
        }
        let line = self
            .lines
            .entry(cluster.clone())
            .or_insert_with(|| bars.add(spinner()));
        line.set_message(format!(
            "{cluster:width$}  {}",
            waiting.as_deref().unwrap_or(words),
            width = self.width
        ));
    }

    /// Returns how the models of a cluster stand that are waited for, on one line; `None` when there are none.
    fn waiting(&self, cluster: &ClusterName) -> Option<String> {
        let verdicts = self.verdicts.get(cluster)?;
        let mut waiting = verdicts
            .iter()
            .filter(|(_, verdict)| !verdict.state.is_reached());
        let (model, verdict) = waiting.next()?;
        let more = match waiting.count() {
            0 => String::new(),
            more => format!(" (and {})", text::count(more, "more model")),
        };
        Some(format!("{model}: {}{more}", self.verdict(verdict)))
    }

    fn end(&self) {
        for line in self.lines.values() {
            line.finish_and_clear();
        }
    }

    /// Returns what an event is in words, and whether the words should stay on the screen.
    fn words<'e>(&self, event: &'e Event) -> Option<(&'e ClusterName, String, bool)> {
        let styles = &self.report.err;
        Some(match event {
            Event::Applied {
                cluster,
                models,
                elapsed,
            } => (
                cluster,
                format!(
                    "applied {} in {}",
                    text::count(models.len(), "model"),
                    text::duration(*elapsed)
                ),
                false,
            ),
            Event::Written {
                cluster,
                path,
                verb,
                ..
            } => (
                cluster,
                format!(
                    "{} {path}",
                    if *verb == Verb::Delete {
                        "deleted"
                    } else {
                        "written"
                    }
                ),
                true,
            ),
            Event::Progress {
                cluster,
                model,
                verdict,
                elapsed,
            } => {
                let reached = verdict.state.is_reached();
                let after = if reached {
                    format!(" after {}", text::duration(*elapsed))
                } else {
                    String::new()
                };
                (
                    cluster,
                    format!("{model}: {}{after}", self.verdict(verdict)),
                    reached,
                )
            }
            Event::Unreadable { cluster, problem } => (
                cluster,
                format!("{}; trying again", problem.one_line()),
                false,
            ),
            Event::Deleted { cluster, model } => (cluster, format!("{model}: deleted"), true),
            Event::NotMarked { cluster, problem } => (
                cluster,
                format!(
                    "{}: {}",
                    styles.paint(Style::Warning, "warning"),
                    problem.one_line()
                ),
                true,
            ),
            Event::DeletesSkipped { cluster, waited } => {
                let why = match waited {
                    true => "the other models are not ready",
                    false => "with --wait=applied nobody knows whether the other models are ready",
                };
                (cluster, format!("nothing deleted: {why}"), true)
            }
            Event::NotBegun { cluster } => (
                cluster,
                "left alone: not begun when the run stopped".to_owned(),
                true,
            ),
            Event::ClusterEnded {
                cluster,
                ended,
                models,
                problem,
                ..
            } => {
                let words = match ended {
                    Ended::Reached | Ended::NotBegun => return None,
                    Ended::NotReady => "not ready in time",
                    Ended::Interrupted => "stopped waiting",
                    Ended::Failed => "failed",
                };
                let mut lines = vec![styles.paint(Style::Bad, words)];
                let unready = models
                    .iter()
                    .filter(|(_, verdict)| !verdict.state.is_reached());
                lines.extend(
                    unready.map(|(model, verdict)| format!("  {model}: {}", self.verdict(verdict))),
                );
                lines.extend(
                    problem
                        .as_ref()
                        .map(|problem| problem_text(problem, styles)),
                );
                (cluster, lines.join("\n"), true)
            }
        })
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let style = match verdict.state {
            state if state.is_reached() => Style::Good,
            state if state.is_definite_failure() || state == State::NoCapacity => Style::Bad,
            _ => Style::Warning,
        };
        let mut words = self.report.err.paint(style, verdict.state.word());
        if verdict.want > 0 {
            words.push_str(&format!(" {}/{}", verdict.ready, verdict.want));
        }
        if !verdict.reason.is_empty() {
            words.push_str(&format!(": {}", verdict.reason));
        }
        words
    }
}

/// A line of this many characters is drawn where the terminal does not say how wide it is.
const USUAL_WIDTH: u16 = 80;
/// What stands before the words, and room for the `^C` that the terminal itself writes: a line that wraps can't be redrawn.
const MARGIN: u16 = 12;

fn spinner() -> ProgressBar {
    let line = ProgressBar::new_spinner();
    let width = terminal_size::terminal_size_of(std::io::stderr())
        .map_or(USUAL_WIDTH, |(width, _)| width.0);
    let template = format!(
        "{{spinner}} {{elapsed:>4}} {{msg:{}!}}",
        width.saturating_sub(MARGIN).max(1)
    );
    let style = ProgressStyle::with_template(&template);
    line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    line.enable_steady_tick(Duration::from_millis(120));
    line
}
