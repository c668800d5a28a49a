//! Places: cities with their country, region, position, zone, locale, currency and a network of addresses there.

use crate::random::Draws;
use crate::tree::{Entry, Mark, Node, Value};

use super::agent::{AGENTS, Agent};
use super::json::write_int;

/// A city and what agrees with it.
#[derive(Clone, Copy, Debug)]
pub struct City {
    /// Its name.
    pub name: &'static str,
    /// ISO 3166 code of its country.
    pub country: &'static str,
    /// The country's name.
    pub country_name: &'static str,
    /// Region of the world: NA, EU, APAC, LATAM, MEA.
    pub region: &'static str,
    /// Latitude and longitude in degrees.
    pub position: (f64, f64),
    /// Time zone.
    pub zone: &'static str,
    /// Language and country.
    pub locale: &'static str,
    /// ISO 4217 code of the currency.
    pub currency: &'static str,
    /// First two bytes of IPv4 addresses that are used there.
    pub network: (u8, u8),
}

macro_rules! cities {
    ($(($name:literal, $country:literal, $country_name:literal, $region:literal, $lat:literal, $lon:literal, $zone:literal, $locale:literal, $currency:literal, $a:literal, $b:literal),)*) => {
        [$(City { name: $name, country: $country, country_name: $country_name, region: $region, position: ($lat, $lon), zone: $zone, locale: $locale, currency: $currency, network: ($a, $b) },)*]
    };
}

/// All cities, each country's largest first.
pub const CITIES: [City; 36] = cities![
    ("New York", "US", "United States", "NA", 40.71, -74.01, "America/New_York", "en-US", "USD", 66, 108),
    ("Chicago", "US", "United States", "NA", 41.88, -87.63, "America/Chicago", "en-US", "USD", 24, 12),
    ("San Francisco", "US", "United States", "NA", 37.77, -122.42, "America/Los_Angeles", "en-US", "USD", 73, 15),
    ("Toronto", "CA", "Canada", "NA", 43.65, -79.38, "America/Toronto", "en-CA", "CAD", 99, 224),
    ("Montreal", "CA", "Canada", "NA", 45.5, -73.57, "America/Toronto", "fr-CA", "CAD", 70, 80),
    ("London", "GB", "United Kingdom", "EU", 51.51, -0.13, "Europe/London", "en-GB", "GBP", 86, 128),
    ("Manchester", "GB", "United Kingdom", "EU", 53.48, -2.24, "Europe/London", "en-GB", "GBP", 82, 4),
    ("Berlin", "DE", "Germany", "EU", 52.52, 13.4, "Europe/Berlin", "de-DE", "EUR", 91, 64),
    ("Munich", "DE", "Germany", "EU", 48.14, 11.58, "Europe/Berlin", "de-DE", "EUR", 88, 217),
    ("Paris", "FR", "France", "EU", 48.86, 2.35, "Europe/Paris", "fr-FR", "EUR", 90, 10),
    ("Lyon", "FR", "France", "EU", 45.76, 4.84, "Europe/Paris", "fr-FR", "EUR", 82, 64),
    ("Madrid", "ES", "Spain", "EU", 40.42, -3.7, "Europe/Madrid", "es-ES", "EUR", 83, 32),
    ("Rome", "IT", "Italy", "EU", 41.9, 12.5, "Europe/Rome", "it-IT", "EUR", 79, 16),
    ("Amsterdam", "NL", "Netherlands", "EU", 52.37, 4.9, "Europe/Amsterdam", "nl-NL", "EUR", 84, 24),
    ("Stockholm", "SE", "Sweden", "EU", 59.33, 18.07, "Europe/Stockholm", "sv-SE", "SEK", 78, 64),
    ("Warsaw", "PL", "Poland", "EU", 52.23, 21.01, "Europe/Warsaw", "pl-PL", "PLN", 83, 0),
    ("Zurich", "CH", "Switzerland", "EU", 47.37, 8.54, "Europe/Zurich", "de-CH", "CHF", 85, 0),
    ("Dublin", "IE", "Ireland", "EU", 53.35, -6.26, "Europe/Dublin", "en-IE", "EUR", 86, 40),
    ("Singapore", "SG", "Singapore", "APAC", 1.35, 103.82, "Asia/Singapore", "en-SG", "SGD", 116, 86),
    ("Tokyo", "JP", "Japan", "APAC", 35.68, 139.69, "Asia/Tokyo", "ja-JP", "JPY", 126, 72),
    ("Osaka", "JP", "Japan", "APAC", 34.69, 135.5, "Asia/Tokyo", "ja-JP", "JPY", 60, 32),
    ("Seoul", "KR", "South Korea", "APAC", 37.57, 126.98, "Asia/Seoul", "ko-KR", "KRW", 121, 128),
    ("Mumbai", "IN", "India", "APAC", 19.08, 72.88, "Asia/Kolkata", "en-IN", "INR", 117, 192),
    ("Bengaluru", "IN", "India", "APAC", 12.97, 77.59, "Asia/Kolkata", "en-IN", "INR", 106, 51),
    ("Sydney", "AU", "Australia", "APAC", -33.87, 151.21, "Australia/Sydney", "en-AU", "AUD", 101, 160),
    ("Auckland", "NZ", "New Zealand", "APAC", -36.85, 174.76, "Pacific/Auckland", "en-NZ", "NZD", 122, 56),
    ("Jakarta", "ID", "Indonesia", "APAC", -6.21, 106.85, "Asia/Jakarta", "id-ID", "IDR", 114, 120),
    ("Sao Paulo", "BR", "Brazil", "LATAM", -23.55, -46.63, "America/Sao_Paulo", "pt-BR", "BRL", 177, 32),
    ("Rio de Janeiro", "BR", "Brazil", "LATAM", -22.91, -43.17, "America/Sao_Paulo", "pt-BR", "BRL", 189, 60),
    ("Mexico City", "MX", "Mexico", "LATAM", 19.43, -99.13, "America/Mexico_City", "es-MX", "MXN", 187, 128),
    ("Buenos Aires", "AR", "Argentina", "LATAM", -34.6, -58.38, "America/Buenos_Aires", "es-AR", "ARS", 181, 0),
    ("Bogota", "CO", "Colombia", "LATAM", 4.71, -74.07, "America/Bogota", "es-CO", "COP", 181, 48),
    ("Dubai", "AE", "United Arab Emirates", "MEA", 25.2, 55.27, "Asia/Dubai", "ar-AE", "AED", 94, 200),
    ("Johannesburg", "ZA", "South Africa", "MEA", -26.2, 28.05, "Africa/Johannesburg", "en-ZA", "ZAR", 105, 224),
    ("Lagos", "NG", "Nigeria", "MEA", 6.52, 3.38, "Africa/Lagos", "en-NG", "NGN", 105, 112),
    ("Cairo", "EG", "Egypt", "MEA", 30.04, 31.24, "Africa/Cairo", "ar-EG", "EGP", 41, 32),
];

