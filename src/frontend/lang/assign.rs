//! Assignment: what can be assigned to, and how values get there. Unpacking is in `unpack`; the types of names are settled in `coerce`.

use super::ast::{self, ExprKind as Syntax};
use super::check::Body;
use super::ty::{self, Val};
use super::typed::{BinOp, ExprKind, LocalId, ObjectOp, Stmt, StmtKind, Ty};
use crate::base::source::Span;

/// What can be assigned to.
pub enum Place<'t> {
    /// A local.
    Name(&'t str),
    /// `view[index]`
    Item(&'t ast::Expr, &'t ast::Expr),
    /// `object.name`
    Attribute(&'t ast::Expr, &'t str),
    /// `object[start:stop:step]`
    Slice(&'t ast::Expr, [Option<&'t ast::Expr>; 3]),
    /// `a, b`
    Group(Vec<Place<'t>>),
}

impl Body<'_> {
    /// `a = b = value`
    pub fn assign(
        &mut self,
        targets: &[ast::Expr],
        value: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) {
        let places: Vec<_> = targets.iter().map(|target| self.place(target)).collect();
        let Some(places) = places.into_iter().collect::<Option<Vec<_>>>() else {
            self.check_value(value);
            return self.poison(targets, span, out);
        };
        match places.as_slice() {
            [Place::Group(places)] => return self.unpack(places, value, span, out),
            [place] => {
                let val = self.expr(value);
                return self.put(place, val, span, out);
            }
            _ => {}
        }
        // The value is computed once, then stored from left to right.
        if places.iter().any(|place| matches!(place, Place::Group(_))) {
            let hint = "unpack in a statement of its own";
            self.error(
                span,
                "unpacking in a chain of assignments is not there yet",
                hint,
            );
            self.check_value(value);
            return self.poison(targets, span, out);
        }
        let val = self.expr(value).map(|val| self.once(val, span, out));
        for place in &places {
            self.put(place, val.clone(), span, out);
        }
    }

    /// `place = value`, for one value.
    pub fn put(&mut self, place: &Place, val: Option<Val>, span: Span, out: &mut Vec<Stmt>) {
        let kind = match place {
            Place::Name(name) => Some(self.store(name, val, span)),
            Place::Item(view, index) => self.store_item(view, index, val),
            Place::Attribute(object, name) => self.set_attribute(object, name, val),
            Place::Slice(object, bounds) => self.set_slice(object, *bounds, val, span),
            Place::Group(places) => {
                match val {
                    Some(val) if val.ty() == Ty::Object => {
                        self.unpack_object(places, val, span, out);
                    }
                    Some(val) => self.one_for_many(val.span(), places.len()),
                    None => self.unpack_nothing(places, span, out),
                }
                None
            }
        };
        out.extend(kind.map(|kind| Stmt { kind, span }));
    }

    /// `target op= value`
    pub fn augmented(
        &mut self,
        target: &ast::Expr,
        op: BinOp,
        value: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) {
        match &target.kind {
            Syntax::Name(name) => {
                let val = self.in_place(op, target, value, span);
                let kind = self.store(name, val, span);
                out.push(Stmt { kind, span });
            }
            Syntax::Attribute(object, name, place) => {
                let held = self.held(object, span, out);
                let Some((object, temporary)) = held.filter(|(e, _)| self.has_attributes(e)) else {
                    return self.check_value(value);
                };
                let old = ast::Expr {
                    kind: Syntax::Attribute(Box::new(object.clone()), name.clone(), *place),
                    span: target.span,
                };
                let val = self.in_place(op, &old, value, span);
                self.put(&Place::Attribute(&object, name), val, span, out);
                self.let_go(temporary, span, out);
            }
            // View and index are computed once; the item is loaded before the value is computed.
            Syntax::Subscript(view, index) => {
                let (view, index) = (self.held(view, span, out), self.held(index, span, out));
                let (Some((view, first)), Some((index, second))) = (view, index) else {
                    return self.check_value(value);
                };
                let old = ast::Expr {
                    kind: Syntax::Subscript(Box::new(view.clone()), Box::new(index.clone())),
                    span: target.span,
                };
                let val = self.in_place(op, &old, value, span);
                self.put(&Place::Item(&view, &index), val, span, out);
                self.let_go(first, span, out);
                self.let_go(second, span, out);
            }
            _ => {
                self.wrong_target(target);
                self.check_value(value);
            }
        }
    }

    /// `left op right`, in place where `left` is an object.
    fn in_place(
        &mut self,
        op: BinOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Val> {
        if !self.is_object(left) {
            return self.binary(op, left, right, span);
        }
        let (left, right) = (self.expr(left), self.expr(right));
        let (left, right) = (left?, right?);
        match left.ty() {
            Ty::Object => self.operation_on(ObjectOp::InPlace(op), vec![left, right], span),
            _ => self.arithmetic(op, left, right, span),
        }
    }

    /// Unbinds a temporary that keeps an object.
    fn let_go(&mut self, temporary: Option<LocalId>, span: Span, out: &mut Vec<Stmt>) {
        let kept = temporary.filter(|id| self.locals[id.index()].is_object());
        out.extend(kept.map(|id| Stmt {
            kind: StmtKind::Delete(id, false),
            span,
        }));
    }

    /// An expression that can be written several times: names and constants as they are, others by the name of a temporary.
    fn held(
        &mut self,
        e: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Option<(ast::Expr, Option<LocalId>)> {
        let val = self.expr(e)?;
        if matches!(e.kind, Syntax::Name(_)) || ty::is_const(&val) {
            return Some((e.clone(), None));
        }
        let id = self.temporary(ty::natural(val.ty()));
        let name = self.locals[id.0 as usize].name.clone();
        self.names.insert(name.clone(), id);
        out.push(Stmt {
            kind: StmtKind::Assign(id, val.expr),
            span,
        });
        let read = ast::Expr {
            kind: Syntax::Name(name),
            span: e.span,
        };
        Some((read, Some(id)))
    }

    /// A value that can be used several times: constants as they are, others through a temporary.
    pub fn once(&mut self, val: Val, span: Span, out: &mut Vec<Stmt>) -> Val {
        if ty::is_const(&val) || val.ty() == Ty::None {
            return val;
        }
        let storage = ty::natural(val.ty());
        let id = self.temporary(storage);
        let (literal, range, small_unsigned) = (val.literal, val.range, val.small_unsigned);
        let read = ExprKind::Local {
            local: id,
            checked: false,
        };
        let place = val.span();
        out.push(Stmt {
            kind: StmtKind::Assign(id, val.expr),
            span,
        });
        Val {
            literal,
            range,
            small_unsigned,
            ..Val::stored(read, storage, place)
        }
    }

    /// What a target is; says what is wrong with it.
    pub fn place<'t>(&mut self, target: &'t ast::Expr) -> Option<Place<'t>> {
        match &target.kind {
            Syntax::Name(name) => Some(Place::Name(name)),
            Syntax::Subscript(view, index) => Some(Place::Item(view, index)),
            Syntax::Attribute(object, name, _) => Some(Place::Attribute(object, name)),
            Syntax::Slice(object, start, stop) => {
                let bounds = [start.as_deref(), stop.as_deref(), None];
                Some(Place::Slice(object, bounds))
            }
            Syntax::Stepped(object, [start, stop, step]) => {
                let bounds = [start.as_deref(), stop.as_deref(), step.as_deref()];
                Some(Place::Slice(object, bounds))
            }
            Syntax::Tuple(items) | Syntax::List(items) => {
                let places: Vec<_> = items.iter().map(|item| self.place(item)).collect();
                places.into_iter().collect::<Option<_>>().map(Place::Group)
            }
            _ => {
                self.wrong_target(target);
                None
            }
        }
    }

    fn wrong_target(&mut self, target: &ast::Expr) {
        match target.kind {
            Syntax::Wrong => {}
            Syntax::Slice(..) | Syntax::Stepped(..) => self.error(
                target.span,
                "augmented assignment to a slice is not there yet",
                "assign to its items in a loop",
            ),
            _ => self.error(
                target.span,
                "this cannot be assigned to",
                "write a name, or an item: `v[i]`",
            ),
        }
    }

    /// All names in targets were given something wrong.
    pub fn poison(&mut self, targets: &[ast::Expr], span: Span, out: &mut Vec<Stmt>) {
        for target in targets {
            match &target.kind {
                Syntax::Name(name) => {
                    let kind = self.store(name, None, span);
                    out.push(Stmt { kind, span });
                }
                Syntax::Tuple(items) | Syntax::List(items) => self.poison(items, span, out),
                Syntax::Subscript(view, index) => {
                    self.store_item(view, index, None);
                }
                _ => {}
            }
        }
    }

    /// Checks a value that nothing takes.
    pub fn check_value(&mut self, value: &ast::Expr) {
        match &value.kind {
            Syntax::Tuple(items) | Syntax::List(items) => {
                items.iter().for_each(|item| self.check_value(item));
            }
            Syntax::Dict(items) => items.iter().for_each(|(key, value)| {
                self.check_value(key);
                self.check_value(value);
            }),
            _ => drop(self.answer(value)),
        }
    }
}
