//! Comparisons of strs: in come two objects that are strs or None, out comes whether they hold. Python compares, so that classes derived from str
//! are asked as everywhere.

use super::super::ctx::Ctx;
use super::call;
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::Value;
use crate::ir::op::IntCc;

/// 1 where `x op y` is true and 0 where it is not, by the code of the comparison in `object.h`; then whether it failed.
pub fn compare(ctx: &mut Ctx, b: &mut Builder, code: i64, x: Value, y: Value) -> (Value, Value) {
    let code = b.iconst(code);
    let shape: (&[_], &[_]) = (&[I64; 3], &[I64; 2]);
    let args = [x, y, code];
    let results = call(ctx, b, "str.compare", shape, &args, |ctx, b, params| {
        let failed = b.cold_block();
        let answer = ctx.call1(b, "PyObject_RichCompare", params);
        let is_null = b.icmp_imm(IntCc::Eq, answer, 0);
        b.exit_if(is_null, failed, &[]);
        let truth = ctx.call1(b, "PyObject_IsTrue", &[answer]);
        ctx.call(b, "Py_DecRef", &[answer]);
        let is_unsure = b.icmp_imm(IntCc::Slt, truth, 0);
        b.ret(&[truth, is_unsure]);
        b.seal_and_switch_to(failed);
        let [zero, one] = [0, 1].map(|value| b.iconst(value));
        b.ret(&[zero, one]);
    });
    (results[0], results[1])
}
