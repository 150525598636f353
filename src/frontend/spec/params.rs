//! The entries of `params`: names, types, defaults, Python's own markers, and the parentheses of nested tuples.
//!
//! In: the strings of the array. Out: parameters as written, with how each may be given and how they nest, and messages about what
//! Python would not take in a `def`. What types and defaults mean is decided in `method`, which knows the letters of `args`.
//!
//! ```text
//! "(a"  "b)"  "/"  "c: i64 = 1"     groups: (0 1) 2     list: a b c
//! ```

use std::ops::Range;

use super::names;
use super::raw::Str;
use super::typetext::trimmed;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Span, Text};
use crate::frontend::argfmt::parse::DEPTH;
use crate::frontend::lang::{Nest, ParamKind};

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

/// An argument: a parameter, by its index, or a tuple of them and where it stands.
#[derive(Clone, Debug)]
pub(super) enum Group {
    Param(usize),
    Tuple(Vec<Group>, Span),
}

impl Group {
    /// Without its places.
    pub fn nest(&self) -> Nest {
        match self {
            Group::Param(_) => Nest::Param,
            Group::Tuple(groups, _) => Nest::Tuple(groups.iter().map(Group::nest).collect()),
        }
    }

    /// Calls `each` for every parameter in it.
    pub fn params(&self, each: &mut impl FnMut(usize)) {
        match self {
            Group::Param(index) => each(*index),
            Group::Tuple(groups, _) => groups.iter().for_each(|group| group.params(each)),
        }
    }
}

/// `*`
#[derive(Clone, Copy, Debug)]
pub(super) struct Star {
    /// Arguments before it.
    pub index: usize,
    pub span: Span,
}

/// All entries.
#[derive(Clone, Debug)]
pub(super) struct Params {
    /// Those inside of tuples too.
    pub list: Vec<Written>,
    pub groups: Vec<Group>,
    pub star: Option<Star>,
    /// Every entry could be read.
    pub complete: bool,
    /// Every parenthesis has its partner.
    pub closed: bool,
}

impl Default for Params {
    /// None at all.
    fn default() -> Params {
        Params {
            list: Vec::new(),
            groups: Vec::new(),
            star: None,
            complete: true,
            closed: true,
        }
    }
}

impl Params {
    /// Where an argument stands.
    pub fn place(&self, group: &Group) -> Span {
        match group {
            Group::Param(index) => self.list[*index].span,
            Group::Tuple(_, span) => *span,
        }
    }

    /// Whether an argument has a default.
    pub fn optional(&self, group: &Group) -> bool {
        match group {
            Group::Param(index) => self.list[*index].default.is_some(),
            Group::Tuple(..) => false,
        }
    }
}

/// Reads the entries. Without a marker, parameters are positional-only unless `keywords` says otherwise. What was read is complete where no message
/// was added.
pub(super) fn read(entries: &[Str], keywords: bool, diagnostics: &mut Diagnostics) -> Params {
    let mut reader = Reader {
        params: Params::default(),
        slash: None,
        open: Vec::new(),
        too_deep: 0,
        diagnostics,
    };
    for entry in entries {
        reader.entry(entry);
    }
    reader.end();
    let (mut params, slash) = (reader.params, reader.slash);
    let plain = if slash.is_none() && params.star.is_none() && !keywords {
        ParamKind::PositionalOnly
    } else {
        ParamKind::PositionalOrKeyword
    };
    for (at, group) in params.groups.iter().enumerate() {
        let kind = if slash.is_some_and(|slash| at < slash.0) {
            ParamKind::PositionalOnly
        } else if params.star.is_some_and(|star| at >= star.index) {
            ParamKind::KeywordOnly
        } else {
            plain
        };
        group.params(&mut |index| params.list[index].kind = kind);
    }
    if params.closed {
        tuples(&mut params, diagnostics);
    }
    rules(&params, diagnostics);
    params
}

