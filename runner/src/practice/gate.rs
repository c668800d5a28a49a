//! What happens to a request before its content matters: delay, injected error, rate limit, dropped connection.

use std::time::Duration;

use shared::api::TargetSettings;
use tokio::time::Instant;

use super::random::Random;

/// How many standard deviations lie between the median and the 99th percentile of a normal distribution.
const Z99: f64 = 2.326_347_874_040_841;
/// Most events that it can be told to hold: 5 GB.
const MOST_KEPT: u64 = 100_000_000;
/// The longest delay that a request can draw or be told to wait.
const MAX_DELAY_SECONDS: f64 = 3_600.0;

/// What a request is in for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// Its content decides.
    Pass,
    /// Its content decides, and then its answer is lost.
    LoseAnswer,
    /// Too many requests.
    Throttle {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// An injected error of this status.
    Fail(u16),
    /// The connection is reset without an answer.
    Drop,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Decision {
    pub(super) fate: Fate,
    /// How long its answer takes.
    pub(super) delay: Duration,
    /// Whether the connection is closed after it.
    pub(super) close: bool,
}

/// Draws each request's fate from the settings.
pub(super) struct Gate {
    settings: TargetSettings,
    latency: Option<LogNormal>,
    bucket: Option<TokenBucket>,
    random: Random,
}

impl Gate {
    /// A gate with these settings.
    pub(super) fn new(settings: &TargetSettings) -> Self {
        let mut gate = Self { settings: TargetSettings::HEALTHY, latency: None, bucket: None, random: Random::new(1) };
        gate.configure(settings);
        gate
    }

    /// Takes new settings; a bucket whose rate stays the same keeps its tokens.
    pub(super) fn configure(&mut self, settings: &TargetSettings) {
        self.latency = LogNormal::new(settings.latency_p50_ms, settings.latency_p99_ms);
        match (settings.rate_limit, &self.bucket) {
            (Some(rate), Some(bucket)) if bucket.rate == rate => {}
            (Some(rate), _) => self.bucket = Some(TokenBucket::full(rate, Instant::now())),
            (None, _) => self.bucket = None,
        }
        self.settings = settings.clone();
    }

    /// The next request's fate.
    pub(super) fn decide(&mut self) -> Decision {
        if let Some(bucket) = &mut self.bucket
            && let Err(wait) = bucket.take(Instant::now())
        {
            // A refusal for the rate costs a service next to nothing: no latency.
            let fate = Fate::Throttle { retry_after: whole_seconds(wait) };
            return Decision { fate, delay: Duration::ZERO, close: false };
        }
        let mut delay = self.latency.map_or(Duration::ZERO, |latency| latency.draw(&mut self.random));
        if self.draws(self.settings.spike_rate) {
            delay += Duration::from_secs_f64(self.settings.spike_ms / 1_000.0);
        }
        let fate = if self.draws(self.settings.drop_rate) {
            Fate::Drop
        } else if self.draws(self.settings.error_rate) {
            Fate::Fail(self.error_status())
        } else if self.draws(self.settings.lost_answer_rate) {
            Fate::LoseAnswer
        } else {
            Fate::Pass
        };
        Decision { fate, delay, close: self.draws(self.settings.close_rate) }
    }

    /// Whether one event of a batch is refused.
    pub(super) fn fails_in_batch(&mut self) -> bool {
        self.draws(self.settings.batch_failure_rate)
    }

    /// The rate that is allowed, and how many requests are left of it.
    pub(super) fn limit(&mut self) -> Option<(f64, f64)> {
        let bucket = self.bucket.as_mut()?;
        bucket.grow(Instant::now());
        Some((bucket.rate, bucket.tokens))
    }

    /// A draw that costs nothing where it cannot happen.
    fn draws(&mut self, rate: f64) -> bool {
        rate > 0.0 && self.random.unit() < rate
    }

    fn error_status(&mut self) -> u16 {
        let statuses = &self.settings.error_statuses;
        let whole: f64 = statuses.values().sum();
        if whole <= 0.0 {
            return 500;
        }
        let mut left = self.random.unit() * whole;
        for (status, weight) in statuses {
            left -= weight;
            if left < 0.0 {
                return *status;
            }
        }
        statuses.keys().next_back().copied().unwrap_or(500)
    }
}

/// Says what is wrong with settings, if anything.
///
/// # Errors
///
/// One sentence that names the setting and its range.
pub fn check_settings(settings: &TargetSettings) -> Result<(), String> {
    let milliseconds = 0.0..=MAX_DELAY_SECONDS * 1_000.0;
    let times = [
        ("latency_p50_ms", settings.latency_p50_ms),
        ("latency_p99_ms", settings.latency_p99_ms),
        ("spike_ms", settings.spike_ms),
    ];
    for (name, value) in times {
        if !milliseconds.contains(&value) {
            return Err(format!("{name} must lie between 0 and {}", milliseconds.end()));
        }
    }
    let rates = [
        ("spike_rate", settings.spike_rate),
        ("error_rate", settings.error_rate),
        ("drop_rate", settings.drop_rate),
        ("lost_answer_rate", settings.lost_answer_rate),
        ("close_rate", settings.close_rate),
        ("batch_failure_rate", settings.batch_failure_rate),
        ("forget_rate", settings.forget_rate),
        ("keep_twice_rate", settings.keep_twice_rate),
        ("corrupt_rate", settings.corrupt_rate),
        ("reorder_rate", settings.reorder_rate),
        ("phantom_rate", settings.phantom_rate),
    ];
    for (name, value) in rates {
        if !(0.0..=1.0).contains(&value) {
            return Err(format!("{name} must lie between 0 and 1"));
        }
    }
    for (status, weight) in &settings.error_statuses {
        if !(400..=599).contains(status) || !(0.0..=1e9).contains(weight) {
            return Err("error_statuses has statuses from 400 to 599 with weights of 0 or more".into());
        }
    }
    if !settings.error_statuses.is_empty() && settings.error_statuses.values().sum::<f64>() <= 0.0 {
        return Err("error_statuses needs a weight above 0".into());
    }
    for (name, speed) in [
        ("read_bytes_per_second", settings.read_bytes_per_second),
        ("answer_bytes_per_second", settings.answer_bytes_per_second),
    ] {
        if speed.is_some_and(|speed| !(1.0..=1e12).contains(&speed)) {
            return Err(format!("{name} must be at least 1; leave it out for as fast as can be"));
        }
    }
    if settings.freeze_seconds.is_some_and(|seconds| !(0.0..=MAX_DELAY_SECONDS).contains(&seconds)) {
        return Err(format!("freeze_seconds must lie between 0 and {MAX_DELAY_SECONDS}"));
    }
    if settings.id_field.as_ref().is_some_and(|field| field.split('.').any(str::is_empty)) {
        return Err("id_field is a dotted path such as data.event_id".into());
    }
    if settings.keep_events == 0 || settings.keep_events > MOST_KEPT {
        return Err(format!("keep_events must lie between 1 and {MOST_KEPT}"));
    }
    match settings.rate_limit {
        Some(rate) if !(0.001..=1e9).contains(&rate) => {
            Err("rate_limit must be above 0, in requests per second; leave it out for no limit".into())
        }
        _ => Ok(()),
    }
}

/// A log-normal latency by its median and 99th percentile.
#[derive(Clone, Copy, Debug)]
struct LogNormal {
    mu: f64,
    sigma: f64,
}

impl LogNormal {
    /// None when the median is zero; a 99th percentile below the median makes the latency constant.
    fn new(p50_ms: f64, p99_ms: f64) -> Option<Self> {
        (p50_ms > 0.0).then(|| Self { mu: (p50_ms / 1_000.0).ln(), sigma: (p99_ms / p50_ms).max(1.0).ln() / Z99 })
    }

    fn draw(self, random: &mut Random) -> Duration {
        // Box and Muller; 1 - u is never zero, so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * random.unit()).cos();
        Duration::from_secs_f64((self.mu + self.sigma * normal).exp().min(MAX_DELAY_SECONDS))
    }
}

/// A token bucket that holds one second's worth.
#[derive(Debug)]
struct TokenBucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    fn full(rate: f64, now: Instant) -> Self {
        Self { rate, tokens: rate.max(1.0), at: now }
    }

    /// Adds what has come since it was last looked at.
    fn grow(&mut self, now: Instant) {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.at = now;
        self.tokens = (self.tokens + grown).min(self.rate.max(1.0));
    }

    /// Takes one token, or says how long until there is one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.grow(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).min(MAX_DELAY_SECONDS)))
        }
    }
}

