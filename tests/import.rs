//! Modules in CPython: every spec of `specs/` is built once, and that one file goes through every interpreter found.
//!
//! What is tried there, and how, is in `common/judge.py`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/modules.rs"]
mod modules;
#[path = "common/python.rs"]
mod python;

use std::collections::BTreeSet;
use std::process::Command;

use modules::{How, build_all};
use python::Python;

/// Modules for this machine, in its interpreters.
const NATIVE: How<'static> = How {
    target: None,
    linker: "self",
    suffix: ".abi3.so",
    foreign: false,
    windows_paths: false,
};

/// For those that stand on musl.
const MUSL: How<'static> = How {
    target: Some("x86_64-unknown-linux-musl"),
    ..NATIVE
};

/// Tries every module in every interpreter that `wanted` accepts.
fn everywhere(wanted: impl Fn(&Python) -> bool, options: &[&str], modes: &[&str]) {
    let (folder, folder_musl) = (tempfile::tempdir(), tempfile::tempdir());
    let native = build_all(folder.as_ref().expect("a folder").path(), NATIVE);
    let musl = build_all(folder_musl.as_ref().expect("a folder").path(), MUSL);
    let pythons = python::all();
    let mut wrong = Vec::new();
    for python in pythons.iter().filter(|python| wanted(python)) {
        for built in if python.musl { &musl } else { &native } {
            let mut command = python.command();
            command.args(options);
            let place = format!("{} {}", python.name(), options.join(" "));
            wrong.extend(modules::judge(command, built, modes, &place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_file_passes_its_tests_on_every_cpython() {
    everywhere(|_| true, &[], &["tests", "descriptions"]);
}

/// What an interpreter gets whose objects look otherwise: the same module with nothing in it that is known of objects.
#[test]
fn an_unknown_interpreter_is_no_reason_to_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let native = build_all(folder.path(), NATIVE);
    let knew = native
        .iter()
        .filter(|built| python::make_unknown(&built.file));
    assert!(knew.count() >= 4, "most specs have fast tables");
    let mut wrong = Vec::new();
    for python in python::some_known() {
        for built in &native {
            let place = format!("{}, unknown", python.name());
            wrong.extend(modules::judge(python.command(), built, &["tests"], &place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn development_mode_finds_nothing() {
    everywhere(|_| true, &["-X", "dev"], &["tests"]);
}

#[test]
fn modules_come_and_go() {
    everywhere(|_| true, &[], &["reimport", "reload", "dropped"]);
}

#[test]
fn without_state_functions_answer_or_raise_system_error() {
    everywhere(|_| true, &[], &["before_exec"]);
    everywhere(Python::has_ctypes, &[], &["after_clear"]);
}

/// A module fills in its own pointers when it is entered, and two interpreters may enter it at the same time.
#[test]
fn threads_enter_at_once() {
    everywhere(Python::has_ctypes, &[], &["crowded"]);
}

#[test]
fn sub_interpreters_have_modules_of_their_own() {
    everywhere(|python| !python.free_threaded, &[], &["legacy"]);
}

#[test]
fn sub_interpreters_with_their_own_gil_take_the_modules() {
    everywhere(|python| python.version >= (3, 12), &[], &["isolated"]);
}

#[test]
fn the_gil_stays_off() {
    everywhere(
        |python| python.free_threaded,
        &[],
        &["gil_stays_off", "tests"],
    );
}

#[test]
fn calls_leave_reference_counts_as_they_were() {
    everywhere(|python| python.debug, &[], &["references"]);
}

/// The oracle is the oldest interpreter's own list, which its test suite has since 3.11; that 3.10 and 3.9 have the symbols too is
/// shown by importing there.
#[test]
fn imports_are_within_the_stable_abi() {
    let pythons = python::all();
    let Some(list) = pythons.iter().find_map(|python| python.stable_abi.as_ref()) else {
        return println!("skipped: no CPython with test_stable_abi_ctypes.py");
    };
    let list = std::fs::read_to_string(list).expect("readable");
    let stable: BTreeSet<&str> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .collect();
    assert!(stable.len() > 500 && stable.contains("PyModuleDef_Init"));
    let folder = tempfile::tempdir().expect("a folder");
    for built in build_all(folder.path(), NATIVE) {
        let output = Command::new("readelf")
            .args(["--dyn-syms", "--wide"])
            .arg(&built.file)
            .output();
        let Ok(output) = output else {
            return println!("skipped: no readelf");
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let undefined: Vec<&str> = rows
            .iter()
            .filter(|row| row.len() >= 8 && row[6] == "UND" && row[4] == "GLOBAL")
            .map(|row| row[7])
            .collect();
        assert!(!undefined.is_empty(), "{}: {text}", built.name);
        for name in undefined {
            assert!(stable.contains(name), "{} imports {name}", built.name);
        }
        let exported: Vec<&str> = rows
            .iter()
            .filter(|row| row.len() >= 8 && row[6] != "UND" && row[6] != "Ndx")
            .map(|row| row[7])
            .collect();
        let short = built.name.rsplit('.').next().expect("a name");
        for name in exported {
            let entry = name
                .strip_prefix("PyInit_")
                .or(name.strip_prefix("PyModExport_"));
            assert_eq!(entry, Some(short), "{} exports {name}", built.name);
        }
    }
}
