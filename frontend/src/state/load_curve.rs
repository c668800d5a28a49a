//! The load as a curve that can be dragged: which places of it stand for which values of the scenario, and what is
//! written when one is moved.

use shared::tree::Node;
use shared::units::{Length, Nanos, Rate};

use crate::state::scalar::scalar;

/// What a handle moves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moves {
    /// The rate: up and down.
    Rate,
    /// How high bursts are: up and down.
    Burst,
    /// When the load ends: left and right.
    End,
    /// How long the ramp up takes.
    RampUp,
    /// How long the ramp down takes.
    RampDown,
}

impl Moves {
    /// Whether it goes up and down.
    pub(crate) fn is_vertical(self) -> bool {
        match self {
            Self::Rate | Self::Burst => true,
            Self::End | Self::RampUp | Self::RampDown => false,
        }
    }

    /// What people call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Burst => "height of bursts",
            Self::End => "end",
            Self::RampUp => "end of the ramp up",
            Self::RampDown => "start of the ramp down",
        }
    }
}

/// A place of the curve that can be dragged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Handle {
    /// What it moves.
    pub(crate) moves: Moves,
    /// The value's path in the document.
    pub(crate) path: String,
    /// What is written there now.
    pub(crate) written: String,
    /// Where it stands, in seconds since the start.
    pub(crate) seconds: f64,
    /// Where it stands, in arrivals per second.
    pub(crate) rate: f64,
}

/// A workload's load, as far as its curve can be dragged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LoadCurve {
    /// The workload.
    pub(crate) workload: String,
    /// The rate as it is written, and per second.
    rate: Option<(String, f64)>,
    /// Its key: `rate` or `per_connection`.
    key: &'static str,
    /// Connections that a rate for each of them is multiplied by.
    each: f64,
    duration: Option<(String, f64)>,
    up: Option<(String, f64)>,
    down: Option<(String, f64)>,
    burst: Option<(String, f64)>,
}

impl LoadCurve {
    /// Reads a workload of the merged document.
    pub(crate) fn read(workload: &str, node: &Node, connections: f64) -> Self {
        let nothing = Node::default();
        let load = node.get("load").unwrap_or(&nothing);
        let span = |node: Option<&Node>| {
            let text = node.map(scalar)?;
            let seconds = text.parse::<Nanos>().ok()?.as_secs_f64();
            Some((text, seconds))
        };
        let rate = |key: &str| {
            let text = load.get(key).map(scalar)?;
            let rate = text.parse::<Rate>().ok()?;
            Some((text, rate.per_second()))
        };
        let (key, rate, each) = match (rate("rate"), rate("per_connection")) {
            (Some(rate), _) => ("rate", Some(rate), 1.0),
            (None, Some(rate)) => ("per_connection", Some(rate), connections),
            (None, None) => ("rate", None, 1.0),
        };
        let ramp = |key: &str| span(load.get("ramp").and_then(|ramp| ramp.get(key)));
        let duration = load.get("duration").map(scalar).filter(|text| matches!(text.parse(), Ok(Length::For(_))));
        let burst = load.get("burst");
        Self {
            workload: workload.to_owned(),
            rate,
            key,
            each,
            duration: duration.and_then(|text| {
                let seconds = text.parse::<Nanos>().ok()?.as_secs_f64();
                Some((text, seconds))
            }),
            up: ramp("up"),
            down: ramp("down"),
            burst: burst.and_then(|burst| {
                let factor = burst.get("factor")?;
                Some((scalar(factor), factor.as_f64()?))
            }),
        }
    }

    /// The handles on a curve that spans so many seconds.
    pub(crate) fn handles(&self, seconds: f64) -> Vec<Handle> {
        let mut found = Vec::new();
        let base = format!("workloads.{}.load", self.workload);
        let Some((rate_text, each)) = &self.rate else { return self.end(&base, seconds, 0.0).into_iter().collect() };
        let rate = each * self.each;
        let (up, down) = (self.up.as_ref().map_or(0.0, |up| up.1), self.down.as_ref().map_or(0.0, |down| down.1));
        let handle = |moves, key: &str, written: &str, seconds: f64, rate: f64| Handle {
            moves,
            path: format!("{base}.{key}"),
            written: written.to_owned(),
            seconds,
            rate,
        };
        found.push(handle(Moves::Rate, self.key, rate_text, (up + (seconds - down)) / 2.0, rate));
        if let Some((text, up)) = &self.up {
            found.push(handle(Moves::RampUp, "ramp.up", text, *up, rate));
        }
        if let Some((text, down)) = &self.down {
            found.push(handle(Moves::RampDown, "ramp.down", text, seconds - down, rate));
        }
        if let Some((text, factor)) = &self.burst {
            found.push(handle(Moves::Burst, "burst.factor", text, 0.0, rate * factor));
        }
        found.extend(self.end(&base, seconds, rate));
        found
    }

    fn end(&self, base: &str, seconds: f64, rate: f64) -> Option<Handle> {
        let (text, _) = self.duration.as_ref()?;
        Some(Handle {
            moves: Moves::End,
            path: format!("{base}.duration"),
            written: text.clone(),
            seconds,
            rate: if self.down.is_some() { 0.0 } else { rate },
        })
    }

