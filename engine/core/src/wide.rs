//! Products of 256 bits, for comparisons whose factors are bounded by nothing but 128 bits.

use std::cmp::Ordering;

/// Compares two products, exactly. No factor is below zero.
pub fn compare_products(one: (i128, i128), other: (i128, i128)) -> Ordering {
    let wide = |(a, b): (i128, i128)| wide_product(a.max(0) as u128, b.max(0) as u128);
    wide(one).cmp(&wide(other))
}

/// The upper and the lower half of a product.
const fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const HALF: u32 = 64;
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> HALF, a & LOW, b >> HALF, b & LOW);
    let (low, cross) = (a_low * b_low, a_high * b_low);
    let middle = a_low * b_high + (low >> HALF) + (cross & LOW);
    (a_high * b_high + (cross >> HALF) + (middle >> HALF), middle << HALF | low & LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The twin multiplies digit by digit, in base 2^32.
    fn long_product(a: u128, b: u128) -> (u128, u128) {
        let digits = |number: u128| [0, 32, 64, 96].map(|at| (number >> at) as u32 as u64);
        let mut product = [0_u64; 8];
        for (i, a) in digits(a).into_iter().enumerate() {
            let mut carry = 0;
            for (j, b) in digits(b).into_iter().enumerate() {
                let sum = a * b + product[i + j] + carry;
                (product[i + j], carry) = (sum & 0xffff_ffff, sum >> 32);
            }
            product[i + 4] = carry;
        }
        let half = |digits: &[u64]| digits.iter().rev().fold(0, |n, d| n << 32 | u128::from(*d));
        (half(&product[4..]), half(&product[..4]))
    }

    proptest::proptest! {
        #[test]
        fn products_are_exact(a: u128, b: u128, small: (u8, u8)) {
            for (a, b) in [(a, b), (a >> (small.0 % 128), b >> (small.1 % 128)), (u128::MAX, a)] {
                proptest::prop_assert_eq!(wide_product(a, b), long_product(a, b));
            }
        }
    }
}
