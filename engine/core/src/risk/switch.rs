//! A kill switch that is on: why, and who set it.

use crate::words::SetBy;

/// Why a kill switch is on, and who set it. Switches of older tapes do not tell who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: Option<SetBy>,
}

impl Switch {
    /// Whether a user may not take it off.
    pub fn is_of_admin(&self) -> bool {
        self.set_by == Some(SetBy::Admin)
    }

    /// The word for who set it.
    pub fn set_by_word(&self) -> Option<&'static str> {
        self.set_by.map(SetBy::word)
    }

    /// Its one text: the reason, and behind a line's end who set it. A reason has no such end, so
    /// what older snapshots hold reads as it did.
    pub(crate) fn text(&self) -> String {
        match self.set_by {
            None => self.reason.clone(),
            Some(set_by) => format!("{}\n{}", self.reason, set_by.word()),
        }
    }

    /// The switch of a text.
    pub(crate) fn from_text(text: &str) -> Option<Switch> {
        let (reason, set_by) = match text.split_once('\n') {
            None => (text, None),
            Some((reason, word)) => (reason, Some(SetBy::from_word(word)?)),
        };
        Some(Switch { reason: reason.to_owned(), set_by })
    }
}
