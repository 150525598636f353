//! Modules say what their programs say: ours and those that linkers make of our objects. Code is compared byte by byte, and what it refers
//! to followed through memory as a loader would fill it in, from the functions to all data that can be reached.

use std::collections::BTreeMap;
use std::process::Command;

use goblin::elf::{Elf, program_header, reloc, section_header, sym};
use goblin::mach::MachO;
use goblin::pe::PE;
use pyasmgen::backend::isa::code::{Code, RefKind, Referent};
use pyasmgen::backend::obj::build::build;
use pyasmgen::backend::obj::image::{Image, Place};
use pyasmgen::backend::obj::{module, write::write};
use pyasmgen::inspect;
use pyasmgen::ir::data::{DataId, Pointee};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::link;
use pyasmgen::target::{self, Target};

use crate::programs::{example, random_program, tiny, windows_program};
use crate::run;
use crate::tool::tool;

/// What a pointer holds once the module is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Here(u64),
    Import(String),
}

/// A module as a loader sees it.
#[derive(Default)]
struct View {
    /// Memory by address.
    memory: Vec<(u64, Vec<u8>)>,
    pointers: BTreeMap<u64, To>,
    functions: BTreeMap<String, u64>,
}

impl View {
    fn bytes(&self, at: u64, size: usize) -> &[u8] {
        let found = self.memory.iter().find_map(|(start, bytes)| {
            let offset = at.checked_sub(*start)? as usize;
            bytes.get(offset..offset + size)
        });
        found.unwrap_or_else(|| panic!("{size} bytes at {at:#x} are not there"))
    }

