//! PE modules of our own making: the headers and tables that Windows and scanners look at, some of them held against what `lld-link` makes of
//! the same object.

use std::collections::BTreeSet;

use goblin::pe::PE;
use pyasmgen::backend::obj::{build::build, module, write::write};
use pyasmgen::base::digest::sha256;
use pyasmgen::link;
use pyasmgen::target::{self, Target};

use crate::programs::{example, tiny, windows_program};
use crate::tool::tool;

fn target() -> &'static Target {
    target::find("x86_64-pc-windows-msvc").unwrap()
}

/// A file and where its parts are.
struct File<'a> {
    bytes: &'a [u8],
    pe: PE<'a>,
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8]) -> File<'a> {
        let pe = PE::parse(bytes).unwrap();
        File { bytes, pe }
    }

    /// Where a relative address is in the file.
    fn offset(&self, rva: u32) -> usize {
        let mut sections = self.pe.sections.iter();
        let of = |s: &&goblin::pe::section_table::SectionTable| {
            (s.virtual_address..s.virtual_address + s.virtual_size).contains(&rva)
        };
        let section = sections.find(of).unwrap();
        (rva - section.virtual_address + section.pointer_to_raw_data) as usize
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.bytes[offset..offset + 4].try_into().unwrap())
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from(self.u32(offset)) | u64::from(self.u32(offset + 4)) << 32
    }

    /// A directory: where it is in the file, its size.
    fn directory(&self, number: usize) -> (usize, u32) {
        let directories = &self.pe.header.optional_header.unwrap().data_directories;
        let (_, directory) = directories.data_directories[number].unwrap();
        (self.offset(directory.virtual_address), directory.size)
    }

    /// The field that holds an address, as one relative to the image.
    fn pointer(&self, offset: usize) -> u32 {
        (self.u64(offset) - self.pe.image_base) as u32
    }

    /// Functions of control-flow guard's table, relative to the first export.
    fn guarded(&self) -> BTreeSet<i64> {
        let (config, _) = self.directory(10);
        let flags = self.u32(config + 0x90);
        let stride = 4 + (flags >> 28) as usize;
        let (table, count) = (self.pointer(config + 0x80), self.u64(config + 0x88));
        let start = self.offset(table);
        let entries = (0..count as usize).map(|at| self.u32(start + stride * at));
        let entries: Vec<u32> = entries.collect();
        assert!(entries.is_sorted());
        let export = self.pe.exports[0].rva as i64;
        entries
            .into_iter()
            .map(|at| i64::from(at) - export)
            .collect()
    }

    /// Where the stamps of the time are.
    fn stamps(&self) -> Vec<usize> {
        let header = self.pe.header.dos_header.pe_pointer as usize;
        let (debug, size) = self.directory(6);
        let mut stamps = vec![header + 8, self.directory(0).0 + 4];
        stamps.extend((debug..debug + size as usize).step_by(28).map(|at| at + 4));
        stamps
    }
}

/// "PE Format", optional header: the sum is that of `ImageHlp`. Counted in 32-bit steps here, with the carries at the end.
fn checksum(bytes: &[u8], field: usize) -> u32 {
    let mut sum = 0u64;
    for (at, quad) in bytes.chunks(4).enumerate() {
        let mut word = [0; 4];
        word[..quad.len()].copy_from_slice(quad);
        if 4 * at != field {
            sum += u64::from(u32::from_le_bytes(word));
        }
    }
    // 2 to the 16th is 1 modulo 2 to the 16th less 1.
    let folded = (sum - 1) % 0xffff + 1;
    folded as u32 + bytes.len() as u32
}

