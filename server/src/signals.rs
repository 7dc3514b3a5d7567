//! The signals that somebody who serves is told by. The first SIGTERM or SIGINT is waited for, and says to finish what is
//! under way; another one does what it would have done without us. SIGHUP says to open logs anew, and does nothing while
//! what is under way is finished. While nobody serves, all of them do what they would have done without us.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::{SigId, flag, low_level};

const STOP: [i32; 2] = [SIGTERM, SIGINT];

/// Whether signals do what they would do without us.
#[derive(Clone)]
struct AsWithoutUs {
    stop: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
}

/// The signals are told to look there once per process, since nothing restores what was there before the first action
/// (signal-hook).
static AS_WITHOUT_US: Mutex<Option<AsWithoutUs>> = Mutex::new(None);

impl AsWithoutUs {
    fn of_this_process() -> io::Result<AsWithoutUs> {
        let mut known = AS_WITHOUT_US.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let this = AsWithoutUs {
            stop: Arc::new(AtomicBool::new(true)),
            hangup: Arc::new(AtomicBool::new(true)),
        };
        for signal in STOP {
            flag::register_conditional_default(signal, this.stop.clone())?;
        }
        flag::register_conditional_default(SIGHUP, this.hangup.clone())?;
        *known = Some(this.clone());
        Ok(this)
    }

    fn set(&self, to: bool) {
        self.stop.store(to, Ordering::SeqCst);
        self.hangup.store(to, Ordering::SeqCst);
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// SIGHUP: open logs anew.
    Hangup,
    /// SIGTERM or SIGINT: finish.
    Stop,
}

/// The signals, from the moment it is made until it is dropped. One at a time in a process.
pub(crate) struct ServeSignals {
    signals: Signals,
    as_without_us: AsWithoutUs,
    actions: Vec<SigId>,
}

impl ServeSignals {
    pub(crate) fn new() -> io::Result<ServeSignals> {
        // Actions run in the order in which they were registered: look, note, wake. Whoever wakes may have left before the
        // action behind it runs.
        let as_without_us = AsWithoutUs::of_this_process()?;
        let mut actions = Vec::new();
        for signal in STOP {
            actions.push(flag::register(signal, as_without_us.stop.clone())?);
        }
        let this = ServeSignals {
            signals: Signals::new([SIGHUP, SIGTERM, SIGINT])?,
            as_without_us,
            actions,
        };
        this.as_without_us.set(false);
        Ok(this)
    }

    /// Ends the wait from another thread.
    pub(crate) fn handle(&self) -> Handle {
        self.signals.handle()
    }

    /// Waits for each signal, until the handle is closed.
    pub(crate) fn told(&mut self) -> impl Iterator<Item = Told> {
        self.signals.forever().map(|signal| match signal {
            SIGHUP => Told::Hangup,
            _ => Told::Stop,
        })
    }
}

impl Drop for ServeSignals {
    fn drop(&mut self) {
        self.as_without_us.set(true);
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
    }
}
