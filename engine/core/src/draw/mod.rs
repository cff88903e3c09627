//! Chance without a generator, in integers: every draw is a hash of (seed, id, purpose, index).
//!
//! Nothing is saved, skipped or replayed to get the same number again, and a new purpose never
//! disturbs the draws of the others. The mix is that of SplitMix64 (Steele, Lea, Flood, "Fast
//! splittable pseudorandom number generators", OOPSLA 2014). Distributions come from tables (`tables.rs`) with linear
//! interpolation, so every machine draws the same.

mod tables;

use tables::{CELLS, HALF_NORMAL, POWERS_OF_TWO};

/// 1 in the units of the distributions: 10^-9.
pub const ONE: i64 = 1_000_000_000;

/// What a number is drawn for; each purpose is a sequence of its own. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Where the wheel of an assignment stops.
    Assignment = 1,
    /// How long a command is under way.
    CommandLatency = 2,
    /// How long the news of a fill is under way.
    EventLatency = 3,
    /// Whether a fill is only a part.
    PartialHappens = 4,
    /// How large that part is.
    PartialSize = 5,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The number that belongs to a seed, an id and a purpose; all 64 bits are even.
#[must_use]
pub const fn draw(seed: u64, id: u64, purpose: Purpose) -> u64 {
    let stream = mix(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
    mix(stream.wrapping_add(GOLDEN.wrapping_mul(id.wrapping_add(1))))
}

/// The draw as a number from 0 to below `bound`; 0 when there is no room.
#[must_use]
pub const fn draw_below(seed: u64, id: u64, purpose: Purpose, bound: u64) -> u64 {
    below(draw(seed, id, purpose), bound)
}

/// 64 even bits; `index` tells apart several draws of one purpose for one id.
#[must_use]
pub const fn bits(seed: u64, id: u64, purpose: Purpose, index: u64) -> u64 {
    mix(draw(seed, id, purpose).wrapping_add(GOLDEN.wrapping_mul(index.wrapping_add(1))))
}

/// Evenly one of `0..count`; 0 when there is nothing to choose from.
#[must_use]
pub const fn below(bits: u64, count: u64) -> u64 {
    ((bits as u128 * count as u128) >> 64) as u64
}

/// Evenly in [0, 1), in 10^-9.
#[must_use]
pub const fn uniform(bits: u64) -> i64 {
    below(bits, ONE as u64) as i64
}

/// Standard normal, in 10^-9; at most about 5.6 either way.
#[must_use]
pub fn normal(bits: u64) -> i64 {
    // The lowest bit is the sign, the others the chance; 32 bits of it are looked up a level.
    let sign = if bits & 1 == 0 { 1 } else { -1 };
    let mut chance = u128::from(bits >> 1) << 1;
    for level in &HALF_NORMAL {
        let scaled = chance * CELLS as u128;
        let (cell, rest) = ((scaled >> 64) as usize, scaled & u128::from(u64::MAX));
        let is_tail = cell == CELLS - 1;
        let is_last = std::ptr::eq(level, &HALF_NORMAL[HALF_NORMAL.len() - 1]);
        if is_tail && !is_last {
            chance = rest;
            continue;
        }
        return sign * between(level.get(cell..cell + 2), rest);
    }
    0
}

/// Linear interpolation inside a cell; `rest` is how far into it, in 2^-64.
fn between(ends: Option<&[i64]>, rest: u128) -> i64 {
    let Some([low, high]) = ends else {
        return 0;
    };
    let step = (high - low).unsigned_abs();
    let into = (u128::from(step) * (rest >> 32)) >> 32;
    low + into as i64
}

/// e^x for x in 10^-9, in 10^-9: between e^-20 and e^20, beyond at those.
#[must_use]
pub fn exp(x: i64) -> i64 {
    let x = x.clamp(-20 * ONE, 20 * ONE);
    // x / ln 2 in 2^-32: 1 / ln 2 = 1.442695040888963407.
    let exponent = i128::from(x) * 1_442_695_040_888_963;
    let scaled = (exponent << 32) / 1_000_000_000_000_000_000_000_000;
    let (whole, fraction) = (scaled >> 32, (scaled & 0xFFFF_FFFF) as u128);
    let cell = (fraction >> 24) as usize;
    let power = between(POWERS_OF_TWO.get(cell..cell + 2), (fraction & 0xFF_FFFF) << 40);
    let power = i128::from(power);
    let moved = if whole >= 0 { power << whole } else { power >> -whole };
    moved as i64
}

/// Log-normal with median 1, in 10^-9: e^(sigma z) for a standard deviation of the logarithm.
#[must_use]
pub fn log_normal(bits: u64, sigma: i64) -> i64 {
    let z = i128::from(normal(bits)) * i128::from(sigma) / i128::from(ONE);
    exp(crate::units::clamp(z))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws() -> impl Iterator<Item = u64> {
        (0..20_000).map(|id| bits(7, id, Purpose::CommandLatency, 0))
    }

    #[test]
    fn the_same_question_gets_the_same_answer_and_another_question_another() {
        let one = bits(1, 2, Purpose::CommandLatency, 0);
        assert_eq!(one, bits(1, 2, Purpose::CommandLatency, 0));
        for other in [
            bits(2, 2, Purpose::CommandLatency, 0),
            bits(1, 3, Purpose::CommandLatency, 0),
            bits(1, 2, Purpose::EventLatency, 0),
            bits(1, 2, Purpose::CommandLatency, 1),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_variance_one_and_their_tails() {
        let values: Vec<i128> = draws().map(|bits| i128::from(normal(bits))).collect();
        let count = values.len() as i128;
        let mean = values.iter().sum::<i128>() / count;
        let variance = values.iter().map(|z| z * z).sum::<i128>() / count / i128::from(ONE);
        assert!(mean.abs() < 20_000_000, "mean {mean}");
        assert!((variance - i128::from(ONE)).abs() < 30_000_000, "variance {variance}");
        let beyond = |limit: i128| values.iter().filter(|z| z.abs() > limit * 1_000_000).count();
        assert!((800..1_200).contains(&beyond(1_960)), "{}", beyond(1_960));
        assert!((30..90).contains(&beyond(3_000)), "{}", beyond(3_000));
        let ends = [normal(0), normal(u64::MAX), normal(u64::MAX - 1)];
        assert_eq!(ends[0], 0);
        assert!(ends[1] < -5 * ONE && ends[2] > 5 * ONE, "{ends:?}");
    }

    #[test]
    fn the_exponential_is_right_to_six_digits() {
        for (x, wanted) in [
            (0, 1_000_000_000),
            (ONE, 2_718_281_828),
            (-ONE, 367_879_441),
            (ONE / 2, 1_648_721_271),
            (5 * ONE, 148_413_159_103),
            (-7 * ONE, 911_882),
        ] {
            let found = exp(x);
            assert!((found - wanted).abs() <= wanted / 400_000 + 2, "e^{x}: {found}");
        }
    }

    #[test]
    fn log_normal_draws_have_their_median() {
        let mut values: Vec<i64> = draws().map(|bits| log_normal(bits, ONE / 2)).collect();
        values.sort_unstable();
        let median = values[values.len() / 2];
        assert!((median - ONE).abs() < 20_000_000, "median {median}");
        assert!(values[0] > 0);
    }

    #[test]
    fn a_choice_is_even() {
        let mut counts = [0; 7];
        draws().for_each(|bits| counts[below(bits, 7) as usize] += 1);
        assert!(counts.iter().all(|count| (2_650..3_080).contains(count)), "{counts:?}");
        assert_eq!(below(u64::MAX, 0), 0);
    }
}
