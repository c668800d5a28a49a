//! The known name that a person probably meant.

/// The nearest of some names by edit distance, if any is near enough to be a slip of the fingers.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let allowed = (length / 3).clamp(1, 4);
    names
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(length) <= allowed)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A hint with the nearest name, or with all of them where they are few.
pub(crate) fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(name) = nearest(word, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut known: Vec<&str> = names.into_iter().collect();
    match known.len() {
        0 => None,
        1..=16 => Some(format!("write {}", one_of(&known))),
        _ => {
            known.truncate(12);
            Some(format!("write {}, ...", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")))
        }
    }
}

/// Names as a sentence has them: `a`, `b` or `c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// Edits from one word to the other: insertions, deletions, replacements and swaps of neighbours (Damerau's distance in
/// its restricted form).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().map(|letter| letter.to_ascii_lowercase()).collect();
    let to: Vec<char> = to.chars().map(|letter| letter.to_ascii_lowercase()).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(a != b));
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_fingers_find_their_name() {
        let names = ["target", "behavior", "population", "load", "envelope"];
        for (word, name) in
            [("behaviour", "behavior"), ("laod", "load"), ("popualtion", "population"), ("Target", "target")]
        {
            assert_eq!(nearest(word, names), Some(name), "{word}");
        }
        assert_eq!(nearest("weather", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }

    #[test]
    fn few_names_are_all_told() {
        assert_eq!(hint("weather", ["a", "b"]), Some("write `a` or `b`".to_owned()));
        assert_eq!(hint("weather", []), None);
    }
}
