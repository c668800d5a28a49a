//! Tags and notes of a run as they are typed.

use shared::api::Labels;

/// Longest tag, in bytes, and most tags of a run: what the runner takes.
const LONGEST_TAG: usize = 100;
const MOST_TAGS: usize = 50;
/// Longest note, in bytes.
const LONGEST_NOTE: usize = 10_000;

/// Tags as they are typed: parted by commas.
pub(crate) fn typed_tags(labels: &Labels) -> String {
    labels.tags.join(", ")
}

/// Reads tags parted by commas; one that is typed twice counts once.
///
/// # Errors
///
/// Says what to write instead.
pub(crate) fn read_tags(text: &str) -> Result<Vec<String>, &'static str> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if tag.len() > LONGEST_TAG {
            return Err("a tag is at most 100 letters long");
        }
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > MOST_TAGS { Err("a run has at most 50 tags") } else { Ok(tags) }
}

/// What is wrong with a note.
pub(crate) fn note_problem(note: &str) -> Option<&'static str> {
    (note.len() > LONGEST_NOTE).then_some("a note is at most 10,000 letters long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_are_written() {
        let labels = Labels { tags: vec!["nightly".to_owned(), "before the fix".to_owned()], ..Labels::default() };
        assert_eq!(read_tags(&typed_tags(&labels)), Ok(labels.tags));
    }

    #[test]
    fn empty_and_repeated_tags_are_left_out() {
        assert_eq!(read_tags(" a,, b ,a, "), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read_tags("  "), Ok(Vec::new()));
    }

    #[test]
    fn what_the_runner_would_refuse_is_refused_here() {
        assert!(read_tags(&"x".repeat(101)).is_err());
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        assert!(read_tags(&many.join(",")).is_err());
        assert!(note_problem(&"x".repeat(10_001)).is_some());
        assert!(note_problem("all well").is_none());
    }
}
