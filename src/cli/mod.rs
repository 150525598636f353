//! The command line: arguments become a `Command`, each verb is a file, and every outcome is an [`Exit`].
//!
//! Results go to stdout, talk and diagnostics to stderr. What the stages do is not here: verbs call `compile`, `link` and `inspect`.
//! The door to `clap` and `stacker`.

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

use std::cell::Cell;
use std::ffi::OsStr;
use std::panic;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

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

/// Help is no wider.
const WIDTH: usize = 100;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "pyasmgen",
    version,
    about = "Makes loadable CPython extension modules from one TOML file, without a C compiler or an assembler.",
    max_term_width = WIDTH,
    disable_help_subcommand = true,
    after_help = help::topics() + "\nExit codes: 0 done; 1 a spec has errors, a test failed, an expression raised, or a file was found wanting; 2 usage or environment."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What a verb takes, added to a command of its name.
type Describe = fn(clap::Command) -> clap::Command;

macro_rules! verbs {
    ($($name:ident $module:ident,)*) => {
        /// The verbs.
        #[derive(Debug, Subcommand)]
        enum Command {
            $($name($module::Args),)*
        }

        static VERBS: &[(&str, Describe)] = &[$((stringify!($module), $module::Args::augment_args),)*];
    };
}

verbs! {
    Build build,
    Check check,
    Test test,
    Run run,
    Explain explain,
    Inspect inspect,
    Targets targets,
    Wheel wheel,
    Sdist sdist,
    New new,
    Schema schema,
    Completions completions,
    Help help,
}

/// What is parsed where the first word is a verb: to describe the others as well takes longer than to parse. Help, and words that are no
/// verbs, want all of them.
fn only(verb: &OsStr) -> Option<clap::Command> {
    let (name, describe) = VERBS.iter().find(|row| verb == row.0)?;
    let bare = clap::Command::new("pyasmgen")
        .max_term_width(WIDTH)
        .disable_help_subcommand(true);
    Some(bare.subcommand(describe(clap::Command::new(*name))))
}

/// The arguments of this process.
fn parsed() -> Result<Cli, clap::Error> {
    let verb = std::env::args_os().nth(1);
    let command = verb.and_then(|verb| only(&verb));
    let matches = command.unwrap_or_else(Cli::command).try_get_matches()?;
    Cli::from_arg_matches(&matches)
}

/// Parses the arguments of this process and does what they say, on a stack of its own: that costs less than a thread.
pub fn main() -> ExitCode {
    let begun = Cell::new(false);
    let on_its_stack = || {
        begun.set(true);
        drop(panic::take_hook());
        run()
    };
    // Where there is no memory for a stack, that is all there is to say.
    panic::set_hook(Box::new(|_| ()));
    let work = || stacker::grow(compile::STACK, on_its_stack);
    match panic::catch_unwind(panic::AssertUnwindSafe(work)) {
        Ok(exit) => exit.into(),
        Err(_) if begun.get() => {
            eprintln!(
                "pyasmgen: this is a bug of ours; the message above and the spec would help us mend it"
            );
            ExitCode::from(101)
        }
        Err(_) => {
            eprintln!(
                "error: there is no memory for a stack of {} bytes",
                compile::STACK
            );
            Exit::Environment.into()
        }
    }
}

fn run() -> Exit {
    match parsed() {
        Ok(cli) => dispatch(cli.command),
        Err(error) => {
            // Help and version are results; clap sends each text where it belongs. If that fails, there is nobody to tell.
            let _ = error.print();
            let usage = error.use_stderr();
            if usage { Exit::Environment } else { Exit::Done }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_alone_is_described_as_among_the_others() {
        let mut all = Cli::command();
        all.build();
        for (name, _) in VERBS {
            let mut alone = only(OsStr::new(name)).unwrap();
            alone.build();
            let help = |command: &mut clap::Command| {
                let verb = command.find_subcommand_mut(name).unwrap();
                verb.render_long_help().to_string()
            };
            assert_eq!(help(&mut alone), help(&mut all));
        }
        assert_eq!(all.get_subcommands().count(), VERBS.len());
        assert!(only(OsStr::new("-h")).is_none());
    }
}
