//! Every operation on numbers, on edges and random values, against CPython evaluating the same text.

use super::oracle::{INTS, Random, cpython, literal};
use super::*;

/// A text and what it means: parameters are `a`, `b`, `c`.
struct Case {
    text: String,
    params: Vec<Ty>,
    value: Expr,
    results: Vec<Ty>,
    /// The result is taken modulo 2^64.
    wraps: bool,
}

fn case(text: &str, params: &[Ty], value: Expr) -> Case {
    Case {
        text: text.to_owned(),
        params: params.to_vec(),
        results: vec![value.ty],
        value,
        wraps: false,
    }
}

/// Builds all cases into one module and compares `rounds` calls of each with CPython.
fn check(cases: &[Case], rounds: usize) {
    let functions = cases.iter().map(|case| {
        let values = vec![case.value.clone()];
        function(
            &case.params,
            &case.results,
            vec![stmt(StmtKind::Return(values))],
        )
    });
    let built = build(&module(functions.collect()));
    let mut random = Random(1);
    let mut calls = Vec::new();
    let mut lines = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        for _ in 0..rounds {
            let args: Vec<u64> = case.params.iter().map(|&ty| random.value(ty)).collect();
            let shown: Vec<String> = case
                .params
                .iter()
                .zip(&args)
                .map(|(&ty, &bits)| literal(ty, bits))
                .collect();
            lines.push(format!("{}\t{}", case.text, shown.join(", ")));
            calls.push((at, args));
        }
    }
    let Some(answers) = cpython(&lines) else {
        return;
    };
    assert_eq!(answers.len(), lines.len());
    let mut exact = 0;
    for ((answer, line), (at, args)) in answers.iter().zip(&lines).zip(&calls) {
        let got = built.call(*at, args);
        let wanted = wanted(&cases[*at], answer);
        let same = match (&got, &wanted) {
            (Ok(got), Ok(wanted)) => {
                exact += 1;
                cases[*at]
                    .results
                    .iter()
                    .zip(got)
                    .zip(wanted)
                    .all(|((ty, got), wanted)| {
                        got == wanted || *ty == Ty::F64 && both_nan(*got, *wanted)
                    })
            }
            (Err(got), Err(wanted)) => got.0 == *wanted,
            _ => false,
        };
        assert!(
            same,
            "{line}: CPython has {answer}, we {got:?}\n{}",
            print::func(built.program.func(built.entries[*at]), &built.program)
        );
    }
    assert!(exact * 4 > calls.len(), "hardly any call has a result");
}

fn both_nan(a: u64, b: u64) -> bool {
    f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
}

/// What a body promises where CPython answers this.
fn wanted(case: &Case, answer: &str) -> Result<Vec<u64>, String> {
    let mut bits = Vec::new();
    for (part, ty) in answer.split(' ').zip(&case.results) {
        if part == "complex" {
            return Err("ValueError".to_owned());
        } else if let Some(float) = part.strip_prefix('f') {
            bits.push(float.parse().expect("a number"));
        } else if let Some(int) = part.strip_prefix('i') {
            // Powers get longer than any machine integer.
            let value = int.parse::<i128>();
            let fits = value.as_ref().is_ok_and(|&value| match ty {
                Ty::U64 => u64::try_from(value).is_ok(),
                _ => i64::try_from(value).is_ok(),
            });
            if case.wraps {
                bits.push(low_bits(int));
            } else if fits {
                bits.push(value.expect("it fits") as u64);
            } else {
                return Err("OverflowError".to_owned());
            }
        } else {
            return Err(part.to_owned());
        }
    }
    Ok(bits)
}

/// A decimal number modulo 2^64.
fn low_bits(text: &str) -> u64 {
    let digits = text.trim_start_matches('-');
    let value = digits.bytes().fold(0u64, |value, digit| {
        value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
    });
    if text.starts_with('-') {
        value.wrapping_neg()
    } else {
        value
    }
}

fn binary(op: BinOp, rule: Rule, left: Expr, right: Expr) -> Expr {
    let ty = if op == BinOp::Div { Ty::F64 } else { left.ty };
    let kind = ExprKind::Binary {
        op,
        rule,
        left: Box::new(left),
        right: Box::new(right),
    };
    expr(ty, kind)
}

use BinOp::*;
use Ty::{Bool, F64, I64, U64};

