//! Reads one file of the official price list as it comes, in little memory: a file has up to 450 MB and a million rows,
//! of which a few thousand are about machines with GPUs. Main type: [`OfferFile`].

use std::collections::HashSet;

use csv_core::ReadRecordResult;
use jiff::civil::Date;

use super::PROVIDER;
use super::offer::{Column, Columns, Offer};
use super::prices::as_of;
use crate::cloud::feed::Reading;

/// Rows have about 1 KiB; what has no end of line for longer than this is no price list.
const LONGEST_LINE: usize = 64 * 1024;
/// The list has about 90 columns.
const MOST_COLUMNS: usize = 512;
/// Five lines about the list are before the headings.
const LONGEST_PREAMBLE: usize = 20;

/// What is read of a file so far.
pub(super) struct OfferFile {
    source: &'static str,
    today: Date,
    as_of: Date,
    /// The beginning of a line whose end has not come.
    carried: Vec<u8>,
    lines: usize,
    columns: Option<Columns>,
    known: HashSet<&'static [u8]>,
    parser: Parser,
    pub(super) reading: Reading,
}

/// Why a file is no price list, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoOfferFile {
    #[error("it does not begin like a price list")]
    Beginning,
    #[error("there are no headings")]
    NoHeadings,
    #[error("there is no column `{0}`")]
    NoColumn(&'static str),
    #[error("a line has more than {LONGEST_LINE} bytes")]
    LongLine,
    #[error("it ends in the middle of a row")]
    CutOff,
    #[error("there are no rows")]
    NoRows,
}

impl OfferFile {
    pub(super) fn new(source: &'static str, today: Date) -> Self {
        let known = PROVIDER.instances().iter();
        OfferFile {
            source,
            today,
            as_of: today,
            carried: Vec::new(),
            lines: 0,
            columns: None,
            known: known.map(|row| row.instance_type.as_bytes()).collect(),
            parser: Parser::default(),
            reading: Reading::default(),
        }
    }

    /// Reads the next piece, which may begin and end anywhere.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), NoOfferFile> {
        for line in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.carried.len() + line.len() > LONGEST_LINE {
                return Err(NoOfferFile::LongLine);
            }
            let is_whole = line.ends_with(b"\n");
            if is_whole && self.carried.is_empty() {
                self.line(line)?;
                continue;
            }
            self.carried.extend_from_slice(line);
            if is_whole {
                let line = std::mem::take(&mut self.carried);
                self.line(&line)?;
                // The memory is kept: every piece ends within a line.
                self.carried = line;
                self.carried.clear();
            }
        }
        Ok(())
    }

    /// Reads what is left, and says whether the file was whole.
    pub(super) fn finish(&mut self) -> Result<(), NoOfferFile> {
        let rest = std::mem::take(&mut self.carried);
        let Some(columns) = &self.columns else {
            return Err(NoOfferFile::NoHeadings);
        };
        if !rest.is_empty() {
            // The last line may lack its end, but not fields.
            if self.parser.fields(&rest).len() != columns.count {
                return Err(NoOfferFile::CutOff);
            }
            self.row(&rest);
        }
        match self.reading.rows {
            0 => Err(NoOfferFile::NoRows),
            _ => Ok(()),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), NoOfferFile> {
        self.lines += 1;
        if self.columns.is_some() {
            self.row(line);
            return Ok(());
        }
        let fields = self.parser.fields(line);
        match fields.as_slice() {
            ["SKU", ..] => {
                self.columns = Some(Columns::find(&fields).map_err(NoOfferFile::NoColumn)?);
            }
            _ if self.lines == 1 && fields.first() != Some(&"FormatVersion") => {
                return Err(NoOfferFile::Beginning);
            }
            _ if self.lines > LONGEST_PREAMBLE => return Err(NoOfferFile::NoHeadings),
            ["Publication Date", date] => self.as_of = as_of(Some(date), self.today),
            _ => {}
        }
        Ok(())
    }

    /// Reads a row. Taking one apart costs far more than finding its machine, and most are about other machines.
    fn row(&mut self, line: &[u8]) {
        let Some(columns) = &self.columns else { return };
        let cut = |column| field(line, columns.position(column));
        let is_of_interest = cut(Column::InstanceType)
            .is_some_and(|name| self.known.contains(name))
            || cut(Column::InstanceFamily) == Some(b"GPU instance");
        if !is_of_interest {
            self.reading.rows += 1;
            return;
        }
        let fields = &self.parser.fields(line);
        let row = Offer { columns, fields }.row();
        row.enter(self.source, self.as_of, &mut self.reading);
    }
}

/// Cuts one field out of a line, without its quotes and with the quotes in it still doubled: names have none.
fn field(line: &[u8], column: usize) -> Option<&[u8]> {
    let (mut in_quotes, mut before, mut from) = (false, 0, 0);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b',' if !in_quotes && before == column => return Some(bare(&line[from..at])),
            b',' if !in_quotes => (before, from) = (before + 1, at + 1),
            _ => {}
        }
    }
    (before == column).then(|| bare(line[from..].trim_ascii_end()))
}

fn bare(field: &[u8]) -> &[u8] {
    let inner = field.strip_prefix(b"\"");
    inner
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(field)
}

/// Takes lines apart, in memory that is used again for each.
struct Parser {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Default for Parser {
    fn default() -> Self {
        Parser {
            reader: csv_core::Reader::new(),
            text: vec![0; LONGEST_LINE],
            ends: vec![0; MOST_COLUMNS],
        }
    }
}

impl Parser {
    /// Returns the fields of a line; none where it has too many.
    fn fields(&mut self, line: &[u8]) -> Vec<&str> {
        self.reader.reset();
        let (mut read, mut written, mut found) = (0, 0, 0);
        loop {
            let (result, input, output, ends) = self.reader.read_record(
                &line[read..],
                &mut self.text[written..],
                &mut self.ends[found..],
            );
            (read, written, found) = (read + input, written + output, found + ends);
            match result {
                // At the end of the line the reader is told that no more comes.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Vec::new();
                }
            }
        }
        let ends = &self.ends[..found];
        let starts = std::iter::once(&0).chain(ends);
        let bounds = starts.zip(ends);
        let text = |(from, to): (&usize, &usize)| std::str::from_utf8(&self.text[*from..*to]);
        bounds
            .map(|bound| text(bound).unwrap_or_default())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_fields_as_a_parser_does() {
        let lines: [&[u8]; 4] = [
            b"\"a\",\"b, with \"\"quotes\"\", and more\",,\"d\"\r\n",
            b"a,b,c,d\n",
            b"\"\",\"\",\"\",\"\"",
            b",,,",
        ];
        let mut parser = Parser::default();
        for line in lines {
            let parsed = parser.fields(line);
            assert_eq!(parsed.len(), 4, "{line:?}");
            for (column, text) in parsed.iter().enumerate() {
                let doubled = text.replace('"', "\"\"");
                assert_eq!(field(line, column), Some(doubled.as_bytes()), "{line:?}");
            }
            assert_eq!(field(line, 4), None);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut file = OfferFile::new("aws-price-list", jiff::civil::date(2026, 11, 25));
        let piece = vec![b'x'; 40 * 1024];
        assert!(file.take(&piece).is_ok());
        assert!(matches!(file.take(&piece), Err(NoOfferFile::LongLine)));
        assert!(file.carried.len() <= LONGEST_LINE);
    }
}
