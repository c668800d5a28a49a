//! Why something failed, as a person can use it.

use std::error::Error;

/// The innermost cause of an error: what stands around it only says that something was tried.
pub fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}
