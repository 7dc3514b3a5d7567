//! A soak as a campaign: servers are started until all epochs are made, and an epoch is in the file before the next one
//! begins.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::Campaign;
use crate::error::{Fault, Faulty};
use crate::process;
use crate::record::{Epoch, Line, Soak, Soaked};
use crate::soak::Soaking;

/// Without a terminal one epoch in so many is told.
const TOLD_EVERY: usize = 60;

impl Campaign {
    /// Says what the soak is for, before its first epoch.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn ask_soak(&mut self, asked: Soak) -> Result<()> {
        self.keep_soak(Line::Soak(asked))
    }

    /// Starts a server and makes all epochs that are missing; none is made of a server that answered wrong or not at all.
    ///
    /// # Errors
    /// When a server cannot be started, an epoch not be stored, or the user interrupts it; what was seen is kept.
    pub fn soak(&mut self) -> Result<()> {
        let planned = self.soaked()?.asked.epochs as usize;
        if self.soaked()?.epochs() < planned {
            let made = self.segment(planned);
            process::bind_to(&self.cpus)?;
            made?;
        }
        if process::is_interrupted() && self.soaked()?.epochs() < planned {
            let (made, path) = (self.soaked()?.epochs(), self.path().display());
            let kept = format!(
                "{made} of {planned} epochs are kept in {path}; `cargo matrix soak --resume {path}` goes on, `cargo matrix \
                 report {path}` shows them"
            );
            return Err(anyhow!("interrupted").context(kept)).fault(Fault::Interrupted);
        }
        Ok(())
    }

    fn segment(&mut self, planned: usize) -> Result<()> {
        let soaked = self.soaked()?.clone();
        let (mut soaking, begin) = Soaking::start(&self.plan, &soaked, &self.cpus, &mut self.load)?;
        let progress = Progress::new(planned, begin.requests_per_s);
        self.keep_soak(Line::SegmentBegin(begin))?;
        let mut failure = None;
        while self.soaked()?.epochs() < planned && !process::is_interrupted() {
            match soaking.epoch(&mut self.load) {
                Ok(epoch) => {
                    let is_sound = epoch.wrong == 0 && epoch.unanswered == 0;
                    progress.show(self.soaked()?.epochs() + 1, &epoch);
                    self.keep_soak(Line::Epoch(Box::new(epoch)))?;
                    if !is_sound {
                        break;
                    }
                }
                Err(error) => {
                    failure = Some(format!("load broke off: {error:#}"));
                    break;
                }
            }
        }
        progress.bar.finish_and_clear();
        let end = soaking.end(&mut self.load, failure)?;
        self.keep_soak(Line::SegmentEnd(end))
    }

    fn soaked(&self) -> Result<&Soaked> {
        let soaked = self.record.soaks.get(&self.plan.campaign);
        ensure!(
            self.plan.command == "soak",
            "failed to soak by {}: it is a record of `cargo matrix {}`",
            self.path().display(),
            self.plan.command
        );
        soaked.with_context(|| {
            let path = self.path().display();
            format!("failed to go on with {path}: it ends before it says what the soak is for; begin a new one")
        })
    }

    fn keep_soak(&mut self, line: Line) -> Result<()> {
        self.store.append(&line)?;
        self.record.add_soak(line)
    }
}

/// How far a soak is: a bar on a terminal, a line in a minute elsewhere.
struct Progress {
    bar: ProgressBar,
    planned: usize,
}

impl Progress {
    fn new(planned: usize, requests_per_s: f64) -> Progress {
        eprintln!("{requests_per_s:.0} requests per second for {planned} epochs");
        let bar = match stderr().is_terminal() {
            true => ProgressBar::new(planned as u64),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} epochs, {eta} left  {msg}");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_secs(1));
        Progress { bar, planned }
    }

    fn show(&self, made: usize, epoch: &Epoch) {
        let memory = epoch.memory.map_or("n/a".to_owned(), |memory| {
            format!("{} KiB private", memory.private_bytes / 1024)
        });
        let message = format!("{memory}, {} requests", epoch.requests);
        if !stderr().is_terminal() && (made % TOLD_EVERY == 1 || made == self.planned) {
            eprintln!("{made}/{} epochs done; {message}", self.planned);
        }
        self.bar.set_position(made as u64);
        self.bar.set_message(message);
    }
}
