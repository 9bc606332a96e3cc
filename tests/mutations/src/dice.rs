//! Choices, drawn from bytes: the fuzzer's, a property test's, or those of a seed.

/// Draws choices from bytes, two for each. Where they are used up every choice is the first, so that a shorter input is a simpler one.
#[derive(Debug, Clone)]
pub struct Dice<'a> {
    bytes: &'a [u8],
}

impl<'a> Dice<'a> {
    /// Draws from these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Always the first choice.
    #[must_use]
    pub fn first() -> Dice<'static> {
        Dice { bytes: &[] }
    }

    /// A number below `limit`; 0 where `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let drawn = match *self.bytes {
            [] => 0,
            [only] => {
                self.bytes = &[];
                usize::from(only)
            }
            [low, high, ..] => {
                self.bytes = &self.bytes[2..];
                usize::from(low) | usize::from(high) << 8
            }
        };
        drawn % limit.max(1)
    }

    /// One of these.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// Bytes for one case of a seed, the same everywhere (splitmix64).
#[must_use]
pub fn bytes_of(seed: u64, case: u64) -> Vec<u8> {
    let mut state = seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    (0..8).flat_map(|_| next().to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_gives_the_first() {
        let mut dice = Dice::new(&[7, 0, 3]);
        assert_eq!(
            [dice.below(5), dice.below(5), dice.below(5), dice.below(0)],
            [2, 3, 0, 0]
        );
    }

    #[test]
    fn a_seed_gives_the_same_and_each_case_another() {
        assert_eq!(bytes_of(1, 2), bytes_of(1, 2));
        assert_ne!(bytes_of(1, 2), bytes_of(1, 3));
        assert_eq!(bytes_of(0, 0).len(), 64);
    }
}
