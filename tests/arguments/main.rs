//! Arguments and results against CPython's own parser: methods that return what they were given, built by us and, from the same formats, by
//! gcc around `PyArg_ParseTuple[AndKeywords]`, are called with thousands of generated argument lists in every CPython found.
//!
//! `units.rs` has a row for each unit, `methods.rs` makes methods of them, `values.py` the arguments, and `compare.py` says what is compared.
//! `PYASMGEN_ROUNDS=n` tries n modules of random methods instead of one, `PYASMGEN_SEED=s` starts elsewhere, `PYASMGEN_KEEP=1` keeps
//! what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

mod methods;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/tool.rs"]
mod tool;
mod units;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use methods::Method;
use pyasmgen::base::source::Sources;
use pyasmgen::frontend::argfmt;
use pyasmgen::ir::random::Rng;
use pyasmgen::{compile, target};
use python::Python;
use serde_json::{Value, json};

/// Formats that the frontend refuses, though the contract has them.
const REFUSED: &[&str] = &[];

/// Interpreters whose objects are known, so that methods have fast versions there.
const FAST: &[&str] = &["3.11", "3.12", "3.13", "3.14", "3.15"];

/// Random methods of a module.
const RANDOM: usize = 60;
/// Random argument lists for a method.
const LISTS: usize = 14;
/// Likewise, in interpreters that are made to look unknown.
const FEW_LISTS: usize = 8;

/// What is built: a module and its twin.
struct Built {
    folder: tempfile::TempDir,
    job: Value,
}

/// A module for each round; empty where there is no gcc.
static BUILT: LazyLock<Vec<Built>> = LazyLock::new(|| {
    let Some(gcc) = tool::tool("gcc") else {
        return Vec::new();
    };
    let first = number("PYASMGEN_SEED", 1);
    let rounds = first..first + number("PYASMGEN_ROUNDS", 1);
    rounds.map(|seed| build(seed, first, &gcc)).collect()
});

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(default)
}

fn is_taken(method: &Method) -> bool {
    let mut sources = Sources::default();
    let id = sources.add("spec.toml", HEAD.to_owned() + &method.toml());
    compile::check(&sources, id, target::host()).0.is_some()
}

const HEAD: &str = "\
[module]
name = \"arguments\"
[[exceptions]]
name = \"Problem\"
base = \"ValueError\"
";

/// The methods of a round. The first round has all that are not random, too.
fn of_round(seed: u64, first: u64) -> Vec<Method> {
    let mut rng = Rng::new(seed);
    let mut methods = Vec::new();
    if seed == first {
        methods = methods::fixed();
        methods.extend(methods::bindings());
        methods.extend(methods::returning());
    }
    methods.extend((0..RANDOM).map(|_| methods::random(&mut rng)));
    let name = |(at, method): (usize, Method)| method.named(format!("f{at}"));
    methods.into_iter().enumerate().map(name).collect()
}

fn build(seed: u64, first: u64, gcc: &Path) -> Built {
    let mut folder = tempfile::tempdir().expect("a folder");
    if std::env::var_os("PYASMGEN_KEEP").is_some() {
        folder.disable_cleanup(true);
        println!("kept in {}", folder.path().display());
    }
    let methods = of_round(seed, first);
    let spec = folder.path().join("arguments.toml");
    let tables: String = methods.iter().map(Method::toml).collect();
    std::fs::write(&spec, HEAD.to_owned() + &tables).expect("writable");
    let file = python::build(&spec, folder.path(), "arguments");
    let functions: String = methods.iter().map(Method::c).collect();
    let rows: String = methods.iter().map(Method::row).collect();
    let source = folder.path().join("twin.c");
    let text = format!(
        "{}{functions}PyMethodDef methods[] = {{\n{rows}    {{0}},\n}};\n",
        include_str!("twin.c")
    );
    std::fs::write(&source, text).expect("writable");
    let twin = folder.path().join("twin.so");
    let compiled = Command::new(gcc)
        .args(["-shared", "-fPIC", "-w", "-o"])
        .args([&twin, &source])
        .output()
        .expect("gcc runs");
    assert!(compiled.status.success(), "{}", python::said(&compiled));
    let job = json!({
        "name": "arguments",
        "file": file,
        "twin": twin,
        "seed": seed,
        "lists": LISTS,
        "methods": methods.iter().map(Method::json).collect::<Vec<_>>(),
    });
    std::fs::write(folder.path().join("job.json"), job.to_string()).expect("writable");
    Built { folder, job }
}

/// The same for a module that knows no interpreter.
fn unknown(built: &Built) -> Built {
    let folder = tempfile::tempdir().expect("a folder");
    let file = built.job["file"].as_str().expect("a path");
    let mut job = built.job.clone();
    job["file"] = json!(python::unknown_copy(Path::new(file)));
    job["lists"] = json!(FEW_LISTS);
    std::fs::write(folder.path().join("job.json"), job.to_string()).expect("writable");
    Built { folder, job }
}

/// What a run of `compare.py` found.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    calls: u64,
    /// Methods that were tried twice: as import leaves them, and as they are before that.
    baseline: u64,
}

