//! The formats in which a result can be written.

use std::path::Path;

use clap::ValueEnum;
use shared::run::RunResult;

use super::{csv, hdr, html, testbench};

/// A format of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ResultsFormat {
    /// results.json, as docs/results.schema.json describes it
    #[value(alias = "json")]
    Throng,
    /// The stream testbench's JSON: camelCase, milliseconds
    Testbench,
    /// The report: one HTML file with charts and without scripts
    Html,
    /// The timeline, one line per second
    Csv,
    /// HDR histogram log, for HdrHistogram's own tools
    Hdr,
}

/// Why a result cannot be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Its histograms are missing.
    #[error(transparent)]
    Hdr(#[from] hdr::HdrLogError),
    /// JSON does not take a number of it.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ResultsFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Throng, Self::Testbench, Self::Html, Self::Csv, Self::Hdr];

    /// The format that a file's ending asks for: `html`, `csv` and `hlog` by themselves, anything else JSON.
    pub fn of_path(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => Self::Html,
            Some("csv") => Self::Csv,
            Some("hlog" | "hdr") => Self::Hdr,
            _ => Self::Throng,
        }
    }

    /// The format of this name, as the API writes it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Throng),
            _ => Self::ALL.into_iter().find(|format| format.name() == name),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throng => "throng",
            Self::Testbench => "testbench",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Hdr => "hdr",
        }
    }

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Throng => "json",
            Self::Testbench => "testbench.json",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Hdr => "hlog",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Throng | Self::Testbench => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Hdr => "text/plain; charset=utf-8",
        }
    }

    /// A result in this format, ending in a line break.
    ///
    /// # Errors
    ///
    /// The format needs something that the result does not have.
    pub fn write(self, result: &RunResult) -> Result<String, FormatError> {
        Ok(match self {
            Self::Throng => format!("{}\n", serde_json::to_string_pretty(result)?),
            Self::Testbench => testbench::json(std::slice::from_ref(result))?,
            Self::Html => html::page(result),
            Self::Csv => csv::timeline(result),
            Self::Hdr => hdr::log(result)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_file_tells_its_format_by_its_ending() {
        for (path, format) in [
            ("results.json", ResultsFormat::Throng),
            ("out/report.html", ResultsFormat::Html),
            ("seconds.csv", ResultsFormat::Csv),
            ("times.hlog", ResultsFormat::Hdr),
            ("results", ResultsFormat::Throng),
        ] {
            assert_eq!(ResultsFormat::of_path(Path::new(path)), format, "{path}");
        }
        assert_eq!(ResultsFormat::named("json"), Some(ResultsFormat::Throng));
        assert_eq!(ResultsFormat::named("pdf"), None);
    }

    #[test]
    fn every_format_is_written_and_ends_in_a_line_break() {
        for format in ResultsFormat::ALL {
            let text = format.write(&example::frozen()).unwrap();
            assert!(text.ends_with('\n') && text.len() > 1_000, "{format:?}");
            assert_eq!(ResultsFormat::named(format.name()), Some(format));
        }
    }
}
