//! Cuts shell commands into words as a POSIX shell does: quotes, backslashes, `$'...'`, lines that go on, comments.

/// Most words of a text.
const MAX_WORDS: usize = 100_000;

/// The words of each command in a text; commands end at a line's end, at `;`, `&` and `|`.
///
/// # Errors
///
/// A quote is never closed, or there are too many words.
pub(super) fn commands(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut words = 0_usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                // A line that goes on; also with the carriage return of another system.
                Some('\n') | None => {}
                Some('\r') if chars.peek() == Some(&'\n') => {
                    chars.next();
                }
                Some(next) => word.get_or_insert_default().push(next),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a quote ' is never closed".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some('\n') => {}
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("a quote \" is never closed".to_owned()),
                        },
                        Some(c) => word.push(c),
                        None => return Err("a quote \" is never closed".to_owned()),
                    }
                }
            }
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                ansi(&mut chars, word.get_or_insert_default())?;
            }
            '#' if word.is_none() => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' => {
                if let Some(word) = word.take()
                    && let Some(command) = commands.last_mut()
                {
                    command.push(word);
                    words += 1;
                    if words > MAX_WORDS {
                        return Err(format!("there are more than {MAX_WORDS} words"));
                    }
                }
                if !matches!(c, ' ' | '\t' | '\r') {
                    commands.push(Vec::new());
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    if let (Some(word), Some(command)) = (word, commands.last_mut()) {
        command.push(word);
    }
    commands.retain(|command| !command.is_empty());
    Ok(commands)
}

/// The rest of a `$'...'`, as browsers write bodies with line ends.
fn ansi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Result<(), String> {
    let open = || "a quote $' is never closed".to_owned();
    loop {
        match chars.next().ok_or_else(open)? {
            '\'' => return Ok(()),
            '\\' => match chars.next().ok_or_else(open)? {
                'n' => word.push('\n'),
                't' => word.push('\t'),
                'r' => word.push('\r'),
                digit @ ('u' | 'x') => {
                    let (most, mut code, mut read) = (if digit == 'u' { 4 } else { 2 }, 0_u32, 0);
                    while read < most
                        && let Some(value) = chars.peek().and_then(|c| c.to_digit(16))
                    {
                        code = code * 16 + value;
                        read += 1;
                        chars.next();
                    }
                    word.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other => word.push(other),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        commands(text).unwrap().concat()
    }

    #[test]
    fn words_are_cut_as_a_shell_cuts_them() {
        assert_eq!(words("a 'b c' \"d \\\"e\\\" \\x\" f\\ g"), ["a", "b c", "d \"e\" \\x", "f g"]);
        assert_eq!(words("a \\\n  b # c\n"), ["a", "b"]);
        assert_eq!(words("it''s x'y'\"z\" ''"), ["its", "xyz", ""]);
        assert_eq!(words(r"$'a\nb\'\u00e9'"), ["a\nb'é"]);
        assert_eq!(commands("a b\nc; d && e").unwrap().len(), 4);
        assert!(commands("a 'b").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~\n'\"\\\\$#é]{0,200}") {
            let _words = commands(&text);
        }

        #[test]
        fn what_is_quoted_stays_as_it_is(text in "[^']{0,60}") {
            prop_assert_eq!(words(&format!("'{text}'")), [text]);
        }
    }
}
