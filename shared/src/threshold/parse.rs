//! Reads a threshold; what is wrong is said with its column and what to write instead.

use std::str::FromStr;

use super::{Comparison, Counter, Figure, Scope, Stage, Statistic, Threshold, Time};
use crate::problem::Problem;
use crate::run::FigureUnit;
use crate::units::Nanos;

/// k6's names for what we call otherwise.
const K6_NAMES: [(&str, &str); 4] = [
    ("http_req_duration", "response_time"),
    ("http_req_waiting", "service_time"),
    ("http_req_failed", "error_rate"),
    ("http_reqs", "requests"),
];

const HINT: &str = "write p(95)<300ms, error_rate<1%, events_per_second>=95 or service_time: p(99)<1s over 30s";

impl FromStr for Threshold {
    type Err = Problem;

    /// Reads `[metric:] figure comparison bound [over SPAN] [after SPAN] [in STAGE | from SPAN to SPAN]`.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut reader = Reader { text, at: 0 };
        let metric = reader.metric()?;
        let figure = reader.figure(metric)?;
        let comparison = reader.comparison()?;
        let bound = reader.bound(figure)?;
        let scope = reader.scope()?;
        Ok(Self { figure, comparison, bound, scope })
    }
}

/// What stands before the colon, or alone.
#[derive(Clone, Copy)]
enum Metric {
    Time(Time),
    ErrorRate,
    SuccessRate,
    Counter(Counter),
    EventsPerSecond,
}

