//! TOML tables with the places of everything in them. The door to `toml`.
//!
//! In: a text, and the keys that its tables may have. Out: the entries of tables and their values in our own types, and messages about
//! syntax, unknown keys and values of the wrong type. What the keys mean is the business of whoever asks.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::diag::{Diagnostic, Diagnostics, shown};
use super::nearest::nearest;
use super::source::{SourceId, Span, Text};
use super::strings;

/// A string and its place, quotes included.
#[derive(Clone, Debug)]
pub struct Str {
    /// What it says.
    pub text: Text,
    /// Its place.
    pub span: Span,
}

impl Str {
    /// The text's own place, or the quotes of an empty text.
    pub fn inner(&self) -> Span {
        if self.text.text.is_empty() {
            self.span
        } else {
            self.text.whole()
        }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A table as it was parsed.
pub type Table<'i> = DeTable<'i>;

/// A value as it was parsed.
pub type Value<'i> = DeValue<'i>;

/// A value and its place, as they were parsed.
pub type Placed<'i> = Spanned<DeValue<'i>>;

/// A key that a table may have.
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// For keys of later issues: what to write now.
    pub later: Option<&'static str>,
}

/// A key that is there.
pub const fn now(name: &'static str) -> Key {
    Key { name, later: None }
}

/// A key of a later issue, and what to write now.
pub const fn later(name: &'static str, hint: &'static str) -> Key {
    Key {
        name,
        later: Some(hint),
    }
}

/// Parses a text. Without a table, the messages say why the text is not TOML.
pub fn parse<'t>(
    text: &'t str,
    source: SourceId,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<Table<'t>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut sound = true;
    for error in &errors {
        sound &= error.message() == DUPLICATE;
        diagnostics.push(syntax(text, source, error));
    }
    // Behind a mistake in the syntax the parser only guesses, and its guesses would be reported as mistakes of their own. A key that
    // stands twice is an exception: all else is as written.
    sound.then_some(table)
}

/// The parser's words for a key that stands twice.
const DUPLICATE: &str = "duplicate key";

fn syntax(text: &str, source: SourceId, error: &Error) -> Diagnostic {
    let range = error.span().unwrap_or(text.len()..text.len());
    let span = Span::new(source, range.clone());
    if error.message() == DUPLICATE {
        let name = text.get(range).unwrap_or_default();
        return Diagnostic::error(span, format!("`{name}` stands twice")).hint(
            "a key, or a `[table]`, may be written once; several methods are several `[[methods]]`",
        );
    }
    let message = error.message();
    let hint = SYNTAX.iter().find(|row| message.contains(row.0));
    let message = message.trim_end_matches(", expected nothing");
    Diagnostic::error(span, format!("not TOML: {message}")).hint(hint.map_or(
        "each line is `key = value`, `[table]` or `[[table]]`",
        |row| row.1,
    ))
}

/// Words of the parser's messages, and what to write instead.
static SYNTAX: &[(&str, &str)] = &[
    (
        "escape",
        "in `\"...\"` a backslash is written `\\\\`; in `'...'` it stands for itself",
    ),
    (
        "string",
        "text stands in quotes: `\"...\"`; a text of several lines in three: `\"\"\"...\"\"\"`",
    ),
    (
        "leading zero",
        "numbers have no leading zeros; hexadecimal ones begin with `0x`",
    ),
    ("unquoted key", "other names stand in quotes: `\"...\" = 3`"),
    (
        "radix cannot be signed",
        "write a negative number in decimal digits",
    ),
    (
        "unclosed table",
        "a table begins with `[name]`, one of several with `[[name]]`",
    ),
    ("array", "write `[\"a\", \"b\"]`"),
    ("extra `=`", "write `key = value`"),
];

/// A table's entries in the order of the file.
pub type Entries<'t, 'i> = Vec<(&'t str, Span, &'t Placed<'i>)>;

/// Takes tables apart and reports what is wrong with them.
pub struct Reader<'a> {
    text: &'a str,
    source: SourceId,
    diagnostics: &'a mut Diagnostics,
    /// Set by every message.
    pub spoiled: bool,
}

