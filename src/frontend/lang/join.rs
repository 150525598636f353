//! Strs and views under types that say more or less of them: which type holds what another one does, which one holds both of two, and how a
//! value gets there.
//!
//! In go values with the types they have, out come conversions that cannot fail, or copies where Python would have the object already.
//! Numbers are `ty`'s business, messages that of who asks.

use super::ty::{Converted, Val};
use super::typed::{ExprKind, IntTy, Item, Ty, View, Whole};

/// A view of bytes, whatever else it is. A table and an array are none: to Python they hold integers.
pub fn is_bytes(view: View) -> bool {
    view.item == Item::Int(IntTy::U8) && !matches!(view.whole, Whole::Table | Whole::Array)
}

/// Whether values of the type may be None.
pub fn may_be_none(ty: Ty) -> bool {
    match ty {
        Ty::Str { nullable } | Ty::View(View { nullable, .. }) => nullable,
        Ty::None => true,
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::Object => false,
    }
}

/// The type of strs or views, with or without None; other types as they are.
pub fn with_none(ty: Ty, nullable: bool) -> Ty {
    match ty {
        Ty::Str { .. } => Ty::Str { nullable },
        Ty::View(view) => Ty::View(View { nullable, ..view }),
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::None | Ty::Object => ty,
    }
}

/// The narrowest type for two: of strs, of views of the same items, of either and None.
pub fn join(a: Ty, b: Ty) -> Option<Ty> {
    let nullable = may_be_none(a) || may_be_none(b);
    match (a, b) {
        _ if a == b => Some(a),
        (Ty::Str { .. }, Ty::Str { .. } | Ty::None) | (Ty::None, Ty::Str { .. }) => {
            Some(Ty::Str { nullable })
        }
        (Ty::View(view), Ty::None) | (Ty::None, Ty::View(view)) => {
            Some(Ty::View(View { nullable, ..view }))
        }
        (Ty::View(a), Ty::View(b)) if a.item == b.item => Some(Ty::View(View {
            item: a.item,
            mutable: a.mutable && b.mutable,
            nullable,
            whole: match (a.whole, b.whole) {
                (a, b) if a == b => a,
                (Whole::Bytes, Whole::Slice) | (Whole::Slice, Whole::Bytes) => Whole::Slice,
                _ => Whole::Part,
            },
        })),
        _ => None,
    }
}

impl Val {
    /// As a str or view of a type, where its own says as much or more. A slice of bytes becomes the object that it is to Python.
    pub fn into_type(self, to: Ty) -> Converted {
        let from = self.ty();
        if from == to {
            return Ok(self);
        }
        if join(from, to) == Some(to) {
            return Ok(self.wrap(ExprKind::Widen, to));
        }
        match (from, to) {
            (Ty::View(slice), Ty::View(bytes))
                if slice.whole == Whole::Slice && bytes.whole == Whole::Bytes =>
            {
                self.copied(Whole::Bytes).into_type(to)
            }
            _ => Err(Box::new(self)),
        }
    }

    /// A view's memory in an object of its own: `bytes(view)`, `bytearray(view)`, and None where it is None.
    pub fn copied(self, whole: Whole) -> Val {
        let ty = Ty::View(View {
            mutable: whole == Whole::ByteArray,
            nullable: may_be_none(self.ty()),
            whole,
            ..View::BYTES
        });
        self.wrap(ExprKind::Copy, ty)
    }

    /// What is surely not None: a check where it may be.
    pub fn present(self) -> Val {
        match may_be_none(self.ty()) && self.ty() != Ty::None {
            true => {
                let ty = with_none(self.ty(), false);
                self.wrap(ExprKind::NotNone, ty)
            }
            false => self,
        }
    }

    /// As an Object. There is none for what Python has as a memoryview.
    pub fn into_object(self) -> Converted {
        match self.ty() {
            Ty::Object => Ok(self),
            Ty::None => Ok(self.wrap(ExprKind::Widen, Ty::Object)),
            Ty::View(view) => match view.whole {
                Whole::Part | Whole::Memory(_) | Whole::Table | Whole::Array => Err(Box::new(self)),
                Whole::Slice => self.copied(Whole::Bytes).into_object(),
                Whole::Bytes | Whole::ByteArray => Ok(self.wrap(ExprKind::Boxed, Ty::Object)),
            },
            Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::Str { .. } => {
                Ok(self.wrap(ExprKind::Boxed, Ty::Object))
            }
        }
    }
}
