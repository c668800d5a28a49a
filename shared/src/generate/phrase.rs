//! Names, words and phrases out of small tables.

use crate::random::Draws;

/// A kind of made-up text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phrase {
    /// What a shop sells: `Quiet Oak Lamp`.
    Product,
    /// What a company says it does: `Balanced hybrid toolkit`.
    CatchPhrase,
    /// `Nora Lindqvist`
    Name,
    /// `Nora`
    FirstName,
    /// `Lindqvist`
    LastName,
    /// `Lindqvist & Osei`
    Company,
    /// What people do for a living.
    Job,
    /// A plain word.
    Word,
    /// Five to ten words, the first with a capital, and a full stop.
    Sentence,
    /// Three to five sentences.
    Paragraph,
    /// A colour.
    Color,
    /// `01632 960123`: a number of a range that belongs to nobody.
    Phone,
    /// `https://oak-lamp.example/quiet`
    Url,
    /// `oak-lamp.example`
    Domain,
}

impl Phrase {
    /// Every kind with its word in a scenario.
    pub const ALL: [(&'static str, Self); 14] = [
        ("product", Self::Product),
        ("catch_phrase", Self::CatchPhrase),
        ("name", Self::Name),
        ("first_name", Self::FirstName),
        ("last_name", Self::LastName),
        ("company", Self::Company),
        ("job", Self::Job),
        ("word", Self::Word),
        ("sentence", Self::Sentence),
        ("paragraph", Self::Paragraph),
        ("color", Self::Color),
        ("phone", Self::Phone),
        ("url", Self::Url),
        ("domain", Self::Domain),
    ];

    /// The kind of a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(word, _)| *word == name).map(|(_, phrase)| *phrase)
    }

    /// Writes one.
    pub fn write(self, draws: &mut Draws, out: &mut Vec<u8>) {
        match self {
            Self::Product => join(out, " ", &[one(draws, &QUALITIES), one(draws, &MATERIALS), one(draws, &THINGS)]),
            Self::CatchPhrase => join(out, " ", &[one(draws, &MANNERS), one(draws, &APPROACHES), one(draws, &OFFERS)]),
            Self::Name => join(out, " ", &[one(draws, &FIRST_NAMES), one(draws, &LAST_NAMES)]),
            Self::FirstName => out.extend_from_slice(one(draws, &FIRST_NAMES).as_bytes()),
            Self::LastName => out.extend_from_slice(one(draws, &LAST_NAMES).as_bytes()),
            Self::Company => match draws.below(3) {
                0 => join(out, " & ", &[one(draws, &LAST_NAMES), one(draws, &LAST_NAMES)]),
                1 => join(out, " ", &[one(draws, &LAST_NAMES), one(draws, &TRADES)]),
                _ => join(out, " ", &[one(draws, &MATERIALS), one(draws, &TRADES)]),
            },
            Self::Job => join(out, " ", &[one(draws, &FIELDS), one(draws, &ROLES)]),
            Self::Word => out.extend_from_slice(one(draws, &WORDS).as_bytes()),
            Self::Sentence => sentence(draws, out),
            Self::Paragraph => {
                for number in 0..3 + draws.below(3) {
                    if number > 0 {
                        out.push(b' ');
                    }
                    sentence(draws, out);
                }
            }
            Self::Color => out.extend_from_slice(one(draws, &COLORS).as_bytes()),
            Self::Phone => {
                // Ofcom keeps this range free for fiction.
                out.extend_from_slice(b"01632 960");
                super::json::write_padded(draws.below(1_000), 3, out);
            }
            Self::Url => {
                out.extend_from_slice(b"https://");
                Self::Domain.write(draws, out);
                out.push(b'/');
                out.extend_from_slice(one(draws, &WORDS).as_bytes());
            }
            Self::Domain => {
                join(out, "-", &[one(draws, &WORDS), one(draws, &WORDS)]);
                out.extend_from_slice(b".example");
            }
        }
    }

    /// Writes so many plain words.
    pub fn write_words(count: u64, draws: &mut Draws, out: &mut Vec<u8>) {
        for number in 0..count {
            if number > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(one(draws, &WORDS).as_bytes());
        }
    }
}

fn one<'a>(draws: &mut Draws, table: &[&'a str]) -> &'a str {
    table[draws.below(table.len() as u64) as usize]
}

fn join(out: &mut Vec<u8>, between: &str, parts: &[&str]) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(between.as_bytes());
        }
        out.extend_from_slice(part.as_bytes());
    }
}

