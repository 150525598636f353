//! TOML strings as texts that know where each character stands in the file, and the indentation of bodies.
//!
//! In: a string as written, quotes included, and the value the TOML parser gave it. Out: a [`Text`]. Whether the string is well
//! formed is the parser's business: it was accepted before it comes here.

use std::ops::Range;

use super::source::{SourceId, Text};

/// The text of the string at `range` of `file`, whose value is `value`.
pub fn text(file: &str, source: SourceId, range: Range<usize>, value: &str) -> Text {
    let (decoded, map) = decode(file, range.clone());
    if decoded == value {
        Text::new(decoded, source, map)
    } else {
        // Positions are a courtesy, the value is not: should the two readings ever differ, the parser's holds.
        debug_assert!(
            false,
            "{:?} is {value:?}, read as {decoded:?}",
            &file[range]
        );
        Text::verbatim(value, source, range.start as u32)
    }
}

/// Characters so far, and where they came from.
#[derive(Default)]
struct Decoded {
    text: String,
    map: Vec<(u32, u32)>,
}

impl Decoded {
    fn push(&mut self, char: char, at: usize) {
        self.mark(at);
        self.text.push(char);
    }

    /// The next character stands at `at`.
    fn mark(&mut self, at: usize) {
        let (text, at) = (self.text.len() as u32, at as u32);
        let in_step = self
            .map
            .last()
            .is_some_and(|last| last.1 + (text - last.0) == at);
        if !in_step {
            self.map.push((text, at));
        }
    }
}

fn decode(file: &str, range: Range<usize>) -> (String, Vec<(u32, u32)>) {
    let raw = &file[range.clone()];
    let quote = &raw[..1];
    let long = quote.repeat(3);
    let multiline = raw.len() >= 6 && raw.starts_with(&long);
    let width = if multiline { 3 } else { 1 };
    let end = range.end - width;
    let mut at = range.start + width;
    if multiline {
        // TOML 1.1, "String": a newline right behind the opening quotes is trimmed.
        let body = &file[at..end];
        at += match () {
            () if body.starts_with("\r\n") => 2,
            () if body.starts_with('\n') => 1,
            () => 0,
        };
    }
    let mut out = Decoded::default();
    let basic = quote == "\"";
    while at < end {
        let Some(char) = file[at..end].chars().next() else {
            break;
        };
        if basic && char == '\\' {
            at = escape(file, at, end, &mut out);
        } else {
            out.push(char, at);
            at += char.len_utf8();
        }
    }
    out.mark(end);
    (out.text, out.map)
}

/// Decodes the escape sequence at `at`; gives the place behind it.
fn escape(file: &str, at: usize, end: usize, out: &mut Decoded) -> usize {
    let Some(kind) = file[at + 1..end].chars().next() else {
        return end;
    };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let stop = (at + 2 + digits).min(end);
        let code = file.get(at + 2..stop).unwrap_or("");
        let char = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        if let Some(char) = char {
            out.push(char, at);
        }
        return stop;
    }
    let plain = match kind {
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        '"' | '\\' => kind,
        _ => {
            // A backslash at the end of a line swallows everything up to the next visible character.
            let rest = &file[at + 1..end];
            let skipped = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            return at + 1 + skipped.max(1);
        }
    };
    out.push(plain, at);
    at + 2
}

