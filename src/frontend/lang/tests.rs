//! Bodies in, typed bodies or messages out, through one helper. Views, bytes and strs are in `views`.

mod views;

use std::thread;

use super::typed::{Const, Overflow, Shape, Storage};
use super::{
    Env, MethodSig, Nest, ParamKind, ParamSig, annotations, ast, check, parse, print, verify,
};
use crate::base::diag::Diagnostics;
use crate::base::source::{Sources, Text};
use crate::compile;

/// A module of one line per method: `name(x: i64, y: f64 = 1.0) -> i64 [wrap] [nogil] [signals]`, then its body.
fn module(methods: &[(&str, &str)]) -> (Env, Sources) {
    let mut sources = Sources::default();
    let mut env = Env {
        constants: vec![
            ("ANSWER".into(), Some(Const::Int(42))),
            ("BIG".into(), Some(Const::Int(1 << 63))),
            ("RATIO".into(), Some(Const::Float(0.5))),
            ("HUGE".into(), None),
        ],
        exceptions: vec!["PackError".into()],
        ..Env::default()
    };
    for (head, body) in methods {
        let source = sources.add("body", *body);
        let text = Text::verbatim(*body, source, 0);
        let span = text.span(0..0);
        let (name, rest) = head.split_once('(').expect("a head");
        let (params, rest) = rest.split_once(')').expect("a head");
        let mut kind = ParamKind::PositionalOrKeyword;
        let mut list = Vec::new();
        for param in params.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match param {
                "/" => list
                    .iter_mut()
                    .for_each(|p: &mut ParamSig| p.kind = ParamKind::PositionalOnly),
                "*" => kind = ParamKind::KeywordOnly,
                _ => {
                    let (name, ty) = param.split_once(": ").expect("a type");
                    let (ty, default) = match ty.split_once(" = ") {
                        Some((ty, default)) => (ty, Some(default)),
                        None => (ty, None),
                    };
                    list.push(ParamSig {
                        name: name.into(),
                        storage: storage(ty),
                        kind,
                        default: default.map(constant),
                        span,
                    });
                }
            }
        }
        let flags = ["[wrap]", "[nogil]", "[signals]"];
        let returns = flags
            .iter()
            .fold(rest.to_owned(), |text, flag| text.replace(flag, ""));
        let returns = returns.trim().strip_prefix("->").unwrap_or("None").trim();
        let mut results = Vec::new();
        let shape = match returns {
            "None" => Shape::None,
            _ => shape(&mut &*returns.replace(' ', ""), &mut results),
        };
        env.methods.push((
            MethodSig {
                name: name.into(),
                arguments: vec![Nest::Param; list.len()],
                params: list,
                shape,
                results,
                overflow: if head.contains("[wrap]") {
                    Overflow::Wrap
                } else {
                    Overflow::Raise
                },
                nogil: head.contains("[nogil]"),
                signals: head.contains("[signals]"),
            },
            text,
            span,
        ));
    }
    (env, sources)
}

fn storage(name: &str) -> Storage {
    let mut sources = Sources::default();
    let text = format!("x: {name}");
    let source = sources.add("type", text.as_str());
    let mut diags = Diagnostics::default();
    let parsed = parse::parse(&Text::verbatim(text, source, 0), &mut diags);
    match &parsed.expect("an annotation")[0].kind {
        ast::StmtKind::Annotated(_, annotation, None) => {
            annotations::declared_type(annotation, &mut diags).expect("a type")
        }
        other => panic!("{other:?}"),
    }
}

/// What a result is put into: `((i64,f64),[u8])`, `{str:i64}`.
fn shape(text: &mut &str, results: &mut Vec<Storage>) -> Shape {
    let close = match text.chars().next() {
        Some('(') => ")",
        Some('[') => "]",
        Some('{') => "}",
        _ => {
            let mut depth = 0;
            let end = text.find(|c| {
                depth += i32::from(c == '[') - i32::from(c == ']');
                depth < 0 || depth == 0 && ",:)}".contains(c)
            });
            let name = &text[..end.unwrap_or(text.len())];
            results.push(storage(name));
            *text = &text[name.len()..];
            return Shape::One;
        }
    };
    *text = &text[1..];
    let (mut items, mut values) = (Vec::new(), Vec::new());
    while !text.starts_with(close) {
        items.push(shape(text, results));
        if let Some(rest) = text.strip_prefix(':') {
            *text = rest;
            values.push(shape(text, results));
        }
        *text = text.strip_prefix(',').unwrap_or(text);
    }
    *text = &text[1..];
    match close {
        ")" => Shape::Tuple(items),
        "]" => Shape::List(items),
        _ => Shape::Dict(items.into_iter().zip(values).collect()),
    }
}

fn constant(text: &str) -> Const {
    match text {
        "None" => Const::None,
        "True" => Const::Bool(true),
        _ if text.contains('.') => Const::Float(text.parse().expect("a float")),
        _ => Const::Int(text.parse().expect("an integer")),
    }
}

/// All functions printed, or all messages as `line:column message`.
fn checked(methods: &[(&str, &str)]) -> String {
    let (env, sources) = module(methods);
    checked_env(&env, &sources)
}

fn checked_env(env: &Env, sources: &Sources) -> String {
    let (functions, diags) = check(env);
    if diags.iter().next().is_none() {
        for function in &functions {
            if let Err(message) = verify::function(function, &functions) {
                panic!("{message}\n{}", print::function(function));
            }
        }
        return functions.iter().map(print::function).collect();
    }
    let mut out = String::new();
    for d in diags.iter() {
        assert!(d.hint.is_some(), "no hint: {}", d.message);
        let (line, column) = sources
            .file(d.primary.span.source)
            .line_column(d.primary.span.start);
        out += &format!("{line}:{column} {}\n", d.message);
    }
    out
}

/// What the messages about one body suggest.
fn hints(head: &str, text: &str) -> Vec<String> {
    let (env, _) = module(&[(head, text)]);
    let (_, diags) = check(&env);
    diags
        .iter()
        .map(|d| d.hint.clone().unwrap_or_default())
        .collect()
}

/// The printed statements of one body.
fn body(head: &str, text: &str) -> String {
    let all = checked(&[(head, text)]);
    match all.split_once('\n') {
        Some((head, rest)) if head.starts_with("def ") => rest
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .fold(String::new(), |out, line| out + line + "\n"),
        _ => all,
    }
}

/// The typed form of `return text`.
fn value(head: &str, text: &str) -> String {
    let out = body(head, &format!("return {text}"));
    match out.strip_prefix("return ") {
        Some(value) => value.trim_end().to_owned(),
        None => out,
    }
}

/// Parameters of every type.
const ALL: &str = "x: i64, y: i64, u: u64, d: f64, s: u8, w: u32, b: bool, o: object, h: f32";

/// `text` is of the type `ty` and becomes `expected`.
fn typed(rows: &[(&str, &str, &str)]) {
    for (ty, text, expected) in rows {
        assert_eq!(
            value(&format!("f({ALL}) -> {ty}"), text),
            *expected,
            "{text}"
        );
    }
}

/// `text` as an expression is wrong, and the messages begin like this.
fn wrong(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let out = body(&format!("f({ALL})"), text);
        assert_eq!(out.trim_end(), *expected, "{text}");
    }
}

