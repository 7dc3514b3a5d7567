//! Chance from a recorded seed: `splitmix64`, enough for orders, signs and padding, and the same on every machine.
//!
//! Every draw of a campaign comes from a generator derived from the campaign's seed and the place where it is used, so
//! a campaign that was interrupted and resumed draws what it would have drawn. Not for anything secret.

/// A `splitmix64` generator (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of one place: `seed` is the campaign's, `place` says where in it the draws are used.
    #[must_use]
    pub fn new(seed: u64, place: &[u64]) -> Random {
        place.iter().fold(Random(seed), |mut random, part| {
            Random(random.draw() ^ part)
        })
    }

    /// 64 uniform bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`; the bias of the multiplication is below 2⁻³² for the limits used here.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.draw()) * limit as u128) >> 64) as usize
    }

    /// `0..count` in random order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

/// A seed nobody chose, short enough to retype and exact in tools that read JSON numbers as doubles.
#[must_use]
pub fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ns = now.map_or(0, |now| now.as_nanos() as u64);
    Random::new(now_ns, &[u64::from(std::process::id())]).draw() >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567 as published with the reference implementation in C.
    #[test]
    fn agrees_with_the_reference_implementation() {
        let mut random = Random::new(1_234_567, &[]);
        let first: Vec<u64> = (0..3).map(|_| random.draw()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn an_order_holds_everyone_once_and_every_order_occurs() {
        let mut random = Random::new(7, &[]);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let order = random.order(4);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
            seen.insert(order);
        }
        assert_eq!(seen.len(), 24);
    }

    #[test]
    fn places_draw_differently_and_repeatably() {
        let draw = |place: &[u64]| Random::new(5, place).draw();
        assert_eq!(draw(&[1, 2]), draw(&[1, 2]));
        assert_ne!(draw(&[1, 2]), draw(&[2, 1]));
    }
}
