//! A campaign: a plan, the launches made so far, and the file that holds both.
//!
//! `run`, `sweep`, `compare` and `quick` differ in which arms they plan and when they stop; launches are made, stored and
//! resumed here. A launch is in the file before the next one begins, and what is in the file is never made again.

mod clock;
mod planned;
mod progress;
mod soak;

use std::ops::Range;
use std::path::Path;

use anyhow::Result;

use crate::comparison::{self, SIDES};
use crate::count::count;
use crate::error::{Fault, Faulty, fault_of};
use crate::idle::{hold, turns};
use crate::launch::launch;
use crate::load::Load;
use crate::machine::Machine;
use crate::process;
use crate::record::{Counts, Ended, Launch, Line, Plan, Record};
use crate::store::Store;
use crate::validity::{Label, Reason};
use crate::verdict::Observed;
use crate::workload::Workload;

use clock::Clock;
pub use clock::Ends;
pub(crate) use planned::check_answers;
use planned::verified;
pub use planned::{Asked, Floors, Refused, planned};
pub use progress::Progress;

/// A campaign under way.
pub struct Campaign {
    plan: Plan,
    record: Record,
    store: Store,
    cpus: Vec<usize>,
    load: Load,
    progress: Progress,
    clock: Clock,
}

impl Campaign {
    /// Begins one in a new file below `folder`; `workspace` is described in it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(plan: Plan, started: &str, folder: &Path, workspace: &Path) -> Result<Campaign> {
        let machine = Machine::describe(&plan.campaign, started, workspace)?;
        let mut store = Store::create(folder, &plan.campaign)?;
        store.append(&Line::Plan(plan.clone()))?;
        store.append(&Line::Machine(Box::new(machine.clone())))?;
        let mut record = Record::new(plan.clone());
        record.machines.insert(plan.campaign.clone(), machine);
        Campaign::over(plan, record, store)
    }

    /// Goes on with the one in `path`, with the executables it began with.
    ///
    /// # Errors
    /// When the file cannot be read or an executable changed.
    pub fn resume(path: &Path) -> Result<Campaign> {
        let (store, record) = Store::resume(path)?;
        let plan = record.plan().clone();
        verified(&plan)?;
        Campaign::over(plan, record, store)
    }

    fn over(plan: Plan, record: Record, store: Store) -> Result<Campaign> {
        let cpus = process::usable_cpus()?;
        process::catch_interrupts();
        process::open_files_at_least(plan.descriptors())?;
        let per_block = match plan.idle.is_empty() {
            true => plan.workloads.len(),
            false => plan.arms.len() + 1,
        };
        let counted = match plan.counts {
            Counts::None => 0,
            Counts::Alone => plan.arms.len(),
            Counts::Beside => SIDES.len(),
        };
        let total = plan.settings.launches as usize * per_block + counted * plan.workloads.len();
        let found = record.launches.len() + record.idle.len() + record.counts.len();
        let max_minutes = plan.comparison.as_ref().and_then(|how| how.max_minutes);
        let progress = Progress::new(total, found, max_minutes);
        Ok(Campaign {
            plan,
            record,
            store,
            cpus,
            load: Load::new()?,
            progress,
            clock: Clock::begin(),
        })
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was seen so far.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Makes all launches that are planned and missing: first one of every workload, then the next, so that a campaign
    /// that is interrupted knows something about each.
    ///
    /// # Errors
    /// When a launch cannot be made or stored.
    pub fn complete(&mut self) -> Result<()> {
        if self.plan.counts == Counts::Alone {
            for workload in self.plan.workloads.clone() {
                self.count(workload, 0..self.plan.arms.len())?;
            }
        }
        for block in 0..self.plan.settings.launches {
            for workload in self.plan.workloads.clone() {
                self.ensure(workload, block)?;
            }
            if !self.plan.idle.is_empty() {
                for arm in turns(&self.plan, block) {
                    self.ensure_idle(arm, block)?;
                }
            }
        }
        self.finish();
        Ok(())
    }

    /// Makes the first `launches` launches of a workload, as far as they are missing, and says what they show of the
    /// first two arms. Whatever is wrong with a further arm changes none of it.
    ///
    /// # Errors
    /// When a launch cannot be made or stored, or shows that one of the two cannot be measured at all.
    pub fn observe(&mut self, workload: Workload, launches: u32) -> Result<Observed> {
        let (observed, _) = self.observe_in_time(workload, launches, Ends::Never)?;
        Ok(observed)
    }

    /// The same, as far as there is time; with how many launches there are.
    ///
    /// # Errors
    /// Those of [`Campaign::observe`].
    pub fn observe_in_time(
        &mut self,
        workload: Workload,
        launches: u32,
        ends: Ends,
    ) -> Result<(Observed, u32)> {
        let mut made = 0;
        while made < launches && (self.has(workload, made) || self.clock.fits(ends)) {
            self.ensure(workload, made)?;
            self.stop_if_lasting(workload)?;
            made += 1;
        }
        let launches = self.record.launches_of(workload);
        Ok((
            comparison::observed(&self.record, &self.plan, workload, &launches),
            made,
        ))
    }

    /// Keeps that a comparison under a workload came to its end after so many launches.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn end(&mut self, workload: Workload, launches: u32) -> Result<()> {
        let ended = Ended {
            campaign: self.plan.campaign.clone(),
            workload,
            launches,
        };
        self.store.append(&Line::Ended(ended.clone()))?;
        self.record.add_ended(ended)
    }

    /// When the first of `open` workloads that share the time has to end.
    #[must_use]
    pub fn part_of(&self, ends: Ends, open: usize) -> Ends {
        self.clock.part(ends, open)
    }

    /// Counts what both sides do under every workload, where the plan says so. The time of launches begins behind it.
    ///
    /// # Errors
    /// When it cannot be stored, or the user interrupts it.
    pub fn count_sides(&mut self) -> Result<()> {
        if self.plan.counts == Counts::Beside {
            for workload in self.plan.workloads.clone() {
                self.count(workload, SIDES)?;
            }
            self.clock = Clock::begin();
            self.progress.begin_time();
        }
        Ok(())
    }

    fn count(&mut self, workload: Workload, arms: Range<usize>) -> Result<()> {
        for arm in arms {
            let key = (workload, self.plan.campaign.clone(), arm);
            if self.record.counts.contains_key(&key) {
                continue;
            }
            let what = format!("counting {}, {workload}", self.plan.label(arm));
            self.progress.begin(&what, 0);
            let counted = count(&self.plan, workload, arm, &self.cpus);
            process::bind_to(&self.cpus)?;
            let counted = counted.map_err(|error| self.explained(error))?;
            self.store.append(&Line::Count(Box::new(counted.clone())))?;
            self.record.add_count(counted)?;
            self.progress.end();
        }
        Ok(())
    }

    /// What is said of the cells of both sides under a workload, by arm.
    #[must_use]
    pub fn sides(&self, workload: Workload) -> Vec<(String, Label)> {
        comparison::sides(&self.plan, &self.record.launches_of(workload))
    }

    /// What a launch took in seconds, the mean of those made now.
    #[must_use]
    pub fn launch_s(&self) -> Option<f64> {
        self.progress.launch_s()
    }

    /// Takes the progress bar off the screen.
    pub fn finish(&self) {
        self.progress.finish();
    }

    fn has(&self, workload: Workload, block: u32) -> bool {
        let key = (workload, self.plan.campaign.clone(), block);
        self.record.launches.contains_key(&key)
    }

    fn ensure(&mut self, workload: Workload, block: u32) -> Result<()> {
        if self.has(workload, block) {
            return Ok(());
        }
        self.progress.begin(workload.name(), block);
        let launch = || launch(&self.plan, workload, block, &self.cpus, &mut self.load);
        let made = self.clock.time(launch);
        // Whatever comes next is not part of the measurement and may use every CPU.
        process::bind_to(&self.cpus)?;
        let made = made.map_err(|error| self.explained(error))?;
        self.keep(made)
    }

    fn ensure_idle(&mut self, arm: Option<usize>, block: u32) -> Result<()> {
        if self
            .record
            .idle
            .contains_key(&(self.plan.campaign.clone(), block, arm))
        {
            return Ok(());
        }
        let name = arm.map_or("bare pairs".to_owned(), |arm| self.plan.label(arm));
        self.progress.begin(&name, block);
        let held = hold(&self.plan, arm, block, &self.cpus);
        process::bind_to(&self.cpus)?;
        let held = held.map_err(|error| self.explained(error))?;
        self.store.append(&Line::Idle(held.clone()))?;
        self.record.add_idle(held)?;
        self.progress.end();
        Ok(())
    }

    fn keep(&mut self, launch: Launch) -> Result<()> {
        self.store.append(&Line::Launch(Box::new(launch.clone())))?;
        self.record.add(launch)?;
        self.progress.end();
        Ok(())
    }

    fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        self.progress.finish();
        if fault_of(&error) != Fault::Interrupted {
            return error;
        }
        let path = self.path().display();
        let resume = match self.plan.command.as_str() {
            "compare" => String::new(),
            "bisect" => "the same command with `--resume` and its folder goes on, ".to_owned(),
            _ => format!("`cargo matrix sweep --resume {path}` goes on, "),
        };
        let launches =
            self.record.launches.len() + self.record.idle.len() + self.record.counts.len();
        error.context(format!("{launches} launches are kept in {path}; {resume}`cargo matrix report {path}` shows them"))
    }

    fn stop_if_lasting(&self, workload: Workload) -> Result<()> {
        let of_side = |(arm, label): (String, Label)| {
            let lasting = label.invalid.into_iter().filter(Reason::is_lasting);
            lasting
                .map(|reason| format!("{arm}: {reason}"))
                .collect::<Vec<_>>()
        };
        let sides = self.sides(workload).into_iter();
        let lasting: Vec<String> = sides.flat_map(of_side).collect();
        if lasting.is_empty() {
            return Ok(());
        }
        self.progress.finish();
        let path = self.path().display();
        let what = lasting.join("; ");
        Err(anyhow::anyhow!(
            "failed to measure {workload}: {what}; correct the server or the settings, the launches so far are in {path}"
        ))
        .fault(Fault::Measurement)
    }
}
