//! `args` and `params` are brought together: how each parameter's argument is converted.
//!
//! In: a parsed format, if there is one, and the parameters as written. Out: a conversion for each parameter, and messages where the two
//! disagree in kind, or in what is optional or keyword-only. Number and nesting are compared in `pairing`; defaults' values are
//! `literal`'s business.

use super::check::STABLE;
use super::method::Context;
use super::module::{ClassRef, Convert};
use super::names::shown;
use super::pairing::{self, Letter};
use super::params::{Group, Params, Written};
use super::raw::MethodTable;
use super::types::{self, TypeRow};
use super::typetext;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::{Span, Text};
use crate::frontend::argfmt::parse::Format;
use crate::frontend::argfmt::units::{Kind, Unit};
use crate::frontend::capi::{classes, exceptions};
use crate::frontend::lang::ty::storage_name;
use crate::frontend::lang::typed::Storage;

/// How many parameters a method may have, as in CPython before 3.7.
const LIMIT: usize = 255;

/// How one parameter's argument is converted.
pub(super) struct Conversion {
    /// As bodies see it.
    pub storage: Storage,
    pub convert: Convert,
    pub unit: &'static str,
}

impl Conversion {
    fn of_type(row: &TypeRow) -> Conversion {
        Conversion {
            storage: row.storage,
            convert: row.convert,
            unit: row.unit,
        }
    }
}

/// How each parameter is converted, in order; `None` for those of which too little is known.
pub(super) fn conversions(
    table: &MethodTable,
    params: &Params,
    format: Option<&Format>,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Conversion>> {
    if let Some(param) = params.list.get(LIMIT) {
        diagnostics.push(
            Diagnostic::error(param.span, format!("more than {LIMIT} parameters"))
                .hint("take an object that holds the values"),
        );
    }
    let letters = pairing::letters(table, params, format, diagnostics);
    let list = params.list.iter().zip(letters);
    list.map(|(param, letter)| match letter {
        Some(letter) => by_letter(param, letter, cx, diagnostics),
        None => by_type(param, table, diagnostics),
    })
    .collect()
}

/// The conversion of a parameter without a letter; where there are letters, its own is missing or wrong.
fn by_type(
    param: &Written,
    table: &MethodTable,
    diagnostics: &mut Diagnostics,
) -> Option<Conversion> {
    if let Some(ty) = &param.ty {
        return find_type(ty, diagnostics).map(Conversion::of_type);
    }
    if table.args.is_none() {
        let name = &param.name;
        let (message, hint) = match &table.def {
            Some(_) => (
                format!("the parameter `{name}` has no type"),
                format!("write its type: `{name}: i64`"),
            ),
            None => (
                format!("`{name}` has neither a type nor a letter in `args`"),
                format!("write `\"{name}: i64\"`, or `args = \"L\"`"),
            ),
        };
        diagnostics.push(Diagnostic::error(param.span, message).hint(hint));
    }
    None
}

fn find_type(ty: &Text, diagnostics: &mut Diagnostics) -> Option<&'static TypeRow> {
    let row = typetext::parse(ty);
    row.map_err(|wrong| diagnostics.push(wrong)).ok()
}

