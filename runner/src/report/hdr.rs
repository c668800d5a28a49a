//! The HDR histogram log (`.hlog`) that HdrHistogram's own tools read: one line per time, over the whole run.

use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use shared::generate::clock::parse_rfc3339;
use shared::metrics::Histogram;
use shared::run::{Latency, RunResult};

use super::printable;

/// The tools print `Interval_Max` in milliseconds; our values are microseconds.
const MICROS_PER_MILLI: f64 = 1_000.0;

/// Why a log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum HdrLogError {
    /// The run was stored without histograms, as one that was interrupted.
    #[error("run {run} has no histogram of its {time}: {why}")]
    NoHistogram {
        /// The run.
        run: String,
        /// Which time.
        time: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The format does not take it.
    #[error("cannot write the histogram log: {0}")]
    Format(String),
}

/// The text of the log: values in microseconds, tagged `response_time`, `service_time`, `send_lag`, `connect`, `tls`.
///
/// # Errors
///
/// The result has no histograms.
pub fn log(result: &RunResult) -> Result<String, HdrLogError> {
    let format = |error: String| HdrLogError::Format(error);
    let info = &result.run.info;
    let start = parse_rfc3339(&info.started_at).map_or(0, |moment| moment.0.max(0));
    let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start.unsigned_abs());
    let length = Duration::try_from_secs_f64(result.totals.elapsed_seconds).unwrap_or_default();

    let (mut bytes, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(&format!("throng run {}, values in microseconds", printable(&info.id.0)))
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(MICROS_PER_MILLI);
    let mut writer = builder.begin_log_with(&mut bytes, &mut serializer).map_err(|error| format(error.to_string()))?;
    let times: [(&str, &Latency); 6] = [
        ("response_time", &result.latency.response_time),
        ("service_time", &result.latency.service_time),
        ("send_lag", &result.latency.send_lag),
        ("connect", &result.latency.connect),
        ("tls", &result.latency.tls),
        ("delivery", &result.latency.delivery),
    ];
    for (name, latency) in times {
        if latency.percentiles.count == 0 {
            continue;
        }
        let missing = |why| HdrLogError::NoHistogram { run: info.id.0.clone(), time: name, why };
        let histogram = Histogram::from_base64(&latency.hdr).map_err(missing)?;
        writer
            .write_histogram(histogram.as_hdr(), Duration::ZERO, length, Tag::new(name))
            .map_err(|error| format(format!("{error:?}")))?;
    }
    drop(writer);
    String::from_utf8(bytes).map_err(|error| format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use base64::Engine as _;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn the_log_reads_back_as_the_same_histograms() {
        let result = example::frozen();
        let text = log(&result).unwrap();
        assert!(text.starts_with("#throng run "), "{text}");
        let mut tags = Vec::new();
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                let bytes = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).unwrap();
                let read: hdrhistogram::Histogram<u64> =
                    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                let tag = interval.tag().unwrap().as_str().to_owned();
                if tag == "response_time" {
                    let figures = &result.latency.response_time.percentiles;
                    assert_eq!((read.len(), read.value_at_quantile(0.99)), (figures.count, figures.p99_us));
                    assert!((interval.max() - figures.max_us as f64 / 1_000.0).abs() < 1.0);
                    assert!((interval.duration().as_secs_f64() - result.totals.elapsed_seconds).abs() < 0.01);
                }
                tags.push(tag);
            }
        }
        assert_eq!(tags, ["response_time", "service_time", "send_lag", "connect"]);
    }

    #[test]
    fn a_result_without_histograms_says_so() {
        let mut result = example::frozen();
        result.latency.service_time.hdr.clear();
        let error = log(&result).expect_err("no histogram").to_string();
        assert!(error.contains("service_time"), "{error}");
    }
}
