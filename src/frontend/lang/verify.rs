//! Checks that typed bodies keep what `typed` promises: operand types, ranges of stores, shapes. For tests: a violation is our bug.
//! Statements are here, expressions in `exprs`.

mod exprs;

use super::join::is_bytes;
use super::released;
use super::typed::{
    Expr, ExprKind, Function, IntTy, Message, Piece, Stmt, StmtKind, Storage, Ty, View,
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
            StmtKind::ForObject {
                index,
                var,
                object,
                body,
                orelse,
            } => {
                self.typed(object, Ty::Object)?;
                let held = self.storage(var.0)? == Storage::Object;
                ensure(held, || "for: an object in something else".into())?;
                if let Some(index) = index {
                    let counter = self.storage(index.0)? == Storage::Int(IntTy::I64);
                    ensure(counter, || "enumerate: the counter is no i64".into())?;
                }
                self.block(body, loops + 1)?;
                self.block(orelse, loops)
            }
            StmtKind::UnpackObject { targets, value } => {
                for target in targets {
                    let held = self.storage(target.0)? == Storage::Object;
                    ensure(held, || "unpack: an object in something else".into())?;
                }
                self.typed(value, Ty::Object)
            }
            StmtKind::SetAttribute { object, value, .. } => {
                self.typed(value, Ty::Object)?;
                self.typed(object, Ty::Object)
            }
            StmtKind::SetItem {
                object,
                index,
                value,
            } => [object, index, value]
                .into_iter()
                .try_for_each(|e| self.typed(e, Ty::Object)),
            StmtKind::DelAttribute(object, _) => self.typed(object, Ty::Object),
            StmtKind::DelItem(object, index) => {
                self.typed(object, Ty::Object)?;
                self.typed(index, Ty::Object)
            }
            StmtKind::Delete(local, checked) => {
                self.storage(local.0)?;
                let flagged = !checked || self.f.locals[local.0 as usize].needs_flag;
                ensure(flagged, || "del: no flag".into())
            }
            StmtKind::Try(inner) => {
                for name in inner.names() {
                    let held = self.storage(name.0)? == Storage::Object;
                    ensure(held, || "except: an object in something else".into())?;
                }
                let mut blocks = inner.blocks();
                blocks.try_for_each(|block| self.block(block, loops))
            }
            StmtKind::RaiseObject(exception, cause) => {
                self.typed(exception, Ty::Object)?;
                match cause {
                    Some(cause) => self.typed(cause, Ty::Object),
                    None => Ok(()),
                }
            }
            StmtKind::Reraise => Ok(()),
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
                [value] if self.f.shape.is_container() && self.several(value) => {
                    let items = self.items(value)?;
                    ensure(items == self.f.results, || "return: other items".into())
                }
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

    pub(super) fn pieces(&self, pieces: &[Piece]) -> Verdict {
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
            ExprKind::Tuple(_) | ExprKind::Divmod(..) | ExprKind::MathPair(..) => true,
            ExprKind::Call(id, ..) => self.all[id.0 as usize].shape.is_container(),
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
            ExprKind::MathPair(op, x) => {
                self.typed(x, Ty::F64)?;
                Ok(op.results().to_vec())
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
        let bytes = is_bytes(self.view(e)?);
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
}

fn inside(range: (i128, i128), int: IntTy) -> bool {
    super::ty::contains(int.range(), range)
}
