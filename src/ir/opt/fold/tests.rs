//! Folding: what is left of small functions, and every identity on edge values against the meaning of its operation.

use super::*;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Signature};
use crate::ir::print;
use crate::ir::program::Program;

/// What is left of a function of an integer and a float, after this pass and the removal of what is unused.
fn check(make: impl FnOnce(&mut Builder, Value, Value) -> Value, expected: &[&str]) {
    let sig = Signature::internal(&[AbiType::I64, AbiType::F64], &[AbiType::I64]);
    let mut b = Builder::new(Func::new("f", sig));
    let params = b.func.params().to_vec();
    let value = make(&mut b, params[0], params[1]);
    b.ret(&[value]);
    let mut func = b.finish();
    run(&mut func);
    super::super::dead::run(&mut func);
    let text = print::func(&func, &Program::new("p"));
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(&lines[2..lines.len() - 1], expected);
}

#[test]
fn shifts_that_make_a_rotation_are_one() {
    let rotation = |b: &mut Builder, x: Value, left: i64, right: i64| {
        let (left, right) = (b.iconst(left), b.iconst(right));
        let low = b.op(Op::Ushr, &[x, right]);
        let high = b.op(Op::Ishl, &[x, left]);
        b.op(Op::Bor, &[low, high])
    };
    check(
        |b, x, _| rotation(b, x, 27, 37),
        &["v2 = iconst 27", "v6 = rotl v0, v2", "return v6"],
    );
    check(
        |b, x, _| rotation(b, x, 27, 36),
        &[
            "v2 = iconst 27",
            "v3 = iconst 36",
            "v4 = ushr v0, v3",
            "v5 = ishl v0, v2",
            "v6 = bor v4, v5",
            "return v6",
        ],
    );
}

const EDGES: &[u64] = &[
    0,
    1,
    2,
    63,
    64,
    65,
    128,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    u64::MAX - 1,
    u64::MAX,
];

/// All operations on two integers, with all their comparisons.
fn binary() -> Vec<(Op, Payload)> {
    let simple = crate::ir::op::OPS.iter().filter(|op| {
        op.row().effect == Effect::Pure
            && op.row().args == [Type::I64, Type::I64]
            && **op != Op::Icmp
    });
    let simple = simple.map(|&op| (op, Payload::None));
    simple
        .chain(IntCc::ALL.map(|cc| (Op::Icmp, Payload::IntCc(cc))))
        .collect()
}

/// Every rule about one operation, on edge values, against the meaning of the operation.
#[test]
fn every_identity_holds_for_every_operand() {
    let x = Value(0);
    let mut rules = 0;
    for (op, payload) in binary() {
        for &a in EDGES {
            let mut claim = |known: Option<SmallVec<[Known; 2]>>, b| {
                let (Some(known), Ok(results)) = (known, eval::eval(op, payload, &[a, b])) else {
                    return;
                };
                rules += 1;
                assert_eq!(known.len(), results.len());
                for (known, result) in known.into_iter().zip(results) {
                    let known = match known {
                        Known::Const(bits) => bits,
                        Known::Same(_) => a,
                    };
                    assert_eq!(known, result, "{op:?} {payload:?} {a:#x} {b:#x}");
                }
            };
            claim(with_itself(op, payload, x), a);
            for &b in EDGES {
                claim(with_constant(op, payload, x, b), b);
            }
            for &b in EDGES {
                let result = eval::eval(op, payload, &[a, b]);
                if let Some((op, payload)) = swapped(op, payload) {
                    assert_eq!(result, eval::eval(op, payload, &[b, a]), "{op:?}");
                }
                if let Some(not) = inverted(payload) {
                    let not = eval::eval(op, not, &[a, b]);
                    assert_eq!(result.map(|r| r[0] ^ 1), not.map(|r| r[0]), "{payload:?}");
                }
            }
        }
    }
    assert!(rules > 300, "{rules}");
}

#[test]
fn constants_are_computed_and_stand_on_the_right() {
    check(
        |b, x, _| {
            let (two, three) = (b.iconst(2), b.iconst(3));
            let six = b.op(Op::Imul, &[two, three]);
            b.op(Op::Iadd, &[six, x])
        },
        &["v4 = iconst 6", "v5 = iadd v0, v4", "return v5"],
    );
    check(
        |b, x, _| {
            let two = b.iconst(2);
            b.icmp(IntCc::Slt, two, x)
        },
        &["v2 = iconst 2", "v3 = icmp sgt v0, v2", "return v3"],
    );
}

#[test]
fn a_comparison_compared_with_zero_is_inverted_unless_it_is_ordered() {
    check(
        |b, x, _| {
            let less = b.icmp_imm(IntCc::Slt, x, 9);
            b.icmp_imm(IntCc::Eq, less, 0)
        },
        &["v2 = iconst 9", "v5 = icmp sge v0, v2", "return v5"],
    );
    check(
        |b, _, y| {
            let (equal, one) = (b.fcmp(FloatCc::Eq, y, y), b.iconst(1));
            b.op(Op::Bxor, &[equal, one])
        },
        &["v4 = fcmp ne v1, v1", "return v4"],
    );
    check(
        |b, _, y| {
            let less = b.fcmp(FloatCc::Lt, y, y);
            b.icmp_imm(IntCc::Eq, less, 0)
        },
        &[
            "v2 = fcmp lt v1, v1",
            "v3 = iconst 0",
            "v4 = icmp eq v2, v3",
            "return v4",
        ],
    );
}

#[test]
fn floats_keep_their_zeros_and_nans() {
    check(
        |b, _, y| {
            let zero = b.fconst(0.0);
            let sum = b.op(Op::Fadd, &[y, zero]);
            b.op(Op::FtoBits, &[sum])
        },
        &[
            "v2 = fconst 0.0",
            "v3 = fadd v1, v2",
            "v4 = fto_bits v3",
            "return v4",
        ],
    );
    check(
        |b, _, _| {
            let zero = b.fconst(0.0);
            let nan = b.op(Op::Fdiv, &[zero, zero]);
            b.op(Op::FtoBits, &[nan])
        },
        &[
            "v2 = fconst 0.0",
            "v3 = fdiv v2, v2",
            "v4 = fto_bits v3",
            "return v4",
        ],
    );
}

#[test]
fn overflow_checks_that_cannot_fail_go() {
    check(
        |b, x, _| {
            let one = b.iconst(1);
            let (product, flag) = b.op_ovf(Op::SmulOvf, one, x);
            b.op(Op::Bor, &[product, flag])
        },
        &["return v0"],
    );
}

#[test]
fn an_impossible_division_stays() {
    check(
        |b, x, _| {
            let zero = b.iconst(0);
            b.op(Op::Sdiv, &[x, zero])
        },
        &["v2 = iconst 0", "v3 = sdiv v0, v2", "return v3"],
    );
}
