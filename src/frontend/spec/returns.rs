//! What a method returns: the format language of `Py_BuildValue`.
//!
//! In: the text of `returns`. Out: how values become objects, what these are put into, and the types that a body's `return` must fit.
//! Whether the body agrees is `lang`'s to say. Facts: "Building values" in the Python/C API manual.

use super::module::{ResultUnit, Returns};
use super::names::shown;
use super::raw::Def;
use super::types;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Text;
use crate::frontend::argfmt::parse::DEPTH;
use crate::frontend::argfmt::units;
use crate::frontend::lang::file;
use crate::frontend::lang::typed::{IntTy, Shape, Storage, View, Whole};
use crate::target::Target;

/// How many values a body may return.
const LIMIT: usize = 255;

/// What a unit makes, and of which values.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// A number or bool, of the values that the argument's unit of this text makes.
    Number(&'static str),
    /// Something else, of values of this type.
    Other(Storage, ResultUnit),
}

/// A view that may be None: then the result is None.
const fn view(whole: Whole, mutable: bool) -> Storage {
    Storage::View(View {
        nullable: true,
        mutable,
        whole,
        ..View::BYTES
    })
}

const TEXT: Made = Made::Other(view(Whole::Part, false), ResultUnit::Text);
const BYTES: Made = Made::Other(view(Whole::Part, false), ResultUnit::Bytes);
const STR: Made = Made::Other(Storage::Str { nullable: true }, ResultUnit::Object);
const OBJECT: Made = Made::Other(Storage::Object, ResultUnit::Object);

/// All units. What has no meaning of its own in results has that of the nearest unit: `y*` is `y#`.
#[rustfmt::skip]
pub(super) static RESULTS: &[(&str, Made)] = &[
    ("b", Made::Number("b")),
    ("B", Made::Number("B")),
    ("h", Made::Number("h")),
    ("H", Made::Number("H")),
    ("i", Made::Number("i")),
    ("I", Made::Number("I")),
    ("l", Made::Number("l")),
    ("k", Made::Number("k")),
    ("L", Made::Number("L")),
    ("K", Made::Number("K")),
    ("n", Made::Number("n")),
    ("f", Made::Number("f")),
    ("d", Made::Number("d")),
    ("p", Made::Number("p")),
    ("D", Made::Other(Storage::Complex, ResultUnit::Complex)),
    ("c", Made::Other(Storage::Int(IntTy::U8), ResultUnit::Byte)),
    ("C", Made::Other(Storage::Int(IntTy::U32), ResultUnit::Char)),
    ("s", TEXT), ("s#", TEXT), ("s*", TEXT),
    ("z", TEXT), ("z#", TEXT), ("z*", TEXT),
    ("U#", TEXT),
    ("y", BYTES), ("y#", BYTES), ("y*", BYTES),
    ("S", Made::Other(view(Whole::Bytes, false), ResultUnit::Bytes)),
    ("Y", Made::Other(view(Whole::ByteArray, true), ResultUnit::Object)),
    ("U", STR),
    ("O", OBJECT),
    ("N", OBJECT),
];

/// Units that are known elsewhere, and what to write here.
static ELSEWHERE: &[(&str, &str)] = &[
    (
        "O&",
        "there are no converters of results: return an object (`O`)",
    ),
    ("O!", "any object is `O`"),
    ("es", "text is `s#`"),
    ("es#", "text is `s#`"),
    ("et", "text is `s#`, bytes are `y#`"),
    ("et#", "text is `s#`, bytes are `y#`"),
    ("w*", "bytes are `y#`, a bytearray is `Y`"),
    ("w", "bytes are `y#`, a bytearray is `Y`"),
    ("u", "text is `s#`, a str is `U`"),
    ("u#", "text is `s#`, a str is `U`"),
];

/// A method's results.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub returns: Returns,
    pub storages: Vec<Storage>,
}

impl Results {
    /// `None`.
    pub fn none() -> Results {
        Results {
            returns: Returns {
                units: Vec::new(),
                shape: Shape::None,
            },
            storages: Vec::new(),
        }
    }
}

