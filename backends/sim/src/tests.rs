//! What the simulation says of itself.

use super::*;

/// A few seeds, so that the tests of every package see core's faults; `cargo ci sim` runs some thousands.
const SEEDS: u64 = 60;

#[test]
fn nothing_goes_wrong() {
    let outcome = run_seeds(1, Until::Seeds(SEEDS), &Part::default(), |_, _| ());
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert_eq!(outcome.next_seed, 1 + SEEDS);
}

#[test]
fn one_seed_is_one_run() {
    for seed in 1..20 {
        let count = || run_seed(seed, &Part::default(), Trace::Off).0.to_string();
        assert_eq!(count(), count(), "{seed}");
    }
}

#[test]
fn clients_that_are_left_out_change_nothing_for_the_others() {
    let scripts = |clients: Vec<usize>| {
        let part = Part {
            clients,
            ..Part::default()
        };
        let scenario = scenario::Scenario::new(3, &part);
        let scripts: Vec<_> = scenario
            .clients
            .iter()
            .map(|script| script.bytes.clone())
            .collect();
        scripts
    };
    assert_eq!(scripts(Vec::new()), scripts(vec![1]));
}
