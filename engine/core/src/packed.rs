//! A closed order in few bytes: it is only read again when somebody asks for it or sends its
//! request again, and there are many more of them than open ones.
//!
//! Every number takes the bytes that it needs, their counts stand before them; an id that is a
//! UUID takes its 128 bits. What does not fit, or asks for more than most, is kept whole.

use crate::ids::format_uuid;
use crate::label::Label;
use crate::order::{Order, OrderTerms};
use crate::units::Nanos;
use crate::words::{OrderType, Reason, Side, Status, TimeInForce};

const ROOM: usize = 63;
/// The time at which the order was taken, then the words and the counts, then the numbers.
const HEAD: usize = 8;
const BEGIN: usize = HEAD + 8;
const NUMBERS: usize = 9;
/// Room to write what may turn out to be too long.
const DRAFT: usize = BEGIN + NUMBERS * 8 + 1 + ROOM;
/// The length that says that an id is a UUID.
const UUID: u8 = u8::MAX;

/// A closed order.
#[derive(Clone, Debug)]
pub(crate) enum Packed {
    Short([u8; ROOM]),
    Whole(Box<Order>),
}

const _: () = assert!(size_of::<Option<Packed>>() == 64);

impl Packed {
    /// The order in few bytes, if it can be.
    pub fn new(order: &Order) -> Packed {
        match pack(order) {
            Some(bytes) => Packed::Short(bytes),
            None => Packed::Whole(Box::new(order.clone())),
        }
    }

    /// The order of this number that was packed.
    pub fn open(&self, number: u64) -> Box<Order> {
        match self {
            Packed::Short(bytes) => Box::new(unpack(bytes, number)),
            Packed::Whole(order) => order.clone(),
        }
    }

    /// When the order was taken.
    pub fn created_ns(&self) -> Nanos {
        match self {
            Packed::Short(bytes) => word_at(bytes, 0) as Nanos,
            Packed::Whole(order) => order.created_ns,
        }
    }
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// The 128 bits of a UUID in lower case.
fn uuid_of(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut id = 0;
    for (at, byte) in text.iter().enumerate() {
        let digit = match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        id = id << 4 | u128::from(digit);
    }
    Some(id)
}

/// Bytes that are written.
struct Writer {
    bytes: [u8; DRAFT],
    at: usize,
    counts: u64,
}

impl Writer {
    fn all(&mut self, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.at..self.at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    #[inline]
    fn number(&mut self, number: u64) {
        if let Some(place) = self.bytes.get_mut(self.at..self.at + 8) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let count = (number | 1).ilog2() / 8 + 1;
        self.at += count as usize;
        self.counts = self.counts << 4 | u64::from(count);
    }

    fn label(&mut self, label: &Label) {
        match uuid_of(label.as_bytes()) {
            Some(id) => {
                self.all(&[UUID]);
                self.all(&id.to_le_bytes());
            }
            None => {
                self.all(&[label.as_bytes().len() as u8]);
                self.all(label.as_bytes());
            }
        }
    }
}

/// What is read.
struct Reader<'a> {
    bytes: &'a [u8; ROOM],
    at: usize,
    counts: u64,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        self.at += count;
        self.bytes.get(self.at - count..self.at).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let count = self.counts >> (4 * (NUMBERS - 1)) & 15;
        self.counts <<= 4;
        wide(self.take(count as usize)) as u64
    }

    fn signed(&mut self) -> i64 {
        unzigzag(self.number())
    }

    fn label(&mut self) -> Label {
        match wide(self.take(1)) as u8 {
            UUID => format_uuid(wide(self.take(16))).into(),
            length => {
                let bytes = self.take(length.into());
                std::str::from_utf8(bytes).unwrap_or_default().into()
            }
        }
    }
}

