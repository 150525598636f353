//! `pyasmgen schema`: the spec file as a JSON Schema, for editors and other readers of specs.

use super::{Exit, ui};
use crate::frontend::spec;

/// Print the JSON Schema of specs, by which editors complete and check them
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints it.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    ui::result(spec::schema().as_bytes())?;
    Ok(Exit::Done)
}
