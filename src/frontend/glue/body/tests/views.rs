//! Views, bytes, bytearrays and strs: what comes out, what an argument holds then, and which exception, against CPython on the same values.

use super::model::*;
use super::oracle::Random;
use super::py::Py;
use super::*;

const ITEMS: &[Item] = &[
    Item::Bool,
    Item::Int(IntTy::I8),
    U8,
    Item::Int(IntTy::I16),
    Item::Int(IntTy::U16),
    Item::Int(IntTy::I32),
    Item::Int(IntTy::U32),
    Item::Int(IntTy::I64),
    Item::Int(IntTy::U64),
    Item::F32,
    Item::F64,
];

fn random_bytes(random: &mut Random, size: usize) -> Vec<u8> {
    (0..size).map(|_| random.value(Ty::U64) as u8).collect()
}

const INDEXES: &[i128] = &[
    0,
    1,
    2,
    3,
    4,
    -1,
    -3,
    -4,
    -5,
    i64::MAX as i128,
    i64::MIN as i128,
];

#[test]
fn items_are_those_of_a_memoryview() {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for &item in ITEMS {
        let of = view(item, false, Whole::Part);
        let (v, i) = (|| local(0, of), || local(1, Ty::I64));
        let mut args = Vec::new();
        for count in [0, 1, 4] {
            for &at in INDEXES {
                let bytes = random_bytes(&mut random, count * item.size() as usize);
                args.push(vec![Py::Bytes(bytes), Py::Int(at)]);
            }
        }
        cases.push(Case {
            function: returns(&[of, Ty::I64], index(v(), i())),
            model: "lambda v, i: v[i]".to_owned(),
            args: args.clone(),
        });
        // Constant indexes, and those of u64.
        for at in [0, 2, -1, -3] {
            cases.push(Case {
                function: returns(&[of, Ty::I64], index(v(), int(at, Ty::I64))),
                model: format!("lambda v, i: v[{at}]"),
                args: args.clone(),
            });
        }
        let unsigned = [0, 3, 4, i64::MAX as i128, 1 << 63, (1 << 64) - 1];
        let with = |at: &i128| vec![Py::Bytes(vec![1; 4 * item.size() as usize]), Py::Int(*at)];
        cases.push(Case {
            function: returns(&[of, Ty::U64], index(v(), local(1, Ty::U64))),
            model: "lambda v, i: v[i]".to_owned(),
            args: unsigned.iter().map(with).collect(),
        });
    }
    for of in [BYTES, SLICE, BYTEARRAY] {
        let make = if of == BYTEARRAY {
            Py::ByteArray
        } else {
            Py::Bytes
        };
        cases.push(Case {
            function: returns(&[of, Ty::I64], index(local(0, of), local(1, Ty::I64))),
            model: "lambda v, i: v[i]".to_owned(),
            args: INDEXES
                .iter()
                .map(|&at| vec![make(vec![7, 8, 9, 255]), Py::Int(at)])
                .collect(),
        });
    }
    check(&cases);
}

/// Every pair of bounds around a view of four items.
#[test]
fn slices_are_clipped_as_pythons() {
    let mut cases = Vec::new();
    let wide = view(Item::Int(IntTy::I32), true, Whole::Part);
    for of in [view(U8, false, Whole::Part), BYTES, SLICE, BYTEARRAY, wide] {
        let size = if of == wide { 16 } else { 4 };
        let value = match of {
            BYTEARRAY => Py::ByteArray((1..=size).collect()),
            _ => Py::Bytes((1..=size).collect()),
        };
        let params = [of, Ty::I64, Ty::I64];
        let (i, j) = (|| local(1, Ty::I64), || local(2, Ty::I64));
        let mut args = Vec::new();
        for &start in INDEXES {
            for &stop in INDEXES {
                args.push(vec![value.clone(), Py::Int(start), Py::Int(stop)]);
            }
        }
        let bounds = [
            ("i:j", Some(i()), Some(j())),
            ("i:", Some(i()), None),
            (":j", None, Some(j())),
            (":", None, None),
            ("1:3", Some(int(1, Ty::I64)), Some(int(3, Ty::I64))),
            ("-3:-1", Some(int(-3, Ty::I64)), Some(int(-1, Ty::I64))),
        ];
        for (text, start, stop) in bounds {
            cases.push(Case {
                function: returns(&params, slice(local(0, of), start, stop)),
                model: format!("lambda v, i, j: v[{text}]"),
                args: args.clone(),
            });
        }
        // Of a slice, and its length.
        let part = slice(local(0, of), Some(int(1, Ty::I64)), Some(i()));
        cases.push(Case {
            function: returns(&params, len(slice(part, None, Some(j())))),
            model: "lambda v, i, j: len(v[1:i][:j])".to_owned(),
            args,
        });
    }
    check(&cases);
}

