//! Operations on objects: operators, comparisons, attributes, items, calls, displays. In come expressions of which one at least is an object,
//! out come typed operations; what is no object yet is made one.
//!
//! What becomes of them at run time is CPython's business. Statements on objects are in `object_stmts`, conversions in `builtins`.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::check::Body;
use super::names::Named;
use super::ty::{Val, ty_name};
use super::typed::{CmpOp, Const, Expr, ExprKind, ObjectOp, Storage, Ty, View, Whole};
use crate::base::source::Span;
use crate::frontend::capi::classes;

/// Functions of `builtins` that are called on objects, and whether they answer by a bool.
pub static FUNCTIONS: &[(&str, bool)] = &[
    ("all", true),
    ("any", true),
    ("bin", false),
    ("callable", true),
    ("chr", false),
    ("delattr", false),
    ("dir", false),
    ("format", false),
    ("getattr", false),
    ("hasattr", true),
    ("hash", false),
    ("hex", false),
    ("id", false),
    ("issubclass", true),
    ("iter", false),
    ("next", false),
    ("oct", false),
    ("ord", false),
    ("print", false),
    ("setattr", false),
    ("sorted", false),
    ("sum", false),
];

/// Functions of `builtins` whose names stand for objects, beside those: they have operations of their own where they are called.
static NAMED: &[&str] = &[
    "abs",
    "ascii",
    "divmod",
    "isinstance",
    "len",
    "max",
    "min",
    "pow",
    "repr",
    "round",
];

/// Functions that give an object where one of their arguments is one.
static ARITHMETIC: &[&str] = &["abs", "divmod", "max", "min", "pow", "round"];

/// Functions and classes that go through the items of their first argument at once, and keep nothing else of it.
static ITERATING: &[&str] = &[
    "all",
    "any",
    "dict",
    "frozenset",
    "list",
    "set",
    "sorted",
    "sum",
    "tuple",
];

/// Whether a function of `builtins` is called on objects, and answers by a bool.
pub fn function(name: &str) -> Option<bool> {
    let row = FUNCTIONS.iter().find(|row| row.0 == name);
    row.map(|row| row.1)
}

/// Whether a chain of comparisons is one of objects.
pub fn of_objects(vals: &[Val], ops: &[CmpOp]) -> bool {
    vals.windows(2).zip(ops).any(|(pair, op)| {
        let is = |ty: Ty| pair[0].ty() == ty || pair[1].ty() == ty;
        is(Ty::Object) && (!is_identity(*op) || is(Ty::Bool))
    })
}

/// Whether values of the type have the operators, items and methods that they have in Python by being the objects that they are.
pub fn is_objectlike(ty: Ty) -> bool {
    match ty {
        Ty::Object | Ty::Str { .. } => true,
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::None | Ty::View(_) => false,
    }
}

fn is_identity(op: CmpOp) -> bool {
    matches!(op, CmpOp::Is | CmpOp::IsNot)
}

/// A value made by an operation.
pub fn made(op: ObjectOp, operands: Vec<Expr>, ty: Ty, span: Span) -> Val {
    Val::new(ExprKind::Object(op, operands), ty, span)
}

/// `None` as an object.
pub fn none(span: Span) -> Expr {
    let none = Val::new(ExprKind::Const(Const::None), Ty::None, span);
    none.wrap(ExprKind::Widen, Ty::Object).expr
}