/// The conversion of a parameter with a letter: the letter says how, the type beside it describes what it makes.
fn by_letter(
    param: &Written,
    (unit, place): Letter,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Option<Conversion> {
    if unit.kind == Kind::Instance {
        let class = class(param, place, cx, diagnostics)?;
        return Some(Conversion {
            storage: Storage::Object,
            convert: Convert::Instance(class),
            unit: unit.text,
        });
    }
    // A class describes a bytearray better than its type does.
    let ty = param
        .ty
        .as_ref()
        .filter(|ty| !(unit.kind == Kind::ByteArray && ty.text == "bytearray"));
    let row = match ty {
        Some(ty) => Some((find_type(ty, diagnostics)?, ty)),
        None => None,
    };
    let Some(convert) = types::of_unit(unit, cx.target) else {
        return by_converter(param, (unit, place), row, diagnostics);
    };
    if let Some((row, ty)) = row {
        agree(unit, convert, row, ty, diagnostics);
    }
    Some(Conversion {
        storage: row.map_or(types::made(convert), |(row, _)| {
            types::seen(row.storage, convert)
        }),
        convert,
        unit: unit.text,
    })
}

/// `O&`: the type's own converter.
fn by_converter(
    param: &Written,
    (unit, place): Letter,
    row: Option<(&TypeRow, &Text)>,
    diagnostics: &mut Diagnostics,
) -> Option<Conversion> {
    let diagnostic = match row {
        Some((row, _)) if row.unit == unit.text => return Some(Conversion::of_type(row)),
        Some((row, ty)) => {
            let (name, unit) = (row.name, row.unit);
            Diagnostic::error(
                ty.whole(),
                format!("the type {name} has no converter of its own, as `O&` asks for"),
            )
            .hint(format!("write `{unit}` there, or leave `args` out"))
        }
        None => {
            let name = &param.name;
            Diagnostic::error(
                place,
                format!("`O&` asks for a converter, and `{name}` has no type"),
            )
            .also(param.span, "it is written here")
            .hint(format!(
                "write `\"{name}: u8\"`, or another type without a letter of its own, as `Buffer[f64]`"
            ))
        }
    };
    diagnostics.push(diagnostic);
    None
}

/// `O!`: the class that stands behind the parameter's colon.
fn class(
    param: &Written,
    place: Span,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Option<ClassRef> {
    let name = &param.name;
    let Some(ty) = &param.ty else {
        let message = format!("`O!` asks for a class, and `{name}` has none");
        diagnostics.push(
            Diagnostic::error(place, message)
                .also(param.span, "it is written here")
                .hint(format!(
                    "write `\"{name}: list\"`: a builtin class, or an exception of the module"
                )),
        );
        return None;
    };
    let word = ty.text.as_str();
    // As in Python code, a class of the module hides a builtin one.
    if let Some(index) = cx.exceptions.iter().rposition(|other| other == word) {
        return Some(ClassRef::Exception(index));
    }
    if let Some(symbol) = classes::symbol(word) {
        return Some(ClassRef::Builtin(symbol));
    }
    let builtin = exceptions::EXCEPTIONS.iter().find(|row| row.0 == word);
    let (message, hint) = match builtin {
        Some(&(known, since)) if since <= STABLE => {
            return Some(ClassRef::BuiltinException(known));
        }
        Some(&(known, _)) => (
            format!("`{known}` is not in the stable ABI of Python 3.{STABLE}"),
            "take one of its base classes".to_owned(),
        ),
        None if word.is_empty() => (
            "the class is missing".to_owned(),
            format!("write `\"{name}: list\"`"),
        ),
        None if word.contains("None") => (
            "`O!` takes no None".to_owned(),
            "take any object (`O`), and look at it in the body".to_owned(),
        ),
        None => {
            let own = cx.exceptions.iter().map(String::as_str);
            let names = own
                .chain(classes::CLASSES.iter().map(|row| row.0))
                .chain(exceptions::EXCEPTIONS.iter().map(|row| row.0));
            let hint = match nearest(word, names) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!(
                    "behind the colon stands a builtin class, as in `\"{name}: list\"`, or an exception"
                ),
            };
            (format!("`{}` is no class for `O!`", shown(word)), hint)
        }
    };
    let span = if word.is_empty() {
        ty.span(0..0)
    } else {
        ty.whole()
    };
    diagnostics.push(Diagnostic::error(span, message).hint(hint));
    None
}

/// What the letter makes is of the type beside it.
fn agree(unit: &Unit, convert: Convert, row: &TypeRow, ty: &Text, diagnostics: &mut Diagnostics) {
    if types::holds(row.storage, convert) {
        return;
    }
    let storage = types::made(convert);
    let (letter, name) = (unit.text, row.name);
    let message = match storage {
        _ if !types::same_kind(row.storage, storage) => format!(
            "the type {name} does not agree with `{letter}` in `args`, {}",
            unit.noun
        ),
        Storage::Str { .. } | Storage::View(_) => {
            let made = type_of(storage);
            format!("`{letter}` in `args` makes {made}, which is not always {name}")
        }
        _ => {
            let made = storage_name(storage);
            format!("`{letter}` in `args` makes {made} values, which do not all fit in {name}")
        }
    };
    let hint = match (unit.kind, row.unit) {
        (
            Kind::Byte
            | Kind::Char
            | Kind::Text { .. }
            | Kind::Buffer { .. }
            | Kind::Encoded { .. }
            | Kind::Bytes
            | Kind::Str,
            _,
        ) => format!(
            "what it makes is `{}`; or leave `args` out",
            type_of(storage)
        ),
        (_, unit) => format!("write `{unit}` there, or leave `args` out"),
    };
    diagnostics.push(Diagnostic::error(ty.whole(), message).hint(hint));
}

/// The type that is best written for what a letter makes.
fn type_of(storage: Storage) -> &'static str {
    let row = types::TYPES.iter().find(|row| row.storage == storage);
    row.map_or(storage_name(storage), |row| row.name)
}

/// `|` and `$` say the same as defaults and `*`.
pub(super) fn markers(
    table: &MethodTable,
    params: &Params,
    format: &Format,
    diagnostics: &mut Diagnostics,
) {
    let Some(args) = &table.args else {
        return;
    };
    if let Some(mark) = format.optional {
        let place = args.text.span(mark.at..mark.at + 1);
        for (index, group) in params.groups.iter().enumerate() {
            let Group::Param(param) = group else {
                if index >= mark.index {
                    diagnostics.push(
                        Diagnostic::error(params.place(group), "a tuple cannot be optional")
                            .also(place, "everything behind this is optional")
                            .hint("put it before the `|`, or take an object"),
                    );
                }
                continue;
            };
            let param = &params.list[*param];
            let name = &param.name;
            if index >= mark.index && param.default.is_none() {
                diagnostics.push(
                    Diagnostic::error(
                        param.span,
                        format!("`{name}` stands behind `|` in `args`, but has no default"),
                    )
                    .also(place, "everything behind this is optional")
                    .hint(format!("write `\"{name} = ...\"`")),
                );
            } else if index < mark.index && param.default.is_some() {
                diagnostics.push(
                    Diagnostic::error(
                        param.span,
                        format!("`{name}` has a default, but stands before `|` in `args`"),
                    )
                    .also(place, "everything before this is required")
                    .hint("move the `|`, or leave it out: defaults say the same"),
                );
            }
        }
    }
    let Some(mark) = format.keyword_only else {
        return;
    };
    let place = args.text.span(mark.at..mark.at + 1);
    match params.star {
        None => diagnostics.push(
            Diagnostic::error(place, "`$` stands in `args`, but no `*` in `params`")
                .hint("write `\"*\"` in `params` before the keyword-only names"),
        ),
        Some(star) if star.index != mark.index => diagnostics.push(
            Diagnostic::error(
                place,
                "`$` in `args` and `*` in `params` stand at different places",
            )
            .also(star.span, "the names behind this are keyword-only")
            .hint("move the `$`, or leave it out: `*` says the same"),
        ),
        Some(_) => {}
    }
}
