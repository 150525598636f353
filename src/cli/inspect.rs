//! `pyasmgen inspect`: what is in an object, a module or a wheel, ours or anybody's, and what is wrong with it.

#![expect(
    clippy::disallowed_methods,
    reason = "the command line is the rim that reads files"
)]

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::{Exit, output, ui};
use crate::inspect::report::{Report, Severity};
use crate::inspect::{self, Options, Wanted, page};

/// Show what an object, a module or a wheel contains: sections, symbols, relocations, the module definition and its methods, and
/// what is wrong with it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// ELF, Mach-O, COFF or PE file or wheel, made by pyasmgen or by anybody else
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a page that shows every byte, to be opened in a browser, instead of printing
    #[arg(long, value_name = "OUT", conflicts_with = "json")]
    html: Option<PathBuf>,
    /// Disassemble the function SYMBOL, or all functions (x86)
    #[arg(long, value_name = "SYMBOL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    disassemble: Option<String>,
    /// Hold the imports against the stable ABI of a version: 3.10
    #[arg(long, value_name = "VERSION")]
    abi3: Option<String>,
    /// Exit with status 1 if there is a finding of this severity or worse
    #[arg(long, value_name = "SEVERITY", default_value = "warning")]
    fail_on: FailOn,
}

/// Which findings make the run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

/// Prints the report.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let name = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let options = Options {
        disassemble: match &args.disassemble {
            None if args.html.is_some() => Wanted::Possible,
            None => Wanted::Nothing,
            Some(name) if name.is_empty() => Wanted::All,
            Some(name) => Wanted::Named(name.clone()),
        },
        abi3: args.abi3.as_deref().map(minor).transpose()?,
        fields: args.html.is_some(),
    };
    let report = inspect::inspect_with(&name, &bytes, &options)?;
    let worst = worst(&report);
    if let Some(html) = &args.html {
        output::spares(html, [&args.file].into_iter())?;
        let page = page::page(&name, &page::views(report), &[])?;
        output::write(html, page.as_bytes())?;
    } else if args.json {
        ui::result(format!("{:#}\n", report.to_json()).as_bytes())?;
    } else {
        ui::result(format!("{report}\n").as_bytes())?;
    }
    let limit = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
        FailOn::Never => return Ok(Exit::Done),
    };
    Ok(if worst >= Some(limit) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The worst finding's severity, in the file and in the files inside.
fn worst(report: &Report) -> Option<Severity> {
    let own = report.findings.iter().map(|finding| finding.severity);
    own.chain(report.members.iter().filter_map(worst)).max()
}

/// The `10` of `3.10`.
fn minor(version: &str) -> anyhow::Result<u8> {
    let minor = version.strip_prefix("3.").and_then(|m| m.parse().ok());
    match minor {
        Some(minor) => Ok(minor),
        None => bail!("`{version}` is no version of the stable ABI; write 3.10"),
    }
}
