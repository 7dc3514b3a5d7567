//! Identical servers with roles by chance, and the one test that every rule has to stand, good or bad: how often does it
//! call them different?

use std::collections::BTreeMap;

use orthant_matrix::stats::random::Random;
use orthant_matrix::verdict::{
    ClientState, Conditions, Effect, Judgement, Look, MachineState, Margins, Metric, Pair, Rules,
    until_decided,
};

use super::trace::Launch;

pub(crate) const REPLAYS: u64 = 2_000;

/// 5 % and three standard errors of a share found in 2,000 replays.
const FEW_MAX: f64 = 0.065;

/// What a habit is known for.
const MANY_MIN: f64 = 0.2;

pub(crate) const QUIET: Conditions = Conditions {
    machine: MachineState::Quiet,
    client: ClientState::Ahead,
};

pub(crate) const NOISY: Conditions = Conditions {
    machine: MachineState::Noisy,
    client: ClientState::Ahead,
};

/// How often a rule calls identical servers different, as a share of the replays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FalseAlarms(f64);

impl FalseAlarms {
    /// Tries a rule on every replay.
    pub(crate) fn of<R>(replays: &[R], calls_different: impl Fn(&R) -> bool) -> FalseAlarms {
        assert_eq!(replays.len() as u64, REPLAYS);
        FalseAlarms(share(replays, calls_different))
    }

    /// Whether the rule may be used.
    pub(crate) fn are_few(self) -> bool {
        self.0 <= FEW_MAX
    }

    /// Whether it is as bad as habits are.
    pub(crate) fn are_many(self) -> bool {
        self.0 > MANY_MIN
    }

    /// A rule that never calls anything tests nothing.
    pub(crate) fn are_some(self) -> bool {
        self.0 > 0.0
    }
}

impl std::fmt::Display for FalseAlarms {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:6.2} %", self.0 * 100.0)
    }
}

pub(crate) fn share<R>(replays: &[R], holds: impl Fn(&R) -> bool) -> f64 {
    let count = replays.iter().filter(|replay| holds(replay)).count();
    count as f64 / replays.len() as f64
}

/// Launches in random order, with random roles in each.
pub(crate) struct Replay {
    pub(crate) pairs: BTreeMap<Metric, Vec<Pair>>,
    /// What each metric says at each look; decisions of several kinds are made of the same.
    effects: Vec<(Look, Vec<Effect>)>,
}

impl Replay {
    /// All replays of a trace, with what is said at these looks.
    pub(crate) fn all(launches: &[Launch], looks: &[Look]) -> Vec<Replay> {
        let replay = |seed| {
            let pairs = replayed(launches, seed);
            let effects = looks.iter().map(|look| (*look, said(&pairs, *look, seed)));
            let effects = effects.collect();
            Replay { pairs, effects }
        };
        (0..REPLAYS).map(replay).collect()
    }

    /// What is said at a look.
    pub(crate) fn effects(&self, look: Look) -> &[Effect] {
        let at = self.effects.iter().find(|(at, _)| *at == look);
        &at.expect("the replays were made with that look").1
    }

    /// One metric at a look.
    pub(crate) fn effect(&self, look: Look, metric: Metric) -> &Effect {
        let mut effects = self.effects(look).iter();
        effects.find(|effect| effect.metric == metric).unwrap()
    }

    /// What `compare` does, from the first look to the one that decides; `seen` is what is made of an effect before.
    pub(crate) fn judged(
        &self,
        looks: &[Look],
        rules: &Rules,
        conditions: Conditions,
        seen: impl Fn(&Effect, Look) -> Effect,
    ) -> Judgement {
        let judge = |look| {
            let effects = self.effects(look).iter();
            let effects = effects.map(|effect| seen(effect, look)).collect();
            Ok::<_, std::convert::Infallible>(Judgement::over(effects, conditions, rules, look))
        };
        until_decided(looks, judge).unwrap().pop().unwrap()
    }
}

/// What each metric says after the launches of a look.
pub(crate) fn said(pairs: &BTreeMap<Metric, Vec<Pair>>, look: Look, seed: u64) -> Vec<Effect> {
    let said = |(metric, pairs): (&Metric, &Vec<Pair>)| {
        let pairs = &pairs[..look.launches as usize];
        Effect::of(*metric, pairs, &Margins::default(), look, seed)
    };
    pairs.iter().filter_map(said).collect()
}

/// The launches of one replay. A launch changes its roles for all metrics at once, as they were measured together.
pub(crate) fn replayed(launches: &[Launch], seed: u64) -> BTreeMap<Metric, Vec<Pair>> {
    let mut random = Random::new(seed, &[]);
    let order = random.order(launches.len());
    let mut pairs: BTreeMap<Metric, Vec<Pair>> = BTreeMap::new();
    for launch in order {
        let is_swapped = random.draw() & 1 == 1;
        for (metric, pair) in &launches[launch] {
            let pair = if is_swapped { swapped(pair) } else { *pair };
            pairs.entry(*metric).or_default().push(pair);
        }
    }
    pairs
}

fn swapped(pair: &Pair) -> Pair {
    Pair {
        baseline: pair.candidate,
        candidate: pair.baseline,
        log_ratio: -pair.log_ratio,
    }
}
