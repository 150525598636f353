//! `pyasmgen help`: what there is, what a command takes, or a topic of the manual.

use std::fmt::Write as _;

use anyhow::bail;

use super::{Exit, ui};
use crate::base::nearest::nearest;
use crate::manual::TOPICS;

/// Print this message, the help of a command, or a topic of the manual
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A command, or one of the topics that `pyasmgen help` lists
    #[arg(value_name = "COMMAND|TOPIC")]
    word: Option<String>,
}

/// The list of topics, below the list of commands.
pub fn topics() -> String {
    let mut text = String::from("Topics of the manual, for `pyasmgen help TOPIC`:\n");
    for topic in TOPICS {
        let _ = writeln!(text, "  {:<12} {}", topic.name, topic.summary);
    }
    text
}

/// Prints what is asked for; `command` is the whole command line.
pub fn run(args: &Args, mut command: clap::Command) -> anyhow::Result<Exit> {
    // So that commands know whose they are.
    command.build();
    let Some(word) = args.word.as_deref() else {
        ui::result(command.render_help().to_string().as_bytes())?;
        return Ok(Exit::Done);
    };
    if let Some(topic) = TOPICS.iter().find(|topic| topic.name == word) {
        ui::result(topic.text.as_bytes())?;
        return Ok(Exit::Done);
    }
    if let Some(found) = command.find_subcommand_mut(word) {
        ui::result(found.render_long_help().to_string().as_bytes())?;
        return Ok(Exit::Done);
    }
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let topics = TOPICS.iter().map(|topic| topic.name);
    match nearest(word, commands.chain(topics)) {
        Some(known) => bail!("there is no command or topic `{word}`; did you mean `{known}`?"),
        None => bail!("there is no command or topic `{word}`; `pyasmgen help` lists them"),
    }
}
