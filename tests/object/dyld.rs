//! What dyld and the kernel of macOS ask of a bundle before they load it (dyld's sources, `MachOAnalyzer` and `Header::validLoadCommands`;
//! which of it is asked depends on the versions a file names, ours shall pass all). Random modules are read by goblin.

use std::collections::BTreeSet;

use goblin::mach::load_command::CommandVariant as Command;
use goblin::mach::segment::Segment;
use goblin::mach::{MachO, exports::ExportInfo};
use pyasmgen::backend::isa::code::Code;
use pyasmgen::backend::obj::{build::build, module};
use pyasmgen::base::digest::sha256;
use pyasmgen::inspect;
use pyasmgen::ir::program::Program;
use pyasmgen::target::{self, Target};

use crate::programs::{example, random_program, tiny};

const READ_ONLY: u32 = 0x10;

/// What must be in `__LINKEDIT`: name, offset, size, alignment.
type Table = (&'static str, u64, u64, u64);

fn tables(mach: &MachO) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut add = |name, at: u32, size: u32, align| {
        tables.push((name, at.into(), size.into(), align));
    };
    for load in &mach.load_commands {
        match load.command {
            Command::DyldInfoOnly(info) => {
                add("rebase", info.rebase_off, info.rebase_size, 8);
                add("bind", info.bind_off, info.bind_size, 8);
                add("exports", info.export_off, info.export_size, 8);
                let others = info.weak_bind_size + info.lazy_bind_size;
                assert_eq!(others, 0);
            }
            Command::Symtab(symtab) => {
                add("symbols", symtab.symoff, 16 * symtab.nsyms, 8);
                add("strings", symtab.stroff, symtab.strsize, 1);
            }
            Command::Dysymtab(table) => {
                add("indirect", table.indirectsymoff, 4 * table.nindirectsyms, 4);
            }
            Command::CodeSignature(data) => add("signature", data.dataoff, data.datasize, 16),
            Command::DyldChainedFixups(data) => add("fixups", data.dataoff, data.datasize, 8),
            Command::DyldExportsTrie(data) => add("exports", data.dataoff, data.datasize, 8),
            _ => {}
        }
    }
    tables
}

fn name(segment: &Segment) -> String {
    segment.name().unwrap().to_owned()
}

fn check_segments(mach: &MachO, page: u64, size: u64) {
    let rows = [
        ("__TEXT", 5, 0),
        ("__DATA_CONST", 3, READ_ONLY),
        ("__DATA", 3, 0),
        ("__LINKEDIT", 1, 0),
    ];
    let mut rows = rows.iter();
    let mut end = 0;
    for segment in &mach.segments {
        let row = rows.find(|row| row.0 == name(segment)).expect("in order");
        let found = (segment.maxprot, segment.initprot, segment.flags);
        assert_eq!(found, (row.1, row.1, row.2), "{}", row.0);
        assert_eq!((segment.vmaddr, segment.fileoff), (end, end), "{}", row.0);
        assert_eq!((end % page, segment.vmsize % page), (0, 0), "{}", row.0);
        assert!(segment.filesize <= segment.vmsize);
        end += segment.vmsize;
        let mut before = segment.fileoff;
        for (section, _) in segment.sections().unwrap() {
            assert_eq!(section.addr, u64::from(section.offset));
            assert_eq!(section.addr % (1 << section.align), 0);
            assert!(section.addr >= before);
            before = section.addr + section.size;
            assert!(before <= segment.vmaddr + segment.vmsize);
        }
    }
    let first = &mach.segments[0].sections().unwrap()[0].0;
    let commands = 32 + mach.header.sizeofcmds as u64;
    assert!(u64::from(first.offset) >= commands, "commands have room");
    let last = &mach.segments[mach.segments.len() - 1];
    assert_eq!(
        (name(last), last.fileoff + last.filesize),
        ("__LINKEDIT".into(), size)
    );
}

