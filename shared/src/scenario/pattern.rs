//! A small regular expression for what a key looks like: literals, `.`, classes, repetition, anchors. No groups and no
//! alternatives, which keeps it short and its cost bounded.

/// Longest pattern and longest count of repetitions.
const MAX: usize = 256;

/// One thing to match, so many times.
struct Part {
    set: Set,
    least: usize,
    most: usize,
}

/// Which characters match.
enum Set {
    Any,
    One(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether a pattern matches somewhere in a text, or everywhere between `^` and `$`.
///
/// # Errors
///
/// Says what in the pattern cannot be read.
pub(crate) fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    if pattern.chars().count() > MAX {
        return Err(format!("a pattern has at most {MAX} characters"));
    }
    let (pattern, from_start) = match pattern.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let (pattern, to_end) = match pattern.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, true),
        _ => (pattern, false),
    };
    let parts = parts(pattern)?;
    let text: Vec<char> = text.chars().collect();
    // All places that the parts so far can end at, as a set: linear in text and pattern, no backtracking.
    let mut ends: Vec<bool> = vec![!from_start; text.len() + 1];
    ends[0] = true;
    for part in &parts {
        ends = advance(&ends, part, &text);
    }
    Ok(if to_end { ends[text.len()] } else { ends.contains(&true) })
}

fn advance(starts: &[bool], part: &Part, text: &[char]) -> Vec<bool> {
    let mut ends = vec![false; starts.len()];
    let mut current = starts.to_vec();
    let mut count = 0;
    loop {
        if count >= part.least {
            for (end, reached) in ends.iter_mut().zip(&current) {
                *end |= *reached;
            }
        }
        if count >= part.most || !current.contains(&true) {
            return ends;
        }
        // Past the text's length a further repetition reaches nothing new.
        if count > text.len() && count >= part.least {
            return ends;
        }
        let mut next = vec![false; current.len()];
        for (at, character) in text.iter().enumerate() {
            next[at + 1] = current[at] && part.set.has(*character);
        }
        current = next;
        count += 1;
    }
}

impl Set {
    fn has(&self, character: char) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => *one == character,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *negated
            }
        }
    }
}

fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let set = match character {
            '.' => Set::Any,
            '[' => class(&mut characters)?,
            '\\' => escaped(characters.next())?,
            '(' | ')' | '|' => return Err(format!("`{character}` cannot be used in a pattern here")),
            '*' | '+' | '?' | '{' => return Err(format!("`{character}` has nothing to repeat")),
            other => Set::One(other),
        };
        let (least, most) = match characters.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                let text: String = characters.by_ref().skip(1).take_while(|c| *c != '}').collect();
                parts.push(counted(set, &text)?);
                continue;
            }
            _ => {
                parts.push(Part { set, least: 1, most: 1 });
                continue;
            }
        };
        characters.next();
        parts.push(Part { set, least, most });
    }
    Ok(parts)
}

fn counted(set: Set, text: &str) -> Result<Part, String> {
    let wrong = || format!("`{{{text}}}` is no count of repetitions");
    let number = |text: &str| text.parse::<usize>().ok().filter(|count| *count <= MAX).ok_or_else(wrong);
    let (least, most) = match text.split_once(',') {
        None => (number(text)?, number(text)?),
        Some((least, "")) => (number(least)?, usize::MAX),
        Some((least, most)) => (number(least)?, number(most)?),
    };
    if least > most {
        return Err(wrong());
    }
    Ok(Part { set, least, most })
}

fn escaped(character: Option<char>) -> Result<Set, String> {
    match character {
        Some('d') => Ok(Set::Class { negated: false, ranges: vec![('0', '9')] }),
        Some('w') => Ok(Set::Class { negated: false, ranges: vec![('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')] }),
        Some(other) if !other.is_alphanumeric() => Ok(Set::One(other)),
        Some(other) => Err(format!("`\\{other}` cannot be used in a pattern here")),
        None => Err("the pattern ends with `\\`".to_owned()),
    }
}

fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Set, String> {
    let negated = characters.next_if_eq(&'^').is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    while let Some(character) = characters.next() {
        let from = match character {
            ']' if !ranges.is_empty() => return Ok(Set::Class { negated, ranges }),
            '\\' => match escaped(characters.next())? {
                Set::One(one) => one,
                Set::Class { ranges: more, .. } => {
                    ranges.extend(more);
                    continue;
                }
                Set::Any => continue,
            },
            other => other,
        };
        let mut ahead = characters.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                if to < from {
                    return Err(format!("`{from}-{to}` is no range"));
                }
                ranges.push((from, to));
                *characters = ahead;
            }
            _ => ranges.push((from, from)),
        }
    }
    Err("a class `[` is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn keys_match_their_pattern() {
        let project = "^proj_[^_]{10,}_.+$";
        assert_eq!(matches(project, "proj_1234567890_s3cret"), Ok(true));
        assert_eq!(matches(project, "proj_123456789_s3cret"), Ok(false));
        assert_eq!(matches(project, "proj_1234567890_"), Ok(false));
        assert_eq!(matches(project, ""), Ok(false));
    }

    #[test]
    fn parts_repeat_and_anchors_hold() {
        for (pattern, text, found) in [
            ("b+", "abbc", true),
            ("^b+", "abbc", false),
            ("^a?b*c{2}$", "bbcc", true),
            ("^a?b*c{2}$", "aabbcc", false),
            ("^[a-f0-9]{4,6}$", "beef0", true),
            ("^[\\w-]+$", "a-b_9", true),
            ("^\\d+\\.\\d+$", "1.5", true),
            ("^\\d+\\.\\d+$", "1x5", false),
            ("", "anything", true),
        ] {
            assert_eq!(matches(pattern, text), Ok(found), "{pattern} on {text}");
        }
    }

    #[test]
    fn what_it_does_not_know_it_refuses() {
        for pattern in ["(a|b)", "a{2,1}", "a{999}", "[abc", "*a", "\\b", "[z-a]", "a\\"] {
            assert!(matches(pattern, "a").is_err(), "{pattern}");
        }
    }
}
