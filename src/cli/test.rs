//! `pyasmgen test`: builds specs, imports each in an interpreter and makes the calls of its `[[methods.tests]]`.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::linker::Choice;
use super::python::Host;
use super::specs::Checked;
use super::ui::{self, Ui};
use super::{Exit, python, specs};
use crate::base::source::Sources;
use crate::frontend::spec::module::{Expect, Test};

/// Build specs, import them and run the tests they contain
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec files
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<PathBuf>,
    /// Interpreter, also one of another system [default: python3]
    #[arg(long, value_name = "EXE")]
    interpreter: Option<OsString>,
    /// What makes the module; see `pyasmgen build --help`
    #[arg(long, value_name = "LINKER", default_value = "self")]
    linker: Choice,
}

/// Tests every spec, even after one failed.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let mut host = python::host(args.interpreter.as_ref());
    let (sources, checked) = match specs::check(&args.specs, &[host.target], ui) {
        Ok(checked) => checked,
        Err(exit) => return Ok(exit),
    };
    host.refused()?;
    let mut exit = Exit::Done;
    for checked in checked {
        let report = test(&sources, checked, &args.linker, &host)?;
        ui::result(report.text.as_bytes())?;
        if !report.passed {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

struct Report {
    text: String,
    passed: bool,
}

fn test(
    sources: &Sources,
    checked: Checked,
    linker: &Choice,
    host: &Host,
) -> anyhow::Result<Report> {
    let interpreter = host.interpreter.as_os_str();
    let tests = checked.module.tests.clone();
    let path = checked.path.display().to_string();
    let built = python::build(checked, linker, host)?;
    let job = json!({ "mode": "test", "tests": tests.iter().map(as_job).collect::<Vec<_>>() });
    let output = python::answers(interpreter, built.driver(interpreter, job)?)?;
    let answers: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut answers = answers.iter();

    let mut text = format!("{path}:");
    match answers.next() {
        Some(first) if first["python"].is_string() => {
            text += &format!(" {}\n", first["python"].as_str().unwrap_or_default());
        }
        Some(first) => {
            let failed = first["failed"].as_str().unwrap_or("no answer").to_owned();
            text += &format!(" cannot be imported: {failed}\n");
            return Ok(Report {
                text,
                passed: false,
            });
        }
        None if !built.was_understood() => {
            return Err(python::no_python(interpreter, output.status));
        }
        None => {
            text += &format!(
                " the interpreter ended during the import: {}\n",
                output.status
            );
            return Ok(Report {
                text,
                passed: false,
            });
        }
    }
    let mut passed = 0;
    for test in &tests {
        let problem = match answers.next() {
            Some(answer) => answer["problem"].as_str().map(str::to_owned),
            None => Some(format!("the interpreter ended here: {}", output.status)),
        };
        let call = test.call.trim();
        match problem {
            None => {
                passed += 1;
                text += &format!("  ok      {call}\n");
            }
            Some(problem) => {
                text += &format!(
                    "  FAILED  {call}\n          {problem}\n          at {}\n",
                    place(sources, test)
                );
                if problem.starts_with("the interpreter ended") {
                    break;
                }
            }
        }
    }
    text += &format!("  {passed} of {} tests passed\n", tests.len());
    Ok(Report {
        text,
        passed: passed == tests.len(),
    })
}

fn as_job(test: &Test) -> Value {
    match &test.expect {
        Expect::Result(result) => json!({ "call": test.call, "result": result }),
        Expect::Raises(raises) => json!({ "call": test.call, "raises": raises }),
    }
}

fn place(sources: &Sources, test: &Test) -> String {
    let file = sources.file(test.span.source);
    let (line, column) = file.line_column(test.span.start);
    format!("{}:{line}:{column}", file.name)
}
