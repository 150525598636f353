//! References: balanced on every path, with memory that runs out at any point, and never let go while they are used: memory of an object
//! that is gone cannot be read.

use super::model::*;
use super::py::{Call, Py};
use super::*;

const STR: Ty = Ty::Str { nullable: false };

fn bytes(content: &[u8]) -> Py {
    Py::Bytes(content.to_vec())
}

fn text(content: &str) -> Py {
    Py::Str(content.to_owned())
}

fn if_(cond: Expr, then: Vec<Stmt>, other: Vec<Stmt>) -> Stmt {
    stmt(StmtKind::If(cond, then, other))
}

fn return_(values: Vec<Expr>) -> Stmt {
    stmt(StmtKind::Return(values))
}

fn for_each(var: u32, view: Expr, body: Vec<Stmt>, orelse: Vec<Stmt>) -> Stmt {
    stmt(StmtKind::ForEach {
        index: None,
        var: LocalId(var),
        view,
        body,
        orelse,
    })
}

fn one() -> Expr {
    int(1, Ty::I64)
}

fn part(view: Expr) -> Expr {
    slice(view, Some(one()), None)
}

fn widen(ty: Ty, x: Expr) -> Expr {
    expr(ty, ExprKind::Widen(boxed(x)))
}

/// Of a view that may be None.
fn nullable(ty: Ty) -> Ty {
    match ty {
        Ty::View(view) => Ty::View(View {
            nullable: true,
            ..view
        }),
        _ => Ty::Str { nullable: true },
    }
}

fn with_locals(mut f: Function, locals: &[(&str, Ty)]) -> Function {
    for (name, ty) in locals {
        new_local(&mut f, name, *ty, false);
    }
    f
}

fn case(function: Function, model: &str, args: Vec<Vec<Py>>) -> Case {
    Case {
        function,
        model: model.to_owned(),
        args,
    }
}

fn contents() -> Vec<Vec<Py>> {
    [&b""[..], b"x", b"abc", b"hello world"]
        .map(|content| vec![bytes(content)])
        .into()
}

#[test]
fn locals_own_what_they_hold() {
    let (a, b) = (|| local(0, STR), || local(1, STR));
    let swap = |times| {
        let exchange = stmt(StmtKind::Unpack {
            targets: vec![LocalId(0), LocalId(1)],
            value: expr(STR, ExprKind::Tuple(vec![b(), a()])),
            narrow: vec![None, None],
        });
        let mut body = vec![exchange; times];
        body.push(return_(vec![a(), b()]));
        function(&[STR, STR], &[STR, STR], body)
    };
    let pair = || vec![vec![text("left"), text("right")]];
    // Of objects that only the locals own.
    let own_swap = {
        let (x, y) = (|| local(1, BYTES), || local(2, BYTES));
        let exchange = stmt(StmtKind::Unpack {
            targets: vec![LocalId(1), LocalId(2)],
            value: expr(BYTES, ExprKind::Tuple(vec![y(), x()])),
            narrow: vec![None, None],
        });
        let body = vec![
            assign(1, copy(BYTES, local(0, BYTES))),
            assign(2, copy(BYTES, part(local(0, BYTES)))),
            exchange,
            return_(vec![x(), y()]),
        ];
        let f = function(&[BYTES], &[BYTES, BYTES], body);
        with_locals(f, &[("x", BYTES), ("y", BYTES)])
    };
    // x = s; x = "made"; x = x; return x, x, s
    let copies = with_locals(
        function(
            &[STR],
            &[STR, STR, STR],
            vec![
                assign(1, local(0, STR)),
                assign(1, text_of("made")),
                assign(1, local(1, STR)),
                return_(vec![local(1, STR), local(1, STR), local(0, STR)]),
            ],
        ),
        &[("x", STR)],
    );
    // A local that may hold nothing yet: if v: w = copy(v); return len(v)
    let maybe = with_locals(
        function(
            &[BYTES],
            &[Ty::I64],
            vec![
                if_(
                    expr(Ty::Bool, ExprKind::Truth(boxed(local(0, BYTES)))),
                    vec![assign(1, copy(BYTES, local(0, BYTES)))],
                    vec![],
                ),
                return_(vec![len(local(0, BYTES))]),
            ],
        ),
        &[("w", BYTES)],
    );
    // w = copy(v); while w: w = w[1:]; n += 1; return n
    let shrink = |whole: Ty| {
        let of = if whole == BYTES { SLICE } else { whole };
        let (w, n) = (|| local(1, of), || local(2, Ty::I64));
        let first = part(copy(whole, local(0, BYTES)));
        with_locals(
            function(
                &[BYTES],
                &[Ty::I64, of],
                vec![
                    assign(1, first),
                    assign(2, int(0, Ty::I64)),
                    stmt(StmtKind::While(
                        expr(Ty::Bool, ExprKind::Truth(boxed(w()))),
                        vec![assign(1, part(w())), assign(2, add(n(), one()))],
                        vec![],
                    )),
                    return_(vec![n(), w()]),
                ],
            ),
            &[("w", of), ("n", Ty::I64)],
        )
    };
    check(&[
        case(swap(1), "lambda a, b: (b, a)", pair()),
        case(own_swap, "lambda v: (v[1:], v)", contents()),
        case(swap(2), "lambda a, b: (a, b)", pair()),
        case(
            copies,
            "lambda s: ('made', 'made', s)",
            vec![vec![text("s")]],
        ),
        case(maybe, "len", contents()),
        case(
            shrink(BYTES),
            "lambda v: (max(0, len(v) - 1), b'')",
            contents(),
        ),
        case(
            shrink(BYTEARRAY),
            "lambda v: (max(0, len(v) - 1), bytearray())",
            contents(),
        ),
    ]);
}

