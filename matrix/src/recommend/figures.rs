//! What each need says of each design.

use std::path::Path;

use anyhow::Result;

use super::{Answer, Asked, Assessed, Evidence, Load, Standing, Verdict};
use crate::machine::state_over;
use crate::need::{Need, Subject};
use crate::record::{Idle, Launch, Observation, Record};
use crate::reduce;
use crate::sheet::{bytes_per_connection, plain_interval, trouble};
use crate::stats::signflip::Interval;
use crate::stats::simultaneous::LAUNCHES_MIN;
use crate::stats::{mean, median};
use crate::validity::Label;
use crate::verdict::{MachineState, Metric};
use crate::workload::Workload;

/// Every design of the main record under every need.
pub(super) fn assessed(
    asked: &Asked,
    evidence: &Evidence,
    workspace: &Path,
) -> Result<Vec<Assessed>> {
    let main = evidence.of(Load::of_all(&asked.needs), asked.workload)?;
    let plan = main.plan();
    let names = plan.arms.iter().map(|arm| arm.name.as_str());
    let designs = names.filter(|name| plan.values_of(name).is_some());
    let of_design = |name| of_design(name, main, asked, evidence, workspace);
    designs.map(of_design).collect()
}

fn of_design(
    name: &str,
    main: &Record,
    asked: &Asked,
    evidence: &Evidence,
    workspace: &Path,
) -> Result<Assessed> {
    let primary = Seen::of(main, name, asked.workload).primary(asked.primary);
    let (mut answers, mut invalid) = (Vec::new(), Vec::new());
    for need in &asked.needs {
        let record = evidence.of(Load::of(need, &asked.needs), asked.workload)?;
        let seen = Seen::of(record, name, asked.workload);
        answers.push(seen.answer(need, record.plan().seed));
        invalid.extend(seen.invalid);
    }
    invalid.dedup();
    let is = |verdict: fn(&Verdict) -> bool| answers.iter().any(|answer| verdict(&answer.verdict));
    let standing = if !invalid.is_empty() || is(|verdict| *verdict == Verdict::Missed) {
        Standing::Excluded
    } else if is(|verdict| matches!(verdict, Verdict::Unknown(_))) {
        Standing::MayMeet
    } else {
        Standing::Meets
    };
    Ok(Assessed {
        design: name.to_owned(),
        standing,
        answers,
        primary,
        invalid,
        may_be_best: false,
        cargo: cargo(&main.plan().values_of(name).unwrap_or_default(), workspace),
    })
}

/// The line by which a package comes to depend on a design.
fn cargo(values: &[&str], workspace: &Path) -> String {
    let path = workspace.join("server").display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    let path = match path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    };
    let features = values.join(",");
    format!("cargo add orthant --path {path} --no-default-features --features {features}")
}

/// What a record has of one design.
struct Seen<'a> {
    launches: Vec<&'a Launch>,
    observations: Vec<&'a Observation>,
    starts: Vec<&'a Idle>,
    /// Why the wall clock has no say.
    silent: Option<&'static str>,
    invalid: Vec<String>,
}

impl<'a> Seen<'a> {
    fn of(record: &'a Record, name: &str, workload: Workload) -> Seen<'a> {
        let plan = record.plan();
        let arm = plan.arms.iter().position(|arm| arm.name == name);
        let launches = record.launches_of(workload);
        let of_arm = |launch: &&'a Launch| arm.map(|arm| &launch.arms[arm]);
        let observations: Vec<&Observation> = launches.iter().filter_map(of_arm).collect();
        let is_start = |start: &&Idle| arm.is_some() && start.arm == arm;
        let starts: Vec<&Idle> = record.idle.values().filter(is_start).collect();
        let label = Label::of(&observations, &plan.settings);
        let machine = state_over(launches.iter().map(|launch| &launch.quiet));
        let reasons = label.invalid.iter().map(ToString::to_string);
        let troubles = starts.iter().filter_map(|start| trouble(start));
        Seen {
            silent: match machine {
                MachineState::Noisy => Some("the machine was noisy"),
                MachineState::Quiet if label.is_client_limited() => Some("the client was busy"),
                MachineState::Quiet => None,
            },
            invalid: reasons.chain(troubles).collect(),
            launches,
            observations,
            starts,
        }
    }

    fn primary(&self, metric: Metric) -> Option<f64> {
        let values = self.observations.iter();
        let values = values.filter_map(|seen| reduce::value(seen, metric));
        median(&values.collect::<Vec<_>>())
    }

    /// One value per launch or start; none where one of them has no figure.
    fn values(&self, subject: Subject) -> Option<Vec<f64>> {
        let value = |seen: &&Observation| match subject {
            Subject::Latency(quantile) => seen.latency.quantile_ns(quantile.share()),
            Subject::Memory => reduce::value(seen, Metric::Memory),
            Subject::Cpu => reduce::value(seen, Metric::CpuPerRequest),
            Subject::Throughput => reduce::value(seen, Metric::Throughput),
            Subject::BytesPerConnection => None,
        };
        let values: Vec<f64> = match subject {
            Subject::BytesPerConnection => bytes_per_connection(&self.starts),
            _ => self.observations.iter().map(value).collect::<Option<_>>()?,
        };
        let is_whole = values.len() == self.launches.len().max(self.starts.len());
        (is_whole && !values.is_empty() && values.iter().all(|value| *value > 0.0))
            .then_some(values)
    }

    fn without_figure(&self, subject: Subject) -> String {
        let why = match subject {
            _ if self.observations.is_empty() && self.starts.is_empty() => "it was not measured",
            Subject::Latency(_) => {
                "fewer than ten answers of a launch lie beyond the percentile; --rounds makes more"
            }
            _ => "a launch has no figure of it",
        };
        why.to_owned()
    }

    fn answer(&self, need: &Need, seed: u64) -> Answer {
        let Some(values) = self.values(need.subject) else {
            return Answer {
                value: None,
                interval: None,
                verdict: Verdict::Unknown(self.without_figure(need.subject)),
            };
        };
        let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let interval = plain_interval(&logarithms, seed).map(|interval| Interval {
            low: interval.low.exp(),
            high: interval.high.exp(),
        });
        let is_wall_clock = matches!(need.subject, Subject::Latency(_) | Subject::Throughput);
        let verdict = match self.silent.filter(|_| is_wall_clock) {
            Some(why) => Verdict::Unknown(format!("{why}, so the wall clock has no say")),
            None => interval.map_or_else(too_few, |interval| judged(need, interval)),
        };
        Answer {
            value: mean(&logarithms).map(f64::exp),
            interval,
            verdict,
        }
    }
}

fn too_few() -> Verdict {
    Verdict::Unknown(format!("an interval needs {LAUNCHES_MIN} launches"))
}

fn judged(need: &Need, interval: Interval) -> Verdict {
    let Interval { low, high } = match need.subject.more_is_better() {
        true => interval.negated(),
        false => interval,
    };
    let limit = match need.subject.more_is_better() {
        true => -need.limit,
        false => need.limit,
    };
    if high < limit {
        Verdict::Met
    } else if low >= limit {
        Verdict::Missed
    } else {
        Verdict::Unknown("the limit lies in its interval".to_owned())
    }
}
