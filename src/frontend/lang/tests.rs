//! Bodies in, typed bodies or messages out, through one helper.

use super::typed::{Const, IntTy, Overflow, Storage};
use super::{Env, MethodSig, ParamKind, ParamSig, check, print};
use crate::base::source::{Sources, Text};

/// A module of one line per method: `name(x: i64, y: f64 = 1.0) -> i64 [wrap] [nogil]`, then its body.
fn module(methods: &[(&str, &str)]) -> (Env, Sources) {
    let mut sources = Sources::default();
    let mut env = Env {
        constants: vec![
            ("ANSWER".into(), Some(Const::Int(42))),
            ("BIG".into(), Some(Const::Int(1 << 63))),
            ("RATIO".into(), Some(Const::Float(0.5))),
            ("TEXT".into(), None),
        ],
        exceptions: vec!["PackError".into()],
        methods: Vec::new(),
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
        let returns = rest
            .trim()
            .strip_prefix("->")
            .map_or("None", |r| r.split('[').next().expect("text").trim());
        let tuple = returns.starts_with('(');
        let results = returns
            .trim_matches(['(', ')'])
            .split(", ")
            .filter(|r| *r != "None")
            .map(storage)
            .collect();
        env.methods.push((
            MethodSig {
                name: name.into(),
                params: list,
                results,
                returns_tuple: tuple,
                overflow: if head.contains("[wrap]") {
                    Overflow::Wrap
                } else {
                    Overflow::Raise
                },
                nogil: head.contains("[nogil]"),
            },
            text,
            span,
        ));
    }
    (env, sources)
}

fn storage(name: &str) -> Storage {
    super::ty::storage_named(name).expect("a type")
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
    let (functions, diags) = check(&env);
    if diags.iter().next().is_none() {
        return functions.iter().map(print::function).collect();
    }
    let mut out = String::new();
    for d in diags.iter() {
        let (line, column) = sources
            .file(d.primary.span.source)
            .line_column(d.primary.span.start);
        out += &format!("{line}:{column} {}\n", d.message);
    }
    out
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

#[test]
fn probe() {
    let head =
        "f(x: i64, y: i64, u: u64, d: f64, s: u8, w: u32, b: bool, o: object, h: f32) -> f64";
    let list = std::fs::read_to_string("/tmp/probe_lang.txt").unwrap();
    for text in list.lines().filter(|l| !l.is_empty()) {
        println!("{text}  =>  {}", value(head, text));
    }
    let list = std::fs::read_to_string("/tmp/probe_bodies.txt").unwrap();
    for case in list.split("\n---\n") {
        let (h, t) = case
            .trim_start_matches('\n')
            .split_once('\n')
            .unwrap_or((case.trim(), ""));
        println!("## {h}\n{t}\n=>\n{}", checked(&[(h, t)]));
    }
}
