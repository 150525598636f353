//! Bodies on views, bytes and strs, compiled, against CPython running the very same text, in every interpreter found.
//!
//! `bodies.py` is the source of the module as well as what CPython runs; `judge.py` calls both and says what is compared: values, texts of
//! exceptions and contents; references; behaviour where memory is short or where other threads change what is read.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write files and run tools"
)]

#[path = "../common/python.rs"]
mod python;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use python::{Python, all};

/// The built module, in its folder.
static BUILT: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("views.toml");
    std::fs::write(&path, spec(include_str!("bodies.py"))).expect("writable");
    let module = python::build(&path, folder.path(), "views");
    (folder, module)
});

/// The spec of the functions in a Python text.
fn spec(text: &str) -> String {
    let mut spec = "[module]\nname = \"views\"\nfast = true\n".to_owned();
    for function in text.split("\ndef ").skip(1) {
        let (head, body) = function.split_once(":\n").expect("a function has a body");
        let (name, head) = head.split_once('(').expect("parameters");
        let (params, returns) = head.split_once(") -> ").expect("results");
        let params: Vec<String> = params
            .split(", ")
            .map(|param| format!("\"{}\"", param.replace('"', "")))
            .collect();
        let body: Vec<&str> = body
            .lines()
            .map(|line| line.strip_prefix("    ").unwrap_or(line))
            .collect();
        let body = body.join("\n");
        write!(
            spec,
            "[[methods]]\nname = \"{name}\"\nparams = [{}]\n",
            params.join(", ")
        )
        .expect("a String");
        if returns != "\"\"" {
            writeln!(spec, "returns = {returns}").expect("a String");
        }
        writeln!(spec, "body = '''\n{body}'''").expect("a String");
    }
    spec
}

/// Runs a mode of `judge.py` in every interpreter that is wanted; each must call so often, and find nothing.
fn everywhere(wanted: impl Fn(&Python) -> bool, options: &[&str], mode: &str, least: u64) {
    let mut pythons = all();
    pythons.retain(wanted);
    in_each(&pythons, options, &BUILT.1, mode, least);
}

/// The same with some module in some interpreters.
fn in_each(pythons: &[Python], options: &[&str], module: &Path, mode: &str, least: u64) {
    let mut wrong = Vec::new();
    for python in pythons {
        let script = python::root("tests/views/judge.py");
        let mut args: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        args.extend([script.as_os_str(), module.as_os_str(), OsStr::new(mode)]);
        wrong.extend(python.judged(&args, least));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bodies_give_cpythons_answer() {
    everywhere(|_| true, &[], "values", 5000);
}

#[test]
fn an_unknown_interpreter_gives_the_same_answers() {
    let module = python::unknown_copy(&BUILT.1);
    in_each(&python::some_known(), &[], &module, "values", 5000);
}

#[test]
fn development_mode_finds_nothing() {
    everywhere(|python| python.debug, &["-X", "dev"], "values", 5000);
}

#[test]
fn references_stay_as_many_as_they_were() {
    everywhere(|_| true, &[], "references", 1000);
}

#[test]
fn any_allocation_may_fail() {
    everywhere(Python::has_testcapi, &[], "starved", 1000);
}

#[test]
fn threads_that_change_what_is_read_do_no_harm() {
    // 3.13's free-threaded bytearrays count their exports without a lock: the interpreter itself loses count.
    let counts = |python: &Python| !python.name().ends_with('t');
    everywhere(counts, &[], "threads", 100);
}