fn store(view: Expr, at: Expr, value: Expr, rule: Rule) -> Stmt {
    stmt(StmtKind::Store {
        view,
        index: at,
        value,
        rule,
    })
}

#[test]
fn an_item_that_is_read_and_written_has_its_index_checked_once() {
    let of = view(Item::Int(IntTy::I64), true, Whole::Part);
    let (v, i) = (|| local(0, of), || local(1, Ty::I64));
    let checks = |value: Expr| {
        let body = vec![store(v(), i(), value, Rule::Raise)];
        let built = build(&module(vec![function(&[of, Ty::I64], &[], body)]));
        let text = print::func(built.program.func(built.entries[0]), &built.program);
        text.matches("icmp ult").count()
    };
    // From the start, and from the end.
    assert_eq!(checks(int(1, Ty::I64)), 2);
    assert_eq!(checks(add(index(v(), i()), int(1, Ty::I64))), 2);
    // What is read later, or elsewhere, is not what is written.
    assert_eq!(checks(add(int(1, Ty::I64), index(v(), i()))), 4);
    let next = add(i(), int(1, Ty::I64));
    assert_eq!(checks(add(index(v(), next), int(1, Ty::I64))), 4);
}

#[test]
fn stores_check_index_and_value() {
    let mut cases = Vec::new();
    let values = [
        0i128,
        1,
        -1,
        127,
        128,
        -128,
        -129,
        255,
        256,
        65535,
        65536,
        1 << 31,
        1 << 32,
    ];
    for &item in ITEMS {
        let of = view(item, true, Whole::Part);
        let ty = item.storage().ty();
        let content = Py::Bytes(vec![9; 3 * item.size() as usize]);
        let given: Vec<Py> = match item {
            Item::Int(IntTy::U64) => values
                .iter()
                .filter(|&&v| v >= 0)
                .map(|&v| Py::Int(v))
                .collect(),
            Item::Int(_) => values.iter().map(|&v| Py::Int(v)).collect(),
            Item::Bool => vec![Py::Bool(true), Py::Bool(false)],
            Item::F32 | Item::F64 => [0.5, -0.0, 0.1, f64::INFINITY].map(Py::Float).into(),
        };
        let mut args = Vec::new();
        for at in [0, 2, 3, -1, -3, -4, i64::MIN as i128] {
            for value in &given {
                args.push(vec![content.clone(), Py::Int(at), value.clone()]);
            }
        }
        let (low, high) = match item {
            Item::Int(int) => int.range(),
            _ => (i128::MIN, i128::MAX),
        };
        for rule in [Rule::Raise, Rule::Wrap] {
            let params = [of, Ty::I64, ty];
            let statement = store(local(0, of), local(1, Ty::I64), local(2, ty), rule);
            let model = match (rule, item) {
                (Rule::Raise, Item::Int(_)) => format!("declared(v, i, x, {low}, {high})"),
                (Rule::Wrap, Item::Int(int)) => {
                    format!("store(v, i, (x - {low}) % (1 << {}) + {low})", int.bits())
                }
                _ => "store(v, i, x)".to_owned(),
            };
            cases.push(Case {
                function: function(&params, &[], vec![statement]),
                model: format!("lambda v, i, x: {model}"),
                args: args.clone(),
            });
        }
    }
    // A bytearray, and a bytes that stands for one, look at the value first.
    for whole in [Whole::ByteArray, Whole::Bytes] {
        for index_ty in [Ty::I64, Ty::U64] {
            let of = view(U8, true, whole);
            let params = [BYTEARRAY, index_ty, Ty::I64];
            let source = local(0, BYTEARRAY);
            let target = match whole {
                Whole::ByteArray => source,
                _ => copy(of, source),
            };
            let statement = store(target, local(1, index_ty), local(2, Ty::I64), Rule::Raise);
            let indexes: &[i128] = match index_ty {
                Ty::U64 => &[0, 2, 3, 1 << 63],
                _ => &[0, 2, 3, -1, -3, -4],
            };
            let pairs = indexes
                .iter()
                .flat_map(|at| values.iter().map(move |value| (at, value)));
            let given = |(at, value): (&i128, &i128)| {
                vec![Py::ByteArray(vec![9; 3]), Py::Int(*at), Py::Int(*value)]
            };
            let target = if whole == Whole::ByteArray {
                "v"
            } else {
                "bytearray(v)"
            };
            cases.push(Case {
                function: function(&params, &[], vec![statement]),
                model: format!("lambda v, i, x: store({target}, i, x)"),
                args: pairs.map(given).collect(),
            });
        }
    }
    check(&cases);
}

