//! What bodies leave to CPython: functions of `math` and `round(x, n)`, called on boxed arguments, their results unboxed. Every reference
//! is released on every path. The functions are kept in the module's state.

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