/// Reads the text; gives nothing where messages were added.
pub(super) fn read(text: &Text, target: &Target, diagnostics: &mut Diagnostics) -> Option<Results> {
    let whole = text.text.trim();
    if let Some(row) = types::find(whole) {
        diagnostics.push(
            Diagnostic::error(
                text.whole(),
                format!("`{whole}` is a type, not a result unit"),
            )
            .hint(match row.storage {
                Storage::View(view) if view.item != View::BYTES.item => {
                    "the bytes of a view are `y#`, any object is `O`".to_owned()
                }
                storage => format!("write `returns = \"{}\"`", result_unit(storage)),
            }),
        );
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        target,
        diagnostics,
        sound: true,
        units: Vec::new(),
        storages: Vec::new(),
    };
    let mut items = reader.items(None, 0);
    if reader.units.len() > LIMIT {
        let message = format!("{} values as a result", reader.units.len());
        reader.at = 0;
        reader.error(text.text.len(), message, "return an object that holds them");
    }
    if !reader.sound {
        return None;
    }
    let shape = match items.len() {
        0 => Shape::None,
        1 => items.remove(0),
        _ => Shape::Tuple(items),
    };
    let (units, storages) = (reader.units, reader.storages);
    Some(Results {
        returns: Returns { units, shape },
        storages,
    })
}

/// The results of a `def`, by the types behind its `->`. Helpers may return what no method can.
pub(super) fn of_def(def: &Def, diagnostics: &mut Diagnostics) -> Option<Results> {
    let (types, shape, span) = match &def.returns {
        file::Returns::Types(types, shape, span) => (types, shape, *span),
        file::Returns::Wrong => {
            // It was diagnosed; what the body returns is not judged.
            return None;
        }
        file::Returns::Unsaid => {
            let message = "this function does not say what it returns";
            let hint = "write `-> i64:` at the end of the line, or `-> None:`";
            diagnostics.push(Diagnostic::error(def.span, message).hint(hint));
            return None;
        }
    };
    let units: Vec<Option<ResultUnit>> = types.iter().map(|ty| unit_of(*ty)).collect();
    if !def.helper && units.contains(&None) {
        let message = "a method cannot return a view";
        let hint = "return its bytes: `-> bytes:` and `return bytes(v)`";
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
        return None;
    }
    Some(Results {
        returns: Returns {
            units: units.into_iter().flatten().collect(),
            shape: shape.clone(),
        },
        storages: types.clone(),
    })
}

/// How values of a type become objects; nothing for views of others' memory.
fn unit_of(storage: Storage) -> Option<ResultUnit> {
    Some(match storage {
        Storage::Bool => ResultUnit::Bool,
        Storage::Int(IntTy::U64) => ResultUnit::Unsigned,
        Storage::Int(_) => ResultUnit::Signed,
        Storage::F32 | Storage::F64 => ResultUnit::Float,
        Storage::Complex => ResultUnit::Complex,
        Storage::View(view) => match view.whole {
            Whole::Bytes => ResultUnit::Bytes,
            Whole::ByteArray => ResultUnit::Object,
            Whole::Slice | Whole::Part | Whole::Memory(_) | Whole::Table | Whole::Array => {
                return None;
            }
        },
        Storage::Str { .. } | Storage::Object => ResultUnit::Object,
    })
}

struct Reader<'a> {
    text: &'a Text,
    at: usize,
    target: &'a Target,
    diagnostics: &'a mut Diagnostics,
    sound: bool,
    units: Vec<ResultUnit>,
    storages: Vec<Storage>,
}

