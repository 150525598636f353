//! CodeView lines, for debuggers and linkers of Windows (Microsoft, "CodeView Symbols", `cvinfo.h`; LLVM, "Line Table" of its PDB pages). In:
//! what there is to tell of an image. Out: the content of `.debug$S`, and the fields in it that say where functions are. Deliberately
//! not there: types and variables.
//!
//! ```text
//! 4                             the version
//! kind, length | content, padded   once for each:
//!   0xf1   the object, who wrote it, a record for each function
//!   0xf2   for each function: its place, then for each stretch of one file pairs of offset and line
//!   0xf4   files: where their names are
//!   0xf3   names, NUL-terminated, behind an empty one
//! ```

use super::super::image::{Image, Linkage, Place};
use super::{DebugInfo, Function, Row};
use crate::target::Arch;

const VERSION: u32 = 4;
const SYMBOLS: u32 = 0xf1;
const LINES: u32 = 0xf2;
const STRINGS: u32 = 0xf3;
const FILES: u32 = 0xf4;

const S_END: u16 = 0x0006;
const S_OBJNAME: u16 = 0x1101;
const S_LPROC32: u16 = 0x110f;
const S_GPROC32: u16 = 0x1110;
const S_COMPILE3: u16 = 0x113c;

/// Bytes of a row of [`FILES`]: the place of the name, no hash, padding.
const FILE_SIZE: u32 = 8;
/// Marks a line where a breakpoint may stand.
const IS_STATEMENT: u32 = 1 << 31;
/// Lines beyond this have no number.
const LAST_LINE: u32 = (1 << 24) - 1;

/// The content of `.debug$S`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Zero where functions' places go.
    pub bytes: Vec<u8>,
    /// Offsets of fields for a function's place: its offset in its section (4 bytes), then the number of that section (2 bytes). And which
    /// of the image's functions.
    pub places: Vec<(u64, usize)>,
}

/// Writes what there is to tell.
pub fn section(info: &DebugInfo, image: &Image, arch: Arch) -> Section {
    let mut section = Section {
        bytes: VERSION.to_le_bytes().to_vec(),
        places: Vec::new(),
    };
    let functions = || info.functions.iter().enumerate();
    section.sub(SYMBOLS, |section| {
        section.record(S_OBJNAME, |section| {
            section.put(&[0; 4]);
            section.name(&image.name);
        });
        section.record(S_COMPILE3, |section| {
            section.put(&[0; 4]); // of C
            section.put(&machine(arch).to_le_bytes());
            section.put(&[0; 16]); // no versions
            section.name("pyasmgen");
        });
        for (at, function) in functions() {
            section.function(image, at, function);
        }
    });
    for (at, function) in functions().filter(|(_, function)| !function.rows.is_empty()) {
        section.sub(LINES, |section| {
            section.place(at);
            section.put(&[0; 2]); // no columns
            section.put(&image.unwind[at].size.to_le_bytes());
            let stretches = function
                .rows
                .chunk_by(|row, next| row.line.file == next.line.file);
            stretches.for_each(|rows| section.lines(rows));
        });
    }
    section.sub(FILES, |section| {
        let mut at = 1;
        for file in &info.files {
            section.put(&(at as u32).to_le_bytes());
            section.put(&[0; FILE_SIZE as usize - 4]);
            at += file.len() + 1;
        }
    });
    section.sub(STRINGS, |section| {
        section.name("");
        info.files.iter().for_each(|file| section.name(file));
    });
    section
}

fn machine(arch: Arch) -> u16 {
    match arch {
        Arch::X86_64 => 0xd0,
        Arch::Aarch64 => 0xf6,
    }
}

impl Section {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn name(&mut self, name: &str) {
        self.put(name.as_bytes());
        self.put(&[0]);
    }

    fn pad(&mut self) {
        let size = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(size, 0);
    }

    /// Adds a subsection.
    fn sub(&mut self, kind: u32, content: impl FnOnce(&mut Section)) {
        self.put(&kind.to_le_bytes());
        let at = self.bytes.len();
        self.put(&[0; 4]);
        content(self);
        let size = (self.bytes.len() - at - 4) as u32;
        self.bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
        self.pad();
    }

    /// Adds a record, padded, whose length counts from behind the length.
    fn record(&mut self, kind: u16, content: impl FnOnce(&mut Section)) {
        let at = self.bytes.len();
        self.put(&[0; 2]);
        self.put(&kind.to_le_bytes());
        content(self);
        self.pad();
        let size = u16::try_from(self.bytes.len() - at - 2);
        let size = size.unwrap_or_else(|_| panic!("a name of more than 64 KiB"));
        self.bytes[at..at + 2].copy_from_slice(&size.to_le_bytes());
    }

    fn place(&mut self, function: usize) {
        self.places.push((self.bytes.len() as u64, function));
        self.put(&[0; 6]);
    }

    fn function(&mut self, image: &Image, at: usize, function: &Function) {
        let place = &image.unwind[at];
        let is_export = match image.symbol(place.symbol).place {
            Place::Defined { linkage, .. } => linkage == Linkage::Export,
            Place::Import => unreachable!("{} is a function of ours", function.name),
        };
        let kind = if is_export { S_GPROC32 } else { S_LPROC32 };
        self.record(kind, |section| {
            section.put(&[0; 12]); // no parent, no end, no next: linkers fill these in
            section.put(&place.size.to_le_bytes());
            let body = function.rows.iter().find(|row| row.prologue_end);
            section.put(&body.map_or(0, |row| row.at).to_le_bytes());
            section.put(&place.size.to_le_bytes());
            section.put(&[0; 4]); // no type
            section.place(at);
            section.put(&[0]); // no flags
            section.name(&function.name);
        });
        self.record(S_END, |_| {});
    }

    /// Adds the lines of a stretch of one file.
    fn lines(&mut self, rows: &[Row]) {
        let file = rows[0].line.file as u32 * FILE_SIZE;
        let count = rows.len() as u32;
        for number in [file, count, 12 + 8 * count] {
            self.put(&number.to_le_bytes());
        }
        for row in rows {
            let marks = if row.is_stmt { IS_STATEMENT } else { 0 };
            self.put(&row.at.to_le_bytes());
            self.put(&(row.line.line.min(LAST_LINE) | marks).to_le_bytes());
        }
    }
}
