//! Making things: the bytes of JSON, times, ids, names, places, agents. Nothing here draws by itself: who calls brings
//! the randomness.

pub mod agent;
pub mod clock;
pub mod ids;
pub mod json;
pub mod phrase;
pub mod place;
pub mod zone;
