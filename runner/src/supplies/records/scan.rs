//! Cutting a file into records as it is read: lines, elements of a JSON list, rows of a CSV file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use shared::plan::supply::{fields, scalar};
use shared::tree::Node;

/// Bytes asked of the operating system in one read.
const BLOCK: usize = 256 * 1024;
/// The longest record.
const LONGEST: usize = 64 * 1024 * 1024;

/// How records stand in a file.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// One per line.
    Lines,
    /// Elements of one JSON list.
    List,
    /// Rows under these names.
    Rows(Arc<[String]>),
}

impl Layout {
    /// What a record is called.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Lines => "event",
            Self::List => "element",
            Self::Rows(_) => "row",
        }
    }

    /// A record as JSON: as it stands, or made of a row.
    pub(super) fn json<'b>(&self, bytes: &'b [u8], object: &'b mut Vec<u8>) -> Result<&'b [u8], String> {
        let Self::Rows(names) = self else { return Ok(bytes) };
        let values = values(bytes)?;
        if values.len() != names.len() {
            return Err(format!("it has {} values under {} names", values.len(), names.len()));
        }
        object.clear();
        for (index, (name, value)) in names.iter().zip(values).enumerate() {
            object.push(if index == 0 { b'{' } else { b',' });
            let name = serde_json::to_vec(name).map_err(|error| error.to_string())?;
            object.extend_from_slice(&name);
            object.push(b':');
            let value: Node = scalar(value).into();
            let value = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
            object.extend_from_slice(&value);
        }
        object.push(b'}');
        Ok(object)
    }
}

/// A record and where it begins in the file.
#[derive(Debug)]
pub(super) struct Record<'b> {
    pub(super) offset: u64,
    pub(super) bytes: &'b [u8],
}

/// Reads records one after the other.
#[derive(Debug)]
pub(super) struct Scanner {
    file: File,
    layout: Layout,
    buffer: Vec<u8>,
    /// What of the buffer is still to be read.
    start: usize,
    end: usize,
    /// Place in the file of the buffer's first byte.
    base: u64,
    over: bool,
}

/// Where a record lies in the buffer, and where the next begins.
struct Cut {
    from: usize,
    to: usize,
    next: usize,
}

impl Scanner {
    /// A scanner of a file that stands at the beginning of a record.
    pub(super) fn new(file: File, layout: Layout, base: u64) -> Self {
        Self { file, layout, buffer: Vec::new(), start: 0, end: 0, base, over: false }
    }

