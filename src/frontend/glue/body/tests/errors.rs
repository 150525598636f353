//! Exceptions with their texts, and references on every path.

use super::*;

#[test]
fn an_unbound_local_is_named_in_the_words_of_the_version() {
    let mut f = function(&[Ty::Bool], &[Ty::I64], Vec::new());
    new_local(&mut f, "x", Ty::I64, true);
    let checked = ExprKind::Local {
        local: LocalId(1),
        checked: true,
    };
    f.body = vec![
        stmt(StmtKind::If(
            local(0, Ty::Bool),
            vec![assign(1, int(9, Ty::I64))],
            vec![],
        )),
        stmt(StmtKind::Return(vec![expr(Ty::I64, checked)])),
    ];
    let built = build(&module(vec![f]));
    assert_eq!(built.call(0, &[1]).map(|results| results[0]), Ok(9));
    let old = "local variable 'x' referenced before assignment";
    let new = "cannot access local variable 'x' where it is not associated with a value";
    for (version, text) in [
        ("3.9.18 (main)", old),
        ("3.10.13+ (x)", old),
        ("3.11.7", new),
        ("3.14.0", new),
    ] {
        let mut host = Host {
            version: Some(version),
            ..Host::default()
        };
        let got = built.call_on(0, &[0], &mut host);
        assert_eq!(got, raised("UnboundLocalError", text), "{version}");
    }
}

#[test]
fn raise_makes_its_message_and_releases_it() {
    let own = Exception::Module(0);
    let value = |conversion, spec| Piece::Value {
        value: local(0, Ty::I64),
        conversion,
        spec,
    };
    let spec = || {
        vec![
            Piece::Literal(">".to_owned()),
            Piece::Value {
                value: int(7, Ty::I64),
                conversion: None,
                spec: Vec::new(),
            },
        ]
    };
    let f_string = || {
        Some(Message::Text(vec![
            Piece::Literal("got ".to_owned()),
            value(None, Vec::new()),
            Piece::Literal("\0, ".to_owned()),
            value(Some('r'), spec()),
        ]))
    };
    let formatted = "got 5\0, <5>:>7";
    let cases = [
        (Exception::Builtin("ValueError"), None, "ValueError", "()"),
        (Exception::Builtin("KeyError"), text("no"), "KeyError", "no"),
        (
            Exception::Builtin("EncodingWarning"),
            text("e"),
            "EncodingWarning",
            "e",
        ),
        (Exception::Builtin("KeyError"), text(""), "KeyError", ""),
        (
            Exception::Builtin("TypeError"),
            f_string(),
            "TypeError",
            formatted,
        ),
        (
            Exception::Builtin("OSError"),
            Some(Message::Value(local(0, Ty::I64))),
            "OSError",
            "5",
        ),
        (own.clone(), None, "m.Own", "()"),
        (own.clone(), text("mine"), "m.Own", "mine"),
        (own.clone(), f_string(), "m.Own", formatted),
        (
            own,
            Some(Message::Value(expr(Ty::None, ExprKind::Const(Const::None)))),
            "m.Own",
            "(None)",
        ),
    ];
    let functions = cases.iter().map(|(exception, message, ..)| {
        let raise = stmt(StmtKind::Raise(exception.clone(), message.clone()));
        function(&[Ty::I64], &[], vec![raise])
    });
    let built = build(&module(functions.collect()));
    for (at, (exception, _, class, text)) in cases.iter().enumerate() {
        assert_eq!(starved(&built, at, &[5]), raised(class, text));
        if matches!(exception, Exception::Module(_)) {
            let mut host = Host {
                stateless: true,
                ..Host::default()
            };
            let got = built.call_on(at, &[5], &mut host);
            assert_eq!(
                got.map_err(|raised| raised.0),
                Err("SystemError".to_owned())
            );
        }
    }
}

#[test]
fn an_error_inside_a_message_releases_what_was_made() {
    let division = ExprKind::Binary {
        op: BinOp::FloorDiv,
        rule: Rule::Raise,
        left: Box::new(int(1, Ty::I64)),
        right: Box::new(local(0, Ty::I64)),
    };
    let message = Message::Text(vec![
        Piece::Literal("got ".to_owned()),
        Piece::Value {
            value: expr(Ty::I64, division),
            conversion: None,
            spec: Vec::new(),
        },
    ]);
    let raise = StmtKind::Assert(
        expr(Ty::Bool, ExprKind::Truth(Box::new(local(0, Ty::I64)))),
        Some(message.clone()),
    );
    let body = vec![
        stmt(raise),
        stmt(StmtKind::Raise(Exception::Module(0), Some(message))),
    ];
    let built = build(&module(vec![function(&[Ty::I64], &[], body)]));
    assert_eq!(starved(&built, 0, &[0]), raised("ZeroDivisionError", ""));
    assert_eq!(starved(&built, 0, &[1]), raised("m.Own", "got 1"));
}

