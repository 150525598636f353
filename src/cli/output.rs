//! Files we write: where they go, and that each appears complete or not at all.

#![expect(
    clippy::disallowed_methods,
    reason = "the command line is the rim that writes files"
)]

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;

/// What `-o` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Names by themselves, in this folder.
    Folder(PathBuf),
    /// This file.
    File(PathBuf),
    /// `-`.
    Stdout,
}

impl Output {
    /// A trailing slash or a folder that is there makes a folder; no option at all the current one.
    pub fn new(option: Option<&Path>) -> Output {
        let Some(path) = option else {
            return Output::Folder(PathBuf::new());
        };
        let slash = path
            .as_os_str()
            .as_encoded_bytes()
            .last()
            .is_some_and(|&last| std::path::is_separator(char::from(last)));
        if path.as_os_str() == "-" {
            Output::Stdout
        } else if slash || path.is_dir() {
            Output::Folder(path.to_owned())
        } else {
            Output::File(path.to_owned())
        }
    }
}

/// The folder a file is in, spelled so that it can be opened.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    }
}

/// The path by which a file is told from others, also before it, or the folders it will be in, are there.
pub fn identity(path: &Path) -> PathBuf {
    if let Ok(there) = fs::canonicalize(path) {
        return there;
    }
    let Some(folder) = path.parent() else {
        return path.to_owned();
    };
    let mut folder = match folder.as_os_str().is_empty() {
        true => fs::canonicalize(".").unwrap_or_default(),
        false => identity(folder),
    };
    match path.components().next_back() {
        // Of a folder that is going to be made this is the one it is in: it will be no link.
        Some(Component::ParentDir) => drop(folder.pop()),
        Some(name) => folder.push(name),
        None => {}
    }
    // Folders that are not there may have led to one that is.
    fs::canonicalize(&folder).unwrap_or(folder)
}

/// Makes the folder that `path` will be in.
///
/// # Errors
/// The folder cannot be made.
pub fn make_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Writes a file under a name of its own and renames it, so that nobody ever sees half of it.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    make_folder_of(path)?;
    replace(path, bytes)
        .map_err(unnamed)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The error itself: `tempfile` says besides which file of its own it was, and nobody knows that.
fn unnamed(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((what, _)) => io::Error::other(what.to_owned()),
        None => error,
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Devices and pipes are written to, not replaced; a link keeps pointing where it does.
    let path = match fs::metadata(path) {
        Ok(there) if !there.is_file() => return fs::write(path, bytes),
        Ok(_) if renewed(path, bytes) => return Ok(()),
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pyasmgen-");
    #[cfg(unix)]
    {
        // What an ordinary creation asks for; the process's umask takes its part.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(&path))?;
    file.write_all(bytes)?;
    file.persist(&path)?;
    Ok(())
}

/// Whether a file says this already, and could be given the time of now, so that nothing has to replace it: file systems are in a hurry to bring
/// to the disk what does.
fn renewed(path: &Path, bytes: &[u8]) -> bool {
    let same = || {
        let mut file = fs::File::open(path)?;
        if file.metadata()?.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut there = Vec::new();
        file.read_to_end(&mut there)?;
        let same = there == bytes;
        if same {
            file.set_modified(SystemTime::now())?;
        }
        io::Result::Ok(same)
    };
    same().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_or_a_folder_that_is_there_makes_a_folder() {
        let temp = tempfile::tempdir().unwrap();
        let there = temp.path().join("there");
        fs::create_dir(&there).unwrap();
        assert_eq!(Output::new(None), Output::Folder(PathBuf::new()));
        assert_eq!(Output::new(Some(&there)), Output::Folder(there.clone()));
        let slash = temp.path().join("new/");
        assert_eq!(Output::new(Some(&slash)), Output::Folder(slash.clone()));
        let file = temp.path().join("new");
        assert_eq!(Output::new(Some(&file)), Output::File(file.clone()));
        assert_eq!(Output::new(Some(Path::new("-"))), Output::Stdout);
    }

    #[test]
    fn a_file_is_the_same_by_any_way_to_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(temp.path()).unwrap();
        fs::create_dir_all(folder.join("a/b")).unwrap();
        fs::write(folder.join("a/x"), "").unwrap();
        for (way, wanted) in [
            ("a/x", "a/x"),
            ("a/b/../x", "a/x"),
            ("new/../a/x", "a/x"),
            ("a/new/er/../../x", "a/x"),
            ("a/new/../../a/./b/../x", "a/x"),
            ("a/y", "a/y"),
            ("new/er/../y", "new/y"),
        ] {
            assert_eq!(identity(&folder.join(way)), folder.join(wanted), "{way}");
        }
        assert_eq!(
            identity(Path::new("new/../Cargo.toml")),
            fs::canonicalize("Cargo.toml").unwrap()
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a/b", folder.join("link")).unwrap();
            assert_eq!(identity(&folder.join("link/../x")), folder.join("a/x"));
            assert_eq!(
                identity(&folder.join("link/new/../../x")),
                folder.join("a/x")
            );
        }
    }

    #[test]
    fn a_written_file_is_whole_and_leaves_nothing_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b/c.o");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1);
        assert!(write(&path.join("below"), b"").is_err());
    }

    #[test]
    fn a_file_that_says_the_same_is_only_renewed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.o");
        let long_ago = SystemTime::UNIX_EPOCH;
        for (bytes, later) in [(&b"one"[..], &b"one"[..]), (b"one", b"two"), (b"", b"")] {
            write(&path, bytes).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(long_ago).unwrap();
            write(&path, later).unwrap();
            assert_eq!(fs::read(&path).unwrap(), later);
            assert!(fs::metadata(&path).unwrap().modified().unwrap() > long_ago);
            // Who has the old file open sees the new time where it is the same file.
            let kept = file.metadata().unwrap().modified().unwrap() > long_ago;
            assert!(!kept || bytes == later);
            #[cfg(unix)]
            assert_eq!(kept, bytes == later);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_permissions_are_the_usual_ones() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let (file, link, plain) = (
            temp.path().join("file"),
            temp.path().join("link"),
            temp.path().join("plain"),
        );
        fs::write(&plain, "").unwrap();
        write(&file, b"1").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
        std::os::unix::fs::symlink("file", &link).unwrap();
        write(&link, b"2").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"2");
    }
}
