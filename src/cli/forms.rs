//! Which forms a command's answer has: `-o` takes these, names them in its help and in a refusal, and no others of
//! [`Format`].

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::report::Format;

/// The forms that every answer has.
const EVERYWHERE: [Format; 6] = [
    Format::Table,
    Format::Wide,
    Format::Json,
    Format::Yaml,
    Format::Name,
    Format::Jsonl,
];

/// Returns the parser for a command with the usual forms.
pub(super) fn usual() -> impl TypedValueParser<Value = Format> {
    only(EVERYWHERE)
}

/// Returns the parser for a command whose answer also reads well as a comment on a pull request.
pub(super) fn with_markdown() -> impl TypedValueParser<Value = Format> {
    only(EVERYWHERE.into_iter().chain([Format::Markdown]))
}

/// Returns the parser for a command whose answer is prices, which spreadsheets read, too.
pub(super) fn of_prices() -> impl TypedValueParser<Value = Format> {
    only([
        Format::Table,
        Format::Wide,
        Format::Json,
        Format::Yaml,
        Format::Name,
        Format::Csv,
        Format::Markdown,
    ])
}

fn only(forms: impl IntoIterator<Item = Format>) -> impl TypedValueParser<Value = Format> {
    let values = forms
        .into_iter()
        .filter_map(|form| form.to_possible_value());
    PossibleValuesParser::new(values).try_map(|word| Format::from_str(&word, false))
}
