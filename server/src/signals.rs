//! Waiting to be told to stop. The first signal is waited for, and says to finish what is under way; another one does what
//! it would have done without us, and so does every signal that comes while nobody serves.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::{SigId, flag, low_level};

const STOP: [i32; 2] = [SIGTERM, SIGINT];

/// Whether the signals do what they would do without us. They are told to look once per process, since nothing restores
/// what was there before the first action (signal-hook).
static AT_ONCE: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

fn at_once() -> io::Result<Arc<AtomicBool>> {
    let mut known = AT_ONCE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at_once) = &*known {
        return Ok(at_once.clone());
    }
    let at_once = Arc::new(AtomicBool::new(true));
    for signal in STOP {
        flag::register_conditional_default(signal, at_once.clone())?;
    }
    *known = Some(at_once.clone());
    Ok(at_once)
}

/// SIGTERM and SIGINT, from the moment it is made until it is dropped. One at a time in a process.
pub(crate) struct StopSignals {
    signals: Signals,
    at_once: Arc<AtomicBool>,
    actions: Vec<SigId>,
}

impl StopSignals {
    pub(crate) fn new() -> io::Result<StopSignals> {
        // Actions run in the order in which they were registered: look, note, wake. Whoever wakes may have left before the
        // action behind it runs.
        let at_once = at_once()?;
        let mut actions = Vec::new();
        for signal in STOP {
            actions.push(flag::register(signal, at_once.clone())?);
        }
        let this = StopSignals {
            signals: Signals::new(STOP)?,
            at_once,
            actions,
        };
        this.at_once.store(false, Ordering::SeqCst);
        Ok(this)
    }

    /// Ends the wait from another thread.
    pub(crate) fn handle(&self) -> Handle {
        self.signals.handle()
    }

    /// Returns at the first signal, or when the handle is closed.
    pub(crate) fn wait(&mut self) {
        self.signals.forever().next();
    }
}

impl Drop for StopSignals {
    fn drop(&mut self) {
        self.at_once.store(true, Ordering::SeqCst);
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
    }
}