#[test]
fn arithmetic_takes_the_type_of_its_operands() {
    typed(&[
        ("i64", "x + y", "(x +? y)"),
        ("i64", "x // y % 3", "((x //? y) %? 3)"),
        ("i64", "x ** 2", "(x **? 2)"),
        ("i64", "x << u", "(x <<? u)"),
        ("i64", "-b", "-?b:i64"),
        ("i64", "~b", "~?b:i64"),
        ("i64", "b & x", "(b:i64 & x)"),
        ("i64", "True + x", "(1 +? x)"),
        ("bool", "b & b", "(b & b)"),
        ("bool", "b ^ True", "(b ^ True)"),
        ("u64", "u - 1", "(u -? 1u)"),
        ("u64", "s + u", "(s as u64 +? u)"),
        ("u64", "u * w", "(u *? w as u64)"),
        ("u64", "b + u", "(b:u64 +? u)"),
        ("u64", "~u", "~?u"),
        ("f64", "d * 2", "(d * 2.0)"),
        ("f64", "x / y", "(x / y)"),
        ("f64", "u / 2", "(u / 2u)"),
        ("f64", "2 * d + x", "((2.0 * d) + x:f64)"),
        ("f64", "d ** x", "(d ** x:f64)"),
        ("f64", "x ** -1", "(x:f64 ** -1.0)"),
        ("f64", "2 ** -1", "(2.0 ** -1.0)"),
        ("f64", "h + d", "(h + d)"),
        ("f64", "-1.5", "-1.5"),
    ]);
    wrong(&[
        ("x + u", "1:1 i64 and u64 do not mix in `+`"),
        ("u // x", "1:1 u64 and i64 do not mix in `//`"),
        ("d << 1", "1:1 `<<` wants integers, but this is f64"),
        ("~d", "1:2 `~` wants an integer, but this is f64"),
        ("-None", "1:2 `-` wants a number, but this is None"),
    ]);
}

#[test]
fn mixing_signs_is_explained_with_both_conversions() {
    let hint =
        "write `u64(x) + u`, or `x + i64(u)`; both raise OverflowError when the value does not fit";
    assert_eq!(hints(&format!("f({ALL})"), "x + u"), [hint]);
    let hint = "write `u ^ u64(x)`, or `i64(u) ^ x`; both keep the bits";
    assert_eq!(hints(&format!("f({ALL}) [wrap]"), "u ^ x"), [hint]);
    let hint = "write `range(... u64(x), u ...)`, or `range(... x, i64(u) ...)`; both raise OverflowError when the value does not fit";
    assert_eq!(
        hints(&format!("f({ALL})"), "for i in range(x, u): pass"),
        [hint]
    );
}

#[test]
fn literals_take_the_type_of_their_context() {
    typed(&[
        ("i64", "-2**63", "-9223372036854775808"),
        ("i64", "-9223372036854775808", "-9223372036854775808"),
        ("i64", "2**63 - 1", "9223372036854775807"),
        ("i64", "-7 // 2 * 10 + -7 % 3", "-38"),
        ("i64", "2 ** 64", "(2 **? 64)"),
        ("i64", "1 << 63", "(1 <<? 63)"),
        (
            "i64",
            "4611686018427387904 * 4",
            "(4611686018427387904 *? 4)",
        ),
        ("u64", "9223372036854775808", "9223372036854775808u"),
        ("u64", "18446744073709551615", "18446744073709551615u"),
        ("u64", "1 << 63", "9223372036854775808u"),
        ("u64", "u | (1 << 63)", "(u | 9223372036854775808u)"),
        ("u64", "u & (1 << x)", "(u & (1u <<? x))"),
        ("u64", "u if b else 0", "(u if b else 0u)"),
        ("f64", "1", "1.0"),
        ("f64", "max(d, 0)", "max(d, 0.0)"),
        ("i64", "ANSWER + x", "(42 +? x)"),
        ("u64", "ANSWER + u", "(42u +? u)"),
        ("u64", "BIG", "9223372036854775808u"),
        ("f64", "RATIO * x", "(0.5 * x:f64)"),
        ("bool", "0 < d < 10", "(0.0 < d < 10.0)"),
        ("bool", "d < 9007199254740993", "(d < 9007199254740993)"),
        ("bool", "u < 5", "(u < 5u)"),
        ("bool", "u == -1", "(u == -1)"),
        ("bool", "x < u", "(x < u)"),
    ]);
    wrong(&[
        (
            "18446744073709551616",
            "1:1 this integer does not fit in 64 bits",
        ),
        ("u + -1", "1:1 u64 and i64 do not mix in `+`"),
        ("x & BIG", "1:1 i64 and u64 do not mix in `&`"),
        ("HUGE", "1:1 the constant `HUGE` does not fit in 64 bits"),
    ]);
}

#[test]
fn masked_arithmetic_wraps_its_parts() {
    typed(&[
        (
            "i64",
            "(x * y + 7) & 0xffffffff",
            "(((x * y) + 7) & 4294967295)",
        ),
        ("i64", "0xff & (x << y)", "((x << y) & 255)"),
        ("i64", "(-x + (x // y)) & 255", "((-x + (x //? y)) & 255)"),
        ("i64", "((x * y) >> 3) & 255", "(((x *? y) >> 3) & 255)"),
        ("i64", "(~x | b) & 1", "((~x | b:i64) & 1)"),
        (
            "i64",
            "(x * 0x9E3779B97F4A7C15) & 0xFF",
            "((x * -7046029254386353131) & 255)",
        ),
        (
            "u64",
            "(x * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF",
            "(x as u64 * 11400714819323198485u)",
        ),
        ("u64", "(u ^ x) & (2**64 - 1)", "(u ^ x as u64)"),
        ("u64", "(u + x) & ((1 << 64) - 1)", "(u + x as u64)"),
        (
            "u64",
            "(u << 13 ^ x >> 7) & 0xffff",
            "(((u << 13) ^ (x >> 7) as u64) & 65535u)",
        ),
        ("u32", "(w * w) & 0xffffffff", "((w * w) & 4294967295)"),
        // 0xfe is no mask.
        ("i64", "(x * y) & 0xfe", "((x *? y) & 254)"),
    ]);
    wrong(&[("(d + 1) & 1", "1:2 `&` wants an integer, but this is f64")]);
    let out = body(
        "f(u: u64, x: u64) -> u64",
        "u *= x\nu &= 0xffffffffffffffff\nreturn u",
    );
    assert_eq!(out, "u = (u *? x)\nu = u\nreturn u\n");
}

#[test]
fn wrap_mode_wraps_operations_and_stores() {
    let out = body(
        "f(n: i32, u: u64) -> i16 [wrap]",
        "n = n * 3\nn = int(u)\nm = -n\nreturn abs(m)",
    );
    let expected = "local m: i64\nn = narrow((n * 3), i32)\nn = narrow(u as i64, i32)\nm = -n\nreturn narrow(abs(m), i16)\n";
    assert_eq!(out, expected);
    let head = "f(d: f64) -> u8 [wrap]";
    assert_eq!(value(head, "u8(d)"), "narrow?(truncate(d, i64), u8)");
    assert_eq!(value(head, "2 ** 63 // 2"), "narrow(((2 ** 63) // 2), u8)");
}

