//! Values as objects: where an expression wants one, and for what bodies leave to CPython, functions of `math` and `round(x, n)`, called on
//! boxed arguments, their results unboxed. Every reference is released on every path. The functions are kept in the module's state.

use super::super::runtime::boxed;
use super::int_name;
use super::lower::Lower;
use super::operand::Operand;
use crate::frontend::lang::typed::{Expr, Ty, View, Whole};
use crate::ir::func::Value;
use crate::ir::op::Type;

impl Lower<'_, '_> {
    /// `math.name(...)`
    pub fn math_call(&mut self, name: &str, args: &[Expr], to: Ty) -> Value {
        let values: Vec<(Value, Ty)> = args.iter().map(|arg| (self.value(arg), arg.ty)).collect();
        self.module_call(("math", name), &values, to)
    }

    /// `round(x, digits)`
    pub fn round_digits(&mut self, x: &Expr, digits: &Expr) -> Value {
        let value = self.value(x);
        if x.ty != Ty::F64 && Self::const_int(digits).is_some_and(|digits| digits >= 0) {
            return value;
        }
        let args = [(value, x.ty), (self.value(digits), digits.ty)];
        self.module_call(("builtins", "round"), &args, x.ty)
    }

    /// Calls a function of a standard module.
    pub fn module_call(
        &mut self,
        (module, name): (&str, &str),
        args: &[(Value, Ty)],
        to: Ty,
    ) -> Value {
        let functions = &self.ctx.functions;
        let index = functions
            .iter()
            .position(|known| known.0 == module && known.1 == name)
            .unwrap_or_else(|| unreachable!("{module}.{name} is planned"));
        let self_ = self.world.self_;
        self.with_gil(|l| {
            let function = boxed::module_function(l.ctx, l.b, self_, index);
            l.check_object(function);
            let objects: Vec<Value> = args
                .iter()
                .map(|&(value, ty)| boxed::boxed(l.ctx, l.b, ty, value))
                .collect();
            let result = boxed::call_function(l.ctx, l.b, function, &objects);
            let misfit = format!("result of '{name}' does not fit in {}", int_name(to));
            let misfit = l.ctx.c_string(l.b, &misfit);
            let (value, flag) = boxed::unboxed(l.ctx, l.b, to, result, misfit);
            l.check(flag);
            value
        })
    }

    /// The object of a value: a new reference.
    pub fn object(&mut self, operand: Operand) -> Value {
        match operand.ty {
            Ty::None | Ty::Str { .. } | Ty::Object => self.own(operand).parts[0],
            Ty::View(view) => self.whole(operand, view),
            Ty::Complex => self.new_object("PyComplex_FromDoubles", &operand.parts),
            Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 => self.with_gil(|l| {
                let object = boxed::boxed(l.ctx, l.b, operand.ty, operand.parts[0]);
                l.check_object(object);
                object
            }),
        }
    }

    /// The object that a view is the whole of, or None.
    fn whole(&mut self, operand: Operand, view: View) -> Value {
        debug_assert!(
            matches!(view.whole, Whole::Bytes | Whole::ByteArray),
            "lang copies what is no object: {view:?}"
        );
        let object = self.own(operand).parts[2];
        if !view.nullable {
            return object;
        }
        let (join, result) = self.join(Type::I64);
        let absent = self.b.block_like_current();
        self.b.br(object, join, &[object], absent, &[]);
        self.b.seal_and_switch_to(absent);
        let none = self.none();
        let none = self.own(none).parts[0];
        self.b.jump(join, &[none]);
        self.b.seal_and_switch_to(join);
        result
    }

    /// A new tuple of an object, which it takes over.
    pub fn packed(&mut self, object: Value) -> Value {
        let count = self.b.iconst(1);
        let tuple = self.owning(object, |l| {
            let tuple = l.ctx.call1(l.b, "PyTuple_New", &[count]);
            l.check_object(tuple);
            tuple
        });
        let zero = self.b.iconst(0);
        // It cannot fail on a new tuple.
        self.ctx
            .call1(self.b, "PyTuple_SetItem", &[tuple, zero, object]);
        tuple
    }
}
