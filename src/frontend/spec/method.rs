//! One method: `args`, `params` and `returns` are brought together into a signature.
//!
//! In: a method's table. Out: the method as far as it makes sense, whether it is sound, and messages. Names that collide and the body's
//! meaning are checked by the caller, who sees all methods.

use std::collections::BTreeSet;

use super::convert::{Conversion, conversions, markers};
use super::literal;
use super::module::{Convert, Method, Param};
use super::names::{self, shown};
use super::params::{self, Group, Params, Written};
use super::raw::{MethodTable, Str};
use super::returns::{self, Results};
use super::signature::{self, Shown};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Span, Text};
use crate::base::strings;
use crate::frontend::argfmt::parse::{self, Format};
use crate::frontend::lang::file;
use crate::frontend::lang::typed::{Const, IntTy, Overflow, Storage};
use crate::frontend::lang::{MethodSig, Nest, ParamKind, ParamSig};
use crate::target::Target;

/// What a method's parts may refer to.
pub(super) struct Context<'a> {
    pub target: &'a Target,
    pub constants: &'a [(String, Option<Const>)],
    /// Names of the module's exceptions, in order.
    pub exceptions: &'a [String],
    /// Of the module.
    pub overflow: Overflow,
}

/// A method, and its body.
pub(super) struct Checked {
    pub method: Method,
    pub sig: MethodSig,
    pub body: Option<Text>,
    /// Nothing is wrong with its signature.
    pub sound: bool,
    /// All its parameters are known by name, so that its body can be judged.
    pub named: bool,
}

/// Checks a method.
pub(super) fn check(table: &MethodTable, cx: &Context, diagnostics: &mut Diagnostics) -> Checked {
    // What is wrong with the signature; the rest does not keep the body from being judged.
    let mut own = Diagnostics::default();
    let name = name(
        table.name.as_ref(),
        table.header,
        "a method",
        table.spoiled,
        diagnostics,
    );
    let overflow = overflow(table.overflow.as_ref(), diagnostics).unwrap_or(cx.overflow);
    let keywords = table.keywords.as_ref().is_some_and(|flag| flag.value);
    let format = table
        .args
        .as_ref()
        .map(|args| parse::parse(&args.text, &mut own));
    let written = match (&table.params, &table.def) {
        (_, Some(def)) => {
            params::rules(&def.params, &mut own);
            def.params.clone()
        }
        (Some(entries), None) => params::read(&entries.value, keywords, &mut own),
        (None, None) => Params::default(),
    };
    let conversions = conversions(table, &written, format.as_ref(), cx, &mut own);
    let params = parameters(&written.list, &conversions, cx, &mut own);
    if let Some(format) = format.as_ref().filter(|format| format.sound) {
        markers(table, &written, format, &mut own);
    }
    let results = match (&table.returns, &table.def) {
        (Some(text), _) => returns::read(&text.text, cx.target, &mut own),
        (None, Some(def)) => returns::of_def(def, &mut own),
        (None, None) => Some(Results::none()),
    };
    let body = body(table, diagnostics);
    let method_name = name
        .as_ref()
        .map_or("", |name| name.text.text.as_str())
        .to_owned();
    let results = results.unwrap_or_else(Results::none);
    let arguments: Vec<Nest> = written.groups.iter().map(Group::nest).collect();
    let nogil = table.nogil.as_ref().is_some_and(|flag| flag.value);
    let method = Method {
        name: method_name.clone(),
        doc: doc(table.doc.as_ref(), diagnostics),
        text_signature: signature::text(&signature(&params, &written.groups)),
        format: format_text(&method_name, &written, format.as_ref(), table, &conversions),
        params: params.iter().map(|(param, _)| param.clone()).collect(),
        arguments: arguments.clone(),
        returns: results.returns.clone(),
        nogil,
        span: name.map_or(table.header, Str::inner),
    };
    let sig = MethodSig {
        name: method_name,
        params: signature_params(&params, &written.list, &conversions),
        arguments,
        shape: results.returns.shape.clone(),
        results: results.storages,
        overflow,
        nogil,
        signals: table.signals.as_ref().is_some_and(|flag| flag.value),
    };
    let unsaid = matches!(&table.def, Some(def) if matches!(def.returns, file::Returns::Wrong));
    let sound = !table.unread && !own.has_errors() && (table.returns.is_some() || !unsaid);
    let named = !table.unread && written.complete && written.groups.len() >= units(format.as_ref());
    diagnostics.append(own);
    Checked {
        method,
        sig,
        body,
        sound,
        named,
    }
}

fn units(format: Option<&Format>) -> usize {
    format.map_or(0, |format| format.items.len())
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
        if let Some(def) = &table.def {
            return Some(def.body.clone());
        }
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
                        literal::suit(value, conversion.convert, &text.text).map(Some)
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

/// The whole format for CPython. Its parser knows no `|` behind `$`: where some keyword-only parameters are optional, the required ones among
/// them are so to the parser as well, and the wrapper looks for them itself.
fn format_text(
    name: &str,
    params: &Params,
    format: Option<&Format>,
    table: &MethodTable,
    conversions: &[Option<Conversion>],
) -> String {
    let star = params.star.map(|star| star.index);
    let optional = format
        .and_then(|format| format.optional)
        .map(|mark| mark.index)
        .or_else(|| {
            params
                .groups
                .iter()
                .position(|group| params.optional(group))
        })
        .map(|first| star.map_or(first, |star| first.min(star)));
    let mut text = String::new();
    for index in 0..=params.groups.len() {
        if optional == Some(index) {
            text.push('|');
        }
        if star == Some(index) {
            text.push('$');
        }
        if let Some(group) = params.groups.get(index) {
            units_text(group, conversions, &mut text);
        }
    }
    match format.zip(table.args.as_ref()) {
        // What the user wrote about names in messages stands, also when it is nothing.
        Some((format, args)) => text.push_str(&args.text.text[format.end..]),
        None => {
            text.push(':');
            text.push_str(name);
        }
    }
    text
}

/// The units of an argument, its tuples in parentheses.
fn units_text(group: &Group, conversions: &[Option<Conversion>], text: &mut String) {
    match group {
        Group::Param(index) => {
            text.push_str(conversions[*index].as_ref().map_or("", |c| c.unit));
        }
        Group::Tuple(groups, _) => {
            text.push('(');
            for group in groups {
                units_text(group, conversions, text);
            }
            text.push(')');
        }
    }
}

/// The arguments as `inspect` is to see them. Python 3 has no nested parameters: a tuple has one name, made of those inside.
fn signature(params: &[(Param, Option<String>)], groups: &[Group]) -> Vec<Shown> {
    let named = |group: &Group| match group {
        Group::Param(index) => Some(params[*index].0.name.clone()),
        Group::Tuple(..) => None,
    };
    let mut taken: BTreeSet<String> = groups.iter().filter_map(named).collect();
    let shown = |group: &Group| match group {
        Group::Param(index) => {
            let (param, default) = &params[*index];
            Shown {
                name: param.name.clone(),
                kind: param.kind,
                default: default.clone(),
            }
        }
        Group::Tuple(..) => {
            let mut names = Vec::new();
            group.params(&mut |index| names.push(params[index].0.name.as_str()));
            let mut name = match names.as_slice() {
                [] => "empty".to_owned(),
                names => names.join("_"),
            };
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            Shown {
                name,
                kind: ParamKind::PositionalOnly,
                default: None,
            }
        }
    };
    groups.iter().map(shown).collect()
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
            default: param.default.clone(),
            span: written.span,
        })
        .collect()
}
