//! `pyasmgen inspect`: what is in an object or a module, ours or anybody's.

#![expect(
    clippy::disallowed_methods,
    reason = "the command line is the rim that reads files"
)]

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::{Exit, ui};
use crate::inspect;

/// Show what an object or module contains: sections, symbols, relocations, the module definition and its methods
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Object or module, made by pyasmgen or by anybody else
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[arg(long, hide = true)]
    html: Option<PathBuf>,
}

/// Prints the report.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.html.is_some() {
        bail!("`--html` is not there yet; `--json` is");
    }
    let name = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let report = inspect::inspect(&name, &bytes)?;
    let text = if args.json {
        format!("{:#}\n", report.to_json())
    } else {
        format!("{report}\n")
    };
    ui::result(text.as_bytes())?;
    Ok(Exit::Done)
}
