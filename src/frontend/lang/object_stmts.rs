//! Statements on objects: what is assigned to and deleted, `raise` of objects, `try`. Syntax comes in, typed statements go out.

use super::assign::Place;
use super::ast::{self, ExprKind as Syntax};
use super::check::{Body, placeholder};
use super::names::Named;
use super::objects::made;
use super::ty::{Val, ty_name};
use super::typed::{
    Exception, Expr, ExprKind, Handler, LocalId, ObjectOp, Stmt, StmtKind, Storage, Try, Ty,
};
use crate::base::source::Span;

impl Body<'_> {
    /// The object of `object.name = ...` or `del object.name`.
    fn owner(&mut self, object: &ast::Expr, what: &str) -> Option<Expr> {
        let val = self.expr(object)?;
        if val.ty() == Ty::Object {
            return Some(val.expr);
        }
        let message = format!("{what} wants an object, but this is {}", ty_name(val.ty()));
        let hint = match val.ty() {
            Ty::View(_) => "write the items one by one: `for i in range(...): v[i] = x`",
            _ => "only objects have attributes that change",
        };
        self.error(val.span(), message, hint);
        None
    }

    /// Whether an expression that was looked at is an object; says so if not.
    pub fn has_attributes(&mut self, e: &ast::Expr) -> bool {
        self.is_object(e) || self.owner(e, "assignment to an attribute").is_some()
    }

    /// `object.name = val`
    pub fn set_attribute(
        &mut self,
        object: &ast::Expr,
        name: &str,
        val: Option<Val>,
    ) -> Option<StmtKind> {
        let object = self.owner(object, "assignment to an attribute");
        let value = self.object(val?)?;
        Some(StmtKind::SetAttribute {
            object: object?,
            name: name.to_owned(),
            value,
        })
    }

    /// `object[start:stop:step] = val`
    pub fn set_slice(
        &mut self,
        object: &ast::Expr,
        bounds: [Option<&ast::Expr>; 3],
        val: Option<Val>,
        span: Span,
    ) -> Option<StmtKind> {
        let object = self.owner(object, "assignment to a slice");
        let index = self.slice_index(bounds, span);
        let value = self.object(val?)?;
        Some(StmtKind::SetItem {
            object: object?,
            index: index?,
            value,
        })
    }

    /// `del a, b[i], c.d`
    pub fn delete(&mut self, targets: &[ast::Expr], span: Span, out: &mut Vec<Stmt>) {
        for target in targets {
            let kind = match &target.kind {
                Syntax::Name(name) => {
                    let id = self.names[name];
                    let known = self.type_of(id, target.span);
                    known.map(|_| StmtKind::Delete(id, false))
                }
                Syntax::Tuple(items) | Syntax::List(items) => {
                    self.delete(items, span, out);
                    None
                }
                Syntax::Attribute(object, name, _) => self
                    .owner(object, "`del` of an attribute")
                    .map(|object| StmtKind::DelAttribute(object, name.clone())),
                Syntax::Subscript(object, index) => {
                    let object = self.owner(object, "`del` of an item");
                    let index = self.operand_object(index);
                    object
                        .zip(index)
                        .map(|(object, index)| StmtKind::DelItem(object, index))
                }
                Syntax::Slice(object, start, stop) => {
                    let bounds = [start.as_deref(), stop.as_deref(), None];
                    self.delete_slice(object, bounds, target.span)
                }
                Syntax::Stepped(object, [start, stop, step]) => {
                    let bounds = [start.as_deref(), stop.as_deref(), step.as_deref()];
                    self.delete_slice(object, bounds, target.span)
                }
                Syntax::Wrong => None,
                _ => {
                    let hint = "write a name, an item or an attribute";
                    self.error(target.span, "this cannot be deleted", hint);
                    None
                }
            };
            out.extend(kind.map(|kind| Stmt { kind, span }));
        }
    }

    fn delete_slice(
        &mut self,
        object: &ast::Expr,
        bounds: [Option<&ast::Expr>; 3],
        span: Span,
    ) -> Option<StmtKind> {
        let object = self.owner(object, "`del` of a slice");
        let index = self.slice_index(bounds, span);
        Some(StmtKind::DelItem(object?, index?))
    }

    /// `a, b = value`, of an object.
    pub fn unpack_object(&mut self, places: &[Place], value: Val, span: Span, out: &mut Vec<Stmt>) {
        let place = value.span();
        let mut targets: Vec<LocalId> = Vec::new();
        let mut later: Vec<(usize, LocalId)> = Vec::new();
        for (at, target) in places.iter().enumerate() {
            let own = match target {
                Place::Name(name) => {
                    let id = self.names[*name];
                    (self.settle(id, Ty::Object) == Storage::Object).then_some(id)
                }
                _ => None,
            };
            // The same name twice takes the last item: through temporaries, which are stored in order.
            let own = own.filter(|id| !targets.contains(id));
            targets.push(own.unwrap_or_else(|| {
                let id = self.temporary(Storage::Object);
                later.push((at, id));
                id
            }));
        }
        let kind = StmtKind::UnpackObject {
            targets,
            value: value.expr,
        };
        out.push(Stmt { kind, span });
        for (at, id) in later {
            let read = ExprKind::Local {
                local: id,
                checked: false,
            };
            let val = Val::stored(read, Storage::Object, place);
            self.put(&places[at], Some(val), span, out);
            let kind = StmtKind::Delete(id, false);
            out.push(Stmt { kind, span });
        }
    }

    /// `raise exception from cause`, of anything but a class by its name with one argument at most.
    pub fn raise_object(&mut self, exception: &ast::Expr, cause: Option<&ast::Expr>) -> StmtKind {
        let exception = self.raised(exception);
        let cause = cause.map(|cause| self.operand_object(cause));
        let wrong = || placeholder(self.function.span);
        match (exception, cause) {
            (Some(exception), None) => StmtKind::RaiseObject(exception, None),
            (Some(exception), Some(Some(cause))) => StmtKind::RaiseObject(exception, Some(cause)),
            // After a mistake: what counts is that the flow of control ends here.
            (None, _) | (_, Some(None)) => StmtKind::RaiseObject(wrong(), None),
        }
    }

    fn raised(&mut self, exception: &ast::Expr) -> Option<Expr> {
        if let Syntax::Name(name) = &exception.kind
            && let Named::Other | Named::Type(_) = self.lookup(name)
        {
            // It says that this is no exception.
            let class = self.exception(exception)?;
            let op = ObjectOp::Exception(class);
            return Some(made(op, Vec::new(), Ty::Object, exception.span).expr);
        }
        if let Syntax::Name(_) = &exception.kind {
            return self.operand_object(exception);
        }
        let val = self.expr(exception)?;
        if val.ty() != Ty::Object {
            let message = format!("this is {}, no exception", ty_name(val.ty()));
            let hint = "name a builtin exception, or one from `[[exceptions]]`";
            self.error(val.span(), message, hint);
            return None;
        }
        Some(val.expr)
    }

    /// `try`
    pub fn try_(&mut self, inner: &ast::Try) -> StmtKind {
        let body = self.block(&inner.body, false);
        let mut handlers = Vec::new();
        for (at, handler) in inner.handlers.iter().enumerate() {
            let classes = match &handler.class {
                Some(class) => Some(self.handled(class)),
                None => {
                    if at + 1 < inner.handlers.len() {
                        let hint = "move it below the others";
                        let place = handler.body.first().map_or(self.function.span, |s| s.span);
                        self.error(place, "an `except:` for everything comes last", hint);
                    }
                    None
                }
            };
            let name = handler.name.as_ref().and_then(|name| {
                let id = self.names[&name.text];
                if self.settle(id, Ty::Object) == Storage::Object {
                    return Some(id);
                }
                let storage = self.locals[id.index()].storage.expect("it is settled");
                let subject = format!("`{}`", name.text);
                self.mismatch(name.span, Ty::Object, storage, &subject);
                None
            });
            handlers.push(Handler {
                classes,
                name,
                body: self.block(&handler.body, false),
            });
        }
        let orelse = self.block(&inner.orelse, false);
        let finally = self.block(&inner.finally, false);
        StmtKind::Try(Box::new(Try {
            body,
            handlers,
            orelse,
            finally,
        }))
    }

    /// The classes an `except` names: one, or a tuple of them, in which Python wants no tuples.
    fn handled(&mut self, class: &ast::Expr) -> Vec<Exception> {
        let classes = match &class.kind {
            Syntax::Tuple(items) => items.as_slice(),
            _ => std::slice::from_ref(class),
        };
        let known = classes.iter().filter_map(|class| self.exception(class));
        known.collect()
    }
}
