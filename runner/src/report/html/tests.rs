//! The page as a whole: complete, self-contained, and deaf to what scenarios and targets say.

use super::page;
use crate::report::example;

#[test]
fn nothing_hostile_gets_into_the_page() {
    let page = page(&example::frozen());
    assert!(!page.contains("<script") && !page.contains("<img"), "markup from outside");
    assert!(!page.contains('\u{202e}') && !page.contains("onerror=\""));
    assert!(page.contains("&lt;/style&gt;&lt;/svg&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("<svg ").count(), page.matches("</svg>").count());
}

#[test]
fn the_page_stands_alone() {
    let page = page(&example::frozen());
    for from_elsewhere in ["src=\"http", "href=", "url(", "@import", "<link", "<iframe"] {
        assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
    }
    assert!(page.len() < 600_000, "{} bytes", page.len());
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
}

#[test]
fn every_part_of_a_run_is_there() {
    let page = page(&example::frozen());
    assert_eq!(page.matches("<figure>").count(), 6);
    for part in [
        "degraded: the generator fell behind",
        "Events per second",
        "Latency by percentile",
        "Thresholds",
        "✓ passed",
        "server error (5xx)",
        "×2",
        "rate ×1.5",
        "page.view",
        "connection reset",
        "seed 42",
        "2026-11-21 10:00:00 UTC",
        "<title>00:40\n",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    for tag in ["section", "table", "figure", "details", "main", "header", "svg", "g", "rect", "ul"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn no_number_is_nonsense() {
    for result in [example::frozen(), example::empty()] {
        let page = page(&result);
        for nonsense in ["NaN", "inf ", "inf\"", "-inf"] {
            assert!(!page.contains(nonsense), "{nonsense}");
        }
    }
}

#[test]
fn a_day_long_run_is_no_larger_than_a_page() {
    let mut result = example::frozen();
    let minute = result.timeline.clone();
    result.timeline = (0..86_400_u32)
        .map(|second| shared::run::TimelineRow { second, ..minute[second as usize % minute.len()].clone() })
        .collect();
    result.totals.elapsed_seconds = 86_400.0;
    let page = page(&result);
    assert!(page.len() < 800_000, "{} bytes", page.len());
}

#[test]
fn a_run_of_nothing_has_a_page_too() {
    let page = page(&example::empty());
    assert!(page.contains("Nothing was sent.") && page.contains("no event failed"));
    assert_eq!(page.matches("<figure>").count(), 6);
}