#[test]
fn comparisons_conditions_and_choices() {
    typed(&[
        ("bool", "o is None", "(o is None)"),
        ("bool", "o is not o", "(o is not o)"),
        ("bool", "x < y <= 3 != d", "(x < y <= 3 != d)"),
        ("bool", "not x", "not truth(x)"),
        ("bool", "not (x and b)", "not (truth(x) and b)"),
        ("i64", "x and y", "(x and y)"),
        ("i64", "x or 0", "(x or 0)"),
        (
            "i64",
            "x if y and b else 0",
            "(x if (truth(y) and b) else 0)",
        ),
        ("u64", "s if b else u", "(s as u64 if b else u)"),
        ("object", "o if b else None", "(o if b else None:object)"),
    ]);
    wrong(&[
        (
            "x and b",
            "1:7 the sides of `and` have one type, but here are i64 and bool",
        ),
        (
            "x if b else d",
            "1:1 the sides of `if-else` have one type, but here are f64 and i64",
        ),
        ("x is 5", "1:1 `is` compares objects, but this is i64"),
        ("x is None", "1:1 `is` compares objects, but this is i64"),
        ("x == None", "1:1 i64 is never None"),
    ]);
}

#[test]
fn conversions_and_builtins() {
    typed(&[
        ("i8", "i8(x)", "narrow?(x, i8)"),
        ("u8", "u8(300)", "narrow?(300, u8)"),
        ("u64", "u64(x)", "x as? u64"),
        ("u64", "u64(w)", "w as u64"),
        ("u64", "x", "x as? u64"),
        ("u32", "u", "narrow?(u as? i64, u32)"),
        ("i64", "int(u)", "u as? i64"),
        ("i64", "int(d)", "truncate(d, i64)"),
        ("u64", "u64(d)", "truncate(d, u64)"),
        ("u32", "u32(d)", "narrow?(truncate(d, i64), u32)"),
        ("i16", "s", "s"),
        ("f32", "x", "round32(x:f64)"),
        ("f64", "f32(d)", "round32(d)"),
        ("bool", "bool(x)", "truth(x)"),
        ("i64", "abs(x)", "abs?(x)"),
        ("u64", "abs(u)", "u"),
        ("i64", "min(x, 3, y)", "min(x, 3, y)"),
        ("u64", "max(w, u)", "max(w as u64, u)"),
        ("i64", "pow(x, y, 7)", "pow(x, y, 7)"),
        ("i64", "pow(x, 3)", "(x **? 3)"),
        ("i64", "round(d)", "round(d)"),
        ("f64", "round(d, 2)", "round(d, 2)"),
        ("i64", "round(x, -1)", "round(x, -1)"),
        ("i64", "round(d, None)", "round(d)"),
        (
            "i64",
            "x.bit_count() + u.bit_length()",
            "(bit_count(x) +? bit_length(u))",
        ),
        ("u8", "x.bit_count()", "bit_count(x)"),
        (
            "u32",
            "u32.rotl(x, u)",
            "u32.rotl(narrow?(x, u32), u as i64)",
        ),
        ("i64", "u64.clz(u)", "u64.clz(u)"),
        ("u64", "u32.rotr(w, 5) + u", "(u32.rotr(w, 5) as u64 +? u)"),
    ]);
    wrong(&[
        ("min(x)", "1:1 `min` goes through items, and i64 has none"),
        (
            "min(x, d)",
            "1:5 the sides of `min` have one type, but here are f64 and i64",
        ),
        ("abs(x, y)", "1:1 `abs` takes 1 argument, and here are 2"),
        ("pow(u, x, 7)", "1:5 u64 and i64 do not mix in `pow`"),
        ("i32.rotl(x, 1)", "1:5 there is no `i32.rotl`"),
        ("d.bit_count()", "1:3 f64 has no method `bit_count` here"),
        ("x(1)", "1:1 `x` is i64, not a function"),
        ("print(x, foo)", "1:10 nothing is called `foo` here"),
        (
            "divmod(x, y) + 1",
            "1:1 this gives 2 values where one is wanted",
        ),
    ]);
}

#[test]
fn math_is_inline_or_cpythons() {
    typed(&[
        ("f64", "math.sqrt(x)", "sqrt(x:f64)"),
        ("i64", "math.floor(d)", "floor(d)"),
        ("i64", "math.floor(x)", "x"),
        ("bool", "math.isnan(d)", "isnan(d)"),
        ("f64", "math.copysign(1, d)", "copysign(1.0, d)"),
        ("f64", "math.sin(d)", "math.sin(d) -> f64"),
        ("f64", "math.log(x, 2)", "math.log(x, 2) -> f64"),
        ("i64", "math.gcd(x, 12)", "math.gcd(x, 12) -> i64"),
        ("u64", "math.gcd(u, 12)", "math.gcd(u, 12) -> u64"),
        ("i64", "math.isqrt(u)", "math.isqrt(u) -> i64"),
        ("f64", "math.pi * 2", "(3.141592653589793 * 2.0)"),
    ]);
    wrong(&[
        ("math.foo(d)", "1:6 `math` has no `foo`"),
        ("math.sqrt", "1:6 `math.sqrt` is a function"),
        (
            "math.gcd(x, 'a')",
            "1:13 `math.gcd` wants integers, but this is str",
        ),
        (
            "math.gcd(d, 1)",
            "1:10 `math.gcd` wants integers, but this is f64",
        ),
        (
            "math.sin()",
            "1:1 `math.sin` takes 1 argument, and here are 0",
        ),
        ("from math import sqrt, foo", "1:24 `math` has no `foo`"),
        (
            "import os",
            "1:8 the module `os` is not part of the body language",
        ),
    ]);
    let text = "import math as m\nfrom math import sqrt as root, tau\nreturn root(d) + m.cos(tau)";
    let out = body("f(d: f64) -> f64", text);
    assert_eq!(
        out,
        "return (sqrt(d) + math.cos(6.283185307179586) -> f64)\n"
    );
}

#[test]
fn locals_keep_the_type_of_their_first_value() {
    let text = "a = 1\nb = 2.5\nc = u\ne = a < 1\nv = None\nv = o\ng: u8 = n\ng += 1\nb = 1\nc = 1\nreturn a";
    let out = body("f(n: i64, u: u64, o: object) -> i64", text);
    let expected = "local a: i64\nlocal b: f64\nlocal c: u64\nlocal e: bool\nlocal v: object\nlocal g: u8\na = 1\nb = 2.5\nc = u\ne = (a < 1)\nv = None:object\nv = o\ng = narrow?(n, u8)\ng = narrow?((g +? 1), u8)\nb = 1.0\nc = 1u\nreturn a\n";
    assert_eq!(out, expected);
    let text = "a = 1\na = 1.5\nb = 1.5\nb = n\nc = True\nc = 1\nh = 0\nh = u\ne: i8 = 300\ng: Buffer[u8] = 1\nk: foo = 1\nq: i8\nq: i16 = 1\nn: i8 = 2\nreturn a + b + g + k + zz";
    let expected = "2:5 `a` is i64, but this is f64\n4:5 `b` is f64, but this is i64\n6:5 `c` is bool, but this is i64\n8:5 `h` is i64, but this is u64\n9:9 300 does not fit in `e`, which is i8\n10:17 `g` is Buffer[u8], but this is i64\n11:4 this is no type of the body language\n13:4 the local `q` is i8 already\n14:4 the parameter `n` is i64 already\n15:16 `+` wants numbers, but this is Buffer[u8]\n15:24 nothing is called `zz` here\n";
    assert_eq!(body("f(n: i64, u: u64) -> i64", text), expected);
}