fn check_linkedit(mach: &MachO) {
    let last = &mach.segments[mach.segments.len() - 1];
    let mut at = last.fileoff;
    let mut tables = tables(mach);
    tables.retain(|table| table.2 > 0);
    tables.sort_by_key(|table| table.1);
    for (name, start, size, align) in tables {
        assert_eq!(start % align, 0, "{name}");
        assert!(start >= at, "{name} is in what is before it");
        at = start + size;
    }
    assert_eq!(at, last.fileoff + last.filesize, "the signature is last");
}

fn check_commands(mach: &MachO, target: &Target) {
    assert_eq!((mach.header.filetype, mach.header.flags), (8, 0x85));
    let count = |wanted: &dyn Fn(&Command) -> bool| {
        let commands = mach.load_commands.iter().map(|load| &load.command);
        commands.filter(|command| wanted(command)).count()
    };
    assert_eq!(count(&|c| matches!(c, Command::Uuid(_))), 1);
    assert_eq!(mach.libs, ["self", "/usr/lib/libSystem.B.dylib"]);
    assert_eq!(count(&|c| matches!(c, Command::LoadDylib(_))), 1);
    let chained = target.min_os >= Some((12, 0));
    let forms = [
        count(&|c| matches!(c, Command::DyldInfoOnly(_))),
        count(&|c| matches!(c, Command::DyldChainedFixups(_))),
        count(&|c| matches!(c, Command::DyldExportsTrie(_))),
    ];
    assert_eq!(forms, if chained { [0, 1, 1] } else { [1, 0, 0] });
    let version = mach
        .load_commands
        .iter()
        .find_map(|load| match load.command {
            Command::BuildVersion(version) => Some((version.platform, version.minos)),
            _ => None,
        });
    let (major, minor) = target.min_os.unwrap();
    let oldest = u32::from(major) << 16 | u32::from(minor) << 8;
    assert_eq!(version, Some((1, oldest)));
    let last = &mach.load_commands[mach.load_commands.len() - 1];
    assert!(matches!(last.command, Command::CodeSignature(_)));
}

/// Symbols are local, then defined for others, then undefined; dyld looks the latter up everywhere.
fn check_symbols(mach: &MachO) {
    let symbols: Vec<_> = mach.symbols().map(Result::unwrap).collect();
    let kind = |at: usize| match &symbols[at].1 {
        symbol if !symbol.is_global() => 0,
        symbol if !symbol.is_undefined() => 1,
        _ => 2,
    };
    let kinds: Vec<_> = (0..symbols.len()).map(kind).collect();
    assert!(kinds.is_sorted());
    let of = |kind| kinds.iter().filter(|k| **k == kind).count() as u32;
    for load in &mach.load_commands {
        if let Command::Dysymtab(table) = load.command {
            let starts = [table.ilocalsym, table.iextdefsym, table.iundefsym];
            assert_eq!(starts, [0, of(0), of(0) + of(1)]);
            let counts = [table.nlocalsym, table.nextdefsym, table.nundefsym];
            assert_eq!(counts, [of(0), of(1), of(2)]);
        }
    }
    for (name, symbol) in &symbols {
        if symbol.is_undefined() {
            assert_eq!(symbol.n_desc, 0xfe00, "{name}");
        }
    }
    let exported: BTreeSet<(&str, u64)> = (symbols.iter())
        .filter(|(_, symbol)| symbol.is_global() && !symbol.is_undefined())
        .map(|(name, symbol)| (*name, symbol.n_value))
        .collect();
    let trie = mach.exports().unwrap();
    let in_trie = trie.iter().map(|export| match export.info {
        ExportInfo::Regular { address, .. } => (&export.name[..], address),
        _ => panic!("{export:?}"),
    });
    assert_eq!(in_trie.collect::<BTreeSet<_>>(), exported);
}