#[test]
fn loops_keep_their_view_and_let_it_go() {
    // Over a local that the body overwrites, over a temporary; with every way out.
    let fresh = || copy(BYTEARRAY, local(0, BYTES));
    let sum = |view: Expr, extra: Vec<Stmt>, orelse: Vec<Stmt>| {
        let (n, x) = (|| local(2, Ty::I64), || local(3, Ty::I64));
        let mut body = vec![assign(2, add(n(), x()))];
        body.extend(extra);
        with_locals(
            function(
                &[BYTES],
                &[Ty::I64],
                vec![
                    assign(1, fresh()),
                    assign(2, int(0, Ty::I64)),
                    for_each(3, view, body, orelse),
                    return_(vec![n()]),
                ],
            ),
            &[("w", BYTEARRAY), ("n", Ty::I64), ("x", Ty::I64)],
        )
    };
    let is_l = || compare(CmpOp::Eq, local(3, Ty::I64), int(b'l'.into(), Ty::I64));
    let overwrite = || assign(1, zeroes(BYTEARRAY, one()));
    let w = || local(1, BYTEARRAY);
    let sliced = || part(w());
    let leave = |kind| if_(is_l(), vec![stmt(kind)], vec![]);
    let nested = vec![if_(is_l(), vec![stmt(StmtKind::Continue)], vec![])];
    let bad = expr(
        Ty::I64,
        ExprKind::Index(boxed(w()), boxed(int(100, Ty::I64))),
    );
    let before_l = "lambda v: sum(v[:v.index(108) + 1] if 108 in v else v)";
    check(&[
        case(sum(w(), vec![overwrite()], vec![]), "sum", contents()),
        case(
            sum(sliced(), vec![overwrite()], vec![]),
            "lambda v: sum(v[1:])",
            contents(),
        ),
        case(sum(fresh(), vec![], vec![]), "sum", contents()),
        case(sum(fresh(), nested, vec![overwrite()]), "sum", contents()),
        case(
            sum(fresh(), vec![leave(StmtKind::Break)], vec![]),
            before_l,
            contents(),
        ),
        case(
            sum(fresh(), vec![leave(StmtKind::Break)], vec![overwrite()]),
            before_l,
            contents(),
        ),
        case(
            sum(fresh(), vec![leave(StmtKind::Return(vec![one()]))], vec![]),
            "lambda v: 1 if 108 in v else sum(v)",
            contents(),
        ),
        case(
            sum(w(), vec![overwrite(), leave(StmtKind::Expr(bad))], vec![]),
            "lambda v: sum(v) if 108 not in v else bytearray()[5]",
            contents(),
        ),
    ]);
    // An `else` that goes on with the loop around.
    let (n, x) = (|| local(2, Ty::I64), || local(3, Ty::I64));
    let inner = for_each(
        4,
        part(fresh()),
        vec![assign(2, add(n(), x()))],
        vec![stmt(StmtKind::Continue)],
    );
    let around = with_locals(
        function(
            &[BYTES],
            &[Ty::I64],
            vec![
                assign(2, int(0, Ty::I64)),
                for_each(3, fresh(), vec![inner, assign(2, int(-1, Ty::I64))], vec![]),
                return_(vec![n()]),
            ],
        ),
        &[
            ("w", BYTEARRAY),
            ("n", Ty::I64),
            ("x", Ty::I64),
            ("y", Ty::I64),
        ],
    );
    check(&[case(
        around,
        "lambda v: sum(v) * (len(v) - 1 if v else 0)",
        contents(),
    )]);
}

