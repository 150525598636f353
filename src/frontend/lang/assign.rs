//! Assignment: names take values, tuples are unpacked, values are brought into the types of what holds them.

use super::ast::{self, ExprKind as Syntax};
use super::calls::Answer;
use super::check::{Body, placeholder};
use super::ty::{self, Val, storage_name, ty_name};
use super::typed::{Expr, ExprKind, IntTy, LocalId, Rule, Stmt, StmtKind, Storage, Ty};
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
        let storage = match self.locals[at].storage {
            Some(storage) => storage,
            None => {
                let storage = ty::natural(val.ty());
                self.locals[at].storage = Some(storage);
                storage
            }
        };
        if self.locals[at].wrong {
            return None;
        }
        let declared = self.locals[at].declared;
        let subject = format!("`{}`", self.locals[at].name);
        self.coerce(val, storage, declared, &subject)
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
            Storage::Object => val.into_object(),
            Storage::Complex | Storage::Str { .. } | Storage::View(_) if ty == storage.ty() => {
                Ok(val)
            }
            Storage::Complex | Storage::Str { .. } | Storage::View(_) => Err(Box::new(val)),
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

    fn mismatch(&mut self, span: Span, from: Ty, to: Storage, subject: &str) {
        let (name, target) = (ty_name(from), storage_name(to));
        let numeric = matches!(from, Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64);
        if to == Storage::Object {
            return self.not_yet(
                span,
                &format!("a number as an object ({subject} is object)"),
            );
        }
        let hint = match to {
            _ if !numeric => format!("{subject} wants a value of the type {target}"),
            Storage::Int(_) if from == Ty::F64 => {
                format!("write `{target}(...)`, which rounds towards zero, or `//` for `/`")
            }
            Storage::Int(_) | Storage::F32 | Storage::F64 => {
                format!("write `{target}(...)`, or annotate the first assignment")
            }
            Storage::Bool | Storage::Object => format!("write `{target}(...)`"),
            Storage::Complex | Storage::Str { .. } | Storage::View(_) => {
                format!("{subject} wants a value of the type {target}")
            }
        };
        self.error(
            span,
            format!("{subject} is {target}, but this is {name}"),
            &hint,
        );
    }

    /// `a = b = value`
    pub fn assign(
        &mut self,
        targets: &[ast::Expr],
        value: &ast::Expr,
        span: Span,
        out: &mut Vec<Stmt>,
    ) {
        let names: Option<Vec<Vec<&str>>> = {
            let mut names = Vec::new();
            for target in targets {
                names.push(self.targets(target));
            }
            names.into_iter().collect()
        };
        let Some(names) = names else {
            self.answer_or_tuple(value);
            return self.poison(targets, span, out);
        };
        if let [target] = targets {
            return match &target.kind {
                Syntax::Tuple(_) => self.unpack(&names[0], value, span, out),
                _ => {
                    let val = self.expr(value);
                    let kind = self.store(names[0][0], val, span);
                    out.push(Stmt { kind, span });
                }
            };
        }
        // a = b = value: the value is computed once, then stored from left to right.
        if targets.iter().any(|t| matches!(t.kind, Syntax::Tuple(_))) {
            let hint = "unpack in a statement of its own";
            self.error(
                span,
                "unpacking in a chain of assignments is not there yet",
                hint,
            );
            self.answer_or_tuple(value);
            return self.poison(targets, span, out);
        }
        let val = self.expr(value).map(|val| self.once(val, span, out));
        for name in names.iter().flatten() {
            let kind = self.store(name, val.clone(), span);
            out.push(Stmt { kind, span });
        }
    }

    /// A value that can be used several times: constants as they are, others through a temporary.
    fn once(&mut self, val: Val, span: Span, out: &mut Vec<Stmt>) -> Val {
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

    /// The names of a target; says what is wrong with other targets.
    fn targets<'t>(&mut self, target: &'t ast::Expr) -> Option<Vec<&'t str>> {
        match &target.kind {
            Syntax::Name(name) => Some(vec![name]),
            Syntax::Tuple(items) => {
                let mut names = Vec::new();
                for item in items {
                    match &item.kind {
                        Syntax::Name(name) => names.push(Some(name.as_str())),
                        Syntax::Tuple(_) => {
                            let hint = "unpack in two steps";
                            let message = "unpacking inside an unpacking is not there yet";
                            self.error(item.span, message, hint);
                            names.push(None);
                        }
                        _ => {
                            self.wrong_target(item);
                            names.push(None);
                        }
                    }
                }
                names.into_iter().collect()
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
            Syntax::Subscript(..) => self.not_yet(target.span, "assignment to an item"),
            Syntax::Attribute(..) => self.not_yet(target.span, "assignment to an attribute"),
            _ => self.error(target.span, "this cannot be assigned to", "write a name"),
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
                Syntax::Tuple(items) => self.poison(items, span, out),
                _ => {}
            }
        }
    }

    /// Checks a value whose targets are wrong.
    pub fn answer_or_tuple(&mut self, value: &ast::Expr) {
        match &value.kind {
            Syntax::Tuple(items) => items.iter().for_each(|item| drop(self.expr(item))),
            _ => drop(self.answer(value)),
        }
    }

    /// `a, b = value`
    fn unpack(&mut self, names: &[&str], value: &ast::Expr, span: Span, out: &mut Vec<Stmt>) {
        let count = names.len();
        if let Syntax::Tuple(items) = &value.kind {
            let vals: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
            if items.len() != count {
                self.wrong_count(value.span, items.len(), count);
                return names.iter().for_each(|name| {
                    let kind = self.store(name, None, span);
                    out.push(Stmt { kind, span });
                });
            }
            return self.unpack_values(names, vals, value.span, span, out);
        }
        let items = match self.answer(value) {
            Some(Answer::Many(expr, items)) if items.len() == count => Some((expr, items)),
            Some(Answer::Many(_, items)) => {
                self.wrong_count(value.span, items.len(), count);
                None
            }
            Some(Answer::One(val)) if val.ty() == Ty::Object => {
                self.not_yet(value.span, "unpacking an object");
                None
            }
            Some(Answer::One(_) | Answer::Nothing(_)) => {
                let message = format!("this is one value, and there are {count} names for it");
                self.error(
                    value.span,
                    message,
                    "write a tuple, or call a function that returns one",
                );
                None
            }
            None => None,
        };
        match items {
            Some((expr, items)) => self.unpack_results(names, expr, &items, span, out),
            None => names.iter().for_each(|name| {
                let kind = self.store(name, None, span);
                out.push(Stmt { kind, span });
            }),
        }
    }

    /// `a, b = x, y`: each item is converted for its target before any is stored.
    fn unpack_values(
        &mut self,
        names: &[&str],
        vals: Vec<Option<Val>>,
        place: Span,
        span: Span,
        out: &mut Vec<Stmt>,
    ) {
        let (mut targets, mut exprs, mut good) = (Vec::new(), Vec::new(), true);
        for (name, val) in names.iter().zip(vals) {
            let id = self.names[*name];
            let expr = self.stored(id, val);
            good &= expr.is_some();
            targets.push(id);
            exprs.push(expr.unwrap_or_else(|| placeholder(place)));
        }
        if !good {
            return targets.into_iter().zip(exprs).for_each(|(id, expr)| {
                let kind = StmtKind::Assign(id, expr);
                out.push(Stmt { kind, span });
            });
        }
        let narrow = vec![None; targets.len()];
        let ty = exprs.first().map_or(Ty::None, |expr| expr.ty);
        let value = Expr {
            kind: ExprKind::Tuple(exprs),
            ty,
            span: place,
        };
        let kind = StmtKind::Unpack {
            targets,
            value,
            narrow,
        };
        out.push(Stmt { kind, span });
    }

    /// `a, b = f()`: straight into the targets where the types allow it, else by way of temporaries.
    fn unpack_results(
        &mut self,
        names: &[&str],
        value: Expr,
        items: &[Storage],
        span: Span,
        out: &mut Vec<Stmt>,
    ) {
        let rule = self.rule();
        let mut narrow = Vec::new();
        for (name, item) in names.iter().zip(items) {
            let variable = &self.locals[self.names[*name].0 as usize];
            let target = variable.storage.unwrap_or(ty::natural(item.ty()));
            narrow.push(match (target, *item) {
                (to, from) if to == from => Some(None),
                (Storage::Int(to), Storage::Int(from)) if target.ty() == item.ty() => {
                    let fits = ty::contains(to.range(), from.range());
                    Some((!fits).then_some((to, rule)))
                }
                (Storage::F64, Storage::F32) => Some(None),
                _ => None,
            });
        }
        let place = value.span;
        if let Some(narrow) = narrow.into_iter().collect::<Option<Vec<_>>>() {
            let mut targets = Vec::new();
            for (name, item) in names.iter().zip(items) {
                let id = self.names[*name];
                let variable = &mut self.locals[id.0 as usize];
                variable.storage.get_or_insert(ty::natural(item.ty()));
                targets.push(id);
            }
            let kind = StmtKind::Unpack {
                targets,
                value,
                narrow,
            };
            return out.push(Stmt { kind, span });
        }
        let vals = self.spread(value, items, span, out);
        let ids: Vec<LocalId> = names.iter().map(|name| self.names[*name]).collect();
        for (id, val) in ids.into_iter().zip(vals) {
            let expr = self.stored(id, Some(val));
            let kind = StmtKind::Assign(id, expr.unwrap_or_else(|| placeholder(place)));
            out.push(Stmt { kind, span });
        }
    }

    /// Several results in temporaries.
    pub fn spread(
        &mut self,
        value: Expr,
        items: &[Storage],
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Vec<Val> {
        let place = value.span;
        let targets: Vec<LocalId> = items.iter().map(|item| self.temporary(*item)).collect();
        out.push(Stmt {
            kind: StmtKind::Unpack {
                targets: targets.clone(),
                value,
                narrow: vec![None; items.len()],
            },
            span,
        });
        let read = |(local, item): (LocalId, &Storage)| {
            let kind = ExprKind::Local {
                local,
                checked: false,
            };
            Val::stored(kind, *item, place)
        };
        targets.into_iter().zip(items).map(read).collect()
    }

    fn wrong_count(&mut self, span: Span, values: usize, names: usize) {
        let message = format!("{values} values for {names} names");
        self.error(
            span,
            message,
            "write a name for each value; `_` will do for one not needed",
        );
    }
}
