//! Modules made from `specs/`, and what CPython says of them.
//!
//! In: a target's triple, a linker. Out: the built modules, each with a job file for `judge.py`, which knows what is tried in an
//! interpreter and how.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::python::{root, said, windows_path};

/// A built module and the job file that says what it must do.
pub struct Built {
    /// The spec.
    pub spec: PathBuf,
    /// The module.
    pub file: PathBuf,
    /// What `judge.py` reads.
    pub job: PathBuf,
    /// The module's name.
    pub name: String,
}

/// How modules are built, and where they are tried.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// The target, or this machine.
    pub target: Option<&'a str>,
    /// The linker.
    pub linker: &'a str,
    /// How a module is named behind its own name.
    pub suffix: &'a str,
    /// It is not of the interpreter's own format.
    pub foreign: bool,
    /// The interpreter takes paths as Windows does.
    pub windows_paths: bool,
}

/// Builds all specs into one folder.
pub fn build_all(folder: &Path, how: How) -> Vec<Built> {
    let specs = std::fs::read_dir(root("specs")).expect("specs/ is there");
    let mut specs: Vec<PathBuf> = specs.map(|entry| entry.expect("readable").path()).collect();
    specs.retain(|path| path.extension().is_some_and(|suffix| suffix == "toml"));
    specs.sort();
    assert!(!specs.is_empty());
    specs.iter().map(|spec| build(spec, folder, how)).collect()
}

fn build(spec: &Path, folder: &Path, how: How) -> Built {
    let text = std::fs::read_to_string(spec).expect("readable");
    let table: toml::Table = text.parse().expect("specs are TOML");
    let table = serde_json::to_value(table).expect("TOML without dates is JSON");
    let name = table["module"]["name"].as_str().expect("a name").to_owned();
    let file = make(spec, folder, &name, how);
    let methods = table["methods"].as_array().cloned().unwrap_or_default();
    let of = |method: &Value| {
        json!({
            "name": method["name"],
            "doc": method["doc"],
            "params": method["params"].as_array().cloned().unwrap_or_default(),
        })
    };
    let tests = methods
        .iter()
        .filter_map(|method| method["tests"].as_array());
    let job = json!({
        "name": name,
        "file": match how.windows_paths {
            true => windows_path(&file),
            false => file.display().to_string(),
        },
        "foreign": how.foreign,
        "doc": table["module"]["doc"],
        "methods": methods.iter().map(of).collect::<Vec<_>>(),
        "tests": tests.flatten().collect::<Vec<_>>(),
    });
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, job.to_string()).expect("writable");
    Built {
        spec: spec.to_owned(),
        file,
        job: path,
        name,
    }
}

/// Builds a spec's module into `folder`; where it is.
fn make(spec: &Path, folder: &Path, module: &str, how: How) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command.arg("build").arg(spec).arg("-o").arg(folder);
    command.args(["--linker", how.linker]);
    if how.linker == "self" {
        // Nothing else is wanted: no program, no folder, no variable.
        command.env_clear().env("PATH", "");
    }
    if let Some(target) = how.target {
        command.args(["--target", target]);
    }
    let output = command.output().expect("pyasmgen runs");
    assert!(
        output.status.success(),
        "pyasmgen build {}: {}",
        spec.display(),
        said(&output)
    );
    let module = module.rsplit('.').next().unwrap_or(module);
    folder.join(format!("{module}{}", how.suffix))
}

/// Runs modes of `judge.py` by `command`, which is the interpreter with its options; what is wrong, with `place` before it.
pub fn judge(mut command: Command, built: &Built, modes: &[&str], place: &str) -> Vec<String> {
    let output: Output = command
        .arg(root("tests/common/judge.py"))
        .arg(&built.job)
        .args(modes)
        .output()
        .expect("interpreters run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let place = format!("{} in {place}", built.name);
    let mut wrong: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("at ") && *line != "done")
        .map(|line| format!("{place}: {line}"))
        .collect();
    let ended = text.lines().last() == Some("done") && output.status.success();
    if !ended {
        wrong.push(format!("{place}: {}", said(&output)));
    }
    // -X dev reports what is wrong on the way out, and warnings, on stderr.
    let stderr = String::from_utf8_lossy(&output.stderr);
    if ended && stderr.contains("Error") {
        wrong.push(format!("{place}: {stderr}"));
    }
    wrong
}
