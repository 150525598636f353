//! Arithmetic that is too long to repeat at each use. Results are CPython's.

use super::super::ctx::Ctx;
use super::{boxed, call};
use crate::frontend::lang::typed::{Rule, Ty};
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::{F64, I64};
use crate::ir::func::Value;
use crate::ir::op::{FloatCc, IntCc, Op, Type};

/// Bits of positive infinity.
const INFINITY: i64 = 0x7ff0_0000_0000_0000;
/// The implicit leading bit of a significand.
const HIDDEN: i64 = 1 << 52;

/// C's `fmod(x, y)`, exact, for `y` other than 0: the remainder of the quotient rounded towards zero, with the sign of `x`.
pub fn fmod(ctx: &mut Ctx, b: &mut Builder, x: Value, y: Value) -> Value {
    call(
        ctx,
        b,
        "fmod",
        (&[F64, F64], &[F64]),
        &[x, y],
        |_, b, params| {
            let (x, y) = (params[0], params[1]);
            let abs_x = b.op(Op::Fabs, &[x]);
            let abs_y = b.op(Op::Fabs, &[y]);
            let ax = b.op(Op::FtoBits, &[abs_x]);
            let ay = b.op(Op::FtoBits, &[abs_y]);
            let (special, unchanged) = (b.cold_block(), b.block());
            let infinity = b.iconst(INFINITY);
            let bad_x = b.icmp(IntCc::Uge, ax, infinity);
            b.exit_if(bad_x, special, &[]);
            let bad_y = b.icmp(IntCc::Ugt, ay, infinity);
            b.exit_if(bad_y, special, &[]);
            let smaller = b.icmp(IntCc::Ult, ax, ay);
            b.exit_if(smaller, unchanged, &[]);
            let rest = fmod_of_magnitudes(b, ax, ay);
            let rest = b.op(Op::FfromBits, &[rest]);
            let rest = b.op(Op::Fcopysign, &[rest, x]);
            b.ret(&[rest]);
            b.seal_and_switch_to(unchanged);
            b.ret(&[x]);
            // A NaN operand, or an infinite dividend: NaN.
            b.seal_and_switch_to(special);
            let product = b.op(Op::Fmul, &[x, y]);
            let nan = b.op(Op::Fdiv, &[product, product]);
            b.ret(&[nan]);
        },
    )[0]
}

/// Remainder of two finite positive doubles given by their bits, `ax >= ay > 0`: long division of the significands, as many bits at a time
/// as an integer division takes.
fn fmod_of_magnitudes(b: &mut Builder, ax: Value, ay: Value) -> Value {
    let (mx, ex) = significand(b, ax);
    let (my, ey) = significand(b, ay);
    let (head, done) = (b.block(), b.block());
    let rest = b.param(head, Type::I64);
    let bits = b.param(head, Type::I64);
    let result = b.param(done, Type::I64);
    let first = b.op(Op::Urem, &[mx, my]);
    let distance = b.op(Op::Isub, &[ex, ey]);
    b.jump(head, &[first, distance]);
    b.switch_to(head);
    let finished = b.icmp_imm(IntCc::Eq, bits, 0);
    b.exit_if(finished, done, &[rest]);
    // A significand has at most 53 bits, so 11 more fit.
    let most = b.iconst(11);
    let few = b.icmp(IntCc::Slt, bits, most);
    let step = b.op(Op::Select, &[few, bits, most]);
    let shifted = b.op(Op::Ishl, &[rest, step]);
    let next = b.op(Op::Urem, &[shifted, my]);
    let left = b.op(Op::Isub, &[bits, step]);
    b.jump(head, &[next, left]);
    b.seal(head);
    b.seal_and_switch_to(done);
    assemble(b, result, ey)
}

