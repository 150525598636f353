//! What bodies leave to CPython: functions of `math` and `round(x, n)`, called on boxed arguments, their results unboxed. Every reference
//! is released on every path.

use super::super::runtime::boxed;
use super::int_name;
use super::lower::Lower;
use crate::frontend::lang::typed::{Expr, Ty};
use crate::ir::func::Value;
use crate::ir::op::IntCc;

impl Lower<'_, '_> {
    /// `math.name(...)`
    pub fn math_call(&mut self, name: &str, args: &[Expr], to: Ty) -> Value {
        let values: Vec<(Value, Ty)> = args.iter().map(|arg| (self.value(arg), arg.ty)).collect();
        self.math_on_values(name, &values, to)
    }

    /// `math.name(...)` on values.
    pub fn math_on_values(&mut self, name: &str, args: &[(Value, Ty)], to: Ty) -> Value {
        self.with_gil(|l| l.module_call(("math", name), args, to))
    }

    /// `round(x, digits)`
    pub fn round_digits(&mut self, x: &Expr, digits: &Expr) -> Value {
        let args = [(self.value(x), x.ty), (self.value(digits), digits.ty)];
        self.with_gil(|l| l.module_call(("builtins", "round"), &args, x.ty))
    }

    /// Calls a function of a standard module.
    fn module_call(&mut self, (module, name): (&str, &str), args: &[(Value, Ty)], to: Ty) -> Value {
        let function = boxed::module_attribute(self.ctx, self.b, module, name);
        self.check_object(function);
        let packed = self.owning(function, |l| l.packed(args));
        let none = self.b.iconst(0);
        let objects = [function, packed];
        let result = boxed::apply(self.ctx, self.b, "PyObject_Call", &objects, &[none]);
        let misfit = format!("result of '{name}' does not fit in {}", int_name(to));
        let misfit = self.ctx.c_string(self.b, &misfit);
        let (value, flag) = boxed::unboxed(self.ctx, self.b, to, result, misfit);
        self.check(flag);
        value
    }

    /// A new tuple of the boxed values.
    pub fn packed(&mut self, values: &[(Value, Ty)]) -> Value {
        let count = self.b.iconst(values.len() as i64);
        let tuple = self.ctx.call1(self.b, "PyTuple_New", &[count]);
        self.check_object(tuple);
        self.owning(tuple, |l| {
            for (at, &(value, ty)) in values.iter().enumerate() {
                let object = boxed::boxed(l.ctx, l.b, ty, value);
                l.check_object(object);
                let at = l.b.iconst(at as i64);
                // Takes over the reference, also where it fails.
                let status = l.ctx.call1(l.b, "PyTuple_SetItem", &[tuple, at, object]);
                let failed = l.b.icmp_imm(IntCc::Slt, status, 0);
                l.check(failed);
            }
        });
        tuple
    }
}
