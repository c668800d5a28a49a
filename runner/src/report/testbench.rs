//! Results in the shape that the stream testbench wrote, for pipelines that already read it: camelCase, milliseconds.
//!
//! One scenario is one object, so that `jq '.errorRate'` finds it; several are an array.

use serde::Serialize;
use shared::generate::clock::parse_rfc3339;
use shared::run::{Failure, FailureKind, Latency, RunResult};

/// Longest sample that is kept.
const MAX_SAMPLE: usize = 1_000;

/// One scenario's results.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Results<'a> {
    scenario_name: &'a str,
    start_time: i64,
    end_time: i64,
    total_messages: u64,
    successful_messages: u64,
    failed_messages: u64,
    average_latency_ms: f64,
    p95_latency_ms: f64,
    p99_latency_ms: f64,
    throughput_qps: f64,
    error_rate: f64,
    anomalies_detected: u64,
    connection_metrics: ConnectionMetrics,
    errors: Vec<ErrorSummary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionMetrics {
    total_connections: u64,
    successful_connections: u64,
    failed_connections: u64,
    reconnection_count: u64,
    average_connection_time: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorSummary {
    error_type: &'static str,
    error_message: String,
    count: u64,
    first_occurrence: i64,
    last_occurrence: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_stack_trace: Option<String>,
}

/// The JSON of one result as an object, of several as an array; ends in a line break.
///
/// # Errors
///
/// A number that JSON cannot hold.
pub fn json(results: &[RunResult]) -> Result<String, serde_json::Error> {
    let converted: Vec<Results<'_>> = results.iter().map(convert).collect();
    let mut text = match converted.as_slice() {
        [one] => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    text.push('\n');
    Ok(text)
}

fn convert(result: &RunResult) -> Results<'_> {
    let (info, totals) = (&result.run.info, &result.totals);
    let start = parse_rfc3339(&info.started_at).map_or(0, |moment| moment.0 / 1_000);
    let length = (totals.elapsed_seconds * 1e3) as i64;
    let end = info.ended_at.as_deref().and_then(parse_rfc3339).map_or(start + length, |moment| moment.0 / 1_000);
    let figures = &result.latency.response_time.percentiles;
    let connections = &result.connections;
    Results {
        scenario_name: &info.scenario,
        start_time: start,
        end_time: end,
        total_messages: totals.events.sent,
        successful_messages: totals.events.succeeded,
        failed_messages: totals.events.failed,
        average_latency_ms: mean_ms(&result.latency.response_time),
        p95_latency_ms: figures.p95_us as f64 / 1e3,
        p99_latency_ms: figures.p99_us as f64 / 1e3,
        throughput_qps: totals.events_per_second,
        error_rate: totals.error_rate,
        anomalies_detected: result.failures.iter().filter(|failure| is_anomaly(failure.kind)).map(|f| f.count).sum(),
        connection_metrics: ConnectionMetrics {
            total_connections: connections.attempted,
            successful_connections: connections.opened,
            failed_connections: connections.failed,
            reconnection_count: connections.reopened,
            average_connection_time: mean_ms(&result.latency.connect),
        },
        errors: result.failures.iter().map(|failure| error(failure, start)).collect(),
    }
}

/// Milliseconds to the microsecond.
fn mean_ms(latency: &Latency) -> f64 {
    (latency.percentiles.mean_us + 0.5).floor() / 1e3
}

/// An answer came, but not one that the scenario takes for right.
fn is_anomaly(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Protocol
        | FailureKind::AnswerCut
        | FailureKind::AnswerTooLarge
        | FailureKind::UnexpectedStatus
        | FailureKind::ErrorAnswer
        | FailureKind::EventRejected => true,
        FailureKind::Timeout
        | FailureKind::NameNotResolved
        | FailureKind::ConnectionRefused
        | FailureKind::ConnectionReset
        | FailureKind::ConnectionFailed
        | FailureKind::HandshakeRefused
        | FailureKind::ResourcesExhausted
        | FailureKind::CertificateExpired
        | FailureKind::CertificateName
        | FailureKind::CertificateUntrusted
        | FailureKind::Tls
        | FailureKind::NoAnswer
        | FailureKind::StreamReset
        | FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::ClientError
        | FailureKind::ServerError
        | FailureKind::Aborted => false,
    }
}

