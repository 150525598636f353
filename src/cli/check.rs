//! `pyasmgen check`: diagnostics only.

use std::path::PathBuf;

use super::ui::{MessageFormat, Ui};
use super::{Exit, build, specs};

/// Report what is wrong with specs, and write nothing
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec files
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<PathBuf>,
    /// Check for this target instead of this machine; may be repeated
    #[arg(long = "target", value_name = "TRIPLE")]
    targets: Vec<String>,
    /// Form of the diagnostics on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub message_format: MessageFormat,
}

/// Checks all specs.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let targets = build::targets(&args.targets)?;
    Ok(match specs::check(&args.specs, &targets, ui) {
        Ok(_) => Exit::Done,
        Err(exit) => exit,
    })
}
