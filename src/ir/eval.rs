//! What pure operations compute, on bits: the meaning of the rows of [`super::op`], in Rust.
//!
//! In come operation, immediate and operands, out come the results, or the precondition that the operands violate. Memory, addresses and
//! calls are the interpreter's. Floats travel as their bits; the sign and payload of a computed NaN are those of the host, so
//! nothing may depend on them.

use smallvec::{SmallVec, smallvec};

use super::func::Payload;
use super::op::{FloatCc, IntCc, Op};

/// Results of an operation, as bits.
pub type Bits = SmallVec<[u64; 2]>;

/// Whether an integer comparison holds.
pub fn int_cc(cc: IntCc, a: u64, b: u64) -> bool {
    let (s, t) = (a as i64, b as i64);
    match cc {
        IntCc::Eq => a == b,
        IntCc::Ne => a != b,
        IntCc::Slt => s < t,
        IntCc::Sle => s <= t,
        IntCc::Sgt => s > t,
        IntCc::Sge => s >= t,
        IntCc::Ult => a < b,
        IntCc::Ule => a <= b,
        IntCc::Ugt => a > b,
        IntCc::Uge => a >= b,
    }
}

/// Whether a float comparison holds.
pub fn float_cc(cc: FloatCc, a: f64, b: f64) -> bool {
    match cc {
        FloatCc::Eq => a == b,
        FloatCc::Ne => a != b,
        FloatCc::Lt => a < b,
        FloatCc::Le => a <= b,
        FloatCc::Gt => a > b,
        FloatCc::Ge => a >= b,
    }
}

/// The results of a pure operation that needs no addresses; `Err` says which precondition of its row is violated, or that it is not
/// such an operation.
pub fn eval(op: Op, payload: Payload, args: &[u64]) -> Result<Bits, &'static str> {
    let a = args.first().copied().unwrap_or(0);
    let b = args.get(1).copied().unwrap_or(0);
    let c = args.get(2).copied().unwrap_or(0);
    let (s, t) = (a as i64, b as i64);
    let (x, y) = (f64::from_bits(a), f64::from_bits(b));
    let count = (b % 64) as u32;
    let one = |value: u64| Ok(smallvec![value]);
    let float = |value: f64| Ok(smallvec![value.to_bits()]);
    let signed = |(value, overflow): (i64, bool)| Ok(smallvec![value as u64, overflow.into()]);
    let unsigned = |(value, overflow): (u64, bool)| Ok(smallvec![value, overflow.into()]);
    match op {
        Op::Iconst => match payload {
            Payload::Int(value) => one(value as u64),
            _ => Err("iconst has no integer"),
        },
        Op::Fconst => match payload {
            Payload::Float(bits) => one(bits),
            _ => Err("fconst has no float"),
        },
        Op::Iadd => one(a.wrapping_add(b)),
        Op::Isub => one(a.wrapping_sub(b)),
        Op::Imul => one(a.wrapping_mul(b)),
        Op::Smulhi => one(((i128::from(s) * i128::from(t)) >> 64) as u64),
        Op::Umulhi => one(((u128::from(a) * u128::from(b)) >> 64) as u64),
        Op::Ineg => one(a.wrapping_neg()),
        Op::Bnot => one(!a),
        Op::Band => one(a & b),
        Op::Bor => one(a | b),
        Op::Bxor => one(a ^ b),
        Op::Ishl => one(a << count),
        Op::Sshr => one((s >> count) as u64),
        Op::Ushr => one(a >> count),
        Op::Rotl => one(a.rotate_left(count)),
        Op::Sdiv | Op::Srem if b == 0 => Err("signed division by zero"),
        Op::Sdiv | Op::Srem if s == i64::MIN && t == -1 => {
            Err("signed division of the least integer by -1")
        }
        Op::Sdiv => one((s / t) as u64),
        Op::Srem => one((s % t) as u64),
        Op::Udiv | Op::Urem if b == 0 => Err("unsigned division by zero"),
        Op::Udiv => one(a / b),
        Op::Urem => one(a % b),
        Op::SaddOvf => signed(s.overflowing_add(t)),
        Op::SsubOvf => signed(s.overflowing_sub(t)),
        Op::SmulOvf => signed(s.overflowing_mul(t)),
        Op::UaddOvf => unsigned(a.overflowing_add(b)),
        Op::UsubOvf => unsigned(a.overflowing_sub(b)),
        Op::UmulOvf => unsigned(a.overflowing_mul(b)),
        Op::Clz => one(a.leading_zeros().into()),
        Op::Ctz => one(a.trailing_zeros().into()),
        Op::Popcnt => one(a.count_ones().into()),
        Op::Bswap => one(a.swap_bytes()),
        Op::Sext8 => one(a as i8 as u64),
        Op::Sext16 => one(a as i16 as u64),
        Op::Sext32 => one(a as i32 as u64),
        Op::Zext8 => one(a as u8 as u64),
        Op::Zext16 => one(a as u16 as u64),
        Op::Zext32 => one(a as u32 as u64),
        Op::Icmp => match payload {
            Payload::IntCc(cc) => one(int_cc(cc, a, b).into()),
            _ => Err("icmp has no comparison"),
        },
        Op::Fcmp => match payload {
            Payload::FloatCc(cc) => one(float_cc(cc, x, y).into()),
            _ => Err("fcmp has no comparison"),
        },
        Op::Select | Op::Fselect => one(if a != 0 { b } else { c }),
        Op::Fadd => float(x + y),
        Op::Fsub => float(x - y),
        Op::Fmul => float(x * y),
        Op::Fdiv => float(x / y),
        // On bits, so that NaNs keep theirs.
        Op::Fneg => one(a ^ SIGN),
        Op::Fabs => one(a & !SIGN),
        Op::Fcopysign => one(a & !SIGN | b & SIGN),
        Op::Fsqrt => float(x.sqrt()),
        Op::Ffloor => float(x.floor()),
        Op::Fceil => float(x.ceil()),
        Op::Ftrunc => float(x.trunc()),
        Op::Fround32 => float(f64::from(x as f32)),
        Op::FfromS => float(s as f64),
        Op::FfromU => float(a as f64),
        // -2^63 - 1 is no double: the least that is allowed is -2^63.
        Op::FtoS if (-TWO_63..TWO_63).contains(&x) => one(x as i64 as u64),
        Op::FtoS => Err("conversion of a float outside the signed range"),
        Op::FtoU if x > -1.0 && x < 2.0 * TWO_63 => one(x as u64),
        Op::FtoU => Err("conversion of a float outside the unsigned range"),
        Op::FtoBits | Op::FfromBits => one(a),
        Op::Load
        | Op::Store
        | Op::SlotAddr
        | Op::DataAddr
        | Op::FuncAddr
        | Op::ImportAddr
        | Op::Call
        | Op::CallImport
        | Op::CallIndirect => Err("needs memory, addresses or calls"),
    }
}

