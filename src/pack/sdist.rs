//! Sdists ("Source distribution format", packaging.python.org; PEP 625, PEP 643).
//!
//! In: a project. Out: the name and the bytes of its sdist: PKG-INFO and all files of the project, in one folder.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the rim: it reads projects"
)]

use std::fs;

use anyhow::Context;

use super::archive::{self, Entry};
use super::project::Project;

/// The file name of the sdist.
pub fn file_name(project: &Project) -> String {
    format!("{}.tar.gz", project.metadata.stem())
}

/// The sdist.
///
/// # Errors
/// A file of the project cannot be read.
pub fn bytes(project: &Project, time: u64) -> anyhow::Result<Vec<u8>> {
    let stem = project.metadata.stem();
    let mut files = vec![Entry::new(
        format!("{stem}/PKG-INFO"),
        project.metadata.text(),
    )];
    for name in &project.files {
        let path = project.folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.push(Entry::new(format!("{stem}/{name}"), bytes));
    }
    archive::tar_gz(&files, time)
}