#[test]
fn bytes_compare_and_contain_as_pythons() {
    let mut random = Random(3);
    let mut pairs = Vec::new();
    for size in 0..40 {
        let base = random_bytes(&mut random, size);
        let mut other = base.clone();
        pairs.push((base.clone(), other.clone()));
        if size > 0 {
            // Differences at both ends, and anywhere.
            for at in [0, size - 1, size / 2, size * 7 / 8] {
                other.clone_from(&base);
                other[at] = other[at].wrapping_add(1 + (size as u8 & 0x80));
                pairs.push((base.clone(), other.clone()));
                pairs.push((other.clone(), base.clone()));
            }
            pairs.push((base.clone(), base[..size - 1].to_vec()));
            pairs.push((base[1..].to_vec(), base.clone()));
        }
    }
    let args: Vec<Vec<Py>> = pairs
        .into_iter()
        .map(|(a, b)| vec![Py::Bytes(a), Py::ByteArray(b)])
        .collect();
    let params = [BYTES, BYTEARRAY];
    let (a, b) = (|| local(0, BYTES), || local(1, BYTEARRAY));
    let mut cases = Vec::new();
    for (op, text) in [
        (CmpOp::Eq, "=="),
        (CmpOp::Ne, "!="),
        (CmpOp::Lt, "<"),
        (CmpOp::Le, "<="),
        (CmpOp::Gt, ">"),
        (CmpOp::Ge, ">="),
    ] {
        cases.push(Case {
            function: returns(&params, compare(op, a(), b())),
            model: format!("lambda a, b: a {text} b"),
            args: args.clone(),
        });
    }
    let contains = |needle, haystack| {
        let (needle, haystack) = (boxed(needle), boxed(haystack));
        expr(Ty::Bool, ExprKind::Contains { needle, haystack })
    };
    // Of few letters, so that much is found.
    let mut searches = Vec::new();
    for size in 0..60 {
        let letters = 1 + size as u64 % 3;
        let mut word = |size| -> Vec<u8> {
            (0..size)
                .map(|_| b'a' + (random.value(Ty::U64) % letters) as u8)
                .collect()
        };
        for part in [0, 1, 2, 3, 5, 9, 17, 40] {
            let (haystack, needle) = (word(size), word(part));
            searches.push(vec![Py::Bytes(needle), Py::ByteArray(haystack.clone())]);
            if size >= part {
                let inside = haystack[size - part..].to_vec();
                searches.push(vec![Py::Bytes(inside), Py::ByteArray(haystack)]);
            }
        }
    }
    // First and last byte stand everywhere, and what is between them nowhere, or once: comparisons are given up for another way.
    for size in [40, 64, 65, 200] {
        for part in [3, 8, 9, 30] {
            for inner in [1, part / 2, part - 2] {
                let mut needle = vec![b'a'; part];
                needle[inner] = b'b';
                let mut haystack = vec![b'a'; size];
                searches.push(vec![
                    Py::Bytes(needle.clone()),
                    Py::ByteArray(haystack.clone()),
                ]);
                for place in [0, (size - part) / 2, size - part] {
                    haystack[place..place + part].copy_from_slice(&needle);
                    let pair = [Py::Bytes(needle.clone()), Py::ByteArray(haystack.clone())];
                    searches.push(pair.to_vec());
                    haystack.fill(b'a');
                }
            }
        }
    }
    cases.push(Case {
        function: returns(&params, contains(a(), b())),
        model: "lambda a, b: a in b".to_owned(),
        args: searches,
    });
    let signed = view(Item::Int(IntTy::I8), false, Whole::Part);
    for of in [BYTES, BYTEARRAY, view(U8, false, Whole::Part), signed] {
        let make = if of == BYTEARRAY {
            Py::ByteArray
        } else {
            Py::Bytes
        };
        let mut args = Vec::new();
        for size in (0..20).chain([31, 32, 33, 40, 63, 64, 71, 100]) {
            let content = random_bytes(&mut random, size);
            let here = content
                .iter()
                .flat_map(|&byte| [byte.into(), i128::from(byte as i8)]);
            for value in here.chain([0, 1, 127, 128, 255, 256, -1, -128, -129, 1 << 40]) {
                args.push(vec![make(content.clone()), Py::Int(value)]);
            }
        }
        cases.push(Case {
            function: returns(&[of, Ty::I64], contains(local(1, Ty::I64), local(0, of))),
            model: "lambda v, x: x in v".to_owned(),
            args,
        });
    }
    check(&cases);
}

