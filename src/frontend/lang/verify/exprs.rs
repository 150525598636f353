//! Expressions: operands of the types that `typed` wants, and a type that follows from them.

use super::super::join::{is_bytes, join, may_be_none};
use super::super::ty::{is_number, range_of};
use super::super::typed::{
    BinOp, BitOp, CmpOp, Const, Expr, ExprKind, IntTy, MathOp, ObjectOp, Storage, Ty, View, Whole,
};
use super::{Verdict, Verifier, ensure, int};

/// A type that may be None as one that is not.
fn nullable(ty: Ty) -> Option<Ty> {
    match ty {
        Ty::View(view) if view.nullable => Some(Ty::View(View {
            nullable: false,
            ..view
        })),
        Ty::Str { nullable: true } => Some(Ty::Str { nullable: false }),
        _ => None,
    }
}

/// What `if` can ask of the truth.
fn has_truth(ty: Ty) -> bool {
    is_number(ty) || matches!(ty, Ty::Complex | Ty::Str { .. } | Ty::View(_) | Ty::Object)
}

/// A view that is the whole of an object of bytes.
fn made(view: View) -> bool {
    is_bytes(view) && matches!(view.whole, Whole::Bytes | Whole::ByteArray)
}

fn comparable(op: CmpOp, left: Ty, right: Ty) -> bool {
    let equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
    match (left, right) {
        (Ty::Object | Ty::None, Ty::Object | Ty::None) => matches!(op, CmpOp::Is | CmpOp::IsNot),
        (Ty::Str { .. }, Ty::Str { .. }) => equality,
        (Ty::View(a), Ty::View(b)) => {
            let present = !a.nullable && !b.nullable;
            is_bytes(a) && is_bytes(b) && (equality || present && ordered(op))
        }
        (Ty::Complex, b) | (b, Ty::Complex) => equality && (b == Ty::Complex || is_number(b)),
        (a, b) => is_number(a) && is_number(b) && (equality || ordered(op)),
    }
}

fn ordered(op: CmpOp) -> bool {
    matches!(op, CmpOp::Lt | CmpOp::Le | CmpOp::Gt | CmpOp::Ge)
}