#[test]
fn a_local_may_be_typed_below_its_first_read() {
    let text = "i = 0\nwhile i < n:\n    if i:\n        y = k + 1.5\n    k = z\n    z = 3\n    i += 1\nreturn i";
    let out = body("f(n: i64) -> i64", text);
    let expected = "local i: i64\nlocal y: f64\nlocal k?: i64\nlocal z?: i64\ni = 0\nwhile (i < n)\n  if truth(i)\n    y = (k!:f64 + 1.5)\n  k = z!\n  z = 3\n  i = (i +? 1)\nreturn i\n";
    assert_eq!(out, expected);
    let out = body("f(n: i64) -> i64", "while 1:\n    y = k\n    k = y");
    assert_eq!(out, "2:9 nothing gives `k` a type\n");
}

#[test]
fn reads_before_writes_are_found() {
    for (text, expected) in [
        (
            "return x\nx = 3",
            "1:8 `x` is read before anything is assigned to it\n",
        ),
        (
            "if n: x = 1\nreturn x",
            "local x?: i64\nif truth(n)\n  x = 1\nreturn x!\n",
        ),
        (
            "if n: x = 1\nelse: raise ValueError\nreturn x",
            "local x: i64\nif truth(n)\n  x = 1\nelse\n  raise ValueError\nreturn x\n",
        ),
        (
            "while True:\n    x = 1\n    if n: break\nreturn x",
            "local x: i64\nwhile True\n  x = 1\n  if truth(n)\n    break\nreturn x\n",
        ),
        (
            "for i in range(n):\n    x = i\nelse:\n    return i\nreturn x",
            "local i?: i64\nlocal x: i64\nfor i in range(0, n, 1)\n  x = i\nelse\n  return i!\n",
        ),
        (
            "while n:\n    if n > 3: y = 1; break\n    n -= 1\nelse:\n    y = 2\nreturn y",
            "local y: i64\nwhile truth(n)\n  if (n > 3)\n    y = 1\n    break\n  n = (n -? 1)\nelse\n  y = 2\nreturn y\n",
        ),
    ] {
        assert_eq!(body("f(n: i64) -> i64", text), expected, "{text}");
    }
}

#[test]
fn every_end_of_a_body_returns() {
    let missing = "the end of `f` can be reached without a `return`";
    for (text, expected) in [
        ("", format!("1:1 {missing}\n")),
        ("while n:\n    n += 1", format!("1:1 {missing}\n")),
        ("if n:\n    return 1", format!("1:1 {missing}\n")),
        ("while True:\n    if n: break", format!("1:1 {missing}\n")),
        (
            "while True:\n    n += 1\nfoo = 3",
            "while True\n  n = (n +? 1)\n".into(),
        ),
        (
            "return",
            "1:1 `f` returns a value, but this `return` has none\n".into(),
        ),
        (
            "return 1, 2",
            "1:8 `f` returns i64, but this is a tuple of 2\n".into(),
        ),
        (
            "return None",
            "1:8 the result of `f` is i64, but this is None\n".into(),
        ),
        (
            "return 1.5",
            "1:8 the result of `f` is i64, but this is f64\n".into(),
        ),
    ] {
        let out = body("f(n: i64) -> i64", text);
        let out: String = out
            .lines()
            .filter(|l| !l.starts_with("local"))
            .fold(String::new(), |o, l| o + l + "\n");
        assert_eq!(out, expected, "{text}");
    }
    let out = body("f(n: i64)", "if n: return\nreturn 5");
    assert_eq!(out, "2:8 `f` returns None, but this is i64\n");
    assert_eq!(body("f(n: i64)", "n = 1"), "n = 1\nreturn\n");
    assert_eq!(body("f(n: i64)", ""), "return\n");
}

#[test]
fn tuples_are_returned_and_unpacked() {
    for (head, text, expected) in [
        (
            "f(n: i64) -> (i64, f64)",
            "return n, n",
            "return n, n:f64\n",
        ),
        ("f(n: i64) -> (i64)", "return (n,)", "return n\n"),
        (
            "f(n: i64) -> (i64)",
            "return n",
            "1:8 `f` returns a tuple (i64), but this is i64\n",
        ),
        (
            "f(n: i64) -> (i64, i64)",
            "return divmod(n, 3)",
            "return divmod?(n, 3)\n",
        ),
        (
            "f(n: i64) -> (i8, i64)",
            "return divmod(n, 3)",
            "local <1>: i64\nlocal <2>: i64\n<1>, <2> = divmod?(n, 3)\nreturn narrow?(<1>, i8), <2>\n",
        ),
        (
            "f(n: i64) -> i64",
            "a, b = divmod(n, 7)\na, b = b, a\nreturn a",
            "local a: i64\nlocal b: i64\na, b = divmod?(n, 7)\na, b = (b, a)\nreturn a\n",
        ),
        (
            "f(n: i64)",
            "a: i8 = 1\nb: f64 = 0\na, c = divmod(n, 7)\na, b = divmod(n, 7)",
            "local a: i8\nlocal b: f64\nlocal c: i64\nlocal <4>: i64\nlocal <5>: i64\na = 1\nb = 0.0\na narrow? i8, c = divmod?(n, 7)\n<4>, <5> = divmod?(n, 7)\na = narrow?(<4>, i8)\nb = <5>:f64\nreturn\n",
        ),
        ("f(n: i64)", "a, b = 1, 2, 3", "1:8 3 values for 2 names\n"),
        (
            "f(n: i64)",
            "a, b = n",
            "1:8 this is one value, and there are 2 names for it\n",
        ),
        (
            "f(n: i64)",
            "a, (b, c) = 1, 2\nd, *e = 1, 2",
            "1:16 this is one value, and there are 2 names for it\n2:4 `*` in front of a value is not part of the body language\n",
        ),
        (
            "f(n: i64)",
            "a = 1, 2",
            "local a: object\na = <tuple>(object(1), object(2))\nreturn\n",
        ),
        (
            "f(n: i64)",
            "x = y = n * 2",
            "local x: i64\nlocal y: i64\nlocal <3>: i64\n<3> = (n *? 2)\nx = <3>\ny = <3>\nreturn\n",
        ),
    ] {
        assert_eq!(body(head, text), expected, "{text}");
    }
}

#[test]
fn ranges_run_over_one_type() {
    for (text, expected) in [
        (
            "for i in range(n): i = 3",
            "local i: i64\nfor i in range(0, n, 1)\n  i = 3\nreturn\n",
        ),
        (
            "for i in range(1, u, -2): pass",
            "local i: u64\nfor i in range(1u, u, -2)\n  pass\nreturn\n",
        ),
        (
            "k: u8 = 3\nfor k in range(n): pass",
            "local k: u8\nk = 3\nfor k narrow? u8 in range(0, n, 1)\n  pass\nreturn\n",
        ),
        (
            "k: u64 = 3\nfor k in range(n): pass",
            "local k: u64\nlocal <3>: i64\nk = 3u\nfor <3> in range(0, n, 1)\n  k = <3> as? u64\nreturn\n",
        ),
        (
            "for i in range(n, u): pass",
            "1:16 i64 and u64 do not mix in `range`\n",
        ),
        (
            "for i in range(1.5): pass",
            "1:16 `range` wants an integer, but this is f64\n",
        ),
        (
            "for i in range(): pass",
            "1:10 `range` takes 1 to 3 arguments, and here are 0\n",
        ),
        (
            "for i, j in range(n): pass",
            "1:5 `range` gives one value at a time\n",
        ),
        (
            "for i in n: y = i + zz",
            "1:10 `for` runs over `range(...)` and views, but this is i64\n1:21 nothing is called `zz` here\n",
        ),
        (
            "for i, v in enumerate(n): v += 1",
            "1:23 `enumerate` wants a view, but this is i64\n",
        ),
        ("break", "1:1 `break` outside a loop\n"),
    ] {
        assert_eq!(body("f(n: i64, u: u64)", text), expected, "{text}");
    }
}

