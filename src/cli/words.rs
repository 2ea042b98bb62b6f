//! The words of a command line that clap has not understood, or could not: which manifest a half-typed line is about, and
//! in which form a wrong one wants its answer.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::ValueEnum;

use crate::report::Format;

/// Returns the last value of an option; see [`options`].
pub(super) fn option(words: &[OsString], names: &[&str]) -> Option<OsString> {
    options(words, names).pop()
}

/// Returns the values of an option, given by its names, in any of the ways to write it: `-o json`, `-ojson`,
/// `-o=json`, `--output json`, `--output=json`.
pub(super) fn options(words: &[OsString], names: &[&str]) -> Vec<OsString> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let value = |(at, word): (usize, &Cow<str>)| {
        let rest = names.iter().find_map(|name| word.strip_prefix(name))?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => words.get(at + 1).map(|next| next.to_string()),
            None if word.starts_with("--") => None,
            None => Some(rest.to_owned()),
        }
    };
    let found = words.iter().enumerate().filter_map(value);
    found.map(OsString::from).collect()
}

/// Joins what bash has cut at `=`: `--context`, `=`, `aws-1` are one word again.
pub(super) fn rejoin(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut is_open = false;
    for word in words {
        let is_equals = word == "=";
        match joined.last_mut() {
            Some(last) if is_equals || is_open => last.push(word),
            _ => joined.push(word),
        }
        is_open = is_equals;
    }
    joined
}

/// Returns the form that the command line asks for, as well as can be seen.
pub(super) fn format(words: &[OsString]) -> Format {
    option(words, &["-o", "--output"])
        .and_then(|form| Format::from_str(form.to_str()?, false).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_bash_has_cut() {
        for (cut, whole) in [
            ("plan --context = aws-1 = eks", "plan --context=aws-1=eks"),
            ("plan -o json --clusters = ", "plan -o json --clusters="),
            ("plan llama", "plan llama"),
        ] {
            let cut = cut.split(' ').map(OsString::from);
            let whole: Vec<OsString> = whole.split(' ').map(OsString::from).collect();
            assert_eq!(rejoin(cut), whole);
        }
    }

    #[test]
    fn finds_an_option_in_every_spelling() {
        for line in [
            "plan -o json",
            "plan -ojson",
            "plan -o=json",
            "plan --output json",
            "-o yaml plan --output=json --outputs=yaml",
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(format(&words), Format::Json, "{line}");
        }
        assert_eq!(format(&["plan".into(), "-o".into()]), Format::Table);
    }
}
