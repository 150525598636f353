//! Bodies on objects, compiled, against CPython running the very same text, in every interpreter found.
//!
//! `bodies.py` and what `generate.rs` adds to it is the source of the module as well as what CPython runs; `judge.py` calls both, on objects
//! that keep a log and lie, and says what is compared: results, exceptions with their texts, causes and contexts, what was asked of the
//! objects in which order; references; behaviour where memory is short.
//! `PYASMGEN_ROUNDS=n` tries n modules of random bodies instead of one, `PYASMGEN_SEED=s` starts elsewhere, `PYASMGEN_KEEP=1` keeps
//! what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write files and run tools"
)]

mod generate;
#[path = "../common/python.rs"]
mod python;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pyasmgen::ir::random::Rng;
use python::{Python, all};

/// Random bodies in a module.
const RANDOM: usize = 150;

/// The built modules, each in a folder with the text of its bodies.
static BUILT: LazyLock<Vec<(tempfile::TempDir, PathBuf)>> = LazyLock::new(|| {
    let first = number("PYASMGEN_SEED", 1);
    let rounds = first..first + number("PYASMGEN_ROUNDS", 1);
    rounds
        .map(|seed| {
            let mut folder = tempfile::tempdir().expect("a folder");
            folder.disable_cleanup(std::env::var_os("PYASMGEN_KEEP").is_some());
            let text = generate::bodies(&mut Rng::new(seed), RANDOM);
            let path = folder.path().join("objects.toml");
            std::fs::write(folder.path().join("bodies.py"), &text).expect("writable");
            std::fs::write(&path, generate::spec(&text)).expect("writable");
            let module = python::build(&path, folder.path(), "objects");
            (folder, module)
        })
        .collect()
});

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(default)
}

/// Runs a mode of `judge.py` in every interpreter that is wanted; each must call so often, and find nothing.
fn everywhere(wanted: impl Fn(&Python) -> bool, options: &[&str], mode: &str, least: u64) {
    let mut pythons = all();
    pythons.retain(wanted);
    for (folder, module) in BUILT.iter() {
        in_each(&pythons, options, (folder.path(), module), mode, least);
    }
}

/// The same with one module, whose bodies are in a folder, in some interpreters.
fn in_each(
    pythons: &[Python],
    options: &[&str],
    (folder, module): (&Path, &Path),
    mode: &str,
    least: u64,
) {
    let mut wrong = Vec::new();
    let script = python::root("tests/objects/judge.py");
    let bodies = folder.join("bodies.py");
    for python in pythons {
        let mut args: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        args.extend([script.as_os_str(), module.as_os_str(), bodies.as_os_str()]);
        args.push(OsStr::new(mode));
        wrong.extend(python.judged(&args, least));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bodies_give_cpythons_answer() {
    everywhere(|_| true, &[], "values", 3000);
}

#[test]
fn an_unknown_interpreter_gives_the_same_answers() {
    for (folder, module) in BUILT.iter() {
        let module = python::unknown_copy(module);
        let both = (folder.path(), &*module);
        in_each(&python::some_known(), &[], both, "values", 3000);
    }
}

#[test]
fn development_mode_finds_nothing() {
    everywhere(|python| python.debug, &["-X", "dev"], "values", 3000);
}

#[test]
fn references_stay_as_many_as_they_were() {
    everywhere(|_| true, &[], "references", 500);
}

#[test]
fn any_allocation_may_fail() {
    everywhere(Python::has_testcapi, &[], "starved", 500);
}
