//! The designs of a record under one workload whose figures count, and the conditions they were measured under.

use crate::machine::state_over;
use crate::record::{Launch, Observation, Plan};
use crate::sheet::{Effects, Front};
use crate::validity::Label;
use crate::verdict::{ClientState, Conditions, Metric};

/// What is known of a workload's designs.
#[derive(Debug)]
pub struct Field<'a> {
    plan: &'a Plan,
    launches: &'a [&'a Launch],
    labels: Vec<Label>,
    /// The machine, and the client of all designs together.
    pub conditions: Conditions,
}

impl<'a> Field<'a> {
    /// Of these launches.
    #[must_use]
    pub fn of(plan: &'a Plan, launches: &'a [&'a Launch]) -> Field<'a> {
        let label = |arm: usize| {
            let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[arm]).collect();
            Label::of(&seen, &plan.settings)
        };
        let mut field = Field {
            plan,
            launches,
            labels: (0..plan.arms.len()).map(label).collect(),
            conditions: Conditions::default(),
        };
        let is_limited = |arm: &usize| field.labels[*arm].is_client_limited();
        field.conditions = Conditions {
            machine: state_over(launches.iter().map(|launch| &launch.quiet)),
            client: match field.designs().iter().any(is_limited) {
                true => ClientState::Limiting,
                false => ClientState::Ahead,
            },
        };
        field
    }

    /// The designs with valid figures, by the numbers of their arms. Floors and paths are none.
    #[must_use]
    pub fn designs(&self) -> Vec<usize> {
        let is_design = |arm: &usize| {
            let name = &self.plan.arms[*arm].name;
            self.plan.values_of(name).is_some() && self.labels[*arm].is_valid()
        };
        (0..self.labels.len()).filter(is_design).collect()
    }

    /// What each axis does to a metric.
    #[must_use]
    pub fn effects(&self, metric: Metric) -> Effects {
        let is_valid = |arm: usize| self.labels[arm].is_valid();
        let mut effects = Effects::of(self.plan, self.launches, metric, is_valid);
        if !self.conditions.trust(metric) {
            effects.notes.push(format!(
                "{} is advisory here: the machine was noisy or the client was busy",
                metric.name()
            ));
        }
        effects
    }

    /// Which designs no other beats in these metrics at the same time.
    #[must_use]
    pub fn front(&self, objectives: &[Metric]) -> Front {
        let designs = self.designs();
        Front::of(
            self.plan,
            self.launches,
            &designs,
            objectives,
            self.conditions,
        )
    }
}
