//! The file RECORD: every file of a wheel with its hash and size ("Recording installed projects", packaging.python.org).
//!
//! In: the files of a wheel. Out: RECORD's text; and the other way round, everything in which files and a RECORD disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::Entry;
use crate::base::base64::base64url;
use crate::base::digest::sha256;

/// RECORD's text for these files and for itself, at `path`.
pub fn record(files: &[Entry], path: &str) -> String {
    let mut text = String::new();
    for file in files {
        text += &format!(
            "{},sha256={},{}\n",
            quoted(&file.path),
            hash(&file.bytes),
            file.bytes.len()
        );
    }
    text + &format!("{},,\n", quoted(path))
}

/// Signatures are made afterwards and cannot be recorded, nor can RECORD itself (binary distribution format).
const UNRECORDED: &[&str] = &["RECORD", "RECORD.jws", "RECORD.p7s"];

/// What is wrong with the RECORD at `path`, given all files of the wheel.
pub fn differences(files: &[Entry], path: &str) -> Vec<String> {
    let Some(record) = files.iter().find(|file| file.path == path) else {
        return vec![format!("there is no {path}")];
    };
    let text = String::from_utf8_lossy(&record.bytes).into_owned();
    let mut wrong = Vec::new();
    let mut recorded = BTreeMap::new();
    for (number, row) in rows(&text).into_iter().enumerate() {
        let [name, hash, size] = row.as_slice() else {
            wrong.push(format!("row {} of RECORD has not three cells", number + 1));
            continue;
        };
        if recorded
            .insert(name.clone(), (hash.clone(), size.clone()))
            .is_some()
        {
            wrong.push(format!("RECORD names {name} twice"));
        }
    }
    let folder = path.strip_suffix("RECORD").unwrap_or_default();
    let free = |name: &str| {
        let name = name.strip_prefix(folder);
        name.is_some_and(|name| UNRECORDED.contains(&name))
    };
    for file in files {
        match recorded.get(&file.path) {
            None if free(&file.path) && file.path != path => {}
            None => wrong.push(format!("RECORD does not name {}", file.path)),
            Some(_) if free(&file.path) => {}
            Some((said, size)) => {
                let sum = hash(&file.bytes);
                match said.split_once('=') {
                    Some(("sha256", said)) if said == sum => {}
                    Some(("sha256", _)) => {
                        wrong.push(format!("{} has not the hash that RECORD says", file.path));
                    }
                    // Stronger ones are allowed; we cannot compute them.
                    Some(("sha384" | "sha512", _)) => {}
                    _ => wrong.push(format!("RECORD has no sound hash for {}", file.path)),
                }
                if !size.is_empty() && *size != file.bytes.len().to_string() {
                    wrong.push(format!("{} has not the size that RECORD says", file.path));
                }
            }
        }
    }
    let there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let gone = recorded
        .keys()
        .filter(|name| !there.contains(name.as_str()));
    wrong.extend(gone.map(|name| format!("RECORD names {name}, which is not there")));
    wrong
}

/// A cell of CSV, in quotes where it has to be (PEP 376: the default dialect of Python's `csv`).
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Rows of CSV; blank ones are left out.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    let mut inside = false;
    while let Some(char) = chars.next() {
        match char {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => inside = !inside,
            ',' if !inside => row.push(std::mem::take(&mut cell)),
            '\n' if !inside => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !inside && chars.peek() == Some(&'\n') => {}
            char => cell.push(char),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.len() > 1 || !row[0].is_empty());
    rows
}

/// SHA-256 in URL-safe base64 without padding (RFC 4648, section 5).
fn hash(bytes: &[u8]) -> String {
    base64url(&sha256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> Entry {
        Entry::new(path, bytes)
    }

    #[test]
    fn hashes_are_those_of_the_specification() {
        // echo -n | openssl dgst -sha256 -binary | base64 | tr '+/' '-_'
        assert_eq!(hash(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    }

    #[test]
    fn a_record_agrees_with_its_files_and_with_no_others() {
        let path = "x-1.dist-info/RECORD";
        let files = vec![file("x/a,b\".py", b"1"), file("x.so", b"\x7fELF")];
        let text = record(&files, path);
        assert!(text.starts_with("\"x/a,b\"\".py\",sha256="), "{text}");
        let with = |mut files: Vec<Entry>| {
            files.push(file(path, text.as_bytes()));
            differences(&files, path)
        };
        assert_eq!(with(files.clone()), Vec::<String>::new());
        let mut changed = files.clone();
        changed[1].bytes.push(0);
        assert_eq!(with(changed).len(), 2);
        assert_eq!(with(files[..1].to_vec()).len(), 1);
        let mut more = files.clone();
        more.push(file("y.py", b""));
        more.push(file("x-1.dist-info/RECORD.jws", b""));
        assert_eq!(with(more), ["RECORD does not name y.py"]);
        assert_eq!(differences(&files, path).len(), 1);
    }
}