/// Significand with its leading bit at position 52, and biased exponent (below 1 for a subnormal), of a finite positive double.
fn significand(b: &mut Builder, bits: Value) -> (Value, Value) {
    let (normal, subnormal, done) = (b.block(), b.cold_block(), b.block());
    let m = b.param(done, Type::I64);
    let e = b.param(done, Type::I64);
    let c52 = b.iconst(52);
    let hidden = b.iconst(HIDDEN);
    let exponent = b.op(Op::Ushr, &[bits, c52]);
    b.br(exponent, normal, &[], subnormal, &[]);
    b.seal_and_switch_to(normal);
    let mask = b.iconst(HIDDEN - 1);
    let fraction = b.op(Op::Band, &[bits, mask]);
    let full = b.op(Op::Bor, &[fraction, hidden]);
    b.jump(done, &[full, exponent]);
    b.seal_and_switch_to(subnormal);
    let (shifted, shift) = normalized(b, bits);
    let one = b.iconst(1);
    let below = b.op(Op::Isub, &[one, shift]);
    b.jump(done, &[shifted, below]);
    b.seal_and_switch_to(done);
    (m, e)
}

/// A value below 2^53, not 0, shifted so that its leading bit is at position 52; and by how much.
fn normalized(b: &mut Builder, value: Value) -> (Value, Value) {
    let zeros = b.op(Op::Clz, &[value]);
    let eleven = b.iconst(11);
    let shift = b.op(Op::Isub, &[zeros, eleven]);
    (b.op(Op::Ishl, &[value, shift]), shift)
}

/// Bits of the double with significand `m` (below 2^53, perhaps 0) at biased exponent `e`; it is known to be representable.
fn assemble(b: &mut Builder, m: Value, e: Value) -> Value {
    let (done, nonzero, normal, subnormal) = (b.block(), b.block(), b.block(), b.cold_block());
    let result = b.param(done, Type::I64);
    b.br(m, nonzero, &[], done, &[m]);
    b.seal_and_switch_to(nonzero);
    let (m, shift) = normalized(b, m);
    let e = b.op(Op::Isub, &[e, shift]);
    let is_normal = b.icmp_imm(IntCc::Sgt, e, 0);
    b.br(is_normal, normal, &[], subnormal, &[]);
    b.seal_and_switch_to(normal);
    let c52 = b.iconst(52);
    let hidden = b.iconst(HIDDEN);
    let exponent = b.op(Op::Ishl, &[e, c52]);
    let fraction = b.op(Op::Isub, &[m, hidden]);
    let bits = b.op(Op::Bor, &[exponent, fraction]);
    b.jump(done, &[bits]);
    b.seal_and_switch_to(subnormal);
    let one = b.iconst(1);
    let excess = b.op(Op::Isub, &[one, e]);
    let bits = b.op(Op::Ushr, &[m, excess]);
    b.jump(done, &[bits]);
    b.seal_and_switch_to(done);
    result
}

/// `base ** exponent` of an integer type for an exponent taken as unsigned, and 1 where it does not fit (`Rule::Wrap`: never).
pub fn int_pow(
    ctx: &mut Ctx,
    b: &mut Builder,
    (ty, rule): (Ty, Rule),
    base: Value,
    exponent: Value,
) -> (Value, Value) {
    let (name, mul) = match (rule, ty) {
        (Rule::Wrap, _) => ("pow.wrap", None),
        (Rule::Raise, Ty::U64) => ("pow.u64", Some(Op::UmulOvf)),
        (Rule::Raise, _) => ("pow.i64", Some(Op::SmulOvf)),
    };
    let shape: (&[_], &[_]) = (&[I64, I64], &[I64, I64]);
    let results = call(ctx, b, name, shape, &[base, exponent], |_, b, params| {
        let overflows = b.cold_block();
        let (head, multiply, square, done) = (b.block(), b.block(), b.block(), b.block());
        let result = b.param(head, Type::I64);
        let power = b.param(head, Type::I64);
        let left = b.param(head, Type::I64);
        let squared_result = b.param(square, Type::I64);
        let product = |b: &mut Builder, x, y| match mul {
            None => b.op(Op::Imul, &[x, y]),
            Some(op) => {
                let (product, overflow) = b.op_ovf(op, x, y);
                b.exit_if(overflow, overflows, &[]);
                product
            }
        };
        let zero = b.iconst(0);
        let one = b.iconst(1);
        // Squares of -1, 0 and 1 stay there however long the exponent; of others 63 are too many.
        b.jump(head, &[one, params[0], params[1]]);
        b.switch_to(head);
        let odd = b.op(Op::Band, &[left, one]);
        b.br(odd, multiply, &[], square, &[result]);
        b.seal_and_switch_to(multiply);
        let times = product(b, result, power);
        b.jump(square, &[times]);
        b.seal_and_switch_to(square);
        let rest = b.op(Op::Ushr, &[left, one]);
        let more = b.block();
        b.br(rest, more, &[], done, &[]);
        // The square is needed: a higher bit of the exponent is set. So its overflow is the result's.
        b.seal_and_switch_to(more);
        let next = product(b, power, power);
        b.jump(head, &[squared_result, next, rest]);
        b.seal(head);
        b.seal_and_switch_to(done);
        b.ret(&[squared_result, zero]);
        b.seal(overflows);
        b.switch_to(overflows);
        b.ret(&[zero, one]);
    });
    (results[0], results[1])
}

