//! ELF files of any machine: objects, shared objects, programs. The door to `goblin`.
//!
//! In: the bytes. Out: a report; and, for what looks for modules, the file as memory: an object's sections and relocations, or a linked
//! file's segments and dynamic relocations, packed ones (`DT_RELR`) included. Header, segments and findings are in `facts`.

mod facts;
mod packed;

use anyhow::Context;
use goblin::elf::header::{self, EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_RISCV, EM_S390};
use goblin::elf::{Elf, Reloc, Sym, program_header, reloc, section_header as sh, sym};
use goblin::options::ParseOptions;
use goblin::strtab::Strtab;

use super::disasm::Machine;
use super::memory::{Memory, Pointer, Reference, Region, Symbol, short, with_addend};
use super::{Options, Reading, most_relocations, report};

const EM_X86_64: u16 = header::EM_X86_64;

/// Reads a file.
pub fn read(name: &str, bytes: &[u8], wanted: &Options) -> anyhow::Result<report::Report> {
    let options = ParseOptions::permissive();
    let elf = Elf::parse_with_opts(bytes, &options)
        .with_context(|| format!("{name} is a damaged ELF file"))?;
    let file = File { elf, bytes };
    let memory = file.memory();
    let report = report::Report {
        name: name.to_owned(),
        format: if file.elf.is_64 { "ELF64" } else { "ELF32" }.to_owned(),
        machine: header::machine_to_str(file.elf.header.e_machine).to_owned(),
        kind: match file.elf.header.e_type {
            header::ET_REL => "relocatable object",
            header::ET_DYN => "shared object",
            header::ET_EXEC => "program",
            header::ET_CORE => "core dump",
            _ => "unknown kind of file",
        }
        .to_owned(),
        header: facts::header(&file),
        segments: facts::segments(&file),
        needed: owned(&file.elf.libraries),
        run_paths: run_paths(&file.elf),
        exports: names(file.loader_symbols(|s| s.st_shndx != 0)),
        imports: file.loader_symbols(|s| s.st_shndx == 0),
        sections: file.sections(),
        symbols: file.symbols(),
        relocations: file.relocations(&memory),
        findings: facts::findings(&file),
        shares: facts::ranges(&file).shares(bytes),
        ..report::Report::default()
    };
    let code = match file.elf.header.e_machine {
        EM_X86_64 => Some(Machine::X86(64)),
        EM_386 => Some(Machine::X86(32)),
        EM_AARCH64 => Some(Machine::Arm64),
        _ => None,
    };
    let reading = Reading {
        report,
        memory,
        bytes,
        code,
        starts: Vec::new(),
    };
    reading.finish(wanted)
}

/// `DT_RUNPATH`, else `DT_RPATH`: folders joined by colons.
fn run_paths(elf: &Elf) -> Vec<String> {
    let all = elf.rpaths.iter().chain(&elf.runpaths);
    let folders = all.flat_map(|paths| paths.split(':'));
    folders
        .filter(|folder| !folder.is_empty())
        .map(str::to_owned)
        .collect()
}

fn names(imports: Vec<report::Import>) -> Vec<String> {
    imports.into_iter().map(|import| import.name).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

/// Relocations that make a pointer, by machine.
struct PointerKinds {
    machine: u16,
    /// Plain address of a symbol.
    absolute: u32,
    /// Load address plus addend.
    relative: u32,
    /// Address of a symbol in a slot of its own, found at load or at the first call.
    slots: [u32; 2],
}

/// Numbers by the psABI of each machine.
const POINTER_KINDS: &[PointerKinds] = &[
    kinds(
        EM_X86_64,
        reloc::R_X86_64_64,
        reloc::R_X86_64_RELATIVE,
        [reloc::R_X86_64_GLOB_DAT, reloc::R_X86_64_JUMP_SLOT],
    ),
    kinds(
        EM_AARCH64,
        reloc::R_AARCH64_ABS64,
        reloc::R_AARCH64_RELATIVE,
        [reloc::R_AARCH64_GLOB_DAT, reloc::R_AARCH64_JUMP_SLOT],
    ),
    kinds(
        EM_386,
        reloc::R_386_32,
        reloc::R_386_RELATIVE,
        [reloc::R_386_GLOB_DAT, reloc::R_386_JMP_SLOT],
    ),
    kinds(
        EM_ARM,
        reloc::R_ARM_ABS32,
        reloc::R_ARM_RELATIVE,
        [reloc::R_ARM_GLOB_DAT, reloc::R_ARM_JUMP_SLOT],
    ),
    // RISC-V has no slot kind for data.
    kinds(EM_RISCV, 2, 3, [2, 5]),
    kinds(EM_PPC64, 38, 22, [20, 21]),
    kinds(EM_S390, 22, 12, [10, 11]),
];

const fn kinds(machine: u16, absolute: u32, relative: u32, slots: [u32; 2]) -> PointerKinds {
    PointerKinds {
        machine,
        absolute,
        relative,
        slots,
    }
}

/// Relocations of code that hold a distance to a symbol, to its slot or to its stub, or part of one.
const DISTANCES: &[(u16, u32)] = &[
    (EM_X86_64, reloc::R_X86_64_PC32),
    (EM_X86_64, reloc::R_X86_64_PLT32),
    (EM_X86_64, reloc::R_X86_64_GOTPCREL),
    (EM_X86_64, reloc::R_X86_64_GOTPCRELX),
    (EM_X86_64, reloc::R_X86_64_REX_GOTPCRELX),
    (EM_AARCH64, reloc::R_AARCH64_CALL26),
    (EM_AARCH64, reloc::R_AARCH64_JUMP26),
    (EM_AARCH64, reloc::R_AARCH64_ADR_PREL_PG_HI21),
    (EM_AARCH64, reloc::R_AARCH64_ADD_ABS_LO12_NC),
    (EM_AARCH64, reloc::R_AARCH64_ADR_GOT_PAGE),
    (EM_AARCH64, reloc::R_AARCH64_LD64_GOT_LO12_NC),
];

struct File<'a> {
    elf: Elf<'a>,
    bytes: &'a [u8],
}

