//! `pyasmgen completions`: the command line in the words of a shell.
//!
//! The script is made of the same description that parses arguments. The door to `clap_complete`.

use clap_complete::{Shell, generate};

use super::{Exit, ui};

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
    generate(args.shell, &mut command, name, &mut script);
    ui::result(&script)?;
    Ok(Exit::Done)
}
