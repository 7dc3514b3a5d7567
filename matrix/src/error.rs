//! Whose fault a failure is, and the exit code that says so to scripts.
//!
//! Errors are `anyhow` chains that read after "error: failed to …". A [`Fault`] is attached where the cause is known; the
//! outermost one decides. What carries none is a matter of arguments, files and permissions: the user's to mend.

use std::process::ExitCode;

use anyhow::{Error, Result};

/// Whose fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The command line or a file it names.
    Usage,
    /// The measurement cannot be trusted or could not be made.
    Measurement,
    /// An executable could not be built or started.
    Start,
    /// An executable says that this machine cannot run it.
    Refused,
    /// The user stopped it.
    Interrupted,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or GO, or NO-DIFFERENCE, or INCONCLUSIVE without `--fail-inconclusive`.
    Done,
    /// NO-GO.
    NoGo,
    /// INCONCLUSIVE with `--fail-inconclusive`.
    Inconclusive,
    /// A cell that was asked for is invalid.
    Invalid,
    /// A server was found to answer wrongly.
    Wrong,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::NoGo => 1,
            Outcome::Inconclusive => 3,
            Outcome::Invalid | Outcome::Wrong => 4,
        })
    }
}

impl From<Fault> for ExitCode {
    fn from(fault: Fault) -> ExitCode {
        ExitCode::from(match fault {
            Fault::Usage => 2,
            Fault::Measurement => 4,
            Fault::Start | Fault::Refused => 5,
            // What a shell reports of a program that Ctrl-C ended.
            Fault::Interrupted => 130,
        })
    }
}

/// Attaches a fault to an error.
pub trait Faulty<T> {
    /// Says whose fault it is; the message stays as it is.
    ///
    /// # Errors
    /// The error it was called on.
    fn fault(self, fault: Fault) -> Result<T>;
}

impl<T, E: Into<Error>> Faulty<T> for Result<T, E> {
    fn fault(self, fault: Fault) -> Result<T> {
        self.map_err(|error| {
            let cause = error.into();
            Error::new(Faulted {
                fault,
                message: format!("{cause:#}"),
            })
        })
    }
}

/// The fault of an error.
#[must_use]
pub fn fault_of(error: &Error) -> Fault {
    let of = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Faulted>() {
        Some(faulted) => Some(faulted.fault),
        None => cause.is::<crate::build::Failed>().then_some(Fault::Start),
    };
    error.chain().find_map(of).unwrap_or(Fault::Usage)
}

/// An error whose chain was flattened into one message, so that the fault needs no line of its own in it.
#[derive(Debug)]
struct Faulted {
    fault: Fault,
    message: String,
}

impl std::fmt::Display for Faulted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Faulted {}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_fault_survives_context_and_adds_no_words() {
        let error = Err::<(), _>(anyhow::anyhow!("exit status: 2"))
            .context("failed to start x")
            .fault(Fault::Start);
        let error = error.context("failed to sweep").unwrap_err();
        assert_eq!(fault_of(&error), Fault::Start);
        assert_eq!(
            format!("{error:#}"),
            "failed to sweep: failed to start x: exit status: 2"
        );
        assert_eq!(fault_of(&anyhow::anyhow!("no such file")), Fault::Usage);
    }
}
