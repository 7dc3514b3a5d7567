//! Numbers by chance that cost next to nothing, and are the same in every run.

/// Marsaglia's xorshift with the shifts 13, 17 and 5 (*Xorshift RNGs*, 2003).
#[derive(Clone, Copy)]
pub(crate) struct Xorshift(u32);

impl Xorshift {
    /// The seed is not 0, of which nothing else would ever come.
    pub(crate) const fn seeded(seed: u32) -> Xorshift {
        assert!(seed != 0);
        Xorshift(seed)
    }

    #[inline(always)]
    pub(crate) fn draw(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_shifts() {
        let mut random = Xorshift::seeded(1);
        assert_eq!([random.draw(), random.draw()], [270_369, 67_634_689]);
    }
}
