//! Decimals and times as text, written and read.

use super::{MONEY_DIGITS_SHOWN, MONEY_SCALE, Nanos, SECOND_NS, TIME_MAX_NS, clamp, power_of_ten};

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
    fn a_step_needs_as_many_digits_as_it_has() {
        assert_eq!(digits_of_step(10_000, 6), 2);
        assert_eq!(digits_of_step(1_000_000, 6), 0);
        assert_eq!(digits_of_step(5, 1), 1);
    }
}
