//! A rollout while it runs: a line per cluster that is redrawn on a terminal, milestone lines elsewhere, or one JSON
//! object a line. One consumer owns the terminal, so what stands there always agrees.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::contract;
use super::problem::fold;
use super::style::Style;
use super::terminal::Quiet;
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
    _quiet: Option<Quiet>,
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
            _quiet: live.then(Quiet::new),
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
            if let Event::ClusterEnded { cluster, .. } = event {
                self.take_away(cluster);
            }
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
        let waiting = self.waiting(cluster);
        if lasting {
            let _ = bars.println(format!("{cluster:width$}  {words}", width = self.width));
            if waiting.is_none() {
                return self.take_away(cluster);
            }
        }
        // Lines keep the order of the plan, whoever is first.
        let above = self
            .lines
            .keys()
            .take_while(|known| *known < cluster)
            .count();
        let line = self
            .lines
            .entry(cluster.clone())
            .or_insert_with(|| spinner(|line| bars.insert(above, line)));
        let words = waiting.as_deref().unwrap_or(words);
        line.set_message(fitted(&format!(
            "{cluster:width$}  {words}",
            width = self.width
        )));
    }

    fn take_away(&mut self, cluster: &ClusterName) {
        if let Some(line) = self.lines.remove(cluster) {
            line.finish_and_clear();
        }
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
            more => format!(" (+{more})"),
        };
        Some(format!("{model}{more}: {}", self.verdict(verdict)))
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
                // What was ready at the first look took no time, and to be without replicas takes none.
                let after =
                    if verdict.state == State::Ready && *elapsed >= Duration::from_millis(50) {
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
                lines.extend(unready.map(|(model, verdict)| {
                    let line = format!("  {model}: {}", self.verdict(verdict));
                    fold(&line, self.report.err_width)
                }));
                lines.extend(
                    problem
                        .as_ref()
                        .map(|problem| problem_text(problem, styles, self.report.err_width)),
                );
                (cluster, lines.join("\n"), true)
            }
        })
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let style = Style::of(verdict.state);
        let mut words = self.report.err.paint(style, verdict.state.word());
        if verdict.want > 0 {
            words.push_str(&format!(" {}/{}", verdict.ready, verdict.want));
        }
        if !verdict.reason.is_empty() {
            words.push_str(&format!(": {}", text::visible(&verdict.reason, &[])));
        }
        words
    }
}

/// Shows that mcai works while it does, on a terminal, once it takes long enough to wonder.
pub async fn busy<T>(report: &Report, words: &str, work: impl Future<Output = T>) -> T {
    if !report.live || report.format.is_for_machines() {
        return work.await;
    }
    let mut work = pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let line = spinner(|line| line);
    line.set_message(fitted(words));
    let _quiet = Quiet::new();
    let done = work.await;
    line.finish_and_clear();
    done
}

/// What is done sooner needs no line: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(250);
/// A line of this many characters is drawn where the terminal does not say how wide it is.
const USUAL_WIDTH: u16 = 80;
/// What stands before the words, and some room: a line that wraps can't be redrawn.
const MARGIN: u16 = 12;

/// Cuts words to what one line of the terminal holds.
fn fitted(words: &str) -> String {
    let width = terminal_size::terminal_size_of(std::io::stderr())
        .map_or(USUAL_WIDTH, |(width, _)| width.0);
    let room = usize::from(width.saturating_sub(MARGIN).max(1));
    console::truncate_str(words, room, "...").into_owned()
}

/// Makes a line that moves. It ticks only where it was put: before that it would be drawn elsewhere, and stay there.
pub(super) fn spinner(put: impl FnOnce(ProgressBar) -> ProgressBar) -> ProgressBar {
    let line = put(ProgressBar::new_spinner());
    let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}");
    line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    line.enable_steady_tick(Duration::from_millis(120));
    line
}