/// Names of the pools that Throng brings along.
pub const BUILT_IN: [&str; 2] = ["cities", "agents"];

/// The items of a pool that Throng brings along.
pub fn built_in_items(name: &str) -> Option<Vec<Node>> {
    match name {
        "cities" => Some(CITIES.iter().map(item).collect()),
        "agents" => Some(AGENTS.iter().map(agent_item).collect()),
        _ => None,
    }
}

/// The cities of a country, by its code.
pub fn cities_of(country: &str) -> impl Iterator<Item = &'static City> + Clone + '_ {
    CITIES.iter().filter(move |city| city.country == country)
}

/// Writes an address that is used in a city.
pub fn write_address(city: &City, draws: &mut Draws, out: &mut Vec<u8>) {
    let (first, second) = city.network;
    let numbers = [i64::from(first), i64::from(second), draws.below(256) as i64, 1 + draws.below(254) as i64];
    for (index, number) in numbers.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        write_int(number, out);
    }
}

/// A user agent with its device and operating system; `weight` is how often it is met among those of its device.
fn agent_item(agent: &Agent) -> Node {
    let text = |text: &str| Value::String(text.to_owned());
    let fields = [
        ("device", text(agent.device)),
        ("os", text(agent.os)),
        ("user_agent", text(agent.text)),
        ("weight", Value::Float(agent.weight)),
    ];
    map(fields)
}

fn item(city: &City) -> Node {
    let text = |text: &str| Value::String(text.to_owned());
    let (latitude, longitude) = city.position;
    let fields = [
        ("city", text(city.name)),
        ("country", text(city.country)),
        ("country_name", text(city.country_name)),
        ("region", text(city.region)),
        ("latitude", Value::Float(latitude)),
        ("longitude", Value::Float(longitude)),
        ("timezone", text(city.zone)),
        ("locale", text(city.locale)),
        ("currency", text(city.currency)),
        ("network", text(&format!("{}.{}", city.network.0, city.network.1))),
    ];
    map(fields)
}

fn map<const FIELDS: usize>(fields: [(&str, Value); FIELDS]) -> Node {
    let entries =
        fields.map(|(key, value)| Entry { key: key.to_owned(), key_mark: Mark::default(), node: value.into() });
    Value::Map(entries.into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::zone;
    use crate::random::Stream;

    #[test]
    fn every_city_agrees_with_itself() {
        for city in &CITIES {
            assert!(zone::offset_seconds(city.zone).is_some(), "{} has no zone", city.name);
            assert!(city.locale.ends_with(city.country), "{}", city.name);
            assert_eq!(city.currency.len(), 3);
            assert!((-90.0..=90.0).contains(&city.position.0) && (-180.0..=180.0).contains(&city.position.1));
            // Neither private nor reserved.
            assert!((1..224).contains(&city.network.0) && ![10, 127, 172, 192].contains(&city.network.0));
        }
        assert!(built_in_items("cities").unwrap().len() >= 12);
    }

    #[test]
    fn addresses_lie_in_the_network_of_their_city() {
        let mut out = Vec::new();
        write_address(&CITIES[0], &mut Stream::root(1).draws(1), &mut out);
        assert!(String::from_utf8(out).unwrap().starts_with("66.108."));
    }
}