const SIGN: u64 = 1 << 63;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(op: Op, args: &[u64]) -> Vec<u64> {
        eval(op, Payload::None, args)
            .expect("precondition")
            .to_vec()
    }

    fn edges() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            (0u64..5).prop_map(|n| n.wrapping_sub(2)),
            (0u32..64, 0u64..3)
                .prop_map(|(bit, off)| (1u64 << bit).wrapping_add(off).wrapping_sub(1)),
            (0u32..64, 0u64..3)
                .prop_map(|(bit, off)| (1u64 << bit).wrapping_neg().wrapping_add(off)),
        ]
    }

    proptest! {
        /// The oracle is arithmetic in 128 bits, where nothing of this overflows.
        #[test]
        fn overflow_flags_say_whether_the_exact_result_fits(a in edges(), b in edges()) {
            let (s, t) = (a as i64 as i128, b as i64 as i128);
            let (u, v) = (a as u128, b as u128);
            for (op, exact) in [(Op::SaddOvf, s + t), (Op::SsubOvf, s - t), (Op::SmulOvf, s * t)] {
                let fits = i64::try_from(exact).is_ok();
                prop_assert_eq!(run(op, &[a, b]), vec![exact as u64, u64::from(!fits)]);
            }
            prop_assert_eq!(run(Op::UaddOvf, &[a, b]), vec![(u + v) as u64, u64::from(u + v > u64::MAX as u128)]);
            prop_assert_eq!(run(Op::UsubOvf, &[a, b]), vec![(u.wrapping_sub(v)) as u64, u64::from(v > u)]);
            prop_assert_eq!(run(Op::UmulOvf, &[a, b]), vec![(u * v) as u64, u64::from(u * v > u64::MAX as u128)]);
        }

        #[test]
        fn high_halves_complete_the_products(a in edges(), b in edges()) {
            let low = run(Op::Imul, &[a, b])[0] as u128;
            let unsigned = (run(Op::Umulhi, &[a, b])[0] as u128) << 64 | low;
            prop_assert_eq!(unsigned, a as u128 * b as u128);
            let signed = ((run(Op::Smulhi, &[a, b])[0] as u128) << 64 | low) as i128;
            prop_assert_eq!(signed, a as i64 as i128 * b as i64 as i128);
        }

        #[test]
        fn quotient_and_remainder_give_the_dividend(a in edges(), b in edges()) {
            if b != 0 {
                let (q, r) = (run(Op::Udiv, &[a, b])[0], run(Op::Urem, &[a, b])[0]);
                prop_assert!(r < b && q * b + r == a);
            }
            if b != 0 && !(a as i64 == i64::MIN && b as i64 == -1) {
                let (q, r) = (run(Op::Sdiv, &[a, b])[0] as i64, run(Op::Srem, &[a, b])[0] as i64);
                prop_assert!(q * b as i64 + r == a as i64 && r.unsigned_abs() < (b as i64).unsigned_abs());
                prop_assert!(r == 0 || (r < 0) == ((a as i64) < 0));
            }
        }

        #[test]
        fn every_operation_has_as_many_results_as_its_row(a in edges(), b in edges(), c in edges()) {
            for &op in crate::ir::op::OPS {
                if let Ok(results) = eval(op, Payload::None, &[a, b, c]) {
                    prop_assert_eq!(results.len(), op.row().results.len(), "{}", op.row().name);
                }
            }
        }
    }

    #[test]
    fn preconditions_are_exact() {
        let min = i64::MIN as u64;
        assert!(eval(Op::Sdiv, Payload::None, &[min, u64::MAX]).is_err());
        assert!(eval(Op::Srem, Payload::None, &[min, u64::MAX]).is_err());
        assert!(eval(Op::Urem, Payload::None, &[1, 0]).is_err());
        assert_eq!(run(Op::Udiv, &[min, u64::MAX]), [0]);
        let convert = |op, x: f64| eval(op, Payload::None, &[x.to_bits()]);
        assert_eq!(convert(Op::FtoS, -TWO_63).unwrap()[0], min);
        assert!(convert(Op::FtoS, TWO_63).is_err());
        assert!(convert(Op::FtoS, (-TWO_63).next_down()).is_err());
        assert!(convert(Op::FtoS, f64::NAN).is_err());
        assert_eq!(convert(Op::FtoU, -0.5).unwrap()[0], 0);
        assert!(convert(Op::FtoU, -1.0).is_err());
        assert!(convert(Op::FtoU, 2.0 * TWO_63).is_err());
    }
}
