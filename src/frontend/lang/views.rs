//! What can be done with views: `len`, items, slices, `in`, stores. Making views and objects of each other is in `bytes`.
//!
//! A view that may be None is checked where something else is done with it than a comparison (`TypeError` as in CPython). Comparisons are in
//! `conditions`, loops in `loops`.

use super::ast;
use super::check::Body;
use super::join::is_bytes;
use super::objects::{is_objectlike, made};
use super::ty::{self, I64_RANGE, Val, storage_name, ty_name};
use super::typed::{
    Const, Expr, ExprKind, IntTy, ObjectOp, Rule, StmtKind, Storage, Ty, View, Whole,
};
use crate::base::source::Span;

impl Body<'_> {
    /// `len(x)`
    pub fn len(&mut self, call: &ast::Call, span: Span) -> Option<Val> {
        let val = self.plain("len", call, 1, 1, span)?.remove(0);
        match val.ty() {
            Ty::Str { .. } | Ty::View(_) | Ty::Object => {
                let mut len = val.present().wrap(ExprKind::Len, Ty::I64);
                len.expr.span = span;
                let range = (0, I64_RANGE.1);
                Some(Val { range, ..len })
            }
            ty @ (Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::None) => {
                let message = format!("`len` wants a view or a str, but this is {}", ty_name(ty));
                self.error(val.span(), message, "numbers have `x.bit_length()`");
                None
            }
        }
    }

    /// `value[index]`
    pub fn index(&mut self, value: &ast::Expr, index: &ast::Expr, span: Span) -> Option<Val> {
        let value = self.expr(value);
        if matches!(&value, Some(value) if is_objectlike(value.ty())) {
            let (value, index) = (self.object(value?), self.operand_object(index));
            let operands = vec![value?, index?];
            return Some(made(ObjectOp::Item, operands, Ty::Object, span));
        }
        let index = self.expr(index);
        let (value, view) = self.view("indexing", value?)?;
        let index = self.integer(index?, "[]")?;
        let kind = ExprKind::Index(Box::new(value.expr), Box::new(index.expr));
        Some(Val::stored(kind, view.item.storage(), span))
    }

    /// `value[start:stop]`
    pub fn slice(
        &mut self,
        value: &ast::Expr,
        start: Option<&ast::Expr>,
        stop: Option<&ast::Expr>,
        span: Span,
    ) -> Option<Val> {
        let value = self.expr(value);
        if matches!(&value, Some(value) if is_objectlike(value.ty())) {
            return self.slice_of(value?, [start, stop, None], span);
        }
        let bounds = [start, stop].map(|bound| bound.map(|bound| self.bound(bound)));
        let (value, view) = self.view("slicing", value?)?;
        let mut exprs = [None, None];
        for (expr, bound) in exprs.iter_mut().zip(bounds) {
            *expr = match bound {
                Some(bound) => Some(Box::new(bound?)),
                None => None,
            };
        }
        let [start, stop] = exprs;
        let ty = Ty::View(View {
            whole: match view.whole {
                Whole::Bytes | Whole::Slice => Whole::Slice,
                whole => whole,
            },
            ..view
        });
        let kind = ExprKind::Slice(Box::new(value.expr), start, stop);
        Some(Val::new(kind, ty, span))
    }

    /// A bound of a slice, an I64: what lies beyond is clipped anyway.
    fn bound(&mut self, bound: &ast::Expr) -> Option<Expr> {
        let val = self.expr(bound)?;
        let val = self.integer(val, "[:]")?;
        Some(clipped(val).expr)
    }

    /// A view that something is done with, which is then not None; says so where the value is no view.
    pub fn view(&mut self, what: &str, val: Val) -> Option<(Val, View)> {
        let span = val.span();
        match val.ty() {
            Ty::View(view) => {
                let nullable = false;
                Some((val.present(), View { nullable, ..view }))
            }
            Ty::Str { .. } => {
                let message = format!("{what} of a str is not there yet");
                let hint = "`s.encode()` gives the bytes of its UTF-8";
                self.error(span, message, hint);
                None
            }
            Ty::Object => {
                self.not_yet(span, &format!("{what} of an object"));
                None
            }
            ty @ (Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::None) => {
                let message = format!("{what} wants a view, but this is {}", ty_name(ty));
                let hint = "views are bytes, bytearrays, and parameters like `x: Buffer[f64]`";
                self.error(span, message, hint);
                None
            }
        }
    }

    /// `needle in haystack`
    pub fn contains(
        &mut self,
        needle: &ast::Expr,
        haystack: &ast::Expr,
        negated: bool,
        span: Span,
    ) -> Option<Val> {
        let needle = self.expr(needle);
        let haystack = self.expr(haystack);
        let (needle, haystack) = (needle?, haystack?);
        if is_objectlike(haystack.ty()) {
            let found = self.contains_object(needle, haystack, span)?;
            return Some(match negated {
                true => found.wrap(ExprKind::Not, Ty::Bool),
                false => found,
            });
        }
        let (haystack, view) = self.view("`in`", haystack)?;
        if !is_bytes(view) {
            let message = format!("{} has no `in` here", ty_name(Ty::View(view)));
            self.error(haystack.span(), message, "look at its items in a loop");
            return None;
        }
        let needle = match needle.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 => needle.number(),
            Ty::View(view) if is_bytes(view) => needle.present(),
            ty => {
                let name = ty_name(ty);
                let message = format!("bytes hold integers and other bytes, but this is {name}");
                let hint = match ty {
                    Ty::Str { .. } => "write `.encode()`, which gives the bytes of its UTF-8",
                    _ => "write an integer of 0 to 255, or bytes",
                };
                self.error(needle.span(), message, hint);
                return None;
            }
        };
        let kind = ExprKind::Contains {
            needle: Box::new(needle.expr),
            haystack: Box::new(haystack.expr),
        };
        let found = Val::new(kind, Ty::Bool, span);
        Some(match negated {
            true => found.wrap(ExprKind::Not, Ty::Bool),
            false => found,
        })
    }

    /// `view[index] = val`
    pub fn store_item(
        &mut self,
        view: &ast::Expr,
        index: &ast::Expr,
        val: Option<Val>,
    ) -> Option<StmtKind> {
        let view = self.expr(view);
        if matches!(&view, Some(view) if view.ty() == Ty::Object) {
            let (index, value) = (self.operand_object(index), self.object(val?));
            return Some(StmtKind::SetItem {
                object: view?.expr,
                index: index?,
                value: value?,
            });
        }
        let index = self.expr(index);
        let (view, ty) = self.view("assignment to an item", view?)?;
        let index = self.integer(index?, "[]");
        if !ty.mutable {
            let message = format!("{} cannot be changed", ty_name(Ty::View(ty)));
            let mutable = ty_name(Ty::View(View {
                mutable: true,
                whole: Whole::Part,
                ..ty
            }));
            let hint = match (is_bytes(ty), ty.whole) {
                (true, _) => {
                    "`bytearray(...)` makes a copy that can; a parameter that can is a `MutBuffer`"
                }
                (false, Whole::Table) => "an array can: `a: Array[u64, 256]`",
                (false, _) => &format!("a parameter that can is declared `{mutable}`"),
            };
            self.error(view.span(), message, hint);
            return None;
        }
        let (value, rule) = self.item(val?, ty.item.storage())?;
        Some(StmtKind::Store {
            view: view.expr,
            index: index?.expr,
            value,
            rule,
        })
    }

    /// A value for an item: of the type that items are read as. Its range is left to the store, and how that is checked.
    fn item(&mut self, val: Val, item: Storage) -> Option<(Expr, Rule)> {
        let rule = self.rule();
        let int = match item {
            Storage::Int(int) if matches!(val.ty(), Ty::Bool | Ty::I64 | Ty::U64) => int,
            Storage::F32 if matches!(val.ty(), Ty::Bool | Ty::I64 | Ty::U64) => {
                let val = val.into_f64().unwrap_or_else(|val| *val);
                return Some((val.expr, rule));
            }
            Storage::F32 if val.ty() == Ty::F64 => return Some((val.expr, rule)),
            _ => {
                let expr = self.coerce(val, item, true, "an item")?;
                return Some((expr, rule));
            }
        };
        if let (Some(value), Rule::Raise, true) = (val.literal, rule, ty::is_const(&val))
            && !ty::contains(int.range(), (value, value))
        {
            let name = storage_name(item);
            let message = format!("{value} does not fit in an item, which is {name}");
            let hint = format!("{name} goes from {} to {}", int.range().0, int.range().1);
            self.error(val.span(), message, &hint);
            return None;
        }
        let val = match (val.ty(), rule) {
            // Too large for the item as well as for an i64: the store says so.
            (Ty::U64, Rule::Raise) if int.bits() < 64 => clipped(val),
            _ => val,
        };
        let wide = if int == IntTy::U64 {
            IntTy::U64
        } else {
            IntTy::I64
        };
        let val = ty::to_int(val, wide, rule)?;
        let fits = ty::contains(int.range(), val.range);
        Some((val.expr, if fits { Rule::Wrap } else { rule }))
    }
}

/// An integer as an I64, the greatest one for what lies beyond.
fn clipped(val: Val) -> Val {
    let span = val.span();
    if val.ty() != Ty::U64 {
        return val;
    }
    if let (Some(value), true) = (val.literal, ty::is_const(&val)) {
        return Val::int(value.min(I64_RANGE.1), span);
    }
    let most = Expr {
        kind: ExprKind::Const(Const::Int(I64_RANGE.1)),
        ty: Ty::U64,
        span,
    };
    let range = (val.range.0, val.range.1.min(I64_RANGE.1));
    let least = Val::new(ExprKind::Min(vec![val.expr, most]), Ty::U64, span);
    let clipped = least.wrap(|e| ExprKind::Reinterpret(e, Rule::Wrap), Ty::I64);
    Val { range, ..clipped }
}
