//! How far a campaign is: a bar with an estimate on a terminal, a plain line per launch elsewhere. All of it on stderr.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Shows the launches of one campaign.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    total: usize,
    found: usize,
    done: usize,
    max_s: f64,
}

impl Progress {
    /// `found` of `total` launches were made earlier; after so many minutes no more are made.
    #[must_use]
    pub fn new(total: usize, found: usize, max_minutes: Option<f64>) -> Progress {
        let bar = if stderr().is_terminal() {
            ProgressBar::new(total as u64)
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} launches  {msg}")
            .expect("the template is valid");
        bar.set_style(style);
        Progress {
            bar,
            began: Instant::now(),
            total,
            found,
            done: found,
            max_s: max_minutes.map_or(f64::INFINITY, |minutes| minutes * 60.0),
        }
    }

    /// What was done until now says nothing of how long a launch takes, and the time of launches begins.
    pub(super) fn begin_time(&mut self) {
        self.began = Instant::now();
        self.found = self.done;
    }

    /// A launch begins.
    pub fn begin(&self, what: &str, block: u32) {
        let left = self.left_s().map_or(String::new(), |left_s| {
            format!(", about {} left", rounded(left_s))
        });
        let message = format!("{what}, launch {}{left}", block + 1);
        if !stderr().is_terminal() {
            eprintln!("{}/{} launches done; {message}", self.done, self.total);
        }
        self.bar.set_message(message);
        self.bar.set_position(self.done as u64);
        self.bar.enable_steady_tick(Duration::from_secs(1));
    }

    /// It is stored.
    pub fn end(&mut self) {
        self.done += 1;
        self.bar.set_position(self.done as u64);
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// The mean time of the launches made now; nothing is known before the first one.
    pub(super) fn launch_s(&self) -> Option<f64> {
        let made = self.done - self.found;
        (made > 0).then(|| self.began.elapsed().as_secs_f64() / made as f64)
    }

    fn left_s(&self) -> Option<f64> {
        let left = self.total.saturating_sub(self.done);
        let time_left_s = (self.max_s - self.began.elapsed().as_secs_f64()).max(0.0);
        let launch_s = self.launch_s()?;
        Some(time_left_s.min(launch_s * left as f64))
    }
}

fn rounded(left_s: f64) -> String {
    if left_s < 90.0 {
        format!("{left_s:.0} s")
    } else {
        format!("{:.0} min", left_s / 60.0)
    }
}
