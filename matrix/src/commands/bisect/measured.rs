//! A commit is measured: a campaign with GOOD and it, in a record of its own, so that a search that was interrupted finds
//! what it had, and `cargo matrix report` shows it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, ensure};

use super::{Args, History, new_folder};
use crate::arm::Arm;
use crate::axes::{Axes, Coverage};
use crate::bisect::Measured;
use crate::build::{Rebuild, build, told};
use crate::campaign::{Asked, Campaign, Floors, Refused, planned};
use crate::commands::measure;
use crate::error::{Fault, Faulty, fault_of};
use crate::record::{Counts, Plan, Settings};
use crate::store;
use crate::verdict::Observed;

/// What measures commits.
pub(super) struct Bench<'a> {
    axes: &'a Axes,
    history: &'a History,
    args: &'a Args,
    seed: u64,
    folder: PathBuf,
    /// The records of commits that were begun, by the whole commit.
    records: BTreeMap<String, PathBuf>,
}

impl<'a> Bench<'a> {
    /// Builds GOOD, and finds the records of a search that is gone on with.
    pub(super) fn new(axes: &'a Axes, history: &'a History, args: &'a Args) -> Result<Bench<'a>> {
        let seed = args.measure.output.seed();
        let mut bench = Bench {
            axes,
            history,
            args,
            seed,
            folder: args
                .resume
                .clone()
                .unwrap_or_else(|| new_folder(axes, args, seed)),
            records: BTreeMap::new(),
        };
        if let Some(folder) = &args.resume {
            bench.records = bench.found_in(folder)?;
        }
        let good = Arm::Revised(history.good.clone(), history.design.clone());
        build(axes, &[good], Rebuild::Stale, &mut told)
            .context("failed to build the first revision of the range; name a later one")?;
        Ok(bench)
    }

    /// Where the records are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the launches of a commit that are missing. Whatever is wrong with the commit itself leaves it out.
    pub(super) fn measured(&mut self, commit: usize, launches: u32) -> Result<Measured> {
        if self.history.is_out_of_time() {
            return Ok(Measured::OutOfTime);
        }
        let result = self.launched(commit, launches);
        let Err(error) = &result else {
            return result;
        };
        if !is_of_the_commit(error) {
            return result;
        }
        let short = self.history.commits[commit].short();
        eprintln!("passed over {short}: {error:#}");
        Ok(Measured::Skipped)
    }

    fn launched(&mut self, commit: usize, launches: u32) -> Result<Measured> {
        let mut campaign = self.campaign(commit, launches)?;
        let observed = self.observed(&mut campaign, launches);
        campaign.finish();
        match &observed {
            Ok(None) => return Ok(Measured::OutOfTime),
            Err(error) if fault_of(error) == Fault::Interrupted => {}
            _ if campaign.record().launches.is_empty() => {}
            _ => {
                for (side, (arm, label)) in campaign.sides(self.args.workload).iter().enumerate() {
                    if let Some(reason) = label.invalid.first() {
                        return invalid(side, arm, &reason.to_string());
                    }
                }
            }
        }
        let metric = self.args.metric;
        let observed = observed?.context("no launch was asked for")?;
        if !observed.conditions.trust(metric) {
            return Ok(Measured::Untrusted(observed.conditions));
        }
        let pairs = observed.pairs.get(&metric).with_context(|| {
            format!(
                "failed to bisect by {}: it has no source here; --metric names others",
                metric.name()
            )
        })?;
        Ok(Measured::Launches(
            pairs.iter().map(|pair| pair.log_ratio).collect(),
        ))
    }

    /// What so many launches show; none where the time is over before.
    fn observed(&self, campaign: &mut Campaign, launches: u32) -> Result<Option<Observed>> {
        let made = campaign.record().launches.len() as u32;
        let mut observed = None;
        for launches in made.min(launches).max(1)..=launches.max(made) {
            if self.history.is_out_of_time() {
                return Ok(None);
            }
            observed = Some(campaign.observe(self.args.workload, launches)?);
        }
        Ok(observed)
    }

    fn campaign(&mut self, commit: usize, launches: u32) -> Result<Campaign> {
        let commit = self.history.commits[commit].clone();
        if let Some(path) = self.records.get(&commit.to_string()) {
            return Campaign::resume(path);
        }
        let design = &self.history.design;
        let arms = [&self.history.good, &commit];
        let asked = Asked {
            command: "bisect",
            started: measure::now(),
            // Names of records differ by it.
            seed: self.seed.wrapping_add(self.records.len() as u64),
            arms: arms
                .map(|commit| Arm::Revised(commit.clone(), design.clone()))
                .into(),
            coverage: Coverage::Full,
            floors: Floors::AsAsked,
            workloads: vec![self.args.workload],
            idle: Vec::new(),
            settings: self.settings(launches),
            counts: Counts::None,
            comparison: None,
            refused: Refused::Fails,
        };
        let started = asked.started.clone();
        let plan = planned(self.axes, asked)?;
        let output = &self.args.measure.output;
        let campaign = output.begin_in(&self.folder, self.axes, plan, &started)?;
        let path = campaign.path().to_owned();
        self.records.insert(commit.to_string(), path);
        Ok(campaign)
    }

    fn settings(&self, launches: u32) -> Settings {
        self.args.measure.settings(launches, self.args.rounds, None)
    }

    /// The records in a folder, by commit.
    fn found_in(&self, folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
        let context = || format!("failed to read the folder {}", folder.display());
        let mut records = BTreeMap::new();
        for entry in fs::read_dir(folder).with_context(context)? {
            let path = entry.with_context(context)?.path();
            if path.extension().is_some_and(|end| end == "jsonl") {
                let found = store::read(&path)?;
                let plan = found.record.plan();
                ensure!(
                    self.is_of_this_search(plan),
                    "failed to go on with {}: it was begun with another first revision, design, workload or settings; give \
                     the same arguments",
                    path.display()
                );
                let commit = plan.arms.get(1).and_then(|arm| arm.commit.clone());
                records.extend(commit.map(|commit| (commit, path)));
            }
        }
        Ok(records)
    }

    fn is_of_this_search(&self, plan: &Plan) -> bool {
        let good = Arm::Revised(self.history.good.clone(), self.history.design.clone());
        let first = plan.arms.first();
        plan.command == "bisect"
            && plan.workloads == [self.args.workload]
            && plan.settings == self.settings(plan.settings.launches)
            && first.is_some_and(|arm| {
                arm.name == good.name() && arm.commit == Some(self.history.good.to_string())
            })
    }
}

/// The side of GOOD, which stands beside every commit.
const GOOD: usize = 0;

/// Said of an error that is GOOD's: passing commits over would blame the last one.
const OF_GOOD: &str = "failed to bisect: the first revision of the range cannot be measured, so no commit can; name another one, or \
                       correct the settings";

/// A side of a campaign whose figures do not count.
fn invalid<T>(side: usize, arm: &str, reason: &str) -> Result<T> {
    let error = Err(anyhow!("failed to measure {arm}: {reason}")).fault(Fault::Measurement);
    match side {
        GOOD => error.context(OF_GOOD),
        _ => error,
    }
}

/// Whether what went wrong is the commit's own, so that it is passed over.
fn is_of_the_commit(error: &Error) -> bool {
    let is_of_good = error.downcast_ref() == Some(&OF_GOOD);
    let fault = fault_of(error);
    !is_of_good && !matches!(fault, Fault::Usage | Fault::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_passed_over_for_what_is_wrong_with_itself_alone() {
        let error = |side| invalid::<()>(side, "epoll+flat", "3 wrong answers").unwrap_err();
        assert!(is_of_the_commit(&error(1)));
        assert!(!is_of_the_commit(&error(0)));
        assert_eq!(fault_of(&error(0)), Fault::Measurement);
        let said = format!("{:#}", error(0));
        assert!(
            said.contains("the first revision of the range cannot be measured"),
            "{said}"
        );
        assert!(said.ends_with("epoll+flat: 3 wrong answers"), "{said}");
        assert!(!is_of_the_commit(&anyhow!("no such metric")));
    }
}
