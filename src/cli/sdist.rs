//! `pyasmgen sdist`: a project becomes its source distribution.

use std::path::PathBuf;

use super::ui::{self, MessageFormat, Ui};
use super::{Exit, output, project};
use crate::pack::sdist;
use crate::target;

/// Pack the sources of a project for others to build
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with a pyproject.toml
    #[arg(value_name = "PROJECT", default_value = ".")]
    project: PathBuf,
    /// Write into this folder
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    /// Form of the diagnostics on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub message_format: MessageFormat,
}

/// Writes the sdist and prints its path.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    if args.project.is_file() && !args.project.ends_with(crate::pack::project::FILE) {
        anyhow::bail!(
            "{} is a file; an sdist is made of a folder with a pyproject.toml",
            args.project.display()
        );
    }
    // What does not build is not given to others to build.
    let project = match project::check(&args.project, &[target::host()], ui)? {
        Ok(found) => found.project,
        Err(exit) => return Ok(exit),
    };
    let path = args.output.join(sdist::file_name(&project));
    output::write(&path, &sdist::bytes(&project, project::time()?)?)?;
    ui::result(format!("{}\n", path.display()).as_bytes())?;
    Ok(Exit::Done)
}
