//! `for` loops: over `range` in all its forms, over views, over `enumerate` of views, over objects. Those made of these are in `iterate`.

use super::assign::Place;
use super::ast::{self, ExprKind as Syntax};
use super::check::{Body, placeholder};
use super::iterate::For;
use super::names::Named;
use super::objects::is_objectlike;
use super::ty::{self, Val, ty_name};
use super::typed::{Expr, ExprKind, IntTy, Item, LocalId, Rule, Stmt, StmtKind, Storage, Ty};
use crate::base::source::Span;

/// What a loop runs over.
enum Iterated {
    /// Start, stop and step.
    Range(Box<[Expr; 3]>),
    /// The items of a view, and whether they are counted.
    View(Expr, Item, bool),
    /// The items of an object, and whether they are counted.
    Object(Expr, bool),
}

impl Body<'_> {
    /// `for target in iter`; what is evaluated before the loop goes to `out`.
    pub fn for_loop(&mut self, parts: For, out: &mut Vec<Stmt>) -> StmtKind {
        if let Some(composed) = self.composed_loop(parts, out) {
            return composed;
        }
        let For {
            target,
            iter,
            body,
            orelse,
            span: _,
        } = parts;
        let iterated = self.iterated(iter);
        if let Some(Iterated::Object(object, counted)) = iterated {
            return self.object_loop(parts, (object, counted));
        }
        let names = iterated
            .as_ref()
            .and_then(|iterated| self.loop_names(target, iterated));
        let (Some(iterated), Some((index, name))) = (iterated, names) else {
            return self.wrong_loop(parts);
        };
        match iterated {
            Iterated::Object(..) => unreachable!("such loops are made above"),
            Iterated::Range(bounds) => self.range_loop(name, *bounds, target.span, body, orelse),
            Iterated::View(view, item, _) => {
                let names = (index, name);
                self.view_loop(names, (view, item), target.span, body, orelse)
            }
        }
    }

    /// The names of a target: a counter, if there is one, and the variable.
    fn loop_names<'t>(
        &mut self,
        target: &'t ast::Expr,
        iterated: &Iterated,
    ) -> Option<(Option<&'t str>, &'t str)> {
        let counted = matches!(iterated, Iterated::View(_, _, true));
        let (message, hint) = match (&target.kind, counted) {
            (Syntax::Wrong, _) => return None,
            (Syntax::Name(name), false) => return Some((None, name)),
            (Syntax::Tuple(items) | Syntax::List(items), true) => match items.as_slice() {
                [index, var] => match (&index.kind, &var.kind) {
                    (Syntax::Name(index), Syntax::Name(var)) => return Some((Some(index), var)),
                    (Syntax::Wrong, _) | (_, Syntax::Wrong) => return None,
                    _ => (
                        "a loop assigns to names",
                        "write two names: `for i, x in enumerate(v)`",
                    ),
                },
                _ => (
                    "`enumerate` gives two values at a time",
                    "write two names: `for i, x in enumerate(v)`",
                ),
            },
            (_, true) => (
                "`enumerate` gives two values at a time",
                "write two names: `for i, x in enumerate(v)`",
            ),
            (Syntax::Tuple(_) | Syntax::List(_), false) => match iterated {
                Iterated::Range(_) => (
                    "`range` gives one value at a time",
                    "write one name: `for i in range(...)`",
                ),
                Iterated::View(..) | Iterated::Object(..) => (
                    "a view gives one item at a time",
                    "write one name: `for x in v`; `enumerate(v)` counts",
                ),
            },
            (_, false) => ("a loop assigns to a name", "write one name: `for x in v`"),
        };
        self.error(target.span, message, hint);
        None
    }

    fn range_loop(
        &mut self,
        name: &str,
        [start, stop, step]: [Expr; 3],
        place: Span,
        body: &[ast::Stmt],
        orelse: &[ast::Stmt],
    ) -> StmtKind {
        let ty = start.ty;
        let id = self.names[name];
        let variable = &mut self.locals[id.0 as usize];
        let storage = *variable.storage.get_or_insert(ty::natural(ty));
        let (var, narrow, assign) = match storage {
            Storage::Int(int) if storage.ty() == ty => {
                let rule = ty::rule(self.overflow());
                (id, (int.bits() < 64).then_some((int, rule)), None)
            }
            _ => {
                let (var, assign) = self.through_temporary(id, ty::natural(ty), place);
                (var, None, Some(assign))
            }
        };
        StmtKind::ForRange {
            var,
            narrow,
            start,
            stop,
            step,
            body: self.loop_body(assign, body),
            orelse: self.block(orelse, false),
        }
    }

    fn view_loop(
        &mut self,
        (index, name): (Option<&str>, &str),
        (view, item): (Expr, Item),
        place: Span,
        body: &[ast::Stmt],
        orelse: &[ast::Stmt],
    ) -> StmtKind {
        let mut assigns = Vec::new();
        let counter = Storage::Int(IntTy::I64);
        let index = index.map(|index| self.loop_var(index, counter, place, &mut assigns));
        let var = self.loop_var(name, item.storage(), place, &mut assigns);
        StmtKind::ForEach {
            index,
            var,
            view,
            body: self.loop_body(assigns, body),
            orelse: self.block(orelse, false),
        }
    }

    /// `for target in object`: items go into what holds objects, all else is assigned to when the round begins.
    fn object_loop(&mut self, parts: For, (object, counted): (Expr, bool)) -> StmtKind {
        let For {
            target,
            body,
            orelse,
            ..
        } = parts;
        let mut assigns = Vec::new();
        let (index, target) = match (&target.kind, counted) {
            (_, false) => (None, target),
            (Syntax::Tuple(items) | Syntax::List(items), true) => match items.as_slice() {
                [
                    ast::Expr {
                        kind: Syntax::Name(name),
                        span,
                    },
                    item,
                ] => {
                    let counter = Storage::Int(IntTy::I64);
                    let index = self.loop_var(name, counter, *span, &mut assigns);
                    (Some(index), item)
                }
                _ => {
                    let hint = "write two names: `for i, x in enumerate(v)`";
                    self.error(target.span, "`enumerate` gives two values at a time", hint);
                    return self.wrong_loop(parts);
                }
            },
            (_, true) => {
                let hint = "write two names: `for i, x in enumerate(v)`";
                self.error(target.span, "`enumerate` gives two values at a time", hint);
                return self.wrong_loop(parts);
            }
        };
        let Some(place) = self.place(target) else {
            return self.wrong_loop(parts);
        };
        let own = match place {
            Place::Name(name) => {
                let id = self.names[name];
                (self.settle(id, Ty::Object) == Storage::Object).then_some(id)
            }
            _ => None,
        };
        let var = own.unwrap_or_else(|| {
            let id = self.temporary(Storage::Object);
            let read = ExprKind::Local {
                local: id,
                checked: false,
            };
            let val = Val::stored(read, Storage::Object, target.span);
            self.put(&place, Some(val), target.span, &mut assigns);
            assigns.push(Stmt {
                kind: StmtKind::Delete(id, false),
                span: target.span,
            });
            id
        });
        StmtKind::ForObject {
            index,
            var,
            object,
            body: self.loop_body(assigns, body),
            orelse: self.block(orelse, false),
        }
    }

    /// The local a loop over a view writes to: the variable where it holds every item, else a temporary.
    fn loop_var(
        &mut self,
        name: &str,
        item: Storage,
        place: Span,
        assigns: &mut Vec<Stmt>,
    ) -> LocalId {
        let id = self.names[name];
        let variable = &mut self.locals[id.0 as usize];
        let storage = *variable.storage.get_or_insert(ty::natural(item.ty()));
        let holds = match (storage, item) {
            (Storage::Int(own), Storage::Int(int)) => {
                storage.ty() == item.ty() && ty::contains(own.range(), int.range())
            }
            (Storage::F64, Storage::F32) => true,
            (own, item) => own == item,
        };
        if holds {
            return id;
        }
        let (var, assign) = self.through_temporary(id, item, place);
        assigns.push(assign);
        var
    }

    /// A temporary in the place of a variable, and the assignment that stands in front of the loop's body.
    fn through_temporary(&mut self, id: LocalId, storage: Storage, place: Span) -> (LocalId, Stmt) {
        let temporary = self.temporary(storage);
        let read = ExprKind::Local {
            local: temporary,
            checked: false,
        };
        let val = Val::stored(read, storage, place);
        let expr = self.stored(id, Some(val));
        let kind = StmtKind::Assign(id, expr.unwrap_or_else(|| placeholder(place)));
        (temporary, Stmt { kind, span: place })
    }

    pub fn loop_body(
        &mut self,
        assigns: impl IntoIterator<Item = Stmt>,
        body: &[ast::Stmt],
    ) -> Vec<Stmt> {
        self.loops += 1;
        let mut statements: Vec<Stmt> = assigns.into_iter().collect();
        statements.extend(self.block(body, false));
        self.loops -= 1;
        statements
    }

    /// Checks what is inside a loop over something that is not there.
    pub fn wrong_loop(&mut self, parts: For) -> StmtKind {
        let For {
            target,
            body,
            orelse,
            span,
            ..
        } = parts;
        let mut statements = Vec::new();
        self.poison(std::slice::from_ref(target), span, &mut statements);
        let zero = || Val::int(0, span).expr;
        StmtKind::ForRange {
            var: self.temporary(Storage::Int(IntTy::I64)),
            narrow: None,
            start: zero(),
            stop: zero(),
            step: zero(),
            body: self.loop_body(statements, body),
            orelse: self.block(orelse, false),
        }
    }

    /// What stands behind `in`.
    fn iterated(&mut self, iter: &ast::Expr) -> Option<Iterated> {
        if let Syntax::Call(call) = &iter.kind
            && let Syntax::Name(name) = &call.callee.kind
            && let Named::Other = self.lookup(name)
        {
            match name.as_str() {
                "range" => return Some(Iterated::Range(Box::new(self.range(call, iter.span)?))),
                "enumerate" if call.args.len() == 1 && call.keywords.is_empty() => {
                    return self.enumerate(call, iter.span);
                }
                _ => {}
            }
        }
        let val = self.expr(iter)?;
        if is_objectlike(val.ty()) {
            return Some(Iterated::Object(self.object(val)?, false));
        }
        if let ty @ (Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64) = val.ty() {
            let name = ty_name(ty);
            let message = format!("`for` runs over `range(...)` and views, but this is {name}");
            self.error(iter.span, message, "write `for i in range(n)`");
            return None;
        }
        let (val, view) = self.view("`for`", val)?;
        Some(Iterated::View(val.expr, view.item, false))
    }

    fn enumerate(&mut self, call: &ast::Call, span: Span) -> Option<Iterated> {
        let val = self.plain("enumerate", call, 1, 1, span)?.remove(0);
        if is_objectlike(val.ty()) {
            return Some(Iterated::Object(self.object(val)?, true));
        }
        let (val, view) = self.view("`enumerate`", val)?;
        Some(Iterated::View(val.expr, view.item, true))
    }

    /// `range(...)` as start, stop and step.
    pub fn range(&mut self, call: &ast::Call, span: Span) -> Option<[Expr; 3]> {
        let vals = self.plain("range", call, 1, 3, span)?;
        let mut ints = Vec::new();
        for val in vals {
            ints.push(self.integer(val, "range"));
        }
        let mut ints = ints.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        let first = ints.next()?;
        let (start, stop) = match ints.next() {
            Some(stop) => (first, stop),
            None => (Val::int(0, span), first),
        };
        let step = ints.next().unwrap_or_else(|| Val::int(1, span));
        let (start, stop) = self.unify("range", start, stop)?;
        let step = self.step(step, start.ty(), &start)?;
        Some([start.expr, stop.expr, step.expr])
    }

    /// The step: an I64 whatever the bounds are.
    fn step(&mut self, step: Val, bounds: Ty, start: &Val) -> Option<Val> {
        if step.ty() == Ty::U64 && bounds == Ty::I64 && step.literal.is_none() {
            self.mixed("range", start, &step);
            return None;
        }
        ty::to_int(step, IntTy::I64, Rule::Raise)
    }
}