/// `pow(a, e, m)`, and a flag. Quick where the exponent is not negative and `m` is from 1 to 2^32; else CPython's own.
pub fn pow_mod(
    ctx: &mut Ctx,
    b: &mut Builder,
    ty: Ty,
    [base, exponent, modulus]: [Value; 3],
) -> (Value, Value) {
    let name = if ty == Ty::U64 {
        "powmod.u64"
    } else {
        "powmod.i64"
    };
    let shape: (&[_], &[_]) = (&[I64, I64, I64], &[I64, I64]);
    let args = [base, exponent, modulus];
    let results = call(ctx, b, name, shape, &args, |ctx, b, params| {
        let slow = b.cold_block();
        let one = b.iconst(1);
        let below = b.op(Op::Isub, &[params[2], one]);
        let large = b.icmp_imm(IntCc::Uge, below, 1 << 32);
        b.exit_if(large, slow, &[]);
        if ty == Ty::I64 {
            let negative = b.icmp_imm(IntCc::Slt, params[1], 0);
            b.exit_if(negative, slow, &[]);
        }
        let result = pow_mod_small(b, ty, params);
        let zero = b.iconst(0);
        b.ret(&[result, zero]);
        b.seal_and_switch_to(slow);
        let objects = [0, 1, 2].map(|at| boxed::boxed(ctx, b, ty, params[at]));
        let object = boxed::apply(ctx, b, "PyNumber_Power", &objects, &[]);
        let misfit = ctx.c_string(b, "result of 'pow' does not fit");
        let (value, flag) = boxed::unboxed(ctx, b, ty, object, misfit);
        b.ret(&[value, flag]);
    });
    (results[0], results[1])
}

/// Square and multiply; all products of residues fit in 64 bits.
fn pow_mod_small(b: &mut Builder, ty: Ty, params: &[Value]) -> Value {
    let modulus = params[2];
    let start = if ty == Ty::U64 {
        b.op(Op::Urem, &[params[0], modulus])
    } else {
        // The divisor is positive.
        let rest = b.op(Op::Srem, &[params[0], modulus]);
        let c63 = b.iconst(63);
        let sign = b.op(Op::Sshr, &[rest, c63]);
        let add = b.op(Op::Band, &[sign, modulus]);
        b.op(Op::Iadd, &[rest, add])
    };
    let (head, body, multiply, square, done) =
        (b.block(), b.block(), b.block(), b.block(), b.block());
    let result = b.param(head, Type::I64);
    let power = b.param(head, Type::I64);
    let left = b.param(head, Type::I64);
    let product = b.param(square, Type::I64);
    let one = b.iconst(1);
    let first = b.op(Op::Urem, &[one, modulus]);
    b.jump(head, &[first, start, params[1]]);
    b.switch_to(head);
    b.br(left, body, &[], done, &[]);
    b.seal_and_switch_to(body);
    let odd = b.op(Op::Band, &[left, one]);
    b.br(odd, multiply, &[], square, &[result]);
    b.seal_and_switch_to(multiply);
    let times = b.op(Op::Imul, &[result, power]);
    let times = b.op(Op::Urem, &[times, modulus]);
    b.jump(square, &[times]);
    b.seal_and_switch_to(square);
    let squared = b.op(Op::Imul, &[power, power]);
    let squared = b.op(Op::Urem, &[squared, modulus]);
    let rest = b.op(Op::Ushr, &[left, one]);
    b.jump(head, &[product, squared, rest]);
    b.seal(head);
    b.seal_and_switch_to(done);
    result
}

