//! How far a server is from the floor of its backend: what it adds to what the kernel alone costs.
//!
//! The ratio comes from slices of the same rounds, like every ratio of two arms. A distance informs and decides nothing, so a
//! floor whose figures do not count costs the distance and nothing else.

use serde::Serialize;

use crate::record::{Launch, Observation, Plan};
use crate::reduce;
use crate::stats::mean;
use crate::validity::{Label, Reason};

/// One arm and the floor of its backend, over several launches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distance {
    /// The floor.
    pub floor: String,
    /// CPU per request over that of the floor; none when no launch has both.
    pub cpu_ratio: Option<f64>,
    /// Why it does not count: what is wrong with the floor.
    pub invalid: Vec<Reason>,
}

impl Distance {
    /// The distance of an arm; none for a floor, or where its floor is no arm of the plan.
    #[must_use]
    pub fn of(plan: &Plan, launches: &[&Launch], arm: usize) -> Option<Distance> {
        let floor = plan.floor_of(arm)?;
        let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[floor]).collect();
        let log_ratios = reduce::cpu_log_ratios(launches, floor, arm);
        Some(Distance {
            floor: plan.label(floor),
            cpu_ratio: mean(&log_ratios).map(f64::exp),
            invalid: Label::of(&seen, &plan.settings).invalid,
        })
    }

    /// Whether it counts.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }
}
