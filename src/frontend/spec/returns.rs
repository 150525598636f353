//! What a method returns: the format language of `Py_BuildValue`, as far as results can be numbers and objects.
//!
//! In: the text of `returns`. Out: how values become objects, and the types that a body's `return` must fit. Whether the body agrees
//! is `lang`'s to say. Facts: "Building values" in the Python/C API manual.

use super::module::{ResultUnit, Returns};
use super::names::shown;
use super::types;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Text;
use crate::frontend::argfmt::units;
use crate::frontend::lang::typed::{IntTy, Shape, Storage};
use crate::target::Target;

/// How many items a tuple may have.
const LIMIT: usize = 255;

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
            .hint(format!(
                "write `returns = \"{}\"`",
                result_unit(row.storage)
            )),
        );
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        target,
        diagnostics,
        sound: true,
    };
    let (storages, tuple) = reader.top();
    if !reader.sound {
        return None;
    }
    let units: Vec<ResultUnit> = storages.iter().map(|&storage| unit(storage)).collect();
    let shape = Shape::flat(units.len(), tuple);
    Some(Results {
        returns: Returns { units, shape },
        storages,
    })
}

struct Reader<'a> {
    text: &'a Text,
    at: usize,
    target: &'a Target,
    diagnostics: &'a mut Diagnostics,
    sound: bool,
}

impl Reader<'_> {
    /// All units, and whether they make a tuple: two or more do, and parentheses.
    fn top(&mut self) -> (Vec<Storage>, bool) {
        let mut storages = Vec::new();
        let mut open: Option<usize> = None;
        let mut closed = false;
        while let Some(char) = self.text.text[self.at..].chars().next() {
            let at = self.at;
            match char {
                // Ignored by CPython, too.
                ' ' | '\t' | ',' | ':' => self.at += 1,
                '(' if open.is_none() && storages.is_empty() => {
                    open = Some(at);
                    self.at += 1;
                }
                ')' if open.is_some() && !closed => {
                    closed = true;
                    self.at += 1;
                }
                '(' | '[' | '{' => {
                    let what = if char == '(' {
                        "a nested tuple"
                    } else {
                        "a list or dict"
                    };
                    self.error(
                        1,
                        format!("{what} as a result is not there yet"),
                        "return one flat tuple",
                    );
                    // What is in it, and where it ends, is of no interest.
                    return (storages, true);
                }
                ')' | ']' | '}' => {
                    self.error(
                        1,
                        format!("`{char}` without its opening bracket"),
                        "write `(Ld)`",
                    );
                }
                _ if closed => {
                    self.error(
                        char.len_utf8(),
                        "a unit stands behind the tuple".into(),
                        "put it into the parentheses",
                    );
                }
                _ => storages.extend(self.unit(char)),
            }
        }
        match open {
            Some(at) if !closed => {
                self.at = at;
                self.error(1, "`(` without `)`".into(), "write `(Ld)`");
            }
            Some(at) if storages.is_empty() && self.sound => {
                self.at = at;
                self.error(
                    1,
                    "an empty tuple as a result is not there yet".into(),
                    "leave `returns` out for None",
                );
            }
            _ => {}
        }
        if storages.len() > LIMIT {
            self.at = 0;
            let message = format!("a result tuple of {} items", storages.len());
            self.error(
                self.text.text.len(),
                message,
                &format!("{LIMIT} is the limit"),
            );
        }
        let tuple = open.is_some() || storages.len() > 1;
        (storages, tuple)
    }

    /// Reports the next `len` bytes and goes behind them.
    fn error(&mut self, len: usize, message: String, hint: &str) {
        self.sound = false;
        let span = self.text.span(self.at..self.at + len);
        self.diagnostics
            .push(Diagnostic::error(span, message).hint(hint));
        self.at = self.text.text.len().min(self.at + len);
    }

    fn unit(&mut self, char: char) -> Option<Storage> {
        let rest = &self.text.text[self.at..];
        let Some(unit) = units::longest(rest) else {
            let shown = shown(char.encode_utf8(&mut [0; 4]));
            let same = units::UNITS.iter().find(|unit| {
                unit.text.len() == 1
                    && unit
                        .text
                        .starts_with(|c: char| c.eq_ignore_ascii_case(&char))
            });
            let hint = match same {
                Some(unit) => format!("did you mean `{}`?", unit.text),
                None => {
                    "numbers are b h i l L n B H I k K f d, a bool is p, any object is O".to_owned()
                }
            };
            self.error(
                char.len_utf8(),
                format!("`{shown}` is not a result unit"),
                &hint,
            );
            return None;
        };
        let Some((storage, _)) = types::of_unit(unit, self.target) else {
            self.error(
                unit.text.len(),
                format!("the result unit `{}` is not there yet", unit.text),
                "results can be numbers, bools (p), objects (O), and tuples of these",
            );
            return None;
        };
        self.at += unit.text.len();
        Some(storage)
    }
}

fn unit(storage: Storage) -> ResultUnit {
    match storage {
        Storage::Bool => ResultUnit::Bool,
        Storage::Int(IntTy::U64) => ResultUnit::Unsigned,
        Storage::Int(_) => ResultUnit::Signed,
        Storage::F32 | Storage::F64 => ResultUnit::Float,
        Storage::Complex => ResultUnit::Complex,
        Storage::View(_) => ResultUnit::Bytes,
        Storage::Str { .. } | Storage::Object => ResultUnit::Object,
    }
}

/// The letter that holds the type.
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
        Storage::View(_) => "y#",
        Storage::Str { .. } => "U",
        Storage::Object => "O",
    }
}
