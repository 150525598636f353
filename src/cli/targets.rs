//! `pyasmgen targets`: the rows of the table of targets.

use super::{Exit, ui};
use crate::target;

/// List the machines and systems modules can be built for
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the table.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    let host = target::host();
    let mut table = line("triple", "format", "object", "module", "");
    for row in target::TARGETS {
        table += &line(
            row.triple,
            &format!("{:?}", row.format),
            &format!("NAME{}", row.object_suffix),
            &format!("NAME{}", row.module_suffix),
            if std::ptr::eq(row, host) {
                "default"
            } else {
                ""
            },
        );
    }
    ui::result(table.as_bytes())?;
    Ok(Exit::Done)
}

fn line(triple: &str, format: &str, object: &str, module: &str, mark: &str) -> String {
    let line = format!("{triple:<28} {format:<8} {object:<10} {module:<14} {mark}");
    format!("{}\n", line.trim_end())
}
