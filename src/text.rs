//! Words: near spellings, lists, plurals, durations as people write them.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use csv_core::ReadRecordResult;

/// Returns the known word that `word` is most likely a misspelling of, if one is near enough.
///
/// Near is a Damerau-Levenshtein distance of a third of the longer word, as in rustc and clap's neighbourhood;
/// a word that differs only in case, or in `_` and `-`, is always near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['_', '-'], "");
    let wanted = plain(word);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| {
            let other = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &other);
            (distance * 3 <= wanted.chars().count().max(other.chars().count()))
                .then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns `a, b and c`, each in backticks.
pub fn quoted_list<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = words
        .into_iter()
        .map(|w| format!("`{}`", w.as_ref()))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// Returns `A`, `A or B`, `A, B or C`.
pub fn either<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

/// Returns a text on one line with what can't be seen, or is forbidden, as `\u{..}`: a terminal obeys escape codes, and CI
/// systems lines that start in a certain way.
pub fn visible(text: &str, forbidden: &[char]) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if is_unseen(c) || forbidden.contains(&c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether a character shows nothing itself: with these a text reads otherwise than it is (right-to-left overrides).
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Returns rows as CSV.
pub fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Memory takes every row that is as long as the first.
        let written = writer.write_record(row);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Returns `1 cluster`, `2 clusters`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Returns `0.2 s`, `40 s`, `9 min 12 s`, `3 h 5 min`, `12 d`: two units at most.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Returns a duration as [`duration`] does, but rounded to whole seconds from one second on.
pub fn whole_seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return duration(time);
    }
    let rounded = (time + Duration::from_millis(500)).as_secs();
    duration(Duration::from_secs(rounded)).replace(".0 s", " s")
}

/// Nobody waits longer, and clocks can still count it.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Parses `500ms`, `30s`, `10m`, `2h`, or several of them in a row, as kubectl and Go write durations.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 30s, 10m or 1h30m");
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |i| digits + i);
        let unit = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let part = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        if total > LONGEST {
            return Err(format!("`{text}` is more than a year"));
        }
        rest = &rest[unit_end..];
    }
    Ok(total)
}

/// Parses an age of days or hours: `90d`, `36h`. Prices may be years old, so there is no longest one.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not an age such as 90d or 36h");
    let unit = |text: &str| match text {
        "d" => Some(24 * 3600),
        "h" => Some(3600),
        _ => None,
    };
    let text = text.trim();
    let at = text.len() - text.chars().last().map_or(0, char::len_utf8);
    let seconds = unit(&text[at..]).ok_or_else(wrong)?;
    let number: u64 = text[..at].parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(seconds).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

/// Returns the rows of an embedded table.
///
/// # Panics
/// When a table of ours does not fit its type; a test reads every table.
pub fn embedded_csv<T: serde::de::DeserializeOwned>(table: &str) -> Vec<T> {
    let (mut headings, mut rows) = (None, Vec::new());
    each_record(table, |record| match &headings {
        None => headings = Some(record.clone()),
        Some(_) => rows.push(
            record
                .deserialize(headings.as_ref())
                .unwrap_or_else(|error| panic!("embedded table: {error}")),
        ),
    });
    rows
}

/// Takes a table apart. csv's own reader makes its automaton anew for each table, which takes ten times as long as
/// reading one of ours.
fn each_record(table: &str, mut take: impl FnMut(&csv::StringRecord)) {
    static PARSER: LazyLock<Mutex<csv_core::Reader>> =
        LazyLock::new(|| Mutex::new(csv_core::Reader::new()));
    let mut parser = PARSER.lock().unwrap_or_else(PoisonError::into_inner);
    parser.reset();
    let (mut rest, mut text, mut ends) = (table.as_bytes(), [0; LONGEST_ROW], [0; MOST_COLUMNS]);
    let mut record = csv::StringRecord::with_capacity(LONGEST_ROW, MOST_COLUMNS);
    loop {
        let (found, read, _, count) = parser.read_record(rest, &mut text, &mut ends);
        rest = &rest[read..];
        match found {
            ReadRecordResult::Record => {
                record.clear();
                for (from, to) in std::iter::once(&0).chain(&ends).zip(&ends[..count]) {
                    record.push_field(&String::from_utf8_lossy(&text[*from..*to]));
                }
                take(&record);
            }
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::End => return,
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                panic!("embedded table: a row that is too long: {record:?} is before it")
            }
        }
    }
}

const LONGEST_ROW: usize = 1024;
const MOST_COLUMNS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_likely_spelling() {
        assert_eq!(
            nearest("us-east-9", ["us-east-1", "eu-west-1"]),
            Some("us-east-1")
        );
        assert_eq!(
            nearest("max_replicas", ["minReplicas", "maxReplicas"]),
            Some("maxReplicas")
        );
        assert_eq!(nearest("owner", ["engine", "features"]), None);
    }

    #[test]
    fn words_durations() {
        for (seconds, words) in [
            (0.21, "0.2 s"),
            (40.0, "40 s"),
            (552.0, "9 min 12 s"),
            (11_100.0, "3 h 5 min"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), words);
        }
    }

    #[test]
    fn words_whole_seconds() {
        for (millis, words) in [(500, "0.5 s"), (7_900, "8 s"), (60_000, "1 min")] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn reads_durations() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "10", "m", "-1s", "1y", "5000000000000000000h", "9000h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_ages() {
        assert_eq!(parse_age("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse_age("36h"), Ok(Duration::from_secs(36 * 3600)));
        for wrong in [
            "",
            "d",
            "90",
            "-1d",
            "1.5d",
            "90ä",
            "1d12h",
            "99999999999999999999d",
        ] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
        }
    }
}
