//! The JSON Schema of `results.json`, published as `docs/results.schema.json`.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::run::RunResult;

/// The schema of [`RunResult`], draft 2020-12.
pub fn results_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<RunResult>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("Results of a Throng run"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::Serialize;

    use super::*;
    use crate::compare::synthetic::{Recipe, empty};
    use crate::run::{Failure, FailureKind, FigureUnit, Sample, ThresholdResult};
    use crate::tree::read::{Readable, from_json};

    /// The published text; `cargo test -p shared -- published --nocapture` prints what it should be.
    const PUBLISHED: &str = include_str!("../../docs/results.schema.json");

    fn full() -> RunResult {
        let mut run = Recipe { failing: 0.1, seconds: 20, ..Recipe::default() }.run();
        run.status_codes.insert(503, 7);
        run.thresholds.push(ThresholdResult {
            threshold: "p(95)<300ms".to_owned(),
            unit: FigureUnit::Microseconds,
            bound: 300_000.0,
            observed: None,
            passed: false,
            worst: None,
            worst_at_seconds: None,
            required: true,
            reason: Some("nothing was measured".to_owned()),
        });
        run.failures.push(Failure {
            kind: FailureKind::ServerError,
            count: 7,
            first_seconds: 1.5,
            last_seconds: 9.0,
            sample: Some(Sample {
                number: 1,
                elapsed_seconds: 1.5,
                label: "page.view".to_owned(),
                events: 1,
                request: "POST /".to_owned(),
                request_body: "{}".to_owned(),
                status: None,
                answer_body: String::new(),
                failure: Some(FailureKind::Timeout),
                response_time_us: 12,
            }),
        });
        run.timeline[3].failures.insert(FailureKind::ServerError, 7);
        run
    }

    #[test]
    fn the_published_schema_is_the_one_of_the_types() {
        let text = format!("{}\n", serde_json::to_string_pretty(&results_schema()).unwrap());
        if text != PUBLISHED {
            println!("{text}");
        }
        assert!(text == PUBLISHED, "docs/results.schema.json is out of date; it should be the text above");
    }

    #[test]
    fn every_result_meets_its_schema() {
        let validator = jsonschema::validator_for(&results_schema()).unwrap();
        for run in [full(), empty("nothing")] {
            let value = serde_json::to_value(&run).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
            assert_eq!(serde_json::from_value::<RunResult>(value).unwrap(), run);
        }
    }

    #[test]
    fn the_panel_reads_of_a_result_what_was_written() {
        fn same<T: Readable + Serialize + PartialEq + Debug>(written: &T) {
            assert_eq!(from_json::<T>(&serde_json::to_string(written).unwrap()).as_ref(), Ok(written));
        }
        let run = full();
        same(&run.run.info);
        same(&run.verdict);
        same(&run.totals);
        same(&run.timeline);
        same(&(run.workloads, run.event_types, run.failures));
        same(&(run.faults, run.streams, run.thresholds));
        same(&(run.audits, run.changes));
    }

    #[test]
    fn what_is_not_a_result_does_not() {
        let validator = jsonschema::validator_for(&results_schema()).unwrap();
        let broken: [fn(&mut Value); 4] = [
            |value| value["totals"]["events"]["sent"] = json!(-1),
            |value| value["verdict"]["status"] = json!("splendid"),
            |value| value["surprise"] = json!(true),
            |value| value["run"] = json!(null),
        ];
        for damage in broken {
            let mut value = serde_json::to_value(full()).unwrap();
            damage(&mut value);
            assert!(!validator.is_valid(&value), "{value}");
        }
    }
}