#[test]
fn exceptions_and_their_messages() {
    for (text, expected) in [
        ("raise PackError", "raise exception 0\n"),
        ("raise StopIteration()", "raise StopIteration\n"),
        ("raise KeyError(n)", "raise KeyError(n)\n"),
        ("raise ValueError('a' \"b\")", "raise ValueError(\"ab\")\n"),
        (
            "raise ValueError(f\"bad {n!r:>{n}} {n=} {n = :d}\" \"tail\")",
            "raise ValueError(\"bad {n!r:>{n}} n={n!r} n = {n:d}tail\")\n",
        ),
        (
            "assert n > 0, 'must be positive'",
            "assert (n > 0), \"must be positive\"\nreturn\n",
        ),
        ("raise n", "1:7 `n` is no exception here\n"),
        ("raise Foo('x')", "1:7 `Foo` is no exception here\n"),
        (
            "raise BaseExceptionGroup('x')",
            "1:7 `BaseExceptionGroup` came with Python 3.11; modules run from 3.9 on\n",
        ),
        (
            "raise ValueError(1, 2)",
            "raise <call>(<ValueError>(), object(1), object(2))\n",
        ),
        ("raise", "raise\n"),
        (
            "raise ValueError from n",
            "raise <ValueError>() from object(n)\n",
        ),
        (
            "ValueError = 1\nraise ValueError",
            "2:7 `ValueError` is no exception here\n",
        ),
        (
            "raise ValueError(f'{zz}')",
            "1:21 nothing is called `zz` here\n",
        ),
    ] {
        assert_eq!(body("f(n: i64)", text), expected, "{text}");
    }
}

#[test]
fn calls_bind_arguments_as_python_does() {
    let callee = (
        "g(a: i64, /, b: i8 = 2, *, c: f64 = 1.5) -> i32",
        "return a",
    );
    for (text, expected) in [
        ("g(n)", "fn0(n, 2, 1.5)"),
        ("g(n, n)", "fn0(n, narrow?(n, i8), 1.5)"),
        ("g(1, b=3, c=n)", "fn0(1, 3, n:f64)"),
        ("g(1, c=n, b=3)", "fn0(1, 3, n:f64 in order [0, 2, 1])"),
        ("g()", "1:8 this call of `g` lacks `a`\n"),
        (
            "g(1, 2, 3)",
            "1:16 `g` takes 2 arguments by position, and here are 3\n",
        ),
        (
            "g(a=1)",
            "1:10 the parameter `a` of `g` is given by position only\n",
        ),
        (
            "g(1, 2, b=3)",
            "1:16 the parameter `b` of `g` is given twice\n",
        ),
        ("g(1, q=3)", "1:13 `g` has no parameter `q`\n"),
        ("g(1.5)", "1:10 `a` of `g` is i64, but this is f64\n"),
        (
            "g(1, 300)",
            "1:13 300 does not fit in `b` of `g`, which is i8\n",
        ),
        (
            "g(*n)",
            "1:10 `*` in front of a value is not part of the body language\n",
        ),
    ] {
        let out = checked(&[callee, ("f(n: i64) -> i64", &format!("return {text}"))]);
        let last = out.rsplit("  return ").next().expect("text");
        let last = if out.starts_with("def") {
            last.trim_end()
        } else {
            &out
        };
        assert_eq!(last, expected, "{text}");
    }
}

#[test]
fn arguments_in_tuples_are_written_as_tuples() {
    let g = ("g(a: i64, b: f64, c: i8, e: i64 = 7) -> i64", "return a");
    for (text, expected) in [
        ("g((n, (1, n)), 3)", "fn0(n, 1.0, narrow?(n, i8), 3)"),
        ("g((n, (2, 3)))", "fn0(n, 2.0, 3, 7)"),
        ("g((n, (2, 3)), e=4)", "fn0(n, 2.0, 3, 4)"),
        ("g(n)", "1:10 `g` takes a tuple of 2 here\n"),
        ("g((n, (1, 2, 3)))", "1:14 `g` takes a tuple of 2 here\n"),
        (
            "g((n, [1, 2]), q)",
            "1:14 `g` takes a tuple of 2 here\n1:23 nothing is called `q` here\n",
        ),
        (
            "g((n, (1, 2)), 3, 4)",
            "1:26 `g` takes 2 arguments by position, and here are 3\n",
        ),
        (
            "g(a=1)",
            "1:10 the parameter `a` of `g` is given by position only\n",
        ),
    ] {
        let (mut env, sources) = module(&[g, ("f(n: i64) -> i64", &format!("return {text}"))]);
        let sig = &mut env.methods[0].0;
        let inner = Nest::Tuple(vec![Nest::Param, Nest::Param]);
        sig.arguments = vec![Nest::Tuple(vec![Nest::Param, inner]), Nest::Param];
        for param in &mut sig.params[..3] {
            param.kind = ParamKind::PositionalOnly;
        }
        let out = checked_env(&env, &sources);
        match out.rsplit_once("  return ") {
            Some((_, value)) => assert_eq!(value.trim_end(), expected, "{text}"),
            None => assert_eq!(out, expected, "{text}"),
        }
    }
}

#[test]
fn helpers_are_functions_of_their_body() {
    let text = "def g(a: i64, b: f64 = 1, *, c: bool = False) -> f64:\n    return a * b\ndef k(a: i64) -> tuple[i64, f64]:\n    if a: return k(a - 1)\n    return a, g(a, c=True)\np, q = k(n)\nreturn p";
    let expected = "def f(n: i64) -> i64\n  local p: i64\n  local q: f64\n  p, q = fn2(n)\n  return p\ndef f.g(a: i64, b: f64, c: bool) -> f64\n  return (a:f64 * b)\ndef f.k(a: i64) -> (i64, f64) recursive\n  if truth(a)\n    return fn2((a -? 1))\n  return a, fn1(a, 1.0, True)\n";
    assert_eq!(checked(&[("f(n: i64) -> i64", text)]), expected);
    let text = "import math as m\ndef g(a: f64) -> f64:\n    return m.sqrt(a)\nreturn int(g(n))";
    assert!(checked(&[("f(n: i64) -> i64", text)]).ends_with("return sqrt(a)\n"));
    for (text, expected) in [
        (
            "def g(a):\n    return a\nreturn g(n)",
            "1:5 `g` does not say what it returns\n1:7 the parameter `a` has no type\n",
        ),
        (
            "def g() -> i64:\n    return n\nreturn g()",
            "2:12 `n` belongs to the body around this helper\n",
        ),
        (
            "x = g()\ndef g() -> i64:\n    return 1\nreturn x",
            "1:5 the helper `g` is defined further down\n",
        ),
        (
            "def g() -> None:\n    def h() -> None: pass\nreturn n",
            "2:9 a `def` in a helper function is not part of the body language\n",
        ),
        (
            "if n:\n    def g() -> None: pass\nreturn n",
            "2:9 the helper `g` is defined inside a statement\n",
        ),
        (
            "def g() -> i64:\n    return 1.5\nreturn g()",
            "2:12 the result of `g` is i64, but this is f64\n",
        ),
        (
            "def g(a: i8 = 300) -> None: pass\nreturn n",
            "1:15 this default is no value of the type `i8`\n",
        ),
        (
            "def g() -> None: pass\nx = g()\nreturn n",
            "2:5 this returns None, which is no value to work with\n",
        ),
    ] {
        assert_eq!(body("f(n: i64) -> i64", text), expected, "{text}");
    }
}

