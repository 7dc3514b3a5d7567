//! Which designs meet what somebody needs, and which of them may be the best: from records, never as a ranking.
//!
//! Each need is held against the 95 % interval of a design's figure over launches: all of it within the limit is *met*, all
//! of it beyond is *missed*, and the rest is not known. Of the designs that meet every need the primary metric then leaves the set
//! that holds the best one with a chance of 95 %, by [`may_be_best`].
//! What the set holds is in the order of the record; nothing in it is placed before anything else.

mod evidence;
mod figures;
mod print;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::need::Need;
use crate::record::Record;
use crate::reduce;
use crate::sheet::Field;
use crate::stats::signflip::Interval;
use crate::stats::simultaneous::{LAUNCHES_MIN, may_be_best};
use crate::verdict::Metric;
use crate::workload::Workload;

pub use evidence::{Evidence, Load, newest};

/// The chance that the best design is missing in the set.
const ALPHA: f64 = 0.05;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// All of them have to be met.
    pub needs: Vec<Need>,
    /// What decides among those that meet them.
    pub primary: Metric,
    /// Under which workload.
    pub workload: Workload,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Recommendation {
    /// The campaigns it comes from.
    pub campaigns: Vec<String>,
    /// What is needed.
    pub needs: Vec<Need>,
    /// Under which workload.
    pub workload: Workload,
    /// What decides among those that meet it.
    pub primary: Metric,
    /// Under which load the primary metric is taken.
    pub load: Load,
    /// Every design of the record, in its order.
    pub designs: Vec<Assessed>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

/// One design.
#[derive(Clone, Debug, Serialize)]
pub struct Assessed {
    /// Its name.
    pub design: String,
    /// What comes of all needs.
    pub standing: Standing,
    /// One per need.
    pub answers: Vec<Answer>,
    /// Its median of the primary metric, in the metric's own unit.
    pub primary: Option<f64>,
    /// Why no figure of it counts.
    pub invalid: Vec<String>,
    /// Whether it may be the best of those that meet every need.
    pub may_be_best: bool,
    /// How a package comes to depend on it.
    pub cargo: String,
}

/// What comes of all needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Every need is met.
    Meets,
    /// None is missed, and of some it is not known.
    MayMeet,
    /// One is missed, or its figures are invalid.
    Excluded,
}

/// One need of one design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The geometric mean over launches, in the base unit of the need.
    pub value: Option<f64>,
    /// Its 95 % interval; none below six launches.
    pub interval: Option<Interval>,
    /// What it says.
    pub verdict: Verdict,
}

/// What is known of a need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", content = "why", rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval lies within the limit.
    Met,
    /// The interval lies beyond it.
    Missed,
    /// Not known, and why.
    Unknown(String),
}

impl Recommendation {
    /// From evidence that has what every need asks for; `workspace` is where the library lies.
    ///
    /// # Errors
    /// When a record lacks what is needed, with the command that makes it.
    pub fn of(asked: &Asked, evidence: &Evidence, workspace: &Path) -> Result<Recommendation> {
        let load = Load::of_all(&asked.needs);
        let main = evidence.of(load, asked.workload)?;
        let mut designs = figures::assessed(asked, evidence, workspace)?;
        let mut notes = Vec::new();
        choose(main, asked, &mut designs, &mut notes);
        Ok(Recommendation {
            campaigns: evidence.campaigns(),
            needs: asked.needs.clone(),
            workload: asked.workload,
            primary: asked.primary,
            load,
            designs,
            notes,
        })
    }

    /// Those of `designs` that the record of the needs neither has nor gives a reason for.
    #[must_use]
    pub fn missing<'a>(&self, evidence: &Evidence, designs: &'a [String]) -> Vec<&'a str> {
        let main = evidence.of(self.load, self.workload);
        let left_out = main.map_or(&[][..], |record| &record.plan().left_out);
        let is_known = |name: &String| {
            let mut assessed = self.designs.iter();
            assessed.any(|known| known.design == *name)
                || left_out.iter().any(|known| known.name == *name)
        };
        let missing = designs.iter().filter(|name| !is_known(name));
        missing.map(String::as_str).collect()
    }

    /// Those of a standing.
    pub fn with(&self, standing: Standing) -> impl Iterator<Item = &Assessed> {
        let designs = self.designs.iter();
        designs.filter(move |design| design.standing == standing)
    }
}

/// Marks those that may be the best in the primary metric, of those that meet every need.
fn choose(record: &Record, asked: &Asked, designs: &mut [Assessed], notes: &mut Vec<String>) {
    let plan = record.plan();
    let launches = record.launches_of(asked.workload);
    let arm = |design: &Assessed| plan.arms.iter().position(|arm| arm.name == design.design);
    let meeting: Vec<(usize, usize)> = (designs.iter().enumerate())
        .filter(|(_, design)| design.standing == Standing::Meets)
        .filter_map(|(place, design)| Some((place, arm(design)?)))
        .collect();
    let conditions = Field::of(plan, &launches).conditions;
    let primary = asked.primary;
    let has_say = conditions.trust(primary);
    let advantage = |one: usize, other: usize| {
        let (one, other) = (meeting[one].1, meeting[other].1);
        reduce::advantages(&launches, one, other, primary).unwrap_or_default()
    };
    let found = may_be_best(meeting.len(), advantage, ALPHA, plan.seed).filter(|_| has_say);
    if meeting.is_empty() {
        return;
    } else if !has_say {
        notes.push(format!(
            "{} has no say, as the machine was noisy or the client was busy: every design that meets the needs may be \
             the best",
            primary.name()
        ));
    } else if found.is_none() {
        notes.push(format!(
            "fewer than {LAUNCHES_MIN} launches have {}: every design that meets the needs may be the best",
            primary.name()
        ));
    }
    let all = || (0..meeting.len()).collect();
    for of_meeting in found.unwrap_or_else(all) {
        designs[meeting[of_meeting].0].may_be_best = true;
    }
}
