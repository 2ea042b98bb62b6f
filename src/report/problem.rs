//! A problem as people read it.

use super::style::{Style, Styles};
use crate::diagnostic::{Problem, Severity};
use crate::text::{is_unseen, visible};

/// Returns the problem in several lines, without the last line's end. Sentences fold to the width of the terminal, where
/// there is one.
pub fn problem_text(problem: &Problem, styles: &Styles, width: Option<usize>) -> String {
    let severity = match problem.severity {
        Severity::Error => styles.paint(Style::Bad, "error"),
        Severity::Warning => styles.paint(Style::Warning, "warning"),
    };
    let cluster = problem
        .cluster
        .as_ref()
        .map(|name| format!(" (cluster `{name}`)"))
        .unwrap_or_default();
    let fold = |line: String| fold(&line, width);
    let mut lines = vec![fold(format!("{severity}: {}{cluster}", problem.summary))];
    match &problem.span {
        Some(span) => {
            let arrow = styles.paint(Style::Dim, "-->");
            let place = format!("  {arrow} {span}   {}", shown(&problem.detail));
            lines.push(fold(place.trim_end().to_owned()));
            lines.extend(excerpt(span, styles));
        }
        None if !problem.detail.is_empty() => {
            lines.push(fold(format!("  {}", shown(&problem.detail))));
        }
        None => {}
    }
    lines.extend(
        problem
            .causes
            .iter()
            .map(|cause| fold(format!("  caused by: {}", shown(cause)))),
    );
    lines.extend(problem.hints.iter().map(|hint| {
        let label = styles.paint(Style::Good, "hint");
        fold(format!("  {label}: {}", shown(hint)))
    }));
    lines.join("\n")
}

/// Returns words of others without what a terminal or a CI system would obey; each further line is marked as such.
fn shown(words: &str) -> String {
    let lines: Vec<String> = words.lines().map(|line| visible(line, &[])).collect();
    lines.join("\n    | ")
}

/// Folds a line at words. What is in backticks stays in one piece, as it may be a command to copy.
fn fold(line: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return line.to_owned();
    };
    let mut in_code = false;
    let kept: String = line
        .chars()
        .map(|c| {
            in_code ^= c == '`';
            if in_code && c == ' ' { KEPT_SPACE } else { c }
        })
        .collect();
    let options = textwrap::Options::new(width)
        .subsequent_indent("    ")
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(&kept, options).replace(KEPT_SPACE, " ")
}

/// Stands for a space where a line must not be folded; no text of ours has it.
const KEPT_SPACE: char = '\u{a0}';

/// A line of a manifest is shown to this length, in characters.
const SOURCE_LINE: usize = 120;

fn excerpt(span: &crate::diagnostic::Span, styles: &Styles) -> Vec<String> {
    let line: String = span
        .source_line()
        .chars()
        .take(SOURCE_LINE)
        .map(|c| if is_unseen(c) { ' ' } else { c })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Kind;

    #[test]
    fn sentences_fold_and_commands_stay_whole() {
        let problem = Problem::error(Kind::Settings, "unknown kubeconfig context")
            .detail("no context `eks` in the three files that the variable names")
            .hint("run `aws eks update-kubeconfig --name eks` to write it");
        let text = |width| problem_text(&problem, &Styles::PLAIN, width);
        assert_eq!(
            text(Some(44)),
            "error: unknown kubeconfig context
  no context `eks` in the three files that
    the variable names
  hint: run
    `aws eks update-kubeconfig --name eks`
    to write it"
        );
        assert_eq!(text(None).lines().count(), 3);
    }
}