#[test]
fn boxed_operations_release_everything() {
    let floats = |name: &str| {
        let args = vec![local(0, Ty::F64)];
        expr(Ty::F64, ExprKind::MathCall(name.to_owned(), args))
    };
    let ints = || vec![local(0, Ty::I64), local(1, Ty::I64)];
    let comb = expr(Ty::I64, ExprKind::MathCall("comb".to_owned(), ints()));
    let [x, digits] = [0, 1].map(|at| Box::new(local(at, Ty::I64)));
    let round = expr(Ty::I64, ExprKind::RoundDigits(x, digits));
    let pow = ExprKind::Binary {
        op: BinOp::Pow,
        rule: Rule::Raise,
        left: Box::new(local(0, Ty::F64)),
        right: Box::new(local(1, Ty::F64)),
    };
    let power = |params: &[Ty], value: Expr| {
        function(
            params,
            &[value.ty],
            vec![stmt(StmtKind::Return(vec![value]))],
        )
    };
    let built = build(&module(vec![
        power(&[Ty::F64], floats("exp2")),
        power(&[Ty::F64], floats("sqrt")),
        power(&[Ty::I64, Ty::I64], comb),
        power(&[Ty::I64, Ty::I64], round),
        power(&[Ty::F64, Ty::F64], expr(Ty::F64, pow)),
    ]));
    let first = |outcome: Outcome| outcome.map(|results| results[0]);
    let bits = f64::to_bits;
    assert_eq!(first(starved(&built, 0, &[bits(3.0)])), Ok(bits(8.0)));
    let domain = raised("ValueError", "math domain");
    assert_eq!(starved(&built, 1, &[bits(-1.0)]), domain);
    let overflow = raised("OverflowError", "result of 'comb' does not fit in i64");
    assert_eq!(starved(&built, 2, &[1, 2]), overflow);
    assert_eq!(first(starved(&built, 3, &[5, 1])), Ok(5));
    assert_eq!(
        first(starved(&built, 4, &[bits(2.0), bits(0.5)])),
        Ok(bits(2f64.powf(0.5)))
    );
    let complex = raised("ValueError", "result of '**' is complex");
    assert_eq!(starved(&built, 4, &[bits(-2.0), bits(0.5)]), complex);
}

#[test]
fn without_the_gil_every_error_takes_it_back_first() {
    let pow = |base: Expr| ExprKind::Binary {
        op: BinOp::Pow,
        rule: Rule::Raise,
        left: Box::new(base),
        right: Box::new(local(1, Ty::F64)),
    };
    // fn 0: x = fn1(a, b) ** b; assert a != 3, f"{1 % a}"; return x. fn 1 is too long to be copied, and raises or calls CPython.
    let call = ExprKind::Call(
        FunctionId(1),
        vec![local(0, Ty::I64), local(1, Ty::F64)],
        vec![],
    );
    let rest = ExprKind::Binary {
        op: BinOp::Mod,
        rule: Rule::Raise,
        left: Box::new(int(1, Ty::I64)),
        right: Box::new(local(0, Ty::I64)),
    };
    let message = Message::Text(vec![Piece::Value {
        value: expr(Ty::I64, rest),
        conversion: None,
        spec: Vec::new(),
    }]);
    let mut caller = function(&[Ty::I64, Ty::F64], &[Ty::F64], Vec::new());
    new_local(&mut caller, "x", Ty::F64, false);
    caller.body = vec![
        assign(2, expr(Ty::F64, pow(expr(Ty::F64, call)))),
        stmt(StmtKind::Assert(
            compare(CmpOp::Ge, local(0, Ty::I64), int(3, Ty::I64)),
            Some(message),
        )),
        stmt(StmtKind::Return(vec![local(2, Ty::F64)])),
    ];
    let negative = compare(CmpOp::Lt, local(0, Ty::I64), int(0, Ty::I64));
    let raise = StmtKind::Raise(Exception::Module(0), text("below"));
    let product = ExprKind::Binary {
        op: BinOp::Mul,
        rule: Rule::Raise,
        left: Box::new(local(0, Ty::I64)),
        right: Box::new(int(1 << 40, Ty::I64)),
    };
    let mut sum = expr(Ty::I64, product);
    for _ in 0..20 {
        sum = add(sum, int(0, Ty::I64));
    }
    let quotient = ExprKind::Binary {
        op: BinOp::Div,
        rule: Rule::Raise,
        left: Box::new(sum),
        right: Box::new(int(1 << 40, Ty::I64)),
    };
    let callee = vec![
        stmt(StmtKind::If(negative, vec![stmt(raise)], Vec::new())),
        stmt(StmtKind::Return(vec![expr(Ty::F64, quotient)])),
    ];
    let callee = function(&[Ty::I64, Ty::F64], &[Ty::F64], callee);
    let mut module = module(vec![caller, callee]);
    module.methods[0].nogil = true;
    let built = build(&module);
    let bits = f64::to_bits;
    let first = |outcome: Outcome| outcome.map(|results| results[0]);
    let two = bits(2.0);
    assert_eq!(first(starved(&built, 0, &[3, two])), Ok(bits(9.0)));
    assert_eq!(
        first(starved(&built, 0, &[1 << 22, two])),
        Ok(bits(2f64.powi(44)))
    );
    assert_eq!(
        starved(&built, 0, &[-1i64 as u64, two]),
        raised("m.Own", "below")
    );
    assert_eq!(
        starved(&built, 0, &[0, two]),
        raised("ZeroDivisionError", "")
    );
    assert_eq!(starved(&built, 0, &[2, two]), raised("AssertionError", "1"));
    let overflow = raised("OverflowError", "result of '*' does not fit in i64");
    assert_eq!(starved(&built, 0, &[1 << 40, two]), overflow);
    let zero = raised("ZeroDivisionError", "");
    assert_eq!(starved(&built, 0, &[0, bits(-1.0)]), zero);
    // The other method runs the same code with the GIL held.
    assert_eq!(first(starved(&built, 1, &[3, two])), Ok(bits(3.0)));
    assert_eq!(
        starved(&built, 1, &[-1i64 as u64, two]),
        raised("m.Own", "below")
    );
}
