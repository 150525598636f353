//! `for` over `reversed(...)`, `zip(...)` and `enumerate(view, start)`: made of the loops that there are, over a counter and over a view.
//!
//! What is not a view, or a range of steps of one, is left to CPython's own functions, which make objects; so are targets that take tuples.

use super::ast::{self, ExprKind as Syntax};
use super::check::Body;
use super::names::Named;
use super::ty::{self, I64_RANGE, Val};
use super::typed::{
    BinOp, Const, Expr, ExprKind, IntTy, LocalId, Rule, Stmt, StmtKind, Storage, Ty,
};
use crate::base::source::Span;

/// A counter's first value, the one it does not reach any more, and its step.
type Bounds = [Expr; 3];

/// The parts of a `for` statement.
#[derive(Clone, Copy)]
pub struct For<'t> {
    pub target: &'t ast::Expr,
    pub iter: &'t ast::Expr,
    pub body: &'t [ast::Stmt],
    pub orelse: &'t [ast::Stmt],
    pub span: Span,
}

impl Body<'_> {
    /// The loop, if it is one of those; what is evaluated before it goes to `out`.
    pub fn composed_loop(&mut self, parts: For, out: &mut Vec<Stmt>) -> Option<StmtKind> {
        let Syntax::Call(call) = &parts.iter.kind else {
            return None;
        };
        let Syntax::Name(name) = &call.callee.kind else {
            return None;
        };
        if !matches!(self.lookup(name), Named::Other) {
            return None;
        }
        match (name.as_str(), &call.args[..], &call.keywords[..]) {
            ("reversed", [arg], []) => match &arg.kind {
                Syntax::Call(range) if self.is_range(range) => {
                    self.reversed_range(parts, range, arg.span)
                }
                _ => self.reversed_view(parts, arg, out),
            },
            ("zip", [_, _, ..], []) => self.zipped(parts, &call.args, out),
            ("enumerate", [view, start], []) => self.counted(parts, view, start, out),
            ("enumerate", [view], [(keyword, start)]) if keyword.text == "start" => {
                self.counted(parts, view, start, out)
            }
            _ => None,
        }
    }

    fn is_range(&self, call: &ast::Call) -> bool {
        let is_name = matches!(&call.callee.kind, Syntax::Name(name) if name == "range");
        is_name && matches!(self.lookup("range"), Named::Other)
    }

    /// Views that are kept for the whole loop; nothing where one of the values is none, `Err` where one is wrong.
    fn kept_views(
        &mut self,
        what: &str,
        args: &[ast::Expr],
        out: &mut Vec<Stmt>,
    ) -> Result<Option<Vec<Items>>, ()> {
        let vals: Vec<_> = args.iter().map(|arg| self.expr(arg)).collect();
        let vals = vals.into_iter().collect::<Option<Vec<Val>>>().ok_or(())?;
        if !vals.iter().all(|val| matches!(val.ty(), Ty::View(_))) {
            return Ok(None);
        }
        let mut kept = Vec::new();
        for val in vals {
            let (val, view) = self.view(what, val).ok_or(())?;
            let span = val.span();
            kept.push(Items {
                view: self.once(val, span, out).expr,
                item: view.item.storage(),
            });
        }
        Ok(Some(kept))
    }

    /// From the last item to the first, each read when its turn comes.
    fn reversed_view(
        &mut self,
        parts: For,
        arg: &ast::Expr,
        out: &mut Vec<Stmt>,
    ) -> Option<StmtKind> {
        let items = match self.kept_views("`reversed`", std::slice::from_ref(arg), out) {
            Ok(views) => views?.remove(0),
            Err(()) => return Some(self.wrong_loop(parts)),
        };
        let place = arg.span;
        let counter = self.temporary(Storage::Int(IntTy::I64));
        let last = binary(BinOp::Sub, items.len(place), int(1, place));
        let item = items.at(counter, place);
        let targets = [(parts.target, item)];
        Some(self.counting_loop(
            parts,
            counter,
            [last, int(-1, place), int(-1, place)],
            &targets,
        ))
    }

    /// A range in steps of one from its end: the complements, or the negatives, of a range that begins there.
    fn reversed_range(&mut self, parts: For, call: &ast::Call, span: Span) -> Option<StmtKind> {
        let [start, stop, step] = self.range(call, span)?;
        let step_of_one = match step.kind {
            ExprKind::Const(Const::Int(step @ (1 | -1))) => step,
            _ => return None,
        };
        if start.ty != Ty::I64 {
            return None;
        }
        let rule = Rule::Raise;
        let ups = step_of_one == 1;
        let turned = |bound: Expr| {
            let kind = match ups {
                true => ExprKind::Neg(Box::new(bound), rule),
                false => ExprKind::Invert(Box::new(bound), rule),
            };
            Val::new(kind, Ty::I64, span).expr
        };
        let counter = self.temporary(Storage::Int(IntTy::I64));
        let read = Box::new(read(counter, span));
        let kind = match ups {
            true => ExprKind::Invert(read, rule),
            false => ExprKind::Neg(read, rule),
        };
        let item = Val::new(kind, Ty::I64, span);
        // Python evaluates the start first; that it cannot be turned is found after the stop is evaluated.
        let bounds = [turned(stop), turned(start), step];
        Some(self.counting_loop(parts, counter, bounds, &[(parts.target, item)]))
    }

    /// As many rounds as the shortest has items.
    fn zipped(&mut self, parts: For, args: &[ast::Expr], out: &mut Vec<Stmt>) -> Option<StmtKind> {
        let (Syntax::Tuple(targets) | Syntax::List(targets)) = &parts.target.kind else {
            return None;
        };
        if targets.len() != args.len() {
            return None;
        }
        let views = match self.kept_views("`zip`", args, out) {
            Ok(views) => views?,
            Err(()) => return Some(self.wrong_loop(parts)),
        };
        let span = parts.iter.span;
        let counter = self.temporary(Storage::Int(IntTy::I64));
        let lengths = views.iter().map(|items| items.len(span)).collect();
        let rounds = Val::new(ExprKind::Min(lengths), Ty::I64, span).expr;
        let items = views.iter().map(|items| items.at(counter, span));
        let targets: Vec<_> = targets.iter().zip(items).collect();
        let bounds = [int(0, span), rounds, int(1, span)];
        Some(self.counting_loop(parts, counter, bounds, &targets))
    }

    /// `enumerate(view, start)`
    fn counted(
        &mut self,
        parts: For,
        view: &ast::Expr,
        start: &ast::Expr,
        out: &mut Vec<Stmt>,
    ) -> Option<StmtKind> {
        let (Syntax::Tuple(targets) | Syntax::List(targets)) = &parts.target.kind else {
            return None;
        };
        let [index, target] = targets.as_slice() else {
            return None;
        };
        let items = match self.kept_views("`enumerate`", std::slice::from_ref(view), out) {
            Ok(views) => views?.remove(0),
            Err(()) => return Some(self.wrong_loop(parts)),
        };
        let span = parts.iter.span;
        let start = self.expr(start);
        let start = start.and_then(|start| self.integer(start, "enumerate"));
        let start = start.and_then(|start| ty::to_int(start, IntTy::I64, Rule::Raise));
        let Some(start) = start else {
            return Some(self.wrong_loop(parts));
        };
        let start = self.once(start, span, out).expr;
        let counter = self.temporary(Storage::Int(IntTy::I64));
        let number = binary(BinOp::Add, read(counter, span), start);
        let number = Val {
            range: I64_RANGE,
            ..Val::new(number.kind, Ty::I64, span)
        };
        let targets = [(index, number), (target, items.at(counter, span))];
        let bounds = [int(0, span), items.len(span), int(1, span)];
        Some(self.counting_loop(parts, counter, bounds, &targets))
    }

    /// A loop whose rounds begin with assignments.
    fn counting_loop(
        &mut self,
        parts: For,
        counter: LocalId,
        [start, stop, step]: Bounds,
        targets: &[(&ast::Expr, Val)],
    ) -> StmtKind {
        let mut assigns = Vec::new();
        for (target, val) in targets {
            match self.place(target) {
                Some(place) => self.put(&place, Some(val.clone()), target.span, &mut assigns),
                None => return self.wrong_loop(parts),
            }
        }
        StmtKind::ForRange {
            var: counter,
            narrow: None,
            start,
            stop,
            step,
            body: self.loop_body(assigns, parts.body),
            orelse: self.block(parts.orelse, false),
        }
    }
}

/// A view in a temporary.
struct Items {
    view: Expr,
    item: Storage,
}

impl Items {
    fn len(&self, span: Span) -> Expr {
        let kind = ExprKind::Len(Box::new(self.view.clone()));
        Val::new(kind, Ty::I64, span).expr
    }

    fn at(&self, counter: LocalId, span: Span) -> Val {
        let index = Box::new(read(counter, span));
        let kind = ExprKind::Index(Box::new(self.view.clone()), index);
        Val::stored(kind, self.item, span)
    }
}

fn int(value: i128, span: Span) -> Expr {
    Val::int(value, span).expr
}

fn read(local: LocalId, span: Span) -> Expr {
    let kind = ExprKind::Local {
        local,
        checked: false,
    };
    Val::new(kind, Ty::I64, span).expr
}

fn binary(op: BinOp, left: Expr, right: Expr) -> Expr {
    let span = right.span;
    let kind = ExprKind::Binary {
        op,
        rule: Rule::Raise,
        left: Box::new(left),
        right: Box::new(right),
    };
    Val::new(kind, Ty::I64, span).expr
}