#[test]
fn what_an_expression_makes_goes_with_it() {
    let v = || local(0, BYTES);
    let fresh = || copy(BYTES, v());
    let choose = |a: Expr, b: Expr| {
        let ty = a.ty;
        let long = compare(CmpOp::Gt, len(v()), one());
        expr(ty, ExprKind::IfElse(boxed(long), boxed(a), boxed(b)))
    };
    let or = |a: Expr, b: Expr| expr(a.ty, ExprKind::Or(boxed(a), boxed(b)));
    let and = |a: Expr, b: Expr| expr(a.ty, ExprKind::And(boxed(a), boxed(b)));
    let chain = ExprKind::Compare {
        first: boxed(fresh()),
        rest: vec![
            (CmpOp::Lt, copy(BYTES, bytes_of(b"b"))),
            (CmpOp::Ne, bytes_of(b"abc")),
            (CmpOp::Lt, fresh()),
        ],
    };
    let chain = expr(Ty::Bool, chain);
    let cond = |cond: Expr| {
        let body = vec![
            if_(cond, vec![return_(vec![one()])], vec![]),
            return_(vec![int(0, Ty::I64)]),
        ];
        function(&[BYTES], &[Ty::I64], body)
    };
    let fails = |x: Expr| {
        let zero = expr(
            Ty::I64,
            ExprKind::Binary {
                op: BinOp::FloorDiv,
                rule: Rule::Raise,
                left: boxed(one()),
                right: boxed(len(v())),
            },
        );
        index(x, zero)
    };
    let of = |e: Expr| returns(&[BYTES], e);
    let contains = expr(
        Ty::Bool,
        ExprKind::Contains {
            needle: boxed(fresh()),
            haystack: boxed(copy(BYTEARRAY, part(v()))),
        },
    );
    let statement = function(&[BYTES], &[], vec![stmt(StmtKind::Expr(fresh()))]);
    check(&[
        case(of(choose(fresh(), v())), "lambda v: v", contents()),
        case(of(choose(v(), fresh())), "lambda v: v", contents()),
        case(of(len(choose(fresh(), v()))), "len", contents()),
        case(
            of(len(choose(part(v()), part(part(v()))))),
            "lambda v: max(0, len(v) - 1)",
            contents(),
        ),
        case(of(or(v(), fresh())), "lambda v: v", contents()),
        case(of(and(fresh(), v())), "lambda v: v", contents()),
        case(of(len(or(fresh(), fresh()))), "len", contents()),
        case(
            of(chain.clone()),
            "lambda v: v < b'b' != b'abc' < v",
            contents(),
        ),
        case(
            cond(chain),
            "lambda v: int(v < b'b' != b'abc' < v)",
            contents(),
        ),
        case(of(fails(fresh())), "lambda v: v[1 // len(v)]", contents()),
        case(of(contains), "lambda v: v in v[1:]", contents()),
        case(statement, "lambda v: ()", contents()),
    ]);
}