/// A number of up to 16 bytes, lowest first.
fn wide(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn word_at(bytes: &[u8; ROOM], at: usize) -> u64 {
    wide(bytes.get(at..at + 8).unwrap_or_default()) as u64
}

/// Words and flags in the upper bits of the head; below them are the counts.
mod head {
    pub const KIND: u32 = 36;
    pub const TIME_IN_FORCE: u32 = 40;
    pub const STATUS: u32 = 44;
    pub const REASON: u32 = 48;
    pub const HAS_LIMIT: u64 = 1 << 56;
    pub const HAS_REASON: u64 = 1 << 57;
    pub const SELLS: u64 = 1 << 58;
}

fn head_of(order: &Order) -> u64 {
    let terms = &order.terms;
    let limit = terms.limit_price.map_or(0, |_| head::HAS_LIMIT);
    let reason =
        order.reason.map_or(0, |reason| head::HAS_REASON | (reason as u64) << head::REASON);
    let side = if terms.side == Side::Sell { head::SELLS } else { 0 };
    limit
        | reason
        | side
        | (terms.order_type as u64) << head::KIND
        | (terms.time_in_force as u64) << head::TIME_IN_FORCE
        | (order.status as u64) << head::STATUS
}

/// The word that stands in a head.
fn word<T: Copy>(all: &[T], head: u64, shift: u32, bits: u32, otherwise: T) -> T {
    let at = head >> shift & ((1 << bits) - 1);
    all.get(at as usize).copied().unwrap_or(otherwise)
}

fn pack(order: &Order) -> Option<[u8; ROOM]> {
    let terms = &order.terms;
    let is_plain = terms.more.is_none()
        && order.extra.is_none()
        && terms.stop_price.is_none()
        && order.hold == 0
        && !order.triggered
        && terms.client_order_id.as_bytes().len() < ROOM;
    let value = u64::try_from(order.filled_value).ok().filter(|_| is_plain)?;
    let mut out = Writer { bytes: [0; DRAFT], at: BEGIN, counts: 0 };
    out.number(zigzag(terms.limit_price.unwrap_or(0)));
    out.number(terms.account.into());
    out.number(terms.instrument.into());
    out.number(zigzag(terms.qty));
    out.number(zigzag(terms.qty.wrapping_sub(order.filled)));
    out.number(value);
    out.number(zigzag(order.priority.wrapping_sub(order.number) as i64));
    out.number(zigzag(order.updated_ns.wrapping_sub(order.created_ns)));
    out.number(order.seq);
    out.label(&terms.client_order_id);
    if out.at > ROOM {
        return None;
    }
    let head = head_of(order) | out.counts;
    out.at = 0;
    out.all(&order.created_ns.to_le_bytes());
    out.all(&head.to_le_bytes());
    out.bytes.first_chunk().copied()
}

fn unpack(bytes: &[u8; ROOM], number: u64) -> Order {
    let created_ns = word_at(bytes, 0) as Nanos;
    let head = word_at(bytes, HEAD);
    let mut input = Reader { bytes, at: BEGIN, counts: head };
    let limit_price = input.signed();
    let (account, instrument) = (input.number() as u32, input.number() as u32);
    let qty = input.signed();
    let filled = qty.wrapping_sub(input.signed());
    let filled_value = input.number().into();
    let priority = number.wrapping_add(input.signed() as u64);
    let updated_ns = created_ns.wrapping_add(input.signed());
    let seq = input.number();
    let reason = || word(Reason::ALL, head, head::REASON, 8, Reason::Requested);
    Order {
        number,
        terms: OrderTerms {
            account,
            client_order_id: input.label(),
            instrument,
            side: if head & head::SELLS == 0 { Side::Buy } else { Side::Sell },
            order_type: word(OrderType::ALL, head, head::KIND, 4, OrderType::Limit),
            qty,
            limit_price: (head & head::HAS_LIMIT != 0).then_some(limit_price),
            stop_price: None,
            time_in_force: word(TimeInForce::ALL, head, head::TIME_IN_FORCE, 4, TimeInForce::Day),
            more: None,
        },
        filled,
        filled_value,
        hold: 0,
        status: word(Status::ALL, head, head::STATUS, 4, Status::Canceled),
        reason: (head & head::HAS_REASON != 0).then(reason),
        triggered: false,
        priority,
        created_ns,
        updated_ns,
        seq,
        extra: None,
    }
}

const _: () = assert!(
    OrderType::ALL.len() <= 16
        && TimeInForce::ALL.len() <= 16
        && Status::ALL.len() <= 16
        && Reason::ALL.len() <= 256
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::more_terms::MoreTerms;
    use crate::order::test_order;

    fn any_order() -> impl Strategy<Value = Order> {
        let small = prop_oneof![0_i64..300, any::<i64>()];
        let ids =
            prop_oneof!["[a-z0-9]{1,38}", "[a-zé]{30,70}", any::<u128>().prop_map(format_uuid)];
        let ids =
            prop_oneof![4 => ids, 1 => any::<u128>().prop_map(|id| format_uuid(id).to_uppercase())];
        let numbers = prop::collection::vec(small, 9);
        let words = (0..OrderType::ALL.len(), 0..TimeInForce::ALL.len(), 0..Status::ALL.len());
        let reason = prop::option::of(0..Reason::ALL.len());
        let rarer = prop::option::weighted(0.1, 0..4_u8);
        (any::<u64>(), ids, numbers, words, reason, rarer).prop_map(
            |(number, id, numbers, (kind, tif, status), reason, rarer)| {
                let mut order = test_order(number);
                order.terms.client_order_id = id.into();
                order.terms.order_type = OrderType::ALL[kind];
                order.terms.time_in_force = TimeInForce::ALL[tif];
                order.terms.side = if numbers[0] % 2 == 0 { Side::Buy } else { Side::Sell };
                order.terms.account = numbers[1] as u32;
                order.terms.limit_price = Some(numbers[2]).filter(|price| price % 3 != 0);
                order.status = Status::ALL[status];
                order.reason = reason.map(|at| Reason::ALL[at]);
                (order.terms.qty, order.filled) = (numbers[3], numbers[4]);
                order.filled_value = i128::from(numbers[5]) * 3;
                (order.priority, order.seq) = (numbers[6] as u64, numbers[7] as u64);
                (order.created_ns, order.updated_ns) = (numbers[7], numbers[8]);
                match rarer {
                    Some(0) => order.terms.stop_price = Some(5),
                    Some(1) => order.terms.more = Some(Box::new(MoreTerms::NONE)),
                    Some(2) => order.hold = 1,
                    Some(_) => order.triggered = true,
                    None => {}
                }
                order
            },
        )
    }

    proptest! {
        #[test]
        fn an_order_comes_out_as_it_went_in(order in any_order()) {
            let packed = Packed::new(&order);
            prop_assert_eq!(packed.created_ns(), order.created_ns);
            prop_assert_eq!(*packed.open(order.number), order);
        }
    }

    #[test]
    fn an_order_with_a_uuid_fits() {
        let mut order = test_order(123_456_789);
        order.terms.client_order_id = format_uuid(u128::MAX / 3).into();
        (order.terms.qty, order.filled, order.filled_value) = (1_000_000, 1_000_000, 1 << 48);
        order.terms.limit_price = Some(190_500_000);
        (order.created_ns, order.updated_ns) =
            (1_795_171_560_000_000_001, 1_795_171_580_000_000_001);
        (order.seq, order.status) = (123_456_789, Status::Filled);
        assert!(matches!(Packed::new(&order), Packed::Short(_)));
    }
}