struct Reader<'a> {
    params: Params,
    /// `/`, and how many arguments are before it.
    slash: Option<(usize, Span)>,
    /// Tuples that are not closed yet: what was before each, and where it begins.
    open: Vec<(Vec<Group>, Span)>,
    /// Parentheses beyond the limit that are not closed yet.
    too_deep: usize,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, span: Span, message: &str, hint: &str) {
        self.diagnostics
            .push(Diagnostic::error(span, message).hint(hint));
    }

    fn entry(&mut self, entry: &Str) {
        let span = entry.inner();
        let marker = entry.text.text.trim();
        if matches!(marker, "/" | "*") && !self.open.is_empty() {
            self.error(
                span,
                &format!("`{marker}` stands inside of a tuple"),
                "it belongs between the parameters outside of parentheses",
            );
            return;
        }
        match marker {
            "/" => self.slash(span),
            "*" => self.star(span),
            _ => self.nested(entry),
        }
    }

    fn slash(&mut self, span: Span) {
        match (self.slash, self.params.star) {
            (Some((_, first)), _) => self.diagnostics.push(
                Diagnostic::error(span, "`/` stands twice")
                    .also(first, "the first one")
                    .hint("everything before the first `/` is positional-only"),
            ),
            (None, Some(star)) => self.diagnostics.push(
                Diagnostic::error(span, "`/` stands behind `*`")
                    .also(star.span, "here")
                    .hint("positional-only parameters come first: `\"x\", \"/\", \"*\", \"y\"`"),
            ),
            (None, None) => {
                if self.params.groups.is_empty() {
                    self.error(
                        span,
                        "no parameter stands before `/`",
                        "`/` follows the positional-only parameters",
                    );
                }
                self.slash = Some((self.params.groups.len(), span));
            }
        }
    }

    fn star(&mut self, span: Span) {
        match self.params.star {
            Some(first) => self.diagnostics.push(
                Diagnostic::error(span, "`*` stands twice")
                    .also(first.span, "the first one")
                    .hint("everything behind the first `*` is keyword-only"),
            ),
            None => {
                let index = self.params.groups.len();
                self.params.star = Some(Star { index, span });
            }
        }
    }

    /// A parameter, and the parentheses around it: `(a`, `b)`, `((c))`, `()`.
    fn nested(&mut self, entry: &Str) {
        let whole = entry.text.text.as_str();
        let mut inner = trimmed(whole, 0..whole.len());
        let mut opened = 0;
        while whole[inner.clone()].starts_with('(') {
            self.begin(entry.text.span(inner.start..inner.start + 1));
            inner = trimmed(whole, inner.start + 1..inner.end);
            opened += 1;
        }
        let mut closed = Vec::new();
        while whole[inner.clone()].ends_with(')') && surplus(&whole[inner.clone()]) {
            closed.push(entry.text.span(inner.end - 1..inner.end));
            inner = trimmed(whole, inner.start..inner.end - 1);
        }
        if !closed.is_empty() && whole[inner.clone()].ends_with(',') {
            inner = trimmed(whole, inner.start..inner.end - 1);
        }
        if !inner.is_empty() || opened == 0 || closed.is_empty() {
            let inner = entry.text.pieces(&[inner]);
            let param = parameter(&inner, entry.inner(), self.diagnostics);
            self.params.complete &= param.is_some();
            if let Some(param) = param {
                self.params
                    .groups
                    .push(Group::Param(self.params.list.len()));
                self.params.list.push(param);
            }
        }
        // The innermost one first.
        for span in closed.into_iter().rev() {
            self.close(span);
        }
    }

    fn begin(&mut self, span: Span) {
        if self.open.len() == DEPTH {
            self.params.closed = false;
            if self.too_deep == 0 {
                self.error(
                    span,
                    &format!("tuples nest more than {DEPTH} deep"),
                    "take an object, and take it apart in the body",
                );
            }
            self.too_deep += 1;
            return;
        }
        let outside = std::mem::take(&mut self.params.groups);
        self.open.push((outside, span));
    }

    fn close(&mut self, span: Span) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some((outside, first)) = self.open.pop() else {
            self.params.closed = false;
            self.error(
                span,
                "`)` without `(`",
                "a nested tuple is written `\"(a\", \"b)\"`",
            );
            return;
        };
        let inside = std::mem::replace(&mut self.params.groups, outside);
        self.params
            .groups
            .push(Group::Tuple(inside, first.to(span)));
    }

    fn end(&mut self) {
        while let Some((outside, first)) = self.open.pop() {
            self.params.closed = false;
            // Once is enough for all that are open.
            if self.open.is_empty() {
                self.error(
                    first,
                    "`(` without `)`",
                    "a nested tuple is written `\"(a\", \"b)\"`",
                );
            }
            let inside = std::mem::replace(&mut self.params.groups, outside);
            self.params.groups.push(Group::Tuple(inside, first));
        }
        if let Some(star) = self.params.star
            && star.index == self.params.groups.len()
        {
            self.error(
                star.span,
                "no parameter stands behind `*`",
                "keyword-only parameters follow `*`",
            );
        }
    }
}

