//! The steps, in the order in which they run: what is cheap and fails often comes first.

mod arrows;
mod attack;
mod check;
mod clippy;
mod count;
mod deny;
mod designs;
mod docs;
mod fmt;
mod fuzz;
mod metrics;
mod readme;
mod report;
mod rules;
mod sanitize;
mod sim;
mod sweep;
mod test;

use anyhow::Result;

use crate::checkout::Checkout;

/// A check with a name.
#[derive(Debug)]
pub struct Step {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What holds when it passes.
    pub about: &'static str,
    /// Runs it; what it returns is shown in the summary.
    pub run: fn(&Checkout, Options) -> Result<Option<String>>,
}

/// What the command line asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether generated parts are renewed instead of checked.
    pub write: bool,
    /// How long each target of the step `fuzz` runs; a fixed number of inputs if not said.
    pub minutes: Option<u64>,
    /// How many seeds `soak-sim` runs.
    pub seeds: Option<u64>,
    /// The first of them.
    pub first_seed: Option<u64>,
}

/// What runs only where it is named: more of the step `sim`.
pub const SOAK: Step = Step {
    name: "soak-sim",
    about: "sim for as many seeds as `--seeds` says; only when it is named",
    run: sim::soak,
};

/// Every step, in order.
pub const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "the code is formatted",
        run: fmt::step,
    },
    Step {
        name: "arrows",
        about: "packages depend on each other as the architecture says",
        run: arrows::step,
    },
    Step {
        name: "rules",
        about: "the house style, as far as text shows it",
        run: rules::step,
    },
    Step {
        name: "readme",
        about: "generated parts of the documents are fresh",
        run: readme::step,
    },
    Step {
        name: "clippy",
        about: "each package alone, and every value of every axis, without warnings",
        run: clippy::step,
    },
    Step {
        name: "docs",
        about: "the documentation builds without warnings",
        run: docs::step,
    },
    Step {
        name: "test",
        about: "unit, integration and documentation tests pass",
        run: test::step,
    },
    Step {
        name: "fuzz",
        about: "inputs made at random break no invariant of core",
        run: fuzz::step,
    },
    Step {
        name: "sanitize",
        about: "sanitizers find nothing in our allocator",
        run: sanitize::step,
    },
    Step {
        name: "sim",
        about: "ten million simulated events with faults, every answer judged",
        run: sim::step,
    },
    Step {
        name: "metrics",
        about: "what /metrics says is OpenMetrics, as another's parser reads it",
        run: metrics::step,
    },
    Step {
        name: "report",
        about: "what is made of records, as a browser and other people's readers see it",
        run: report::step,
    },
    Step {
        name: "deny",
        about: "licences, sources, bans and advisories of dependencies",
        run: deny::step,
    },
    Step {
        name: "designs",
        about: "every value compiles with those it meets, and nothing else does",
        run: designs::step,
    },
    Step {
        name: "check",
        about: "designs of every backend answer as the RFCs say",
        run: check::step,
    },
    Step {
        name: "attack",
        about: "hostile clients do no harm to a design of each backend",
        run: attack::step,
    },
    Step {
        name: "count",
        about: "requests on backends of our own allocate nothing and batch their calls",
        run: count::step,
    },
    Step {
        name: "sweep",
        about: "one design of each backend, and a peer, answer right under load",
        run: sweep::step,
    },
];

/// Names and purposes, one step per line.
pub fn list() -> String {
    STEPS
        .iter()
        .chain([&SOAK])
        .map(|step| format!("{:8}  {}\n", step.name, step.about))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_workflow_lists_every_step_in_order_and_does_nothing_else() {
        let path = Checkout::read()
            .unwrap()
            .root()
            .join(".github/workflows/ci.yml");
        let text = fs::read_to_string(&path).unwrap();
        let commands: Vec<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- run: "))
            .collect();
        let expected: Vec<_> = STEPS
            .iter()
            .map(|step| format!("cargo ci {}", step.name))
            .collect();
        assert_eq!(
            commands,
            expected,
            "list the steps of `cargo ci --list` in {}",
            path.display()
        );
    }
}
