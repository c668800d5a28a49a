//! The pieces that packets are made of: numbers, texts, and what is wrong with them.

/// What is wrong with bytes that should be a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// It is longer than anything that is taken.
    #[error("a packet of {0} bytes")]
    TooLong(usize),
    /// It is none.
    #[error("{0}")]
    Wrong(&'static str),
}

use Malformed::Wrong;

/// What is left of a packet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Wrong("a packet that ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes as something of their own.
    pub(super) fn part(&mut self, count: usize) -> Result<Self, Malformed> {
        Ok(Self { rest: self.take(count)? })
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn short(&mut self) -> Result<u16, Malformed> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn long(&mut self) -> Result<u32, Malformed> {
        self.take(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn nonzero(&mut self, why: &'static str) -> Result<u16, Malformed> {
        self.short().and_then(|number| if number == 0 { Err(Wrong(why)) } else { Ok(number) })
    }

    /// A number of one to four bytes.
    pub(super) fn variable(&mut self) -> Result<usize, Malformed> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Wrong("a length of more than four bytes"))
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.short()?;
        self.take(usize::from(length))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_error| Wrong("a text that is not UTF-8"))?;
        if text.contains('\0') { Err(Wrong("a text with a null character")) } else { Ok(text) }
    }
}

/// Appends a number of one to four bytes.
pub(super) fn put_variable(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Appends a text with its length in front; what is longer than a length can say is cut.
pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&text[..usize::from(length)]);
}