fn sentence(draws: &mut Draws, out: &mut Vec<u8>) {
    let start = out.len();
    Phrase::write_words(5 + draws.below(6), draws, out);
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_uppercase();
    }
    out.push(b'.');
}

const QUALITIES: [&str; 32] = [
    "Quiet",
    "Bright",
    "Sturdy",
    "Light",
    "Compact",
    "Classic",
    "Modern",
    "Handmade",
    "Folding",
    "Everyday",
    "Gentle",
    "Rugged",
    "Slim",
    "Soft",
    "Vintage",
    "Nordic",
    "Coastal",
    "Alpine",
    "Urban",
    "Rustic",
    "Polished",
    "Striped",
    "Woven",
    "Portable",
    "Cordless",
    "Insulated",
    "Recycled",
    "Foldaway",
    "Weatherproof",
    "Deluxe",
    "Little",
    "Grand",
];
const MATERIALS: [&str; 24] = [
    "Oak", "Linen", "Steel", "Cotton", "Walnut", "Leather", "Ceramic", "Bamboo", "Copper", "Wool", "Granite", "Glass",
    "Canvas", "Brass", "Cork", "Maple", "Silk", "Marble", "Rattan", "Denim", "Felt", "Titanium", "Birch", "Stone",
];
const THINGS: [&str; 40] = [
    "Lamp",
    "Chair",
    "Kettle",
    "Backpack",
    "Jacket",
    "Speaker",
    "Notebook",
    "Bottle",
    "Blanket",
    "Desk",
    "Clock",
    "Mug",
    "Headphones",
    "Tent",
    "Mat",
    "Basket",
    "Shelf",
    "Scarf",
    "Wallet",
    "Toaster",
    "Bench",
    "Mirror",
    "Pillow",
    "Keyboard",
    "Sneakers",
    "Pan",
    "Puzzle",
    "Planter",
    "Rug",
    "Camera",
    "Watch",
    "Cap",
    "Stool",
    "Knife",
    "Tray",
    "Cushion",
    "Racket",
    "Vase",
    "Radio",
    "Hammock",
];
const MANNERS: [&str; 24] = [
    "Balanced",
    "Seamless",
    "Focused",
    "Adaptive",
    "Open",
    "Proven",
    "Flexible",
    "Distributed",
    "Shared",
    "Reliable",
    "Layered",
    "Guided",
    "Extended",
    "Organic",
    "Reactive",
    "Versatile",
    "Managed",
    "Secured",
    "Integrated",
    "Progressive",
    "Persistent",
    "Robust",
    "Tailored",
    "Measured",
];
const APPROACHES: [&str; 24] = [
    "hybrid",
    "modular",
    "regional",
    "real-time",
    "mobile",
    "low-noise",
    "high-volume",
    "contextual",
    "incremental",
    "local",
    "global",
    "human",
    "lightweight",
    "multi-channel",
    "off-line",
    "on-demand",
    "optimal",
    "radical",
    "scalable",
    "stable",
    "static",
    "tangible",
    "upstream",
    "zero-waste",
];
const OFFERS: [&str; 24] = [
    "toolkit",
    "framework",
    "workforce",
    "archive",
    "portal",
    "forecast",
    "interface",
    "alliance",
    "capacity",
    "protocol",
    "monitoring",
    "hardware",
    "moderator",
    "pricing",
    "model",
    "middleware",
    "service desk",
    "strategy",
    "success",
    "support",
    "throughput",
    "utility",
    "website",
    "workshop",
];
const FIRST_NAMES: [&str; 60] = [
    "Nora", "Liam", "Aisha", "Mateo", "Yuki", "Emma", "Oliver", "Priya", "Lucas", "Sofia", "Chen", "Amara", "Noah",
    "Fatima", "Hugo", "Ingrid", "Kofi", "Leila", "Marco", "Mei", "Omar", "Paula", "Quentin", "Rosa", "Samir", "Tara",
    "Ugo", "Vera", "Wei", "Ximena", "Yara", "Zoe", "Anders", "Beatriz", "Carlos", "Diana", "Elif", "Farid", "Greta",
    "Hana", "Ivan", "Jana", "Kenji", "Lars", "Maya", "Nikhil", "Olga", "Pedro", "Ruth", "Stefan", "Thandi", "Uma",
    "Viktor", "Wanda", "Yusuf", "Zara", "Alan", "Bella", "Cedric", "Dora",
];
const LAST_NAMES: [&str; 60] = [
    "Lindqvist",
    "Osei",
    "Tanaka",
    "Garcia",
    "Novak",
    "Okafor",
    "Schmidt",
    "Rossi",
    "Kowalski",
    "Nguyen",
    "Patel",
    "Silva",
    "Jensen",
    "Moreau",
    "Haddad",
    "Ivanova",
    "Kim",
    "Larsen",
    "Mbeki",
    "Nakamura",
    "Oliveira",
    "Petrov",
    "Quispe",
    "Reyes",
    "Sato",
    "Torres",
    "Ueda",
    "Vargas",
    "Walker",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Abbott",
    "Berger",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Gupta",
    "Hoffmann",
    "Ibrahim",
    "Janssen",
    "Khan",
    "Lopez",
    "Meyer",
    "Nowak",
    "Ortiz",
    "Pereira",
    "Romano",
    "Singh",
    "Takahashi",
    "Usman",
    "Visser",
    "Weber",
    "Young",
    "Zimmermann",
    "Adeyemi",
    "Bianchi",
    "Cohen",
    "Duarte",
];
const TRADES: [&str; 16] = [
    "Works",
    "Group",
    "Labs",
    "Trading",
    "Supply",
    "Partners",
    "Studio",
    "Systems",
    "Logistics",
    "Foods",
    "Energy",
    "Textiles",
    "Tools",
    "Media",
    "Freight",
    "Gardens",
];
const FIELDS: [&str; 16] = [
    "Sales",
    "Data",
    "Field",
    "Quality",
    "Supply",
    "Product",
    "Care",
    "Design",
    "Network",
    "Finance",
    "Regional",
    "Research",
    "Support",
    "Safety",
    "Training",
    "Marketing",
];
const ROLES: [&str; 12] = [
    "Analyst",
    "Engineer",
    "Manager",
    "Planner",
    "Specialist",
    "Assistant",
    "Consultant",
    "Director",
    "Technician",
    "Coordinator",
    "Officer",
    "Advisor",
];
const COLORS: [&str; 20] = [
    "red",
    "blue",
    "green",
    "yellow",
    "orange",
    "purple",
    "black",
    "white",
    "grey",
    "brown",
    "pink",
    "teal",
    "navy",
    "olive",
    "maroon",
    "beige",
    "turquoise",
    "violet",
    "gold",
    "silver",
];
const WORDS: [&str; 120] = [
    "anchor", "apple", "autumn", "bakery", "basket", "beacon", "bicycle", "blossom", "bridge", "butter", "cabin",
    "candle", "canyon", "carbon", "castle", "cellar", "circle", "cloud", "clover", "coffee", "comet", "copper",
    "coral", "cotton", "cradle", "crystal", "current", "daisy", "dawn", "delta", "desert", "diamond", "dragon", "dune",
    "eagle", "echo", "ember", "engine", "falcon", "feather", "fern", "field", "flame", "forest", "fountain", "garden",
    "ginger", "glacier", "granite", "grove", "harbor", "harvest", "hazel", "hill", "honey", "horizon", "island",
    "ivory", "jade", "jasmine", "journey", "kettle", "kitchen", "ladder", "lake", "lantern", "lemon", "lily", "linen",
    "lotus", "maple", "marble", "meadow", "melody", "mirror", "mist", "moon", "moss", "mountain", "nectar", "needle",
    "nest", "ocean", "olive", "opal", "orchard", "orchid", "paper", "pearl", "pebble", "pepper", "pillow", "pine",
    "planet", "pond", "prairie", "quartz", "quill", "rain", "raven", "reef", "ribbon", "river", "saddle", "sage",
    "sail", "sand", "shadow", "silver", "sparrow", "spring", "stone", "summit", "sunset", "thistle", "timber",
    "valley", "velvet", "willow", "winter",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn every_kind_writes_something_and_the_same_again() {
        for (name, phrase) in Phrase::ALL {
            let written = |step| {
                let mut out = Vec::new();
                phrase.write(&mut Stream::root(1).child(step).draws(1), &mut out);
                String::from_utf8(out).unwrap()
            };
            assert!(!written(0).is_empty(), "{name}");
            assert_eq!(written(3), written(3));
            let different = (0..50).map(written).collect::<std::collections::BTreeSet<_>>().len();
            assert!(different > 10, "{name} gives only {different} in 50");
            assert_eq!(Phrase::named(name), Some(phrase));
        }
    }

    #[test]
    fn words_are_counted() {
        let mut out = Vec::new();
        Phrase::write_words(4, &mut Stream::root(1).draws(1), &mut out);
        assert_eq!(String::from_utf8(out).unwrap().split(' ').count(), 4);
    }
}
