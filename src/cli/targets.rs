//! `pyasmgen targets`: the rows of the table of targets.

use super::{Exit, ui};
use crate::target;

/// List the machines and systems modules can be built for
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the table.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    let host = target::host();
    let mut table = format!(
        "{:<28} {:<8} {:<10} {}\n",
        "triple", "format", "object", "module"
    );
    for row in target::TARGETS {
        let format = format!("{:?}", row.format);
        let mark = if std::ptr::eq(row, host) {
            "  (default)"
        } else {
            ""
        };
        table += &format!(
            "{:<28} {format:<8} {:<10} {}{mark}\n",
            row.triple,
            format!("NAME{}", row.object_suffix),
            format!("NAME{}", row.module_suffix),
        );
    }
    ui::result(table.as_bytes())?;
    Ok(Exit::Done)
}