fn check_fixups(mach: &MachO, file: &[u8]) {
    let report = inspect::inspect("m", file).unwrap();
    // Imports are made up.
    let mut findings = report.findings.iter().map(|finding| finding.rule);
    assert!(findings.all(|rule| rule == "unpromised-import"), "{report}");
    for fixup in &report.relocations {
        let at = fixup.offset;
        let mut segments = mach.segments.iter();
        let segment = segments.find(|s| (s.vmaddr..s.vmaddr + s.vmsize).contains(&at));
        assert_eq!(segment.unwrap().initprot, 3, "a fixup at {at:#x}");
        assert_eq!(at % 8, 0);
    }
}

/// `CS_SuperBlob` with a `CS_CodeDirectory` of version 0x20400 (XNU, `cs_blobs.h`); all numbers are big-endian.
fn check_signature(mach: &MachO, file: &[u8], name: &str) {
    let data = mach
        .load_commands
        .iter()
        .find_map(|load| match load.command {
            Command::CodeSignature(data) => Some(data),
            _ => None,
        });
    let data = data.unwrap();
    let blob = &file[data.dataoff as usize..][..data.datasize as usize];
    let word = |at: usize| u32::from_be_bytes(blob[at..at + 4].try_into().unwrap());
    assert_eq!(
        [0, 4, 8, 12, 16].map(word),
        [0xfade_0cc0, data.datasize, 1, 0, 20]
    );
    let field = |at: usize| word(20 + at);
    assert_eq!([0, 8, 12].map(field), [0xfade_0c02, 0x2_0400, 0x2_0002]);
    let [hashes, identifier, special, pages, limit] = [16, 20, 24, 28, 32].map(field);
    assert_eq!((special, limit), (0, data.dataoff));
    assert_eq!(blob[20 + 36..20 + 40], [32, 2, 0, 12]);
    let text = &mach.segments[0];
    let executable = [field(64), field(68), field(72), field(76)];
    assert_eq!(executable, [0, 0, 0, text.filesize as u32]);
    let identifier = &blob[20 + identifier as usize..];
    assert!(identifier.starts_with(name.as_bytes()) && identifier[name.len()] == 0);
    let signed = &file[..limit as usize];
    assert_eq!(signed.len().div_ceil(4096), pages as usize);
    for (at, page) in signed.chunks(4096).enumerate() {
        let hash = &blob[20 + hashes as usize + 32 * at..][..32];
        assert_eq!(hash, sha256(page), "page {at}");
    }
    assert_eq!(20 + hashes + 32 * pages, data.datasize);
}

fn uuid(mach: &MachO) -> [u8; 16] {
    let found = mach
        .load_commands
        .iter()
        .find_map(|load| match load.command {
            Command::Uuid(command) => Some(command.uuid),
            _ => None,
        });
    found.unwrap()
}

#[test]
fn dyld_has_no_objection() {
    let row = target::find("x86_64-apple-darwin").unwrap();
    let arm64 = target::find("aarch64-apple-darwin").unwrap();
    let mut uuids = BTreeSet::new();
    let mut check = |program: &Program, codes: &[Code], row: &Target, page| {
        for min_os in [row.min_os, Some((12, 0))] {
            let target = Target { min_os, ..*row };
            let file = module::write(&build(program, codes, &target), &target);
            let mach = MachO::parse(&file, 0).unwrap();
            check_segments(&mach, page, file.len() as u64);
            check_linkedit(&mach);
            check_commands(&mach, &target);
            check_symbols(&mach);
            check_fixups(&mach, &file);
            check_signature(&mach, &file, &format!("{}.abi3.so", program.name));
            assert!(uuids.insert(uuid(&mach)), "two modules have one UUID");
        }
    };
    for name in ["minijit", "numbers", "pymult", "shapes"] {
        for (row, page) in [(row, 0x1000), (arm64, 0x4000)] {
            let (program, codes) = example(name, row);
            check(&program, &codes, row, page);
        }
    }
    for seed in 0..100 {
        let (program, codes) = if seed == 0 {
            tiny()
        } else {
            random_program(seed)
        };
        check(&program, &codes, row, 0x1000);
    }
}
