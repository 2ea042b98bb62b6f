//! YAML as mcai reads and writes it: a tree whose every node knows its place ([`Node`]), a reader of mappings
//! that collects all findings instead of stopping at the first ([`Fields`]), and a writer.
//!
//! serde is not used for reading because it stops at the first error and loses positions under `flatten`.

mod fields;
mod node;
mod parse;

pub use fields::{Fields, Findings, checked, each, integer, list, string, string_map};
pub use node::{Key, Node, Value};
pub use parse::{MAX_BYTES, parse};

/// Returns the value as YAML text that YAML 1.1 and 1.2 parsers read alike, keys in the order of the value.
pub fn to_string<T: serde::Serialize>(value: &T) -> String {
    // No folding of long lines: folded text is hard to read in a diff and to grep.
    let options =
        serde_saphyr::ser_options! { min_fold_chars: usize::MAX, folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options)
        .unwrap_or_else(|error| format!("# not YAML: {error}\n"))
}
