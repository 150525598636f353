//! Debuggers on compiled modules: gdb and lldb stop on the user's lines, show arguments, step through loops, see what functions return and
//! walk on into CPython; and what gdb shows of parameters and locals is, at every line, what CPython knows of them (`common/debugged.py`).
//!
//! Sources are `specs/` and generated functions; modules are those of pyasmgen and of linkers. `PYASMGEN_KEEP=1` keeps what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write files and run tools"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use pyasmgen::ir::random::Rng;

#[path = "common/debuggee.rs"]
mod debuggee;
#[path = "common/python.rs"]
mod python;
#[path = "common/tool.rs"]
mod tool;

use debuggee::{Debuggee, interpreter};
use tool::tool;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program says on both streams.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let (out, err) = (output.stdout, output.stderr);
    String::from_utf8_lossy(&out).into_owned() + &String::from_utf8_lossy(&err)
}

/// Builds a module that tells debuggers what there is to tell.
fn build(target: Option<&str>, spec: &Path, linker: &str, folder: &Path) {
    let told = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .args(["build", "--debug", "--linker", linker])
        .args(target.into_iter().flat_map(|target| ["--target", target]))
        .arg(spec)
        .arg("-o")
        .arg(folder)
        .output()
        .expect("pyasmgen runs");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{}: {said}", spec.display());
}

/// The linkers that are there, ours first.
fn linkers() -> Vec<&'static str> {
    let others = ["ld", "ld.lld", "mold"].into_iter();
    let others = others.filter(|name| tool(name).is_some());
    std::iter::once("self").chain(others).collect()
}

/// The line, from 1, where this text stands.
fn line_of(spec: &Path, text: &str) -> usize {
    let content = std::fs::read_to_string(spec).expect("readable");
    let place = content.lines().position(|line| line.contains(text));
    1 + place.expect("the text is there")
}

const CALL: &str = "import pymult; print(pymult.multiply(6, 7))";

/// What gdb says when it runs `commands` where `call` comes to a breakpoint.
fn session(debuggee: &Debuggee, folder: &Path, stop: &str, call: &str, commands: &str) -> String {
    let mut session = debuggee.gdb("session.py");
    session
        .env("PYTHONPATH", folder)
        .env("SESSION_BREAK", stop)
        .env("SESSION_CODE", call)
        .env("SESSION_COMMANDS", commands);
    said(&mut session)
}

fn expect(text: &str, all: &[&str], place: &str) {
    for expected in all {
        assert!(
            text.contains(expected),
            "{place}: no {expected:?} in\n{text}"
        );
    }
}

#[test]
fn gdb_stops_shows_arguments_finishes_and_walks_into_the_interpreter() {
    let spec = root("specs/pymult.toml");
    let line = line_of(&spec, "return x * y");
    let ways = linkers()
        .into_iter()
        .map(|linker| (debuggee::native(), linker));
    for (debuggee, linker) in ways.chain([(debuggee::arm64(), "self")]) {
        let Some(debuggee) = debuggee else { continue };
        let folder = tempfile::tempdir().expect("a folder");
        build(debuggee.target, &spec, linker, folder.path());
        let stop = format!("pymult.toml:{line}");
        let commands = "info args\nbacktrace\nfinish";
        let text = session(&debuggee, folder.path(), &stop, CALL, commands);
        let expected = [
            &format!("multiply (x=6, y=7) at ./pymult.toml:{line}"),
            "x = 6\ny = 7\n",
            "Py_BytesMain",
            "Value returned is $1 = (PyObject *) 0x",
        ];
        let place = format!("{linker}, {:?}", debuggee.target);
        expect(&text, &expected, &place);
    }
}

/// A breakpoint on a name stands behind the prologue, in every round of a recursion.
#[test]
fn gdb_stops_at_names_where_arguments_are_there() {
    let spec = root("specs/kernels.py");
    let all = [debuggee::native(), debuggee::arm64(), debuggee::windows()];
    for debuggee in all {
        let Some(debuggee) = debuggee else { continue };
        let folder = tempfile::tempdir().expect("a folder");
        build(debuggee.target, &spec, "self", folder.path());
        let call = "import kernels; print(kernels.gcd(48, 18))";
        let commands = "continue\ncontinue\nbacktrace";
        let text = session(&debuggee, folder.path(), "gcd", call, commands);
        let target = debuggee.target;
        let mut expected = vec!["gcd (a=48, b=18) at", "gcd (a=18, b=12) at"];
        // That of Windows is without names.
        if !target.is_some_and(|target| target.contains("windows")) {
            expected.push("Py_BytesMain");
        }
        expect(&text, &expected, &format!("{target:?}"));
    }
}

