//! A problem as people read it.

use super::style::{Style, Styles};
use crate::diagnostic::{Problem, Severity};

/// Returns the problem in several lines, without the last line's end.
pub fn problem_text(problem: &Problem, styles: &Styles) -> String {
    let severity = match problem.severity {
        Severity::Error => styles.paint(Style::Bad, "error"),
        Severity::Warning => styles.paint(Style::Warning, "warning"),
    };
    let cluster = problem
        .cluster
        .as_ref()
        .map(|name| format!(" (cluster `{name}`)"))
        .unwrap_or_default();
    let mut lines = vec![format!("{severity}: {}{cluster}", problem.summary)];
    match &problem.span {
        Some(span) => {
            let arrow = styles.paint(Style::Dim, "-->");
            lines.push(
                format!("  {arrow} {span}   {}", problem.detail)
                    .trim_end()
                    .to_owned(),
            );
            lines.extend(excerpt(span, styles));
        }
        None if !problem.detail.is_empty() => lines.push(format!("  {}", problem.detail)),
        None => {}
    }
    lines.extend(
        problem
            .causes
            .iter()
            .map(|cause| format!("  caused by: {cause}")),
    );
    lines.extend(
        problem
            .hints
            .iter()
            .map(|hint| format!("  {}: {hint}", styles.paint(Style::Good, "hint"))),
    );
    lines.join("\n")
}

/// A line of a manifest is shown to this length, in characters.
const SOURCE_LINE: usize = 120;

fn excerpt(span: &crate::diagnostic::Span, styles: &Styles) -> Vec<String> {
    let line: String = span
        .source_line()
        .chars()
        .take(SOURCE_LINE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.trim().is_empty() || span.column > SOURCE_LINE {
        return Vec::new();
    }
    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(unicode_width::UnicodeWidthStr::width(
        line.chars()
            .take(span.column - 1)
            .collect::<String>()
            .as_str(),
    ));
    vec![
        format!(
            "  {}",
            styles.paint(Style::Dim, format!("{number} | {line}"))
        ),
        format!(
            "  {} {indent}{}",
            styles.paint(Style::Dim, format!("{margin} |")),
            styles.paint(Style::Bad, "^")
        ),
    ]
}