    /// Goes on at the beginning of a record.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.over = false;
        // What is in the buffer need not be read again.
        if let Some(inside) = offset.checked_sub(self.base).and_then(|inside| usize::try_from(inside).ok())
            && inside <= self.end
        {
            self.start = inside;
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(offset))?;
        (self.start, self.end, self.base) = (0, 0, offset);
        Ok(())
    }

    /// The next record; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        if self.over {
            return Ok(None);
        }
        let cut = match self.layout {
            Layout::Lines => self.line(false)?,
            Layout::Rows(_) => self.line(true)?,
            Layout::List => self.element()?,
        };
        let Some(Cut { from, to, next }) = cut else {
            self.over = true;
            return Ok(None);
        };
        self.start = next;
        Ok(Some(Record { offset: self.base + from as u64, bytes: &self.buffer[from..to] }))
    }

    /// The next line that is not blank; with quotes, one may go on over several.
    fn line(&mut self, quotes: bool) -> io::Result<Option<Cut>> {
        loop {
            let mut at = self.start;
            let mut quoted = false;
            let end = loop {
                if quotes {
                    match self.byte(&mut at)? {
                        None if quoted => return Err(wrong("a quoted value is never closed")),
                        None => break None,
                        Some(b'"') => quoted = !quoted,
                        Some(b'\n') if !quoted => break Some(at),
                        Some(_) => {}
                    }
                    at += 1;
                    continue;
                }
                match self.buffer[at..self.end].iter().position(|byte| *byte == b'\n') {
                    Some(found) => break Some(at + found),
                    None => {
                        at = self.end;
                        if self.byte(&mut at)?.is_none() {
                            break None;
                        }
                    }
                }
            };
            let (to, next) = end.map_or((self.end, self.end), |end| (end, end + 1));
            let line = &self.buffer[self.start..to];
            let blank = line.len() - line.trim_ascii_start().len();
            let length = line.trim_ascii().len();
            if length > 0 {
                let from = self.start + blank;
                return Ok(Some(Cut { from, to: from + length, next }));
            }
            if end.is_none() {
                return Ok(None);
            }
            self.start = next;
        }
    }

    /// The next element of a list; the scanner stands behind the bracket, behind a comma, or at an element.
    fn element(&mut self) -> io::Result<Option<Cut>> {
        let mut at = self.start;
        let first = loop {
            match self.byte(&mut at)? {
                None => return Err(wrong("the list is never closed")),
                Some(byte) if byte.is_ascii_whitespace() => at += 1,
                Some(byte) => break byte,
            }
        };
        if first == b']' {
            return self.end_of_list(at + 1).map(|()| None);
        }
        // What was skipped need not be kept while the element is read.
        self.start = at;
        let (mut depth, mut quoted, mut escaped) = (0_u64, false, false);
        loop {
            let Some(byte) = self.byte(&mut at)? else { return Err(wrong("the list is never closed")) };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b']' if depth == 0 => return self.cut(at, at),
                b',' if depth == 0 => return self.cut(at, at + 1),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
    }

    fn cut(&self, to: usize, next: usize) -> io::Result<Option<Cut>> {
        let length = self.buffer[self.start..to].trim_ascii_end().len();
        if length == 0 {
            Err(wrong("an element is missing"))
        } else {
            Ok(Some(Cut { from: self.start, to: self.start + length, next }))
        }
    }

    /// Behind a list there is nothing more.
    fn end_of_list(&mut self, from: usize) -> io::Result<()> {
        let mut at = from;
        self.start = from;
        while let Some(byte) = self.byte(&mut at)? {
            if !byte.is_ascii_whitespace() {
                return Err(wrong("something stands behind the end of the list"));
            }
            at += 1;
            self.start = at;
        }
        Ok(())
    }

    /// The byte at a place of the buffer; reads on where need be, which may move the place. None at the file's end.
    fn byte(&mut self, at: &mut usize) -> io::Result<Option<u8>> {
        if *at < self.end {
            return Ok(Some(self.buffer[*at]));
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            *at -= self.start;
            self.end -= self.start;
            self.base += self.start as u64;
            self.start = 0;
        }
        if self.end > LONGEST {
            return Err(wrong("it is longer than 64 MiB"));
        }
        if self.buffer.len() < self.end + BLOCK {
            self.buffer.resize((self.end + BLOCK).next_power_of_two(), 0);
        }
        loop {
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(None),
                Ok(count) => {
                    self.end += count;
                    return Ok(Some(self.buffer[*at]));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Finds the beginning of the first line: behind a byte order mark.
pub(super) fn begin_lines(file: &mut File) -> io::Result<u64> {
    let mut mark = [0; 3];
    let mut read = 0;
    while read < 3 {
        match file.read(&mut mark[read..])? {
            0 => break,
            count => read += count,
        }
    }
    Ok(if mark[..read] == *b"\xef\xbb\xbf" { 3 } else { 0 })
}

/// Finds the beginning of the first element of a list; none in a file that holds nothing.
pub(super) fn begin_list(file: &mut File) -> io::Result<Option<u64>> {
    let begin = begin_lines(file)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut scanner = Scanner::new(file.try_clone()?, Layout::List, begin);
    let mut at = 0;
    loop {
        match scanner.byte(&mut at)? {
            None => return Ok(None),
            Some(b'[') => return Ok(Some(begin + at as u64 + 1)),
            Some(byte) if byte.is_ascii_whitespace() => at += 1,
            Some(_) => {
                let why = "it is no JSON list: it does not begin with `[`; events line by line are jsonl";
                return Err(io::Error::other(why));
            }
        }
    }
}

/// Reads the names above the rows; gives where the first row begins.
pub(super) fn begin_rows(file: &mut File) -> io::Result<(Layout, u64)> {
    let begin = begin_lines(file)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut scanner = Scanner::new(file.try_clone()?, Layout::Rows([].into()), begin);
    let names = match scanner.next()? {
        Some(record) => values(record.bytes).map_err(wrong)?,
        None => Vec::new(),
    };
    let first = scanner.base + scanner.start as u64;
    Ok((Layout::Rows(names.into()), first))
}

/// Appends JSON without white space between its parts.
pub(super) fn compact(bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.contains(&b'\n') && !bytes.contains(&b'\r') {
        out.extend_from_slice(bytes);
        return;
    }
    let (mut quoted, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\n' | b'\r' if !quoted => continue,
            _ => {}
        }
        out.push(*byte);
    }
}

/// The values of a row.
fn values(row: &[u8]) -> Result<Vec<String>, String> {
    std::str::from_utf8(row).map(fields).map_err(|_error| "it is not UTF-8".to_owned())
}

fn wrong(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}