#[test]
fn lldb_stops_shows_arguments_finishes_and_walks_into_the_interpreter() {
    let (Some(lldb), Some(python)) = (tool("lldb"), interpreter()) else {
        return;
    };
    let spec = root("specs/pymult.toml");
    let line = line_of(&spec, "return x * y");
    for linker in linkers() {
        let folder = tempfile::tempdir().expect("a folder");
        build(None, &spec, linker, folder.path());
        let mut session = Command::new(&lldb);
        session.args(["--no-lldbinit", "--batch"]);
        let stop = format!("breakpoint set --file pymult.toml --line {line}");
        let commands = ["frame variable", "bt", "breakpoint delete -f", "finish"];
        for command in [&stop, "run"].into_iter().chain(commands) {
            session.args(["-o", command]);
        }
        session.arg("--").arg(&python).args(["-c", CALL]);
        let text = said(session.env("PYTHONPATH", folder.path()));
        let expected = [
            &format!("multiply(x=6, y=7) at pymult.toml:{line}"),
            " x = 6\n",
            " y = 7\n",
            "Py_BytesMain",
            "Return value: (PyObject *) $0 = 0x",
        ];
        expect(&text, &expected, linker);
    }
}

/// Functions of `specs/kernels.py` whose every line has code of its own.
const STEPPED: &str = "mandel collatz population to_hex fnv1a reverse mean refuse";
const CALLS: &str = r#"mandel(-0.5, 0.5, 3)
norm(3, 4, scale=2.0)
fnv1a(b"hello")
collatz(7)
population(b"\x00\xff\x13")
rotate(5, 3, True)
narrow(70)
gcd(48, 18)
to_hex(b"\x01\xab\xff")
reverse(__import__("array").array("i", [1, 2, 3, 4, 5]))
mean(__import__("array").array("d", [1.0, 2.5, 4.0]))
part(b"abcdef", 1, 4)
refuse(3)
sign(-2.0, 1.5)
"#;

