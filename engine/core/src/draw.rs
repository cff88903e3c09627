//! Chance without a generator: every draw is a hash of (seed of the world, id, purpose).
//!
//! Nothing has to be kept or replayed in order to get the same number again, and a new purpose
//! never disturbs the draws of the others. The mix is that of SplitMix64 (Steele, Lea, Flood,
//! "Fast splittable pseudorandom number generators", OOPSLA 2014).

/// What a number is drawn for; each purpose is a sequence of its own.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Where the wheel of an assignment stops.
    Assignment = 1,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The number that belongs to a seed, an id and a purpose; all 64 bits are even.
pub const fn draw(seed: u64, id: u64, purpose: Purpose) -> u64 {
    let stream = mix(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
    mix(stream.wrapping_add(GOLDEN.wrapping_mul(id.wrapping_add(1))))
}

/// The draw as a number from 0 to below `bound`; 0 when there is no room.
pub const fn draw_below(seed: u64, id: u64, purpose: Purpose, bound: u64) -> u64 {
    ((draw(seed, id, purpose) as u128 * bound as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_everything_and_on_nothing_else() {
        let first = draw(1, 2, Purpose::Assignment);
        assert_eq!(first, draw(1, 2, Purpose::Assignment));
        assert_ne!(first, draw(2, 2, Purpose::Assignment));
        assert_ne!(first, draw(1, 3, Purpose::Assignment));
    }

    #[test]
    fn draws_below_a_bound_are_spread_evenly() {
        let mut counts = [0_u32; 10];
        for id in 0..100_000 {
            counts[draw_below(7, id, Purpose::Assignment, 10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_700..10_300).contains(count)), "{counts:?}");
        assert_eq!(draw_below(7, 1, Purpose::Assignment, 0), 0);
    }
}
