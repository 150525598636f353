//! One method: `args`, `params` and `returns` are brought together into a signature.
//!
//! In: a method's table. Out: the method as far as it makes sense, whether it is sound, and messages. Names that collide and the body's
//! meaning are checked by the caller, who sees all methods.

use super::literal;
use super::module::{Convert, Method, Param};
use super::names::{self, shown};
use super::params::{self, Params, Written};
use super::raw::{MethodTable, Str};
use super::returns::{self, Results};
use super::signature;
use super::strings;
use super::types;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::{Span, Text};
use crate::frontend::argfmt::parse::{self, Format, Item};
use crate::frontend::argfmt::units::Unit;
use crate::frontend::lang::typed::{Const, IntTy, Overflow, Storage};
use crate::frontend::lang::{MethodSig, ParamSig};
use crate::target::Target;

/// How many parameters a method may have, as in CPython before 3.7.
const LIMIT: usize = 255;

/// What a method's parts may refer to.
pub(super) struct Context<'a> {
    pub target: &'a Target,
    pub constants: &'a [(String, Option<Const>)],
    /// Of the module.
    pub overflow: Overflow,
}

/// A method, and its body.
pub(super) struct Checked {
    pub method: Method,
    pub sig: MethodSig,
    pub body: Option<Text>,
    /// Nothing is wrong with it but perhaps its body.
    pub sound: bool,
}

/// How one parameter's argument is converted.
struct Conversion {
    /// As bodies see it.
    storage: Storage,
    convert: Convert,
    unit: &'static str,
}

/// Checks a method.
pub(super) fn check(table: &MethodTable, cx: &Context, diagnostics: &mut Diagnostics) -> Checked {
    let mut own = Diagnostics::default();
    let name = name(
        table.name.as_ref(),
        table.header,
        "a method",
        table.spoiled,
        &mut own,
    );
    let overflow = overflow(table.overflow.as_ref(), &mut own).unwrap_or(cx.overflow);
    let keywords = table.keywords.as_ref().is_some_and(|flag| flag.value);
    if let Some(signals) = table.signals.as_ref().filter(|flag| flag.value) {
        own.push(
            Diagnostic::error(signals.span, "`signals = true` is not there yet")
                .hint("leave it out; a long loop then notices Ctrl-C when it returns"),
        );
    }
    let format = table
        .args
        .as_ref()
        .map(|args| parse::parse(&args.text, &mut own));
    let written = match &table.params {
        Some(entries) => params::read(&entries.value, keywords, &mut own),
        None => Params::default(),
    };
    let conversions = conversions(table, &written, format.as_ref(), cx, &mut own);
    let params = parameters(&written.list, &conversions, cx, &mut own);
    if let Some(format) = format.as_ref().filter(|format| format.sound) {
        markers(table, &written, format, &mut own);
    }
    let results = match &table.returns {
        Some(text) => returns::read(&text.text, cx.target, &mut own),
        None => Some(Results::none()),
    };
    let body = body(table, &mut own);
    let method_name = name
        .as_ref()
        .map_or("", |name| name.text.text.as_str())
        .to_owned();
    let shown: Vec<_> = params
        .iter()
        .map(|(param, shown)| (param.name.as_str(), param.kind, shown.as_deref()))
        .collect();
    let results = results.unwrap_or_else(Results::none);
    let nogil = table.nogil.as_ref().is_some_and(|flag| flag.value);
    let method = Method {
        name: method_name.clone(),
        doc: doc(table.doc.as_ref(), &mut own),
        text_signature: signature::text(&shown),
        format: format_text(&method_name, &written, format.as_ref(), table, &conversions),
        params: params.iter().map(|(param, _)| param.clone()).collect(),
        returns: results.returns,
        nogil,
        span: name.map_or(table.header, Str::inner),
    };
    let sig = MethodSig {
        name: method_name,
        params: signature_params(&params, &written.list, &conversions),
        results: results.storages,
        returns_tuple: results.tuple,
        overflow,
        nogil,
    };
    let sound = !table.spoiled && !own.has_errors();
    diagnostics.append(own);
    Checked {
        method,
        sig,
        body,
        sound,
    }
}

