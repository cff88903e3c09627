//! Values as canonical bytes: integers little-endian, text and lists with a 32-bit length.
//!
//! What the parts of a state are made of; `snapshot.rs` says which parts there are.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::orders::Orders;
use crate::snapshot::{SnapshotError, bad};

/// Bytes that are written, and the orders of the state that they are of: what an account keeps of
/// an order's request stands with the order.
pub(crate) struct Output<'a> {
    pub bytes: Vec<u8>,
    pub orders: &'a Orders,
}

/// Bytes that are left to read.
pub(crate) struct Input<'a> {
    pub rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], SnapshotError> {
        let (head, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| bad("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }
}

/// What has canonical bytes.
pub(crate) trait Stored: Sized {
    fn put(&self, out: &mut Output<'_>);
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError>;
}

macro_rules! stored_integers {
    ($($kind:ty),+) => {$(
        impl Stored for $kind {
            fn put(&self, out: &mut Output<'_>) {
                out.bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                let bytes = input.take(size_of::<$kind>())?;
                let bytes = bytes.try_into().map_err(|_| bad("it ends too early"))?;
                Ok(<$kind>::from_le_bytes(bytes))
            }
        }
    )+};
}

stored_integers!(u8, u32, u64, u128, i64);

/// The largest sum that a state can hold, either sign; events cannot add up to it, and it leaves
/// room for sums of such sums.
const SUM_MAX: u128 = 1 << 122;

impl Stored for i128 {
    fn put(&self, out: &mut Output<'_>) {
        out.bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let bytes = input.take(size_of::<i128>())?;
        let bytes = bytes.try_into().map_err(|_| bad("it ends too early"))?;
        let sum = i128::from_le_bytes(bytes);
        let fits = sum.unsigned_abs() <= SUM_MAX;
        fits.then_some(sum).ok_or_else(|| bad("a sum is out of bounds"))
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn put(&self, out: &mut Output<'_>) {
        self.0.put(out);
        self.1.put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok((A::get(input)?, B::get(input)?))
    }
}

impl Stored for bool {
    fn put(&self, out: &mut Output<'_>) {
        out.bytes.push(u8::from(*self));
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        match u8::get(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad("neither true nor false")),
        }
    }
}

impl Stored for String {
    fn put(&self, out: &mut Output<'_>) {
        (self.len() as u32).put(out);
        out.bytes.extend_from_slice(self.as_bytes());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = u32::get(input)? as usize;
        let bytes = input.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| bad("a text is not UTF-8"))
    }
}

impl<T: Stored> Stored for Box<T> {
    fn put(&self, out: &mut Output<'_>) {
        self.as_ref().put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        T::get(input).map(Box::new)
    }
}

impl<A: Stored, B: Stored, C: Stored> Stored for (A, B, C) {
    fn put(&self, out: &mut Output<'_>) {
        self.0.put(out);
        self.1.put(out);
        self.2.put(out);
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok((A::get(input)?, B::get(input)?, C::get(input)?))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Output<'_>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        if bool::get(input)? { T::get(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Stored + Ord> Stored for BTreeSet<T> {
    fn put(&self, out: &mut Output<'_>) {
        put_all(out, self.len(), self.iter());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Vec::get(input).map(|items: Vec<T>| items.into_iter().collect())
    }
}

/// Writes a list: its length, then its items.
pub(crate) fn put_all<'a, T: Stored + 'a>(
    out: &mut Output<'_>,
    length: usize,
    items: impl Iterator<Item = &'a T>,
) {
    (length as u32).put(out);
    for item in items {
        item.put(out);
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Output<'_>) {
        put_all(out, self.len(), self.iter());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = u32::get(input)?;
        (0..length).map(|_| T::get(input)).collect()
    }
}

impl<T: Stored> Stored for VecDeque<T> {
    fn put(&self, out: &mut Output<'_>) {
        put_all(out, self.len(), self.iter());
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Vec::get(input).map(Into::into)
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn put(&self, out: &mut Output<'_>) {
        (self.len() as u32).put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }
    fn get(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = u32::get(input)?;
        (0..length).map(|_| Ok((K::get(input)?, V::get(input)?))).collect()
    }
}