    fn word(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    fn half(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    fn text(&self, at: u64) -> String {
        let (start, bytes) = self
            .memory
            .iter()
            .find(|(start, bytes)| (*start..*start + bytes.len() as u64).contains(&at))
            .unwrap();
        let rest = &bytes[(at - start) as usize..];
        let end = rest.iter().position(|&byte| byte == 0).unwrap();
        String::from_utf8(rest[..end].to_vec()).unwrap()
    }

    /// By program headers, `.dynamic`'s relocations and `.symtab`; in one of ours without symbols, functions are where the image has them.
    fn of_elf(file: &[u8], program: &Program, codes: &[Code], target: &Target) -> View {
        let elf = Elf::parse(file).unwrap();
        let mut view = View::default();
        for segment in &elf.program_headers {
            if segment.p_type == program_header::PT_LOAD {
                let mut bytes = file[segment.file_range()].to_vec();
                bytes.resize(segment.p_memsz as usize, 0);
                view.memory.push((segment.p_vaddr, bytes));
            }
        }
        for r in elf.dynrelas.iter().chain(elf.pltrelocs.iter()) {
            let symbol = elf.dynsyms.get(r.r_sym).unwrap();
            let name = elf.dynstrtab.get_at(symbol.st_name).unwrap_or("");
            let addend = r.r_addend.unwrap();
            let to = match r.r_type {
                reloc::R_X86_64_RELATIVE => To::Here(addend as u64),
                _ if symbol.st_shndx != 0 => To::Here(symbol.st_value + addend as u64),
                _ => {
                    assert_eq!(addend, 0);
                    To::Import(name.to_owned())
                }
            };
            view.pointers.insert(r.r_offset, to);
        }
        for symbol in elf.syms.iter().filter(|s| s.st_type() == sym::STT_FUNC) {
            let name = elf.strtab.get_at(symbol.st_name).unwrap();
            view.functions.insert(name.to_owned(), symbol.st_value);
        }
        if view.functions.is_empty() {
            let named = |s: &&section_header::SectionHeader| {
                elf.shdr_strtab.get_at(s.sh_name) == Some(".text")
            };
            let text = elf.section_headers.iter().find(named).unwrap();
            view.add_functions(text.sh_addr, program, &build(program, codes, target));
        }
        view
    }

    /// By segments, symbols, and the fixups that `inspect` finds; `judges.rs` has these checked by others.
    fn of_macho(file: &[u8]) -> View {
        let mach = MachO::parse(file, 0).unwrap();
        let mut view = View::default();
        for segment in &mach.segments {
            view.memory.push((segment.vmaddr, segment.data.to_vec()));
        }
        let chained = mach
            .load_commands
            .iter()
            .any(|c| c.command.cmd() == 0x8000_0034);
        let report = inspect::inspect("m", file).unwrap();
        for r in &report.relocations {
            let to = match &r.kind[..] {
                "REBASE" if chained => To::Here(view.word(r.offset) & 0xf_ffff_ffff),
                "REBASE" => To::Here(view.word(r.offset)),
                "BIND" | "LAZY_BIND" => To::Import(r.target.clone()),
                other => panic!("{other}"),
            };
            view.pointers.insert(r.offset, to);
        }
        for (name, symbol) in mach.symbols().map(Result::unwrap) {
            if symbol.n_sect == 1 {
                let name = name.strip_prefix('_').unwrap();
                view.functions.insert(name.to_owned(), symbol.n_value);
            }
        }
        view
    }

    /// By sections, base relocations and import tables. There are no symbols; code is in one piece, and one function is exported.
    fn of_pe(file: &[u8], program: &Program, codes: &[Code], target: &Target) -> View {
        let pe = PE::parse(file).unwrap();
        let mut view = View::default();
        let base = pe.image_base;
        for section in &pe.sections {
            let start = section.pointer_to_raw_data as usize;
            let mut bytes = file[start..start + section.size_of_raw_data as usize].to_vec();
            bytes.resize(bytes.len().max(section.virtual_size as usize), 0);
            view.memory
                .push((base + u64::from(section.virtual_address), bytes));
        }
        let directories = &pe.header.optional_header.unwrap().data_directories;
        let relocations = directories.get_base_relocation_table().unwrap();
        let mut block = base + u64::from(relocations.virtual_address);
        let end = block + u64::from(relocations.size);
        while block < end {
            let (page, size) = (view.half(block), view.half(block + 4));
            for entry in (8..u64::from(size)).step_by(2) {
                let entry = u16::from_le_bytes(view.bytes(block + entry, 2).try_into().unwrap());
                if entry >> 12 == 10 {
                    let at = base + u64::from(page) + u64::from(entry & 0xfff);
                    view.pointers.insert(at, To::Here(view.word(at)));
                }
            }
            block += u64::from(size);
        }
        if let Some(imports) = directories.get_import_table() {
            let descriptor = base + u64::from(imports.virtual_address);
            let (names, slots) = (view.half(descriptor), view.half(descriptor + 16));
            for at in (0..).step_by(8) {
                let entry = view.word(base + u64::from(names) + at);
                if entry == 0 {
                    break;
                }
                assert_eq!(view.word(base + u64::from(slots) + at), entry);
                let name = view.text(base + entry + 2);
                view.pointers
                    .insert(base + u64::from(slots) + at, To::Import(name));
            }
        }
        let image = build(program, codes, target);
        let export = &pe.exports[0];
        let text = base + export.rva as u64 - offset(&image, export.name.unwrap());
        view.add_functions(text, program, &image);
        view
    }

    /// Functions by their offsets in the code, which starts at an address.
    fn add_functions(&mut self, text: u64, program: &Program, image: &Image) {
        for func in program.funcs.iter().flatten() {
            let at = text + offset(image, &func.name);
            self.functions.insert(func.name.clone(), at);
        }
    }
}

/// Where a symbol is in its section.
fn offset(image: &Image, name: &str) -> u64 {
    let symbol = image.symbols.iter().find(|symbol| symbol.name == name);
    match symbol.unwrap().place {
        Place::Defined { offset, .. } => offset,
        Place::Import => panic!("{name}"),
    }
}

/// Everything that a program says is in a module's memory.
fn check(view: &View, program: &Program, codes: &[Code], way: &str) {
    let mut data: BTreeMap<DataId, u64> = BTreeMap::new();
    let mut record = |id: DataId, at: u64| {
        let known = *data.entry(id).or_insert(at);
        assert_eq!(known, at, "{way}: datum {id:?} is at two places");
    };
    for (at, code) in codes.iter().enumerate() {
        let func = program.func(FuncId(at as u32));
        let start = view.functions[&func.name];
        assert!(
            func.cold || start.is_multiple_of(16),
            "{way}: {}",
            func.name
        );
        let mut bytes = view.bytes(start, code.bytes.len()).to_vec();
        for code_ref in &code.refs {
            let field = start + u64::from(code_ref.at);
            let next = field
                + 4
                + match code_ref.kind {
                    RefKind::X64Local { trailing } | RefKind::X64SlotOther { trailing } => {
                        trailing.into()
                    }
                    _ => 0,
                };
            let reached = next.wrapping_add_signed(view.half(field) as i32 as i64);
            match (code_ref.to, code_ref.kind) {
                (Referent::Func(id), _) => {
                    let wanted = view.functions[&program.func(id).name];
                    assert_eq!(reached, wanted, "{way}: {}+{field:#x}", func.name);
                }
                (Referent::Data(id), _) => {
                    record(id, reached.wrapping_add_signed(-code_ref.addend));
                }
                (Referent::Import(id), kind) => {
                    let slot = match kind {
                        RefKind::X64Plt => stub_slot(view, reached),
                        _ => reached,
                    };
                    let name = program.imports[id.index()].name.clone();
                    assert_eq!(view.pointers.get(&slot), Some(&To::Import(name)), "{way}");
                }
            }
            bytes[code_ref.at as usize..][..4].fill(0);
        }
        assert_eq!(bytes, code.bytes, "{way}: {}", func.name);
    }
    let mut open: Vec<(DataId, u64)> = data.clone().into_iter().collect();
    while let Some((id, start)) = open.pop() {
        let datum = &program.data[id.index()];
        assert_eq!(start % u64::from(datum.align), 0, "{way}: {}", datum.name);
        let mut bytes = view.bytes(start, datum.bytes.len()).to_vec();
        for &(at, to) in &datum.pointers {
            let place = start + u64::from(at);
            // What ELF modules fill in themselves has the address it is linked for.
            let held = view.pointers.get(&place).cloned();
            let held = held.unwrap_or_else(|| To::Here(view.word(place)));
            match (to, &held) {
                (Pointee::Func(id), To::Here(address)) => {
                    assert_eq!(*address, view.functions[&program.func(id).name], "{way}");
                }
                (Pointee::Data(id, into), To::Here(address)) => {
                    let place = address - into;
                    if *data.entry(id).or_insert_with(|| {
                        open.push((id, place));
                        place
                    }) != place
                    {
                        panic!("{way}: datum {id:?} is at two places");
                    }
                }
                (Pointee::Import(id), To::Import(name)) => {
                    assert_eq!(*name, program.imports[id.index()].name, "{way}");
                }
                (wanted, held) => panic!("{way}: {wanted:?} is {held:?}"),
            }
            bytes[at as usize..][..8].fill(0);
        }
        assert_eq!(bytes, datum.bytes, "{way}: {}", datum.name);
    }
}

/// The slot that a stub jumps through.
fn stub_slot(view: &View, mut at: u64) -> u64 {
    if view.bytes(at, 4) == [0xf3, 0x0f, 0x1e, 0xfa] {
        at += 4;
    }
    // Linkers that think of MPX say `bnd`; mold passes the number of the relocation (`mov r11d, n`).
    if view.bytes(at, 1) == [0xf2] {
        at += 1;
    } else if view.bytes(at, 2) == [0x41, 0xbb] {
        at += 6;
    }
    assert_eq!(view.bytes(at, 2), [0xff, 0x25], "jmp [rip + slot]");
    (at + 6).wrapping_add_signed(view.half(at + 2) as i32 as i64)
}

const DARWIN: &str = "x86_64-apple-darwin";
const WINDOWS: &[&str] = &["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"];

/// A target's row, and the same with chained fixups where it is Apple's.
fn darwin() -> [Target; 2] {
    let row = target::find(DARWIN).unwrap();
    [row.min_os, Some((12, 0))].map(|min_os| Target { min_os, ..*row })
}

fn own(program: &Program, codes: &[Code], target: &Target) -> Vec<u8> {
    module::write(&build(program, codes, target), target)
}

fn programs(count: u64) -> impl Iterator<Item = (Program, Vec<Code>)> {
    std::iter::once(tiny()).chain((0..count).map(random_program))
}

#[test]
fn elf_modules_say_what_their_programs_say() {
    for (program, codes) in programs(300) {
        let file = own(&program, &codes, crate::programs::target());
        check(
            &View::of_elf(&file, &program, &codes, crate::programs::target()),
            &program,
            &codes,
            &program.name,
        );
    }
}

#[test]
fn mach_o_modules_say_what_their_programs_say() {
    for (program, codes) in programs(200) {
        for target in darwin() {
            let file = own(&program, &codes, &target);
            let way = format!("{} {:?}", program.name, target.min_os);
            check(&View::of_macho(&file), &program, &codes, &way);
        }
    }
}

#[test]
fn pe_modules_say_what_their_programs_say() {
    for (program, codes) in std::iter::once(tiny()).chain((0..200).map(windows_program)) {
        let target = target::find(WINDOWS[0]).unwrap();
        let file = own(&program, &codes, target);
        let view = View::of_pe(&file, &program, &codes, target);
        check(&view, &program, &codes, &program.name);
        let gnu = target::find(WINDOWS[1]).unwrap();
        assert!(file == own(&program, &codes, gnu), "one module for both");
    }
}

/// The checker itself is held against those who link for a living.
#[test]
fn what_linkers_make_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("m.o"), folder.path().join("m.so"));
    let elf = crate::programs::target();
    let darwin = target::find(DARWIN).unwrap();
    let msvc = target::find(WINDOWS[0]).unwrap();
    let rows = [
        ("ld", elf),
        ("ld.lld", elf),
        ("mold", elf),
        ("ld.gold", elf),
        ("cc", elf),
        ("lld", darwin),
        ("lld-link", msvc),
    ];
    for (name, target) in rows {
        if tool(name).is_none() {
            continue;
        }
        let linker = link::resolve(name, target).unwrap();
        // Import libraries have no functions made up at random.
        let random = target.python_library.is_none().then(|| programs(12));
        let all = random
            .into_iter()
            .flatten()
            .chain([example("numbers", target)]);
        for (program, codes) in all {
            std::fs::write(&made, write(&build(&program, &codes, target), target)).unwrap();
            link::link(&linker, target, &made, &output).unwrap();
            let file = std::fs::read(&output).unwrap();
            let view = match name {
                "lld" => View::of_macho(&file),
                "lld-link" => View::of_pe(&file, &program, &codes, target),
                _ => View::of_elf(&file, &program, &codes, target),
            };
            check(
                &view,
                &program,
                &codes,
                &format!("{} by {name}", program.name),
            );
        }
    }
}