#[test]
fn names_are_looked_up_as_in_python() {
    let head = "f(n: i64) -> i64";
    assert_eq!(
        body(head, "abs = 1\nreturn abs(n)"),
        "2:8 `abs` is i64, not a function\n"
    );
    assert_eq!(
        body(head, "ANSWER = n\nreturn ANSWER"),
        "local ANSWER: i64\nANSWER = n\nreturn ANSWER\n"
    );
    let out = checked(&[("abs(n: i64) -> i64", "return n"), (head, "return abs(n)")]);
    assert!(out.ends_with("return fn0(n)\n"), "{out}");
    assert_eq!(
        hints(head, "counter = 1\nreturn conter")[0],
        "did you mean `counter`?"
    );
}

#[test]
fn call_cycles_are_marked_and_refused_without_the_gil() {
    let a = ("a(n: i64) -> i64", "return b(n) if n else 0");
    let b = ("b(n: i64) -> i64", "return a(n - 1)");
    let out = checked(&[a, b, ("c(n: i64) -> i64", "return a(n)")]);
    let heads: Vec<_> = out.lines().filter(|l| l.starts_with("def")).collect();
    let expected = [
        "def a(n: i64) -> i64 recursive",
        "def b(n: i64) -> i64 recursive",
        "def c(n: i64) -> i64",
    ];
    assert_eq!(heads, expected);
    let out = checked(&[a, b, ("c(n: i64) -> i64 [nogil]", "return a(n)")]);
    assert_eq!(
        out,
        "1:8 `a` is in a cycle of calls, and the GIL is released\n"
    );
    let out = checked(&[
        ("c() [nogil]", "return d()"),
        ("d()", "return e()"),
        ("e(o: object = None)", "pass"),
    ]);
    assert_eq!(out, "1:8 `d` works with objects, and the GIL is released\n");
    let out = checked(&[("c(o: object) [nogil]", "x = None")]);
    assert_eq!(
        out,
        "1:1 `o` is an object, and the GIL is released\n1:1 the local `x` is an object, and the GIL is released\n"
    );
}

#[test]
fn helpers_look_for_signals_as_their_method_does() {
    let body = "def g() -> None: pass\ng()";
    let out = checked(&[("a() [signals]", body), ("b()", body)]);
    let heads: Vec<_> = out.lines().filter(|l| l.starts_with("def")).collect();
    let expected = [
        "def a() -> None signals",
        "def b() -> None",
        "def a.g() -> None signals",
        "def b.g() -> None",
    ];
    assert_eq!(heads, expected);
}

#[test]
fn with_nogil_is_a_block_like_any_other() {
    let head = "f(n: i64) -> i64";
    assert_eq!(
        body(head, "with nogil:\n    x = n\nreturn x"),
        "with nogil\n  x = n\nreturn x\n".replacen("with", "local x: i64\nwith", 1)
    );
    // Definite assignment, ways out and unreachable statements go through it.
    for text in [
        "with nogil:\n    return n",
        "while True:\n    with nogil:\n        if n: break\n        continue\nreturn n",
        "with nogil:\n    if n > 0: x = 1\n    else: x = 2\nreturn x",
        "with nogil: raise ValueError(f'{n}')",
    ] {
        assert!(body(head, text).contains("with nogil"), "{text}");
    }
    assert!(body(head, "if n:\n    with nogil: x = n\nreturn x").contains("return x!"));
    for (text, expected) in [
        (
            "with nogil:\n    x = 1",
            "1:1 the end of `f` can be reached without a `return`\n",
        ),
        (
            "with nogil:\n    with nogil:\n        return n",
            "2:5 the GIL is released here already\n",
        ),
        (
            "with nogil:\n    break\nreturn n",
            "2:5 `break` outside a loop\n",
        ),
        (
            "with nogil:\n    def g() -> None: pass\nreturn n",
            "2:9 the helper `g` is defined inside a statement\n",
        ),
        (
            "with nogil, nogil:\n    return n",
            "1:1 `with` is not part of the body language\n",
        ),
    ] {
        assert_eq!(body(head, text), expected, "{text}");
    }
    assert_eq!(
        body("f(n: i64) -> i64 [nogil]", "with nogil:\n    return n"),
        "1:1 the GIL is released here already\n"
    );
}

#[test]
fn with_nogil_is_no_place_for_objects_and_cycles() {
    for (text, expected) in [
        (
            "with nogil:\n    if o is None: n = 1\nreturn o",
            "2:8 `o` is an object, and the GIL is released\n",
        ),
        (
            "with nogil:\n    return o",
            "2:12 `o` is an object, and the GIL is released\n",
        ),
        (
            "with nogil:\n    o = None\nreturn o",
            "2:5 `o` is an object, and the GIL is released\n",
        ),
        (
            "with nogil:\n    return None",
            "2:12 this is an object, and the GIL is released\n",
        ),
        (
            "with nogil:\n    raise ValueError(o)",
            "2:22 `o` is an object, and the GIL is released\n",
        ),
    ] {
        let out = body("f(o: object, n: i64) -> object", text);
        assert!(out.starts_with(expected), "{text}: {out}");
        assert!(!out.contains("def f"), "{text}: {out}");
    }
    let out = body(
        "f(o: object, n: i64) -> object",
        "with nogil:\n    n += 1\nreturn o",
    );
    assert!(out.contains("with nogil"), "{out}");
    let out = checked(&[
        ("a(n: i64) -> i64", "with nogil: return b(n)"),
        ("b(n: i64) -> i64", "return c(n)"),
        ("c(n: i64) -> i64", "return c(n - 1) if n else 0"),
        ("d()", "with nogil: e()"),
        ("e(o: object = None)", "pass"),
    ]);
    assert_eq!(
        out,
        "1:20 `b` is in a cycle of calls, and the GIL is released\n1:13 `e` works with objects, and the GIL is released\n"
    );
}

#[test]
fn python_outside_the_language_is_named() {
    let text = "try:\n    pass\nexcept E:\n    pass\nclass A: pass\nwith nogil:\n    pass\nwith x as y:\n    pass\nglobal n\ndel n\nmatch n:\n    case _: pass\nasync def g(): pass\n@d\ndef h(*a) -> None: pass\nn[0:1] = 1\nn.x = 2\nlambda: 1\n[i for i in n]\nn @ n\n(m := 3)\n{1}\n[1]\nawait n\nyield\nx: i64 = 1; x += ...";
    let out = body("f(n: i64)", text);
    let (mut later, mut never) = (0, 0);
    for line in out.lines() {
        later += usize::from(line.ends_with("is not there yet"));
        never += usize::from(line.ends_with("is not part of the body language"));
    }
    assert_eq!((later, never, out.lines().count()), (0, 14, 17), "{out}");
}

