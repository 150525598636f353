//! `pyasmgen new`: a project to begin with, which builds, installs and passes its own tests.
//!
//! In: the project's name. Out: a folder of files, whose texts lie beside this file with `@NAME@` and `@MODULE@` where the names go. Nothing is
//! written where something is already.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Exit, output, ui};
use crate::frontend::spec;
use crate::pack::project;
use crate::pack::requirement::{is_name, normal_name};

/// Make a project: a spec with tests, a pyproject.toml, a workflow that builds all wheels
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's name, or a path that ends in it; the module is named after it
    #[arg(value_name = "NAME")]
    path: PathBuf,
}

/// Where each file goes, and its text.
const FILES: &[(&str, &str)] = &[
    ("@MODULE@.toml", include_str!("new/spec.toml")),
    ("pyproject.toml", include_str!("new/pyproject.toml")),
    ("README.md", include_str!("new/README.md")),
    ("tests/test_@MODULE@.py", include_str!("new/tests.py")),
    (".gitignore", include_str!("new/gitignore")),
    (
        ".github/workflows/wheels.yml",
        include_str!("new/wheels.yml"),
    ),
];

/// Modules of Python's own library, in any of the versions we build for (`sys.stdlib_module_names`).
const TAKEN: &str = include_str!("new/taken.txt");

/// The distribution that a project is built by.
const OURS: &str = "pyasmgen";

/// Bytes of a name, which leave room for a version beside it in the names of files.
const LONGEST: usize = project::LONGEST - 40;

/// Writes the files and prints their paths.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let folder = &args.path;
    let (name, module) = names(folder)?;
    vacant(folder)?;
    let filled = |text: &str| text.replace("@NAME@", &name).replace("@MODULE@", &module);
    let files = FILES
        .iter()
        .map(|(file, text)| (folder.join(filled(file)), filled(text)));
    let files: Vec<(PathBuf, String)> = files.collect();
    let was_there = folder.exists();
    let mut writes = files.iter();
    if let Err(error) = writes.try_for_each(|(path, text)| output::write(path, text.as_bytes())) {
        // Half a project would only be in the way of the next attempt. All that is there is ours.
        clear(folder, was_there);
        return Err(error);
    }
    for (path, _) in &files {
        ui::result(format!("{}\n", path.display()).as_bytes())?;
    }
    ui::say(&format!(
        "`pyasmgen test {}` runs the spec's tests; `pip install {}` installs the module",
        folder.join(format!("{module}.toml")).display(),
        Path::new(".").join(folder).display(),
    ));
    Ok(Exit::Done)
}

/// The names of the project and of its module.
fn names(folder: &Path) -> anyhow::Result<(String, String)> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|name| is_name(name)) else {
        bail!(
            "`{}` is no name of a project; it has ASCII letters and digits, and between them `-`, `_` and `.`",
            folder.display()
        );
    };
    let module = normal_name(name).replace('-', "_");
    if let Err((message, _)) = spec::identifier(&module) {
        bail!("the module would be named `{module}`: {message}; take another name");
    }
    if TAKEN
        .split_whitespace()
        .any(|taken| taken.eq_ignore_ascii_case(&module))
    {
        bail!(
            "the module would be named `{module}`, as one of Python's own, which `import {module}` finds first; take another name"
        );
    }
    if module == OURS {
        bail!("`{name}` is what builds the project; take another name");
    }
    if name.len() > LONGEST {
        let length = name.len();
        bail!("the name has {length} bytes, and {LONGEST} is the most; take another name");
    }
    if format!("{module}.toml") == project::FILE {
        bail!(
            "the spec would be named {}; take another name",
            project::FILE
        );
    }
    Ok((name.to_owned(), module))
}

/// Takes away what was written into a folder that was vacant; what cannot be taken away stays.
fn clear(folder: &Path, was_there: bool) {
    if !was_there {
        let _ = fs::remove_dir_all(folder);
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
    }
}

/// Nothing is there, or a folder with nothing in it.
fn vacant(folder: &Path) -> anyhow::Result<()> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            bail!(
                "{} is a file; take another name, or remove it",
                folder.display()
            );
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look into {}", folder.display()));
        }
    };
    if entries.next().is_some() {
        bail!(
            "the folder {} is not empty; take another name, or empty it",
            folder.display()
        );
    }
    Ok(())
}