#[test]
fn readers_have_no_objection_to_any_module() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let elf = crate::programs::target();
    let msvc = target::find(WINDOWS[0]).unwrap();
    let [opcodes, chains] = darwin();
    let macho = [
        "--macho",
        "--private-headers",
        "--exports-trie",
        "--unwind-info",
    ];
    // LLVM knows them from 16 on; no target of the table is so new yet.
    let fixups = ["--macho", "--chained-fixups", "--dyld-info"];
    let help = Command::new("llvm-objdump").arg("--help").output();
    let knows = help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains(fixups[1]));
    let newer = ["llvm-objdump-16", "llvm-objdump"][usize::from(knows)];
    let rows: [(&str, &[&str], &[&Target]); 5] = [
        ("readelf", &["-aW"], &[elf]),
        ("eu-elflint", &["--gnu-ld"], &[elf]),
        (
            "llvm-readobj",
            &["--all", "--unwind"],
            &[elf, msvc, &opcodes, &chains],
        ),
        ("llvm-objdump", &macho, &[&opcodes, &chains]),
        (newer, &fixups, &[&chains]),
    ];
    for (name, options, targets) in rows {
        let Some(reader) = tool(name) else {
            continue;
        };
        for target in targets {
            for (program, codes) in std::iter::once(tiny()).chain((0..20).map(windows_program)) {
                std::fs::write(&path, own(&program, &codes, target)).unwrap();
                let said = run(Command::new(&reader).args(options).arg(&path));
                assert!(!said.contains("warning"), "{name}: {said}");
                if name == "eu-elflint" {
                    assert_eq!(said, "No errors\n", "{}", program.name);
                }
                if options.contains(&fixups[1]) {
                    assert!(said.contains("chained fixups header"), "{said}");
                }
            }
        }
    }
}

#[test]
fn the_same_program_gives_the_same_module() {
    let [opcodes, chains] = darwin();
    let msvc = target::find(WINDOWS[0]).unwrap();
    for seed in 0..20 {
        let (one, two) = (windows_program(seed), windows_program(seed));
        for target in [crate::programs::target(), msvc, &opcodes, &chains] {
            assert!(own(&one.0, &one.1, target) == own(&two.0, &two.1, target));
        }
    }
}
