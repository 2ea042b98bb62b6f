//! The words of a command line that clap has not understood, or could not: which manifest a half-typed line is about, and
//! in which form a wrong one wants its answer.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::report::Format;

/// Returns the last value of an option, given by its names, in any of the ways to write it: `-o json`, `-ojson`,
/// `-o=json`, `--output json`, `--output=json`.
pub(super) fn option(words: &[OsString], names: &[&str]) -> Option<OsString> {
    let words: Vec<&str> = words.iter().map_while(|word| word.to_str()).collect();
    let value = |(at, word): (usize, &&str)| {
        let rest = names.iter().find_map(|name| word.strip_prefix(name))?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => words.get(at + 1).map(|next| (*next).to_owned()),
            None if word.starts_with("--") => None,
            None => Some(rest.to_owned()),
        }
    };
    let found = words.iter().enumerate().filter_map(value).next_back();
    found.map(OsString::from)
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
