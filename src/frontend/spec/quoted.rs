//! Python's string and bytes literals: read, and written as `ascii()` and `repr()` write them.
//!
//! In: one literal. Out: its value, or what is wrong with it; and back again. Literals side by side, f-strings and characters by name are
//! deliberately not there. Facts: "String and Bytes literals" in the Python language reference.

use super::names::{Wrong, shown};

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Quoted {
    Str(String),
    Bytes(Vec<u8>),
}

/// Whether the text begins as a literal does: a quote, or a prefix and a quote.
pub(super) fn begins(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    text.len() - rest.len() <= 2 && rest.starts_with(['\'', '"'])
}

/// Reads a literal that [`begins`].
pub(super) fn parse(text: &str) -> Result<Quoted, Wrong> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let prefix = text[..text.len() - rest.len()].to_ascii_lowercase();
    let (bytes, raw) = match prefix.as_str() {
        "" | "u" => (false, false),
        "r" => (false, true),
        "b" => (true, false),
        "rb" | "br" => (true, true),
        "f" | "fr" | "rf" | "t" | "tr" | "rt" => {
            return wrong(
                format!("`{}` is no literal", shown(text)),
                "write the text as it is, without the `f`",
            );
        }
        _ => {
            return wrong(
                format!("`{prefix}` is no prefix of a literal"),
                "write `'...'` or `b'...'`",
            );
        }
    };
    let quote = &rest[..1];
    let long = quote.repeat(3);
    let quote = if rest.starts_with(&long) {
        &long
    } else {
        quote
    };
    let mut reader = Reader {
        rest: &rest[quote.len()..],
        bytes,
        out: Vec::new(),
    };
    loop {
        if let Some(behind) = reader.rest.strip_prefix(quote) {
            if !behind.is_empty() {
                return wrong(
                    format!("`{}` stands behind the literal", shown(behind.trim())),
                    "a default is one literal; a quote inside is written `\\'`",
                );
            }
            break;
        }
        let Some(char) = reader.rest.chars().next() else {
            return wrong(
                "the literal has no end".into(),
                format!("end it with {quote}"),
            );
        };
        match char {
            '\n' | '\r' if quote.len() == 1 => {
                return wrong(
                    "a line ends inside of the literal".into(),
                    "write `\\n`, or three quotes around it",
                );
            }
            '\\' if !raw => reader.escape()?,
            '\\' => reader.raw_backslash(),
            _ => {
                if bytes && !char.is_ascii() {
                    return wrong(
                        format!("`{char}` is not in ASCII, as bytes literals must be"),
                        "write its bytes, as in `b'\\xff'`",
                    );
                }
                reader.rest = &reader.rest[char.len_utf8()..];
                reader.push(char);
            }
        }
    }
    let out = reader.out;
    if bytes {
        // Every one of them is below 256.
        return Ok(Quoted::Bytes(out.iter().map(|&code| code as u8).collect()));
    }
    let text: Option<String> = out.iter().map(|&code| char::from_u32(code)).collect();
    match text {
        Some(text) => Ok(Quoted::Str(text)),
        None => wrong(
            "the literal has lone surrogates, which UTF-8 cannot hold".into(),
            "write the character itself, or `\\U` and eight digits",
        ),
    }
}

fn wrong<T>(message: String, hint: impl Into<String>) -> Result<T, Wrong> {
    Err((message, hint.into()))
}

struct Reader<'a> {
    rest: &'a str,
    bytes: bool,
    /// Code points or bytes.
    out: Vec<u32>,
}

impl<'a> Reader<'a> {
    fn push(&mut self, char: char) {
        self.out.push(u32::from(char));
    }

    /// The backslash of a raw literal, and the quote behind it, stand for themselves.
    fn raw_backslash(&mut self) {
        let quoted = self.rest[1..].starts_with(['\'', '"', '\\']);
        for char in self.rest[..1 + usize::from(quoted)].chars() {
            self.push(char);
        }
        self.rest = &self.rest[1 + usize::from(quoted)..];
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let behind = &self.rest[1..];
        let Some(kind) = behind.chars().next() else {
            return wrong(
                "the literal has no end".into(),
                "a backslash is written `\\\\`",
            );
        };
        let width = match kind {
            'x' => 2,
            'u' if !self.bytes => 4,
            'U' if !self.bytes => 8,
            '0'..='7' => return self.octal(behind),
            _ => 0,
        };
        if width > 0 {
            let digits = behind.get(1..=width).unwrap_or("");
            let sound = digits.len() == width && digits.chars().all(|c| c.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok();
            let Some(code) = code.filter(|&code| sound && code <= 0x10_FFFF) else {
                return wrong(
                    format!("`\\{kind}` stands before {width} hexadecimal digits of a character"),
                    "a backslash itself is written `\\\\`",
                );
            };
            self.out.push(code);
            self.rest = &behind[1 + width..];
            return Ok(());
        }
        let code = match kind {
            '\\' | '\'' | '"' => kind,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\n' => {
                self.rest = &behind[1..];
                return Ok(());
            }
            '\r' => {
                self.rest = behind[1..].strip_prefix('\n').unwrap_or(&behind[1..]);
                return Ok(());
            }
            'N' if !self.bytes => {
                return wrong(
                    "characters by name are not there".into(),
                    "write the character itself, or `\\u` and four digits",
                );
            }
            _ => {
                return wrong(
                    format!("`\\{}` is no escape sequence", kind.escape_default()),
                    "a backslash itself is written `\\\\`",
                );
            }
        };
        self.push(code);
        self.rest = &behind[kind.len_utf8()..];
        Ok(())
    }

