//! What differs between two texts, line by line.

/// Most pairs of lines that are compared with each other; a larger difference is shown as one block replaced.
const MOST_PAIRS: usize = 4_000_000;
/// Unchanged lines shown around a change.
const AROUND: usize = 2;
/// Most lines that are shown.
const MOST_SHOWN: usize = 2_000;

/// A line of the difference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// In both.
    Same(String),
    /// Only in the first.
    Removed(String),
    /// Only in the second.
    Added(String),
    /// So many lines of both are left out here.
    Skipped(usize),
}

/// The difference of two texts, with a few lines around each change; empty if there is none.
pub(crate) fn difference(before: &str, after: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let ends = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = ends.take_while(|(old, new)| old == new).count();
    let (old_middle, new_middle) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if old_middle.is_empty() && new_middle.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<Line> = old[..start].iter().map(|line| Line::Same((*line).to_owned())).collect();
    lines.extend(middle(old_middle, new_middle));
    lines.extend(old[old.len() - end..].iter().map(|line| Line::Same((*line).to_owned())));
    shortened(lines)
}

/// How many lines were added and removed.
pub(crate) fn counts(lines: &[Line]) -> (usize, usize) {
    let added = lines.iter().filter(|line| matches!(line, Line::Added(_))).count();
    let removed = lines.iter().filter(|line| matches!(line, Line::Removed(_))).count();
    (added, removed)
}

/// By the longest common subsequence, where that is affordable.
fn middle(old: &[&str], new: &[&str]) -> Vec<Line> {
    let removed = |line: &&str| Line::Removed((*line).to_owned());
    let added = |line: &&str| Line::Added((*line).to_owned());
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        return old.iter().map(removed).chain(new.iter().map(added)).collect();
    }
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            longest[row * width + column] = if old[row] == new[column] {
                longest[(row + 1) * width + column + 1] + 1
            } else {
                longest[(row + 1) * width + column].max(longest[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines = Vec::new();
    while row < old.len() && column < new.len() {
        if old[row] == new[column] {
            lines.push(Line::Same(old[row].to_owned()));
            row += 1;
            column += 1;
        } else if longest[(row + 1) * width + column] >= longest[row * width + column + 1] {
            lines.push(removed(&old[row]));
            row += 1;
        } else {
            lines.push(added(&new[column]));
            column += 1;
        }
    }
    lines.extend(old[row..].iter().map(removed));
    lines.extend(new[column..].iter().map(added));
    lines
}

/// Leaves out what is far from every change.
fn shortened(lines: Vec<Line>) -> Vec<Line> {
    let mut near = vec![false; lines.len()];
    for (index, line) in lines.iter().enumerate() {
        if !matches!(line, Line::Same(_)) {
            let end = (index + AROUND + 1).min(lines.len());
            near[index.saturating_sub(AROUND)..end].fill(true);
        }
    }
    let mut shown = Vec::new();
    let mut skipped = 0;
    for (line, near) in lines.into_iter().zip(near) {
        if near && shown.len() < MOST_SHOWN {
            if skipped > 0 {
                shown.push(Line::Skipped(skipped));
                skipped = 0;
            }
            shown.push(line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        shown.push(Line::Skipped(skipped));
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_line_stands_between_its_neighbours() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let shown = difference(before, "a\nb\nc\nD\ne\nf\ng\n");
        let line = |text: &str| text.to_owned();
        assert_eq!(
            shown,
            [
                Line::Skipped(1),
                Line::Same(line("b")),
                Line::Same(line("c")),
                Line::Removed(line("d")),
                Line::Added(line("D")),
                Line::Same(line("e")),
                Line::Same(line("f")),
                Line::Skipped(1),
            ]
        );
        assert_eq!(counts(&shown), (1, 1));
        assert!(difference(before, before).is_empty());
    }

    #[test]
    fn a_huge_paste_is_shown_in_bounds() {
        let paste = "line\n".repeat(500_000);
        let shown = difference("a\nb\n", &paste);
        assert!(shown.len() <= MOST_SHOWN + 1, "{}", shown.len());
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_the_difference(
            before in prop::collection::vec("[abc]", 0..12),
            after in prop::collection::vec("[abc]", 0..12),
        ) {
            let old: Vec<&str> = before.iter().map(String::as_str).collect();
            let new: Vec<&str> = after.iter().map(String::as_str).collect();
            let lines = middle(&old, &new);
            let read = |wanted: fn(&Line) -> Option<&String>| lines.iter().filter_map(wanted).cloned().collect::<Vec<_>>();
            prop_assert_eq!(read(|line| match line {
                Line::Same(text) | Line::Removed(text) => Some(text),
                Line::Added(_) | Line::Skipped(_) => None,
            }), before);
            prop_assert_eq!(read(|line| match line {
                Line::Same(text) | Line::Added(text) => Some(text),
                Line::Removed(_) | Line::Skipped(_) => None,
            }), after);
        }
    }
}