#[test]
fn integer_operators_give_cpythons_answer_or_overflow() {
    let mut cases = Vec::new();
    for ty in [I64, U64] {
        for op in [Add, Sub, Mul, FloorDiv, Mod, Div, And, Or, Xor] {
            let value = binary(op, Rule::Raise, local(0, ty), local(1, ty));
            cases.push(case(&format!("a {} b", op.text()), &[ty, ty], value));
        }
        for count in [I64, U64] {
            for op in [Shl, Shr] {
                let value = binary(op, Rule::Raise, local(0, ty), local(1, count));
                // CPython would make numbers of 2^63 bits.
                let text = match op {
                    Shl => "0 if a == 0 and b >= 0 else a << min(b, 200)",
                    _ => "a >> b",
                };
                cases.push(case(text, &[ty, count], value));
            }
        }
    }
    check(&cases, 250);
}

#[test]
fn constant_operands_give_the_same() {
    let mut cases = Vec::new();
    for &constant in INTS {
        for ty in [I64, U64] {
            let fits = match ty {
                U64 => constant >= 0,
                _ => i64::try_from(constant).is_ok(),
            };
            if !fits {
                continue;
            }
            for op in [FloorDiv, Mod, Div, Add, Mul] {
                // Every call of these fails.
                if constant == 0 && matches!(op, FloorDiv | Mod | Div) {
                    continue;
                }
                let value = binary(op, Rule::Raise, local(0, ty), int(constant, ty));
                cases.push(case(&format!("a {} {constant}", op.text()), &[ty], value));
            }
            if (0..200).contains(&constant) {
                for op in [Shl, Shr] {
                    let value = binary(op, Rule::Raise, local(0, ty), int(constant, I64));
                    cases.push(case(&format!("a {} {constant}", op.text()), &[ty], value));
                }
            }
        }
    }
    // Shifts by much are nearly always an error.
    let (often, rarely): (Vec<Case>, Vec<Case>) = cases
        .into_iter()
        .partition(|case| !case.text.contains("<<") && !case.text.contains('*'));
    check(&often, 40);
    check(&rarely, 40);
}

#[test]
fn wrapping_operators_are_modulo_two_to_the_64() {
    let mut cases = Vec::new();
    for ty in [I64, U64] {
        for op in [Add, Sub, Mul, FloorDiv, Mod] {
            let value = binary(op, Rule::Wrap, local(0, ty), local(1, ty));
            cases.push(case(&format!("a {} b", op.text()), &[ty, ty], value));
        }
        let value = binary(Shl, Rule::Wrap, local(0, ty), local(1, I64));
        cases.push(case("a << min(b, 64)", &[ty, I64], value));
        let value = expr(ty, ExprKind::Neg(Box::new(local(0, ty)), Rule::Wrap));
        cases.push(case("-a", &[ty], value));
        let value = expr(ty, ExprKind::Invert(Box::new(local(0, ty)), Rule::Wrap));
        cases.push(case("~a", &[ty], value));
        let value = expr(ty, ExprKind::Abs(Box::new(local(0, ty)), Rule::Wrap));
        cases.push(case("abs(a)", &[ty], value));
        let value = binary(Pow, Rule::Wrap, local(0, ty), local(1, U64));
        cases.push(case("pow(a, b, 1 << 64)", &[ty, U64], value));
    }
    for case in &mut cases {
        case.wraps = true;
    }
    check(&cases, 250);
}

#[test]
fn integer_powers() {
    let mut cases = Vec::new();
    for ty in [I64, U64] {
        for exponent in [I64, U64] {
            let value = binary(Pow, Rule::Raise, local(0, ty), local(1, exponent));
            let text = if exponent == I64 {
                // A power is an int only for exponents from 0 up; what is too large here is so for 64 bits as well.
                "a ** (min(b, 64) if abs(a) > 1 else b % 2 + 2 * (b > 1)) if b >= 0 else 0 ** b if a == 0 else int('x')"
            } else {
                "a ** (min(b, 64) if abs(a) > 1 else b % 2 + 2 * (b > 1))"
            };
            cases.push(case(text, &[ty, exponent], value));
        }
        for exponent in 0..20 {
            let value = binary(Pow, Rule::Raise, local(0, ty), int(exponent, I64));
            cases.push(case(&format!("a ** {exponent}"), &[ty], value));
        }
        let args = [0, 1, 2].map(|at| Box::new(local(at, ty)));
        let [a, b, m] = args;
        cases.push(case(
            "pow(a, b, c)",
            &[ty, ty, ty],
            expr(ty, ExprKind::PowMod(a, b, m)),
        ));
    }
    check(&cases, 300);
}

