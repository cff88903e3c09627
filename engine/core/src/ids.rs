//! Ids: integers inside, UUID text on the wire, invertible without a map.
//!
//! An order or fill id has 48 bits of SHA-256(world id), version nibble 8, a 12-bit kind, the
//! variant bits 10 and a 62-bit number.

use sha2::{Digest, Sha256};

use crate::units::ascii;

/// Number of an order within its world, from 1.
pub type OrderNumber = u64;
/// Number of a fill within its world, from 1.
pub type FillNumber = u64;
/// Position of an account in the world's list.
pub type AccountIndex = u32;
/// Position of an instrument in the world's list.
pub type InstrumentIndex = u32;
/// Position of an exchange in the world's list.
pub type ExchangeIndex = u32;

/// Position of a currency in the world's list.
pub type CurrencyIndex = u32;

/// What an engine-made id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// An order.
    Order = 1,
    /// A fill.
    Fill = 2,
}

const NUMBER_BITS: u32 = 62;
const NUMBER_MASK: u128 = (1 << NUMBER_BITS) - 1;
const VERSION: u128 = 8;
const VARIANT: u128 = 0b10;

/// The first 48 bits of the SHA-256 of a world's id, which all ids of the world begin with.
pub fn world_prefix(world: &str) -> u64 {
    let digest = Sha256::digest(world.as_bytes());
    digest.iter().take(6).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The 128 bits of an engine-made id.
pub fn make(prefix: u64, kind: IdKind, number: u64) -> u128 {
    u128::from(prefix) << 80
        | VERSION << 76
        | (kind as u128) << 64
        | VARIANT << NUMBER_BITS
        | u128::from(number) & NUMBER_MASK
}

/// The number in an id of this world and kind; `None` for every other id.
pub fn number_of(prefix: u64, kind: IdKind, id: u128) -> Option<u64> {
    let number = u64::try_from(id & NUMBER_MASK).ok()?;
    (make(prefix, kind, number) == id).then_some(number)
}

/// The id as UUID text, lower case.
pub fn format_uuid(id: u128) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = *b"00000000-0000-0000-0000-000000000000";
    for (byte, place) in id.to_be_bytes().into_iter().zip(PLACES) {
        text[place] = DIGITS[usize::from(byte >> 4)];
        text[place + 1] = DIGITS[usize::from(byte & 15)];
    }
    ascii(&text).to_owned()
}

/// Reads UUID text of the form 8-4-4-4-12 in either case.
pub fn parse_uuid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut id: u128 = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(*byte).to_digit(16)?;
        id = id << 4 | u128::from(digit);
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_number_back_and_refuses_strangers() {
        let here = world_prefix("main");
        let there = world_prefix("class-7");
        let id = make(here, IdKind::Order, 42);
        let text = format_uuid(id);
        assert_eq!(text.as_bytes()[14], b'8');
        assert_eq!(parse_uuid(&text), Some(id));
        assert_eq!(number_of(here, IdKind::Order, id), Some(42));
        assert_eq!(number_of(here, IdKind::Fill, id), None);
        assert_eq!(number_of(there, IdKind::Order, id), None);
    }

    #[test]
    fn text_that_is_no_uuid_is_refused() {
        for text in ["", "x", "00000000-0000-0000-0000-00000000000g", &"0".repeat(36)] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }
}
