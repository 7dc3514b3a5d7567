//! Waiting to be told to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};

/// SIGTERM and SIGINT, from the moment it is made. The first of them is waited for; a second one does what it would have
/// done without us, for whoever does not want to wait until everything under way is finished.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    pub(crate) fn new() -> io::Result<StopSignals> {
        let told = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: whether it was told before is looked at before it is told.
            flag::register_conditional_default(signal, told.clone())?;
            flag::register(signal, told.clone())?;
        }
        Signals::new([SIGTERM, SIGINT]).map(StopSignals)
    }

    /// Ends the wait from another thread.
    pub(crate) fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// Returns at the first signal, or when the handle is closed.
    pub(crate) fn wait(mut self) {
        self.0.forever().next();
    }
}