/// Runs a mode of `compare.py`.
fn compare(python: &Python, options: &[&str], built: &Built, mode: &str) -> Found {
    let place = format!(
        "{} {} {mode}, seed {}",
        python.name(),
        options.join(" "),
        built.job["seed"]
    );
    let mut command = python.command();
    command
        .args(options)
        .arg(python::root("tests/arguments/compare.py"))
        .arg(built.folder.path().join("job.json"))
        .arg(mode);
    let output = command.output().expect("interpreters run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = Found::default();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        match line["calls"].as_u64() {
            Some(count) => {
                found.calls = count;
                found.baseline = line["baseline"].as_u64().expect("a number");
            }
            None => found.wrong.push(format!("{place}: {line:#}")),
        }
    }
    if !output.status.success() || text.lines().last() != Some("done") {
        let again = command.arg("verbose").output().expect("interpreters run");
        let again = String::from_utf8_lossy(&again.stdout).into_owned();
        let last = again.lines().rfind(|line| line.starts_with("at "));
        let last = last.unwrap_or("before the first call");
        let said = python::said(&output);
        found.wrong.push(format!("{place}: ended {last}: {said}"));
    }
    found
}

/// The interpreters that can call what gcc has built.
fn pythons() -> Vec<Python> {
    let mut pythons = python::all();
    pythons.retain(|python| !python.musl);
    pythons
}

/// Runs a mode in every interpreter that is wanted, two at a time. In each, the first module is to be called at least so often.
fn everywhere(wanted: impl Fn(&Python) -> bool, options: &[&str], mode: &str, least: u64) {
    let mut pythons = pythons();
    pythons.retain(wanted);
    in_each(&pythons, options, (&BUILT, FAST), mode, least);
}

/// The same for modules that have fast versions in the interpreters named.
fn in_each(
    pythons: &[Python],
    options: &[&str],
    (built, fast): (&[Built], &[&str]),
    mode: &str,
    least: u64,
) {
    let mut wrong = Vec::new();
    for (round, built) in built.iter().enumerate() {
        for pair in pythons.chunks(2) {
            let ended = std::thread::scope(|scope| {
                let running: Vec<_> = pair
                    .iter()
                    .map(|python| scope.spawn(move || compare(python, options, built, mode)))
                    .collect();
                let ended = running.into_iter().map(|thread| thread.join());
                ended.collect::<Result<Vec<_>, _>>().expect("no panic")
            });
            for (python, found) in pair.iter().zip(ended) {
                let (name, calls) = (python.name(), found.calls);
                if found.wrong.is_empty() && round == 0 && calls < least {
                    wrong.push(format!("{name}: {calls} calls only"));
                }
                let known = fast.contains(&&name[..]);
                if found.wrong.is_empty() && (found.baseline > 0) != known {
                    let count = found.baseline;
                    wrong.push(format!("{name}: {count} methods in the fast table"));
                }
                wrong.extend(found.wrong);
            }
        }
    }
    let few: Vec<&str> = wrong.iter().take(8).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{}\n{} in all",
        few.join("\n"),
        wrong.len()
    );
}

#[test]
fn every_unit_has_a_row() {
    let ours: Vec<&str> = argfmt::units::UNITS.iter().map(|unit| unit.text).collect();
    let rows: Vec<&str> = units::UNITS.iter().map(|unit| unit.text).collect();
    let both = [&ours, &rows].map(|list| list.iter().collect::<BTreeSet<_>>());
    assert_eq!(both[0], both[1]);
}

/// Nothing that the contract has is left out.
#[test]
fn every_method_is_taken() {
    let refused: Vec<Method> = of_round(1, 1)
        .into_iter()
        .filter(|method| !is_taken(method))
        .collect();
    let formats: Vec<Value> = refused.iter().map(|m| m.json()["format"].clone()).collect();
    let shown: String = refused.iter().map(Method::toml).collect();
    assert_eq!(formats, REFUSED, "{shown}");
}

#[test]
fn calls_do_what_the_twin_does() {
    everywhere(|_| true, &[], "calls", 5000);
}

/// What the fast table leaves out is not what makes the difference: the baseline table alone does the same.
#[test]
fn calls_do_so_in_an_unknown_interpreter() {
    let unknown: Vec<Built> = BUILT.iter().map(unknown).collect();
    in_each(&python::some_known(), &[], (&unknown, &[]), "calls", 5000);
}

#[test]
fn development_mode_finds_nothing() {
    // What is deprecated differs most between these.
    let some = |python: &Python| [9, 15].contains(&python.version.1) && !python.debug;
    everywhere(some, &["-X", "dev"], "errors", 5000);
}

#[test]
fn references_stay_as_many_as_they_were() {
    everywhere(|python| python.debug, &[], "references", 1000);
}

#[test]
fn threads_do_not_meet() {
    everywhere(|python| python.free_threaded, &[], "threads", 5000);
}

/// With memory that is marked when it is freed.
#[test]
fn user_code_cannot_crash_a_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = python::root("tests/arguments/hazards.toml");
    let module = python::build(&spec, folder.path(), "hazards");
    let mut wrong = Vec::new();
    for python in pythons() {
        let output = python
            .command()
            .args(["-X", "dev", "-X", "faulthandler"])
            .arg(python::root("tests/arguments/hazards.py"))
            .arg(&module)
            .output()
            .expect("interpreters run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() || text.lines().last() != Some("done") {
            wrong.push(format!("{}: {}", python.name(), python::said(&output)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn any_allocation_may_fail() {
    everywhere(Python::has_testcapi, &[], "starved", 10_000);
}
