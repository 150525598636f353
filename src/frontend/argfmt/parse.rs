//! Argument formats: text becomes units with places.
//!
//! In: the text of an `args` string. Out: [`Format`], as far as it makes sense, and messages. CPython reports wrong formats when the
//! function is called, and aborts the process on unbalanced parentheses, so everything is found here. Whether the units fit the
//! parameters is checked in `spec`.

use std::ops::Range;

use super::units::{self, REMOVED, Unit};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Text;

/// How deep tuples may be nested.
pub const DEPTH: usize = 32;

/// An argument format. All ranges are bytes of its text.
#[derive(Clone, Debug, Default)]
pub struct Format {
    /// What it converts, in order.
    pub items: Vec<Item>,
    /// Where `|` stands, and how many items are before it.
    pub optional: Option<Mark>,
    /// Where `$` stands, and how many items are before it.
    pub keyword_only: Option<Mark>,
    /// Where the units end: at `:`, `;` or the end of the text.
    pub end: usize,
    /// The function's name behind `:`.
    pub name: Option<Range<usize>>,
    /// The message behind `;`.
    pub message: Option<Range<usize>>,
    /// Nothing is wrong with it.
    pub sound: bool,
}

/// `|` or `$`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its byte.
    pub at: usize,
    /// Items before it.
    pub index: usize,
}