#[test]
fn unary_operators_and_functions_of_integers() {
    let mut cases = Vec::new();
    for ty in [I64, U64] {
        let x = || Box::new(local(0, ty));
        let y = || Box::new(local(1, ty));
        let one = |text: &str, ty2: Ty, kind| case(text, &[ty], expr(ty2, kind));
        cases.push(one("-a", ty, ExprKind::Neg(x(), Rule::Raise)));
        cases.push(one("abs(a)", ty, ExprKind::Abs(x(), Rule::Raise)));
        cases.push(one("bin(a).count('1')", I64, ExprKind::BitCount(x())));
        cases.push(one("a.bit_length()", I64, ExprKind::BitLength(x())));
        cases.push(one("bool(a)", Bool, ExprKind::Truth(x())));
        cases.push(one("float(a)", F64, ExprKind::Widen(x())));
        let items = || vec![local(0, ty), local(1, ty), int(5, ty)];
        cases.push(case(
            "min(a, b, 5)",
            &[ty, ty],
            expr(ty, ExprKind::Min(items())),
        ));
        cases.push(case(
            "max(a, b, 5)",
            &[ty, ty],
            expr(ty, ExprKind::Max(items())),
        ));
        let divmod = expr(ty, ExprKind::Divmod(x(), y(), Rule::Raise));
        cases.push(Case {
            results: vec![ty, ty],
            ..case("divmod(a, b)", &[ty, ty], divmod)
        });
        let other = if ty == I64 { U64 } else { I64 };
        let value = expr(other, ExprKind::Reinterpret(x(), Rule::Raise));
        cases.push(case("a", &[ty], value));
        cases.push(case(
            "a and b",
            &[ty, ty],
            expr(ty, ExprKind::And(x(), y())),
        ));
        cases.push(case("a or b", &[ty, ty], expr(ty, ExprKind::Or(x(), y()))));
    }
    let invert = ExprKind::Invert(Box::new(local(0, I64)), Rule::Raise);
    cases.push(case("~a", &[I64], expr(I64, invert)));
    check(&cases, 300);
}

#[test]
fn narrowing_checks_the_range_or_takes_the_low_bits() {
    let mut cases = Vec::new();
    for to in [
        IntTy::I8,
        IntTy::I16,
        IntTy::I32,
        IntTy::U8,
        IntTy::U16,
        IntTy::U32,
    ] {
        let (least, most) = to.range();
        let x = || Box::new(local(0, I64));
        let raise = expr(I64, ExprKind::Narrow(x(), to, Rule::Raise));
        let text = format!("a if {least} <= a <= {most} else int(1e400)");
        cases.push(case(&text, &[I64], raise));
        let wrap = expr(I64, ExprKind::Narrow(x(), to, Rule::Wrap));
        let text = format!("(a - {least}) % (1 << {}) + {least}", to.bits());
        cases.push(case(&text, &[I64], wrap));
    }
    check(&cases, 300);
}

#[test]
fn comparisons_are_exact_for_any_pair() {
    let mut cases = Vec::new();
    let ops = [
        (CmpOp::Eq, "=="),
        (CmpOp::Ne, "!="),
        (CmpOp::Lt, "<"),
        (CmpOp::Le, "<="),
        (CmpOp::Gt, ">"),
        (CmpOp::Ge, ">="),
    ];
    for left in [Bool, I64, U64, F64] {
        for right in [Bool, I64, U64, F64] {
            for (op, text) in ops {
                let first = Box::new(local(0, left));
                let rest = vec![(op, local(1, right))];
                let value = expr(Bool, ExprKind::Compare { first, rest });
                cases.push(case(&format!("a {text} b"), &[left, right], value));
            }
        }
    }
    for (op, text) in ops {
        let chain = |c: Expr| ExprKind::Compare {
            first: Box::new(local(0, I64)),
            rest: vec![(CmpOp::Le, local(1, F64)), (op, c)],
        };
        let value = expr(Bool, chain(local(2, U64)));
        cases.push(case(&format!("a <= b {text} c"), &[I64, F64, U64], value));
        let value = expr(
            Bool,
            ExprKind::Not(Box::new(expr(Bool, chain(int(7, I64))))),
        );
        cases.push(case(&format!("not a <= b {text} 7"), &[I64, F64], value));
    }
    check(&cases, 150);
}

