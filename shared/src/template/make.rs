//! Texts that are made up: names, patterns, people and places.

use crate::generate::json::write_int;
use crate::generate::phrase::Phrase;
use crate::generate::{agent, place};
use crate::random::{Draws, choice};

use super::context::Context;
use super::program::Maker;
use super::value::{Place, Span, Value};

impl Context<'_> {
    /// Makes a text about people or places.
    pub(crate) fn about(&mut self, maker: Maker, key: u64, argument: Value) -> Value {
        let text = self.text_of(argument).unwrap_or_default().to_vec();
        let city = |draws: &mut Draws| {
            let country = std::str::from_utf8(&text).unwrap_or_default();
            let count = place::cities_of(country).count();
            let chosen = choice::even(draws.word(), if count > 0 { count } else { place::CITIES.len() });
            if count > 0 { place::cities_of(country).nth(chosen) } else { place::CITIES.get(chosen) }
        };
        match maker {
            Maker::Agent => Value::Static(agent::agent_of(&text, self.draws(key).unit()).text),
            Maker::Zone => city(&mut self.draws(key)).map_or(Value::Null, |city| Value::Static(city.zone)),
            Maker::Address => self.made(key, |draws, out| {
                if let Some(city) = city(draws) {
                    place::write_address(city, draws, out);
                }
            }),
            Maker::Email => self.made(key, |_, out| write_email(&text, out)),
            Maker::Street => self.made(key, |draws, out| write_street(&text, draws, out)),
        }
    }

    /// Makes a text at the end of the arena.
    pub(crate) fn made(&mut self, key: u64, write: impl FnOnce(&mut Draws, &mut Vec<u8>)) -> Value {
        let start = self.scratch.text.len();
        let mut draws = self.draws(key);
        write(&mut draws, &mut self.scratch.text);
        let len = (self.scratch.text.len() - start) as u32;
        Value::Text(Span { place: Place::Scratch, start: start as u32, len })
    }
}

/// Writes an e-mail address of a name, at a domain that nobody can own.
fn write_email(name: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for byte in name {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.to_ascii_lowercase());
        } else if out.len() > start && out.last() != Some(&b'.') {
            out.push(b'.');
        }
    }
    if out.last() == Some(&b'.') && out.len() > start {
        out.pop();
    }
    out.extend_from_slice(b"@example.com");
}

/// Writes a street with its number, and the city where it is known.
fn write_street(city: &[u8], draws: &mut Draws, out: &mut Vec<u8>) {
    write_int(1 + draws.below(250) as i64, out);
    out.push(b' ');
    let start = out.len();
    Phrase::Word.write(draws, out);
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_uppercase();
    }
    out.extend_from_slice([" Street", " Avenue", " Road", " Lane"][draws.below(4) as usize].as_bytes());
    if !city.is_empty() {
        out.extend_from_slice(b", ");
        out.extend_from_slice(city);
    }
}
