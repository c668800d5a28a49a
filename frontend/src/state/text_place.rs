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

/// The byte at an offset of the browser's; past the end, the end.
pub(crate) fn byte_of(text: &str, offset: u32) -> usize {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        if units >= offset {
            return at;
        }
        units += letter.len_utf16() as u32;
    }
    text.len()
}

/// How long the browser takes a text for.
pub(crate) fn utf16_length(text: &str) -> u32 {
    text.chars().map(|letter| letter.len_utf16() as u32).sum()
}

/// The line numbers of a gutter in as few parts as the marked lines allow, each with whether it is marked.
pub(crate) fn gutter_parts(lines: u32, marked: &[u32]) -> Vec<(String, bool)> {
    let mut parts: Vec<(String, bool)> = Vec::new();
    for line in 1..=lines {
        let is_marked = marked.binary_search(&line).is_ok();
        let number = line.to_string();
        match parts.last_mut() {
            Some((numbers, marked)) if *marked == is_marked => {
                numbers.push_str(&number);
                numbers.push('\n');
            }
            _ => parts.push((number + "\n", is_marked)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gutter_has_a_part_per_stretch_not_per_line() {
        let parts = gutter_parts(6, &[3, 4]);
        let texts: Vec<(&str, bool)> = parts.iter().map(|(numbers, marked)| (numbers.as_str(), *marked)).collect();
        assert_eq!(texts, [("1\n2\n", false), ("3\n4\n", true), ("5\n6\n", false)]);
        assert_eq!(gutter_parts(100_000, &[]).len(), 1);
    }

    #[test]
    fn places_count_as_the_browser_does() {
        let text = "a: 1\nb: 😀x\n";
        assert_eq!(line_count(text), 3);
        assert_eq!(offset_of(text, 1, 4), 3);
        assert_eq!(offset_of(text, 2, 5), 10);
        assert_eq!((byte_of(text, 10), utf16_length("😀x")), (12, 3));
        assert_eq!(offset_of(text, 9, 1), 12);
        assert_eq!(offset_of(text, 1, 99), 4);
    }
}