#[test]
fn headers_and_tables_protect_what_they_can() {
    let programs = std::iter::once(tiny()).chain((0..60).map(windows_program));
    let programs = programs.chain([example("numbers", target())]);
    let arm64 = target::find("aarch64-pc-windows-msvc").unwrap();
    let there = [example("numbers", arm64), example("pymult", arm64)];
    let programs = programs
        .map(|made| (made, target()))
        .chain(there.map(|made| (made, arm64)));
    for ((program, codes), target) in programs {
        let is_x64 = target.triple == self::target().triple;
        let bytes = module::write(&build(&program, &codes, target), target);
        let file = File::new(&bytes);
        let (coff, optional) = (
            file.pe.header.coff_header,
            file.pe.header.optional_header.unwrap(),
        );
        let (standard, windows) = (optional.standard_fields, optional.windows_fields);
        assert_eq!(coff.characteristics, 0x2022);
        assert_eq!(standard.address_of_entry_point, 0);
        assert!(standard.major_linker_version >= 14);
        assert_eq!(windows.dll_characteristics, 0x4160);
        assert_eq!(windows.image_base, 0x1_8000_0000);
        let sections: Vec<(&str, u32)> = (file.pe.sections.iter())
            .map(|s| (s.name().unwrap(), s.characteristics))
            .collect();
        let expected = [
            (".text", 0x6000_0020),
            (".rdata", 0x4000_0040),
            (".data", 0xc000_0040),
        ];
        assert_eq!(sections, expected);
        assert_eq!(bytes.len() % 512, 0);

        let header = file.pe.header.dos_header.pe_pointer as usize;
        let sum = checksum(&bytes, header + 88);
        assert_eq!(windows.check_sum, sum);

        // Reproducible: times and hash are those of the content without them.
        let (debug, size) = file.directory(6);
        let kinds: Vec<u32> = (debug..debug + size as usize)
            .step_by(28)
            .map(|at| file.u32(at + 12))
            .collect();
        if is_x64 {
            assert_eq!(kinds, [20, 16]);
            let features = file.u32(debug + 24) as usize;
            assert_eq!(file.u32(features), 1, "shadow stacks");
            assert_eq!(file.offset(file.u32(debug + 20)), features);
        } else {
            assert_eq!(kinds, [16]);
        }
        let hash = file.u32(debug + size as usize - 4) as usize;
        assert_eq!(file.u32(hash), 32);
        let mut without = bytes.clone();
        without[header + 88..][..4].fill(0);
        without[hash + 4..][..32].fill(0);
        for at in file.stamps() {
            assert_eq!(bytes[at..at + 4], bytes[hash + 4..hash + 8]);
            without[at..at + 4].fill(0);
        }
        assert_eq!(bytes[hash + 4..hash + 36], sha256(&without));

        // Control-flow guard.
        let (config, size) = file.directory(10);
        assert_eq!((file.u32(config), size), (0x118, 0x118));
        assert_eq!(file.u32(config + 0x90), 0x500);
        let cookie = file.offset(file.pointer(config + 0x58));
        assert_eq!(file.u64(cookie), 0x2b99_2ddf_a232);
        let data = &file.pe.sections[2];
        assert!(cookie >= data.pointer_to_raw_data as usize);
        let stub = |field: usize| {
            let pointer = file.offset(file.pointer(config + field));
            file.offset(file.pointer(pointer))
        };
        if is_x64 {
            assert_eq!(bytes[stub(0x70)], 0xc3, "ret");
            assert_eq!(bytes[stub(0x78)..][..2], [0xff, 0xe0], "jmp rax");
        } else {
            assert_eq!(file.u32(stub(0x70)), 0xd65f_03c0, "ret");
        }
        assert!(file.guarded().contains(&0), "the entry may be called");

        // Names of exports are sorted; functions with unwind data, too.
        let names: Vec<&str> = file.pe.exports.iter().filter_map(|e| e.name).collect();
        assert!(names.is_sorted() && !names.is_empty());
        if optional.data_directories.get_exception_table().is_some() {
            let (functions, size) = file.directory(3);
            let entry = if is_x64 { 12 } else { 8 };
            let entries = (functions..functions + size as usize).step_by(entry);
            assert!(entries.map(|at| file.u32(at)).is_sorted());
        }
    }
}

/// The linker has no choice but to guard whatever a relocation names, function tables included.
#[test]
fn guarded_are_functions_whose_address_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("m.obj"), folder.path().join("m.pyd"));
    for name in ["minijit", "numbers", "pymult", "shapes"] {
        let (program, codes) = example(name, target());
        let image = build(&program, &codes, target());
        let own = module::write(&image, target());
        let own = File::new(&own).guarded();
        let taken = program.funcs.iter().flatten();
        let taken = taken
            .filter(|func| func.address_taken || func.export)
            .count();
        assert_eq!(own.len(), taken, "{name}");
        if tool("lld-link").is_none() {
            continue;
        }
        let linker = link::resolve("lld-link", target()).unwrap();
        std::fs::write(&made, write(&image, target())).unwrap();
        link::link(&linker, target(), &made, &output).unwrap();
        let linked = std::fs::read(&output).unwrap();
        assert!(own.is_subset(&File::new(&linked).guarded()), "{name}");
    }
}
