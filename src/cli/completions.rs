//! `pyasmgen completions`: the command line in the words of a shell.
//!
//! The script is made of the same description that parses arguments. The door to `clap_complete`.

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use clap_complete::{Shell, generate};

use super::{Exit, ui};
use crate::target::TARGETS;

/// Print a script that completes pyasmgen's arguments in a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For bash: pyasmgen completions bash > ~/.local/share/bash-completion/completions/pyasmgen"
)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for `command`, the whole command line.
pub fn run(args: &Args, mut command: clap::Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    command = with_targets(command);
    generate(args.shell, &mut command, name, &mut script);
    if args.shell == Shell::Fish {
        // The generator knows no values of arguments without an option there.
        let shells = Shell::value_variants().iter().map(Shell::to_string);
        let shells = shells.collect::<Vec<_>>().join(" ");
        script.extend(
            format!("complete -c pyasmgen -n \"__fish_pyasmgen_using_subcommand completions\" -f -a \"{shells}\"\n").bytes(),
        );
    }
    ui::result(&script)?;
    Ok(Exit::Done)
}

/// The same command line, where `--target` knows the table: when arguments are parsed the table itself says what is wrong.
fn with_targets(command: clap::Command) -> clap::Command {
    command.mut_subcommands(|verb| {
        let all = (verb.get_name() == "wheel").then_some("all");
        verb.mut_args(|arg| match arg.get_long() {
            Some("target") => {
                let triples = TARGETS.iter().map(|row| row.triple);
                arg.value_parser(PossibleValuesParser::new(triples.chain(all)))
            }
            _ => arg,
        })
    })
}