/// Whether more parentheses are closed than opened.
fn surplus(text: &str) -> bool {
    text.matches(')').count() > text.matches('(').count()
}

/// Tuples have no name: they are positional-only, required, and so is all that stands before them.
fn tuples(params: &mut Params, diagnostics: &mut Diagnostics) {
    let mut by_keyword: Option<usize> = None;
    let mut optional: Option<usize> = None;
    for (at, group) in params.groups.iter().enumerate() {
        let span = match group {
            Group::Param(index) => {
                let param = &params.list[*index];
                if param.kind == ParamKind::PositionalOrKeyword {
                    by_keyword.get_or_insert(*index);
                }
                if param.default.is_some() && param.kind != ParamKind::KeywordOnly {
                    optional.get_or_insert(*index);
                }
                continue;
            }
            Group::Tuple(_, span) => *span,
        };
        let mut inside = Vec::new();
        group.params(&mut |index| inside.push(index));
        if params.star.is_some_and(|star| at >= star.index) {
            diagnostics.push(
                Diagnostic::error(span, "a tuple has no name, so it cannot be keyword-only")
                    .hint("put it before the `*`"),
            );
        } else if let Some(index) = by_keyword {
            let first = &params.list[index];
            let message = format!("a tuple stands behind `{}`, which has a name", first.name);
            diagnostics.push(
                Diagnostic::error(span, message)
                    .also(first.span, "this one may be given by keyword")
                    .hint("put `\"/\"` behind the tuple, or the tuple first"),
            );
        }
        if let Some(index) = optional {
            let message = "a tuple has no default, but stands behind a parameter that has";
            diagnostics.push(
                Diagnostic::error(span, message)
                    .also(params.list[index].span, "this one has a default")
                    .hint("put the tuple before it"),
            );
        }
        for index in inside {
            let param = &mut params.list[index];
            param.kind = ParamKind::PositionalOnly;
            if let Some(default) = param.default.take() {
                diagnostics.push(
                    Diagnostic::error(default.whole(), "a name inside of a tuple has no default")
                        .hint("take an object, and take it apart in the body"),
                );
            }
        }
    }
}

/// What Python says of a whole list of parameters.
pub(super) fn rules(params: &Params, diagnostics: &mut Diagnostics) {
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
        if param.default.is_some() || param.kind == ParamKind::KeywordOnly {
            continue;
        }
        // Of tuples, that was said already.
        let outside = |group: &Group| matches!(group, Group::Param(outer) if *outer == index);
        if let Some(first) = params.list[..index].iter().find(positional)
            && params.groups.iter().any(outside)
        {
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
fn parameter(text: &Text, place: Span, diagnostics: &mut Diagnostics) -> Option<Written> {
    let whole = &text.text;
    let equals = whole.find('=').unwrap_or(whole.len());
    let colon = whole[..equals].find(':');
    let name_range = trimmed(whole, 0..colon.unwrap_or(equals));
    let ty = colon.map(|at| trimmed(whole, at + 1..equals));
    let default = (equals < whole.len()).then(|| trimmed(whole, equals + 1..whole.len()));
    let name = &whole[name_range.clone()];
    let span = if name.is_empty() {
        place
    } else {
        text.span(name_range.clone())
    };
    if let Some(rest) = name.strip_prefix('*') {
        let stars = if rest.starts_with('*') { "**" } else { "*" };
        diagnostics.push(
            Diagnostic::error(span, format!("a method cannot take `{stars}` parameters"))
                .hint("name each parameter; `\"*\"` alone makes those behind it keyword-only"),
        );
        return None;
    }
    let before = trimmed(whole, 0..equals);
    if whole[before.clone()].contains(',') && !whole[before.clone()].contains('[') {
        diagnostics.push(
            Diagnostic::error(text.span(before), "each parameter is a text of its own")
                .hint("write `\"a\", \"b\"`, and a nested tuple `\"(a\", \"b)\"`"),
        );
        return None;
    }
    if let Err((message, hint)) = names::identifier(name) {
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
        return None;
    }
    let piece = |range: Range<usize>| text.pieces(&[range]);
    Some(Written {
        name: name.to_owned(),
        span,
        kind: ParamKind::PositionalOnly,
        ty: ty.map(piece),
        default: default.map(piece),
    })
}