/// Where the failure stands among the few types that the shape knows.
fn error_type(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NameNotResolved
        | FailureKind::ConnectionRefused
        | FailureKind::ConnectionFailed
        | FailureKind::HandshakeRefused
        | FailureKind::ResourcesExhausted
        | FailureKind::CertificateExpired
        | FailureKind::CertificateName
        | FailureKind::CertificateUntrusted
        | FailureKind::Tls => "CONNECTION_FAILED",
        FailureKind::ConnectionReset | FailureKind::Aborted => "SEND_FAILED",
        FailureKind::Timeout
        | FailureKind::NoAnswer
        | FailureKind::AnswerCut
        | FailureKind::StreamReset
        | FailureKind::Protocol
        | FailureKind::AnswerTooLarge => "RECEIVE_FAILED",
        FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::ClientError
        | FailureKind::ServerError
        | FailureKind::UnexpectedStatus
        | FailureKind::ErrorAnswer
        | FailureKind::EventRejected => "MESSAGE_PROCESSING_FAILED",
    }
}

fn error(failure: &Failure, start: i64) -> ErrorSummary {
    let at = |seconds: f64| start + (seconds * 1e3) as i64;
    let sample = failure.sample.as_ref().map(|sample| {
        let status = sample.status.map(|status| format!(" {status}")).unwrap_or_default();
        let text = format!("{}{status}\n{}", sample.request, sample.answer_body);
        text.chars().take(MAX_SAMPLE).collect()
    });
    ErrorSummary {
        error_type: error_type(failure.kind),
        error_message: failure.kind.label().to_owned(),
        count: failure.count,
        first_occurrence: at(failure.first_seconds),
        last_occurrence: at(failure.last_seconds),
        sample_stack_trace: sample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_keys_are_exactly_those_of_the_testbench() {
        let value: serde_json::Value = serde_json::from_str(&json(&[example::frozen()]).unwrap()).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        let sorted = |keys: &str| {
            let mut keys: Vec<&str> = keys.split(' ').collect();
            keys.sort_unstable();
            keys.join(" ")
        };
        assert_eq!(
            sorted(&keys(&value)),
            sorted(
                "scenarioName startTime endTime totalMessages successfulMessages failedMessages averageLatencyMs \
                 p95LatencyMs p99LatencyMs throughputQps errorRate anomaliesDetected connectionMetrics errors"
            )
        );
        assert_eq!(
            sorted(&keys(&value["connectionMetrics"])),
            sorted("totalConnections successfulConnections failedConnections reconnectionCount averageConnectionTime")
        );
        assert_eq!(
            sorted(&keys(&value["errors"][0])),
            sorted("errorType errorMessage count firstOccurrence lastOccurrence sampleStackTrace")
        );
    }

    #[test]
    fn one_scenario_is_an_object_and_several_are_an_array() {
        let result = example::frozen();
        let one: serde_json::Value = serde_json::from_str(&json(std::slice::from_ref(&result)).unwrap()).unwrap();
        assert_eq!(one["totalMessages"], result.totals.events.sent);
        assert_eq!(one["startTime"], 1_795_255_200_000_i64);
        assert_eq!(one["p99LatencyMs"], result.latency.response_time.percentiles.p99_us as f64 / 1e3);
        let several: serde_json::Value = serde_json::from_str(&json(&[result.clone(), result]).unwrap()).unwrap();
        assert_eq!(several.as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_sample_is_short_and_left_out_where_there_is_none() {
        let mut result = example::frozen();
        result.failures[0].sample.as_mut().unwrap().answer_body = "ü".repeat(5_000);
        result.failures[1].sample = None;
        let value: serde_json::Value = serde_json::from_str(&json(&[result]).unwrap()).unwrap();
        assert_eq!(value["errors"][0]["sampleStackTrace"].as_str().unwrap().chars().count(), MAX_SAMPLE);
        assert!(value["errors"][1].get("sampleStackTrace").is_none());
    }
}
