//! TOML becomes a spec as written. The door to `toml`.
//!
//! In: the text of a file. Out: [`Spec`], as complete as the text allows, and messages about syntax, unknown keys, keys of later
//! issues and values of the wrong type. The tables of keys are at the top.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::names::shown;
use super::raw::{
    At, Constant, ConstantValue, ExceptionTable, MethodTable, ModuleTable, Spec, Str, TestTable,
};
use super::strings;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::{SourceId, Span};

/// A key that a table may have.
struct Key {
    name: &'static str,
    /// For keys of later issues: what to write now.
    later: Option<&'static str>,
}

const fn now(name: &'static str) -> Key {
    Key { name, later: None }
}

const fn later(name: &'static str, hint: &'static str) -> Key {
    Key {
        name,
        later: Some(hint),
    }
}

static TOP: &[Key] = &[
    now("module"),
    now("constants"),
    now("exceptions"),
    now("methods"),
    later("tables", "compute the value in the body"),
    later(
        "externs",
        "bodies can use numbers, `math` and other methods",
    ),
];
static MODULE: &[Key] = &[
    now("name"),
    now("doc"),
    now("overflow"),
    now("gil"),
    later(
        "source",
        "write each function as a `[[methods]]` table with a `body`",
    ),
];
static EXCEPTION: &[Key] = &[now("name"), now("base"), now("doc")];
static METHOD: &[Key] = &[
    now("name"),
    now("doc"),
    now("args"),
    now("params"),
    now("returns"),
    now("overflow"),
    now("keywords"),
    now("nogil"),
    now("signals"),
    now("body"),
    now("tests"),
    later("asm", "write the body in Python: `body = \"return x\"`"),
    later("isa", "write the body in Python: `body = \"return x\"`"),
    later("call", "write a body: `body = \"return x\"`"),
];
static TEST: &[Key] = &[now("call"), now("result"), now("raises")];
static BYTES: &[Key] = &[now("hex")];