impl Reader<'_> {
    fn next(&self) -> Option<char> {
        self.text.text[self.at..].chars().next()
    }

    /// All items up to the closing bracket, and behind it; without one, up to the end.
    fn items(&mut self, close: Option<char>, depth: usize) -> Vec<Shape> {
        let open = self.at.saturating_sub(1);
        let mut items = Vec::new();
        while let Some(char) = self.next() {
            match char {
                // Ignored by CPython, too.
                ' ' | '\t' | ',' | ':' => self.at += 1,
                _ if close == Some(char) => {
                    self.at += 1;
                    return items;
                }
                '(' | '[' | '{' => items.extend(self.container(char, depth)),
                ')' | ']' | '}' => match close {
                    Some(close) => {
                        let message = format!("`{char}` stands where `{close}` belongs");
                        self.error(
                            1,
                            message,
                            "close the brackets in the order they were opened",
                        );
                        // What the others belong to is anybody's guess.
                        self.at = self.text.text.len();
                        return items;
                    }
                    None => {
                        let message = format!("`{char}` without its opening bracket");
                        self.error(1, message, "write `(Ld)`");
                    }
                },
                _ => items.extend(self.unit(char)),
            }
        }
        if let Some(close) = close
            && self.sound
        {
            self.at = open;
            let char = self.next().unwrap_or(close);
            let message = format!("`{char}` without `{close}`");
            self.error(1, message, &format!("write `{char}...{close}`"));
            self.at = self.text.text.len();
        }
        items
    }

    /// `(...)`, `[...]` or `{...}`.
    fn container(&mut self, open: char, depth: usize) -> Option<Shape> {
        let close = match open {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        let start = self.at;
        if depth == DEPTH {
            let message = format!("results nest more than {DEPTH} deep");
            self.error(1, message, "return an object");
            self.at = self.text.text.len();
            return None;
        }
        self.at += 1;
        let items = self.items(Some(close), depth + 1);
        Some(match open {
            '(' => Shape::Tuple(items),
            '[' => Shape::List(items),
            _ => self.dict(start, items)?,
        })
    }

    /// The dict that begins at `start`, and of which all is read.
    fn dict(&mut self, start: usize, items: Vec<Shape>) -> Option<Shape> {
        let (message, hint) = if items.len() % 2 == 1 {
            ("a key without a value", "write `{OL}`, or `{OL,OL}`")
        } else if items.iter().step_by(2).any(unhashable) {
            (
                "a list or a dict cannot be the key of a dict",
                "keys are numbers, text, bytes, and tuples of these",
            )
        } else {
            let mut items = items.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            return Some(Shape::Dict(pairs));
        };
        // What could not be read may be what is missing.
        if self.sound {
            let length = self.at - start;
            self.at = start;
            self.error(length, message.to_owned(), hint);
        }
        None
    }

    /// Reports the next `len` bytes and goes behind them.
    fn error(&mut self, len: usize, message: String, hint: &str) {
        self.sound = false;
        let span = self.text.span(self.at..self.at + len);
        self.diagnostics
            .push(Diagnostic::error(span, message).hint(hint));
        self.at = self.text.text.len().min(self.at + len);
    }

    fn unit(&mut self, char: char) -> Option<Shape> {
        let rest = &self.text.text[self.at..];
        if let Some((text, hint)) = longest(ELSEWHERE, rest) {
            self.error(text.len(), format!("`{text}` is not a result unit"), hint);
            return None;
        }
        let Some((text, made)) = longest(RESULTS, rest) else {
            self.unknown(char);
            return None;
        };
        let (storage, unit) = match *made {
            Made::Other(storage, unit) => (storage, unit),
            Made::Number(text) => self.number(text),
        };
        self.units.push(unit);
        self.storages.push(storage);
        self.at += text.len();
        Some(Shape::One)
    }

    fn number(&self, text: &str) -> (Storage, ResultUnit) {
        let convert = units::find(text).and_then(|unit| types::of_unit(unit, self.target));
        let storage = convert.map(types::made);
        let unit = match storage {
            Some(Storage::Bool) => ResultUnit::Bool,
            Some(Storage::Int(IntTy::U64)) => ResultUnit::Unsigned,
            Some(Storage::Int(_)) => ResultUnit::Signed,
            Some(Storage::F32 | Storage::F64) => ResultUnit::Float,
            _ => unreachable!("`{text}` is no number of the table"),
        };
        (storage.unwrap_or(Storage::Bool), unit)
    }

    fn unknown(&mut self, char: char) {
        let shown = shown(char.encode_utf8(&mut [0; 4]));
        let same = RESULTS.iter().find(|row| {
            row.0.len() == 1 && row.0.starts_with(|c: char| c.eq_ignore_ascii_case(&char))
        });
        let hint = match same {
            Some(row) => format!("did you mean `{}`?", row.0),
            None => "numbers are b h i l L n B H I k K f d, a bool is p, text s#, bytes y#, any object O".to_owned(),
        };
        let message = format!("`{shown}` is not a result unit");
        self.error(char.len_utf8(), message, &hint);
    }
}

/// The longest text of a table that `rest` begins with, and what stands beside it.
fn longest<T>(
    rows: &'static [(&'static str, T)],
    rest: &str,
) -> Option<(&'static str, &'static T)> {
    rows.iter()
        .filter(|row| rest.starts_with(row.0))
        .max_by_key(|row| row.0.len())
        .map(|(text, value)| (*text, value))
}

/// Whether an object of this shape has surely no hash.
fn unhashable(shape: &Shape) -> bool {
    match shape {
        Shape::None | Shape::One => false,
        Shape::Tuple(items) => items.iter().any(unhashable),
        Shape::List(_) | Shape::Dict(_) => true,
    }
}

/// The unit that holds the type.
fn result_unit(storage: Storage) -> &'static str {
    match storage {
        Storage::Bool => "p",
        Storage::Int(ty) => match ty {
            IntTy::I8 | IntTy::I16 => "h",
            IntTy::I32 => "i",
            IntTy::I64 => "L",
            IntTy::U8 => "b",
            IntTy::U16 => "H",
            IntTy::U32 => "I",
            IntTy::U64 => "K",
        },
        Storage::F32 => "f",
        Storage::F64 => "d",
        Storage::Complex => "D",
        Storage::View(View {
            whole: Whole::Bytes,
            ..
        }) => "S",
        Storage::View(_) => "y#",
        Storage::Str { .. } => "U",
        Storage::Object => "O",
    }
}
