//! The command line: arguments become a `Command`, each verb is a file, and every outcome is an [`Exit`].
//!
//! Results go to stdout, talk and diagnostics to stderr. What the stages do is not here: verbs call `compile`, `link` and `inspect`.
//! The door to `clap`.

mod build;
mod check;
mod completions;
mod depfile;
mod explain;
mod help;
mod inspect;
mod linker;
mod new;
mod output;
mod plain;
mod project;
mod python;
mod run;
mod schema;
mod sdist;
mod specs;
mod targets;
mod test;
mod ui;
mod wheel;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::compile;
use ui::Ui;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done,
    /// A spec has errors, one of its tests failed, an expression raised, or an inspected file was found wanting.
    Failed,
    /// The command line, a file, the linker or the interpreter.
    Environment,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Environment => 2,
        })
    }
}

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "pyasmgen",
    version,
    about = "Makes loadable CPython extension modules from one TOML file, without a C compiler or an assembler.",
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = help::topics() + "\nExit codes: 0 done; 1 a spec has errors, a test failed, an expression raised, or a file was found wanting; 2 usage or environment."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Args),
    Check(check::Args),
    Test(test::Args),
    Run(run::Args),
    Explain(explain::Args),
    Inspect(inspect::Args),
    Targets(targets::Args),
    Wheel(wheel::Args),
    Sdist(sdist::Args),
    New(new::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Help(help::Args),
}

/// Parses the arguments of this process and does what they say.
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and version are results; clap sends each text where it belongs. If that fails, there is nobody to tell.
            let _ = error.print();
            let usage = error.use_stderr();
            return if usage { Exit::Environment } else { Exit::Done }.into();
        }
    };
    let worker = std::thread::Builder::new()
        .name("pyasmgen".to_owned())
        .stack_size(compile::STACK)
        .spawn(move || dispatch(command));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(_)) => {
            eprintln!(
                "pyasmgen: this is a bug of ours; the message above and the spec would help us mend it"
            );
            ExitCode::from(101)
        }
        Err(error) => {
            eprintln!(
                "error: cannot start a thread with a stack of {} bytes: {error}",
                compile::STACK
            );
            Exit::Environment.into()
        }
    }
}

fn dispatch(command: Command) -> Exit {
    let ui = match &command {
        Command::Build(args) => Ui::new(args.message_format),
        Command::Check(args) => Ui::new(args.message_format),
        Command::Wheel(args) => Ui::new(args.message_format),
        Command::Sdist(args) => Ui::new(args.message_format),
        _ => Ui::new(ui::MessageFormat::Human),
    };
    let outcome = match command {
        Command::Build(args) => build::run(&args, &ui),
        Command::Check(args) => check::run(&args, &ui),
        Command::Test(args) => test::run(&args, &ui),
        Command::Run(args) => run::run(&args, &ui),
        Command::Explain(args) => explain::run(&args, &ui),
        Command::Inspect(args) => inspect::run(&args),
        Command::Targets(args) => targets::run(&args),
        Command::Wheel(args) => wheel::run(&args, &ui),
        Command::Sdist(args) => sdist::run(&args, &ui),
        Command::New(args) => new::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Help(args) => help::run(&args, Cli::command()),
    };
    outcome.unwrap_or_else(|error| {
        ui.error(&error);
        Exit::Environment
    })
}
