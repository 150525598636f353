//! Reads a spec from disk, and the Python source that it names: the only IO of the front end.
//!
//! In: a path. Out: the text as a source file, with a diagnostic where it is not UTF-8, or what kept us from reading it. What the text
//! says is not looked at here, but for the one key that names another file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context;

use super::{python, read};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{SourceId, Sources, Span};

/// Positions are kept in 32 bits.
const LIMIT: u64 = 1 << 30;

/// Adds a spec file to the sources. Bytes that are not UTF-8 are shown as U+FFFD; the first of them is diagnosed, and the text is then of no
/// further use.
///
/// # Errors
/// The file cannot be read, or is larger than a GiB.
pub fn load(sources: &mut Sources, path: &Path) -> anyhow::Result<Result<SourceId, Diagnostic>> {
    let bytes = bytes(path);
    let bytes = bytes.with_context(|| format!("cannot read the spec {}", path.display()))?;
    let (source, wrong) = add(sources, path, &bytes);
    Ok(match wrong {
        None => {
            load_named(sources, path, source);
            Ok(source)
        }
        Some(at) => {
            let place = Span::new(source, at..at + char::REPLACEMENT_CHARACTER.len_utf8());
            let message = format!("the byte 0x{:02x} is not UTF-8", bytes[at]);
            Err(Diagnostic::error(place, message).hint("save the spec as UTF-8"))
        }
    })
}

/// A file's content. Devices may have no end, so no more than the limit is read.
#[expect(clippy::disallowed_methods, reason = "this is the rim")]
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(size.min(LIMIT) as usize);
    file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other("it is larger than 1 GiB"));
    }
    Ok(bytes)
}

/// Adds the text of a file; where it ceases to be UTF-8.
fn add(sources: &mut Sources, path: &Path, bytes: &[u8]) -> (SourceId, Option<usize>) {
    let wrong = std::str::from_utf8(bytes).err();
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = sources.add(path.display().to_string(), text);
    (source, wrong.map(|error| error.valid_up_to()))
}

/// Reads the files that a spec names: its `source`, and those of its tables. What keeps us from it is noted for `check`, which says so.
fn load_named(sources: &mut Sources, path: &Path, spec: SourceId) {
    let text = &sources.file(spec).text;
    let names_some = text.contains("source") || text.contains("file");
    if python::is_python(&sources.file(spec).name) || !names_some {
        return;
    }
    let Some(read) = read::read(text, spec, &mut Diagnostics::default()) else {
        return;
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(named) = read.module.and_then(|module| module.source) {
        load_source(sources, folder, spec, &named.text.text);
    }
    for table in read.tables {
        if let Some(named) = table.file {
            load_data(sources, folder, spec, &named.text.text);
        }
    }
}

fn load_source(sources: &mut Sources, folder: &Path, spec: SourceId, written: &str) {
    let path = folder.join(written);
    let file = match bytes(&path) {
        Ok(bytes) => match add(sources, &path, &bytes) {
            (id, None) => Ok(id),
            (id, Some(at)) => {
                let (line, column) = sources.file(id).line_column(at as u32);
                Err(format!(
                    "the byte 0x{:02x} at {line}:{column} is not UTF-8",
                    bytes[at]
                ))
            }
        },
        Err(error) => Err(error.to_string()),
    };
    sources.include(spec, written, file);
}

fn load_data(sources: &mut Sources, folder: &Path, spec: SourceId, written: &str) {
    let path = folder.join(written);
    let file = match bytes(&path) {
        Ok(bytes) => Ok((path.display().to_string(), bytes)),
        Err(error) => Err(error.to_string()),
    };
    sources.include_data(spec, written, file);
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::base::source::Sources;
    use std::io::Write as _;

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        let mut sources = Sources::default();
        let missing = load(&mut sources, "no/such/spec.toml".as_ref()).unwrap_err();
        assert!(missing.to_string().contains("no/such/spec.toml"));

        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all("ü\nü = ".as_bytes()).unwrap();
        let good = load(&mut sources, file.path()).unwrap().unwrap();
        assert_eq!(sources.file(good).text, "ü\nü = ");
        file.write_all(b"\xff\n").unwrap();
        let wrong = load(&mut sources, file.path()).unwrap().unwrap_err();
        assert_eq!(wrong.message, "the byte 0xff is not UTF-8");
        let place = wrong.primary.span;
        assert_eq!(sources.file(place.source).line_column(place.start), (2, 5));
    }
}
