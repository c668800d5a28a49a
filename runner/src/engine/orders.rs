//! Which workload a command is about, whether that can be changed so, and why not.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::plan::{Pacing, Plan};
use shared::run::RunState;

/// Most users, or requests at once, that can be asked for.
const MOST_USERS: u32 = 1_000_000;
/// Most by which the probability of a fault can be multiplied.
const MOST_FACTOR: f64 = 1_000.0;

/// Why a command was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// It makes no sense in the run's state.
    #[error("cannot {command} a run that is {}", state.name())]
    NotNow {
        /// The command as a verb.
        command: &'static str,
        /// Where the run stands.
        state: RunState,
    },
    /// The multiplier is out of range.
    #[error("a rate multiplier is above 0 and at most 1000")]
    Multiplier,
    /// It names something that the run does not have, or that cannot be changed so.
    #[error("{0}")]
    Unfit(String),
    /// The workers have not taken up earlier commands yet.
    #[error("the run is too busy to take another command")]
    Busy,
    /// The run's conductor is gone.
    #[error("the run is gone")]
    Gone,
}

/// What can be changed of a workload while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Adjustable {
    name: String,
    /// The weights of its mix as they are now; empty where it has none.
    weights: Vec<(String, f64)>,
    /// Whether it is made of users, or goes at the target's own pace.
    closed: bool,
}

/// What can be changed of a run: its workloads, in the plan's order, and its faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Adjustables {
    workloads: Vec<Adjustable>,
    /// Names by which faults can be made stronger or weaker.
    faults: Vec<String>,
}

impl Adjustables {
    /// As the plan has them.
    pub(crate) fn new(plan: &Plan) -> Self {
        let adjustable = |workload: &shared::plan::WorkloadPlan| Adjustable {
            name: workload.name.clone(),
            weights: workload.weights.clone(),
            closed: workload.pacing != Pacing::Scheduled,
        };
        Self { workloads: plan.workloads().iter().map(adjustable).collect(), faults: plan.fault_names() }
    }

    /// The workload whose mix is to have other weights, and those of all its events.
    ///
    /// # Errors
    ///
    /// Says why there is none, or what is wrong with the weights.
    pub(crate) fn weights(
        &self,
        workload: Option<&str>,
        wanted: &BTreeMap<String, f64>,
    ) -> Result<(usize, Arc<[f64]>), CommandError> {
        let place = self.place(workload, "a mix", |adjustable| !adjustable.weights.is_empty())?;
        let known = &self.workloads[place].weights;
        for (name, weight) in wanted {
            if !known.iter().any(|(known, _)| known == name) {
                let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!("the mix has no event `{name}`, only {}", names.join(", "));
                return Err(CommandError::Unfit(message));
            }
            if !(*weight >= 0.0 && weight.is_finite()) {
                return Err(CommandError::Unfit(format!("a weight is 0 or above, that of `{name}` is {weight}")));
            }
        }
        let weights: Vec<f64> =
            known.iter().map(|(name, weight)| wanted.get(name).copied().unwrap_or(*weight)).collect();
        if weights.iter().sum::<f64>() <= 0.0 {
            return Err(CommandError::Unfit("at least one event of the mix needs a weight above 0".to_owned()));
        }
        Ok((place, weights.into()))
    }

    /// Remembers the weights of a workload.
    pub(crate) fn set_weights(&mut self, place: usize, weights: &[f64]) {
        if let Some(adjustable) = self.workloads.get_mut(place) {
            adjustable.weights.iter_mut().zip(weights).for_each(|((_, known), weight)| *known = *weight);
        }
    }