#[test]
fn calls_borrow_arguments_and_give_results() {
    // fn 0, too long to be copied: returns its second argument, or fails where the first is empty.
    let (v, w) = (|| local(0, BYTES), || local(1, BYTES));
    let first = |view: Expr| stmt(StmtKind::Expr(index(view, int(0, Ty::I64))));
    let mut body = vec![first(v()); 12];
    body.extend([assign(0, w()), return_(vec![v(), w(), len(v())])]);
    let callee = function(&[BYTES, BYTES], &[BYTES, BYTES, Ty::I64], body);
    // fn 1, copied: a slice of its argument.
    let small = returns(&[BYTES], part(local(0, BYTES)));
    // fn 2: with temporaries; unpacks the results.
    let a = || local(0, BYTES);
    let fresh = || copy(BYTES, a());
    let call = |args: Vec<Expr>, order: Vec<usize>| {
        expr(BYTES, ExprKind::Call(FunctionId(0), args, order))
    };
    let unpack = |args, order| {
        with_locals(
            function(
                &[BYTES],
                &[BYTES, Ty::I64, SLICE],
                vec![
                    stmt(StmtKind::Unpack {
                        targets: vec![LocalId(1), LocalId(2), LocalId(3)],
                        value: call(args, order),
                        narrow: vec![None, None, None],
                    }),
                    return_(vec![
                        local(2, BYTES),
                        local(3, Ty::I64),
                        part(local(1, BYTES)),
                    ]),
                ],
            ),
            &[("x", BYTES), ("y", BYTES), ("n", Ty::I64)],
        )
    };
    let sliced = expr(SLICE, ExprKind::Call(FunctionId(1), vec![fresh()], vec![]));
    let through = function(
        &[BYTES],
        &[BYTES, BYTES, Ty::I64],
        vec![return_(vec![call(vec![a(), fresh()], vec![])])],
    );
    let model = "lambda v: (v[0], (v, len(v), v[1:]))[1]";
    let unused = function(
        &[BYTES],
        &[],
        vec![stmt(StmtKind::Expr(call(vec![fresh(), a()], vec![])))],
    );
    let pairs = || {
        contents()
            .into_iter()
            .map(|v| [&v[..], &v[..]].concat())
            .collect()
    };
    check(&[
        case(callee, "lambda v, w: (v[0], (w, w, len(w)))[1]", pairs()),
        case(small, "lambda v: v[1:]", contents()),
        case(unpack(vec![fresh(), fresh()], vec![]), model, contents()),
        case(unpack(vec![fresh(), a()], vec![1, 0]), model, contents()),
        case(returns(&[BYTES], sliced), "lambda v: v[1:]", contents()),
        case(through, "lambda v: (v[0], (v, v, len(v)))[1]", contents()),
        case(unused, "lambda v: (v[0], ())[1]", contents()),
    ]);
}

#[test]
fn none_is_told_from_views_and_strs() {
    let (maybe, maybe_str) = (nullable(BYTES), nullable(STR));
    let v = || local(0, maybe);
    let sure = |x: Expr| {
        let ty = if x.ty == maybe { BYTES } else { STR };
        expr(ty, ExprKind::NotNone(boxed(x)))
    };
    let of = |value: Expr| returns(&[maybe], value);
    let of_str = |value: Expr| returns(&[maybe_str], value);
    let none = || expr(Ty::None, ExprKind::Const(Const::None));
    let is_none = |x: Expr| expr(Ty::Bool, ExprKind::IsNone(boxed(x)));
    let truth = |x: Expr| expr(Ty::Bool, ExprKind::Truth(boxed(x)));
    let object = |x: Expr| expr(Ty::Object, ExprKind::Boxed(boxed(x)));
    let or_none = |x: Expr| {
        let ty = nullable(x.ty);
        let cond = compare(CmpOp::Gt, len(x.clone()), one());
        let (x, none) = (boxed(widen(ty, x)), boxed(widen(ty, none())));
        expr(ty, ExprKind::IfElse(boxed(cond), x, none))
    };
    let decoded = ExprKind::Decode(boxed(sure(v())), Codec::Utf8);
    let encoded = ExprKind::Encode(boxed(sure(local(0, maybe_str))));
    let contains = |needle: Expr, haystack: Expr| {
        let (needle, haystack) = (boxed(needle), boxed(haystack));
        expr(Ty::Bool, ExprKind::Contains { needle, haystack })
    };
    let each = with_locals(
        function(
            &[maybe],
            &[],
            vec![for_each(1, sure(v()), vec![stmt(StmtKind::Break)], vec![])],
        ),
        &[("x", Ty::I64)],
    );
    let mut args = contents();
    args.push(vec![Py::None]);
    let texts = vec![vec![text("")], vec![text("é")], vec![Py::None]];
    check(&[
        case(of(is_none(v())), "lambda v: v is None", args.clone()),
        case(of(truth(v())), "bool", args.clone()),
        case(of(v()), "lambda v: v", args.clone()),
        case(of(object(v())), "lambda v: v", args.clone()),
        case(of(len(sure(v()))), "len", args.clone()),
        case(of(index(sure(v()), one())), "lambda v: v[1]", args.clone()),
        case(of(part(sure(v()))), "lambda v: v[1:]", args.clone()),
        case(of(copy(BYTES, sure(v()))), "lambda v: v[:]", args.clone()),
        case(of(copy(BYTEARRAY, sure(v()))), "bytearray", args.clone()),
        case(
            of(copy(nullable(BYTEARRAY), v())),
            "lambda v: v if v is None else bytearray(v)",
            args.clone(),
        ),
        case(of(sure(v())), "lambda v: v[:]", args.clone()),
        case(of(expr(STR, decoded)), "lambda v: v.decode()", args.clone()),
        case(
            of(contains(one(), sure(v()))),
            "lambda v: 1 in v",
            args.clone(),
        ),
        case(
            of(contains(sure(v()), bytes_of(b"abcd"))),
            "lambda v: v in b'abcd'",
            args.clone(),
        ),
        case(
            of(compare(CmpOp::Eq, v(), v())),
            "lambda v: v == v",
            args.clone(),
        ),
        case(
            of(compare(CmpOp::Eq, v(), bytes_of(b"x"))),
            "lambda v: v == b'x'",
            args.clone(),
        ),
        case(each, "lambda v: (iter(v), ())[1]", args),
        case(
            of_str(is_none(local(0, maybe_str))),
            "lambda s: s is None",
            texts.clone(),
        ),
        case(of_str(truth(local(0, maybe_str))), "bool", texts.clone()),
        case(
            of_str(expr(SLICE, encoded)),
            "lambda s: s.encode()",
            texts.clone(),
        ),
        case(
            of_str(compare(CmpOp::Eq, local(0, maybe_str), text_of("é"))),
            "lambda s: s == 'é'",
            texts,
        ),
        case(
            returns(&[BYTES], or_none(local(0, BYTES))),
            "lambda v: v if len(v) > 1 else None",
            contents(),
        ),
        case(
            returns(&[STR], or_none(local(0, STR))),
            "lambda v: v if len(v) > 1 else None",
            vec![vec![text("")], vec![text("abc")]],
        ),
    ]);
}