#[test]
fn one_mistake_gives_one_message() {
    for (text, expected) in [
        (
            "import os\nos.getpid()\nx = os.foo + 1\nreturn x",
            "1:8 the module `os` is not part of the body language\n",
        ),
        (
            "try:\n    x = zz\nexcept E as e:\n    e = 1\n    x = 2\nreturn x",
            "2:9 nothing is called `zz` here\n3:8 `E` is no exception here\n",
        ),
        // CPython raises TypeError there, once something is to be handled.
        (
            "try:\n    x = n\nexcept (TypeError, (ValueError, KeyError)):\n    x = 2\nreturn x",
            "3:20 this is no exception\n",
        ),
        (
            "with nogil:\n    x = foo(n)\nreturn x",
            "2:9 nothing is called `foo` here\n",
        ),
        (
            "x = foo(n)\ny = x + 1\nz = y * x\nreturn z",
            "1:5 nothing is called `foo` here\n",
        ),
        (
            "for i in [1]:\n    x = i\nreturn x + i",
            "3:8 the result of `f` is i64, but this is object\n",
        ),
        (
            "def g(a: i64, *b) -> i64: return a\nreturn g(n, 1, 2)",
            "1:15 a parameter for any number of arguments is not part of the body language\n",
        ),
        (
            "a, b = foo(1)\nreturn a + b",
            "1:8 nothing is called `foo` here\n",
        ),
        (
            "x: Foo = 3\nx += 1\nreturn x",
            "1:4 this is no type of the body language\n",
        ),
        (
            "if foo: return 1\nwhile bar: pass\nreturn n + [1]",
            "1:4 nothing is called `foo` here\n2:7 nothing is called `bar` here\n3:8 the result of `f` is i64, but this is object\n",
        ),
    ] {
        assert_eq!(body("f(n: i64) -> i64", text), expected, "{text}");
    }
}

#[test]
fn text_has_no_halves_of_surrogate_pairs() {
    for text in [
        r#"raise ValueError("a\ud800b")"#,
        r#"raise ValueError(f"{n}\U0000DfFf{n}")"#,
        r#"raise ValueError(f"{n:\ud800>4}")"#,
        r#"raise ValueError("a" f"{n}" "\uDE00")"#,
    ] {
        let out = body("f(n: i64)", text);
        let message = " half a surrogate pair is not part of the body language\n";
        assert!(out.ends_with(message) && out.lines().count() == 1, "{out}");
    }
    let fine =
        r#"raise ValueError("\ufffd \U0001F600 \\ud800 \x00" f"{n}\N{REPLACEMENT CHARACTER}")"#;
    let out = body("f(n: i64)", fine);
    assert!(!out.contains("surrogate"), "{out}");
}

#[test]
fn a_raise_of_nothing_ends_the_body() {
    assert_eq!(body("f() -> i64", "raise"), "raise\n");
}

#[test]
fn a_name_of_one_letter_is_no_slip_for_another() {
    let hint = "names are parameters, locals, constants and methods of the module";
    assert_eq!(hints("f(n: i64) -> i64", "return q"), [hint]);
    assert_eq!(
        hints("f(count: i64) -> i64", "return coutn"),
        ["did you mean `count`?"]
    );
}

#[test]
fn syntax_errors_speak_of_python() {
    for (text, message, hint) in [
        (
            "return 0x",
            "1:8 syntax error: a number without digits\n",
            "`0x`",
        ),
        (
            "return (n",
            "1:10 syntax error: the body ends too early\n",
            "bracket",
        ),
        (
            "if n\n    pass",
            "1:5 syntax error: expected",
            "ends in `:`",
        ),
        (
            "if n:\npass",
            "2:1 syntax error: expected an indented block",
            "`pass`",
        ),
        (
            "return 'n",
            "1:8 syntax error: missing closing quote",
            "quote",
        ),
    ] {
        let out = body("f(n: i64) -> i64", text);
        assert!(out.starts_with(message), "{out}");
        let hints = hints("f(n: i64) -> i64", text);
        assert!(hints[0].contains(hint), "{hints:?}");
    }
}

#[test]
fn wrong_syntax_is_reported_where_it_stands() {
    let out = body("f(n: i64)", "return n +\nx = 1\ny = = 2\nz = (1\n");
    assert!(
        out.starts_with("1:11 syntax error: expected an expression\n3:5 syntax error"),
        "{out}"
    );
    let out = body("f(n: i64)", "    x = 1\n    y = x");
    assert!(out.starts_with("local x"), "{out}");
    assert_eq!(body("f(n: i64)", "    x = 1\n  y = x").lines().count(), 1);
    assert_eq!(body("f(n: i64)", "    x = 1\ny = x").lines().count(), 1);
    assert_eq!(
        body("f(n: i64)", "    x = 1\nelse:\n    y = 2")
            .lines()
            .count(),
        1
    );
}

#[test]
fn depth_is_limited_before_the_stack_is() {
    let examine = thread::Builder::new().stack_size(compile::STACK);
    let examine = examine.spawn(depth_is_limited).expect("a thread");
    examine.join().expect("no panic");
}

