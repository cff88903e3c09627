//! Money, price, quantity and time as scaled integers; the only place that rounds.
//!
//! Prices and quantities are i64 with a scale (count of decimal digits) per instrument, money is
//! i64 with a scale per currency, sums of money are i128. Every rounding is named: notional
//! half-even, fee half away from zero, hold up. Nothing here panics on any value.

mod text;

pub(crate) use text::ascii;
pub use text::{
    DecimalError, digits_of_step, format_decimal, format_money, format_time, parse_decimal,
    parse_time,
};

/// A price in units of 10^-price_scale of the instrument.
pub type Price = i64;
/// A quantity in units of 10^-qty_scale of the instrument.
pub type Quantity = i64;
/// An amount of one event, in units of 10^-MONEY_SCALE.
pub type Money = i64;
/// A sum of amounts. It cannot overflow: it would take 2^64 events of the largest amount.
pub type Balance = i128;
/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Nanos = i64;

/// Decimal digits of money: finer than any currency's minor unit, so percent fees stay exact.
pub const MONEY_SCALE: u8 = 6;
/// Decimal digits that money shows at least.
pub const MONEY_DIGITS_SHOWN: u8 = 2;
/// Decimal digits of rates (fees, participation).
pub const RATE_SCALE: u8 = 9;
/// The largest scale of a price or quantity.
pub const SCALE_MAX: u8 = 12;
/// The largest amount of one event; leaves room for one addition in i64.
pub const AMOUNT_MAX: Money = 4_000_000_000_000_000_000;
/// The largest value of an order and of a deposit: 10^12 currency units.
pub const ORDER_VALUE_MAX: Money = 1_000_000_000_000_000_000;
/// The largest position and order quantity.
pub const QUANTITY_MAX: Quantity = 4_000_000_000_000_000_000;
/// The largest price.
pub const PRICE_MAX: Price = 4_000_000_000_000_000_000;
/// One second.
pub const SECOND_NS: Nanos = 1_000_000_000;
/// One minute.
pub const MINUTE_NS: Nanos = 60 * SECOND_NS;
/// One day.
pub const DAY_NS: Nanos = 86_400 * SECOND_NS;
/// The last instant the engine accepts (2255-06-05), so that adding a day cannot overflow.
pub const TIME_MAX_NS: Nanos = 9_006_000_000_000_000_000;

/// How a quotient becomes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; ties to the even neighbour.
    HalfEven,
    /// To the nearest; ties away from zero.
    HalfUp,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

/// 10^exponent; exponents beyond 38 give the largest power that fits.
pub const fn power_of_ten(exponent: u32) -> i128 {
    POWERS_OF_TEN[if exponent > 38 { 38 } else { exponent as usize }]
}

const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < 39 {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// `numerator / denominator`, rounded. The denominator is positive.
pub const fn divide(numerator: i128, denominator: i128, rounding: Rounding) -> i128 {
    // Almost every amount fits 64 bits, where a division is several times as fast.
    if numerator as u64 as i128 == numerator && denominator as u64 as i128 == denominator {
        return divide_small(numerator as u64, denominator as u64, rounding);
    }
    rounded(numerator / denominator, numerator % denominator, denominator, rounding)
}

/// The same of two numbers that are not negative and fit 64 bits.
const fn divide_small(numerator: u64, denominator: u64, rounding: Rounding) -> i128 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    // What is missing to the next whole, held against the rest: twice the rest could overflow.
    let missing = denominator - rest;
    let moves = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfUp => rest >= missing,
        Rounding::HalfEven => rest > missing || (rest == missing && quotient % 2 != 0),
    };
    quotient as i128 + moves as i128
}

/// A quotient with the rest that it leaves, rounded.
const fn rounded(quotient: i128, rest: i128, denominator: i128, rounding: Rounding) -> i128 {
    if rest == 0 {
        return quotient;
    }
    let away = if rest < 0 { -1 } else { 1 };
    let twice = rest.unsigned_abs() * 2;
    let half = denominator.unsigned_abs();
    let moves = match rounding {
        Rounding::Down => false,
        Rounding::Up => true,
        Rounding::HalfUp => twice >= half,
        Rounding::HalfEven => twice > half || (twice == half && quotient % 2 != 0),
    };
    if moves { quotient.saturating_add(away) } else { quotient }
}

