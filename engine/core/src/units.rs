//! Money, price, quantity and time as scaled integers; the only place that rounds.
//!
//! Prices and quantities are i64 with a scale (count of decimal digits) per instrument, money is
//! i64 with a scale per currency, sums of money are i128. Every rounding is named: notional
//! half-even, fee half away from zero, hold up. Nothing here panics on any value.

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

/// Why a text is not a number of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a decimal number.
    NotANumber,
    /// More digits after the point than the scale has.
    TooManyDecimals,
    /// Beyond what the engine can hold.
    TooLarge,
}

/// Reads a decimal text such as `10.01` as an integer of the given scale.
///
/// No exponent, no sign `+`, no blanks; needless zeros after the point are allowed.
pub fn parse_decimal(text: &str, scale: u8) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let malformed = whole.is_empty() || (digits.contains('.') && fraction.is_empty());
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if malformed || !all_digits || digits.len() > 60 {
        return Err(DecimalError::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(DecimalError::TooManyDecimals);
    }
    let mut value: i128 = 0;
    let zeros = usize::from(scale) - fraction.len();
    let padding = std::iter::repeat_n(b'0', zeros);
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        value = value * 10 + i128::from(digit - b'0');
        if value > i128::from(i64::MAX) {
            return Err(DecimalError::TooLarge);
        }
    }
    let value = clamp(value);
    Ok(if negative { -value } else { value })
}

/// Writes `value` of the given scale as decimal text with at least `shown` decimals and no
/// needless zeros beyond them. The scale is at most 18.
pub fn format_decimal(value: i128, scale: u8, shown: u8) -> String {
    let mut text = [b'0'; 96];
    let (whole, part) = parted(value.unsigned_abs(), power_of_ten(u32::from(scale)).unsigned_abs());
    // The point stands at a fixed place: decimals behind it, the whole part before it.
    let first = text.len() - usize::from(scale);
    let mut end = first + usize::from(shown.min(scale));
    let (mut rest, mut place) = (part as u64, text.len());
    while rest > 0 {
        place -= 1;
        let digit = (rest % 10) as u8;
        text[place] = b'0' + digit;
        rest /= 10;
        end = end.max(if digit == 0 { 0 } else { place + 1 });
    }
    let point = if scale == 0 { first } else { first - 1 };
    let mut start = write_whole(&mut text[..point], whole);
    if value < 0 {
        start -= 1;
        text[start] = b'-';
    }
    if end > first {
        text[point] = b'.';
    } else {
        end = point;
    }
    ascii(&text[start..end]).to_owned()
}

/// A number in two, by 64-bit division where it fits.
fn parted(number: u128, unit: u128) -> (u128, u128) {
    match (u64::try_from(number), u64::try_from(unit)) {
        (Ok(number), Ok(unit)) => (u128::from(number / unit), u128::from(number % unit)),
        _ => (number / unit, number % unit),
    }
}

/// Writes a number at the end of a text, at least one digit; returns where it starts.
fn write_whole(text: &mut [u8], number: u128) -> usize {
    let (mut start, mut rest) = (text.len(), number);
    while rest > u128::from(u64::MAX) {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let mut rest = rest as u64;
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return start;
        }
    }
}

/// Bytes that were made as ASCII, as text.
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Money as decimal text: `100000.00`.
pub fn format_money(value: i128) -> String {
    format_decimal(value, MONEY_SCALE, MONEY_DIGITS_SHOWN)
}

/// Decimal digits that a step (tick or lot) needs at this scale: 2 for a tick of 0.01.
pub fn digits_of_step(step: i64, scale: u8) -> u8 {
    let mut digits = scale;
    let mut rest = step;
    while digits > 0 && rest % 10 == 0 {
        rest /= 10;
        digits -= 1;
    }
    digits
}

/// The time as RFC 3339 UTC text with nine decimals.
pub fn format_time(time_ns: Nanos) -> String {
    let seconds = time_ns.div_euclid(SECOND_NS);
    let nanos = time_ns.rem_euclid(SECOND_NS);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let parts = [(4, year), (7, month), (10, day), (13, hour), (16, minute), (19, second)];
    for (end, number) in parts.into_iter().chain([(29, nanos)]) {
        write_digits(&mut text[..end], number);
    }
    ascii(&text).to_owned()
}

/// Writes a number over the last digits of a text.
fn write_digits(text: &mut [u8], mut number: i64) {
    for digit in text.iter_mut().rev().take_while(|byte| byte.is_ascii_digit()) {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Reads RFC 3339 text such as `2026-01-05T09:00:00Z`, with up to nine decimals and `Z` or an
/// offset such as `-05:00`. `None` for everything else and for times that the engine does not
/// accept.
pub fn parse_time(text: &str) -> Option<Nanos> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to).filter(|part| part.bytes().all(|it| it.is_ascii_digit()));
        digits?.parse().ok()
    };
    let stands = |at: usize, one_of: &[u8]| {
        text.as_bytes().get(at).is_some_and(|byte| one_of.contains(byte))
    };
    let marks: [(usize, &[u8]); 5] = [(4, b"-"), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")];
    if !marks.iter().all(|(at, one_of)| stands(*at, one_of)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_of(year, month, day);
    if date_of(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest
        .strip_prefix('.')
        .map_or(0, |decimals| decimals.bytes().take_while(|byte| byte.is_ascii_digit()).count());
    let (decimals, zone) = if digits > 0 { rest.split_at(digits + 1) } else { ("", rest) };
    let nanos = if digits > 0 { parse_decimal(&format!("0{decimals}"), 9).ok()? } else { 0 };
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds(zone)?;
    let time_ns = clamp(i128::from(seconds) * i128::from(SECOND_NS) + i128::from(nanos));
    (0..=TIME_MAX_NS).contains(&time_ns).then_some(time_ns)
}

/// Seconds that a zone such as `Z` or `+01:00` is ahead of UTC.
fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let part = |text: &str, most: i64| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_two && *number <= most)
    };
    Some(sign * (part(hours, 23)? * 3_600 + part(minutes, 59)? * 60))
}

