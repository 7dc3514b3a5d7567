//! What a comparison found: per workload the judgement of its launches, what is said of both sides, and the decision.
//!
//! Everything follows from the record, so `compare` shows at its end what `report` and the exports show of its record later:
//! the launches are gone through look by look again, by the same code that decided when to stop. A comparison is decided in
//! one go, so campaigns that were merged are judged one by one.

mod print;

use std::convert::Infallible;
use std::ops::Range;

use serde::Serialize;

use crate::count::compared;
use crate::distance::Distance;
use crate::error::Outcome;
use crate::machine::{Machine, state_over};
use crate::record::{Counts, Launch, Observation, Plan, PlannedArm, Record, Settings};
use crate::reduce;
use crate::sheet::CountRow;
use crate::validity::Label;
use crate::verdict::{
    ClientState, Conditions, Decision, Judgement, LOOKS, Look, Metric, Observed, Roles, Rules,
    looks, until_decided,
};
use crate::workload::Workload;

pub(crate) use print::changes;

/// The command whose records are comparisons.
pub const COMPARE: &str = "compare";

/// The arms that a comparison decides about. Floors stand behind them and have no say.
pub const SIDES: Range<usize> = 0..2;

/// One campaign of `compare`.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Its name.
    pub campaign: String,
    /// What is there.
    pub baseline: PlannedArm,
    /// What would replace it.
    pub candidate: PlannedArm,
    /// The names of the floors that were measured beside them.
    pub floors: Vec<String>,
    /// The machine, in one line; none where the record has no line of it.
    pub machine: Option<String>,
    /// Where all chance comes from.
    pub seed: u64,
    /// How load was offered.
    pub settings: Settings,
    /// Whether the record says by which rules it was decided, or the usual ones are taken.
    pub rules_from: RulesFrom,
    /// One per workload.
    pub workloads: Vec<Finding>,
}

/// Where the rules are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RulesFrom {
    /// The record says them.
    Record,
    /// The record is from before they were kept.
    Default,
}

/// What was found under one workload.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Which.
    pub workload: Workload,
    /// None when a cell is invalid, or when it was broken off before a look could decide.
    pub decision: Option<Decision>,
    /// The last look; of a comparison that was broken off what all of its launches say so far.
    pub judgement: Judgement,
    /// What is said of both cells.
    pub cells: Vec<Cell>,
    /// Whether anything was counted beside.
    pub counts: Counts,
    /// What of it could not be counted, and why.
    pub uncounted: Vec<String>,
    /// The CPU that servers and client had to share, if they did.
    pub cpu_shared: Option<usize>,
    /// Whether `--max-minutes` ended it.
    pub time_was_over: bool,
    /// How many launches the next look needs, where it was broken off before it.
    pub broken_off_before: Option<u32>,
}

/// One side under one workload.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Its name.
    pub arm: String,
    /// Whether its figures count.
    #[serde(flatten)]
    pub label: Label,
    /// None when its floor is not known or was left out.
    pub to_floor: Option<Distance>,
}

impl Comparison {
    /// One per campaign of a record of `compare`; none of any other record.
    #[must_use]
    pub fn all_of(record: &Record) -> Vec<Comparison> {
        let plans = record.plans.values();
        plans
            .filter(|plan| plan.command == COMPARE && plan.arms.len() >= SIDES.len())
            .map(|plan| Comparison::of(plan, record))
            .collect()
    }

    fn of(plan: &Plan, record: &Record) -> Comparison {
        let floors = plan.arms[SIDES.end..].iter();
        let finding = |workload: &Workload| {
            let launches = record.launches_of(*workload).into_iter();
            let of_campaign = launches.filter(|launch| launch.campaign == plan.campaign);
            Finding::of(record, plan, *workload, &of_campaign.collect::<Vec<_>>())
        };
        Comparison {
            campaign: plan.campaign.clone(),
            baseline: plan.arms[0].clone(),
            candidate: plan.arms[1].clone(),
            floors: floors.map(|arm| arm.name.clone()).collect(),
            machine: record.machines.get(&plan.campaign).map(Machine::line),
            seed: plan.seed,
            settings: plan.settings,
            rules_from: match plan.comparison {
                Some(_) => RulesFrom::Record,
                None => RulesFrom::Default,
            },
            workloads: plan.workloads.iter().map(finding).collect(),
        }
    }

    /// Over all workloads: the worst one speaks.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let has = |decision| {
            let mut findings = self.workloads.iter();
            findings.any(|finding| finding.decision == Some(decision))
        };
        if self.workloads.iter().any(Finding::is_invalid) {
            Outcome::Invalid
        } else if has(Decision::NoGo) {
            Outcome::NoGo
        } else if has(Decision::Inconclusive) {
            Outcome::Inconclusive
        } else {
            Outcome::Done
        }
    }
}