/// A unit or a tuple of them.
#[derive(Clone, Debug)]
pub enum Item {
    /// A unit of the table.
    Unit(&'static Unit, Range<usize>),
    /// `(...)`
    Tuple(Vec<Item>, Range<usize>),
}

impl Item {
    /// Its bytes.
    pub fn range(&self) -> Range<usize> {
        match self {
            Item::Unit(_, range) | Item::Tuple(_, range) => range.clone(),
        }
    }
}

/// Parses a format; it is complete where no message was added.
pub fn parse(text: &Text, diagnostics: &mut Diagnostics) -> Format {
    let mut parser = Parser {
        text,
        at: 0,
        diagnostics,
        sound: true,
        too_deep: false,
    };
    let mut format = Format::default();
    parser.top(&mut format);
    format.sound = parser.sound;
    format
}

struct Parser<'a> {
    text: &'a Text,
    at: usize,
    diagnostics: &'a mut Diagnostics,
    sound: bool,
    /// Tuples nest too deep; the rest was not read.
    too_deep: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text.text[self.at..]
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.text.span(range);
        self.report(Diagnostic::error(span, message).hint(hint));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.sound = false;
        self.diagnostics.push(diagnostic);
    }

    fn top(&mut self, format: &mut Format) {
        while let Some(char) = self.rest().chars().next() {
            let at = self.at;
            match char {
                '|' => {
                    self.at += 1;
                    self.optional(format, at);
                }
                '$' => {
                    self.at += 1;
                    self.keyword_only(format, at);
                }
                ':' | ';' => break,
                ')' => {
                    self.at += 1;
                    self.error(
                        at..at + 1,
                        "`)` without `(`",
                        "CPython aborts the process on such a format",
                    );
                }
                _ => {
                    let item = self.item(0);
                    format.items.extend(item);
                }
            }
        }
        format.end = self.at;
        self.tail(format);
    }

    fn optional(&mut self, format: &mut Format, at: usize) {
        if let Some(first) = format.optional {
            let span = self.text.span(first.at..first.at + 1);
            self.report(
                Diagnostic::error(self.text.span(at..at + 1), "`|` stands twice")
                    .also(span, "the first one")
                    .hint("everything behind the first `|` is optional"),
            );
        } else if format.keyword_only.is_some() {
            self.error(
                at..at + 1,
                "`|` stands behind `$`",
                "CPython wants `|` first: `L|$d`",
            );
        } else {
            format.optional = Some(Mark {
                at,
                index: format.items.len(),
            });
        }
    }

    fn keyword_only(&mut self, format: &mut Format, at: usize) {
        if let Some(first) = format.keyword_only {
            let span = self.text.span(first.at..first.at + 1);
            self.report(
                Diagnostic::error(self.text.span(at..at + 1), "`$` stands twice")
                    .also(span, "the first one")
                    .hint("everything behind the first `$` is keyword-only"),
            );
        } else {
            format.keyword_only = Some(Mark {
                at,
                index: format.items.len(),
            });
        }
    }

    /// One unit or tuple; nothing where there is none, but always at least one character further.
    fn item(&mut self, depth: usize) -> Option<Item> {
        let at = self.at;
        let char = self.rest().chars().next()?;
        if char == '(' {
            return self.tuple(depth);
        }
        if let Some(unit) = units::longest(self.rest()) {
            self.at += unit.text.len();
            return Some(Item::Unit(unit, at..self.at));
        }
        let removed = REMOVED.iter().find(|row| self.rest().starts_with(row.0));
        if let Some((text, now)) = removed {
            self.at += text.len();
            self.error(
                at..self.at,
                format!("CPython has removed the unit `{text}`"),
                format!("write `{now}`"),
            );
            return None;
        }
        self.at += char.len_utf8();
        let range = at..self.at;
        match char {
            'w' => self.error(
                range,
                "`w` alone is not a unit",
                "write `w*`, a writable buffer",
            ),
            'e' => self.error(
                range,
                "`e` alone is not a unit",
                "write `es` or `et`, with `#` where the length is wanted",
            ),
            '#' | '*' | '!' | '&' => self.error(
                range,
                format!("`{char}` does not belong to the unit before it"),
                "units with a suffix are s# z# y# s* z* y* w* es# et# O! O&",
            ),
            ' ' | '\t' | '\n' | '\r' | ',' => self.error(
                range,
                "units stand side by side, without spaces or commas",
                "write `LL`, not `L, L`",
            ),
            _ => {
                let same = |unit: &&Unit| {
                    unit.text.chars().count() == 1
                        && unit
                            .text
                            .starts_with(|c: char| c.eq_ignore_ascii_case(&char))
                };
                let hint = match units::UNITS.iter().find(same) {
                    Some(unit) => format!("`{}` is {}", unit.text, unit.noun),
                    None => {
                        "numbers are b B h H i I l k L K n f d D p, text and bytes s y U S and others, any object is O"
                            .to_owned()
                    }
                };
                self.error(range, format!("`{char}` is not a format unit"), hint);
            }
        }
        None
    }

    fn tuple(&mut self, depth: usize) -> Option<Item> {
        let at = self.at;
        self.at += 1;
        if depth == DEPTH {
            self.error(
                at..at + 1,
                format!("tuples nest more than {DEPTH} deep"),
                "take an object, and take it apart in the body",
            );
            self.too_deep = true;
            self.at = self.text.text.len();
            return None;
        }
        let mut items = Vec::new();
        loop {
            let here = self.at;
            match self.rest().chars().next() {
                Some(')') => {
                    self.at += 1;
                    return Some(Item::Tuple(items, at..self.at));
                }
                Some(mark @ ('|' | '$')) => {
                    self.at += 1;
                    self.error(
                        here..here + 1,
                        format!("`{mark}` stands inside of a tuple"),
                        "it belongs between the units outside of parentheses",
                    );
                }
                None | Some(':' | ';') => {
                    // Once is enough for all that are open.
                    if depth == 0 && !self.too_deep {
                        self.error(
                            at..at + 1,
                            "`(` without `)`",
                            "CPython aborts the process on such a format",
                        );
                    }
                    return None;
                }
                Some(_) => items.extend(self.item(depth + 1)),
            }
        }
    }

    /// `:name` or `;message`, to the end of the text.
    fn tail(&mut self, format: &mut Format) {
        let Some(mark) = self.rest().chars().next() else {
            return;
        };
        let range = self.at + 1..self.text.text.len();
        let text = &self.text.text[range.clone()];
        if let Some(at) = text.find('\0') {
            let nul = range.start + at;
            self.error(
                nul..nul + 1,
                "a format cannot hold a NUL",
                "C strings end there",
            );
        }
        if mark == ';' {
            format.message = Some(range);
            return;
        }
        if let Some(at) = text.find([':', ';']) {
            let again = range.start + at;
            self.error(
                again..again + 1,
                "the function's name ends the format",
                "either `:name` or `;message`, once, at the end",
            );
        } else if text.is_empty() {
            self.error(
                self.at..self.at + 1,
                "`:` without a name",
                "write `:name`, or leave the colon out; the method's name is used then",
            );
        }
        format.name = Some(range);
    }
}
