//! Statements, and calls between bodies.

use super::*;

#[test]
fn ranges_count_as_python_does() {
    // n = 0; s = 0; for i in range(a, b, STEP): n += 1; s += i; if n == 50: break; else: n += 100; return n, s
    let edges = [
        0,
        1,
        -1,
        5,
        7,
        -9,
        i64::MAX,
        i64::MAX - 3,
        i64::MIN,
        i64::MIN + 4,
    ];
    let steps = [1, -1, 2, -2, 3, 7, i64::MAX, i64::MIN, i64::MIN + 1];
    for ty in [Ty::I64, Ty::U64] {
        let constant = |step: i64| range_sum(ty, int(step.into(), Ty::I64));
        let mut functions: Vec<Function> = steps.iter().map(|&step| constant(step)).collect();
        functions.push(range_sum(ty, local(2, Ty::I64)));
        let built = build(&module(functions));
        for &start in &edges {
            for &stop in &edges {
                for (at, &step) in steps.iter().enumerate() {
                    let args = [start as u64, stop as u64, step as u64];
                    let wanted = Ok(range_model(ty, args));
                    let head = |outcome: Outcome| outcome.map(|results| results[..2].to_vec());
                    assert_eq!(head(built.call(at, &args)), wanted, "{args:?} constant");
                    assert_eq!(head(built.call(steps.len(), &args)), wanted, "{args:?}");
                }
            }
        }
        let zero = built.call(steps.len(), &[1, 2, 0]);
        assert_eq!(zero, raised("ValueError", "range() arg 3 must not be zero"));
    }
}

fn range_sum(ty: Ty, step: Expr) -> Function {
    let mut f = function(&[ty, ty, Ty::I64], &[Ty::I64, ty], Vec::new());
    new_local(&mut f, "n", Ty::I64, false);
    new_local(&mut f, "s", ty, false);
    new_local(&mut f, "i", ty, true);
    let (n, s, i) = (|| local(3, Ty::I64), || local(4, ty), || local(5, ty));
    let one = || int(1, Ty::I64);
    f.body = vec![
        assign(3, int(0, Ty::I64)),
        assign(4, int(0, ty)),
        stmt(StmtKind::ForRange {
            var: LocalId(5),
            narrow: None,
            start: local(0, ty),
            stop: local(1, ty),
            step,
            body: vec![
                assign(3, add(n(), one())),
                assign(4, add(s(), i())),
                // Does not disturb the iteration.
                assign(5, int(42, ty)),
                stmt(StmtKind::If(
                    compare(CmpOp::Eq, n(), int(50, Ty::I64)),
                    vec![stmt(StmtKind::Break)],
                    Vec::new(),
                )),
            ],
            orelse: vec![assign(3, add(n(), int(100, Ty::I64)))],
        }),
        stmt(StmtKind::Return(vec![n(), s()])),
    ];
    f
}

fn range_model(ty: Ty, [start, stop, step]: [u64; 3]) -> Vec<u64> {
    let wide = |bits: u64| match ty {
        Ty::U64 => i128::from(bits),
        _ => i128::from(bits as i64),
    };
    let (mut at, stop, step) = (wide(start), wide(stop), i128::from(step as i64));
    let (mut n, mut s) = (0, 0u64);
    while if step > 0 { at < stop } else { at > stop } {
        n += 1;
        s = s.wrapping_add(at as u64);
        at += step;
        if n == 50 {
            return vec![n, s];
        }
    }
    vec![n + 100, s]
}