fn depth_is_limited() {
    let head = "f(n: i64) -> i64";
    let long = |count: usize| format!("return n{}", " + n".repeat(count));
    let elifs = |count: usize| format!("if n: n = 1\n{}return n", "elif n: n = 2\n".repeat(count));
    let call = |count: usize| format!("return {}n{}", "abs(".repeat(count), ")".repeat(count));
    let right = [
        long(1900),
        elifs(1900),
        call(1300),
        format!("return {}n", "-".repeat(1900)),
        format!("return {}n", "n if n else ".repeat(900)),
        format!("return 1 if {} else 0", vec!["n"; 900].join(" and ")),
    ];
    let deep = [
        long(100_000),
        elifs(2100),
        call(3000),
        format!("return {}n{}", "(".repeat(5000), ")".repeat(5000)),
        format!("return {}n", "-".repeat(50_000)),
        format!("return {}n", "not ".repeat(50_000)),
        format!("return n{}", ".a".repeat(1900)),
        format!("return n{}", "()".repeat(1900)),
        format!("return {}1", "lambda: ".repeat(1900)),
        (0..300)
            .map(|i| format!("{}if n:\n", " ".repeat(i)))
            .collect::<String>()
            + &" ".repeat(300)
            + "n",
        format!("return {}", "f\"{".repeat(500)),
    ];
    let all = right.iter().map(|text| (text, true));
    for (text, is_right) in all.chain(deep.iter().map(|text| (text, false))) {
        let out = body(head, text);
        let shown: String = text.chars().take(30).collect();
        let has_errors = out.starts_with(|c: char| c.is_ascii_digit());
        assert_eq!(has_errors, !is_right, "{shown}: {out:.200}");
    }
}

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn expr(&mut self, depth: usize) -> String {
        let atoms = [
            "x",
            "y",
            "u",
            "d",
            "s",
            "w",
            "b",
            "o",
            "h",
            "p",
            "q",
            "r",
            "1",
            "0",
            "-3",
            "255",
            "0.5",
            "True",
            "None",
            "1 << 63",
            "ANSWER",
            "BIG",
            "0xffffffff",
            "18446744073709551615",
            "math.pi",
            "data",
            "buf",
            "out",
            "items",
            "maybe",
            "t",
            "z",
            "b'ab'",
            "'ab'",
            "e",
        ];
        if depth == 0 || self.below(4) == 0 {
            return self.pick(&atoms).to_owned();
        }
        let calls = [
            "abs",
            "int",
            "u64",
            "i8",
            "f32",
            "bool",
            "round",
            "math.floor",
            "math.sin",
            "u32.clz",
            "g",
            "len",
            "bytes",
            "bytearray",
            "complex",
        ];
        let pairs = [
            "min", "max", "pow", "u64.rotl", "math.gcd", "round", "divmod",
        ];
        let ops = [
            "+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "<", "==", "is", "and",
            "or", ",", "in", "not in", "is not",
        ];
        match self.below(13) {
            0..=3 => format!(
                "({} {} {})",
                self.expr(depth - 1),
                self.pick(&ops),
                self.expr(depth - 1)
            ),
            4 => format!(
                "{}{}",
                self.pick(&["-", "~", "not ", "+"]),
                self.expr(depth - 1)
            ),
            5 => format!("{}({})", self.pick(&calls), self.expr(depth - 1)),
            6 => format!(
                "{}({}, {})",
                self.pick(&pairs),
                self.expr(depth - 1),
                self.expr(depth - 1)
            ),
            7 => format!("({} & 0xffffffffffffffff)", self.expr(depth - 1)),
            8 | 9 => format!("{}[{}]", self.expr(depth - 1), self.expr(depth - 1)),
            10 => format!(
                "{}[{}:{}]",
                self.expr(depth - 1),
                self.expr(0),
                self.expr(0)
            ),
            11 => {
                let text = ["encode()", "decode()", "real", "decode('ascii')"];
                format!("{}.{}", self.expr(depth - 1), self.pick(&text))
            }
            _ => {
                let (a, b, c) = (
                    self.expr(depth - 1),
                    self.expr(depth - 1),
                    self.expr(depth - 1),
                );
                format!("({a} if {b} else {c})")
            }
        }
    }

    fn block(&mut self, depth: usize, indent: usize, out: &mut String) {
        for _ in 0..1 + self.below(3) {
            let pad = " ".repeat(indent);
            let name = self.pick(&["p", "q", "r", "x", "s", "e", "out[x]", "data"]);
            let e = self.expr(2);
            let kind = if depth == 0 {
                self.below(6)
            } else {
                self.below(15)
            };
            match kind {
                0 | 1 => *out += &format!("{pad}{name} = {e}\n"),
                2 => *out += &format!("{pad}{name} {}= {e}\n", self.pick(&["+", "*", "&", "//"])),
                3 => *out += &format!("{pad}{name}, q = {e}, {}\n", self.expr(1)),
                4 => *out += &format!("{pad}return {e}\n"),
                5 => {
                    *out += &format!(
                        "{pad}{}\n",
                        self.pick(&[
                            "break",
                            "continue",
                            "raise ValueError(f'{x:>{y}}')",
                            "t: i8 = x",
                            "p, r = divmod(x, y)",
                            "x = y = u",
                            "e = None",
                            "e = buf",
                            "e = data[1:]",
                            "out[0], q = q, out[0]",
                            "raise ValueError(data)",
                        ])
                    )
                }
                6 => *out += &format!("{pad}while {e}:\n"),
                7 => *out += &format!("{pad}for {name} in range({e}):\n"),
                8 => *out += &format!("{pad}for {name} in {e}:\n"),
                9 => *out += &format!("{pad}for {name}, q in enumerate({e}):\n"),
                10 => *out += &format!("{pad}with nogil:\n"),
                _ => *out += &format!("{pad}if {e}:\n"),
            }
            if kind > 5 {
                self.block(depth - 1, indent + 1, out);
                if kind != 10 && self.below(3) == 0 {
                    *out += &format!("{pad}else:\n");
                    self.block(depth - 1, indent + 1, out);
                }
            }
        }
    }
}

#[test]
fn whatever_is_accepted_is_well_typed() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    let types = [
        "i64",
        "u64",
        "f64",
        "bool",
        "object",
        "u8",
        "(i64, i64)",
        "f32",
        "bytes",
        "Buffer | None",
        "str",
        "[object, bytes]",
        "complex",
    ];
    let views = "data: bytes, buf: Buffer, out: MutBuffer, items: Buffer[f64], maybe: bytes | None, t: str | None, z: complex";
    for round in 0..8000 {
        let result = types[round % types.len()];
        let mode = ["", " [wrap]"][random.below(2)];
        let mut text = String::new();
        if random.below(2) == 0 {
            text = format!("return {}\n", random.expr(3));
        } else {
            random.block(2, 0, &mut text);
            text += "return x\n";
        }
        let helper = ("g(n: u8) -> i32", "return n");
        // `checked` verifies what comes out without a message.
        let head = format!("f({ALL}, {views}) -> {result}{mode}");
        let out = checked(&[(&head, &text), helper]);
        accepted += usize::from(out.starts_with("def"));
    }
    assert!(
        accepted > 300,
        "only {accepted} of the bodies were accepted"
    );
}

#[test]
fn no_text_makes_the_checker_panic() {
    let words = [
        "x",
        "u",
        "d",
        "o",
        "f",
        "g",
        "1",
        "0.5",
        "1e400",
        "0xffffffffffffffffff",
        "'s'",
        "f'{x",
        "}'",
        "f'{x!r:{u}}'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ":=",
        "=",
        "+=",
        "==",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "@",
        "<<",
        ">>",
        "&",
        "|",
        "^",
        "~",
        "->",
        ".",
        "...",
        ";",
        "\n",
        "\n  ",
        "\n    ",
        "\n\t",
        "\\\n",
        "#c\n",
        "if ",
        "elif ",
        "else:",
        "while ",
        "for ",
        " in ",
        "range(",
        "return ",
        "raise ",
        "assert ",
        "def ",
        "lambda ",
        "class ",
        "try:",
        "with ",
        "nogil",
        "import math",
        "from math import ",
        "as ",
        "not ",
        " and ",
        " or ",
        " is ",
        "None",
        "True",
        "del ",
        "global ",
        "yield ",
        "await ",
        "async ",
        "match ",
        "case ",
        "type ",
        "i64",
        "u8",
        "tuple[",
        "Buffer[",
        "math.",
        "sqrt",
        "data",
        "o",
        "b''",
        "bytes(",
        "bytearray(",
        "enumerate(",
        ".decode(",
        ".real",
        "| None",
        "out[",
        " not in ",
        "é",
        "\u{1F600}",
        "\0",
        "\r",
        "\u{c}",
        "?",
        "$",
        "!",
        "`",
        "\"\"\"",
        "'",
        "abs(",
        "divmod(",
        "pass",
        "break",
    ];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..4000 {
        let count = 1 + random.below(25);
        let text: String = (0..count)
            .map(|_| random.pick(&words).to_owned() + random.pick(&["", " "]))
            .collect();
        checked(&[(
            &format!("f({ALL}, data: bytes, out: MutBuffer) -> i64"),
            &text,
        )]);
    }
    // A sound body with a few words changed.
    let sound = "def h ( a : i64 , b : u8 = 3 ) -> tuple[ i64 , f64 ] : \n    return a , b\np , q = h ( x , 3 )\nfor i in range( x ) : \n    if i % 2 : \n        p += ( i * 31 ) & 255\n    else: \n        break\nwhile p > 0 : \n    p -= 1\nassert p == 0 , f'{p}'\nv = data [ 1 : ]\nfor j , c in enumerate( v ) : \n    out [ j ] += c\n    if c in b'ab' : v = bytearray( 3 )\nreturn p if b else x";
    let parts: Vec<&str> = sound.split(' ').collect();
    for _ in 0..4000 {
        let mut parts = parts.clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(parts.len());
            match random.below(3) {
                0 => parts[at] = words[random.below(words.len())],
                1 => parts.insert(at, words[random.below(words.len())]),
                _ => drop(parts.remove(at)),
            }
        }
        let head = format!("f({ALL}, data: bytes, out: MutBuffer) -> i64");
        checked(&[(&head, &parts.join(" "))]);
    }
}
