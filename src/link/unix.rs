//! What linkers of ELF systems are told.
//!
//! In: a linker, the object, the output. Out: the command line. Startup files and libraries are left out: a module needs none, and
//! `crti.o` of many distributions lacks the note that keeps IBT and SHSTK. Every option makes something stricter: all relocations
//! done and sealed at load (`relro`, `now`), no relocation in code (`text`), no executable stack, no code page with data on it.

use std::ffi::OsString;
use std::path::Path;

use super::Linker;

/// Options that drivers pass on and linkers take.
const COMMON: &[&str] = &[
    "-z",
    "relro",
    "-z",
    "now",
    "-z",
    "noexecstack",
    "-z",
    "text",
    "--hash-style=gnu",
    "--build-id=sha1",
];

/// What drivers add by themselves, or decide by their configuration.
const DIRECT: &[&str] = &["-z", "separate-code", "--eh-frame-hdr"];

/// The command line, program first.
pub fn command(linker: &Linker, object: &Path, output: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![linker.program().into()];
    match linker {
        Linker::Ld(_) | Linker::Lld(_) => {
            if matches!(linker, Linker::Lld(_)) {
                words.extend(["-flavor", "gnu"].map(OsString::from));
            }
            words.push("-shared".into());
            words.extend(COMMON.iter().chain(DIRECT).map(OsString::from));
        }
        Linker::Driver(_) => {
            words.extend(["-shared", "-nostartfiles", "-nostdlib"].map(OsString::from));
            words.push(format!("-Wl,{}", COMMON.join(",")).into());
        }
    }
    words.push("-o".into());
    words.push(output.into());
    words.push(object.into());
    words
}
