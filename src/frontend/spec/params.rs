//! The entries of `params`: names, types, defaults and Python's own markers.
//!
//! In: the strings of the array. Out: parameters as written, with how each may be given, and messages about what Python would not
//! take in a `def`. What types and defaults mean is decided in `method`, which knows the letters of `args`.

use std::ops::Range;

use super::names;
use super::raw::Str;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Span, Text};
use crate::frontend::lang::ParamKind;

/// A parameter as written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub name: String,
    pub span: Span,
    pub kind: ParamKind,
    /// The text behind `:`.
    pub ty: Option<Text>,
    /// The text behind `=`.
    pub default: Option<Text>,
}

/// All entries.
#[derive(Clone, Debug)]
pub(super) struct Params {
    pub list: Vec<Written>,
    /// `*`, and how many parameters are before it.
    pub star: Option<(usize, Span)>,
    /// Every entry could be read.
    pub complete: bool,
}

impl Default for Params {
    /// None at all.
    fn default() -> Params {
        Params {
            list: Vec::new(),
            star: None,
            complete: true,
        }
    }
}

/// Reads the entries. Without a marker, parameters are positional-only unless `keywords` says otherwise. What was read is complete where no message
/// was added.
pub(super) fn read(entries: &[Str], keywords: bool, diagnostics: &mut Diagnostics) -> Params {
    let mut params = Params::default();
    let mut slash: Option<(usize, Span)> = None;
    for entry in entries {
        let span = entry.inner();
        match entry.text.text.trim() {
            "/" => match (slash, params.star) {
                (Some((_, first)), _) => diagnostics.push(
                    Diagnostic::error(span, "`/` stands twice")
                        .also(first, "the first one")
                        .hint("everything before the first `/` is positional-only"),
                ),
                (None, Some((_, star))) => diagnostics.push(
                    Diagnostic::error(span, "`/` stands behind `*`")
                        .also(star, "here")
                        .hint(
                            "positional-only parameters come first: `\"x\", \"/\", \"*\", \"y\"`",
                        ),
                ),
                (None, None) => {
                    if params.list.is_empty() {
                        diagnostics.push(
                            Diagnostic::error(span, "no parameter stands before `/`")
                                .hint("`/` follows the positional-only parameters"),
                        );
                    }
                    slash = Some((params.list.len(), span));
                }
            },
            "*" => match params.star {
                Some((_, first)) => diagnostics.push(
                    Diagnostic::error(span, "`*` stands twice")
                        .also(first, "the first one")
                        .hint("everything behind the first `*` is keyword-only"),
                ),
                None => params.star = Some((params.list.len(), span)),
            },
            _ => {
                let param = parameter(entry, diagnostics);
                params.complete &= param.is_some();
                params.list.extend(param);
            }
        }
    }
    if let Some((index, span)) = params.star
        && index == params.list.len()
    {
        diagnostics.push(
            Diagnostic::error(span, "no parameter stands behind `*`")
                .hint("keyword-only parameters follow `*`"),
        );
    }
    let plain = if slash.is_none() && params.star.is_none() && !keywords {
        ParamKind::PositionalOnly
    } else {
        ParamKind::PositionalOrKeyword
    };
    for (index, param) in params.list.iter_mut().enumerate() {
        param.kind = if slash.is_some_and(|slash| index < slash.0) {
            ParamKind::PositionalOnly
        } else if params.star.is_some_and(|star| index >= star.0) {
            ParamKind::KeywordOnly
        } else {
            plain
        };
    }
    rules(&params, diagnostics);
    params
}

/// What Python says of a whole list of parameters.
fn rules(params: &Params, diagnostics: &mut Diagnostics) {
    for (index, param) in params.list.iter().enumerate() {
        let same = |other: &&Written| other.name == param.name;
        if let Some(first) = params.list[..index].iter().find(same) {
            diagnostics.push(
                Diagnostic::error(
                    param.span,
                    format!("two parameters are named `{}`", param.name),
                )
                .also(first.span, "the first one")
                .hint("take another name"),
            );
        }
        let positional = |p: &&Written| p.kind != ParamKind::KeywordOnly && p.default.is_some();
        if param.default.is_some() {
            continue;
        }
        let Some(first) = params.list[..index].iter().find(positional) else {
            continue;
        };
        if param.kind != ParamKind::KeywordOnly {
            let message = format!(
                "`{}` has no default, but stands behind one that has",
                param.name
            );
            diagnostics.push(
                Diagnostic::error(param.span, message)
                    .also(first.span, "this one has a default")
                    .hint(format!("write `{} = ...`, or put it before", param.name)),
            );
        }
    }
}

/// `name`, `name: type`, `name = default`, `name: type = default`.
fn parameter(entry: &Str, diagnostics: &mut Diagnostics) -> Option<Written> {
    let text = &entry.text;
    let whole = &text.text;
    let equals = whole.find('=').unwrap_or(whole.len());
    let colon = whole[..equals].find(':');
    let name_range = trim(whole, 0..colon.unwrap_or(equals));
    let ty = colon.map(|at| trim(whole, at + 1..equals));
    let default = (equals < whole.len()).then(|| trim(whole, equals + 1..whole.len()));
    let name = &whole[name_range.clone()];
    let span = if name.is_empty() {
        entry.inner()
    } else {
        text.span(name_range.clone())
    };
    if name.starts_with('(') || name.ends_with(')') {
        diagnostics.push(
            Diagnostic::error(span, "nested parameters are not there yet")
                .hint("take each value as a parameter of its own"),
        );
        return None;
    }
    if let Some(rest) = name.strip_prefix('*') {
        let stars = if rest.starts_with('*') { "**" } else { "*" };
        diagnostics.push(
            Diagnostic::error(span, format!("a method cannot take `{stars}` parameters"))
                .hint("name each parameter; `\"*\"` alone makes those behind it keyword-only"),
        );
        return None;
    }
    if let Err((message, hint)) = names::identifier(name) {
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
        return None;
    }
    Some(Written {
        name: name.to_owned(),
        span,
        kind: ParamKind::PositionalOnly,
        ty: ty.map(|range| text.pieces(&[range])),
        default: default.map(|range| text.pieces(&[range])),
    })
}

/// The range without the spaces around its text.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}
