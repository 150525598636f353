//! Values are brought into the types of what holds them: locals, parameters, results. Locals without a declared type get theirs here.
//!
//! In goes a value with the type of its expression, out comes an expression of the holder's type and range, or a message.

use super::check::{Body, placeholder};
use super::join::{join, may_be_none};
use super::ty::{self, Val, storage_name, ty_name};
use super::typed::{Expr, ExprKind, IntTy, LocalId, Rule, StmtKind, Storage, Ty, View, Whole};
use crate::base::source::Span;

impl Body<'_> {
    /// `name = value`; gives the local its type where it has none.
    pub fn store(&mut self, name: &str, val: Option<Val>, span: Span) -> StmtKind {
        let id = self.names[name];
        let expr = self.stored(id, val).unwrap_or_else(|| placeholder(span));
        StmtKind::Assign(id, expr)
    }

    /// A value as the local holds it.
    pub fn stored(&mut self, id: LocalId, val: Option<Val>) -> Option<Expr> {
        let at = id.0 as usize;
        let Some(val) = val else {
            if self.locals[at].storage.is_none() {
                self.locals[at].wrong = true;
            }
            return None;
        };
        let storage = self.settle(id, val.ty());
        if self.locals[at].wrong {
            return None;
        }
        let declared = self.locals[at].declared;
        let subject = format!("`{}`", self.locals[at].name);
        self.coerce(val, storage, declared, &subject)
    }

    /// The type of a local that a value of this type is assigned to: its own, or that of its first value. One that is not declared and is given
    /// several kinds of strs, or of views, holds them all.
    pub fn settle(&mut self, id: LocalId, ty: Ty) -> Storage {
        let local = &mut self.locals[id.0 as usize];
        let Some(old) = local.storage else {
            local.only_none = ty == Ty::None;
            return *local.storage.insert(ty::natural(ty));
        };
        if local.declared {
            return old;
        }
        let before = if local.only_none { Ty::None } else { old.ty() };
        local.only_none &= ty == Ty::None;
        let wide = matches!(before, Ty::None | Ty::Str { .. } | Ty::View(_));
        match join(before, ty).filter(|_| wide).map(ty::natural) {
            Some(wider) if wider != old => {
                (local.joined, local.changed) = (true, true);
                *local.storage.insert(wider)
            }
            _ => old,
        }
    }

    /// A value as `storage` holds it. `declared` things check the range, others want their own type. `subject` is for messages.
    pub fn coerce(
        &mut self,
        val: Val,
        storage: Storage,
        declared: bool,
        subject: &str,
    ) -> Option<Expr> {
        let (span, ty) = (val.span(), val.ty());
        let integer = matches!(ty, Ty::Bool | Ty::I64 | Ty::U64);
        let result = match storage {
            Storage::Int(int) if integer => return self.coerce_int(val, int, declared, subject),
            Storage::Int(_) => Err(Box::new(val)),
            Storage::F64 | Storage::F32 if integer && !declared && val.literal.is_none() => {
                Err(Box::new(val))
            }
            Storage::F64 => val.into_f64(),
            Storage::F32 => val
                .into_f64()
                .map(|val| val.wrap(ExprKind::Round32, Ty::F64)),
            Storage::Bool if ty == Ty::Bool => Ok(val),
            Storage::Bool => Err(Box::new(val)),
            Storage::Object if self.shares_bytearray(&val) => return None,
            Storage::Object => val.into_object(),
            Storage::Complex if ty == Ty::Complex => Ok(val),
            Storage::Complex => Err(Box::new(val)),
            Storage::Str { .. } | Storage::View(_) if may_be_none(storage.ty()) => {
                val.into_type(storage.ty())
            }
            Storage::Str { .. } | Storage::View(_) => val.present().into_type(storage.ty()),
        };
        match result {
            Ok(val) => Some(val.expr),
            Err(_) => {
                self.mismatch(span, ty, storage, subject);
                None
            }
        }
    }

    fn coerce_int(&mut self, val: Val, int: IntTy, declared: bool, subject: &str) -> Option<Expr> {
        let (span, ty) = (val.span(), val.ty());
        let rule = self.rule();
        if let (Some(value), Rule::Raise, true) = (val.literal, rule, ty::is_const(&val)) {
            let range = int.range();
            if !ty::contains(range, (value, value)) {
                let message = format!("{value} does not fit in {subject}, which is {}", int.name());
                let hint = format!("{} goes from {} to {}", int.name(), range.0, range.1);
                self.error(span, message, &hint);
                return None;
            }
        }
        if !declared {
            let own = if int == IntTy::U64 { Ty::U64 } else { Ty::I64 };
            let val = if own == Ty::U64 {
                val.into_u64()
            } else {
                Ok(val)
            };
            return match val {
                Ok(val) if val.ty() == own || val.ty() == Ty::Bool => {
                    ty::to_int(val, int, rule).map(|val| val.expr)
                }
                _ => {
                    self.mismatch(span, ty, Storage::Int(int), subject);
                    None
                }
            };
        }
        ty::to_int(val, int, rule).map(|val| val.expr)
    }

    /// Says that a value is not of the type of what should hold it.
    pub fn mismatch(&mut self, span: Span, from: Ty, to: Storage, subject: &str) {
        let (name, target) = (ty_name(from), storage_name(to));
        let numeric = matches!(from, Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64);
        let hint = match (to, from) {
            (Storage::Int(_), Ty::F64) => {
                format!("write `{target}(...)`, which rounds towards zero, or `//` for `/`")
            }
            (Storage::Int(_) | Storage::F32 | Storage::F64, _) if numeric => {
                format!("write `{target}(...)`, or annotate the first assignment")
            }
            (Storage::Bool, _) if numeric => format!("write `{target}(...)`"),
            (Storage::Complex, _) if numeric => "write `complex(re, im)`".to_owned(),
            (Storage::View(to), Ty::View(from)) => view_hint(to, from),
            (Storage::View(_), Ty::Str { .. }) => {
                "write `.encode()`, which gives the bytes of its UTF-8".to_owned()
            }
            (Storage::Str { .. }, Ty::View(_)) => "write `.decode()`, which reads UTF-8".to_owned(),
            (Storage::Int(_) | Storage::F32 | Storage::F64 | Storage::Bool, Ty::Object) => {
                format!("write `{target}(...)`, which converts it as Python does")
            }
            (Storage::Str { .. }, Ty::Object) => "write `str(...)`".to_owned(),
            (Storage::Object, Ty::View(_)) => {
                "a buffer is no object here; `bytes(...)` makes one of its bytes".to_owned()
            }
            _ => format!("{subject} wants a value of the type {target}"),
        };
        let message = format!("{subject} is {target}, but this is {name}");
        self.error(span, message, &hint);
    }
}

/// How one view becomes another.
fn view_hint(to: View, from: View) -> String {
    if to.whole == Whole::ByteArray {
        return "write `bytearray(...)`, which copies".to_owned();
    }
    if to.mutable && !from.mutable {
        return "this cannot be changed; `bytearray(...)` makes a copy that can".to_owned();
    }
    match to.whole {
        Whole::Bytes | Whole::Slice => "write `bytes(...)`, which copies".to_owned(),
        Whole::Part | Whole::ByteArray | Whole::Memory(_) | Whole::Table | Whole::Array => {
            "their items are of different types".to_owned()
        }
    }
}