impl Metric {
    fn named(name: &str) -> Option<Self> {
        let name = K6_NAMES.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
        match name {
            "error_rate" => return Some(Self::ErrorRate),
            "success_rate" => return Some(Self::SuccessRate),
            "events_per_second" | "throughput" => return Some(Self::EventsPerSecond),
            _ => {}
        }
        let time = Time::ALL.into_iter().find(|time| time.name() == name).map(Self::Time);
        time.or_else(|| Counter::ALL.into_iter().find(|counter| counter.name() == name).map(Self::Counter))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes the longest start made of such characters.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn word(&mut self) -> &'a str {
        self.skip_spaces();
        self.take(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// A problem at a byte of the text.
    fn problem(&self, at: usize, message: impl Into<String>) -> Problem {
        let column = self.text[..at].chars().count() + 1;
        Problem::error("", message).with_hint(HINT).with_place(None, 1, u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// `name:`, if the text begins so; otherwise nothing is taken.
    fn metric(&mut self) -> Result<Option<Metric>, Problem> {
        let start = self.at;
        let name = self.word();
        let place = self.at - name.len();
        self.skip_spaces();
        if name.is_empty() || !self.takes(":") {
            self.at = start;
            return Ok(None);
        }
        let known = Metric::named(name).ok_or_else(|| self.unknown(place, name))?;
        Ok(Some(known))
    }

    fn unknown(&self, at: usize, name: &str) -> Problem {
        let known = "response_time, service_time, send_lag, error_rate, success_rate, events_per_second, requests, \
                     offered, sent, succeeded, failed, retried, duplicate, throttled, late or dropped";
        self.problem(at, format!("a run has no figure named `{name}`")).with_hint(format!("write {known}"))
    }

    fn figure(&mut self, metric: Option<Metric>) -> Result<Figure, Problem> {
        let name = self.word();
        let at = self.at - name.len();
        if name.is_empty() {
            return Err(self.problem(at, "a threshold begins with what it looks at"));
        }
        let statistic = self.statistic(name, at)?;
        match (metric, statistic, name) {
            (None, Some(statistic), _) => Ok(Figure::Time(Time::ResponseTime, statistic)),
            (Some(Metric::Time(time)), Some(statistic), _) => Ok(Figure::Time(time, statistic)),
            (None | Some(Metric::ErrorRate), None, "rate") => Ok(Figure::ErrorRate),
            (None, None, "count") => Ok(Figure::Count(Counter::Sent)),
            (Some(Metric::SuccessRate), None, "rate") => Ok(Figure::SuccessRate),
            (Some(Metric::Counter(counter)), None, "count") => Ok(Figure::Count(counter)),
            (Some(Metric::Counter(counter)), None, "rate") => Ok(Figure::PerSecond(counter)),
            (Some(Metric::EventsPerSecond), None, "rate") => Ok(Figure::PerSecond(Counter::Succeeded)),
            (None, None, _) => match Metric::named(name) {
                Some(Metric::ErrorRate) => Ok(Figure::ErrorRate),
                Some(Metric::SuccessRate) => Ok(Figure::SuccessRate),
                Some(Metric::Counter(counter)) => Ok(Figure::Count(counter)),
                Some(Metric::EventsPerSecond) => Ok(Figure::PerSecond(Counter::Succeeded)),
                Some(Metric::Time(time)) => {
                    let name = time.name();
                    Err(self
                        .problem(at, format!("`{name}` needs a statistic"))
                        .with_hint(format!("write {name}: p(95), {name}: avg, med, min or max")))
                }
                None => Err(self.unknown(at, name)),
            },
            (Some(Metric::Time(time)), None, _) => Err(self
                .problem(at, format!("`{name}` is not a statistic of {}", time.name()))
                .with_hint("write p(95), avg, med, min or max")),
            (Some(Metric::Counter(_)), _, _) => Err(self
                .problem(at, format!("`{name}` is not a statistic of a count"))
                .with_hint("write count or rate")),
            (Some(Metric::ErrorRate | Metric::SuccessRate | Metric::EventsPerSecond), _, _) => {
                Err(self.problem(at, format!("`{name}` is not a statistic of a rate")).with_hint("write rate"))
            }
        }
    }

    /// The statistic of that name; `p` is followed by its percentage.
    fn statistic(&mut self, name: &str, at: usize) -> Result<Option<Statistic>, Problem> {
        let statistic = match name {
            "avg" | "mean" => Statistic::Average,
            "min" => Statistic::Minimum,
            "med" | "median" => Statistic::Median,
            "max" => Statistic::Maximum,
            "p" => {
                self.skip_spaces();
                let open = self.takes("(");
                let number = self.take(|c| c.is_ascii_digit() || c == '.');
                if !open || !self.takes(")") {
                    return Err(self.problem(at, "a percentile is not complete").with_hint("write p(95)"));
                }
                Statistic::Percentile(self.percent(number, at)?)
            }
            _ => match name.strip_prefix('p') {
                Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let fraction = self.take(|c| c.is_ascii_digit() || c == '.');
                    Statistic::Percentile(self.percent(&format!("{digits}{fraction}"), at)?)
                }
                _ => return Ok(None),
            },
        };
        Ok(Some(statistic))
    }

    fn percent(&self, text: &str, at: usize) -> Result<f64, Problem> {
        let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
        percent.ok_or_else(|| {
            self.problem(at, format!("`{text}` is not a percentage")).with_hint("a percentile is from p(0) to p(100)")
        })
    }

    fn comparison(&mut self) -> Result<Comparison, Problem> {
        self.skip_spaces();
        for (sign, comparison) in [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("===", Comparison::Equal),
            ("==", Comparison::Equal),
            ("!=", Comparison::Different),
            ("<", Comparison::Below),
            (">", Comparison::Above),
        ] {
            if self.takes(sign) {
                return Ok(comparison);
            }
        }
        Err(self.problem(self.at, "here a comparison is missing").with_hint("write <, <=, >, >=, == or !="))
    }

    fn bound(&mut self, figure: Figure) -> Result<f64, Problem> {
        self.skip_spaces();
        let at = self.at;
        let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | 'µ' | 'μ' | '/'));
        let number = |text: &str| {
            let digits = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            text.replace('_', "").parse::<f64>().ok().filter(|number| digits && number.is_finite())
        };
        let (value, hint) = match figure.unit() {
            FigureUnit::Microseconds => {
                let span = || text.parse::<Nanos>().ok().map(|span| span.0 as f64 / 1e3);
                (number(text).map(|millis| millis * 1e3).or_else(span), "write 300ms, 1.5s or 300 (milliseconds)")
            }
            FigureUnit::Ratio => {
                let percent = || text.strip_suffix('%').and_then(number).map(|percent| percent / 100.0);
                let value = number(text).or_else(percent).filter(|ratio| *ratio <= 1.0);
                (value, "write a share: 0.01 or 1%, at most 1 or 100%")
            }
            FigureUnit::PerSecond => (number(text.strip_suffix("/s").unwrap_or(text)), "write a rate per second: 95"),
            FigureUnit::Count => (number(text), "write a number: 100"),
        };
        value.ok_or_else(|| {
            let said = if text.is_empty() { "here a bound is missing".to_owned() } else { not_a_bound(text) };
            self.problem(at, said).with_hint(hint)
        })
    }

    fn scope(&mut self) -> Result<Scope, Problem> {
        let mut scope = Scope::default();
        loop {
            let word = self.word();
            let at = self.at - word.len();
            let repeated = match word {
                "over" => scope.window.replace(self.span()?).is_some(),
                "after" => scope.warm_up.replace(self.span()?).is_some(),
                "in" => {
                    let name = self.word();
                    if name.is_empty() {
                        return Err(self.problem(self.at, "here the name of a stage is missing"));
                    }
                    scope.stage.replace(Stage::Named(name.to_owned())).is_some()
                }
                "from" => {
                    let from = self.span()?;
                    if self.word() != "to" {
                        return Err(self.problem(at, "a stage needs its end").with_hint("write from 1m to 3m"));
                    }
                    let to = self.span()?;
                    if to <= from {
                        return Err(self.problem(at, "a stage must end after it begins"));
                    }
                    scope.stage.replace(Stage::Between(from, to)).is_some()
                }
                "" if self.rest().is_empty() => return Ok(scope),
                _ => {
                    return Err(self
                        .problem(at, format!("`{}` is not part of a threshold", self.text[at..].trim_end()))
                        .with_hint("after the bound come over 30s, after 10s, in hold, or from 1m to 3m"));
                }
            };
            if repeated {
                return Err(self.problem(at, "the same part of the run is named twice"));
            }
        }
    }

    fn span(&mut self) -> Result<Nanos, Problem> {
        self.skip_spaces();
        let at = self.at;
        let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | 'µ' | 'μ'));
        let span: Nanos = text.parse().map_err(|error: String| self.problem(at, error))?;
        if span == Nanos::ZERO { Err(self.problem(at, "a span of time must be above zero")) } else { Ok(span) }
    }
}

