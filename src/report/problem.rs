//! A problem as people read it.

use unicode_width::UnicodeWidthStr;

use super::style::{Style, Styles};
use crate::diagnostic::{Problem, Severity, Span};
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
            lines.extend(excerpt(span, styles, width));
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
pub(super) fn fold(line: &str, width: Option<usize>) -> String {
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

/// So much of a line is shown where the terminal does not say how wide it is, in characters.
const SOURCE_LINE: usize = 120;

/// Shows the place in its line, with as much around it as there is room for.
fn excerpt(span: &Span, styles: &Styles, width: Option<usize>) -> Vec<String> {
    let number = span.line.to_string();
    let margin = number.len() + "   | ".len();
    let room = width.map_or(SOURCE_LINE, |width| width.saturating_sub(margin).max(LEAST));
    let line: Vec<char> = span
        .source_line()
        .chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    if line.iter().all(|c| c.is_whitespace()) {
        return Vec::new();
    }
    let at = span.column - 1;
    let start = if at < room { 0 } else { at - room / 2 };
    let before: String = line[start.min(line.len())..at.min(line.len())]
        .iter()
        .collect();
    let shown: String = line.iter().skip(start).take(room).collect();
    let indent = " ".repeat(before.width());
    let (line, below) = (format!("{number} | {shown}"), " ".repeat(number.len()));
    vec![
        format!("  {}", styles.paint(Style::Dim, line.trim_end())),
        format!(
            "  {} {indent}{}",
            styles.paint(Style::Dim, format!("{below} |")),
            styles.paint(Style::Bad, "^")
        ),
    ]
}

/// Less of a line than this shows nothing.
const LEAST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Kind, Source};

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

    #[test]
    fn a_place_far_to_the_right_is_shown_all_the_same() {
        let text = format!("{}here{}", " ".repeat(9) + &"x".repeat(190), "y".repeat(50));
        let source = std::sync::Arc::new(Source {
            name: "mcai.yaml".into(),
            text,
        });
        let span = Span {
            source,
            line: 1,
            column: 200,
        };
        assert_eq!(
            excerpt(&span, &Styles::PLAIN, Some(36)),
            [
                "  1 | xxxxxxxxxxxxxxxhereyyyyyyyyyyy".to_owned(),
                format!("    | {}^", " ".repeat(15)),
            ]
        );
    }
}
