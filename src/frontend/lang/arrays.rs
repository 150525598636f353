//! Memory as items: tables of the module, arrays of a body, `memoryview(...)` and its casts.
//!
//! What is done with them is what is done with all views. Which arrays stand in a function's frame is decided in `frames`.

use super::annotations;
use super::ast;
use super::check::Body;
use super::codes;
use super::ty::{Val, ty_name};
use super::typed::{Const, ExprKind, IntTy, Item, TableId, Ty, View, Whole};
use crate::base::source::Span;

/// The most bytes that an array may have: what is more is a mistake.
const LARGEST: i128 = 1 << 40;

impl Body<'_> {
    /// A table as a value.
    pub fn table(&mut self, id: TableId, span: Span) -> Val {
        let view = self.module.env.tables[id.index()].view;
        Val::new(ExprKind::Table(id), Ty::View(view), span)
    }

    /// `Array[T, n]()`
    pub fn new_array(&mut self, key: &ast::Expr, call: &ast::Call, span: Span) -> Option<Val> {
        self.plain("Array[T, n]", call, 0, 0, span)?;
        self.array_of(key, span)
    }

    /// A new array; `key` stands in its brackets.
    pub fn array_of(&mut self, key: &ast::Expr, span: Span) -> Option<Val> {
        // What is wrong with the type of a local was said where it was declared.
        let (view, written) = annotations::array_type(key, &mut self.diags)?;
        let length = self.expr(written)?;
        let size = i128::from(view.item.size());
        let count = match length.literal {
            Some(count @ 0..) if count * size <= LARGEST => count as u64,
            Some(0..) => {
                let message = format!("an array of more than {LARGEST} bytes");
                self.error(written.span, message, "no memory has room for it");
                return None;
            }
            _ => {
                let hint = "write a number, or the name of a constant; `bytearray(n)` has any size";
                let message = "the length of an array is a constant, and not negative";
                self.error(written.span, message, hint);
                return None;
            }
        };
        let kind = ExprKind::NewArray {
            count,
            in_frame: false,
        };
        Some(Val::new(kind, Ty::View(view), span))
    }

    /// Whether `bytes(...)` and its like make the same of a view as of what it is in plain Python; says so otherwise.
    pub fn copies(&mut self, name: &str, view: View, span: Span) -> Option<()> {
        let listed = matches!(view.whole, Whole::Table | Whole::Array);
        if listed && view.item != Item::Int(IntTy::U8) {
            let message = format!(
                "`{name}` of {} is none of its memory",
                ty_name(Ty::View(view))
            );
            let hint = "fill a `bytearray(n)` in a loop over its items";
            self.error(span, message, hint);
            return None;
        }
        Some(())
    }

    /// `memoryview(view)`
    pub fn memoryview(&mut self, call: &ast::Call, span: Span) -> Option<Val> {
        if call.args.iter().any(|arg| self.is_object(arg)) || !call.keywords.is_empty() {
            return self.call_builtin("memoryview", call, span);
        }
        let val = self.plain("memoryview", call, 1, 1, span)?.remove(0);
        let view = match val.ty() {
            Ty::View(view) if !matches!(view.whole, Whole::Table | Whole::Array) => view,
            Ty::Object => return self.call_of("memoryview", call, vec![val], span),
            ty => {
                let name = ty_name(ty);
                let message = format!("`memoryview` wants bytes or a buffer, but this is {name}");
                let hint = match ty {
                    Ty::Str { .. } => "write `s.encode()`, which gives the bytes of its UTF-8",
                    _ => "bytes, bytearrays and buffers have memory to view",
                };
                self.error(val.span(), message, hint);
                return None;
            }
        };
        let whole = match view.whole {
            Whole::Memory(code) => Whole::Memory(code),
            _ => Whole::Memory(codes::code_of(view.item)),
        };
        let view = View {
            whole,
            nullable: false,
            ..view
        };
        let mut val = val.present().wrap(ExprKind::Cast, Ty::View(view));
        val.expr.span = span;
        Some(val)
    }

    /// `memoryview(...).cast(code)`: the rules are those of `memoryview.cast`.
    pub fn cast(&mut self, val: Val, view: View, call: &ast::Call, span: Span) -> Option<Val> {
        let Whole::Memory(from) = view.whole else {
            self.arguments(call);
            let message = format!("{} has no method `cast`", ty_name(Ty::View(view)));
            self.error(span, message, "write `memoryview(v).cast(\"d\")`");
            return None;
        };
        let format = match (call.args.as_slice(), call.keywords.as_slice()) {
            ([format], []) => format,
            ([], [(name, format)]) if name.text == "format" => format,
            _ => {
                self.arguments(call);
                let hint = "write `memoryview(v).cast(\"d\")`; views have one dimension here";
                self.error(span, "`cast` takes a format, and nothing else", hint);
                return None;
            }
        };
        let text = match self.expr(format)?.expr.kind {
            ExprKind::Const(Const::Str(text)) => text,
            _ => {
                let hint = "write it out: `.cast(\"d\")`";
                self.error(
                    format.span,
                    "the format of a cast has to be a literal",
                    hint,
                );
                return None;
            }
        };
        let code = match text.strip_prefix('@').unwrap_or(&text).as_bytes() {
            &[code] => Some(code),
            _ => None,
        };
        let known = code.and_then(|code| {
            let item = codes::item_of(code, self.module.env.long_size)?;
            (code != b'c').then_some((code, item))
        });
        let Some((code, item)) = known else {
            let message = format!("`{}` is no format to cast to", text.escape_debug());
            let hint = match &*text {
                "c" | "@c" => "items of `c` are bytes objects; those of `B` are integers",
                _ => "one of the codes of `struct`: ? b B h H i I l L q Q n N f d",
            };
            self.error(format.span, message, hint);
            return None;
        };
        let is_byte = |code: u8| matches!(code, b'b' | b'B');
        if !is_byte(from) && !is_byte(code) {
            let hint = "cast to bytes first: `.cast(\"B\").cast(\"d\")`";
            let message = "memoryview: cannot cast between two non-byte formats";
            self.error(span, message, hint);
            return None;
        }
        let view = View {
            item,
            whole: Whole::Memory(code),
            ..view
        };
        let mut val = val.wrap(ExprKind::Cast, Ty::View(view));
        val.expr.span = span;
        Some(val)
    }
}