#[test]
fn float_operators_are_cpythons_to_the_bit() {
    let mut cases = Vec::new();
    for op in [Add, Sub, Mul, Div, FloorDiv, Mod] {
        let value = binary(op, Rule::Raise, local(0, F64), local(1, F64));
        cases.push(case(&format!("a {} b", op.text()), &[F64, F64], value));
    }
    let x = || Box::new(local(0, F64));
    let y = || Box::new(local(1, F64));
    let divmod = expr(F64, ExprKind::Divmod(x(), y(), Rule::Raise));
    cases.push(Case {
        results: vec![F64, F64],
        ..case("divmod(a, b)", &[F64, F64], divmod)
    });
    check(&cases, 1200);
    let one = |text: &str, ty: Ty, kind| case(text, &[F64], expr(ty, kind));
    let math = |text: &str, ty: Ty, op| {
        case(
            text,
            &[F64],
            expr(ty, ExprKind::Math(op, vec![local(0, F64)])),
        )
    };
    let items = || vec![local(0, F64), local(1, F64)];
    let copysign = expr(F64, ExprKind::Math(MathOp::Copysign, items()));
    check(
        &[
            one("-a", F64, ExprKind::Neg(x(), Rule::Raise)),
            one("abs(a)", F64, ExprKind::Abs(x(), Rule::Raise)),
            one("bool(a)", Bool, ExprKind::Truth(x())),
            one("int(a)", I64, ExprKind::Truncate(x())),
            one("int(a)", U64, ExprKind::Truncate(x())),
            one("round(a)", I64, ExprKind::Round(x())),
            math("math.sqrt(a)", F64, MathOp::Sqrt),
            math("math.fabs(a)", F64, MathOp::Fabs),
            math("math.floor(a)", I64, MathOp::Floor),
            math("math.ceil(a)", I64, MathOp::Ceil),
            math("math.trunc(a)", I64, MathOp::Trunc),
            math("math.isnan(a)", Bool, MathOp::IsNan),
            math("math.isinf(a)", Bool, MathOp::IsInf),
            math("math.isfinite(a)", Bool, MathOp::IsFinite),
            case("math.copysign(a, b)", &[F64, F64], copysign),
            case("min(a, b)", &[F64, F64], expr(F64, ExprKind::Min(items()))),
            case("max(a, b)", &[F64, F64], expr(F64, ExprKind::Max(items()))),
            case("a and b", &[F64, F64], expr(F64, ExprKind::And(x(), y()))),
            case("a or b", &[F64, F64], expr(F64, ExprKind::Or(x(), y()))),
        ],
        500,
    );
}

#[test]
fn bit_operations_of_every_width() {
    let mut cases = Vec::new();
    for ty in [IntTy::U8, IntTy::U16, IntTy::U32, IntTy::U64] {
        let w = ty.bits();
        // The operand is of the type: its low bits.
        let value_ty = if w == 64 { U64 } else { I64 };
        let x = || match w {
            64 => Box::new(local(0, U64)),
            _ => Box::new(expr(
                I64,
                ExprKind::Narrow(Box::new(local(0, I64)), ty, Rule::Wrap),
            )),
        };
        let low = format!("(a & {})", (1u128 << w) - 1);
        let mask = (1u128 << w) - 1;
        let n = || Some(Box::new(local(1, I64)));
        let bits = |op, count| expr(value_ty, ExprKind::Bits(op, ty, x(), count));
        let rotl = format!("({low} << b % {w} | {low} >> -b % {w}) & {mask} if b % {w} else {low}");
        cases.push(case(&rotl, &[value_ty, I64], bits(BitOp::Rotl, n())));
        let rotr = format!("({low} >> b % {w} | {low} << -b % {w}) & {mask} if b % {w} else {low}");
        cases.push(case(&rotr, &[value_ty, I64], bits(BitOp::Rotr, n())));
        let clz = format!("{w} - {low}.bit_length()");
        cases.push(case(&clz, &[value_ty], bits(BitOp::Clz, None)));
        let ctz = format!("({low} & -{low}).bit_length() - 1 if {low} else {w}");
        cases.push(case(&ctz, &[value_ty], bits(BitOp::Ctz, None)));
        let bytes = w / 8;
        let bswap = format!("int.from_bytes({low}.to_bytes({bytes}, 'big'), 'little')");
        cases.push(case(&bswap, &[value_ty], bits(BitOp::Bswap, None)));
    }
    check(&cases, 200);
}
