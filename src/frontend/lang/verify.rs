//! Checks that typed bodies keep what `typed` promises: operand types, ranges of stores, shapes. For tests: a violation is our bug.

use super::released;
use super::typed::{
    BinOp, CmpOp, Const, Expr, ExprKind, Function, IntTy, MathOp, Message, Piece, Stmt, StmtKind,
    Storage, Ty, View, Whole,
};

type Verdict = Result<(), String>;

/// Verifies one of `all`.
pub fn function(f: &Function, all: &[Function]) -> Verdict {
    let verifier = Verifier { f, all };
    verifier
        .block(&f.body, 0)
        .map_err(|message| format!("{}: {message}", f.name))
}

struct Verifier<'a> {
    f: &'a Function,
    all: &'a [Function],
}

fn ensure(good: bool, message: impl FnOnce() -> String) -> Verdict {
    if good { Ok(()) } else { Err(message()) }
}

/// Whether a value of a type, in range or not, can be stored at all.
fn number(ty: Ty) -> bool {
    matches!(ty, Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64)
}

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

fn int(ty: Ty) -> bool {
    matches!(ty, Ty::I64 | Ty::U64)
}

impl Verifier<'_> {
    fn block(&self, statements: &[Stmt], loops: usize) -> Verdict {
        statements.iter().try_for_each(|s| self.statement(s, loops))
    }

    fn statement(&self, statement: &Stmt, loops: usize) -> Verdict {
        match &statement.kind {
            StmtKind::Assign(local, value) => self.fits(value, self.storage(local.0)?),
            StmtKind::Unpack {
                targets,
                value,
                narrow,
            } => {
                let tuple = matches!(value.kind, ExprKind::Tuple(_));
                let items = self.items(value)?;
                ensure(
                    items.len() == targets.len() && narrow.len() == items.len(),
                    || "unpack: counts differ".into(),
                )?;
                for ((target, item), narrow) in targets.iter().zip(&items).zip(narrow) {
                    let storage = self.storage(target.0)?;
                    let good = match (narrow, storage, item) {
                        (Some((to, _)), Storage::Int(own), Storage::Int(_)) => {
                            *to == own && storage.ty() == item.ty()
                        }
                        (Some(_), _, _) => false,
                        // Its items are looked at below.
                        (None, _, _) if tuple => true,
                        (None, Storage::Int(own), Storage::Int(from)) => {
                            storage.ty() == item.ty() && inside(from.range(), own)
                        }
                        (None, Storage::F64, Storage::F32) => true,
                        (None, own, from) => own == *from,
                    };
                    ensure(good, || {
                        format!("unpack: {item:?} into {storage:?}, {narrow:?}")
                    })?;
                }
                if let ExprKind::Tuple(list) = &value.kind {
                    for (target, item) in targets.iter().zip(list) {
                        self.fits(item, self.storage(target.0)?)?;
                    }
                }
                Ok(())
            }
            StmtKind::If(cond, body, orelse) => {
                self.typed(cond, Ty::Bool)?;
                self.block(body, loops)?;
                self.block(orelse, loops)
            }
            StmtKind::While(cond, body, orelse) => {
                self.typed(cond, Ty::Bool)?;
                self.block(body, loops + 1)?;
                self.block(orelse, loops)
            }
            StmtKind::ForRange {
                var,
                narrow,
                start,
                stop,
                step,
                body,
                orelse,
            } => {
                let storage = self.storage(var.0)?;
                self.typed(start, storage.ty())?;
                self.typed(stop, storage.ty())?;
                self.typed(step, Ty::I64)?;
                let good = match storage {
                    Storage::Int(own) => {
                        own.bits() == 64 || narrow.is_some_and(|(to, _)| to == own)
                    }
                    _ => false,
                };
                ensure(good, || {
                    "for: the variable is no integer, or not narrowed".into()
                })?;
                self.block(body, loops + 1)?;
                self.block(orelse, loops)
            }
            StmtKind::ForEach {
                index,
                var,
                view,
                body,
                orelse,
            } => {
                let item = self.view(view)?.item.storage();
                let own = self.storage(var.0)?;
                let good = match (own, item) {
                    (Storage::Int(own), Storage::Int(item)) => inside(item.range(), own),
                    (Storage::F64, Storage::F32) => true,
                    (own, item) => own == item,
                };
                ensure(good, || format!("for: {item:?} in {own:?}"))?;
                if let Some(index) = index {
                    let counter = self.storage(index.0)? == Storage::Int(IntTy::I64);
                    ensure(counter, || "enumerate: the counter is no i64".into())?;
                }
                self.block(body, loops + 1)?;
                self.block(orelse, loops)
            }
            StmtKind::Store {
                view, index, value, ..
            } => {
                let view = self.view(view)?;
                ensure(view.mutable, || "store: read-only".into())?;
                ensure(int(index.ty), || "store: the index is no integer".into())?;
                self.expr(index)?;
                self.typed(value, view.item.storage().ty())
            }
            StmtKind::Nogil(body) => {
                // The walk is one for passes that change trees.
                let found = released::survey(&mut body.clone(), self.f);
                ensure(found.objects.is_empty(), || {
                    "with nogil: an object is used".into()
                })?;
                ensure(!found.nested, || "with nogil: in another".into())?;
                self.block(body, loops)
            }
            StmtKind::Break | StmtKind::Continue => ensure(loops > 0, || "outside a loop".into()),
            StmtKind::Return(values) => match values.as_slice() {
                [value] if self.f.shape.is_tuple() && values.len() != self.f.results.len() => {
                    let items = self.items(value)?;
                    ensure(items == self.f.results, || "return: other items".into())
                }
                [value] if self.f.shape.is_tuple() && self.several(value) => Ok(()),
                values => {
                    ensure(values.len() == self.f.results.len(), || {
                        "return: count".into()
                    })?;
                    (values.iter().zip(&self.f.results)).try_for_each(|(v, r)| self.fits(v, *r))
                }
            },
            StmtKind::Raise(_, message) => self.message(message.as_ref()),
            StmtKind::Assert(cond, message) => {
                self.typed(cond, Ty::Bool)?;
                self.message(message.as_ref())
            }
            StmtKind::Expr(value) => match self.several(value) {
                true => self.items(value).map(drop),
                false => self.expr(value),
            },
        }
    }

    fn message(&self, message: Option<&Message>) -> Verdict {
        match message {
            None => Ok(()),
            Some(Message::Value(value)) => self.expr(value),
            Some(Message::Text(pieces)) => self.pieces(pieces),
        }
    }

    fn pieces(&self, pieces: &[Piece]) -> Verdict {
        pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(_) => Ok(()),
            Piece::Value { value, spec, .. } => {
                self.expr(value)?;
                self.pieces(spec)
            }
        })
    }

    fn storage(&self, local: u32) -> Result<Storage, String> {
        let local = self.f.locals.get(local as usize);
        local
            .map(|l| l.storage)
            .ok_or_else(|| "no such local".into())
    }

    fn several(&self, value: &Expr) -> bool {
        match &value.kind {
            ExprKind::Tuple(_) | ExprKind::Divmod(..) => true,
            ExprKind::Call(id, ..) => self.all[id.0 as usize].shape.is_tuple(),
            _ => false,
        }
    }

    /// The results of an expression with several.
    fn items(&self, value: &Expr) -> Result<Vec<Storage>, String> {
        match &value.kind {
            ExprKind::Tuple(list) => {
                list.iter().try_for_each(|item| self.expr(item))?;
                Ok(list
                    .iter()
                    .map(|item| super::ty::natural(item.ty))
                    .collect())
            }
            ExprKind::Divmod(a, b, _) => {
                self.typed(a, value.ty)?;
                self.typed(b, value.ty)?;
                Ok(vec![super::ty::natural(value.ty); 2])
            }
            ExprKind::Call(id, args, order) => {
                self.args(id.0, args, order)?;
                Ok(self.all[id.0 as usize].results.clone())
            }
            _ => Err("one value where several are wanted".into()),
        }
    }

    fn args(&self, id: u32, args: &[Expr], order: &[usize]) -> Verdict {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let all = sorted.iter().copied().eq(0..args.len());
        ensure(order.is_empty() || all, || "call: order".into())?;
        let callee = &self.all[id as usize];
        ensure(args.len() == callee.params, || "call: count".into())?;
        (args.iter().zip(&callee.locals)).try_for_each(|(a, p)| self.fits(a, p.storage))
    }

    /// An expression of a type.
    fn typed(&self, e: &Expr, ty: Ty) -> Verdict {
        ensure(e.ty == ty, || format!("{:?} is no {ty:?}", e.kind))?;
        self.expr(e)
    }

    /// An expression that is a view, which is not None.
    fn view(&self, e: &Expr) -> Result<View, String> {
        self.expr(e)?;
        match e.ty {
            Ty::View(view) if !view.nullable => Ok(view),
            ty => Err(format!("{:?} is {ty:?}, no view", e.kind)),
        }
    }

    fn bytes(&self, e: &Expr) -> Verdict {
        let bytes = self.view(e)?.item.size() == 1;
        ensure(bytes, || format!("{:?} is no view of bytes", e.kind))
    }

    /// An expression whose value is of a storage's range.
    fn fits(&self, e: &Expr, storage: Storage) -> Verdict {
        self.typed(e, storage.ty())?;
        let good = match storage {
            Storage::Int(to) => to.bits() == 64 || inside(self.range(e), to),
            Storage::F32 => matches!(
                e.kind,
                ExprKind::Round32(_) | ExprKind::Const(_) | ExprKind::Call(..)
            ),
            Storage::Bool
            | Storage::F64
            | Storage::Complex
            | Storage::Str { .. }
            | Storage::View(_)
            | Storage::Object => true,
        };
        ensure(good, || format!("{:?} may not fit in {storage:?}", e.kind))
    }

    /// Bounds that can be seen without following values around.
    fn range(&self, e: &Expr) -> (i128, i128) {
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
                _ => super::ty::range_of(e.ty),
            },
            ExprKind::BitCount(_) | ExprKind::BitLength(_) => (0, 64),
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
            _ => super::ty::range_of(e.ty),
        }
    }

    fn same(&self, e: &Expr, list: &[&Expr]) -> Verdict {
        list.iter().try_for_each(|item| self.typed(item, e.ty))
    }

    fn expr(&self, e: &Expr) -> Verdict {
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
                sure(matches!(
                    (inner.ty, e.ty),
                    (Ty::Bool, Ty::I64 | Ty::U64 | Ty::F64)
                        | (Ty::I64 | Ty::U64, Ty::F64)
                        | (Ty::None, Ty::Object)
                ))?;
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
                sure(e.ty == Ty::Bool && number(inner.ty))?;
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
                    sure(e.ty == Ty::F64 && left.ty == right.ty && number(left.ty))?;
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
            ExprKind::Compare { first, rest } => {
                sure(e.ty == Ty::Bool)?;
                self.expr(first)?;
                let mut left = &**first;
                for (op, right) in rest {
                    let objects = matches!(op, CmpOp::Is | CmpOp::IsNot);
                    sure(number(left.ty) != objects && number(right.ty) != objects)?;
                    self.expr(right)?;
                    left = right;
                }
                Ok(())
            }
            ExprKind::And(a, b) | ExprKind::Or(a, b) => {
                sure(number(e.ty))?;
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
                    [result, ..] => e.ty == result.ty() && !callee.shape.is_tuple(),
                })?;
                self.args(id.0, args, order)
            }
            ExprKind::Min(list) | ExprKind::Max(list) => {
                sure(list.len() > 1 && number(e.ty))?;
                list.iter().try_for_each(|item| self.typed(item, e.ty))
            }
            ExprKind::Divmod(..) | ExprKind::Tuple(_) => {
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
                use super::typed::BitOp::{Bswap, Clz, Ctz, Rotl, Rotr};
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
                    Ty::Str { nullable: false } => self.expr(inner),
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
                let copied = of.whole == Whole::ByteArray;
                sure(part.item == of.item && part.mutable == of.mutable && !part.nullable)?;
                sure((part.whole == Whole::Part) != copied)?;
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
                sure(matches!(e.ty, Ty::View(view) if view.whole == Whole::ByteArray))?;
                self.typed(count, Ty::I64)
            }
            ExprKind::Copy(inner) => {
                sure(matches!(e.ty, Ty::View(view) if view.whole != Whole::Part))?;
                self.view(inner).map(drop)
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
                let part = matches!(inner.ty, Ty::View(view) if view.whole == Whole::Part);
                sure(e.ty == Ty::Object && !part && !matches!(inner.ty, Ty::None | Ty::Object))?;
                self.expr(inner)
            }
            ExprKind::MathCall(_, args) => {
                sure(number(e.ty))?;
                args.iter().try_for_each(|arg| {
                    ensure(number(arg.ty), || "math: no number".into())?;
                    self.expr(arg)
                })
            }
        }
    }
}

fn inside(range: (i128, i128), int: IntTy) -> bool {
    super::ty::contains(int.range(), range)
}