/// `value * by / whole`, rounded. The product is split, so it is exact as far as the result fits;
/// beyond, the result stands at the bound of 128 bits. `by >= 0`, `whole > 0`.
pub const fn portion(value: i128, by: i64, whole: i64, rounding: Rounding) -> i128 {
    portion_of(value, by, whole as i128, rounding)
}

/// The same of a whole of 128 bits; exact as long as `whole * by` fits them, too.
pub const fn portion_of(value: i128, by: i64, whole: i128, rounding: Rounding) -> i128 {
    let by = by as i128;
    if value as i64 as i128 == value {
        return divide(value * by, whole, rounding);
    }
    let part = (value % whole).saturating_mul(by);
    let quotient = (value / whole).saturating_mul(by).saturating_add(part / whole);
    rounded(quotient, part % whole, whole, rounding)
}

/// `total * part / whole` rounded half-even, exact for any total: the product is split so that it
/// cannot overflow. `0 <= part <= whole`, `whole > 0`.
pub const fn share_of(total: i128, part: i64, whole: i64) -> i128 {
    let whole_wide = whole as i128;
    let part_wide = part as i128;
    if total as i64 as i128 == total {
        return divide(total * part_wide, whole_wide, Rounding::HalfEven);
    }
    let rest = (total % whole_wide) * part_wide;
    (total / whole_wide) * part_wide + divide(rest, whole_wide, Rounding::HalfEven)
}

/// The value of `quantity` at `price`, in money units; `scales` is the sum of the two scales.
pub const fn value_of(price: Price, quantity: Quantity, scales: u8, rounding: Rounding) -> i128 {
    let product = price as i128 * quantity as i128;
    if scales >= MONEY_SCALE {
        divide(product, power_of_ten((scales - MONEY_SCALE) as u32), rounding)
    } else {
        let power = power_of_ten((MONEY_SCALE - scales) as u32);
        match product as i64 as i128 == product {
            true => product * power,
            false => product.saturating_mul(power),
        }
    }
}

/// The same for contracts of which one unit stands for `factor`; `scales` is the sum of the three
/// scales. The product is split, so it is exact as far as the result fits.
pub const fn value_times(
    price: Price,
    quantity: Quantity,
    factor: i64,
    scales: u8,
    rounding: Rounding,
) -> i128 {
    let product = price as i128 * quantity as i128;
    let factor = factor as i128;
    if scales <= MONEY_SCALE {
        let grow = power_of_ten((MONEY_SCALE - scales) as u32);
        return product.saturating_mul(factor).saturating_mul(grow);
    }
    let divisor = power_of_ten((scales - MONEY_SCALE) as u32);
    let part = (product % divisor).saturating_mul(factor);
    let whole = (product / divisor).saturating_mul(factor).saturating_add(part / divisor);
    rounded(whole, part % divisor, divisor, rounding)
}

/// An exact value at the sum of two scales, as money, half-even.
pub const fn money_of(value: i128, scales: u8) -> i128 {
    if scales >= MONEY_SCALE {
        divide(value, power_of_ten((scales - MONEY_SCALE) as u32), Rounding::HalfEven)
    } else {
        value.saturating_mul(power_of_ten((MONEY_SCALE - scales) as u32))
    }
}

/// The average price that `value` for `quantity` stands for, half-even at the price's scale; both
/// are below zero for a short position.
pub const fn price_of(value: i128, quantity: Quantity, scales: u8) -> Price {
    if quantity == 0 {
        return 0;
    }
    let (numerator, denominator) = if scales >= MONEY_SCALE {
        (value.saturating_mul(power_of_ten((scales - MONEY_SCALE) as u32)), quantity as i128)
    } else {
        let shrink = power_of_ten((MONEY_SCALE - scales) as u32);
        (value, (quantity as i128).saturating_mul(shrink))
    };
    let sign = if denominator < 0 { -1 } else { 1 };
    clamp(divide(numerator * sign, denominator * sign, Rounding::HalfEven))
}

/// The same for contracts of which one unit stands for `factor`.
pub const fn price_times(value: i128, quantity: Quantity, factor: i64, scales: u8) -> Price {
    let owed = quantity < 0;
    let units = (quantity.unsigned_abs() as i128).saturating_mul(factor as i128);
    if units <= 0 {
        return 0;
    }
    let value = if owed { value.saturating_neg() } else { value };
    let (numerator, denominator) = if scales >= MONEY_SCALE {
        (value.saturating_mul(power_of_ten((scales - MONEY_SCALE) as u32)), units)
    } else {
        (value, units.saturating_mul(power_of_ten((MONEY_SCALE - scales) as u32)))
    };
    clamp(divide(numerator, denominator, Rounding::HalfEven))
}