/// A body without the indentation that all its lines have, and with `\n` at the end of every line.
pub fn dedent(text: &Text) -> Text {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.text.split_inclusive('\n') {
        lines.push(start..start + line.len());
        start += line.len();
    }
    let content = |range: &Range<usize>| {
        let line = &text.text[range.clone()];
        line.strip_suffix("\r\n")
            .or(line.strip_suffix('\n'))
            .unwrap_or(line)
    };
    let mut margin: Option<&str> = None;
    for line in lines.iter().map(content) {
        let visible = line.trim_start_matches([' ', '\t']);
        if visible.is_empty() {
            continue;
        }
        let indent = &line[..line.len() - visible.len()];
        margin = Some(match margin {
            None => indent,
            Some(margin) => {
                let same = margin.bytes().zip(indent.bytes());
                &margin[..same.take_while(|(a, b)| a == b).count()]
            }
        });
    }
    let margin = margin.unwrap_or("").len();
    let mut pieces = Vec::new();
    for line in &lines {
        let visible = content(line);
        let blank = visible.trim_matches([' ', '\t']).is_empty();
        let skipped = if blank { visible.len() } else { margin };
        pieces.push(line.start + skipped..line.start + visible.len());
        if text.text[line.clone()].ends_with('\n') {
            pieces.push(line.end - 1..line.end);
        }
    }
    pieces.push(text.text.len()..text.text.len());
    text.pieces(&pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Span;
    use proptest::prelude::*;
    use toml::de::{DeTable, DeValue};

    /// What the parser makes of `key = <raw>`, and where the string stands.
    fn parsed(file: &str) -> Option<(String, Range<usize>)> {
        let table = DeTable::parse(file).ok()?;
        let value = table.get_ref().get("key")?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            _ => None,
        }
    }

    /// Every character of the value that stands in the file as it is must be found at its place.
    fn agrees(file: &str) -> bool {
        let Some((value, range)) = parsed(file) else {
            return false;
        };
        let id = SourceId(0);
        let (decoded, _) = decode(file, range.clone());
        assert_eq!(decoded, value, "{file:?}");
        let text = text(file, id, range.clone(), &value);
        for (at, char) in value.char_indices() {
            let Span { start, .. } = text.span(at..at + char.len_utf8());
            let there = file[start as usize..].chars().next();
            assert!(range.contains(&(start as usize)), "{file:?} at {at}");
            assert!(
                there == Some(char) || there == Some('\\'),
                "{file:?}: {char:?} at {at} is said to be {there:?}"
            );
        }
        true
    }

    #[test]
    fn characters_are_found_where_they_stand() {
        for raw in [
            r#""""#,
            r#""plain""#,
            r#""a\tb\u00e9c\U0001F600d\x41\e""#,
            r"'lit\neral'",
            "\"\"\"\nfirst\n  second\\\n    joined\n\"\"\"",
            "\"\"\"\r\nfirst\r\n  second\\\r\n \r\n    joined\r\n\"\"\"",
            "'''\nraw \\ text\n'''",
            "'''''two quotes'''''",
            "\"\"\"\"\"two quotes\"\"\"\"\"",
            "\"größe → 大\"",
            "\"\"\"\\\n   \"\"\"",
        ] {
            assert!(agrees(&format!("key = {raw}\n")), "{raw} is not TOML");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_string_is_read_as_the_parser_reads_it(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "\n", "\r\n", " ", "\t", "\\\n", "\\ \n", "\\n", "\\\\", "\\\"", "\\u00e9", "\\U0001f600", "\\x7f", "\\e",
                    "é", "😀", "'", "\"", "''", "#", "\\t",
                ]),
                0..12,
            ),
            quote in prop::sample::select(vec!["\"", "'", "\"\"\"", "'''"]),
        ) {
            agrees(&format!("# é\nkey = {quote}{}{quote}\nnext = 1\n", parts.concat()));
        }

        #[test]
        fn dedent_does_what_textwrap_does(lines in prop::collection::vec("[ \t]{0,3}[ab]{0,2}\r?", 0..6)) {
            let whole = lines.join("\n");
            let text = Text::verbatim(whole.clone(), SourceId(0), 0);
            let short = dedent(&text);
            // Each character that is left is the one that stands there.
            for (at, char) in short.text.char_indices() {
                let start = short.span(at..at + 1).start as usize;
                prop_assert_eq!(whole[start..].chars().next(), Some(char));
            }
            let visible = |text: &str| -> Vec<String> { text.split('\n').map(|l| l.trim().to_owned()).collect() };
            prop_assert_eq!(visible(&short.text), visible(&whole));
            // Some line starts at the margin.
            let starts = |c: char| short.text.split('\n').filter(|l| !l.is_empty()).all(|l| l.starts_with(c));
            prop_assert!(short.text.trim().is_empty() || !(starts(' ') || starts('\t')));
        }
    }
}