#[test]
fn loops_visit_each_item_once() {
    // `items` of the script, with assignments to both variables at the end of a round.
    let body = |of: Ty| {
        let mut f = function(&[of, Ty::I64], &[Ty::I64, Ty::I64], Vec::new());
        for name in ["n", "s", "i", "x"] {
            new_local(&mut f, name, Ty::I64, false);
        }
        let [limit, n, s, i, x] = [1, 2, 3, 4, 5].map(|at| local(at, Ty::I64));
        let constant = |value| int(value, Ty::I64);
        f.body = vec![
            assign(2, constant(0)),
            assign(3, constant(0)),
            stmt(StmtKind::ForEach {
                index: Some(LocalId(4)),
                var: LocalId(5),
                view: local(0, of),
                body: vec![
                    stmt(StmtKind::If(
                        compare(CmpOp::Eq, x.clone(), limit),
                        vec![stmt(StmtKind::Break)],
                        vec![],
                    )),
                    assign(2, add(n.clone(), i)),
                    assign(3, add(s.clone(), x)),
                    assign(4, constant(7)),
                    assign(5, constant(5)),
                ],
                orelse: vec![assign(2, add(n.clone(), constant(1000)))],
            }),
            stmt(StmtKind::Return(vec![n, s])),
        ];
        f
    };
    let mut cases = Vec::new();
    for &item in ITEMS {
        let Item::Int(_) = item else { continue };
        let of = view(item, false, Whole::Part);
        if of == view(Item::Int(IntTy::U64), false, Whole::Part) {
            continue;
        }
        let mut args = Vec::new();
        let size = item.size() as usize;
        for count in 0..6 {
            let items = (0..count as i64).map(|at| (at * 3 - 3).to_le_bytes());
            let bytes: Vec<u8> = items.flat_map(|item| item[..size].to_vec()).collect();
            for limit in [0, 3, 6, 9, -5] {
                args.push(vec![Py::Bytes(bytes.clone()), Py::Int(limit)]);
            }
        }
        cases.push(Case {
            function: body(of),
            model: "items".to_owned(),
            args,
        });
    }
    check(&cases);
}