/// An amount that one event can carry: the nearest one when `value` lies beyond `AMOUNT_MAX`.
pub fn bounded_amount(value: Balance) -> Money {
    clamp(value.clamp(-Balance::from(AMOUNT_MAX), Balance::from(AMOUNT_MAX)))
}

/// `value` as an i64, at the nearest bound when it lies outside.
pub const fn clamp(value: i128) -> i64 {
    if value > i64::MAX as i128 {
        i64::MAX
    } else if value < i64::MIN as i128 {
        i64::MIN
    } else {
        value as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rounding_does_what_its_name_says() {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        for (numerator, rounding, wanted) in [
            (25, HalfEven, 2),
            (35, HalfEven, 4),
            (25, HalfUp, 3),
            (-25, HalfUp, -3),
            (21, Up, 3),
            (29, Down, 2),
            (20, Up, 2),
        ] {
            assert_eq!(divide(numerator, 10, rounding), wanted, "{numerator} {rounding:?}");
        }
    }

    proptest::proptest! {
        /// The twin divides in 128 bits whatever the numbers are.
        #[test]
        fn small_numbers_divide_like_large_ones(numerator: u64, denominator in 1_u64.., small: u8) {
            use Rounding::{Down, HalfEven, HalfUp, Up};
            for (n, d) in [(numerator, denominator), (small.into(), denominator % 16 + 1)] {
                for rounding in [Down, Up, HalfUp, HalfEven] {
                    let (wide, by) = (i128::from(n), i128::from(d));
                    let twin = rounded(wide / by, wide % by, by, rounding);
                    proptest::prop_assert_eq!(divide(wide, by, rounding), twin);
                }
            }
        }
    }

    #[test]
    fn a_share_of_a_huge_total_does_not_overflow() {
        let total = i128::from(i64::MAX) * 1_000_000;
        assert_eq!(share_of(total, QUANTITY_MAX, QUANTITY_MAX), total);
        assert_eq!(share_of(10, 1, 4), 2);
    }

    #[test]
    fn a_value_with_a_factor_rounds_like_the_whole_product() {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        for rounding in [Down, HalfEven, HalfUp, Up] {
            for (price, quantity, factor, scales) in [
                (5_012_250_000, 3, 50, 6_u8),
                (15, 1, 5, 8),
                (25, 1, 5, 9),
                (-35, 1, 5, 9),
                (7, 13, 125_000, 12),
                (7, 13, 125_000, 4),
            ] {
                let exact = i128::from(price * quantity) * i128::from(factor);
                let wanted = if scales > MONEY_SCALE {
                    divide(exact, power_of_ten(u32::from(scales - MONEY_SCALE)), rounding)
                } else {
                    exact * power_of_ten(u32::from(MONEY_SCALE - scales))
                };
                assert_eq!(value_times(price, quantity, factor, scales, rounding), wanted);
            }
        }
        // The product is beyond i128, its value is not.
        let value = value_times(PRICE_MAX, QUANTITY_MAX, 1_000_000_000, 25, Down);
        assert_eq!(value, 1_600_000_000_000_000_000_000_000_000);
    }

    #[test]
    fn a_portion_is_exact_where_its_product_is_beyond_all_bounds() {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        // 4 x 10^20 in cents of all of 4 x 10^18 lots: the product needs 131 bits.
        let value = 400_000_000_000_000_000_001;
        assert_eq!(portion(value, QUANTITY_MAX, QUANTITY_MAX, Up), value);
        let (by, whole) = (1_000_000_000_000_000_001, 3_000_000_000_000_000_003);
        assert_eq!(portion(value, by, whole, Down), 133_333_333_333_333_333_333);
        for rounding in [HalfEven, HalfUp, Up] {
            assert_eq!(portion(value, by, whole, rounding), 133_333_333_333_333_333_334);
        }
        assert_eq!(portion(i128::MAX, 2, 1, Up), i128::MAX);
        assert_eq!(portion(-value, 1, 2, HalfEven), -200_000_000_000_000_000_000);
        assert_eq!(portion(-value, 1, 2, Up), -200_000_000_000_000_000_001);
    }
}
