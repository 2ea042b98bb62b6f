//! The conditions (`if:`) of GitHub's workflows, as far as examples/ci has them: comparisons of names, texts and
//! `format`, joined by `&&`.

/// What names stand for, such as `github.ref`; others are empty.
pub(crate) type Values<'a> = [(&'a str, &'a str)];

/// Tells whether a condition holds.
pub(crate) fn holds(condition: &str, values: &Values<'_>) -> bool {
    condition
        .split("&&")
        .all(|comparison| compare(comparison, values))
}

fn compare(comparison: &str, values: &Values<'_>) -> bool {
    for (operator, wanted) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = comparison.split_once(operator) {
            // GitHub does not look at upper and lower case.
            let equal = value(left, values).eq_ignore_ascii_case(&value(right, values));
            return equal == wanted;
        }
    }
    panic!("the stand-in knows no `{comparison}`");
}

fn value(term: &str, values: &Values<'_>) -> String {
    let term = term.trim();
    let inside = |before: &str, after: &str| term.strip_prefix(before)?.strip_suffix(after);
    if let Some(text) = inside("'", "'") {
        return text.to_owned();
    }
    if let Some(arguments) = inside("format(", ")") {
        let (form, argument) = arguments.split_once(',').expect("two arguments");
        return value(form, values).replace("{0}", &value(argument, values));
    }
    let in_names = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
    assert!(term.chars().all(in_names), "the stand-in knows no `{term}`");
    let known = values.iter().find(|(name, _)| *name == term);
    known.map_or_else(String::new, |(_, value)| (*value).to_owned())
}
