//! Who makes a module: pyasmgen itself, or a linker that is there already.
//!
//! In: what `--linker` says, and what was compiled. Out: the module, complete or not at all.

use std::path::Path;

use anyhow::Context;

use super::{output, specs};
use crate::compile::Compiled;
use crate::link;
use crate::target::Target;

/// What `--linker` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// `self`: no other program.
    Own,
    /// `system`, the name of a program, or the path of one.
    Program(String),
}

impl From<String> for Choice {
    fn from(text: String) -> Choice {
        match text.as_str() {
            "self" => Choice::Own,
            _ => Choice::Program(text),
        }
    }
}

/// Makes the module `output`.
///
/// # Errors
/// [`link::Missing`] where the linker is not there, and whatever else goes wrong.
pub fn make(
    choice: &Choice,
    compiled: &Compiled,
    target: &Target,
    output: &Path,
) -> anyhow::Result<()> {
    match choice {
        Choice::Own => output::write(output, &compiled.linked(target)),
        Choice::Program(choice) => link(choice, compiled, target, None, output),
    }
}

/// Makes the module `output` by a linker. It reads the object `object`, where there is one already, else one of its own.
///
/// # Errors
/// As [`make`].
pub fn link(
    choice: &str,
    compiled: &Compiled,
    target: &Target,
    object: Option<&Path>,
    output: &Path,
) -> anyhow::Result<()> {
    let linker = link::resolve(choice, target)?;
    output::make_folder_of(output)?;
    if let Some(object) = object {
        return link::link(&linker, target, object, output);
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let stem = specs::stem(&compiled.module);
    let object = folder
        .path()
        .join(format!("{stem}{}", target.object_suffix));
    output::write(&object, &compiled.object(target))?;
    link::link(&linker, target, &object, output)
}
