//! Comparisons of strs: in come two objects that are strs or None, out comes their order. What is compared is their text: methods of subclasses
//! are not asked, as `len` does not ask them.

use super::super::ctx::Ctx;
use super::call;
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::Value;
use crate::ir::op::IntCc;

/// -1, 0 or 1 as the first is less than, equal to or greater than the second, and 1 where one of them only is None; then whether it failed,
/// which it can where versions before 3.12 make a str's final form late.
pub fn compare(ctx: &mut Ctx, b: &mut Builder, x: Value, y: Value) -> (Value, Value) {
    let shape: (&[_], &[_]) = (&[I64; 2], &[I64; 2]);
    let results = call(ctx, b, "str.compare", shape, &[x, y], |ctx, b, params| {
        let [x, y] = *params else {
            unreachable!("two parameters")
        };
        let (same, unequal, unsure) = (b.block(), b.cold_block(), b.cold_block());
        let [zero, one] = [0, 1].map(|value| b.iconst(value));
        let is_same = b.icmp(IntCc::Eq, x, y);
        b.exit_if(is_same, same, &[]);
        let none = ctx.object(b, "_Py_NoneStruct");
        for side in [x, y] {
            let is_none = b.icmp(IntCc::Eq, side, none);
            b.exit_if(is_none, unequal, &[]);
        }
        let order = ctx.call1(b, "PyUnicode_Compare", &[x, y]);
        let is_less = b.icmp_imm(IntCc::Slt, order, 0);
        b.exit_if(is_less, unsure, &[]);
        b.ret(&[order, zero]);
        b.seal_and_switch_to(same);
        b.ret(&[zero, zero]);
        b.seal_and_switch_to(unequal);
        b.ret(&[one, zero]);
        b.seal_and_switch_to(unsure);
        let error = ctx.call1(b, "PyErr_Occurred", &[]);
        let failed = b.icmp_imm(IntCc::Ne, error, 0);
        b.ret(&[order, failed]);
    });
    (results[0], results[1])
}
