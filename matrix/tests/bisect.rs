//! The search over synthetic histories: 55 commits, one of which brings 5 %, and some that do not build. The noise is that
//! of stored launches of two copies of one server; everything else is what `cargo matrix bisect` runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Command;

use orthant_matrix::bisect::{Ending, Measured, Named, Rules, search};
use orthant_matrix::stats::random::Random;
use orthant_matrix::stats::trimmed_mean;

const TRACE: &str = include_str!("data/launches-aa.tsv");

const COMMITS: usize = 55;

const HISTORIES: u64 = 600;

const RULES: Rules = Rules {
    margin: 0.01,
    probability: 0.95,
};

/// What one launch says of two copies: the log-ratio of CPU per request, as `compare` takes it from its slices.
fn noise() -> Vec<f64> {
    let mut launches: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for line in TRACE.lines().skip(1) {
        let fields: Vec<f64> = line
            .split('\t')
            .map(|field| field.parse().unwrap())
            .collect();
        let cpu = |side: usize| fields[5 + 3 * side] / fields[3 + 3 * side];
        launches
            .entry(fields[0] as u32)
            .or_default()
            .push((cpu(1) / cpu(0)).ln());
    }
    launches
        .values()
        .map(|slices| trimmed_mean(slices).unwrap())
        .collect()
}

/// A history: what each commit costs beside GOOD, and which do not build.
struct History {
    log_ratios: Vec<f64>,
    unbuildable: Vec<bool>,
    random: Random,
}

impl History {
    /// `offset` is the standard deviation of what each executable, GOOD's too, has for good.
    fn new(seed: u64, step: f64, offset: f64) -> (History, usize) {
        let mut random = Random::new(seed, &[0xb15e]);
        let culprit = random.below(COMMITS);
        let good = normal(&mut random) * offset;
        let step = if random.below(2) == 0 { step } else { -step };
        let cost = |commit: usize, random: &mut Random| {
            let step = if commit >= culprit { step } else { 0.0 };
            step + normal(random) * offset - good
        };
        let log_ratios = (0..COMMITS)
            .map(|commit| cost(commit, &mut random))
            .collect();
        let unbuildable = (0..COMMITS).map(|commit| commit + 1 < COMMITS && random.below(8) == 0);
        let unbuildable = unbuildable.collect();
        (
            History {
                log_ratios,
                unbuildable,
                random,
            },
            culprit,
        )
    }

    fn measure(
        &mut self,
        noise: &[f64],
        commit: usize,
        launches: usize,
        made: &mut Vec<f64>,
    ) -> Measured {
        if self.unbuildable[commit] {
            return Measured::Skipped;
        }
        while made.len() < launches {
            let drawn = noise[self.random.below(noise.len())];
            let sign = if self.random.draw() & 1 == 1 {
                1.0
            } else {
                -1.0
            };
            made.push(self.log_ratios[commit] + sign * drawn);
        }
        Measured::Launches(made.clone())
    }
}

/// The sum of twelve uniform numbers, less six.
fn normal(random: &mut Random) -> f64 {
    (0..12)
        .map(|_| random.draw() as f64 / u64::MAX as f64)
        .sum::<f64>()
        - 6.0
}

/// How a search over one history ended, where the culprit was, and how many launches it took.
fn searched(noise: &[f64], seed: u64, step: f64, offset: f64) -> (Ending, usize, usize) {
    let (mut history, culprit) = History::new(seed, step, offset);
    let mut made: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let measure = |commit, launches: u32| {
        let made = made.entry(commit).or_default();
        Ok(history.measure(noise, commit, launches as usize, made))
    };
    let (ending, known) = search(COMMITS, RULES, measure, |_| {}).unwrap();
    let launches = known.launches.values().map(Vec::len).sum();
    (ending, culprit, launches)
}

fn named(ending: &Ending) -> Option<&Named> {
    match ending {
        Ending::Found(named) | Ending::Open(named) => Some(named),
        Ending::Untrusted(_) | Ending::Alike | Ending::NoEnd => None,
    }
}

/// Histories whose culprit is among the commits that were named.
struct Shares {
    /// Of all histories.
    of_all: f64,
    /// Of those in which it was said to be so with 95 % and more.
    of_sure: f64,
    /// How many these are.
    sure: u64,
}

fn shares(step: f64, offset: f64) -> Shares {
    let noise = noise();
    assert_eq!(noise.len(), 60);
    let (mut right, mut sure, mut surely_right, mut launches, mut names) = (0, 0, 0, 0, 0);
    for seed in 0..HISTORIES {
        let (ending, culprit, made) = searched(&noise, seed, step, offset);
        launches += made;
        let Some(named) = named(&ending) else {
            continue;
        };
        names += named.commits.clone().count();
        let is_right = named.commits.contains(&culprit);
        let is_sure = named.probability >= RULES.probability;
        right += u64::from(is_right);
        sure += u64::from(is_sure);
        surely_right += u64::from(is_sure && is_right);
    }
    let share = |part: u64, of: u64| part as f64 / of.max(1) as f64;
    let (of_all, of_sure) = (share(right, HISTORIES), share(surely_right, sure));
    println!(
        "step {step:.3}, offsets {offset}: right in {of_all:.3}; sure in {:.3}, and right in {of_sure:.3} of these; \
         {:.2} commits named, {:.0} launches",
        share(sure, HISTORIES),
        names as f64 / HISTORIES as f64,
        launches as f64 / HISTORIES as f64
    );
    Shares {
        of_all,
        of_sure,
        sure,
    }
}

/// Three standard errors below the share that was promised.
fn calibrated_min(sure: u64) -> f64 {
    let promised = RULES.probability;
    promised - 3.0 * (promised * (1.0 - promised) / sure as f64).sqrt()
}

#[test]
fn a_step_of_five_percent_is_found_and_the_probability_means_what_it_says() {
    let shares = shares(1.05_f64.ln(), 0.0);
    assert!(shares.of_all >= 0.9 && shares.of_sure >= calibrated_min(shares.sure));
}

#[test]
fn executables_that_differ_for_good_change_none_of_that() {
    let shares = shares(1.05_f64.ln(), 0.005);
    assert!(shares.of_all >= 0.9 && shares.of_sure >= calibrated_min(shares.sure));
}

/// Half as much again as the noise of a launch: here the search often has to ask twice.
#[test]
fn a_small_step_is_named_with_a_probability_that_means_what_it_says() {
    let shares = shares(1.018_f64.ln(), 0.005);
    assert!(shares.of_sure >= calibrated_min(shares.sure));
}

#[test]
fn where_the_ends_are_alike_nobody_is_named() {
    let noise = noise();
    let alike = |seed: &u64| searched(&noise, *seed, 0.0, 0.0).0 == Ending::Alike;
    let refused = (0..HISTORIES).filter(alike).count() as f64 / HISTORIES as f64;
    println!("refused in {refused:.3} without a step");
    assert!(refused >= 0.98);
}

#[test]
fn a_range_that_leads_nowhere_is_refused_with_what_to_write() {
    for (range, says) in [
        ("HEAD", "write it like v1..HEAD"),
        ("HEAD...HEAD", "write it like v1..HEAD"),
        ("no-such..", "failed to find the revision `no-such`"),
        ("HEAD..", "name an earlier commit"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_orthant-matrix"))
            .args(["bisect", range])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