impl<'a> File<'a> {
    fn is_object(&self) -> bool {
        self.elf.header.e_type == header::ET_REL
    }

    fn word(&self) -> u64 {
        if self.elf.is_64 { 8 } else { 4 }
    }

    fn section_name(&self, index: usize) -> &'a str {
        let header = self.elf.section_headers.get(index);
        header
            .and_then(|s| self.elf.shdr_strtab.get_at(s.sh_name))
            .unwrap_or("")
    }

    /// A section's content in the file, as far as it is there.
    fn content(&self, section: &sh::SectionHeader) -> &'a [u8] {
        if section.sh_type == sh::SHT_NOBITS {
            return &[];
        }
        super::slice(self.bytes, section.sh_offset, section.sh_size)
    }

    /// Where we put a section of an object: far from the others.
    fn section_base(index: usize) -> u64 {
        (index as u64 + 1) << 32
    }

    fn symbol_name(&self, symbol: &Sym, strings: &Strtab<'a>) -> String {
        let name = strings.get_at(symbol.st_name).unwrap_or("");
        if name.is_empty() && symbol.st_type() == sym::STT_SECTION {
            return self.section_name(symbol.st_shndx).to_owned();
        }
        short(name).to_owned()
    }

    /// The address of a defined symbol in [`File::memory`].
    fn symbol_address(&self, symbol: &Sym) -> Option<u64> {
        let index = symbol.st_shndx;
        if index == 0 {
            return None;
        }
        if !self.is_object() {
            return Some(symbol.st_value);
        }
        self.elf.section_headers.get(index)?;
        Some(Self::section_base(index).wrapping_add(symbol.st_value))
    }

    fn sections(&self) -> Vec<report::Section> {
        let describe = |(index, section): (usize, &sh::SectionHeader)| report::Section {
            name: self.section_name(index).to_owned(),
            kind: section_type(section.sh_type),
            flags: section_flags(section.sh_flags),
            address: section.sh_addr,
            offset: section.sh_offset,
            size: section.sh_size,
            align: section.sh_addralign,
        };
        let headers = self.elf.section_headers.iter().enumerate();
        headers.skip(1).map(describe).collect()
    }

    /// The full symbol table, or, in a stripped file, the loader's.
    fn symbols(&self) -> Vec<report::Symbol> {
        let (table, strings) = if self.elf.syms.is_empty() {
            (&self.elf.dynsyms, &self.elf.dynstrtab)
        } else {
            (&self.elf.syms, &self.elf.strtab)
        };
        let describe = |symbol: Sym| report::Symbol {
            name: self.symbol_name(&symbol, strings),
            kind: sym::type_to_str(symbol.st_type()).to_owned(),
            binding: sym::bind_to_str(symbol.st_bind()).to_owned(),
            visibility: sym::visibility_to_str(symbol.st_visibility()).to_owned(),
            section: match symbol.st_shndx as u32 {
                sh::SHN_UNDEF => "UND".to_owned(),
                sh::SHN_ABS => "ABS".to_owned(),
                sh::SHN_COMMON => "COM".to_owned(),
                _ => self.section_name(symbol.st_shndx).to_owned(),
            },
            value: symbol.st_value,
            size: symbol.st_size,
        };
        table.iter().skip(1).map(describe).collect()
    }

    /// Names that cross the file's border: the loader's table, or an object's global symbols.
    fn loader_symbols(&self, wanted: impl Fn(&Sym) -> bool) -> Vec<report::Import> {
        let (table, strings) = if self.is_object() {
            (&self.elf.syms, &self.elf.strtab)
        } else {
            (&self.elf.dynsyms, &self.elf.dynstrtab)
        };
        let crosses = |s: &Sym| {
            s.st_bind() != sym::STB_LOCAL
                && [sym::STV_DEFAULT, sym::STV_PROTECTED].contains(&s.st_visibility())
        };
        let describe = |symbol: Sym| report::Import {
            name: self.symbol_name(&symbol, strings),
            weak: symbol.st_bind() == sym::STB_WEAK,
            ..report::Import::default()
        };
        let all = table.iter().skip(1);
        let mut found: Vec<report::Import> = all
            .filter(|s| crosses(s) && wanted(s))
            .map(describe)
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    fn relocations(&self, memory: &Memory) -> Vec<report::Relocation> {
        let mut out = Vec::new();
        let machine = self.elf.header.e_machine;
        for (index, list) in &self.elf.shdr_relocs {
            let header = &self.elf.section_headers[*index];
            let (section, symbols, strings) = if self.is_object() {
                let changed = self.section_name(header.sh_info as usize);
                (changed, &self.elf.syms, &self.elf.strtab)
            } else {
                ("", &self.elf.dynsyms, &self.elf.dynstrtab)
            };
            let left = most_relocations(self.bytes, 8).saturating_sub(out.len());
            for r in list.iter().take(left) {
                let symbol = symbols.get(r.r_sym).filter(|_| r.r_sym != 0);
                let addend = r.r_addend.unwrap_or(0);
                out.push(report::Relocation {
                    section: section.to_owned(),
                    offset: r.r_offset,
                    kind: match reloc::r_to_str(r.r_type, machine) {
                        name if name.contains("UNKNOWN") => format!("type {}", r.r_type),
                        name => format!("R_{}", name.trim_start_matches("R_")),
                    },
                    target: match symbol {
                        Some(symbol) => with_addend(&self.symbol_name(&symbol, strings), addend),
                        None => memory
                            .pointer(r.r_offset)
                            .and_then(|pointer| memory.describe_pointer(&pointer))
                            .unwrap_or_default(),
                    },
                });
            }
        }
        let (packed, own) = if self.is_object() {
            (Vec::new(), Vec::new())
        } else {
            (self.packed_relocations(memory), self.own_pointers(memory))
        };
        let packed = packed.into_iter().map(|at| (at, "RELR"));
        out.extend(
            packed
                .chain(own.into_iter().map(|at| (at, "SELF")))
                .map(|(at, kind)| report::Relocation {
                    section: String::new(),
                    offset: at,
                    kind: kind.to_owned(),
                    target: memory
                        .pointer(at)
                        .and_then(|pointer| memory.describe_pointer(&pointer))
                        .unwrap_or_default(),
                }),
        );
        out
    }

    /// The file as memory, with the pointers that are filled in.
    fn memory(&self) -> Memory<'a> {
        let mut memory = Memory::new(self.word(), !self.elf.little_endian);
        memory.by_section = self.is_object();
        if self.is_object() {
            self.add_sections(&mut memory);
        } else {
            self.add_segments(&mut memory);
        }
        let tables = [
            (&self.elf.syms, &self.elf.strtab),
            (&self.elf.dynsyms, &self.elf.dynstrtab),
        ];
        for (table, strings) in tables {
            for symbol in table.iter() {
                self.add_symbol(&mut memory, &symbol, strings);
            }
        }
        self.add_pointers(&mut memory);
        memory
    }

    fn add_sections(&self, memory: &mut Memory<'a>) {
        for (index, section) in self.elf.section_headers.iter().enumerate() {
            if section.is_alloc() {
                memory.add_region(Region {
                    start: Self::section_base(index),
                    // An object's section is no larger than the distance between two of ours.
                    size: section.sh_size.min(u64::from(u32::MAX)),
                    bytes: self.content(section),
                    offset: section.sh_offset,
                    writable: section.is_writable(),
                    executable: section.is_executable(),
                    name: Some(self.section_name(index).to_owned()),
                });
            }
        }
    }

    fn add_segments(&self, memory: &mut Memory<'a>) {
        let loaded = self.elf.program_headers.iter();
        for segment in loaded.filter(|p| p.p_type == program_header::PT_LOAD) {
            memory.add_region(Region {
                start: segment.p_vaddr,
                size: segment.p_memsz,
                bytes: super::slice(
                    self.bytes,
                    segment.p_offset,
                    segment.p_filesz.min(segment.p_memsz),
                ),
                offset: segment.p_offset,
                writable: segment.is_write(),
                executable: segment.is_executable(),
                name: None,
            });
        }
        let sections = self.elf.section_headers.iter();
        for section in sections.filter(|s| s.is_alloc() && s.is_executable()) {
            let end = section.sh_addr.saturating_add(section.sh_size);
            memory.add_code(section.sh_addr..end);
        }
    }

    fn add_symbol(&self, memory: &mut Memory<'a>, symbol: &Sym, strings: &Strtab<'a>) {
        let named = [sym::STT_FUNC, sym::STT_OBJECT, sym::STT_NOTYPE].contains(&symbol.st_type());
        let name = self.symbol_name(symbol, strings);
        if let Some(at) = self.symbol_address(symbol)
            && named
            && !name.is_empty()
            && memory.region(at).is_some()
        {
            let symbol = Symbol {
                name,
                size: symbol.st_size,
                global: symbol.st_bind() != sym::STB_LOCAL,
            };
            memory.add_symbol(at, symbol);
        }
    }

    fn add_pointers(&self, memory: &mut Memory<'a>) {
        let machine = self.elf.header.e_machine;
        let Some(kinds) = POINTER_KINDS.iter().find(|row| row.machine == machine) else {
            return;
        };
        let object = self.is_object();
        let mut add = |base: u64, r: &Reloc| {
            let at = base.wrapping_add(r.r_offset);
            let addend = match r.r_addend {
                Some(addend) => addend,
                None => memory.read(at, self.word()).unwrap_or(0) as i64,
            };
            // In a slot that is filled at the first call, what stands there leads to the resolver.
            let lazy = r.r_addend.is_none() && r.r_type == kinds.slots[1];
            let pointer = if r.r_type == kinds.relative && !object {
                Some(Pointer::To(addend as u64))
            } else if r.r_type == kinds.absolute {
                self.symbol_pointer(r.r_sym, addend)
            } else if kinds.slots.contains(&r.r_type) && !object {
                self.symbol_pointer(r.r_sym, if lazy { 0 } else { addend })
            } else {
                None
            };
            if object && DISTANCES.contains(&(machine, r.r_type)) {
                let reference = self.symbol_pointer(r.r_sym, 0).map(|target| Reference {
                    target,
                    more: addend,
                });
                reference
                    .into_iter()
                    .for_each(|r| memory.add_reference(at, r));
            }
            if let Some(pointer) = pointer
                && memory.region(at).is_some()
            {
                memory.add_pointer(at, pointer);
            }
        };
        if object {
            let mut left = most_relocations(self.bytes, 8);
            for (index, list) in &self.elf.shdr_relocs {
                let changed = self.elf.section_headers[*index].sh_info as usize;
                for r in list.iter().take(left) {
                    add(Self::section_base(changed), &r);
                    left -= 1;
                }
            }
            return;
        }
        let lists = [&self.elf.dynrelas, &self.elf.dynrels, &self.elf.pltrelocs];
        for list in lists {
            list.iter().for_each(|r| add(0, &r));
        }
        let own = self.own_pointers(memory);
        for at in self.packed_relocations(memory).into_iter().chain(own) {
            if let Some(to) = memory.read(at, self.word()) {
                memory.add_pointer(at, Pointer::To(to));
            }
        }
    }

    /// The address of a symbol plus an addend, as a pointer.
    fn symbol_pointer(&self, index: usize, addend: i64) -> Option<Pointer> {
        let (table, strings) = if self.is_object() {
            (&self.elf.syms, &self.elf.strtab)
        } else {
            (&self.elf.dynsyms, &self.elf.dynstrtab)
        };
        let symbol = table.get(index).filter(|_| index != 0)?;
        Some(match self.symbol_address(&symbol) {
            Some(at) => Pointer::To(at.wrapping_add_signed(addend)),
            None => Pointer::Import(self.symbol_name(&symbol, strings), addend),
        })
    }
}

fn section_type(sh_type: u32) -> String {
    match sh_type {
        0x7000_0001 => "X86_64_UNWIND".to_owned(),
        19 => "RELR".to_owned(),
        other => match sh::sht_to_str(other) {
            "UNKNOWN_SHT" => format!("{other:#x}"),
            name => name.trim_start_matches("SHT_").to_owned(),
        },
    }
}

/// Flags by letter, as readelf has them.
const FLAGS: &[(u32, char)] = &[
    (sh::SHF_WRITE, 'W'),
    (sh::SHF_ALLOC, 'A'),
    (sh::SHF_EXECINSTR, 'X'),
    (sh::SHF_MERGE, 'M'),
    (sh::SHF_STRINGS, 'S'),
    (sh::SHF_INFO_LINK, 'I'),
    (sh::SHF_LINK_ORDER, 'L'),
    (sh::SHF_GROUP, 'G'),
    (sh::SHF_TLS, 'T'),
    (sh::SHF_COMPRESSED, 'C'),
];

fn section_flags(flags: u64) -> String {
    let set = FLAGS.iter().filter(|row| flags & u64::from(row.0) != 0);
    set.map(|row| row.1).collect()
}
