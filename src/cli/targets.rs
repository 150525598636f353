//! `pyasmgen targets`: the rows of the table of targets.

use super::{Exit, ui};
use crate::target;

/// List the machines and systems modules can be built for
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the table.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    let host = target::host();
    let mut table = line([
        "triple", "format", "object", "module", "C calls", "long", "",
    ]);
    for row in target::TARGETS {
        let default = if std::ptr::eq(row, host) {
            "default"
        } else {
            ""
        };
        table += &line([
            row.triple,
            row.format.name(),
            &format!("NAME{}", row.object_suffix),
            &format!("NAME{}", row.module_suffix),
            row.c.name,
            &format!("{} bits", 8 * row.long_size),
            default,
        ]);
    }
    ui::result(table.as_bytes())?;
    Ok(Exit::Done)
}

fn line([triple, format, object, module, calls, long, mark]: [&str; 7]) -> String {
    let line =
        format!("{triple:<26} {format:<7} {object:<9} {module:<13} {calls:<8} {long:<8} {mark}");
    format!("{}\n", line.trim_end())
}
