//! Waiting to be told to stop.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// SIGTERM and SIGINT, from the moment it is made.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    pub(crate) fn new() -> io::Result<StopSignals> {
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
