//! Modules for arm64, made on this machine and run on its CPythons under qemu: every spec of `specs/`, for Linux by every linker found and
//! by none; for macOS, in both forms of what dyld fills in, and Windows by way of `common/foreign_import.py`, which stands for the loader. And
//! random bodies, compiled for all three, against CPython running the very same text (`common/model.py`).

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/contract.rs"]
mod contract;
#[path = "common/generate/mod.rs"]
mod generate;
#[path = "common/modules.rs"]
mod modules;
#[path = "common/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use modules::{How, build_all, judge};
use pyasmgen::base::source::Sources;
use pyasmgen::compile;
use pyasmgen::frontend::spec;
use pyasmgen::ir::random::Rng;
use pyasmgen::target::{self, Target};
use serde_json::json;

const LINUX: &str = "aarch64-unknown-linux-gnu";
const DARWIN: &str = "aarch64-apple-darwin";
const WINDOWS: &str = "aarch64-pc-windows-msvc";

/// The interpreters, oldest first.
fn pythons() -> Vec<(String, PathBuf)> {
    python::emulated("arm64.tsv", "arm64")
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command
}

/// Tries the modules of a target, made by each of its linkers; those of all but the first in the last interpreter only.
fn everywhere(target: &str, linkers: &[&str], suffix: &str, modes: &[&str]) {
    let pythons = pythons();
    let mut wrong = Vec::new();
    for (at, linker) in linkers.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let how = How {
            target: Some(target),
            linker,
            suffix,
            foreign: target != LINUX,
            windows_paths: false,
        };
        let enough = if at == 0 { pythons.len() } else { 1 };
        for built in build_all(folder.path(), how) {
            for (name, program) in pythons.iter().rev().take(enough) {
                let place = format!("{name} ({target} by {linker})");
                wrong.extend(judge(command(program), &built, modes, &place));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `self`, and those of the names that are on `PATH`.
fn linkers<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here =
        |name: &&&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let found = names.iter().filter(is_here).copied();
    std::iter::once("self").chain(found).collect()
}

#[test]
fn elf_passes_its_tests_in_every_cpython() {
    let linkers = linkers(&["aarch64-linux-gnu-ld", "ld.lld", "mold"]);
    let modes = ["tests", "descriptions", "reimport"];
    everywhere(LINUX, &linkers, ".abi3.so", &modes);
}

#[test]
fn mach_o_passes_its_tests_in_every_cpython() {
    let linkers = linkers(&["ld64.lld"]);
    everywhere(DARWIN, &linkers, ".abi3.so", &["tests", "descriptions"]);
}

/// Modules for macOS 12 and later, whose pointers are in chains.
#[test]
fn mach_o_with_chained_fixups_passes_its_tests() {
    let Some((name, program)) = pythons().pop() else {
        return;
    };
    let target = target::find(DARWIN).expect("it has a row");
    let target = Target {
        min_os: Some((12, 0)),
        ..*target
    };
    let folder = tempfile::tempdir().expect("a folder");
    let how = How {
        target: Some(DARWIN),
        linker: "self",
        suffix: ".abi3.so",
        foreign: true,
        windows_paths: false,
    };
    let mut wrong = Vec::new();
    for built in build_all(folder.path(), how) {
        let module = chained(&built.spec, &target);
        assert!(module != std::fs::read(&built.file).expect("readable"));
        std::fs::write(&built.file, module).expect("writable");
        let place = format!("{name} (chains)");
        wrong.extend(judge(command(&program), &built, &["tests"], &place));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The finished module of a spec, for a target that has no row.
fn chained(spec: &Path, target: &Target) -> Vec<u8> {
    let mut sources = Sources::default();
    let loaded = spec::load(&mut sources, spec).expect("readable");
    let id = loaded.unwrap_or_else(|error| panic!("{}", error.message));
    let (module, _) = compile::check(&sources, id, target);
    let module = module.expect("specs are well-formed");
    compile::compile(module, target, compile::Options::default()).linked(target)
}

#[test]
fn pe_passes_its_tests_in_every_cpython() {
    let linkers = linkers(&["lld-link"]);
    everywhere(WINDOWS, &linkers, ".pyd", &["tests", "descriptions"]);
}

/// Methods of a random module, inputs for each, and rounds of loops and calls after which an input is left out.
const METHODS: usize = 50;
const INPUTS: u64 = 32;
const STEPS: u64 = 1000;
/// Calls of a module that must be compared.
const LEAST: u64 = 1000;

/// Modules that are made for a target where nobody asks for more.
const ROUNDS: u64 = 2;

/// Tries random modules for a target; `PYASMGEN_ROUNDS=n` makes n of them.
fn random_bodies(target: &str, suffix: &str) {
    let rounds = std::env::var("PYASMGEN_ROUNDS").unwrap_or_default();
    let rounds: u64 = rounds.parse().unwrap_or(ROUNDS);
    let Some((name, program)) = pythons().pop() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for seed in 0..rounds {
        let module = format!("random{seed}");
        let spec = folder.path().join(format!("{module}.toml"));
        let text = generate::module(&mut Rng::new(1000 + seed), &module, METHODS);
        std::fs::write(&spec, text).expect("writable");
        let built = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
            .args(["build", "--target", target, "-o"])
            .args([folder.path(), &spec])
            .output()
            .expect("pyasmgen runs");
        assert!(built.status.success(), "{}", python::said(&built));
        let mut job = contract::job(&spec).expect("the model knows its values");
        job["file"] = json!(folder.path().join(format!("{module}{suffix}")));
        job["seed"] = json!(seed);
        job["inputs"] = json!(INPUTS);
        job["steps"] = json!(STEPS);
        let path = folder.path().join(format!("{module}.json"));
        std::fs::write(&path, job.to_string()).expect("writable");
        let output = command(&program)
            .arg(python::root("tests/common/model.py"))
            .arg(&path)
            .output()
            .expect("interpreters run");
        wrong.extend(found(&output, &format!("{module} in {name} ({target})")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn random_bodies_compute_what_cpython_computes() {
    random_bodies(LINUX, ".abi3.so");
}

#[test]
fn random_bodies_for_macos_compute_what_cpython_computes() {
    random_bodies(DARWIN, ".abi3.so");
}

#[test]
fn random_bodies_for_windows_compute_what_cpython_computes() {
    random_bodies(WINDOWS, ".pyd");
}

/// What `model.py` found wrong. Calls must have been compared.
fn found(output: &std::process::Output, place: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let differences = lines.iter().filter(|line| line.get("compared").is_none());
    let mut wrong: Vec<String> = differences.map(|line| format!("{place}: {line}")).collect();
    let compared = lines
        .iter()
        .find_map(|line| line.get("compared")?.as_object());
    let calls = |row: &serde_json::Value| row[0].as_u64().unwrap_or(0);
    let calls: u64 = compared.map_or(0, |methods| methods.values().map(calls).sum());
    let done = output.status.success() && text.lines().last() == Some("done");
    println!("{place}: {calls} calls compared");
    if !done || calls < LEAST {
        wrong.push(format!("{place}: {calls} calls: {}", python::said(output)));
    }
    wrong
}