/// Without the GIL nothing of the interpreter is called; where a reference has to be counted, it is taken back for that.
#[test]
fn views_without_the_gil() {
    let plain = Ty::View(View::BYTES);
    let fail = || stmt(StmtKind::Expr(index(local(2, plain), int(100, Ty::I64))));
    let body = |view: Expr, fails: bool| {
        let mut inner = vec![
            assign(2, part(view)),
            assign(2, part(local(2, plain))),
            assign(3, int(0, Ty::I64)),
            for_each(
                4,
                local(2, plain),
                vec![assign(3, add(local(3, Ty::I64), local(4, Ty::I64)))],
                vec![],
            ),
        ];
        if fails {
            inner.push(fail());
        }
        vec![
            assign(1, copy(BYTES, local(0, BYTES))),
            stmt(StmtKind::Nogil(inner)),
            return_(vec![local(3, Ty::I64), local(1, BYTES)]),
        ]
    };
    let locals = [("w", BYTES), ("p", plain), ("n", Ty::I64), ("x", Ty::I64)];
    let make = |view, fails| {
        with_locals(
            function(&[BYTES], &[Ty::I64, BYTES], body(view, fails)),
            &locals,
        )
    };
    let (own, given) = (
        || widen(plain, local(1, BYTES)),
        || widen(plain, local(0, BYTES)),
    );
    let model = "lambda v: (sum(v[2:]), v)";
    let failing = "lambda v: memoryview(v)[100]";
    check(&[
        case(make(own(), false), model, contents()),
        case(make(given(), false), model, contents()),
        case(make(own(), true), failing, contents()),
        case(make(given(), true), failing, contents()),
    ]);
    // The whole body: no object, so the views are those of buffers that the wrapper holds.
    let of = view(U8, true, Whole::Part);
    let sum = with_locals(
        function(
            &[of],
            &[Ty::I64, of],
            vec![
                assign(1, part(local(0, of))),
                assign(2, int(0, Ty::I64)),
                for_each(
                    3,
                    local(1, of),
                    vec![assign(2, add(local(2, Ty::I64), local(3, Ty::I64)))],
                    vec![],
                ),
                return_(vec![local(2, Ty::I64), local(1, of)]),
            ],
        ),
        &[("p", of), ("n", Ty::I64), ("x", Ty::I64)],
    );
    let mut module = module(vec![sum]);
    module.methods[0].nogil = true;
    let built = build(&module);
    let call = Call {
        built: &built,
        function: &module.functions[0],
        at: 0,
    };
    let (results, _) = call.starved(&[bytes(b"\x01\x02\x03")]).expect("it ends");
    assert_eq!(results, [Py::Int(5), bytes(b"\x02\x03")]);
}
