//! Markdown for comments on GitHub and GitLab. Words that mcai did not choose stand in code spans and in fences only,
//! where they mention nobody, link nowhere and are no command of the forge (GitLab carries out a line that starts with
//! `/close`, whoever sends it).

use super::problem_text;
use super::style::Styles;
use crate::diagnostic::Problem;
use crate::text;
use crate::text::visible;

/// A document has at most so many bytes: GitHub takes 65,536 characters in a comment, and a pipeline adds some lines.
pub(super) const ROOM: usize = 60_000;

/// Returns a failure as a document of its own.
pub(super) fn failure(problems: &[Problem]) -> String {
    let title = format!("### mcai failed: {}\n", tally(problems).join(", "));
    let below = self::problems(problems, ROOM - title.len());
    title + &below
}

/// Returns the section that shows problems, or nothing where there are none.
pub(super) fn problems<'a>(problems: impl IntoIterator<Item = &'a Problem>, room: usize) -> String {
    let (shown, left) = take(problems.into_iter().map(problem), room);
    let left = match left {
        0 => String::new(),
        left => format!("\n{} not shown\n", text::count(left, "more problem")),
    };
    shown + &left
}

fn problem(problem: &Problem) -> String {
    let text = problem_text(problem, &Styles::PLAIN, None);
    let lines = text.lines().enumerate().map(|(i, line)| match i {
        0 => format!("! {line}"),
        _ => format!("# {line}"),
    });
    format!("\n{}", fence(lines))
}

/// Returns how many errors and warnings there are, such as `2 errors`.
pub(super) fn tally<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> Vec<String> {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.is_error());
    [(errors.len(), "error"), (warnings.len(), "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| text::count(count, noun))
        .collect()
}

/// Returns lines in a fence that colours them by their first character: `+`, `-`, `!`, `#`.
///
/// Each line must begin with one of these: then none of them can be the fence's end.
pub(super) fn fence(lines: impl IntoIterator<Item = String>) -> String {
    let lines: String = lines
        .into_iter()
        .map(|line| visible(&line, &[]) + "\n")
        .collect();
    format!("```diff\n{lines}```\n")
}

/// Returns a text as a code span; it may stand in a table.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("`{}`", visible(text, &['`', '|']))
}

/// Joins the pieces that have room, each whole or not at all; returns how many had none.
pub(super) fn take(pieces: impl IntoIterator<Item = String>, room: usize) -> (String, usize) {
    let (mut joined, mut left) = (String::new(), 0);
    for piece in pieces {
        if joined.len() + piece.len() <= room {
            joined.push_str(&piece);
        } else {
            left += 1;
        }
    }
    (joined, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_a_code_span_or_a_fence() {
        assert_eq!(
            code("a` | @all\n<b>\u{202e}"),
            r"`a\u{60} \u{7c} @all\u{a}<b>\u{202e}`"
        );
        assert_eq!(code(""), "");
        let lines = ["+ a\n```\n/close".to_owned(), "- ```".to_owned()];
        assert_eq!(
            fence(lines),
            "```diff\n+ a\\u{a}```\\u{a}/close\n- ```\n```\n"
        );
    }

    #[test]
    fn every_line_of_a_problem_stays_in_its_fence() {
        use crate::diagnostic::Kind;
        let problem = Problem::error(Kind::Io, "x").detail("a\n```\n@all");
        assert_eq!(
            failure(&[problem]),
            "### mcai failed: 1 error\n\n```diff\n! error: x\n#   a\n#     | ```\n#     | @all\n```\n"
        );
    }

    #[test]
    fn pieces_are_taken_whole_while_there_is_room() {
        let pieces = ["aa", "bbbb", "c"].map(str::to_owned);
        assert_eq!(take(pieces, 3), ("aac".to_owned(), 1));
    }
}