impl<'a> Reader<'a> {
    /// A reader of this text, which was parsed.
    pub fn new(text: &'a str, source: SourceId, diagnostics: &'a mut Diagnostics) -> Reader<'a> {
        Reader {
            text,
            source,
            diagnostics,
            spoiled: false,
        }
    }

    /// A place of the text.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// Adds a message.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.spoiled = true;
        self.diagnostics.push(diagnostic);
    }

    /// All entries, in the order of the file.
    pub fn entries<'t, 'i>(&self, table: &'t Table<'i>) -> Entries<'t, 'i> {
        let mut entries: Entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), self.span(key.span()), value))
            .collect();
        entries.sort_by_key(|entry| entry.1);
        entries
    }

    /// The entries whose keys the table may have; messages about the others.
    pub fn known<'t, 'i>(
        &mut self,
        table: &'t Table<'i>,
        keys: &[Key],
        of: &str,
    ) -> Entries<'t, 'i> {
        let mut entries = self.entries(table);
        entries.retain(|&(name, span, _)| {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let names = || keys.iter().filter(|k| k.later.is_none()).map(|k| k.name);
                let hint = match nearest(name, names()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("the keys are {}", names().collect::<Vec<_>>().join(", ")),
                };
                let shown = shown(name);
                self.report(
                    Diagnostic::error(span, format!("{of} has no key `{shown}`")).hint(hint),
                );
                return false;
            };
            if let Some(hint) = key.later {
                self.report(
                    Diagnostic::error(span, format!("`{name}` is not there yet")).hint(hint),
                );
            }
            key.later.is_none()
        });
        entries
    }

    /// Reports a value of a wrong type: what the key must be, and a line that would do.
    pub fn wrong(&mut self, value: &Placed, key: &str, wanted: &str, example: &str) {
        let is = match value.get_ref() {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Datetime(_) => "a date or time",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        };
        let span = self.span(value.span());
        self.report(
            Diagnostic::error(span, format!("`{key}` must be {wanted}"))
                .label(format!("this is {is}"))
                .hint(format!("write `{example}`")),
        );
    }

    /// A string, or a message.
    pub fn string(&mut self, key: &str, value: &Placed) -> Option<Str> {
        let Value::String(text) = value.get_ref() else {
            self.wrong(value, key, "a string", &format!("{key} = \"...\""));
            return None;
        };
        Some(Str {
            text: strings::text(self.text, self.source, value.span(), text),
            span: self.span(value.span()),
        })
    }

    /// A boolean, or a message.
    pub fn boolean(&mut self, key: &str, value: &Placed) -> Option<At<bool>> {
        let Value::Boolean(flag) = value.get_ref() else {
            self.wrong(value, key, "true or false", &format!("{key} = true"));
            return None;
        };
        Some(At {
            value: *flag,
            span: self.span(value.span()),
        })
    }

    /// An array of strings; messages about what is none.
    pub fn strings(&mut self, key: &str, value: &Placed) -> Option<At<Vec<Str>>> {
        let example = format!("{key} = [\"x\", \"y\"]");
        let Value::Array(items) = value.get_ref() else {
            self.wrong(value, key, "an array of strings", &example);
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            let Value::String(text) = item.get_ref() else {
                self.wrong(item, key, "an array of strings", &example);
                continue;
            };
            strings.push(Str {
                text: strings::text(self.text, self.source, item.span(), text),
                span: self.span(item.span()),
            });
        }
        Some(At {
            value: strings,
            span: self.span(value.span()),
        })
    }

    /// The tables of `[[key]]`, each with the place of its header.
    pub fn tables<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Placed<'i>,
    ) -> Vec<(Span, &'t Table<'i>)> {
        let example = format!("[[{key}]]");
        let Value::Array(items) = value.get_ref() else {
            self.wrong(value, key, "an array of tables", &example);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                Value::Table(table) => tables.push((self.span(item.span()), table)),
                _ => self.wrong(item, key, "an array of tables", &example),
            }
        }
        tables
    }
}
