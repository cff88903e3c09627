//! JSON, read and written without floats: a number stays the text that it was.
//!
//! The reader takes any bytes and never panics; nesting is bounded. The writer gives canonical
//! text: keys in the order of the calls, no blanks.

use std::fmt::Write;

/// How deep values may be nested.
const DEPTH_MAX: usize = 16;

/// A parsed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object, its members in the order they were written.
    Object(Vec<(String, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The member of an object; `None` when it is missing or null.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let Value::Object(members) = self else {
            return None;
        };
        let found = members.iter().find(|(name, _)| name == key)?;
        (found.1 != Value::Null).then_some(&found.1)
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a decimal number, written as a string or as a number.
    pub fn decimal(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number that fits the type.
    pub fn integer<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The members of an array.
    pub fn list(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }
}

/// Reads one JSON value; the error says where it went wrong.
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the text is not UTF-8".to_owned())?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_blanks();
    if reader.at == text.len() {
        Ok(value)
    } else {
        Err(reader.error("something follows the value"))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, what: &str) -> String {
        format!("not JSON at byte {}: {what}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, String> {
        if depth > DEPTH_MAX {
            return Err(self.error("nested too deeply"));
        }
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value<'a>, String> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let words =
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("a value was expected"))
    }

    fn number(&mut self) -> Result<Value<'a>, String> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        self.text.get(start..self.at).map(Value::Number).ok_or_else(|| self.error("no number"))
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut values = Vec::new();
        self.at += 1;
        if self.takes(b']') {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.takes(b']') {
                return Ok(Value::List(values));
            }
            if !self.takes(b',') {
                return Err(self.error("a comma or ] was expected"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut members: Vec<(String, Value<'a>)> = Vec::new();
        self.at += 1;
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            if members.iter().any(|(known, _)| *known == key) {
                return Err(self.error("a key stands twice"));
            }
            if !self.takes(b':') {
                return Err(self.error("a colon was expected"));
            }
            members.push((key, self.value(depth + 1)?));
            if self.takes(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.takes(b',') {
                return Err(self.error("a comma or } was expected"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.takes(b'"') {
            return Err(self.error("a string was expected"));
        }
        let mut out = self.plain().to_owned();
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            let Some(next) = rest.chars().next() else {
                return Err(self.error("the string does not end"));
            };
            self.at += next.len_utf8();
            match next {
                '"' => return Ok(out),
                '\\' => out.push(self.escaped()?),
                next if next < ' ' => return Err(self.error("a control character in a string")),
                next => out.push(next),
            }
        }
    }

    /// What comes up to the first quote, escape or control character.
    fn plain(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or("");
        let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..b' ');
        let end = rest.bytes().position(is_special).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn escaped(&mut self) -> Result<char, String> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        match byte {
            Some(b'"') => Ok('"'),
            Some(b'\\') => Ok('\\'),
            Some(b'/') => Ok('/'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode(),
            _ => Err(self.error("an unknown escape")),
        }
    }

    fn unicode(&mut self) -> Result<char, String> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("half a surrogate pair"));
        }
        let escape = self.text.get(self.at..self.at + 2);
        if escape != Some("\\u") {
            return Err(self.error("half a surrogate pair"));
        }
        self.at += 2;
        let second = self.four_digits()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
        low.and_then(|low| char::from_u32(0x10000 + ((first - 0xd800) << 10) + low))
            .ok_or_else(|| self.error("half a surrogate pair"))
    }

    fn four_digits(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or("");
        let is_hex = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return Err(self.error("four hex digits were expected"));
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.error("four hex digits were expected"))
    }
}

/// Appends a string with its quotes.
pub fn push_text(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Without an early end, so that the compiler looks at many bytes at once.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.push_str(text);
    } else {
        text.chars().for_each(|character| push_escaped(out, character));
    }
    out.push('"');
}

fn push_escaped(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        control if control < ' ' => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(control));
        }
        character => out.push(character),
    }
}

/// Writes one object, member by member.
pub struct ObjectWriter<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub fn begin(out: &'a mut String) -> ObjectWriter<'a> {
        out.push('{');
        ObjectWriter { out, is_first: true }
    }

    /// Writes a key and gives the text that its value is to be appended to.
    pub fn key(&mut self, key: &str) -> &mut String {
        self.out.reserve(key.len() + 4);
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        // Keys are ours and plain.
        self.out.push('"');
        self.out.push_str(key);
        self.out.push('"');
        self.out.push(':');
        self.out
    }

    /// A member with a string.
    pub fn text(mut self, key: &str, text: &str) -> Self {
        push_text(self.key(key), text);
        self
    }

    /// A member with a string or null.
    pub fn maybe_text(mut self, key: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => {
                self.key(key).push_str("null");
                self
            }
        }
    }

    /// A member with anything that prints as a JSON value, such as a whole number.
    pub fn value(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.key(key), "{value}");
        self
    }

    /// A member with a whole number or null.
    pub fn maybe_value(mut self, key: &str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.value(key, value),
            None => {
                self.key(key).push_str("null");
                self
            }
        }
    }

    /// A member with JSON that `write` appends.
    pub fn with(mut self, key: &str, write: impl FnOnce(&mut String)) -> Self {
        write(self.key(key));
        self
    }

    /// The members of an object that is text already; none when it is empty.
    pub fn members_of(mut self, object: &str) -> Self {
        let inside = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(inside) = inside.filter(|inside| !inside.is_empty()) {
            if !self.is_first {
                self.out.push(',');
            }
            self.is_first = false;
            self.out.push_str(inside);
        }
        self
    }

    /// A member with an object that is text already; nothing when it is empty.
    pub fn with_object(self, key: &str, object: &str) -> Self {
        if object.is_empty() { self } else { self.with(key, |out| out.push_str(object)) }
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push('}');
    }
}

/// Appends an array of what `write` appends for each item.
pub fn push_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_the_text_that_they_were() {
        let value = parse(br#" {"qty": 10.50, "name": "a\u00e9\ud83d\ude00\n", "x": [1, null]} "#);
        let value = value.expect("valid JSON");
        assert_eq!(value.get("qty").and_then(Value::decimal), Some("10.50"));
        assert_eq!(value.get("name").and_then(Value::text), Some("aé😀\n"));
        assert_eq!(value.get("x").and_then(Value::list).map(<[Value<'_>]>::len), Some(2));
        assert_eq!(value.get("missing"), None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,",
            "{\"a\"}",
            "{\"a\":1,\"a\":2}",
            "nul",
            "\"\\x\"",
            "\"\\ud800\"",
            "1 2",
            "\"a\nb\"",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(&[0xff, 0xfe]).is_err());
        assert!(parse("[".repeat(1_000).as_bytes()).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut out = String::new();
        ObjectWriter::begin(&mut out)
            .text("t", "q\"\\\u{1}\n")
            .value("n", 5)
            .maybe_text("none", None)
            .with("l", |out| push_list(out, [1, 2], |out, item| out.push_str(&item.to_string())))
            .end();
        assert_eq!(out, "{\"t\":\"q\\\"\\\\\\u0001\\n\",\"n\":5,\"none\":null,\"l\":[1,2]}");
        let value = parse(out.as_bytes()).expect("valid JSON");
        assert_eq!(value.get("t").and_then(Value::text), Some("q\"\\\u{1}\n"));
    }
}
