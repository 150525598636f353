//! `pyasmgen run`: builds a module, imports it, evaluates one expression with the module's names in scope, and prints its repr.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::json;

use super::linker::Choice;
use super::ui::Ui;
use super::{Exit, python, specs};

/// Build a spec, import it, evaluate a Python expression and print its value
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec file
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// Python expression; the module's functions and constants are in scope
    #[arg(value_name = "EXPRESSION", allow_hyphen_values = true)]
    expression: String,
    /// Interpreter, also one of another system [default: python3]
    #[arg(long, value_name = "EXE")]
    interpreter: Option<OsString>,
    /// What makes the module; see `pyasmgen build --help`
    #[arg(long, value_name = "LINKER", default_value = "self")]
    linker: Choice,
}

/// Prints the value, or the last line of the traceback.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let mut host = python::host(args.interpreter.as_ref());
    let spec = std::slice::from_ref(&args.spec);
    let (_, mut checked) = match specs::check(spec, &[host.target], ui) {
        Ok(checked) => checked,
        Err(exit) => return Ok(exit),
    };
    host.refused()?;
    let Some(checked) = checked.pop() else {
        unreachable!("one spec without errors is one module");
    };
    let built = python::build(checked, &args.linker, &host)?;
    let interpreter = host.interpreter;
    let mut driver = built.driver(
        &interpreter,
        json!({ "mode": "run", "expression": args.expression }),
    )?;
    let status = python::started(&interpreter, || driver.status())?;
    if !status.success() && !built.was_understood() {
        return Err(python::no_python(&interpreter, status));
    }
    Ok(match status.code() {
        Some(0) => Exit::Done,
        Some(_) => Exit::Failed,
        None => {
            ui.error(&anyhow::anyhow!("the interpreter died: {status}"));
            Exit::Failed
        }
    })
}