/// Builds a Python source and has gdb run calls of its functions; of a hundred values that CPython knows at the lines where gdb stops, so
/// many are shown at least, none of them wrong.
fn compare(debuggee: &Debuggee, source: &Path, calls: &str, stepped: &str, least: u64) {
    let Some(python) = interpreter() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let copy = at(&source.file_name().expect("a name").to_string_lossy());
    std::fs::copy(source, &copy).expect("copied");
    std::fs::create_dir(at("built")).expect("a folder");
    build(debuggee.target, &copy, "self", &at("built"));
    std::fs::write(at("calls"), calls).expect("writable");
    let traced = Command::new(&python)
        .arg(root("tests/common/traced.py"))
        .args([&copy, &at("calls")])
        .env("PYTHONPATH", root("src/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&traced.stderr);
    assert!(traced.status.success(), "{errors}");
    std::fs::write(at("events"), traced.stdout).expect("writable");
    let file = source.file_name().expect("a name");
    let mut session = debuggee.gdb("debugged.py");
    session
        .env("PYTHONPATH", at("built"))
        .env("DEBUGGED_MODULE", source.file_stem().expect("a name"))
        .env("DEBUGGED_FILE", file)
        .env("DEBUGGED_CALLS", at("calls"))
        .env("DEBUGGED_EVENTS", at("events"))
        .env("DEBUGGED_STEPPED", stepped);
    let text = said(&mut session);
    if std::env::var_os("PYASMGEN_KEEP").is_some() {
        println!("{text}\nkept in {}", folder.keep().display());
    }
    let wrong: Vec<&str> = text.lines().filter(|l| l.starts_with("wrong ")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let done = text.lines().find_map(|line| line.strip_prefix("done "));
    let done = done.unwrap_or_else(|| panic!("{text}"));
    let counts: Vec<u64> = done
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    println!("{} of {} values are shown", counts[0], counts[1]);
    assert!(
        counts[1] > 100 && 100 * counts[0] >= least * counts[1],
        "{done}"
    );
}

#[test]
fn what_is_shown_of_locals_is_what_the_interpreter_knows() {
    let source = root("specs/kernels.py");
    let Some(debuggee) = debuggee::native() else {
        return;
    };
    compare(&debuggee, &source, CALLS, STEPPED, 65);
}

#[test]
fn what_is_shown_of_locals_on_arm64_is_what_the_interpreter_knows() {
    let source = root("specs/kernels.py");
    let Some(debuggee) = debuggee::arm64() else {
        return;
    };
    compare(&debuggee, &source, CALLS, STEPPED, 65);
}

#[test]
fn what_is_shown_of_generated_locals_is_what_the_interpreter_knows() {
    if let Some(debuggee) = debuggee::native() {
        generated(&debuggee, 8);
    }
}

#[test]
fn what_is_shown_of_generated_locals_on_arm64_is_what_the_interpreter_knows() {
    if let Some(debuggee) = debuggee::arm64() {
        generated(&debuggee, 4);
    }
}

/// Compares modules of so many generated functions: one, or `PYASMGEN_ROUNDS`.
fn generated(debuggee: &Debuggee, functions: u64) {
    let rounds = std::env::var("PYASMGEN_ROUNDS").unwrap_or_default();
    let rounds: u64 = rounds.parse().unwrap_or(1);
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..rounds {
        let (mut source, mut calls) = ("from pyasmgen import f64, i64\n".to_owned(), String::new());
        for seed in functions * round..functions * (round + 1) {
            let name = format!("f{seed}");
            source += &function(&mut Rng::new(seed), &name);
            let (a, b) = (3 + seed, 40 - 3 * seed as i64);
            writeln!(calls, "{name}({a}, {b}, 1.5, 0.5)").expect("a text");
        }
        let path = folder.path().join(format!("made{round}.py"));
        std::fs::write(&path, source).expect("writable");
        compare(debuggee, &path, &calls, "-", 40);
    }
}

const INTS: [&str; 5] = ["a", "b", "x", "y", "z"];
const FLOATS: [&str; 3] = ["c", "u", "v"];

/// A function of many assignments, between few locals, so that values have several names, and names many values. Each statement has its line;
/// `d` keeps all of it from being one constant.
fn function(rng: &mut Rng, name: &str) -> String {
    let mut text = format!("\n\ndef {name}(a: i64, b: i64, c: f64, d: f64) -> f64:\n");
    for (name, value) in [
        ("x", "a"),
        ("y", "7"),
        ("z", "b & 15"),
        ("u", "c"),
        ("v", "0.25"),
    ] {
        writeln!(text, "    {name} = {value}").expect("a text");
    }
    block(rng, &mut text, 1, 7);
    text + "    return u + v + x + y + z + d\n"
}

fn block(rng: &mut Rng, text: &mut String, depth: usize, statements: usize) {
    let indent = "    ".repeat(depth);
    for _ in 0..statements {
        let (p, q, r) = (*rng.pick(&INTS), *rng.pick(&INTS), *rng.pick(&INTS));
        let (f, g, h) = (*rng.pick(&FLOATS), *rng.pick(&FLOATS), *rng.pick(&FLOATS));
        let kind = rng.below(if depth < 4 { 10 } else { 6 });
        let line = match kind {
            0 => format!("{p} = {q}"),
            1 => format!("{p}, {q} = {q}, {r}"),
            2 => format!("{p} = ({q} * 3 + {r}) & 1023"),
            3 => format!("{p} = {}", rng.below(100)),
            4 => format!("{f} = {g} * 0.5 + {h}"),
            5 => format!("{f} = {g}"),
            6 => format!("if {p} > {q}:"),
            7 => format!("if {f} < {g} or {p} == 3:"),
            8 => format!("while w{depth} < {}:", rng.below(4)),
            _ => format!("for i{depth} in range({}):", 1 + rng.below(3)),
        };
        if kind == 8 {
            writeln!(text, "{indent}w{depth} = 0").expect("a text");
        }
        writeln!(text, "{indent}{line}").expect("a text");
        if kind > 5 {
            if kind == 8 {
                writeln!(text, "{indent}    w{depth} = w{depth} + 1").expect("a text");
            }
            let inner = 1 + rng.below(3);
            block(rng, text, depth + 1, inner);
        }
        if kind == 6 && rng.below(2) == 0 {
            writeln!(text, "{indent}else:").expect("a text");
            block(rng, text, depth + 1, 1);
        }
    }
}