/// Whole seconds for `Retry-After`, at least one.
fn whole_seconds(wait: Duration) -> u32 {
    wait.as_secs_f64().ceil().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_has_the_percentiles_that_were_asked_for() {
        let mut gate =
            Gate::new(&TargetSettings { latency_p50_ms: 10.0, latency_p99_ms: 80.0, ..TargetSettings::default() });
        let mut delays: Vec<f64> = (0..50_000).map(|_| gate.decide().delay.as_secs_f64() * 1_000.0).collect();
        delays.sort_by(f64::total_cmp);
        assert!((delays[25_000] - 10.0).abs() < 0.5, "median is {}", delays[25_000]);
        assert!((delays[49_500] - 80.0).abs() < 8.0, "99th percentile is {}", delays[49_500]);
    }

    #[test]
    fn errors_and_drops_come_at_their_rates() {
        let mut gate = Gate::new(&TargetSettings { error_rate: 0.2, drop_rate: 0.1, ..TargetSettings::default() });
        let fates: Vec<Fate> = (0..20_000).map(|_| gate.decide().fate).collect();
        let share = |fate| fates.iter().filter(|&&drawn| drawn == fate).count() as f64 / 20_000.0;
        assert!((share(Fate::Drop) - 0.1).abs() < 0.01);
        assert!((share(Fate::Fail(500)) - 0.9 * 0.2).abs() < 0.01);
    }

    #[test]
    fn errors_have_the_statuses_that_were_asked_for() {
        let statuses = [(429, 1.0), (500, 1.0), (503, 2.0)].into();
        let mut gate =
            Gate::new(&TargetSettings { error_rate: 1.0, error_statuses: statuses, ..TargetSettings::default() });
        let fates: Vec<Fate> = (0..20_000).map(|_| gate.decide().fate).collect();
        let share = |status| fates.iter().filter(|&&fate| fate == Fate::Fail(status)).count() as f64 / 20_000.0;
        assert!((share(429) - 0.25).abs() < 0.02 && (share(503) - 0.5).abs() < 0.02);
        assert!((share(429) + share(500) + share(503) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn spikes_come_on_top() {
        let settings = TargetSettings { spike_rate: 0.1, spike_ms: 500.0, ..TargetSettings::default() };
        let mut gate = Gate::new(&settings);
        let spikes = (0..10_000).filter(|_| gate.decide().delay == Duration::from_millis(500)).count();
        assert!((800..1_200).contains(&spikes), "{spikes}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_limit_passes_its_rate_and_says_when_to_come_back() {
        let mut gate = Gate::new(&TargetSettings { rate_limit: Some(10.0), ..TargetSettings::default() });
        let burst = (0..15).filter(|_| gate.decide().fate == Fate::Pass).count();
        assert_eq!(burst, 10);
        assert_eq!(gate.decide().fate, Fate::Throttle { retry_after: 1 });
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!((0..15).filter(|_| gate.decide().fate == Fate::Pass).count(), 5);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let wrong = TargetSettings { error_rate: 1.5, ..TargetSettings::default() };
        assert_eq!(check_settings(&wrong).unwrap_err(), "error_rate must lie between 0 and 1");
        assert!(check_settings(&TargetSettings { latency_p50_ms: f64::NAN, ..TargetSettings::default() }).is_err());
        assert!(check_settings(&TargetSettings { rate_limit: Some(0.0), ..TargetSettings::default() }).is_err());
        let mix =
            |status, weight| TargetSettings { error_statuses: [(status, weight)].into(), ..TargetSettings::default() };
        assert!(check_settings(&mix(200, 1.0)).is_err() && check_settings(&mix(500, 0.0)).is_err());
        assert!(check_settings(&mix(503, 2.0)).is_ok());
        assert!(check_settings(&TargetSettings { keep_events: 0, ..TargetSettings::default() }).is_err());
        assert!(
            check_settings(&TargetSettings { id_field: Some("a..b".into()), ..TargetSettings::default() }).is_err()
        );
        assert!(
            check_settings(&TargetSettings { answer_bytes_per_second: Some(0.5), ..TargetSettings::default() })
                .is_err()
        );
        assert!(check_settings(&TargetSettings::default()).is_ok());
    }
}
