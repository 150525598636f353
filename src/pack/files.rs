//! The files of a project: all that lie in its folder, but what others made or nobody means to give away.
//!
//! In: a folder, and the patterns of `include` and `exclude`. Out: paths. What is left out everywhere: hidden files, the folders `build`, `dist` and
//! `target`, virtual environments, what compilers and interpreters leave behind. What the files are is not asked here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::pyproject::Tool;
use super::requirement::normal_name;
use super::{glob, project, version};
use crate::base::table::Str;

/// Folders beside pyproject.toml that hold what others made.
const MADE: &[&str] = &["build", "dist", "target"];

/// Ends of names of files that compilers, interpreters and we leave behind.
const LEFT: &[&str] = &[
    ".pyc", ".pyo", ".so", ".pyd", ".dylib", ".dll", ".o", ".obj", ".whl",
];

/// All files of the project called `name`: paths from its folder, sorted.
///
/// # Errors
/// A folder cannot be read, or the name of a file cannot be written everywhere.
pub fn files(folder: &Path, name: &str, tool: &Tool) -> anyhow::Result<Vec<String>> {
    let named = |patterns: &[Str], path: &str| {
        let mut patterns = patterns.iter();
        patterns.any(|pattern| glob::covers(&pattern.text.text, path))
    };
    let mut found = BTreeSet::new();
    walk(
        folder,
        "",
        &|path, is_folder| {
            !left_out(folder, path, is_folder) && (is_folder || !is_sdist(path, name))
        },
        &mut found,
    )?;
    found.retain(|path| !named(&tool.exclude, path));
    if !tool.include.is_empty() {
        let mut all = BTreeSet::new();
        walk(folder, "", &|path, _| path != ".git", &mut all)?;
        found.extend(all.into_iter().filter(|path| named(&tool.include, path)));
    }
    // Without it nothing can be built of an sdist.
    found.insert(project::FILE.to_owned());
    Ok(found.into_iter().collect())
}

fn left_out(folder: &Path, path: &str, is_folder: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.starts_with('.') || name == "__pycache__" {
        return true;
    }
    if is_folder {
        let environment = folder.join(path).join("pyvenv.cfg").is_file();
        return environment || name.ends_with(".egg-info") || MADE.contains(&path);
    }
    let name = name.to_lowercase();
    LEFT.iter().any(|end| name.ends_with(end)) || path == "PKG-INFO"
}

/// Whether a file is called like an sdist of the project, of whatever version: it holds all that the project has, and the next one would hold it.
fn is_sdist(path: &str, name: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let version = || {
        let (distribution, version) = file.strip_suffix(".tar.gz")?.split_once('-')?;
        (normal_name(distribution) == normal_name(name)).then_some(version)
    };
    version().is_some_and(|text| version::normal(text).is_some())
}

fn walk(
    folder: &Path,
    prefix: &str,
    keep: &dyn Fn(&str, bool) -> bool,
    found: &mut BTreeSet<String>,
) -> anyhow::Result<()> {
    let here = folder.join(prefix);
    let reading = || format!("cannot read the folder {}", here.display());
    for entry in fs::read_dir(&here).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let kind = entry.file_type().with_context(reading)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            bail!("{}: a name that is not UTF-8", entry.path().display());
        };
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        // A link may lead to a file, but not to a folder, which may be one that it is in.
        let is_file = entry.path().is_file();
        if !keep(&path, kind.is_dir()) {
            continue;
        }
        if path.contains(|c: char| c == '\\' || c.is_control()) {
            bail!("{:?}: a name that not all systems can write", entry.path());
        }
        if kind.is_dir() {
            walk(folder, &path, keep, found)?;
        } else if is_file {
            found.insert(path);
        }
    }
    Ok(())
}
