//! Floats in saved state as their bits, so that what is read is what was written.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes the bits of `value`.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(value.to_bits())
}

/// Reads what `serialize` wrote; refuses what is not a finite number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::from_bits(u64::deserialize(deserializer)?);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(serde::de::Error::custom("a saved number is not finite"))
    }
}
