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

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use python::{Python, all, said};

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
    let mut spec = "[module]\nname = \"views\"\n".to_owned();
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
    let (_, module) = &*BUILT;
    let mut wrong = Vec::new();
    for python in all().iter().filter(|python| wanted(python)) {
        let output = python
            .command()
            .args(options)
            .arg(python::root("tests/views/judge.py"))
            .arg(module)
            .arg(mode)
            .output()
            .expect("interpreters run");
        let text = String::from_utf8_lossy(&output.stdout);
        let count = text.trim_end().strip_prefix("done ");
        let count = count.and_then(|count| count.parse().ok());
        let enough = count.is_some_and(|count: u64| count >= least);
        if !output.status.success() || !enough || !output.stderr.is_empty() {
            wrong.push(format!("{} {mode}: {}", python.name(), said(&output)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bodies_give_cpythons_answer() {
    everywhere(|_| true, &[], "values", 5000);
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
    let can = |python: &Python| {
        let asked = python.command().args(["-c", "import _testcapi"]).output();
        let can = asked.is_ok_and(|asked| asked.status.success());
        if !can {
            println!("skipped: {} has no _testcapi", python.name());
        }
        can
    };
    everywhere(can, &[], "starved", 1000);
}

#[test]
fn threads_that_change_what_is_read_do_no_harm() {
    // 3.13's free-threaded bytearrays count their exports without a lock: the interpreter itself loses count.
    let counts = |python: &Python| !python.name().ends_with('t');
    everywhere(counts, &[], "threads", 100);
}