impl Verifier<'_> {
    /// Bounds that can be seen without following values around.
    pub(super) fn range(&self, e: &Expr) -> (i128, i128) {
        let of = |storage: Storage| match storage {
            Storage::Int(int) => int.range(),
            _ => (0, 1),
        };
        match &e.kind {
            ExprKind::Const(Const::Int(value)) => (*value, *value),
            ExprKind::Local { local, .. } => of(self.f.locals[local.0 as usize].storage),
            ExprKind::Narrow(_, int, _) => int.range(),
            ExprKind::Widen(inner) if inner.ty == Ty::Bool => (0, 1),
            ExprKind::Widen(inner) | ExprKind::Reinterpret(inner, _) => self.range(inner),
            ExprKind::Call(id, ..) => of(self.all[id.0 as usize].results[0]),
            ExprKind::Binary {
                op: BinOp::And,
                right,
                ..
            } => match right.kind {
                ExprKind::Const(Const::Int(mask)) => (0, mask),
                _ => range_of(e.ty),
            },
            ExprKind::BitCount(_) | ExprKind::BitLength(_) => (0, 64),
            ExprKind::Len(_) => (0, i128::from(i64::MAX)),
            ExprKind::Index(view, _) => match view.ty {
                Ty::View(view) => of(view.item.storage()),
                _ => range_of(e.ty),
            },
            ExprKind::Bits(_, int, ..) => (0, int.range().1.max(64)),
            ExprKind::IfElse(_, a, b) | ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                let (a, b) = (self.range(a), self.range(b));
                (a.0.min(b.0), a.1.max(b.1))
            }
            ExprKind::Min(list) | ExprKind::Max(list) => {
                let ranges = list.iter().map(|item| self.range(item));
                ranges
                    .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                    .expect("operands")
            }
            _ => range_of(e.ty),
        }
    }

    fn same(&self, e: &Expr, list: &[&Expr]) -> Verdict {
        list.iter().try_for_each(|item| self.typed(item, e.ty))
    }

    pub(super) fn expr(&self, e: &Expr) -> Verdict {
        let wrong = || format!("{:?} as {:?}", e.kind, e.ty);
        let sure = |good: bool| ensure(good, wrong);
        match &e.kind {
            ExprKind::Const(constant) => sure(match (constant, e.ty) {
                (Const::Bool(_), Ty::Bool)
                | (Const::Float(_), Ty::F64)
                | (Const::Complex(..), Ty::Complex)
                | (Const::None, Ty::None)
                | (Const::Str(_), Ty::Str { nullable: false }) => true,
                (Const::Bytes(_), Ty::View(view)) => view == View::SLICE,
                (Const::Int(value), Ty::I64) => i64::try_from(*value).is_ok(),
                (Const::Int(value), Ty::U64) => u64::try_from(*value).is_ok(),
                _ => false,
            }),
            ExprKind::Local { local, checked } => {
                sure(self.storage(local.0)?.ty() == e.ty)?;
                sure(!checked || self.f.locals[local.0 as usize].needs_flag)
            }
            ExprKind::Widen(inner) => {
                sure(match (inner.ty, e.ty) {
                    (Ty::Bool, Ty::I64 | Ty::U64 | Ty::F64)
                    | (Ty::I64 | Ty::U64, Ty::F64)
                    | (Ty::None, Ty::Object) => true,
                    (from, to @ (Ty::Str { .. } | Ty::View(_))) => {
                        from != to && join(from, to) == Some(to)
                    }
                    _ => false,
                })?;
                self.expr(inner)
            }
            ExprKind::Reinterpret(inner, _) => {
                sure(int(e.ty) && int(inner.ty) && e.ty != inner.ty)?;
                self.expr(inner)
            }
            ExprKind::Narrow(inner, to, _) => {
                sure(Storage::Int(*to).ty() == e.ty && *to != IntTy::I64 && *to != IntTy::U64)?;
                self.typed(inner, e.ty)
            }
            ExprKind::Round32(inner) => self.same(e, &[inner]),
            ExprKind::Truncate(inner) => {
                sure(int(e.ty))?;
                self.typed(inner, Ty::F64)
            }
            ExprKind::Truth(inner) => {
                sure(e.ty == Ty::Bool && has_truth(inner.ty))?;
                self.expr(inner)
            }
            ExprKind::Neg(inner, _) | ExprKind::Abs(inner, _) => {
                sure(int(e.ty) || e.ty == Ty::F64)?;
                self.same(e, &[inner])
            }
            ExprKind::Invert(inner, _) => {
                sure(int(e.ty))?;
                self.same(e, &[inner])
            }
            ExprKind::Not(inner) => {
                sure(e.ty == Ty::Bool)?;
                self.same(e, &[inner])
            }
            ExprKind::Binary {
                op, left, right, ..
            } => match op {
                BinOp::Div => {
                    sure(e.ty == Ty::F64 && left.ty == right.ty && is_number(left.ty))?;
                    sure(left.ty != Ty::Bool)?;
                    self.expr(left)?;
                    self.expr(right)
                }
                BinOp::Shl | BinOp::Shr => {
                    sure(int(e.ty) && int(right.ty))?;
                    self.same(e, &[left])?;
                    self.expr(right)
                }
                BinOp::Pow => {
                    sure(match e.ty {
                        Ty::F64 => right.ty == Ty::F64,
                        ty => int(ty) && int(right.ty),
                    })?;
                    self.same(e, &[left])?;
                    self.expr(right)
                }
                BinOp::And | BinOp::Or | BinOp::Xor => {
                    sure(int(e.ty) || e.ty == Ty::Bool)?;
                    self.same(e, &[left, right])
                }
                BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::FloorDiv | BinOp::Mod => {
                    sure(int(e.ty) || e.ty == Ty::F64)?;
                    self.same(e, &[left, right])
                }
            },
            ExprKind::Compare { first, rest } if e.ty == Ty::Object => {
                self.typed(first, Ty::Object)?;
                (rest.iter()).try_for_each(|(_, right)| self.typed(right, Ty::Object))
            }
            ExprKind::Object(op, operands) => {
                let operands = |count: usize| {
                    sure(operands.len() == count)?;
                    operands.iter().try_for_each(|x| self.typed(x, Ty::Object))
                };
                let given = match &e.kind {
                    ExprKind::Object(_, list) => list.len(),
                    _ => 0,
                };
                let (count, ty) = match op {
                    ObjectOp::Builtin(_)
                    | ObjectOp::Math(_)
                    | ObjectOp::Class(_)
                    | ObjectOp::Exception(_) => (0, Ty::Object),
                    ObjectOp::Positive
                    | ObjectOp::Negative
                    | ObjectOp::Invert
                    | ObjectOp::Absolute
                    | ObjectOp::Attribute(_) => (1, Ty::Object),
                    ObjectOp::Binary(_)
                    | ObjectOp::InPlace(_)
                    | ObjectOp::Divmod
                    | ObjectOp::Item => (2, Ty::Object),
                    ObjectOp::PowMod | ObjectOp::Slice => (3, Ty::Object),
                    ObjectOp::Contains | ObjectOp::IsInstance => (2, Ty::Bool),
                    ObjectOp::Call(names) | ObjectOp::Method(_, names) => {
                        sure(given > names.len())?;
                        (given, Ty::Object)
                    }
                    ObjectOp::Tuple | ObjectOp::List | ObjectOp::Set => (given, Ty::Object),
                    ObjectOp::Dict => (given & !1, Ty::Object),
                    ObjectOp::Int if e.ty == Ty::U64 => (1, Ty::U64),
                    ObjectOp::Int => (1, Ty::I64),
                    ObjectOp::Float => (1, Ty::F64),
                    ObjectOp::Str | ObjectOp::Repr | ObjectOp::Ascii => {
                        (1, Ty::Str { nullable: false })
                    }
                };
                sure(e.ty == ty)?;
                operands(count)
            }
            ExprKind::Text(pieces) => {
                sure(e.ty == Ty::Str { nullable: false })?;
                self.pieces(pieces)
            }
            ExprKind::Compare { first, rest } => {
                sure(e.ty == Ty::Bool)?;
                self.expr(first)?;
                let mut left = &**first;
                for (op, right) in rest {
                    sure(comparable(*op, left.ty, right.ty))?;
                    self.expr(right)?;
                    left = right;
                }
                Ok(())
            }
            ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                sure(has_truth(e.ty))?;
                self.same(e, &[a, b])
            }
            ExprKind::IfElse(cond, a, b) => {
                self.typed(cond, Ty::Bool)?;
                self.same(e, &[a, b])
            }
            ExprKind::Call(id, args, order) => {
                let callee = &self.all[id.0 as usize];
                sure(match callee.results.as_slice() {
                    [] => e.ty == Ty::None,
                    [result, ..] => e.ty == result.ty() && !callee.shape.is_container(),
                })?;
                self.args(id.0, args, order)
            }
            ExprKind::Min(list) | ExprKind::Max(list) => {
                sure(list.len() > 1 && is_number(e.ty))?;
                list.iter().try_for_each(|item| self.typed(item, e.ty))
            }
            ExprKind::Divmod(..) | ExprKind::Tuple(_) | ExprKind::MathPair(..) => {
                Err("several values where one is wanted".into())
            }
            ExprKind::PowMod(a, b, c) => {
                sure(int(e.ty))?;
                self.same(e, &[a, b, c])
            }
            ExprKind::Round(inner) => {
                sure(e.ty == Ty::I64)?;
                self.typed(inner, Ty::F64)
            }
            ExprKind::RoundDigits(inner, digits) => {
                sure(int(e.ty) || e.ty == Ty::F64)?;
                self.same(e, &[inner])?;
                self.typed(digits, Ty::I64)
            }
            ExprKind::BitCount(inner) | ExprKind::BitLength(inner) => {
                sure(e.ty == Ty::I64 && int(inner.ty))?;
                self.expr(inner)
            }
            ExprKind::Bits(op, width, operand, count) => {
                use BitOp::{Bswap, Clz, Ctz, Rotl, Rotr};
                let storage = Storage::Int(*width);
                sure(match op {
                    Rotl | Rotr => count.is_some() && e.ty == storage.ty(),
                    Bswap => count.is_none() && e.ty == storage.ty(),
                    Clz | Ctz => count.is_none() && e.ty == Ty::I64,
                })?;
                self.fits(operand, storage)?;
                match count {
                    Some(count) => self.typed(count, Ty::I64),
                    None => Ok(()),
                }
            }
            ExprKind::Math(op, args) => {
                let (count, ty) = match op {
                    MathOp::Sqrt | MathOp::Fabs => (1, Ty::F64),
                    MathOp::Copysign => (2, Ty::F64),
                    MathOp::Floor | MathOp::Ceil | MathOp::Trunc => (1, Ty::I64),
                    MathOp::IsNan | MathOp::IsInf | MathOp::IsFinite => (1, Ty::Bool),
                };
                sure(args.len() == count && e.ty == ty)?;
                args.iter().try_for_each(|arg| self.typed(arg, Ty::F64))
            }
            ExprKind::Len(inner) => {
                sure(e.ty == Ty::I64)?;
                match inner.ty {
                    Ty::Str { nullable: false } | Ty::Object => self.expr(inner),
                    _ => self.view(inner).map(drop),
                }
            }
            ExprKind::Index(view, index) => {
                let item = self.view(view)?.item.storage();
                sure(e.ty == item.ty() && int(index.ty))?;
                self.expr(index)
            }
            ExprKind::Slice(view, start, stop) => {
                let of = self.view(view)?;
                let Ty::View(part) = e.ty else {
                    return Err(wrong());
                };
                let whole = match of.whole {
                    Whole::Bytes => Whole::Slice,
                    whole => whole,
                };
                sure(part == View { whole, ..of })?;
                let mut bounds = start.iter().chain(stop);
                bounds.try_for_each(|bound| self.typed(bound, Ty::I64))
            }
            ExprKind::Contains { needle, haystack } => {
                sure(e.ty == Ty::Bool)?;
                self.bytes(haystack)?;
                if int(needle.ty) {
                    self.expr(needle)
                } else {
                    self.bytes(needle)
                }
            }
            ExprKind::IsNone(inner) => {
                sure(e.ty == Ty::Bool && nullable(inner.ty).is_some())?;
                self.expr(inner)
            }
            ExprKind::NotNone(inner) => {
                sure(nullable(inner.ty) == Some(e.ty))?;
                self.expr(inner)
            }
            ExprKind::Encode(inner) => {
                sure(e.ty == Ty::View(View::SLICE))?;
                self.typed(inner, Ty::Str { nullable: false })
            }
            ExprKind::Decode(inner, _) => {
                sure(e.ty == Ty::Str { nullable: false })?;
                self.bytes(inner)
            }
            ExprKind::Zeroes(count) => {
                sure(matches!(e.ty, Ty::View(view) if made(view) && !view.nullable))?;
                self.typed(count, Ty::I64)
            }
            ExprKind::Extreme { view, .. } => {
                let item = self.view(view)?.item.storage();
                sure(e.ty == item.ty())
            }
            ExprKind::Listed(view) => {
                sure(e.ty == Ty::Object)?;
                self.view(view).map(drop)
            }
            ExprKind::Table(_) => sure(matches!(e.ty, Ty::View(view) if !view.mutable)),
            ExprKind::NewArray { .. } => {
                sure(matches!(e.ty, Ty::View(view) if view.mutable && view.whole == Whole::Array))
            }
            ExprKind::Cast(inner) => {
                let from = self.view(inner)?;
                sure(matches!(
                    e.ty,
                    Ty::View(View { mutable, whole: Whole::Memory(_), nullable: false, .. }) if mutable == from.mutable
                ))
            }
            ExprKind::Copy(inner) => {
                sure(matches!(e.ty, Ty::View(view) if made(view)))?;
                sure(may_be_none(e.ty) == may_be_none(inner.ty))?;
                sure(matches!(inner.ty, Ty::View(_)))?;
                self.expr(inner)
            }
            ExprKind::Part(inner, _) => {
                sure(e.ty == Ty::F64)?;
                self.typed(inner, Ty::Complex)
            }
            ExprKind::MakeComplex(re, im) => {
                sure(e.ty == Ty::Complex)?;
                self.typed(re, Ty::F64)?;
                self.typed(im, Ty::F64)
            }
            ExprKind::Boxed(inner) => {
                let part = matches!(inner.ty, Ty::View(view) if !made(view));
                sure(e.ty == Ty::Object && !part && !matches!(inner.ty, Ty::None | Ty::Object))?;
                self.expr(inner)
            }
            ExprKind::MathCall(_, args) => {
                sure(is_number(e.ty))?;
                args.iter().try_for_each(|arg| {
                    ensure(is_number(arg.ty), || "math: no number".into())?;
                    self.expr(arg)
                })
            }
        }
    }
}