/// The name of `what`; a message where it is missing or wrong.
pub(super) fn name<'t>(
    name: Option<&'t Str>,
    header: Span,
    what: &str,
    spoiled: bool,
    diagnostics: &mut Diagnostics,
) -> Option<&'t Str> {
    let Some(name) = name else {
        if !spoiled {
            diagnostics.push(
                Diagnostic::error(header, format!("{what} needs a name"))
                    .hint("write `name = \"...\"`"),
            );
        }
        return None;
    };
    if let Err((message, hint)) = names::identifier(&name.text.text) {
        diagnostics.push(Diagnostic::error(name.inner(), message).hint(hint));
    }
    Some(name)
}

/// A documentation text; C ends it at a NUL, so it may hold none.
pub(super) fn doc(text: Option<&Str>, diagnostics: &mut Diagnostics) -> Option<String> {
    let doc = text?;
    if let Some(at) = doc.text.text.find('\0') {
        diagnostics.push(
            Diagnostic::error(doc.text.span(at..at + 1), "documentation cannot hold a NUL")
                .hint("C strings end there"),
        );
    }
    Some(doc.text.text.clone())
}

/// One of the words of `overflow`.
pub(super) fn overflow(text: Option<&Str>, diagnostics: &mut Diagnostics) -> Option<Overflow> {
    let text = text?;
    match text.text.text.as_str() {
        "raise" => Some(Overflow::Raise),
        "wrap" => Some(Overflow::Wrap),
        other => {
            diagnostics.push(
                Diagnostic::error(
                    text.inner(),
                    format!("`{}` is no way to overflow", shown(other)),
                )
                .hint("write `overflow = \"raise\"` or `overflow = \"wrap\"`"),
            );
            None
        }
    }
}

fn body(table: &MethodTable, diagnostics: &mut Diagnostics) -> Option<Text> {
    let Some(body) = &table.body else {
        if !table.spoiled {
            diagnostics.push(
                Diagnostic::error(table.header, "a method needs a body")
                    .hint("write `body = \"return x\"`; `pass` does nothing"),
            );
        }
        return None;
    };
    let text = strings::dedent(&body.text);
    if text.text.trim().is_empty() {
        diagnostics.push(
            Diagnostic::error(body.span, "the body is empty").hint("write `pass` to do nothing"),
        );
        return None;
    }
    if let Some(at) = text.text.find('\0') {
        diagnostics.push(
            Diagnostic::error(text.span(at..at + 1), "a body cannot hold a NUL")
                .hint("inside of a Python string, write `\\\\0`"),
        );
        return None;
    }
    Some(text)
}