/// The day number of a civil date counted from 1970-01-01, the other way round of `date_of`.
const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The civil date of a day number counted from 1970-01-01 (proleptic Gregorian calendar).
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_at_their_scale() {
        for (text, scale, wanted) in [
            ("10.01", 6, Ok(10_010_000)),
            ("10", 0, Ok(10)),
            ("-0.5", 2, Ok(-50)),
            ("1.500", 1, Ok(15)),
            ("0", 6, Ok(0)),
            ("1.001", 2, Err(DecimalError::TooManyDecimals)),
            ("", 2, Err(DecimalError::NotANumber)),
            ("-", 2, Err(DecimalError::NotANumber)),
            (".5", 2, Err(DecimalError::NotANumber)),
            ("5.", 2, Err(DecimalError::NotANumber)),
            ("1e5", 2, Err(DecimalError::NotANumber)),
            ("NaN", 2, Err(DecimalError::NotANumber)),
            ("+1", 2, Err(DecimalError::NotANumber)),
            ("9223372036854775808", 0, Err(DecimalError::TooLarge)),
        ] {
            assert_eq!(parse_decimal(text, scale), wanted, "{text} at {scale}");
        }
    }

    /// The digits as Rust prints them, cut at the point.
    fn printed_plainly(value: i128, scale: u8, shown: u8) -> String {
        let (scale, shown) = (usize::from(scale), usize::from(shown.min(scale)));
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let kept = part.trim_end_matches('0').len().max(shown);
        let sign = if value < 0 { "-" } else { "" };
        let point = if kept > 0 { "." } else { "" };
        format!("{sign}{whole}{point}{}", &part[..kept])
    }

    #[test]
    fn decimals_print_as_they_do_plainly() {
        let tens = (0..39).map(|exponent| 10_i128.pow(exponent));
        let bounds = [0, i128::from(i64::MAX), i128::from(u64::MAX), i128::MAX];
        for base in tens.chain(bounds) {
            for value in [base, base - 1, base.saturating_add(1), base / 7, base / 1_000 * 999] {
                for (scale, shown) in [(0, 0), (0, 2), (2, 2), (6, 2), (9, 0), (12, 12), (18, 3)] {
                    for value in [value, -value] {
                        let wanted = printed_plainly(value, scale, shown);
                        assert_eq!(format_decimal(value, scale, shown), wanted);
                    }
                }
            }
        }
        assert_eq!(format_decimal(i128::MIN, 6, 2), printed_plainly(i128::MIN, 6, 2));
    }

    #[test]
    fn decimals_print_without_needless_zeros() {
        for (value, scale, shown, wanted) in [
            (100_000_000_000, 6, 2, "100000.00"),
            (190_500_000, 6, 2, "190.50"),
            (190_505_100, 6, 2, "190.5051"),
            (-5, 2, 2, "-0.05"),
            (10_000_000, 6, 0, "10"),
            (7, 0, 2, "7"),
            (0, 6, 2, "0.00"),
            (i128::from(i64::MIN), 9, 0, "-9223372036.854775808"),
            (123_456_789_012_345_678_901_234_567_890, 6, 2, "123456789012345678901234.56789"),
        ] {
            assert_eq!(format_decimal(value, scale, shown), wanted);
        }
    }

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
    fn times_print_as_rfc_3339_with_nanoseconds() {
        assert_eq!(format_time(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(format_time(1_795_171_560_000_000_001), "2026-11-20T10:46:00.000000001Z");
        assert_eq!(format_time(951_782_400 * SECOND_NS), "2000-02-29T00:00:00.000000000Z");
    }

    #[test]
    fn times_are_read_as_rfc_3339() {
        let noon = Some(1_767_614_400 * SECOND_NS);
        for (text, wanted) in [
            ("2026-01-05T12:00:00Z", noon),
            ("2026-01-05T12:00:00.000000000Z", noon),
            ("2026-01-05t07:00:00-05:00", noon),
            ("2026-01-05 13:30:00+01:30", noon),
            ("2026-01-05T12:00:00.5Z", noon.map(|time| time + SECOND_NS / 2)),
            ("2000-02-29T00:00:00Z", Some(951_782_400 * SECOND_NS)),
            ("2026-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-05T24:00:00Z", None),
            ("2026-01-05T12:00:00", None),
            ("2026-01-05T12:00:00.Z", None),
            ("2026-01-05T12:00:00+1:00", None),
            ("1969-12-31T23:59:59Z", None),
            ("9999-01-01T00:00:00Z", None),
            ("", None),
            ("2026-01-05T12:00:0é", None),
        ] {
            assert_eq!(parse_time(text), wanted, "{text}");
        }
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

    #[test]
    fn a_step_needs_as_many_digits_as_it_has() {
        assert_eq!(digits_of_step(10_000, 6), 2);
        assert_eq!(digits_of_step(1_000_000, 6), 0);
        assert_eq!(digits_of_step(5, 1), 1);
    }
}
