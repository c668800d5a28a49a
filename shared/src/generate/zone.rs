//! Time zones: how far local clocks are ahead of UTC, standard time all year.
//!
//! Daylight saving is left out on purpose: hours of the day shape traffic, and an hour's shift twice a year is below
//! what such shapes mean.

/// Zones by name, minutes ahead of UTC.
const ZONES: [(&str, i64); 42] = [
    ("UTC", 0),
    ("Africa/Cairo", 120),
    ("Africa/Johannesburg", 120),
    ("Africa/Lagos", 60),
    ("Africa/Nairobi", 180),
    ("America/Bogota", -300),
    ("America/Buenos_Aires", -180),
    ("America/Chicago", -360),
    ("America/Denver", -420),
    ("America/Lima", -300),
    ("America/Los_Angeles", -480),
    ("America/Mexico_City", -360),
    ("America/New_York", -300),
    ("America/Santiago", -240),
    ("America/Sao_Paulo", -180),
    ("America/Toronto", -300),
    ("Asia/Bangkok", 420),
    ("Asia/Dubai", 240),
    ("Asia/Hong_Kong", 480),
    ("Asia/Jakarta", 420),
    ("Asia/Jerusalem", 120),
    ("Asia/Kolkata", 330),
    ("Asia/Manila", 480),
    ("Asia/Seoul", 540),
    ("Asia/Shanghai", 480),
    ("Asia/Singapore", 480),
    ("Asia/Tokyo", 540),
    ("Australia/Sydney", 600),
    ("Europe/Amsterdam", 60),
    ("Europe/Athens", 120),
    ("Europe/Berlin", 60),
    ("Europe/Dublin", 0),
    ("Europe/Istanbul", 180),
    ("Europe/Lisbon", 0),
    ("Europe/London", 0),
    ("Europe/Madrid", 60),
    ("Europe/Paris", 60),
    ("Europe/Rome", 60),
    ("Europe/Stockholm", 60),
    ("Europe/Warsaw", 60),
    ("Europe/Zurich", 60),
    ("Pacific/Auckland", 720),
];

/// Seconds that a zone's clock is ahead of UTC: a name, or an offset such as `+02:00`.
pub fn offset_seconds(zone: &str) -> Option<i64> {
    if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| *name == zone) {
        return Some(minutes * 60);
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// The names of all zones.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    ZONES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_are_understood() {
        for (zone, seconds) in
            [("UTC", 0), ("America/New_York", -18_000), ("Asia/Kolkata", 19_800), ("+02:00", 7_200), ("-3", -10_800)]
        {
            assert_eq!(offset_seconds(zone), Some(seconds), "{zone}");
        }
        for wrong in ["", "Mars/Olympus", "+99:00", "+", "é"] {
            assert_eq!(offset_seconds(wrong), None, "{wrong}");
        }
    }
}