#[test]
fn while_loops_break_continue_and_else() {
    // while b > 0: b -= 1; if b == 3: continue; a += b; if a > 100: break; else: a = -a - 1; return a
    let (a, b) = (|| local(0, Ty::I64), || local(1, Ty::I64));
    let if_ = |cond, then| stmt(StmtKind::If(cond, then, Vec::new()));
    let constant = |value| int(value, Ty::I64);
    let body = vec![
        stmt(StmtKind::While(
            compare(CmpOp::Gt, b(), constant(0)),
            vec![
                assign(1, add(b(), constant(-1))),
                if_(
                    compare(CmpOp::Eq, b(), constant(3)),
                    vec![stmt(StmtKind::Continue)],
                ),
                assign(0, add(a(), b())),
                if_(
                    compare(CmpOp::Gt, a(), constant(100)),
                    vec![stmt(StmtKind::Break)],
                ),
            ],
            vec![
                assign(0, add(constant(-1), constant(0))),
                assign(0, add(a(), b())),
            ],
        )),
        stmt(StmtKind::Return(vec![a()])),
    ];
    let built = build(&module(vec![function(
        &[Ty::I64, Ty::I64],
        &[Ty::I64],
        body,
    )]));
    let model = |mut a: i64, mut b: i64| {
        while b > 0 {
            b -= 1;
            if b == 3 {
                continue;
            }
            a += b;
            if a > 100 {
                return a;
            }
        }
        b - 1
    };
    for a in [-200, 0, 50, 99] {
        for b in -1..20 {
            let got = built
                .call(0, &[a as u64, b as u64])
                .map(|results| results[0] as i64);
            assert_eq!(got, Ok(model(a, b)), "{a} {b}");
        }
    }
}

/// `f(a) = a if a < 2 else f(a - 1) + f(a - 2)`
fn fib() -> Function {
    let call = |by| {
        let arg = add(local(0, Ty::I64), int(by, Ty::I64));
        expr(Ty::I64, ExprKind::Call(FunctionId(0), vec![arg], vec![]))
    };
    let small = compare(CmpOp::Lt, local(0, Ty::I64), int(2, Ty::I64));
    let body = vec![
        stmt(StmtKind::If(
            small,
            vec![stmt(StmtKind::Return(vec![local(0, Ty::I64)]))],
            Vec::new(),
        )),
        stmt(StmtKind::Return(vec![add(call(-1), call(-2))])),
    ];
    Function {
        recursive: true,
        ..function(&[Ty::I64], &[Ty::I64], body)
    }
}

#[test]
fn recursion_is_counted_and_bounded() {
    let built = build(&module(vec![fib()]));
    let got = built.call(0, &[10]).map(|results| results[0]);
    assert_eq!(got, Ok(55));
    assert_eq!(built.call(0, &[200]), raised("RecursionError", ""));
}

#[test]
fn a_call_counts_as_so_many_levels_and_leaves_as_many() {
    let mut function = fib();
    function.levels = 7;
    let built = build(&module(vec![function]));
    let got = built.call(0, &[14]).map(|results| results[0]);
    assert_eq!(got, Ok(377));
    assert_eq!(built.call(0, &[16]), raised("RecursionError", ""));
}

