//! Objects of bytes and what they are made of: `bytes(...)`, `bytearray(...)`, `complex(...)`, text as bytes and bytes as text.
//!
//! Codecs are named as CPython names them, in any of the spellings its `encodings.aliases` has for the three that there are.

use super::ast;
use super::check::Body;
use super::exprs::floating;
use super::join::is_bytes;
use super::ty::{self, Val, is_number, ty_name};
use super::typed::{Codec, ComplexPart, ExprKind, IntTy, Rule, Storage, Ty, View, Whole};
use crate::base::source::Span;

/// Codecs, by the names that are left when case and punctuation are gone.
static CODECS: &[(&str, Codec)] = &[
    ("646", Codec::Ascii),
    ("8859", Codec::Latin1),
    ("ascii", Codec::Ascii),
    ("cp819", Codec::Latin1),
    ("iso8859_1", Codec::Latin1),
    ("iso_8859_1", Codec::Latin1),
    ("l1", Codec::Latin1),
    ("latin", Codec::Latin1),
    ("latin1", Codec::Latin1),
    ("latin_1", Codec::Latin1),
    ("u8", Codec::Utf8),
    ("us_ascii", Codec::Ascii),
    ("utf", Codec::Utf8),
    ("utf8", Codec::Utf8),
    ("utf_8", Codec::Utf8),
];

/// The codec of a name. CPython's `encodings.normalize_encoding` lets `-`, `_` and spaces stand for each other.
fn codec(name: &str) -> Option<Codec> {
    let name: String = name
        .chars()
        .map(|c| match c {
            '-' | ' ' => '_',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    CODECS.iter().find(|row| row.0 == name).map(|row| row.1)
}

impl Body<'_> {
    /// `bytes(...)`, `bytearray(...)`
    pub fn make_bytes(
        &mut self,
        name: &str,
        view: View,
        call: &ast::Call,
        span: Span,
    ) -> Option<Val> {
        if view.whole == Whole::Part {
            self.arguments(call);
            let message = format!("`{name}` is a type of parameters and locals");
            let hint = "a view is passed as it is, and `bytes(...)` copies it";
            self.error(span, message, hint);
            return None;
        }
        let mut vals = self.plain(name, call, 0, 1, span)?;
        let val = vals.pop().unwrap_or_else(|| Val::int(0, span));
        let mut made = match val.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 => {
                let count = ty::to_int(val.number(), IntTy::I64, Rule::Raise)?;
                count.wrap(ExprKind::Zeroes, Ty::View(view))
            }
            Ty::View(from) => {
                self.copies(name, from, val.span())?;
                val.present().copied(view.whole)
            }
            Ty::Str { .. } => {
                let hint = "write `s.encode()`, which gives the bytes of its UTF-8";
                let message = format!("`{name}` of a str wants an encoding");
                self.error(val.span(), message, hint);
                return None;
            }
            Ty::Object => return self.call_of(name, call, vec![val], span),
            ty @ (Ty::F64 | Ty::Complex | Ty::None) => {
                let message = format!(
                    "`{name}` wants a size or a view, but this is {}",
                    ty_name(ty)
                );
                self.error(val.span(), message, "write `int(...)` for a size");
                return None;
            }
        };
        made.expr.span = span;
        Some(made)
    }

    /// `complex(re, im)`
    pub fn make_complex(&mut self, call: &ast::Call, span: Span) -> Option<Val> {
        let vals = self.plain("complex", call, 0, 2, span)?;
        if let [val] = vals.as_slice()
            && val.ty() == Ty::Complex
        {
            return Some(val.clone());
        }
        let odd = vals.iter().find(|val| !is_number(val.ty()));
        if let Some(val) = odd {
            let name = ty_name(val.ty());
            let message = format!("`complex` wants numbers, but this is {name}");
            self.error(val.span(), message, "write its two parts, which are floats");
            return None;
        }
        let mut parts = vals.into_iter().map(|val| floating(val).expr);
        let mut part = || Box::new(parts.next().unwrap_or_else(|| Val::float(0.0, span).expr));
        let (re, im) = (part(), part());
        Some(Val::new(ExprKind::MakeComplex(re, im), Ty::Complex, span))
    }

    /// `z.real`, `z.imag`
    pub fn complex_part(&mut self, val: Val, name: &str, place: Span) -> Option<Val> {
        let part = match name {
            "real" => ComplexPart::Real,
            "imag" => ComplexPart::Imag,
            _ => {
                let message = format!("complex has no attribute `{name}` here");
                self.error(place, message, "its parts are `z.real` and `z.imag`");
                return None;
            }
        };
        Some(val.wrap(|e| ExprKind::Part(e, part), Ty::F64))
    }

    /// `s.encode(...)`
    pub fn encode(&mut self, val: Val, call: &ast::Call, span: Span) -> Option<Val> {
        if self.codec(call) != Some(Codec::Utf8) {
            return self.call_method(val, "encode", call, span);
        }
        let mut val = val.present().wrap(ExprKind::Encode, Ty::View(View::SLICE));
        val.expr.span = span;
        Some(val)
    }

    /// `view.decode(...)`
    pub fn decode(&mut self, val: Val, view: View, call: &ast::Call, span: Span) -> Option<Val> {
        if !is_bytes(view) {
            self.arguments(call);
            let name = ty_name(Ty::View(view));
            let message = format!("{name} holds no text");
            self.error(val.span(), message, "`bytes(...)` copies its memory");
            return None;
        }
        let Some(codec) = self.codec(call) else {
            let text =
                self.call_method(val.present().copied(Whole::Bytes), "decode", call, span)?;
            return self.unboxed_as(text, Storage::Str { nullable: false }, span);
        };
        let ty = Ty::Str { nullable: false };
        let mut val = val.present().wrap(|e| ExprKind::Decode(e, codec), ty);
        val.expr.span = span;
        Some(val)
    }

    /// The codec in a call of `encode` or `decode`, if it is one of ours and errors raise; anything else is CPython's business.
    fn codec(&mut self, call: &ast::Call) -> Option<Codec> {
        let mut given = [None, None];
        let keywords = call.keywords.iter().map(|(keyword, value)| {
            let at = match keyword.text.as_str() {
                "encoding" => 0,
                "errors" => 1,
                _ => 2,
            };
            (at, value)
        });
        for (at, value) in call.args.iter().enumerate().chain(keywords) {
            let ast::ExprKind::Str(pieces) = &value.kind else {
                return None;
            };
            let text = ast::plain_text(pieces)?;
            match given.get_mut(at) {
                Some(slot @ None) => *slot = Some(text),
                _ => return None,
            }
        }
        let [encoding, errors] = given;
        if errors.is_some_and(|errors| errors != "strict") {
            return None;
        }
        encoding.map_or(Some(Codec::Utf8), |name| codec(&name))
    }
}
