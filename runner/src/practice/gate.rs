//! What happens to a request before its content matters: delay, injected error, rate limit, dropped connection.

use std::time::Duration;

use shared::api::TargetSettings;
use tokio::time::Instant;

/// How many standard deviations lie between the median and the 99th percentile of a normal distribution.
const Z99: f64 = 2.326_347_874_040_841;
/// The longest delay that a request can draw or be told to wait.
const MAX_DELAY_SECONDS: f64 = 3_600.0;

/// What a request is in for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// Its content decides.
    Pass,
    /// Too many requests.
    Throttle {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// An injected error.
    Fail,
    /// The connection is dropped without an answer.
    Drop,
}

/// Draws each request's fate from the settings.
pub(super) struct Gate {
    error_rate: f64,
    drop_rate: f64,
    latency: Option<LogNormal>,
    bucket: Option<TokenBucket>,
    random: Random,
}

impl Gate {
    /// A gate with these settings.
    pub(super) fn new(settings: &TargetSettings) -> Self {
        let mut gate = Self { error_rate: 0.0, drop_rate: 0.0, latency: None, bucket: None, random: Random(1) };
        gate.configure(settings);
        gate
    }

    /// Takes new settings; a bucket whose rate stays the same keeps its tokens.
    pub(super) fn configure(&mut self, settings: &TargetSettings) {
        self.error_rate = settings.error_rate;
        self.drop_rate = settings.drop_rate;
        self.latency = LogNormal::new(settings.latency_p50_ms, settings.latency_p99_ms);
        match (settings.rate_limit, &self.bucket) {
            (Some(rate), Some(bucket)) if bucket.rate == rate => {}
            (Some(rate), _) => self.bucket = Some(TokenBucket::full(rate, Instant::now())),
            (None, _) => self.bucket = None,
        }
    }

    /// The next request's fate, and how long its answer takes.
    pub(super) fn decide(&mut self) -> (Fate, Duration) {
        if let Some(bucket) = &mut self.bucket
            && let Err(wait) = bucket.take(Instant::now())
        {
            // A refusal for the rate costs a service next to nothing: no latency.
            return (Fate::Throttle { retry_after: whole_seconds(wait) }, Duration::ZERO);
        }
        let delay = self.latency.map_or(Duration::ZERO, |latency| latency.draw(&mut self.random));
        let fate = if self.drop_rate > 0.0 && self.random.unit() < self.drop_rate {
            Fate::Drop
        } else if self.error_rate > 0.0 && self.random.unit() < self.error_rate {
            Fate::Fail
        } else {
            Fate::Pass
        };
        (fate, delay)
    }
}

/// Says what is wrong with settings, if anything.
///
/// # Errors
///
/// One sentence that names the setting and its range.
pub fn check_settings(settings: &TargetSettings) -> Result<(), String> {
    let milliseconds = 0.0..=MAX_DELAY_SECONDS * 1_000.0;
    for (name, value) in [("latency_p50_ms", settings.latency_p50_ms), ("latency_p99_ms", settings.latency_p99_ms)] {
        if !milliseconds.contains(&value) {
            return Err(format!("{name} must lie between 0 and {}", milliseconds.end()));
        }
    }
    for (name, value) in [("error_rate", settings.error_rate), ("drop_rate", settings.drop_rate)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(format!("{name} must lie between 0 and 1"));
        }
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

    /// Takes one token, or says how long until there is one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.at = now;
        self.tokens = (self.tokens + grown).min(self.rate.max(1.0));
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

/// SplitMix64 (Steele, Lea, Flood 2014): the faults of a target need spread, not secrecy.
struct Random(u64);

impl Random {
    /// A number in [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_has_the_percentiles_that_were_asked_for() {
        let mut gate =
            Gate::new(&TargetSettings { latency_p50_ms: 10.0, latency_p99_ms: 80.0, ..TargetSettings::default() });
        let mut delays: Vec<f64> = (0..50_000).map(|_| gate.decide().1.as_secs_f64() * 1_000.0).collect();
        delays.sort_by(f64::total_cmp);
        assert!((delays[25_000] - 10.0).abs() < 0.5, "median is {}", delays[25_000]);
        assert!((delays[49_500] - 80.0).abs() < 8.0, "99th percentile is {}", delays[49_500]);
    }

    #[test]
    fn errors_and_drops_come_at_their_rates() {
        let mut gate = Gate::new(&TargetSettings { error_rate: 0.2, drop_rate: 0.1, ..TargetSettings::default() });
        let fates: Vec<Fate> = (0..20_000).map(|_| gate.decide().0).collect();
        let share = |fate| fates.iter().filter(|&&drawn| drawn == fate).count() as f64 / 20_000.0;
        assert!((share(Fate::Drop) - 0.1).abs() < 0.01);
        assert!((share(Fate::Fail) - 0.9 * 0.2).abs() < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_limit_passes_its_rate_and_says_when_to_come_back() {
        let mut gate = Gate::new(&TargetSettings { rate_limit: Some(10.0), ..TargetSettings::default() });
        let burst = (0..15).filter(|_| gate.decide().0 == Fate::Pass).count();
        assert_eq!(burst, 10);
        assert_eq!(gate.decide().0, Fate::Throttle { retry_after: 1 });
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!((0..15).filter(|_| gate.decide().0 == Fate::Pass).count(), 5);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let wrong = TargetSettings { error_rate: 1.5, ..TargetSettings::default() };
        assert_eq!(check_settings(&wrong).unwrap_err(), "error_rate must lie between 0 and 1");
        assert!(check_settings(&TargetSettings { latency_p50_ms: f64::NAN, ..TargetSettings::default() }).is_err());
        assert!(check_settings(&TargetSettings { rate_limit: Some(0.0), ..TargetSettings::default() }).is_err());
        assert!(check_settings(&TargetSettings::default()).is_ok());
    }
}