/// `a / b` of integers that a double may not hold exactly, by CPython; and a flag. `b` is not 0.
pub fn true_div(
    ctx: &mut Ctx,
    b: &mut Builder,
    ty: Ty,
    left: Value,
    right: Value,
) -> (Value, Value) {
    let name = if ty == Ty::U64 {
        "truediv.u64"
    } else {
        "truediv.i64"
    };
    boxed_binary(
        ctx,
        b,
        name,
        ("PyNumber_TrueDivide", false),
        ty,
        (left, right),
    )
}

/// `a ** b` of floats, by CPython; and a flag. A complex result is a ValueError.
pub fn float_pow(ctx: &mut Ctx, b: &mut Builder, left: Value, right: Value) -> (Value, Value) {
    boxed_binary(
        ctx,
        b,
        "pow.f64",
        ("PyNumber_Power", true),
        Ty::F64,
        (left, right),
    )
}

fn boxed_binary(
    ctx: &mut Ctx,
    b: &mut Builder,
    name: &str,
    (api, power): (&str, bool),
    ty: Ty,
    (left, right): (Value, Value),
) -> (Value, Value) {
    let abi = if ty == Ty::F64 { F64 } else { I64 };
    let shape: (&[_], &[_]) = (&[abi, abi], &[F64, I64]);
    let results = call(ctx, b, name, shape, &[left, right], |ctx, b, params| {
        let objects = [0, 1].map(|at| boxed::boxed(ctx, b, ty, params[at]));
        let none = power.then(|| ctx.object(b, "_Py_NoneStruct"));
        let object = boxed::apply(ctx, b, api, &objects, none.as_slice());
        let misfit = ctx.c_string(b, "result of '**' is complex");
        let (value, flag) = boxed::unboxed(ctx, b, Ty::F64, object, misfit);
        b.ret(&[value, flag]);
    });
    (results[0], results[1])
}

/// Compares an integer with a float exactly: -1, 0 or 1 for less, equal, greater, and 2 where the float is a NaN.
pub fn compare_int_float(
    ctx: &mut Ctx,
    b: &mut Builder,
    ty: Ty,
    int: Value,
    float: Value,
) -> Value {
    let unsigned = ty == Ty::U64;
    let name = if unsigned {
        "compare.u64"
    } else {
        "compare.i64"
    };
    call(
        ctx,
        b,
        name,
        (&[I64, F64], &[I64]),
        &[int, float],
        |_, b, params| {
            let (less, greater, nan) = (b.block(), b.block(), b.cold_block());
            // Rounding is monotonic: where the rounded integer differs from the float, so does the integer, in the same direction.
            let from = if unsigned { Op::FfromU } else { Op::FfromS };
            let rounded = b.op(from, &[params[0]]);
            let lt = b.fcmp(FloatCc::Lt, rounded, params[1]);
            b.exit_if(lt, less, &[]);
            let gt = b.fcmp(FloatCc::Gt, rounded, params[1]);
            b.exit_if(gt, greater, &[]);
            let eq = b.fcmp(FloatCc::Eq, rounded, params[1]);
            b.exit_unless(eq, nan, &[]);
            // They are equal, so the float is an integer between the type's least value and 2^63 (2^64), which only rounding up reaches.
            let limit = b.fconst(if unsigned {
                2f64.powi(64)
            } else {
                2f64.powi(63)
            });
            let beyond = b.fcmp(FloatCc::Ge, params[1], limit);
            b.exit_if(beyond, less, &[]);
            let to = if unsigned { Op::FtoU } else { Op::FtoS };
            let exact = b.op(to, &[params[1]]);
            let (lt, gt) = if unsigned {
                (IntCc::Ult, IntCc::Ugt)
            } else {
                (IntCc::Slt, IntCc::Sgt)
            };
            let lt = b.icmp(lt, params[0], exact);
            let gt = b.icmp(gt, params[0], exact);
            let order = b.op(Op::Isub, &[gt, lt]);
            b.ret(&[order]);
            for (block, order) in [(less, -1), (greater, 1), (nan, 2)] {
                b.seal_and_switch_to(block);
                let order = b.iconst(order);
                b.ret(&[order]);
            }
        },
    )[0]
}