    fn octal(&mut self, digits: &'a str) -> Result<(), Wrong> {
        let count = digits
            .bytes()
            .take(3)
            .take_while(|byte| (b'0'..=b'7').contains(byte))
            .count();
        let code = u32::from_str_radix(&digits[..count], 8).unwrap_or(0);
        if code > 0xFF {
            return wrong(
                format!("`\\{}` is no byte", &digits[..count]),
                "octal escapes end at `\\377`",
            );
        }
        self.out.push(code);
        self.rest = &digits[count..];
        Ok(())
    }
}

/// A str as `ascii()` writes it: `inspect` reads no signature that is not ASCII.
pub(super) fn ascii(text: &str) -> String {
    literal("", text.chars().map(u32::from))
}

/// The str of one code point, lone surrogates included.
pub(super) fn ascii_char(code: u32) -> String {
    literal("", [code].into_iter())
}

/// A bytes object as `repr()` writes it.
pub(super) fn repr(bytes: &[u8]) -> String {
    literal("b", bytes.iter().map(|&byte| u32::from(byte)))
}

fn literal(prefix: &str, codes: impl Iterator<Item = u32> + Clone) -> String {
    let has = |quote: char| codes.clone().any(|code| code == u32::from(quote));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = format!("{prefix}{quote}");
    for code in codes {
        match char::from_u32(code) {
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(char) if char == '\\' || char == quote => out.extend(['\\', char]),
            Some(char) if (' '..='~').contains(&char) => out.push(char),
            _ if code < 0x100 => out.push_str(&format!("\\x{code:02x}")),
            _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
            _ => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn str(text: &str) -> Option<String> {
        match parse(text) {
            Ok(Quoted::Str(text)) => Some(text),
            _ => None,
        }
    }

    fn bytes(text: &str) -> Option<Vec<u8>> {
        match parse(text) {
            Ok(Quoted::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    #[test]
    fn literals_are_those_of_python() {
        for (text, value) in [
            ("''", ""),
            (r#"'it"s'"#, "it\"s"),
            (r"'\'\\\n\t\x41\u00e9\U0001F600\101\0'", "'\\\n\tAé😀A\0"),
            (r"r'\d\''", "\\d\\'"),
            (r"R'\\'", "\\\\"),
            ("u'ö'", "ö"),
            ("'''a\n'b''c\\''''", "a\n'b''c'"),
            ("\"\"\"\"a\"\"\"", "\"a"),
            ("'a\\\nb'", "ab"),
        ] {
            assert_eq!(str(text).as_deref(), Some(value), "{text}");
        }
        assert_eq!(bytes(r"b'\xff\0a\''").unwrap(), b"\xff\0a'");
        assert_eq!(bytes(r"Rb'\xff'").unwrap(), br"\xff");
        for text in [
            "'",
            "'a",
            "'a' 'b'",
            "'a'b",
            "f'a'",
            "xy'a'",
            "b'ö'",
            r"'\d'",
            r"'\x4'",
            r"'\u00g0'",
            r"'\U00110000'",
            r"b'\u0041'",
            r"'\400'",
            r"'\ud800'",
            r"'\N{BULLET}'",
            "'a\nb'",
            r"'\",
            "'''a''",
            r"r'\'",
            r"'\ud83d\ude00'",
        ] {
            assert!(begins(text), "{text}");
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back(text: String, data: Vec<u8>) {
            prop_assert!(ascii(&text).is_ascii());
            prop_assert_eq!(str(&ascii(&text)), Some(text));
            prop_assert_eq!(bytes(&repr(&data)), Some(data));
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"[rbu]{0,2}['"]{1,3}[a'"\\nxuUN0-9ö\n]{0,8}['"]{0,3}"#) {
            let _ = parse(&text);
        }
    }
}
