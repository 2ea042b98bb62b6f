//! Comparing whole texts, and expected texts kept in files.

use std::fs;
use std::path::Path;

use similar::TextDiff;

/// Panics with a unified diff unless the texts are the same.
#[track_caller]
pub(crate) fn assert_same(what: &str, actual: &str, expected: &str) {
    if let Some(difference) = difference(what, actual, expected) {
        panic!("{difference}");
    }
}

/// The names of all folders in a folder of cases, sorted.
pub(crate) fn cases(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    let mut names: Vec<String> = entries
        .map(|entry| name(entry.expect("an entry")))
        .collect();
    names.sort();
    assert!(names.len() > 10, "too few cases in {folder}");
    names
}

/// Compares with a file of the repository; `UPDATE=1` rewrites the file instead.
#[track_caller]
pub(crate) fn expect_file(path: &str, actual: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("can make the folder");
        fs::write(&file, actual).expect("can write the expected file");
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if let Some(difference) = difference(path, actual, &expected) {
        panic!("{difference}\nUPDATE=1 rewrites {path}");
    }
}

pub(super) fn difference(what: &str, actual: &str, expected: &str) -> Option<String> {
    if actual == expected {
        return None;
    }
    let diff = TextDiff::from_lines(expected, actual);
    let diff = diff.unified_diff().header("expected", "actual").to_string();
    let mut text = format!("{what} is not as expected\n{diff}");
    // To read or paste whole, unless it would bury the difference.
    if actual.lines().count() <= 40 {
        text += &format!("\n{what} as it is:\n{actual}");
    }
    Some(text)
}
