//! How long tests look for trouble.

/// Cases of a property: as many as usual, or as `FUZZ_CASES` asks for.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
