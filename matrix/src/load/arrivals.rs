//! Intended send times of an open loop: a Poisson process, the same for the same seed.
//!
//! Arrivals know nothing of the server: that is what makes the loop open. Users who do not know of each other arrive with
//! exponential gaps. The process has no memory, so a slice may begin it anew without harm to its rate.

/// The gaps between arrivals, from a seed.
pub(super) struct Arrivals {
    state: u64,
    gap_ns_mean: f64,
    next_ns: f64,
}

impl Arrivals {
    pub(super) fn new(per_s: f64, seed: u64) -> Arrivals {
        Arrivals {
            state: seed,
            gap_ns_mean: 1e9 / per_s,
            next_ns: f64::INFINITY,
        }
    }

    /// Begins the process at `now_ns`.
    pub(super) fn begin(&mut self, now_ns: u64) {
        self.next_ns = now_ns as f64;
        self.step();
    }

    /// When the next arrival is intended.
    pub(super) fn next_ns(&self) -> u64 {
        self.next_ns as u64
    }

    /// Takes the next arrival, if it is intended before `end_ns`.
    pub(super) fn take_before(&mut self, end_ns: u64) -> Option<u64> {
        let intended_ns = self.next_ns();
        (intended_ns < end_ns).then(|| {
            self.step();
            intended_ns
        })
    }

    fn step(&mut self) {
        // 53 random bits and a half: uniform in (0, 1), so that the logarithm is finite.
        let uniform = ((self.random() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        self.next_ns -= uniform.ln() * self.gap_ns_mean;
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seed: u64) -> Vec<u64> {
        let mut arrivals = Arrivals::new(1e5, seed);
        arrivals.begin(5_000_000_000);
        std::iter::from_fn(|| arrivals.take_before(6_000_000_000)).collect()
    }

    #[test]
    fn the_rate_and_the_spread_are_those_of_a_poisson_process() {
        let times = times(7);
        // Four standard deviations of a Poisson count of 100,000.
        assert!(times.len().abs_diff(100_000) < 4 * 317, "{}", times.len());
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64)
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // An exponential gap varies by as much as it lasts.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02);
        assert!(times[0] >= 5_000_000_000);
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
    }
}