    /// What is written when a handle is moved to a place: a round value with the unit that its author chose.
    pub(crate) fn moved(&self, handle: &Handle, seconds: f64, rate: f64, span: f64) -> String {
        match handle.moves {
            Moves::Rate => {
                let (amount, unit) = handle.written.split_once('/').unwrap_or((&handle.written, "s"));
                let before: f64 = amount.trim().parse().unwrap_or(0.0);
                let now = self.rate.as_ref().map_or(0.0, |rate| rate.1) * self.each;
                // Per second as people see it, in the unit that is written: the proportion of the two stays.
                let per = if now > 0.0 { before / now } else { 1.0 / self.each.max(1.0) };
                format!("{}/{}", plain(round_figure(rate.max(0.0) * per)), unit.trim())
            }
            Moves::Burst => {
                let base = self.rate.as_ref().map_or(1.0, |rate| rate.1) * self.each;
                plain(round_figure((rate / base.max(1e-9)).max(0.0)))
            }
            Moves::End => round_span(seconds.max(1.0)),
            Moves::RampUp => round_span(seconds.clamp(0.0, span)),
            Moves::RampDown => round_span((span - seconds).clamp(0.0, span)),
        }
    }

    /// Where the arrow keys take a handle: seconds and rate.
    pub(crate) fn nudged(&self, handle: &Handle, up: bool, span: f64) -> (f64, f64) {
        let sign = if up { 1.0 } else { -1.0 };
        let rate = handle.rate * (1.0 + 0.05 * sign);
        // Less than what values are rounded to would move nothing.
        let step = (span / 40.0).max(round_step(handle.seconds));
        (handle.seconds + sign * step, if handle.rate > 0.0 { rate } else { sign.max(0.0) })
    }
}

/// A figure as a person would choose it: two digits, three from 100 on.
fn round_figure(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let digits = if value >= 100.0 { 2 } else { 1 };
    let scale = 10_f64.powi(digits - value.log10().floor() as i32);
    (value * scale).round() / scale
}

/// What a span of so many seconds is rounded to.
fn round_step(seconds: f64) -> f64 {
    match seconds {
        _ if seconds < 30.0 => 1.0,
        _ if seconds < 120.0 => 5.0,
        _ if seconds < 1_800.0 => 30.0,
        _ if seconds < 14_400.0 => 300.0,
        _ => 1_800.0,
    }
}

/// A span as a person would choose it.
fn round_span(seconds: f64) -> String {
    let step = round_step(seconds);
    Nanos::from_secs_f64((seconds / step).round() * step).to_string()
}

fn plain(value: f64) -> String {
    crate::format::plain(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::scenario_form::{Kind, change, check};

    fn load(yaml: &str) -> LoadCurve {
        let text = format!("extends: commerce-events\nworkloads: {{shop: {{load: {yaml}}}}}\n");
        let checked = check("mine", &text, None);
        assert_eq!(checked.problems, []);
        checked.form.curves[0].clone()
    }

    fn handle(curve: &LoadCurve, moves: Moves, span: f64) -> Handle {
        curve.handles(span).into_iter().find(|handle| handle.moves == moves).expect("there is such a handle")
    }

    #[test]
    fn a_drag_keeps_the_authors_unit_and_gives_round_values() {
        let curve = load("{rate: 600/min, duration: 10m}");
        let rate = handle(&curve, Moves::Rate, 600.0);
        assert_eq!(rate.rate, 10.0);
        assert_eq!(curve.moved(&rate, 0.0, 12.345, 600.0), "741/min");
        let end = handle(&curve, Moves::End, 600.0);
        assert_eq!(curve.moved(&end, 893.0, 0.0, 600.0), "15m");
    }

    #[test]
    fn ramps_and_bursts_have_handles_of_their_own() {
        let curve = load(
            "{rate: 100/s, duration: 5m, ramp: {up: 30s, down: 60s}, burst: {factor: 2.5, every: 60s, lasts: 5s}}",
        );
        let up = handle(&curve, Moves::RampUp, 300.0);
        assert_eq!((up.seconds, up.rate), (30.0, 100.0));
        assert_eq!(curve.moved(&up, 44.6, 0.0, 300.0), "45s");
        let down = handle(&curve, Moves::RampDown, 300.0);
        assert_eq!(down.seconds, 240.0);
        assert_eq!(curve.moved(&down, 270.0, 0.0, 300.0), "30s");
        let burst = handle(&curve, Moves::Burst, 300.0);
        assert_eq!(burst.rate, 250.0);
        assert_eq!(curve.moved(&burst, 0.0, 400.0, 300.0), "4");
    }

    #[test]
    fn what_a_drag_writes_is_a_scenario_again() {
        let text = "extends: commerce-events\nworkloads: {shop: {load: {rate: 100/s, duration: 5m, ramp: {up: 30s, down: 1m}}}}\n";
        let checked = check("mine", text, None);
        let curve = &checked.form.curves[0];
        for handle in curve.handles(300.0) {
            let (seconds, rate) = curve.nudged(&handle, true, 300.0);
            let value = curve.moved(&handle, seconds, rate, 300.0);
            let text = change(text, &handle.path, Kind::Number, &value).expect("the path can be changed");
            assert_eq!(check("mine", &text, None).problems, [], "{} = {value}", handle.path);
            assert_ne!(value, handle.written, "{}", handle.path);
        }
    }
}
