//! Objects become importable modules by way of a linker that is there already.
//!
//! In: the path of an object, the path of the module to make, a linker. Out: the module, complete or not at all. Which linkers there are
//! is said in `find.rs`, what they are told in `unix.rs`, `darwin.rs` and `windows.rs`. Where a linker wants to see what a module finds in
//! the process that loads it, we write that file too ([`support`]), so that neither an SDK nor a Python is needed. Not here: a linker
//! of our own.

mod darwin;
mod find;
mod unix;
mod windows;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use find::resolve;

use crate::target::{Format, Target};

/// A linker, by how it wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linker {
    /// `ld` and what takes the same arguments: `mold`, `wild`.
    Ld(PathBuf),
    /// `ld.lld`, which takes them for ELF, and for Windows those of MinGW's `ld` that it knows.
    LdLld(PathBuf),
    /// GNU gold, which refuses options it does not know.
    Gold(PathBuf),
    /// `lld` under its generic name, which asks whom to imitate.
    Lld(PathBuf),
    /// A compiler driver, which calls a linker: `cc`, `gcc`, `clang`.
    Driver(PathBuf),
    /// `ld64.lld`, which takes the arguments of Apple's `ld`.
    Ld64(PathBuf),
    /// Microsoft's `link.exe` and `lld-link`, which takes the same arguments.
    Link(PathBuf),
}

impl Linker {
    /// The program to run.
    pub fn program(&self) -> &Path {
        match self {
            Linker::Ld(program)
            | Linker::LdLld(program)
            | Linker::Gold(program)
            | Linker::Lld(program)
            | Linker::Driver(program)
            | Linker::Ld64(program)
            | Linker::Link(program) => program,
        }
    }

    /// Whether it is of the kind that links this format. There is more than one `ld`, and drivers are made for one system each: what such
    /// a program knows it says itself.
    fn suits(&self, format: Format) -> bool {
        match self {
            Linker::Ld(_) | Linker::Lld(_) | Linker::Driver(_) => true,
            Linker::LdLld(_) => format != Format::MachO,
            Linker::Gold(_) => format == Format::Elf,
            Linker::Ld64(_) => format == Format::MachO,
            Linker::Link(_) => format == Format::Coff,
        }
    }
}

/// The linker that was asked for is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Programs that were looked for.
    pub searched: Vec<String>,
    /// What would have been run; good for [`command`] only.
    pub would_run: Linker,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no linker found: ")?;
        match self.searched.as_slice() {
            [one] => write!(f, "there is no program `{one}`"),
            many => write!(f, "none of `{}` is on PATH", many.join("`, `")),
        }
    }
}

impl std::error::Error for Missing {}

/// The command that links `object` into the module `output`, program first. The file of [`support`] is expected beside the output.
///
/// # Errors
/// The linker makes no modules of the target's format.
pub fn command(
    linker: &Linker,
    target: &Target,
    object: &Path,
    output: &Path,
) -> anyhow::Result<Vec<OsString>> {
    if !linker.suits(target.format) {
        bail!(
            "{} makes no modules for {}; `--linker system` takes one that does",
            linker.program().display(),
            target.triple
        );
    }
    Ok(match target.format {
        Format::Elf => unix::command(linker, object, output),
        Format::MachO => darwin::command(linker, target, object, output),
        Format::Coff => windows::command(linker, target, object, output),
    })
}

/// Name and content of the file that a linker wants to see beside the output.
///
/// # Errors
/// The file cannot be made.
pub fn support(
    linker: &Linker,
    target: &Target,
) -> anyhow::Result<Option<(&'static str, Vec<u8>)>> {
    Ok(match target.format {
        Format::Elf => None,
        Format::MachO if matches!(linker, Linker::Driver(_)) => None,
        Format::MachO => Some((darwin::LIBRARY, darwin::library(target))),
        Format::Coff => Some((windows::LIBRARY, windows::library(target)?)),
    })
}

/// A command as one would type it into a shell.
pub fn shell(command: &[OsString]) -> String {
    let words: Vec<String> = command.iter().map(|word| quote(word)).collect();
    words.join(" ")
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=+:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Links `object` into the module `output`. The linker writes into a folder of its own beside the output, and what it made is moved
/// into place when it is done.
///
/// # Errors
/// [`Missing`] where the program is not there; else what went wrong, with the command and what the linker said.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a linker is a process that reads files; this is the rim"
)]
pub fn link(linker: &Linker, target: &Target, object: &Path, output: &Path) -> anyhow::Result<()> {
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = output
        .file_name()
        .with_context(|| format!("{} names no file", output.display()))?;
    let workshop = tempfile::Builder::new()
        .prefix(".pyasmgen-")
        .tempdir_in(folder)
        .with_context(|| format!("making a temporary folder in {}", folder.display()))?;
    let made = workshop.path().join(name);
    let words = command(linker, target, object, &made)?;
    let shown = shell(&command(linker, target, object, output)?);
    if let Some((name, content)) = support(linker, target)? {
        let path = workshop.path().join(name);
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let ran = std::process::Command::new(&words[0])
        .args(&words[1..])
        .stdin(std::process::Stdio::null())
        .output();
    let ran = match ran {
        Ok(ran) => ran,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Missing {
                searched: vec![linker.program().display().to_string()],
                would_run: linker.clone(),
            }
            .into());
        }
        Err(e) => return Err(e).with_context(|| format!("running {shown}")),
    };
    if !ran.status.success() {
        bail!(
            "the linker failed ({}): {shown}\n{}{}",
            ran.status,
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr).trim_end()
        );
    }
    std::fs::rename(&made, output)
        .with_context(|| format!("moving {} to {}", made.display(), output.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_get_back_what_was_quoted() {
        let words = ["ld", "-z", "a b", "it's", "", "$HOME", "x=y"].map(OsString::from);
        assert_eq!(shell(&words), r"ld -z 'a b' 'it'\''s' '' '$HOME' x=y");
    }

    #[test]
    fn a_missing_linker_is_told_apart_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let linker = Linker::Ld("/nonexistent/ld".into());
        let output = folder.path().join("m.so");
        let target = &crate::target::TARGETS[0];
        let error = link(&linker, target, Path::new("m.o"), &output).unwrap_err();
        assert!(error.downcast_ref::<Missing>().is_some(), "{error:?}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
