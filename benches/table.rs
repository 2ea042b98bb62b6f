//! The table that `scripts/bench` prints, as docs/benchmarks.md has it.

use std::time::Duration;

use super::measure::{Times, shown};

/// What a comparison should give. Missing it is told, and fails nothing: the machine may be slow.
pub(crate) enum Target {
    /// The peer takes at least this many times as long.
    Faster(f64),
    /// mcai takes at most this much longer.
    Above(Duration),
    /// mcai takes at most this many times as long.
    Within(f64),
    /// For information.
    None,
}

pub(crate) fn heading(title: &str) {
    println!(
        "\n### {title}\n\n| What | mcai | beside | difference | target |\n|---|---|---|---|---|"
    );
}

/// Prints one comparison.
pub(crate) fn compare(what: &str, mcai: &Times, peer: &str, beside: &Times, target: &Target) {
    let (ours, theirs) = (mcai.median(), beside.median());
    let (slower, faster) = (ratio(ours, theirs), ratio(theirs, ours));
    let (difference, wanted) = match target {
        Target::Faster(times) => (
            format!("{faster:.1} times faster"),
            judged(format!("at least {times} times"), faster >= *times),
        ),
        Target::Above(limit) => (
            format!("+{}", shown(ours.saturating_sub(theirs))),
            judged(
                format!("at most +{} ms", limit.as_millis()),
                ours.saturating_sub(theirs) <= *limit,
            ),
        ),
        Target::Within(times) => (
            format!("{slower:.2} times as long"),
            judged(format!("at most {times} times"), slower <= *times),
        ),
        Target::None => (format!("{faster:.1} times faster"), "-".to_owned()),
    };
    row(&[
        what,
        &mcai.to_string(),
        &format!("{peer}: {beside}"),
        &difference,
        &wanted,
    ]);
}

/// Prints a value that has a limit.
pub(crate) fn limit(what: &str, value: &str, limit: &str, met: bool) {
    row(&[what, value, "-", "-", &judged(limit.to_owned(), met)]);
}

pub(crate) fn row(cells: &[&str; 5]) {
    println!("| {} |", cells.join(" | "));
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn judged(target: String, met: bool) -> String {
    format!("{target}: {}", if met { "met" } else { "missed" })
}