#[test]
fn texts_and_new_objects() {
    let text = Ty::Str { nullable: false };
    let decode = |codec| {
        let of = view(U8, false, Whole::Part);
        returns(
            &[of],
            expr(text, ExprKind::Decode(boxed(local(0, of)), codec)),
        )
    };
    let strings = [
        "",
        "a",
        "zażółć",
        "\0x\0",
        "🦀🦀",
        "plain text of some length",
    ];
    let texts: Vec<Vec<Py>> = strings.iter().map(|s| vec![Py::Str((*s).into())]).collect();
    let mut contents: Vec<Vec<u8>> = strings.iter().map(|s| s.as_bytes().to_vec()).collect();
    contents.extend([
        b"\xff".to_vec(),
        b"a\xc3".to_vec(),
        b"\xed\xa0\x80".to_vec(),
    ]);
    let contents: Vec<Vec<Py>> = contents.into_iter().map(|c| vec![Py::Bytes(c)]).collect();
    let encoded = || expr(SLICE, ExprKind::Encode(boxed(local(0, text))));
    let case = |function, model: &str, args: &[Vec<Py>]| Case {
        function,
        model: model.to_owned(),
        args: args.to_vec(),
    };
    let counts: Vec<Vec<Py>> = [0, 1, 7, 8, 9, 31, 100, -1, i64::MIN.into(), i64::MAX.into()]
        .map(|n| vec![Py::Int(n)])
        .into();
    let as_bytes = view(U8, true, Whole::Bytes);
    let other = Ty::View(View {
        item: Item::Int(IntTy::U16),
        ..View::BYTES
    });
    let pairs: Vec<Vec<Py>> = strings
        .iter()
        .flat_map(|a| ["", "a", "🦀🦀"].map(|b| vec![Py::Str((*a).into()), Py::Str(b.into())]))
        .collect();
    let truth = |ty| returns(&[ty], expr(Ty::Bool, ExprKind::Truth(boxed(local(0, ty)))));
    let complexes: Vec<Vec<Py>> = [(0.0, -0.0), (1.5, 0.0), (0.0, 2.5), (f64::NAN, 0.0)]
        .map(|(re, im)| vec![Py::Complex(re, im)])
        .into();
    let part = |part| {
        let x = boxed(local(0, Ty::Complex));
        returns(&[Ty::Complex], expr(Ty::F64, ExprKind::Part(x, part)))
    };
    let swapped = {
        let x = || boxed(local(0, Ty::Complex));
        let half = |part| boxed(expr(Ty::F64, ExprKind::Part(x(), part)));
        let (im, re) = (half(ComplexPart::Imag), half(ComplexPart::Real));
        returns(
            &[Ty::Complex],
            expr(Ty::Complex, ExprKind::MakeComplex(im, re)),
        )
    };
    let object = |e: Expr| expr(Ty::Object, ExprKind::Boxed(boxed(e)));
    check(&[
        case(
            decode(Codec::Utf8),
            "lambda v: bytes(v).decode()",
            &contents,
        ),
        case(
            decode(Codec::Ascii),
            "lambda v: bytes(v).decode('ascii')",
            &contents,
        ),
        case(
            decode(Codec::Latin1),
            "lambda v: bytes(v).decode('latin-1')",
            &contents,
        ),
        case(returns(&[text], encoded()), "lambda s: s.encode()", &texts),
        case(
            returns(&[text], copy(BYTES, encoded())),
            "lambda s: s.encode()",
            &texts,
        ),
        case(
            returns(&[text], len(encoded())),
            "lambda s: len(s.encode())",
            &texts,
        ),
        case(returns(&[text], len(local(0, text))), "len", &texts),
        case(
            returns(
                &[text, text],
                compare(CmpOp::Eq, local(0, text), local(1, text)),
            ),
            "lambda s, t: s == t",
            &pairs,
        ),
        case(
            returns(
                &[text, text],
                compare(CmpOp::Lt, local(0, text), local(1, text)),
            ),
            "lambda s, t: s < t",
            &pairs,
        ),
        case(
            returns(
                &[text, text],
                compare(CmpOp::Ge, local(0, text), local(1, text)),
            ),
            "lambda s, t: s >= t",
            &pairs,
        ),
        case(
            returns(&[text], compare(CmpOp::Ne, local(0, text), text_of("a"))),
            "lambda s: s != 'a'",
            &texts,
        ),
        case(truth(text), "bool", &texts),
        case(truth(BYTES), "bool", &contents),
        case(truth(Ty::Complex), "bool", &complexes),
        case(part(ComplexPart::Real), "lambda z: z.real", &complexes),
        case(part(ComplexPart::Imag), "lambda z: z.imag", &complexes),
        case(swapped, "lambda z: complex(z.imag, z.real)", &complexes),
        case(
            returns(&[Ty::Complex], object(local(0, Ty::Complex))),
            "lambda z: z",
            &complexes,
        ),
        case(
            returns(&[BYTES], object(local(0, BYTES))),
            "lambda v: v",
            &contents,
        ),
        case(
            returns(&[text], object(local(0, text))),
            "lambda v: v",
            &texts,
        ),
        case(
            returns(&[Ty::I64], zeroes(BYTEARRAY, local(0, Ty::I64))),
            "bytearray",
            &counts,
        ),
        case(
            returns(&[Ty::I64], zeroes(as_bytes, local(0, Ty::I64))),
            "lambda n: bytes(bytearray(n))",
            &counts,
        ),
        case(
            returns(&[BYTES], copy(BYTEARRAY, local(0, BYTES))),
            "bytearray",
            &contents,
        ),
        case(
            returns(&[BYTES], copy(as_bytes, local(0, BYTES))),
            "bytes",
            &contents,
        ),
        case(
            returns(&[other], copy(BYTES, local(0, other))),
            "bytes",
            &[vec![Py::Bytes(vec![])], vec![Py::Bytes(vec![1, 2, 3, 4])]],
        ),
        case(
            returns(&[], text_of("zażółć \0")),
            "lambda: 'zażółć \\0'",
            &[vec![]],
        ),
        case(
            returns(&[], bytes_of(b"\xff\0x")),
            "lambda: bytes([255, 0, 120])",
            &[vec![]],
        ),
    ]);
}