#[test]
fn calls_pass_self_and_many_results() {
    // fn 0: raises the module's exception below 0, returns five results; too long to be copied.
    let mut results = vec![
        local(0, Ty::I64),
        local(1, Ty::F64),
        add(local(0, Ty::I64), int(1, Ty::I64)),
        local(1, Ty::F64),
        int(7, Ty::U64),
    ];
    for step in 0..10 {
        results[2] = add(results[2].clone(), int(step, Ty::I64));
    }
    let types = [Ty::I64, Ty::F64, Ty::I64, Ty::F64, Ty::U64];
    let params = [Ty::I64, Ty::F64];
    let negative = compare(CmpOp::Lt, local(0, Ty::I64), int(0, Ty::I64));
    let raise = stmt(StmtKind::Raise(Exception::Module(0), text("below")));
    let body = vec![
        stmt(StmtKind::If(negative, vec![raise], Vec::new())),
        stmt(StmtKind::Return(results)),
    ];
    let callee = function(&params, &types, body);
    // fn 1: unpacks them, the first narrowed to i8, and returns them in reverse.
    let args = vec![local(0, Ty::I64), local(1, Ty::F64)];
    let call = expr(Ty::I64, ExprKind::Call(FunctionId(0), args.clone(), vec![]));
    let reversed: Vec<Ty> = types.iter().rev().copied().collect();
    let mut caller = function(&params, &reversed, Vec::new());
    for (at, &ty) in types.iter().enumerate() {
        new_local(&mut caller, &format!("r{at}"), ty, false);
    }
    let mut narrow = vec![None; 5];
    narrow[0] = Some((IntTy::I8, Rule::Raise));
    caller.body = vec![
        stmt(StmtKind::Unpack {
            targets: (2..7).map(LocalId).collect(),
            value: call.clone(),
            narrow,
        }),
        stmt(StmtKind::Return(
            (2..7)
                .rev()
                .map(|at| local(at, types[at as usize - 2]))
                .collect(),
        )),
    ];
    // fn 2: returns the tuple of the call. fn 3: calls fn 4, small enough to be copied, which divides.
    let through = function(&params, &types, vec![stmt(StmtKind::Return(vec![call]))]);
    let small = expr(
        Ty::I64,
        ExprKind::Call(FunctionId(4), vec![local(0, Ty::I64)], vec![]),
    );
    let copied = function(
        &[Ty::I64],
        &[Ty::I64],
        vec![stmt(StmtKind::Return(vec![small]))],
    );
    let quotient = ExprKind::Binary {
        op: BinOp::Mod,
        rule: Rule::Raise,
        left: Box::new(int(100, Ty::I64)),
        right: Box::new(local(0, Ty::I64)),
    };
    let divides = vec![stmt(StmtKind::Return(vec![expr(Ty::I64, quotient)]))];
    let divides = function(&[Ty::I64], &[Ty::I64], divides);
    let module = module(vec![callee, caller, through, copied, divides]);
    let built = build(&module);
    let x = 2.5f64.to_bits();
    let values = [3, x, 3 + 1 + 45, x, 7];
    let got = built.call(2, &[3, x]).map(|results| results[..5].to_vec());
    assert_eq!(got, Ok(values.to_vec()));
    let got = built.call(1, &[3, x]).map(|results| results[..5].to_vec());
    assert_eq!(got, Ok(values.iter().rev().copied().collect()));
    let minus = -1i64 as u64;
    for at in 0..3 {
        assert_eq!(starved(&built, at, &[minus, x]), raised("m.Own", "below"));
    }
    let misfit = raised("OverflowError", "value does not fit in i8");
    assert_eq!(built.call(1, &[300, x]), misfit);
    assert_eq!(built.call(3, &[7]).map(|results| results[0]), Ok(2));
    assert_eq!(built.call(3, &[0]), raised("ZeroDivisionError", ""));
}

#[test]
fn long_sums_do_not_nest() {
    let mut sum = local(0, Ty::I64);
    for _ in 0..20_000 {
        sum = add(sum, int(1, Ty::I64));
    }
    let body = vec![stmt(StmtKind::Return(vec![sum]))];
    let module = module(vec![function(&[Ty::I64], &[Ty::I64], body)]);
    let got = build(&module).call(0, &[5]).map(|results| results[0]);
    assert_eq!(got, Ok(20_005));
    // Dropping the expression would nest.
    std::mem::forget(module);
}

#[test]
fn loops_look_for_signals_once_in_many_rounds() {
    let one = || int(1, Ty::I64);
    let mut f = range_sum(Ty::I64, one());
    // Without the `break` that the sum has.
    if let StmtKind::ForRange { body, .. } = &mut f.body[2].kind {
        body.truncate(2);
    }
    let args = |n: u64| [0, n, 1];
    let looks = |built: &Built, n: u64, interrupt: u32| {
        let mut host = Host {
            interrupt,
            ..Host::default()
        };
        let outcome = built.call_on(0, &args(n), &mut host);
        (outcome.map(|results| results[0]), host.looks)
    };
    let without = build(&module(vec![f.clone()]));
    f.signals = true;
    let mut module = module(vec![f]);
    for nogil in [false, true] {
        module.methods[0].nogil = nogil;
        let with = build(&module);
        for n in [0, 1, 65535, 65536, 65537, 70_000] {
            let plain = looks(&without, n, 0);
            assert_eq!(plain.1, 0);
            assert_eq!(looks(&with, n, 0), (plain.0, (n >> 16) as u32), "{n}");
        }
        let interrupted = raised("KeyboardInterrupt", "").map(|results| results[0]);
        assert_eq!(looks(&with, 70_000, 1), (interrupted, 1));
    }
}
