//! Integer letters in every interpreter: what arguments become and what is said of wrong ones, beside the interpreter's own
//! `PyArg_ParseTuple`. On Windows C's `long` has 32 bits, and so have `l` and `k`; there what does not fit it is said of narrower
//! letters too.
//!
//! In go generated values; the comparison is `common/letters.py`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/python.rs"]
mod python;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module that takes and gives every letter.
fn spec() -> String {
    let mut text = "[module]\nname = \"letters\"\n".to_owned();
    for letter in "bBhHiIlkLKn".chars() {
        // A result is checked on its way from the widest type.
        let wide = match letter {
            'B' | 'H' | 'I' | 'k' | 'K' => 'K',
            _ => 'L',
        };
        write!(
            text,
            r#"
[[methods]]
name = "take_{letter}"
args = "{letter}:take_{letter}"
params = ["x"]
returns = "{letter}"
body = "return x"

[[methods]]
name = "give_{letter}"
args = "{wide}:give_{letter}"
params = ["x"]
returns = "{letter}"
body = "return x"

[[methods]]
name = "total_{letter}"
args = "{letter}{letter}:total_{letter}"
params = ["x", "y"]
returns = "{letter}"
body = "return x + y"
"#
        )
        .expect("text");
    }
    for (name, keywords) in [("mix", false), ("mix_keywords", true)] {
        write!(
            text,
            r#"
[[methods]]
name = "{name}"
args = "lkbhi|lk:{name}"
params = ["a", "b", "c", "d", "e", "f = -2", "g = 0xFFFFFFFE"]
keywords = {keywords}
returns = "(lkbhilk)"
body = "return a, b, c, d, e, f, g"
"#
        )
        .expect("text");
    }
    text
}

/// Builds the module for a target; where it is.
fn build(folder: &Path, target: &str) -> Option<PathBuf> {
    std::fs::write(folder.join("letters.toml"), spec()).expect("writable");
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .current_dir(folder)
        .args(["build", "letters.toml", "--target", target])
        .output()
        .expect("pyasmgen runs");
    if String::from_utf8_lossy(&output.stderr).contains("no linker found") {
        assert!(std::env::var_os("CI").is_none(), "no linker for {target}");
        println!("skipped: no linker for {target}");
        return None;
    }
    assert!(output.status.success(), "{}", python::said(&output));
    let suffix = match target.contains("windows") {
        true => "pyd",
        false => "abi3.so",
    };
    Some(folder.join(format!("letters.{suffix}")))
}

/// Compares in one interpreter; `long` is what a `long` must have there, in bytes.
fn compare(mut command: Command, place: &str, file: &str, long: u32) {
    let output = command
        .arg(python::root("tests/common/letters.py"))
        .arg(file)
        .output()
        .expect("interpreters run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    let [done, size, compared] = words[..] else {
        panic!("{place}: {}", python::said(&output));
    };
    assert_eq!((done, size), ("done", &*long.to_string()), "{place}");
    assert!(compared.parse().is_ok_and(|n: u32| n > 20_000), "{place}");
}

#[test]
fn letters_are_those_of_this_machines_cpythons() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(file) = build(folder.path(), "x86_64-unknown-linux-gnu") else {
        return;
    };
    let pythons = python::all();
    for python in pythons.iter().filter(|python| python.has_ctypes()) {
        let file = file.display().to_string();
        compare(python.command(), &python.name(), &file, 8);
    }
}

#[test]
fn letters_are_those_of_cpythons_that_look_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(file) = build(folder.path(), "x86_64-unknown-linux-gnu") else {
        return;
    };
    let file = python::unknown_copy(&file).display().to_string();
    let pythons = python::some_known();
    for python in pythons.iter().filter(|python| python.has_ctypes()) {
        compare(python.command(), &python.name(), &file, 8);
    }
}

#[test]
fn letters_are_those_of_windows_cpythons() {
    for target in ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(file) = build(folder.path(), target) else {
            continue;
        };
        for (name, program) in python::windows() {
            let place = format!("{name} ({target})");
            let file = python::windows_path(&file);
            compare(Command::new(program), &place, &file, 4);
        }
    }
}
