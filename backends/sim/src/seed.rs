//! A seed, run with every buffer strategy: what each client was told has to be the same with all of them, although the
//! network cuts and delays otherwise each time.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use orthant_core::{Flat, Leased, Split};

use crate::counts::{Counts, Kind};
use crate::oracle::Told;
use crate::run::{Ran, run};
use crate::scenario::{Part, Scenario};

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// By which it can be repeated.
    pub seed: u64,
    /// What of it was run.
    pub part: Part,
    /// What is wrong.
    pub says: String,
    /// The last that happened; empty where nobody asked for it.
    pub trace: Vec<String>,
}

/// Whether to keep what happens, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nobody looks at it.
    Off,
    /// The last of it is shown.
    On,
}

/// Runs a seed with every strategy.
pub fn run_seed(seed: u64, part: &Part, trace: Trace) -> (Counts, Option<Failure>) {
    let scenario = Scenario::new(seed, part);
    let mut counts = Counts::new();
    let mut told: Vec<Vec<Option<Told>>> = Vec::new();
    for (number, name) in ["flat", "split", "leased"].into_iter().enumerate() {
        let tracing = trace == Trace::On;
        let ran = catch_unwind(AssertUnwindSafe(|| match number {
            0 => run::<Flat>(&scenario, 0, tracing),
            1 => run::<Split>(&scenario, 1, tracing),
            _ => run::<Leased>(&scenario, 2, tracing),
        }));
        let ran = ran.unwrap_or_else(|panic| Ran {
            counts: Counts::new(),
            result: Err(format!("panic: {}", sentence(panic.as_ref()))),
            trace: Default::default(),
        });
        counts.add(&ran.counts);
        let fails = |says: String, trace| Failure {
            seed,
            part: part.clone(),
            says: format!("{name}: {says}"),
            trace,
        };
        match ran.result {
            Ok(new) => told.push(new),
            Err(says) => return (counts, Some(fails(says, ran.trace.into()))),
        }
        if let Err(says) = compare(&told, &mut counts) {
            return (counts, Some(fails(says, ran.trace.into())));
        }
    }
    (counts, None)
}

/// Compares the last run with the ones before it.
fn compare(told: &[Vec<Option<Told>>], counts: &mut Counts) -> Result<(), String> {
    let Some((last, others)) = told.split_last() else {
        return Ok(());
    };
    for other in others {
        for (number, pair) in last.iter().zip(other).enumerate() {
            if let (Some(last), Some(other)) = pair {
                counts.note(Kind::Compared);
                alike(last, other).map_err(|error| format!("#{number}: {error}"))?;
            }
        }
    }
    Ok(())
}

/// One may have been told more than the other, but nothing else; and the same where both were told all.
fn alike(one: &Told, other: &Told) -> Result<(), String> {
    let common = one.bytes.len().min(other.bytes.len());
    let both = one.closed.is_some() && one.closed == other.closed;
    let shorter = one.bytes.len() == common && one.closed.is_some();
    let longer = other.bytes.len() == common && other.closed.is_some();
    let same = one.bytes[..common] == other.bytes[..common];
    let ends_early = one.bytes.len() != other.bytes.len() && (shorter || longer);
    if same && !ends_early && (!both || one.bytes.len() == other.bytes.len()) {
        return Ok(());
    }
    let at = (0..common)
        .find(|at| one.bytes[*at] != other.bytes[*at])
        .unwrap_or(common);
    let shown = |told: &Told| {
        let from = at.saturating_sub(60);
        told.bytes[from..told.bytes.len().min(at + 40)]
            .escape_ascii()
            .to_string()
    };
    Err(format!(
        "told otherwise than with another strategy, from byte {at} on: {:?} {} and {:?} {}",
        one.closed,
        shown(one),
        other.closed,
        shown(other)
    ))
}

fn sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "of an unknown kind".to_owned())
}
