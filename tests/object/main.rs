//! Objects and modules: what `backend::obj` writes, judged by goblin, binutils, linkers and CPython.
//!
//! Programs are made by hand or by a generator; their code need not run (one module's does).

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

mod arm64;
mod coff;
mod content;
mod dyld;
mod frames;
mod linkers;
#[path = "../common/steps.rs"]
mod machine;
mod macho;
mod modules;
mod others;
mod programs;
mod pyd;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/tool.rs"]
mod tool;
mod win64;

use std::process::Command;

/// Runs a tool that must succeed and say nothing of warnings or errors.
pub fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && complained.is_empty(),
        "{shown}\n{said}{complained}"
    );
    said
}
