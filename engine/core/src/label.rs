//! A short text that needs no memory of its own: request ids are made, compared and kept with
//! every command.

use std::ops::Deref;

const INLINE: usize = 38;

/// A text; up to 38 bytes (a UUID has 36) are kept in place.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    /// Bytes beyond the length are zero, so equal texts are equal bytes.
    Inline(u8, [u8; INLINE]),
    Apart(Box<str>),
}

impl Label {
    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Kept::Apart(text) => text.as_bytes(),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was a text when it came in.
            Kept::Inline(..) => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Kept::Apart(text) => text,
        }
    }
}

impl Label {
    /// A hash of the text: words of eight bytes, each folded in by one wide product.
    #[inline]
    pub(crate) fn hash(&self) -> u32 {
        // A text in place is followed by zeros, so its last word is read whole.
        let (length, mut rest) = match &self.0 {
            Kept::Inline(length, bytes) => {
                let words = usize::from(*length).div_ceil(8) * 8;
                (usize::from(*length), bytes.get(..words).unwrap_or(bytes))
            }
            Kept::Apart(text) => (text.len(), text.as_bytes()),
        };
        let mut hash = length as u64;
        while let Some((word, behind)) = rest.split_first_chunk() {
            hash = fold(hash, u64::from_le_bytes(*word));
            rest = behind;
        }
        if !rest.is_empty() {
            let last = rest.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            hash = fold(hash, last);
        }
        hash as u32
    }
}

const fn fold(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd6e8_feb8_6659_fd93;
    product as u64 ^ (product >> 64) as u64
}

impl From<&str> for Label {
    fn from(text: &str) -> Label {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Label(Kept::Inline(text.len() as u8, bytes))
            }
            None => Label(Kept::Apart(text.into())),
        }
    }
}

impl From<String> for Label {
    fn from(text: String) -> Label {
        Label::from(text.as_str())
    }
}

impl Deref for Label {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self)
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_its_text_whatever_its_length() {
        for length in [0, 1, 36, 37, 38, 39, 40, 128] {
            let text = "é1".chars().cycle().take(length).collect::<String>();
            let label = Label::from(text.as_str());
            assert_eq!((label.as_str(), &*label.clone()), (&*text, &*text));
            assert_eq!(label, Label::from(text.clone()));
            assert_ne!(label, Label::from(format!("{text}\0")));
        }
        assert_eq!(size_of::<Label>(), 40);
    }
}
