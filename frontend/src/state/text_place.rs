//! Places in a text as editors count them: lines and columns from 1, and offsets in UTF-16 units as the browser does.

/// How many lines a text has; a last empty one counts.
pub(crate) fn line_count(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count() + 1).unwrap_or(u32::MAX)
}

/// The browser's offset of a line and a column (in characters), both from 1; past the end, the end.
pub(crate) fn offset_of(text: &str, line: u32, column: u32) -> u32 {
    let mut at = 0;
    for (number, content) in (1_u32..).zip(text.split_inclusive('\n')) {
        if number == line {
            let before = content.trim_end_matches('\n').chars().take(column.saturating_sub(1) as usize);
            return at + before.map(|letter| letter.len_utf16() as u32).sum::<u32>();
        }
        at += content.chars().map(|letter| letter.len_utf16() as u32).sum::<u32>();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_as_the_browser_does() {
        let text = "a: 1\nb: 😀x\n";
        assert_eq!(line_count(text), 3);
        assert_eq!(offset_of(text, 1, 4), 3);
        assert_eq!(offset_of(text, 2, 5), 10);
        assert_eq!(offset_of(text, 9, 1), 12);
        assert_eq!(offset_of(text, 1, 99), 4);
    }
}
