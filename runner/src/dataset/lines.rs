//! Lines of JSON as a list or as rows, in memory that does not grow with the file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::Format;
use super::csv::{Columns, Row};

/// Writes the events of a file of lines in another format.
///
/// # Errors
///
/// What reading or writing fails with.
pub fn from_lines(lines: &Path, format: Format, out: &Path) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(out)?);
    match format {
        Format::Jsonl => each(lines, |line| {
            to.write_all(line)?;
            to.write_all(b"\n")
        })?,
        Format::Json => {
            let mut before: &[u8] = b"[\n";
            each(lines, |line| {
                to.write_all(before)?;
                before = b",\n";
                to.write_all(line)
            })?;
            to.write_all(if before == b"[\n" { b"[]\n" } else { b"\n]\n" })?;
        }
        Format::Csv => {
            // Columns are known for sure once every event was seen.
            let (mut columns, mut row) = (Columns::default(), Row::default());
            each(lines, |line| {
                row.fresh_names(line).iter().for_each(|name| columns.add(name));
                Ok(())
            })?;
            to.write_all(&columns.header())?;
            let mut bytes = Vec::new();
            each(lines, |line| {
                bytes.clear();
                row.write(line, &columns, &mut bytes);
                to.write_all(&bytes)
            })?;
        }
    }
    to.flush()
}

fn each(lines: &Path, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut from = BufReader::new(File::open(lines)?);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let event = line.strip_suffix(b"\n").unwrap_or(&line);
        if !event.is_empty() {
            take(event)?;
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(lines: &str, format: Format) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, lines).unwrap();
        from_lines(&from, format, &to).unwrap();
        std::fs::read_to_string(to).unwrap()
    }

    #[test]
    fn lines_become_a_list_and_rows() {
        let lines = "{\"a\":1}\n{\"b\":{\"c\":\"x,y\"}}\n";
        assert_eq!(made(lines, Format::Jsonl), lines);
        assert_eq!(made(lines, Format::Json), "[\n{\"a\":1},\n{\"b\":{\"c\":\"x,y\"}}\n]\n");
        assert_eq!(made(lines, Format::Csv), "a,b.c\n1,\n,\"x,y\"\n");
        assert_eq!((made("", Format::Json), made("", Format::Csv)), ("[]\n".to_owned(), "\n".to_owned()));
    }
}
