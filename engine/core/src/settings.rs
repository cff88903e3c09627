//! Objects of settings (fee schedules, fill profiles) as text: one form for commands, replies, the
//! tape and snapshots. Decimals are text, what has its default is left out.

use crate::json::{ObjectWriter, Value, push_list};
use crate::units::{format_decimal, parse_decimal};

/// What is wrong with a setting: a sentence that names it.
pub(crate) type Wrong = String;

/// How a word is read, all of its members, and how it is written.
pub(crate) type Words<'a, T> = (fn(&str) -> Option<T>, &'a [T], fn(T) -> &'static str);

/// The members of an object of settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub value: &'a Value<'a>,
}

impl<'a> Settings<'a> {
    /// The settings of an object; a sentence when the value is none.
    pub fn of(value: &'a Value<'a>) -> Result<Settings<'a>, Wrong> {
        match value {
            Value::Object(_) => Ok(Settings { value }),
            _ => Err("settings must be an object".to_owned()),
        }
    }

    /// A decimal within 0 and `most`; `default` when it is left out.
    pub fn decimal(&self, key: &str, scale: u8, most: i64, default: i64) -> Result<i64, Wrong> {
        let Some(value) = self.value.get(key) else {
            return Ok(default);
        };
        let number = value.decimal().and_then(|text| parse_decimal(text, scale).ok());
        number.filter(|number| (0..=most).contains(number)).ok_or_else(|| {
            let most = format_decimal(i128::from(most), scale, 0);
            format!("{key} must be a decimal between 0 and {most} with at most {scale} decimals")
        })
    }

    /// A whole number within 0 and `most`.
    pub fn integer(&self, key: &str, most: i64, default: i64) -> Result<i64, Wrong> {
        let Some(value) = self.value.get(key) else {
            return Ok(default);
        };
        let number = value.decimal().and_then(|text| parse_decimal(text, 0).ok());
        number
            .filter(|number| (0..=most).contains(number))
            .ok_or_else(|| format!("{key} must be a whole number between 0 and {most}"))
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, Wrong> {
        match self.value.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("{key} must be true or false")),
        }
    }

    /// A text of at most 128 bytes.
    pub fn text(&self, key: &str, default: &str) -> Result<String, Wrong> {
        let Some(value) = self.value.get(key) else {
            return Ok(default.to_owned());
        };
        let text = value.text().filter(|text| text.is_empty() || crate::checks::is_name(text));
        text.map(str::to_owned).ok_or_else(|| format!("{key} must be a short text"))
    }

    /// One of some words.
    pub fn word<T: Copy>(
        &self,
        key: &str,
        (from_word, all, word): Words<'_, T>,
        default: T,
    ) -> Result<T, Wrong> {
        let Some(value) = self.value.get(key) else {
            return Ok(default);
        };
        value.text().and_then(from_word).ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|member| word(*member)).collect();
            format!("{key} must be one of {}", words.join(", "))
        })
    }

    /// A list of objects, at most `most` of them; `default` when it is left out.
    pub fn list<T>(
        &self,
        key: &str,
        most: usize,
        default: Vec<T>,
        read: impl Fn(Settings<'a>) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        let Some(value) = self.value.get(key) else {
            return Ok(default);
        };
        let list = value.list().filter(|list| list.len() <= most);
        let list = list.ok_or_else(|| format!("{key} must be a list of at most {most} objects"))?;
        list.iter().map(|value| read(Settings::of(value)?)).collect()
    }
}

/// Writes an object of settings, defaults left out.
pub(crate) struct SettingsWriter<'a>(pub ObjectWriter<'a>);

impl<'a> SettingsWriter<'a> {
    pub fn begin(out: &'a mut String) -> SettingsWriter<'a> {
        SettingsWriter(ObjectWriter::begin(out))
    }

    pub fn decimal(self, key: &str, value: i64, scale: u8, default: i64) -> Self {
        if value == default {
            return self;
        }
        SettingsWriter(self.0.text(key, &format_decimal(i128::from(value), scale, 0)))
    }

    pub fn integer(self, key: &str, value: i64, default: i64) -> Self {
        if value == default { self } else { SettingsWriter(self.0.value(key, value)) }
    }

    pub fn flag(self, key: &str, value: bool) -> Self {
        if value { SettingsWriter(self.0.value(key, value)) } else { self }
    }

    pub fn text(self, key: &str, value: &str, default: &str) -> Self {
        if value == default { self } else { SettingsWriter(self.0.text(key, value)) }
    }

    pub fn list<T>(self, key: &str, items: &[T], write: impl FnMut(&mut String, &T)) -> Self {
        if items.is_empty() {
            return self;
        }
        SettingsWriter(self.0.with(key, |out| push_list(out, items, write)))
    }

    pub fn end(self) {
        self.0.end();
    }
}
