//! Text from outside on its way into a page.

use std::fmt::Write as _;

/// The text with everything escaped that HTML or SVG, text or attribute, could take for its own. What cannot be seen
/// (controls, and marks that turn the direction of text) becomes a replacement character.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '\n' | '\t' => out.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate or a size, to a tenth of a pixel, without needless zeros.
pub(super) fn pixels(value: f64) -> String {
    let mut text = String::new();
    let _written = write!(text, "{value:.1}");
    if let Some(whole) = text.strip_suffix(".0") {
        text.truncate(whole.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_taken_for_markup() {
        assert_eq!(escaped("<a href='x' b=\"y\">&`"), "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;&#96;");
        assert_eq!(escaped("a\u{0}b\u{1b}[31m\u{202e}c\r\n"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}\n");
        assert_eq!(escaped("µs – 数"), "µs – 数");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([pixels(12.0), pixels(0.26), pixels(-3.5)], ["12", "0.3", "-3.5"]);
    }
}