impl Body<'_> {
    /// A value as an object that others may keep.
    pub fn object(&mut self, val: Val) -> Option<Expr> {
        self.coerce(val, Storage::Object, true, "an operand")
    }

    /// Says so where a bytearray whose memory is looked into would get into other hands, which could resize it.
    pub fn shares_bytearray(&mut self, val: &Val) -> bool {
        let array = matches!(
            val.ty(),
            Ty::View(View {
                whole: Whole::ByteArray,
                ..
            })
        );
        let fresh = matches!(
            val.expr.kind,
            ExprKind::Zeroes(_) | ExprKind::Copy(_) | ExprKind::Slice(..)
        );
        if array && !fresh {
            let hint = "pass `bytes(...)` of it, which copies, or return it";
            self.error(
                val.span(),
                "a bytearray that is used here is not passed on",
                hint,
            );
        }
        array && !fresh
    }

    /// An expression as an object; names of classes, exceptions and builtin functions stand for them.
    pub fn operand_object(&mut self, e: &ast::Expr) -> Option<Expr> {
        if let Syntax::Name(name) = &e.kind
            && let Some(op) = self.named_object(name, e)
        {
            return Some(made(op?, Vec::new(), Ty::Object, e.span).expr);
        }
        let val = self.expr(e)?;
        self.object(val)
    }

    /// The class, exception or function a name stands for. The inner `None` is something wrong that was said.
    fn named_object(&mut self, name: &str, e: &ast::Expr) -> Option<Option<ObjectOp>> {
        match self.lookup(name) {
            Named::Exception => Some(self.exception(e).map(ObjectOp::Exception)),
            Named::Type(_) | Named::Other => {
                if let Some(symbol) = classes::symbol(name) {
                    return Some(Some(ObjectOp::Class(symbol)));
                }
                let known = function(name).is_some() || NAMED.contains(&name);
                known.then(|| Some(ObjectOp::Builtin(name.to_owned())))
            }
            _ => None,
        }
    }

    /// An operation on values, which gives an object.
    pub fn operation_on(&mut self, op: ObjectOp, vals: Vec<Val>, span: Span) -> Option<Val> {
        let operands: Vec<_> = vals.into_iter().map(|val| self.object(val)).collect();
        let operands = operands.into_iter().collect::<Option<_>>()?;
        Some(made(op, operands, Ty::Object, span))
    }

    /// `-x`, `+x`, `~x`
    pub fn unary_object(&mut self, op: UnaryOp, val: Val, span: Span) -> Option<Val> {
        let op = match op {
            UnaryOp::Plus => ObjectOp::Positive,
            UnaryOp::Neg => ObjectOp::Negative,
            UnaryOp::Invert => ObjectOp::Invert,
            UnaryOp::Not => unreachable!("`not` asks for truth"),
        };
        self.operation_on(op, vec![val], span)
    }

    /// Whether an expression is an object as far as that can be seen from its form.
    pub fn is_object(&self, e: &ast::Expr) -> bool {
        match &e.kind {
            Syntax::IfElse(_, then, other) => self.is_object(then) || self.is_object(other),
            Syntax::And(sides) | Syntax::Or(sides) => sides.iter().any(|e| self.is_object(e)),
            Syntax::Compare(first, rest) => {
                let identity = rest.iter().all(|(op, _)| is_identity(*op));
                let mut sides = std::iter::once(&**first).chain(rest.iter().map(|(_, e)| e));
                !identity && sides.any(|e| self.is_object(e))
            }
            Syntax::Name(name) => match self.lookup(name) {
                Named::Local(id) => self.locals[id.index()].is_object(),
                _ => false,
            },
            Syntax::Attribute(base, ..) | Syntax::Subscript(base, _) => self.is_object(base),
            Syntax::Slice(base, ..) | Syntax::Stepped(base, _) => self.is_object(base),
            Syntax::Unary(_, inner) => self.is_object(inner),
            Syntax::Binary(_, left, right) => self.is_object(left) || self.is_object(right),
            Syntax::Call(call) => match &call.callee.kind {
                Syntax::Attribute(base, ..) => self.is_object(base),
                Syntax::Name(name) => match self.lookup(name) {
                    Named::Other if ARITHMETIC.contains(&name.as_str()) => {
                        call.args.iter().any(|arg| self.is_object(arg))
                    }
                    Named::Other => {
                        function(name) == Some(false) || classes::symbol(name).is_some()
                    }
                    Named::Exception => true,
                    _ => self.is_object(&call.callee),
                },
                _ => true,
            },
            Syntax::List(_) | Syntax::Tuple(_) | Syntax::Dict(_) | Syntax::Set(_) => true,
            _ => false,
        }
    }

    /// A chain of comparisons with objects in it.
    pub fn compare_objects(&mut self, vals: Vec<Val>, ops: &[CmpOp], span: Span) -> Option<Val> {
        for (pair, op) in vals.windows(2).zip(ops) {
            for val in pair.iter().filter(|_| is_identity(*op)) {
                if !matches!(val.ty(), Ty::Object | Ty::None | Ty::Bool) {
                    let name = ty_name(val.ty());
                    let message = format!("`is` compares objects, but this is {name}");
                    let hint = "write `==` or `!=`; a number is never None";
                    self.error(val.span(), message, hint);
                    return None;
                }
            }
        }
        let identity = ops.iter().all(|op| is_identity(*op));
        let exprs: Vec<_> = vals.into_iter().map(|val| self.object(val)).collect();
        let mut exprs = exprs.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        let first = Box::new(exprs.next().expect("a comparison has operands"));
        let rest = ops.iter().copied().zip(exprs).collect();
        let ty = if identity { Ty::Bool } else { Ty::Object };
        Some(Val::new(ExprKind::Compare { first, rest }, ty, span))
    }

    /// `value.name`
    pub fn attribute_of(&mut self, value: Val, name: &str, span: Span) -> Option<Val> {
        self.operation_on(ObjectOp::Attribute(name.to_owned()), vec![value], span)
    }

    /// `value[start:stop:step]` of an object.
    pub fn slice_of(
        &mut self,
        value: Val,
        bounds: [Option<&ast::Expr>; 3],
        span: Span,
    ) -> Option<Val> {
        let index = self.slice_index(bounds, span);
        let value = self.object(value);
        Some(made(ObjectOp::Item, vec![value?, index?], Ty::Object, span))
    }

    /// The object for `start:stop:step`.
    pub fn slice_index(&mut self, bounds: [Option<&ast::Expr>; 3], span: Span) -> Option<Expr> {
        let bounds = bounds.map(|bound| match bound {
            Some(bound) => self.operand_object(bound),
            None => Some(none(span)),
        });
        let bounds = bounds.into_iter().collect::<Option<Vec<_>>>()?;
        Some(made(ObjectOp::Slice, bounds, Ty::Object, span).expr)
    }

    /// `value[start:stop:step]`
    pub fn stepped(
        &mut self,
        value: &ast::Expr,
        bounds: &[Option<Box<ast::Expr>>; 3],
        span: Span,
    ) -> Option<Val> {
        let value = self.expr(value)?;
        let [start, stop, step] = bounds;
        let bounds = [start.as_deref(), stop.as_deref(), step.as_deref()];
        if is_objectlike(value.ty()) {
            return self.slice_of(value, bounds, span);
        }
        let hint = "write the loop: `for i in range(start, stop, step)`";
        let message = format!("{} has no slice with a step here", ty_name(value.ty()));
        self.error(span, message, hint);
        None
    }

    /// `(a, b)`, `[a, b]`, `{a, b}`
    pub fn display(&mut self, op: ObjectOp, items: &[ast::Expr], span: Span) -> Option<Val> {
        let items = self.operand_objects(items)?;
        Some(made(op, items, Ty::Object, span))
    }

    /// `{a: b}`
    pub fn dict_display(&mut self, items: &[(ast::Expr, ast::Expr)], span: Span) -> Option<Val> {
        let flat = items.iter().flat_map(|(key, value)| [key, value]);
        let items = self.operand_objects(flat)?;
        Some(made(ObjectOp::Dict, items, Ty::Object, span))
    }

    fn operand_objects<'e>(
        &mut self,
        items: impl IntoIterator<Item = &'e ast::Expr>,
    ) -> Option<Vec<Expr>> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| self.operand_object(item))
            .collect();
        items.into_iter().collect()
    }

    /// The arguments of a call of an object, and the names of those by keyword.
    fn object_arguments(
        &mut self,
        call: &ast::Call,
        iterables: usize,
    ) -> Option<(Vec<Expr>, Vec<String>)> {
        let mut names: Vec<String> = Vec::new();
        let mut good = true;
        for (name, _) in &call.keywords {
            if names.contains(&name.text) {
                let message = format!("`{}` is given twice", name.text);
                self.error(name.span, message, "leave one of them out");
                good = false;
            }
            names.push(name.text.clone());
        }
        let keywords = call.keywords.iter().map(|(_, value)| value);
        let values: Vec<_> = (call.args.iter().chain(keywords))
            .enumerate()
            .map(|(at, value)| match at < iterables {
                true => self.iterable(value),
                false => self.operand_object(value),
            })
            .collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        good.then_some((values, names))
    }

    /// `callee(...)` of something that goes through the items of its first arguments: those of a view are put into a list.
    pub fn call_with_items(
        &mut self,
        callee: Expr,
        call: &ast::Call,
        iterables: usize,
        span: Span,
    ) -> Option<Val> {
        let iterables = iterables.min(call.args.len());
        let (args, names) = self.object_arguments(call, iterables)?;
        let operands = std::iter::once(callee).chain(args).collect();
        Some(made(ObjectOp::Call(names), operands, Ty::Object, span))
    }

    /// A call of something in `builtins` on values that are there already.
    pub fn call_of(
        &mut self,
        name: &str,
        call: &ast::Call,
        vals: Vec<Val>,
        span: Span,
    ) -> Option<Val> {
        let op = match classes::symbol(name) {
            Some(symbol) => ObjectOp::Class(symbol),
            None => ObjectOp::Builtin(name.to_owned()),
        };
        let callee = made(op, Vec::new(), Ty::Object, call.callee.span).expr;
        self.call_values(callee, vals, span)
    }

    /// `callee(...)` of values that are there already.
    pub fn call_values(&mut self, callee: Expr, vals: Vec<Val>, span: Span) -> Option<Val> {
        let mut operands = vec![Some(callee)];
        operands.extend(vals.into_iter().map(|val| self.object(val)));
        let operands = operands.into_iter().collect::<Option<_>>()?;
        Some(made(ObjectOp::Call(Vec::new()), operands, Ty::Object, span))
    }

    /// An expression as an object that can be iterated over.
    fn iterable(&mut self, e: &ast::Expr) -> Option<Expr> {
        if let Syntax::Name(name) = &e.kind
            && let Some(op) = self.named_object(name, e)
        {
            return Some(made(op?, Vec::new(), Ty::Object, e.span).expr);
        }
        let val = self.expr(e)?;
        match val.ty() {
            Ty::View(view) if !matches!(view.whole, Whole::Bytes | Whole::Slice) => {
                Some(val.present().wrap(ExprKind::Listed, Ty::Object).expr)
            }
            _ => self.object(val),
        }
    }

    /// `callee(...)`
    pub fn call_object(&mut self, callee: Expr, call: &ast::Call, span: Span) -> Option<Val> {
        let (args, names) = self.object_arguments(call, 0)?;
        let operands = std::iter::once(callee).chain(args).collect();
        Some(made(ObjectOp::Call(names), operands, Ty::Object, span))
    }

    /// `value.name(...)`
    pub fn call_method(
        &mut self,
        value: Val,
        name: &str,
        call: &ast::Call,
        span: Span,
    ) -> Option<Val> {
        let value = self.object(value);
        let (args, names) = self.object_arguments(call, 0)?;
        let operands = std::iter::once(value?).chain(args).collect();
        let op = ObjectOp::Method(name.to_owned(), names);
        Some(made(op, operands, Ty::Object, span))
    }

    /// A call of something in `builtins`, as such.
    pub fn call_builtin(&mut self, name: &str, call: &ast::Call, span: Span) -> Option<Val> {
        let op = match classes::symbol(name) {
            Some(symbol) => ObjectOp::Class(symbol),
            None => ObjectOp::Builtin(name.to_owned()),
        };
        let callee = made(op, Vec::new(), Ty::Object, call.callee.span).expr;
        let iterables = match name {
            // Of several arguments, they choose one.
            "min" | "max" => usize::from(call.args.len() == 1),
            _ => usize::from(ITERATING.contains(&name)),
        };
        let answer = self.call_with_items(callee, call, iterables, span)?;
        Some(match function(name) {
            Some(true) => answer.wrap(ExprKind::Truth, Ty::Bool),
            _ => answer,
        })
    }

    /// `isinstance(x, classes)`
    pub fn isinstance(&mut self, call: &ast::Call, span: Span) -> Option<Val> {
        let ([value, class], []) = (call.args.as_slice(), call.keywords.as_slice()) else {
            drop(self.object_arguments(call, 0));
            let hint = "write a value and a class: `isinstance(x, int)`";
            self.error(span, "`isinstance` takes 2 arguments", hint);
            return None;
        };
        let (value, class) = (self.operand_object(value), self.operand_object(class));
        let operands = vec![value?, class?];
        Some(made(ObjectOp::IsInstance, operands, Ty::Bool, span))
    }

    /// `needle in haystack`, of an object.
    pub fn contains_object(&mut self, needle: Val, haystack: Val, span: Span) -> Option<Val> {
        let (needle, haystack) = (self.object(needle), self.object(haystack));
        let operands = vec![needle?, haystack?];
        Some(made(ObjectOp::Contains, operands, Ty::Bool, span))
    }
}