/// How each parameter is converted, in order; `None` for those of which too little is known.
fn conversions(
    table: &MethodTable,
    params: &Params,
    format: Option<&Format>,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Conversion>> {
    if params.list.len() > LIMIT {
        diagnostics.push(
            Diagnostic::error(
                params.list[LIMIT].span,
                format!("more than {LIMIT} parameters"),
            )
            .hint("take an object that holds the values"),
        );
    }
    let typed: Vec<_> = params
        .list
        .iter()
        .map(|param| param.ty.as_ref().map(|ty| (find_type(ty, diagnostics), ty)))
        .collect();
    let Some((format, args)) = format.zip(table.args.as_ref()) else {
        return params
            .list
            .iter()
            .zip(typed)
            .map(|(param, ty)| match ty {
                Some((row, _)) => row.map(|row| Conversion {
                    storage: row.storage,
                    convert: row.convert,
                    unit: row.unit,
                }),
                None => {
                    if table.args.is_some() {
                        return None;
                    }
                    let name = &param.name;
                    diagnostics.push(
                        Diagnostic::error(
                            param.span,
                            format!("`{name}` has neither a type nor a letter in `args`"),
                        )
                        .hint(format!("write `\"{name}: i64\"`, or `args = \"L\"`")),
                    );
                    None
                }
            })
            .collect();
    };
    count(table, params, format, args, diagnostics);
    let mut units = format.items.iter();
    let mut conversions = Vec::new();
    for ty in typed {
        let unit = units
            .next()
            .and_then(|item| letter(item, args, cx, diagnostics));
        conversions.push(match (unit, ty) {
            (Some((unit, storage, convert)), Some((Some(row), ty))) => {
                agree(unit, storage, row, ty, diagnostics);
                Some(Conversion {
                    storage: row.storage,
                    convert,
                    unit: unit.text,
                })
            }
            (Some((unit, storage, convert)), _) => Some(Conversion {
                storage,
                convert,
                unit: unit.text,
            }),
            (None, Some((Some(row), _))) => Some(Conversion {
                storage: row.storage,
                convert: row.convert,
                unit: row.unit,
            }),
            (None, _) => None,
        });
    }
    // Letters without a parameter are wrong for one more reason if they are not there yet.
    for item in units {
        letter(item, args, cx, diagnostics);
    }
    conversions
}

fn find_type(ty: &Text, diagnostics: &mut Diagnostics) -> Option<&'static types::TypeRow> {
    let word = ty.text.as_str();
    if let Some(row) = types::find(word) {
        return Some(row);
    }
    let shown = shown(word);
    let base = word.split(['[', '|', ' ']).next().unwrap_or("");
    let diagnostic = if word.is_empty() {
        Diagnostic::error(ty.span(0..0), "the type is missing")
            .hint("write it behind `:`, as in `x: i64`")
    } else if types::LATER.contains(&base) || (base == "object" && word != base) {
        Diagnostic::error(ty.whole(), format!("the type `{shown}` is not there yet"))
            .hint("parameters can be integers, floats, bools and objects (which may be None)")
    } else {
        let names = || types::TYPES.iter().map(|row| row.name);
        let hint = match nearest(word, names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the types are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Diagnostic::error(ty.whole(), format!("`{shown}` is not a type")).hint(hint)
    };
    diagnostics.push(diagnostic);
    None
}

/// The unit of an item, unless bodies cannot hold its values yet.
fn letter(
    item: &Item,
    args: &Str,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Option<(&'static Unit, Storage, Convert)> {
    let (unit, what) = match item {
        Item::Unit(unit, _) => (Some(*unit), format!("`{}`, {},", unit.text, unit.noun)),
        Item::Tuple(..) => (None, "a tuple of units".to_owned()),
    };
    if let Some(unit) = unit
        && let Some((storage, convert)) = types::of_unit(unit, cx.target)
    {
        return Some((unit, storage, convert));
    }
    diagnostics.push(
        Diagnostic::error(
            args.text.span(item.range()),
            format!("{what} is not there yet"),
        )
        .hint("parameters can be numbers (b B h H i I l k L K n f d), bools (p) and objects (O)"),
    );
    None
}

/// There are as many letters as parameters.
fn count(
    table: &MethodTable,
    params: &Params,
    format: &Format,
    args: &Str,
    diagnostics: &mut Diagnostics,
) {
    let (letters, names) = (format.items.len(), params.list.len());
    let listed = table.params.as_ref();
    // Entries that could not be read were reported.
    let unread = listed.is_some_and(|entries| {
        let marker = |entry: &&Str| !matches!(entry.text.text.trim(), "/" | "*");
        entries.value.iter().filter(marker).count() != names
    });
    if letters == names || unread || !format.sound {
        return;
    }
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let message = format!(
        "`args` has {}, `params` has {}",
        plural(letters, "unit"),
        plural(names, "name")
    );
    let mut diagnostic = match format.items.get(names) {
        Some(item) => Diagnostic::error(args.text.span(item.range()), message)
            .label("this has no name")
            .hint("name each unit: `params = [\"x\", \"y\"]`"),
        None => Diagnostic::error(params.list[letters].span, message)
            .label("this has no unit")
            .hint("each parameter has one unit in `args`; without `args`, types say the same"),
    };
    match listed {
        Some(entries) if letters > names && !entries.value.is_empty() => {
            let first = entries.value[0].span;
            let last = entries.value[entries.value.len() - 1].span;
            diagnostic = diagnostic.also(first.to(last), "the names");
        }
        Some(_) if letters < names => diagnostic = diagnostic.also(args.inner(), "the units"),
        _ => {}
    }
    diagnostics.push(diagnostic);
}

/// What the letter makes is of the type beside it.
fn agree(
    unit: &Unit,
    storage: Storage,
    row: &types::TypeRow,
    ty: &Text,
    diagnostics: &mut Diagnostics,
) {
    if types::holds(row.storage, storage) {
        return;
    }
    let (letter, name) = (unit.text, row.name);
    let message = if types::same_kind(row.storage, storage) {
        let made = types::name(storage);
        format!("`{letter}` in `args` makes {made} values, which do not all fit in {name}")
    } else {
        format!(
            "the type {name} does not agree with `{letter}` in `args`, {}",
            unit.noun
        )
    };
    let hint = match row.unit {
        "O&" => "leave `args` out; types alone are enough".to_owned(),
        letter => format!("write `{letter}` there, or leave `args` out"),
    };
    diagnostics.push(Diagnostic::error(ty.whole(), message).hint(hint));
}

/// Parameters with their defaults, each with its default's text in the signature.
fn parameters(
    written: &[Written],
    conversions: &[Option<Conversion>],
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Vec<(Param, Option<String>)> {
    let mut params = Vec::new();
    for (param, conversion) in written.iter().zip(conversions) {
        let default = param.default.as_ref().and_then(|text| {
            let value =
                literal::parse(&text.text, cx.constants).and_then(|value| match conversion {
                    Some(conversion) => {
                        literal::suit(value, range(conversion.convert), &text.text).map(Some)
                    }
                    None => Ok(None),
                });
            value.unwrap_or_else(|(message, hint)| {
                diagnostics.push(Diagnostic::error(text.whole(), message).hint(hint));
                None
            })
        });
        let (value, shown) = default.unzip();
        let convert = conversion.as_ref().map_or(Convert::Object, |c| c.convert);
        params.push((
            Param {
                name: param.name.clone(),
                kind: param.kind,
                convert,
                default: value,
            },
            shown,
        ));
    }
    params
}

/// What values a conversion makes.
fn range(convert: Convert) -> Storage {
    match convert {
        Convert::Int(ty) | Convert::IntModulo(ty) | Convert::IntOwn(ty, _) => Storage::Int(ty),
        Convert::F32 => Storage::F32,
        Convert::F64 => Storage::F64,
        Convert::Truth => Storage::Bool,
        Convert::Object => Storage::Object,
    }
}

/// `|` and `$` say the same as defaults and `*`.
fn markers(table: &MethodTable, params: &Params, format: &Format, diagnostics: &mut Diagnostics) {
    let Some(args) = &table.args else {
        return;
    };
    if let Some(mark) = format.optional {
        let place = args.text.span(mark.at..mark.at + 1);
        for (index, param) in params.list.iter().enumerate() {
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
        Some((index, star)) if index != mark.index => diagnostics.push(
            Diagnostic::error(
                place,
                "`$` in `args` and `*` in `params` stand at different places",
            )
            .also(star, "the names behind this are keyword-only")
            .hint("move the `$`, or leave it out: `*` says the same"),
        ),
        Some(_) => {}
    }
}

/// The whole format for CPython.
fn format_text(
    name: &str,
    params: &Params,
    format: Option<&Format>,
    table: &MethodTable,
    conversions: &[Option<Conversion>],
) -> String {
    let defaults = params.list.iter().position(|param| param.default.is_some());
    let optional = format
        .and_then(|format| format.optional)
        .map(|mark| mark.index)
        .or(defaults);
    let mut text = String::new();
    for index in 0..=conversions.len() {
        if optional == Some(index) {
            text.push('|');
        }
        if params.star.is_some_and(|star| star.0 == index) {
            text.push('$');
        }
        if let Some(Some(conversion)) = conversions.get(index) {
            text.push_str(conversion.unit);
        }
    }
    let tail = format.zip(table.args.as_ref()).and_then(|(format, args)| {
        let given = format.name.is_some() || format.message.is_some();
        given.then(|| &args.text.text[format.end..])
    });
    match tail {
        Some(tail) => text.push_str(tail),
        None => {
            text.push(':');
            text.push_str(name);
        }
    }
    text
}

fn signature_params(
    params: &[(Param, Option<String>)],
    written: &[Written],
    conversions: &[Option<Conversion>],
) -> Vec<ParamSig> {
    params
        .iter()
        .zip(written)
        .zip(conversions)
        .map(|(((param, _), written), conversion)| ParamSig {
            name: param.name.clone(),
            storage: conversion
                .as_ref()
                .map_or(Storage::Int(IntTy::I64), |conversion| conversion.storage),
            kind: param.kind,
            default: param.default,
            span: written.span,
        })
        .collect()
}