/// Reads the text. Without a spec, the messages say why the text is not TOML.
pub(super) fn read(text: &str, source: SourceId, diagnostics: &mut Diagnostics) -> Option<Spec> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut sound = true;
    for error in &errors {
        sound &= error.message() == DUPLICATE;
        diagnostics.push(syntax(text, source, error));
    }
    // Behind a mistake in the syntax the parser only guesses, and its guesses would be reported as mistakes of their own. A key that
    // stands twice is an exception: all else is as written.
    if !sound {
        return None;
    }
    let mut reader = Reader {
        text,
        source,
        diagnostics,
        spoiled: false,
    };
    Some(reader.spec(table.get_ref()))
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
type Entries<'t, 'i> = Vec<(&'t str, Span, &'t Spanned<DeValue<'i>>)>;

struct Reader<'a> {
    text: &'a str,
    source: SourceId,
    diagnostics: &'a mut Diagnostics,
    /// Set by every message.
    spoiled: bool,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.spoiled = true;
        self.diagnostics.push(diagnostic);
    }

    fn entries<'t, 'i>(&self, table: &'t DeTable<'i>) -> Entries<'t, 'i> {
        let mut entries: Entries = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), self.span(key.span()), value))
            .collect();
        entries.sort_by_key(|entry| entry.1);
        entries
    }

    /// The entries whose keys the table may have; messages about the others.
    fn known<'t, 'i>(&mut self, table: &'t DeTable<'i>, keys: &[Key], of: &str) -> Entries<'t, 'i> {
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

    fn wrong(&mut self, value: &Spanned<DeValue>, key: &str, wanted: &str, example: &str) {
        let is = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let span = self.span(value.span());
        self.report(
            Diagnostic::error(span, format!("`{key}` must be {wanted}"))
                .label(format!("this is {is}"))
                .hint(format!("write `{example}`")),
        );
    }

    fn string(&mut self, key: &str, value: &Spanned<DeValue>) -> Option<Str> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(value, key, "a string", &format!("{key} = \"...\""));
            return None;
        };
        Some(Str {
            text: strings::text(self.text, self.source, value.span(), text),
            span: self.span(value.span()),
        })
    }

    fn boolean(&mut self, key: &str, value: &Spanned<DeValue>) -> Option<At<bool>> {
        let DeValue::Boolean(flag) = value.get_ref() else {
            self.wrong(value, key, "true or false", &format!("{key} = true"));
            return None;
        };
        Some(At {
            value: *flag,
            span: self.span(value.span()),
        })
    }

    fn strings(&mut self, key: &str, value: &Spanned<DeValue>) -> Option<At<Vec<Str>>> {
        let example = format!("{key} = [\"x\", \"y\"]");
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, key, "an array of strings", &example);
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            let DeValue::String(text) = item.get_ref() else {
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
    fn tables<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Vec<(Span, &'t DeTable<'i>)> {
        let example = format!("[[{key}]]");
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, key, "an array of tables", &example);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push((self.span(item.span()), table)),
                _ => self.wrong(item, key, "an array of tables", &example),
            }
        }
        tables
    }

    fn spec(&mut self, top: &DeTable) -> Spec {
        let mut spec = Spec::default();
        for (name, _, value) in self.known(top, TOP, "a spec") {
            match (name, value.get_ref()) {
                ("module", DeValue::Table(table)) => {
                    let header = self.span(value.span());
                    spec.module = Some(self.module(header, table));
                }
                ("module", _) => {
                    self.wrong(value, name, "a table", "[module]");
                    // It is there, if not as it should be.
                    let header = self.span(value.span());
                    let mut module = self.module(header, &DeTable::new());
                    module.spoiled = true;
                    spec.module = Some(module);
                }
                ("constants", DeValue::Table(table)) => spec.constants = self.constants(table),
                ("constants", _) => self.wrong(value, name, "a table", "[constants]"),
                ("exceptions", _) => {
                    for (header, table) in self.tables("exceptions", value) {
                        let exception = self.exception(header, table);
                        spec.exceptions.push(exception);
                    }
                }
                _ => {
                    for (header, table) in self.tables("methods", value) {
                        let method = self.method(header, table);
                        spec.methods.push(method);
                    }
                }
            }
        }
        spec
    }

    fn module(&mut self, header: Span, table: &DeTable) -> ModuleTable {
        self.spoiled = false;
        let mut module = ModuleTable {
            header,
            name: None,
            doc: None,
            overflow: None,
            gil: None,
            spoiled: false,
        };
        for (name, _, value) in self.known(table, MODULE, "[module]") {
            let text = self.string(name, value);
            match name {
                "name" => module.name = text,
                "doc" => module.doc = text,
                "overflow" => module.overflow = text,
                _ => module.gil = text,
            }
        }
        module.spoiled = self.spoiled;
        module
    }

    fn exception(&mut self, header: Span, table: &DeTable) -> ExceptionTable {
        self.spoiled = false;
        let mut exception = ExceptionTable {
            header,
            name: None,
            base: None,
            doc: None,
            spoiled: false,
        };
        for (name, _, value) in self.known(table, EXCEPTION, "[[exceptions]]") {
            let text = self.string(name, value);
            match name {
                "name" => exception.name = text,
                "base" => exception.base = text,
                _ => exception.doc = text,
            }
        }
        exception.spoiled = self.spoiled;
        exception
    }

    fn method(&mut self, header: Span, table: &DeTable) -> MethodTable {
        self.spoiled = false;
        let mut method = MethodTable {
            header,
            name: None,
            doc: None,
            args: None,
            params: None,
            returns: None,
            overflow: None,
            keywords: None,
            nogil: None,
            signals: None,
            body: None,
            tests: Vec::new(),
            spoiled: false,
            unread: false,
        };
        let mut tests = None;
        for (name, _, value) in self.known(table, METHOD, "[[methods]]") {
            let before = std::mem::take(&mut self.spoiled);
            match name {
                "name" => method.name = self.string(name, value),
                "doc" => method.doc = self.string(name, value),
                "args" => method.args = self.string(name, value),
                "params" => method.params = self.strings(name, value),
                "returns" => method.returns = self.string(name, value),
                "overflow" => method.overflow = self.string(name, value),
                "keywords" => method.keywords = self.boolean(name, value),
                "nogil" => method.nogil = self.boolean(name, value),
                "signals" => method.signals = self.boolean(name, value),
                "body" => method.body = self.string(name, value),
                _ => tests = Some(value),
            }
            method.unread |= self.spoiled && matches!(name, "args" | "params" | "returns");
            self.spoiled |= before;
        }
        method.spoiled = self.spoiled;
        if let Some(value) = tests {
            for (header, table) in self.tables("methods.tests", value) {
                let test = self.test(header, table);
                method.tests.push(test);
            }
        }
        method
    }

    fn test(&mut self, header: Span, table: &DeTable) -> TestTable {
        self.spoiled = false;
        let mut test = TestTable {
            header,
            call: None,
            result: None,
            raises: None,
            spoiled: false,
        };
        for (name, _, value) in self.known(table, TEST, "[[methods.tests]]") {
            let text = self.string(name, value);
            match name {
                "call" => test.call = text,
                "result" => test.result = text,
                _ => test.raises = text,
            }
        }
        test.spoiled = self.spoiled;
        test
    }

    fn constants(&mut self, table: &DeTable) -> Vec<Constant> {
        let entries = self.entries(table);
        entries
            .into_iter()
            .map(|(name, span, value)| Constant {
                name: At {
                    value: name.to_owned(),
                    span,
                },
                value: self.constant(name, value).map(|constant| At {
                    value: constant,
                    span: self.span(value.span()),
                }),
            })
            .collect()
    }

    fn constant(&mut self, name: &str, value: &Spanned<DeValue>) -> Option<ConstantValue> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(ConstantValue::Bool(*flag)),
            DeValue::Integer(int) => Some(ConstantValue::Int(int.as_str().to_owned(), int.radix())),
            DeValue::Float(float) => self.float(float.as_str(), value),
            DeValue::String(_) => self.string(name, value).map(ConstantValue::Str),
            DeValue::Table(table) => {
                let entries = self.known(table, BYTES, "a bytes constant");
                let Some((_, _, hex)) = entries.into_iter().next() else {
                    // An unknown key was reported.
                    if table.is_empty() {
                        self.wrong(value, name, "one value", "{ hex = \"00ff\" }");
                    }
                    return None;
                };
                self.string("hex", hex).map(ConstantValue::Hex)
            }
            DeValue::Datetime(_) | DeValue::Array(_) => {
                let wanted = "a boolean, an integer, a float, a string or { hex = \"...\" }";
                self.wrong(value, name, wanted, &format!("{} = 42", shown(name)));
                None
            }
        }
    }

    fn float(&mut self, digits: &str, value: &Spanned<DeValue>) -> Option<ConstantValue> {
        let float: Option<f64> = digits.parse().ok();
        match float {
            Some(float)
                if float.is_finite() || digits.contains("inf") || digits.contains("nan") =>
            {
                Some(ConstantValue::Float(float))
            }
            _ => {
                let span = self.span(value.span());
                self.report(
                    Diagnostic::error(span, "this number is too large for a float")
                        .hint("the largest one is 1.7976931348623157e308; infinity is `inf`"),
                );
                None
            }
        }
    }
}