fn not_a_bound(text: &str) -> String {
    format!("`{text}` is not a value that this figure can have")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Threshold {
        text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn what_k6_users_write_means_what_they_mean() {
        for (text, figure, comparison, bound) in [
            ("p(95)<300", Figure::Time(Time::ResponseTime, Statistic::Percentile(95.0)), Comparison::Below, 300_000.0),
            ("p(99.9) < 1s", Figure::Time(Time::ResponseTime, Statistic::Percentile(99.9)), Comparison::Below, 1e6),
            ("p95<=250us", Figure::Time(Time::ResponseTime, Statistic::Percentile(95.0)), Comparison::AtMost, 250.0),
            ("p99.9<2s", Figure::Time(Time::ResponseTime, Statistic::Percentile(99.9)), Comparison::Below, 2e6),
            ("med<10ms", Figure::Time(Time::ResponseTime, Statistic::Median), Comparison::Below, 1e4),
            ("avg<10.5", Figure::Time(Time::ResponseTime, Statistic::Average), Comparison::Below, 10_500.0),
            ("rate<0.01", Figure::ErrorRate, Comparison::Below, 0.01),
            ("error_rate<1%", Figure::ErrorRate, Comparison::Below, 0.01),
            ("http_req_failed: rate<0.01", Figure::ErrorRate, Comparison::Below, 0.01),
            (
                "http_req_duration:max<1m30s",
                Figure::Time(Time::ResponseTime, Statistic::Maximum),
                Comparison::Below,
                9e7,
            ),
            ("count>100", Figure::Count(Counter::Sent), Comparison::Above, 100.0),
            ("succeeded>=1_000", Figure::Count(Counter::Succeeded), Comparison::AtLeast, 1_000.0),
            ("requests: rate>9.5/s", Figure::PerSecond(Counter::Requests), Comparison::Above, 9.5),
            ("events_per_second>95", Figure::PerSecond(Counter::Succeeded), Comparison::Above, 95.0),
            ("dropped===0", Figure::Count(Counter::Dropped), Comparison::Equal, 0.0),
            ("send_lag: min!=0", Figure::Time(Time::SendLag, Statistic::Minimum), Comparison::Different, 0.0),
        ] {
            let threshold = parse(text);
            assert_eq!((threshold.figure, threshold.comparison), (figure, comparison), "{text}");
            assert!((threshold.bound - bound).abs() < 1e-9, "{text}: {}", threshold.bound);
        }
    }

    #[test]
    fn a_scope_follows_in_any_order() {
        let scope = parse("service_time: p(99)<1s after 10s over 30s in hold").scope;
        assert_eq!(scope.window, Some(Nanos::from_secs(30)));
        assert_eq!(scope.warm_up, Some(Nanos::from_secs(10)));
        assert_eq!(scope.stage, Some(Stage::Named("hold".to_owned())));
        let stage = parse("p(50)<5 from 1m to 3m").scope.stage;
        assert_eq!(stage, Some(Stage::Between(Nanos::from_secs(60), Nanos::from_secs(180))));
    }

    #[test]
    fn every_threshold_reads_back_from_its_own_words() {
        for figure in ["p(95)", "p(99.9)", "service_time: med", "send_lag: avg", "min", "max"] {
            for bound in ["300", "0.25", "1s", "1500ms", "90s", "1us", "0.3us", "1h", "0"] {
                for scope in ["", " over 30s", " after 10s", " over 1m30s in ramp_up after 5s", " from 1m to 2m"] {
                    let threshold = parse(&format!("{figure}<{bound}{scope}"));
                    assert_eq!(parse(&threshold.to_string()), threshold, "{threshold}");
                }
            }
        }
        for counter in Counter::ALL {
            for text in [format!("{}<7", counter.name()), format!("{}: rate>=0.5", counter.name())] {
                assert_eq!(parse(&parse(&text).to_string()), parse(&text), "{text}");
            }
        }
        for text in ["error_rate<1%", "success_rate>=99.5%"] {
            assert_eq!(parse(&parse(text).to_string()), parse(text), "{text}");
        }
        assert_eq!(parse("response_time: p(95) < 300").to_string(), "p(95)<300ms");
        assert_eq!(parse("throughput>5 over 30s").to_string(), "events_per_second>5 over 30s");
    }

    #[test]
    fn a_wrong_threshold_says_where_and_what_to_write() {
        for (text, column, part) in [
            ("", 1, "begins with"),
            ("p(95", 1, "not complete"),
            ("p(101)<5", 1, "not a percentage"),
            ("p(1.2.3)<5", 1, "not a percentage"),
            ("p(95) 300", 7, "comparison"),
            ("p(95)<", 7, "bound is missing"),
            ("p(95)<fast", 7, "not a value"),
            ("p(95)<-5", 7, "bound is missing"),
            ("p(95)<NaN", 7, "not a value"),
            ("p(95)<inf", 7, "not a value"),
            ("error_rate<300ms", 12, "not a value"),
            ("error_rate<150%", 12, "not a value"),
            ("latency<5", 1, "no figure named `latency`"),
            ("spend: p(95)<5", 1, "no figure named `spend`"),
            ("response_time<5", 1, "needs a statistic"),
            ("response_time: rate<5", 16, "not a statistic"),
            ("failed: p(95)<5", 9, "not a statistic of a count"),
            ("p(95)<5 whenever", 9, "`whenever`"),
            ("p(95)<5 over", 13, "not a span"),
            ("p(95)<5 over 0s", 14, "above zero"),
            ("p(95)<5 over 1s over 2s", 17, "twice"),
            ("p(95)<5 from 3m to 1m", 9, "end after"),
            ("p(95)<5 from 3m", 9, "needs its end"),
            ("µ(95)<5", 1, "begins with"),
        ] {
            let problem = text.parse::<Threshold>().expect_err(text);
            assert!(problem.message.contains(part), "{text}: {problem}");
            assert_eq!(problem.column, Some(column), "{text}: {problem}");
            assert!(problem.hint.is_some(), "{text}: {problem}");
        }
    }
}
