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
