//! Why a run cannot start.

use shared::problem::Problem;

/// Why a run cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The scenario cannot be planned.
    #[error("the scenario has {} problems", .0.len())]
    Plan(Vec<Problem>),
    /// A secret is missing, or still a placeholder.
    #[error("target `{target}`: {field} {}", missing(variable.as_deref()))]
    Secret {
        /// The target.
        target: String,
        /// The field.
        field: String,
        /// The variable that is not set, if that is why.
        variable: Option<String>,
    },
    /// A target cannot be sent to as the scenario describes it.
    #[error("target `{target}`: {why}")]
    Target {
        /// The target.
        target: String,
        /// What is wrong.
        why: String,
    },
    /// Something that this version cannot carry out.
    #[error("{0}")]
    Unsupported(String),
    /// A target does not answer.
    #[error("target `{target}` is not reachable at {url}: {why}")]
    Unreachable {
        /// The target.
        target: String,
        /// Its address.
        url: String,
        /// What happened.
        why: String,
    },
}

impl PrepareError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(_) | Self::Unsupported(_) | Self::Target { .. } => None,
            Self::Secret { variable: Some(name), .. } => Some(format!("set it with `export {name}=...`")),
            Self::Secret { variable: None, .. } => {
                Some("put in the real value, or a reference to the environment".to_owned())
            }
            Self::Unreachable { .. } => {
                Some("start the target, correct its url, or use the practice target (--practice-target)".to_owned())
            }
        }
    }
}

fn missing(variable: Option<&str>) -> String {
    match variable {
        Some(name) => format!("needs the environment variable {name}, which is not set"),
        None => "is still a placeholder".to_owned(),
    }
}
