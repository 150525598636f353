//! Unpacking: `a, b = ...`. The values of a tuple, or the results of a call, go to as many places, nested as they are.
//!
//! Where all places are names and nothing is nested, the values go straight there; else by way of temporaries, so that all of them are
//! computed before the first is stored.

use super::assign::Place;
use super::ast::{self, ExprKind as Syntax};
use super::calls::Answer;
use super::check::{Body, placeholder};
use super::ty::{self, Val};
use super::typed::{Expr, ExprKind, LocalId, Shape, Stmt, StmtKind, Storage, Ty};
use crate::base::source::Span;

impl Body<'_> {
    /// `a, b = value`
    pub fn unpack(&mut self, places: &[Place], value: &ast::Expr, span: Span, out: &mut Vec<Stmt>) {
        let answer = match &value.kind {
            Syntax::Tuple(_) | Syntax::List(_) => None,
            _ => match self.answer(value) {
                Some(Answer::One(val)) if val.ty() == Ty::Object => {
                    return self.unpack_object(places, val, span, out);
                }
                None => return self.unpack_nothing(places, span, out),
                answer => answer,
            },
        };
        let names = places.iter().map(|place| match place {
            Place::Name(name) => Some(*name),
            Place::Item(..) | Place::Attribute(..) | Place::Slice(..) | Place::Group(_) => None,
        });
        let done = match (names.collect::<Option<Vec<_>>>(), &value.kind) {
            (Some(names), Syntax::Tuple(items) | Syntax::List(items))
                if names.len() == items.len() =>
            {
                let vals = items.iter().map(|item| self.expr(item)).collect();
                self.unpack_values(&names, vals, value.span, span, out);
                Some(())
            }
            (names, _) => match (names, answer) {
                (Some(names), Some(answer)) => self
                    .several(places, answer, value.span)
                    .map(|(expr, items)| self.unpack_results(&names, expr, &items, span, out)),
                (_, answer) => self.unpack_nested(places, (value, answer), span, out),
            },
        };
        if done.is_none() {
            self.unpack_nothing(places, span, out);
        }
    }

    /// An expression with several results that suit the places.
    fn several(
        &mut self,
        places: &[Place],
        answer: Answer,
        span: Span,
    ) -> Option<(Expr, Vec<Storage>)> {
        match answer {
            Answer::Many(expr, items, shape) => {
                (self.matching(places, &shape, span)).then_some((expr, items))
            }
            Answer::One(val) if val.ty() == Ty::Object => {
                let hint = "give it a name first, and unpack that";
                self.error(
                    span,
                    "unpacking an object in a tuple is not there yet",
                    hint,
                );
                None
            }
            Answer::One(_) | Answer::Nothing(_) => {
                self.one_for_many(span, places.len());
                None
            }
        }
    }

    /// Whether results of a shape are as many as the places, everywhere; says so if not.
    fn matching(&mut self, places: &[Place], shape: &Shape, span: Span) -> bool {
        let items = match shape {
            Shape::Tuple(items) | Shape::List(items) => items,
            Shape::Dict(_) => {
                let hint = "call a function that returns a tuple";
                self.error(span, "bodies do not take dicts apart", hint);
                return false;
            }
            Shape::None | Shape::One => {
                self.one_for_many(span, places.len());
                return false;
            }
        };
        if items.len() != places.len() {
            self.wrong_count(span, items.len(), places.len());
            return false;
        }
        places
            .iter()
            .zip(items)
            .all(|(place, item)| match (place, item) {
                (Place::Group(places), item) => self.matching(places, item, span),
                (_, Shape::One) => true,
                (_, item) => {
                    let message = format!("this gives {} for one name", super::returns::kind(item));
                    self.error(
                        span,
                        message,
                        "write names for its items: `(a, b), c = ...`",
                    );
                    false
                }
            })
    }

    /// `(a, b), v[i] = value`
    fn unpack_nested(
        &mut self,
        places: &[Place],
        value: (&ast::Expr, Option<Answer>),
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Option<()> {
        let vals = self.taken(places, value, span, out)?;
        let mut leaves = Vec::new();
        flatten(places, &mut leaves);
        for (place, val) in leaves.into_iter().zip(vals) {
            self.put(place, Some(val), span, out);
        }
        Some(())
    }

    /// The values for places, computed: one for each that is not a group. There is an answer already where the value is no literal.
    fn taken(
        &mut self,
        places: &[Place],
        (value, answer): (&ast::Expr, Option<Answer>),
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Option<Vec<Val>> {
        let (Syntax::Tuple(items) | Syntax::List(items)) = &value.kind else {
            let answer = match answer {
                Some(answer) => answer,
                None => self.answer(value)?,
            };
            let (expr, items) = self.several(places, answer, value.span)?;
            return Some(self.spread(expr, &items, span, out));
        };
        if items.len() != places.len() {
            self.check_value(value);
            self.wrong_count(value.span, items.len(), places.len());
            return None;
        }
        let mut all = Vec::new();
        for (place, item) in places.iter().zip(items) {
            all.push(match place {
                Place::Group(places) => self.taken(places, (item, None), span, out),
                Place::Name(_) | Place::Item(..) | Place::Attribute(..) | Place::Slice(..) => {
                    let val = self.expr(item);
                    val.map(|val| vec![self.once(val, span, out)])
                }
            });
        }
        let vals: Option<Vec<Vec<Val>>> = all.into_iter().collect();
        vals.map(|vals| vals.concat())
    }

    /// Places whose values are wrong.
    pub fn unpack_nothing(&mut self, places: &[Place], span: Span, out: &mut Vec<Stmt>) {
        let mut leaves = Vec::new();
        flatten(places, &mut leaves);
        for place in leaves {
            self.put(place, None, span, out);
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
                self.settle(id, item.ty());
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

    pub fn one_for_many(&mut self, span: Span, names: usize) {
        let message = format!("this is one value, and there are {names} names for it");
        let hint = "write a tuple, or call a function that returns one";
        self.error(span, message, hint);
    }
}

/// The places that are not groups, from left to right.
fn flatten<'p, 't>(places: &'p [Place<'t>], leaves: &mut Vec<&'p Place<'t>>) {
    for place in places {
        match place {
            Place::Group(places) => flatten(places, leaves),
            Place::Name(_) | Place::Item(..) | Place::Attribute(..) | Place::Slice(..) => {
                leaves.push(place);
            }
        }
    }
}