    /// The workload that is to have so many users.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub(crate) fn users(&self, workload: Option<&str>, users: u32) -> Result<usize, CommandError> {
        if users == 0 || users > MOST_USERS {
            return Err(CommandError::Unfit(format!("users are 1 or more and at most {MOST_USERS}")));
        }
        self.place(workload, "users or concurrency", |adjustable| adjustable.closed)
    }

    /// The faults that are to be so strong, by their place among the plan's names.
    ///
    /// # Errors
    ///
    /// Says why there are none, or what is wrong with the factor.
    pub(crate) fn fault(&self, name: &str, factor: f64) -> Result<u16, CommandError> {
        if !(0.0..=MOST_FACTOR).contains(&factor) {
            return Err(CommandError::Unfit(format!("a fault's factor is at least 0 and at most {MOST_FACTOR}")));
        }
        let place = self.faults.iter().position(|known| known == name);
        place.map(|place| place as u16).ok_or_else(|| {
            CommandError::Unfit(match self.faults.as_slice() {
                [] => "the run has no faults".to_owned(),
                known => format!("the run has no faults named `{name}`, only {}", known.join(", ")),
            })
        })
    }

    fn place(&self, name: Option<&str>, what: &str, fits: impl Fn(&Adjustable) -> bool) -> Result<usize, CommandError> {
        let fitting: Vec<usize> = (0..self.workloads.len()).filter(|place| fits(&self.workloads[*place])).collect();
        let unfit = |message: String| Err(CommandError::Unfit(message));
        match (name, fitting.as_slice()) {
            (Some(name), _) => match self.workloads.iter().position(|adjustable| adjustable.name == name) {
                Some(place) if fitting.contains(&place) => Ok(place),
                Some(_) => unfit(format!("workload `{name}` has not {what}")),
                None => unfit(format!("the run has no workload `{name}`")),
            },
            (None, [only]) => Ok(*only),
            (None, []) => unfit(format!("the run has no workload with {what}")),
            (None, several) => {
                let names: Vec<&str> = several.iter().map(|place| self.workloads[*place].name.as_str()).collect();
                unfit(format!("name the workload: {} have {what}", names.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adjustables() -> Adjustables {
        let mix = |name: &str| Adjustable {
            name: name.to_owned(),
            weights: vec![("a".to_owned(), 3.0), ("b".to_owned(), 1.0)],
            closed: false,
        };
        let users = Adjustable { name: "people".to_owned(), weights: Vec::new(), closed: true };
        Adjustables { workloads: vec![mix("shop"), users], faults: vec!["flaky".to_owned(), "flaky.delay".to_owned()] }
    }

    #[test]
    fn weights_that_are_not_named_stay() {
        let mut all = adjustables();
        let (place, weights) = all.weights(None, &BTreeMap::from([("b".to_owned(), 7.0)])).unwrap();
        assert_eq!((place, &*weights), (0, [3.0, 7.0].as_slice()));
        all.set_weights(place, &weights);
        let (_, weights) = all.weights(Some("shop"), &BTreeMap::from([("a".to_owned(), 0.0)])).unwrap();
        assert_eq!(&*weights, [0.0, 7.0].as_slice());
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let all = adjustables();
        let weights = |name: &str, weight| all.weights(None, &BTreeMap::from([(name.to_owned(), weight)]));
        assert!(weights("c", 1.0).unwrap_err().to_string().contains("no event `c`, only a, b"));
        assert!(weights("a", -1.0).unwrap_err().to_string().contains("0 or above"));
        let none = all.weights(None, &BTreeMap::from([("a".to_owned(), 0.0), ("b".to_owned(), 0.0)]));
        assert!(none.unwrap_err().to_string().contains("above 0"));
        assert_eq!(all.users(None, 5), Ok(1));
        assert!(all.users(Some("shop"), 5).unwrap_err().to_string().contains("has not users"));
        assert!(all.users(Some("nobody"), 5).unwrap_err().to_string().contains("no workload `nobody`"));
        assert!(all.users(None, 0).is_err());
    }

    #[test]
    fn faults_go_by_name_and_within_bounds() {
        let all = adjustables();
        assert_eq!(all.fault("flaky.delay", 0.0), Ok(1));
        assert!(all.fault("flaky", 1_001.0).is_err() && all.fault("flaky", f64::NAN).is_err());
        let told = all.fault("flakey", 1.0).unwrap_err().to_string();
        assert!(told.contains("only flaky, flaky.delay"), "{told}");
    }
}