impl Finding {
    fn of(record: &Record, plan: &Plan, workload: Workload, launches: &[&Launch]) -> Finding {
        let judgement = judged(record, plan, workload, launches);
        let has_ended = (record.ended).contains_key(&(workload, plan.campaign.clone()));
        let next = next_look(plan, &judgement, launches.len() as u32);
        let broken_off_before = next.filter(|_| !has_ended);
        let cell = |(side, (arm, label))| Cell {
            arm,
            label,
            to_floor: Distance::of(plan, launches, side),
        };
        let sides = sides(plan, launches).into_iter().enumerate();
        let cells: Vec<Cell> = sides.map(cell).collect();
        let counts = cells.iter().all(|cell| cell.label.is_valid()) && broken_off_before.is_none();
        Finding {
            workload,
            decision: counts.then_some(judgement.decision),
            time_was_over: broken_off_before.is_none()
                && judgement.decision == Decision::Inconclusive
                && judgement.look.launches < plan.settings.launches,
            judgement,
            cells,
            counts: plan.counts,
            uncounted: uncounted(record, plan, workload),
            cpu_shared: launches.iter().find_map(|launch| launch.cpu_shared()),
            broken_off_before,
        }
    }

    /// Whether a cell's figures do not count.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.cells.iter().any(|cell| !cell.label.is_valid())
    }

    /// What candidate and baseline need over what their floors need; floors are compared by CPU per request alone.
    #[must_use]
    pub fn to_floor(&self, metric: Metric) -> [Option<f64>; 2] {
        [0, 1].map(|side| {
            let distance = self.cells[side].to_floor.as_ref()?;
            let counts = metric == Metric::CpuPerRequest && distance.is_valid();
            distance.cpu_ratio.filter(|_| counts)
        })
    }
}

/// The look at which the launches were decided about. Where there are fewer launches than a look asks for, it is moved to
/// those that there are, as it is when the time is over; of what was broken off such a look decides nothing.
fn judged(record: &Record, plan: &Plan, workload: Workload, launches: &[&Launch]) -> Judgement {
    let rules = rules(plan, workload);
    let judge = |look: Look| {
        let first = &launches[..launches.len().min(look.launches as usize)];
        let look = Look {
            launches: first.len() as u32,
            ..look
        };
        Ok(Judgement::of(
            &observed(record, plan, workload, first),
            &rules,
            look,
            plan.seed,
        ))
    };
    let Ok(judgements) = until_decided::<Infallible>(&looks(plan.settings.launches), judge);
    judgements.into_iter().next_back().unwrap_or_else(|| {
        let none = Look {
            launches: 0,
            ..LOOKS[0]
        };
        Judgement::of(
            &observed(record, plan, workload, launches),
            &rules,
            none,
            plan.seed,
        )
    })
}

fn rules(plan: &Plan, workload: Workload) -> Rules {
    let known = plan
        .comparison
        .as_ref()
        .and_then(|how| how.rules.get(&workload));
    known
        .cloned()
        .unwrap_or_else(|| Roles::new(Metric::CpuPerRequest, &[]).into())
}

/// How many launches the next look needs, where no look that was planned decided. Only the clock may take it earlier, and
/// a comparison that the clock ended says in the record that it ended.
fn next_look(plan: &Plan, judgement: &Judgement, made: u32) -> Option<u32> {
    let looks = looks(plan.settings.launches);
    let is_planned = looks
        .iter()
        .any(|look| look.launches == judgement.look.launches);
    let is_decided = is_planned && judgement.decision != Decision::Inconclusive;
    let next = looks.into_iter().find(|look| look.launches > made)?;
    (!is_decided).then_some(next.launches)
}

/// What could not be counted of the two sides, and why.
fn uncounted(record: &Record, plan: &Plan, workload: Workload) -> Vec<String> {
    let counts = record.counts.values();
    let rows = counts
        .filter(|count| count.campaign == plan.campaign && count.workload == workload)
        .map(|count| CountRow::of(count, plan.label(count.arm)));
    rows.flat_map(|row| row.troubles()).collect()
}

/// What these launches show of the two sides, and under which conditions. Whatever is wrong with a further arm changes
/// none of it.
#[must_use]
pub fn observed(
    record: &Record,
    plan: &Plan,
    workload: Workload,
    launches: &[&Launch],
) -> Observed {
    let is_limited = sides(plan, launches)
        .iter()
        .any(|(_, label)| label.is_client_limited());
    let conditions = Conditions {
        machine: state_over(launches.iter().map(|launch| &launch.quiet)),
        client: if is_limited {
            ClientState::Limiting
        } else {
            ClientState::Ahead
        },
    };
    Observed {
        counted: compared(record, &plan.campaign, workload),
        ..reduce::observed(launches, 0, 1, conditions)
    }
}

/// What is said of the cells of both sides, by arm.
#[must_use]
pub fn sides(plan: &Plan, launches: &[&Launch]) -> Vec<(String, Label)> {
    let of_arm = |arm: usize| {
        let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[arm]).collect();
        (plan.label(arm), Label::of(&seen, &plan.settings))
    };
    SIDES.map(of_arm).collect()
}
