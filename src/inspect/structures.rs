//! Structures that a file's headers and tables are made of: a row for each, with its fields.
//!
//! Rows are found by format and by what a share is called. Names are those of the gABI, of the "PE Format" page and `winnt.h`, and of
//! `mach-o/loader.h`, `nlist.h`, `reloc.h`. Not here: CPython's structures (`frontend::capi::layout`), and tables of variable layout.

/// How a structure fills its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// It stands at the start; what follows is something else.
    Once,
    /// The share is an array of it.
    Array,
    /// As an array, but each entry says in its last byte how many of the next ones are of another kind.
    ArrayWithMore,
    /// One follows the other; each says in its second field how many bytes it has, itself included.
    Chain,
}

/// A structure of a file format.
#[derive(Debug)]
pub struct Structure {
    /// Format, as reports say it.
    pub format: &'static str,
    /// What the share is called; a name that ends with `*` stands for all that begin so.
    pub share: &'static str,
    /// Its name in C, before each field's.
    pub name: &'static str,
    /// How often it is there.
    pub filling: Filling,
    /// Its fields in order: name, bytes.
    pub fields: &'static [(&'static str, u64)],
}

impl Structure {
    /// `sizeof`.
    pub fn size(&self) -> u64 {
        self.fields.iter().map(|(_, size)| size).sum()
    }
}

/// The structure that a share of a file consists of.
pub fn find(format: &str, share: &str) -> Option<&'static Structure> {
    STRUCTURES.iter().find(|row| {
        row.format == format
            && match row.share.strip_suffix('*') {
                Some(start) => share.starts_with(start),
                None => row.share == share,
            }
    })
}

const fn row(
    format: &'static str,
    share: &'static str,
    name: &'static str,
    filling: Filling,
    fields: &'static [(&'static str, u64)],
) -> Structure {
    Structure {
        format,
        share,
        name,
        filling,
        fields,
    }
}

use Filling::{Array, ArrayWithMore, Chain, Once};

static STRUCTURES: &[Structure] = &[
    row("ELF64", "ELF header", "Elf64_Ehdr", Once, EHDR),
    row("ELF64", "program headers", "Elf64_Phdr", Array, PHDR),
    row("ELF64", "section headers", "Elf64_Shdr", Array, SHDR),
    row("ELF64", ".dynsym", "Elf64_Sym", Array, SYM),
    row("ELF64", ".symtab", "Elf64_Sym", Array, SYM),
    row("ELF64", ".rela*", "Elf64_Rela", Array, RELA),
    row("ELF64", ".dynamic", "Elf64_Dyn", Array, DYN),
    row("ELF64", ".note*", "Elf64_Nhdr", Once, NHDR),
    row(
        "COFF",
        "COFF header",
        "IMAGE_FILE_HEADER",
        Once,
        FILE_HEADER,
    ),
    row(
        "COFF",
        "section headers",
        "IMAGE_SECTION_HEADER",
        Array,
        SECTION_HEADER,
    ),
    row(
        "COFF",
        "relocations of *",
        "IMAGE_RELOCATION",
        Array,
        RELOCATION,
    ),
    row("COFF", "symbols", "IMAGE_SYMBOL", ArrayWithMore, SYMBOL),
    row("PE32+", "DOS header", "IMAGE_DOS_HEADER", Once, DOS_HEADER),
    row(
        "PE32+",
        "PE headers",
        "IMAGE_NT_HEADERS64",
        Once,
        NT_HEADERS,
    ),
    row(
        "PE32+",
        "section headers",
        "IMAGE_SECTION_HEADER",
        Array,
        SECTION_HEADER,
    ),
    row(
        "PE32+",
        "import table",
        "IMAGE_IMPORT_DESCRIPTOR",
        Array,
        IMPORT,
    ),
    row(
        "PE32+",
        "import lookup table",
        "IMAGE_THUNK_DATA64",
        Array,
        THUNK,
    ),
    row(
        "PE32+",
        "import address table",
        "IMAGE_THUNK_DATA64",
        Array,
        THUNK,
    ),
    row(
        "PE32+",
        "export table",
        "IMAGE_EXPORT_DIRECTORY",
        Once,
        EXPORT,
    ),
    row(
        "PE32+",
        "debug directory",
        "IMAGE_DEBUG_DIRECTORY",
        Array,
        DEBUG,
    ),
    row("Mach-O 64", "header", "mach_header_64", Once, MACH_HEADER),
    row(
        "Mach-O 64",
        "load commands",
        "load_command",
        Chain,
        LOAD_COMMAND,
    ),
    row(
        "Mach-O 64",
        "relocations of *",
        "relocation_info",
        Array,
        RELOCATION_INFO,
    ),
    row("Mach-O 64", "symbols", "nlist_64", Array, NLIST),
    row(
        "Mach-O 64",
        "indirect symbols",
        "indirect_symbol",
        Array,
        &[("index", 4)],
    ),
];

const EHDR: &[(&str, u64)] = &[
    ("e_ident", 16),
    ("e_type", 2),
    ("e_machine", 2),
    ("e_version", 4),
    ("e_entry", 8),
    ("e_phoff", 8),
    ("e_shoff", 8),
    ("e_flags", 4),
    ("e_ehsize", 2),
    ("e_phentsize", 2),
    ("e_phnum", 2),
    ("e_shentsize", 2),
    ("e_shnum", 2),
    ("e_shstrndx", 2),
];

const PHDR: &[(&str, u64)] = &[
    ("p_type", 4),
    ("p_flags", 4),
    ("p_offset", 8),
    ("p_vaddr", 8),
    ("p_paddr", 8),
    ("p_filesz", 8),
    ("p_memsz", 8),
    ("p_align", 8),
];

const SHDR: &[(&str, u64)] = &[
    ("sh_name", 4),
    ("sh_type", 4),
    ("sh_flags", 8),
    ("sh_addr", 8),
    ("sh_offset", 8),
    ("sh_size", 8),
    ("sh_link", 4),
    ("sh_info", 4),
    ("sh_addralign", 8),
    ("sh_entsize", 8),
];

const SYM: &[(&str, u64)] = &[
    ("st_name", 4),
    ("st_info", 1),
    ("st_other", 1),
    ("st_shndx", 2),
    ("st_value", 8),
    ("st_size", 8),
];

const RELA: &[(&str, u64)] = &[("r_offset", 8), ("r_info", 8), ("r_addend", 8)];

const DYN: &[(&str, u64)] = &[("d_tag", 8), ("d_un", 8)];

const NHDR: &[(&str, u64)] = &[("n_namesz", 4), ("n_descsz", 4), ("n_type", 4)];

const FILE_HEADER: &[(&str, u64)] = &[
    ("Machine", 2),
    ("NumberOfSections", 2),
    ("TimeDateStamp", 4),
    ("PointerToSymbolTable", 4),
    ("NumberOfSymbols", 4),
    ("SizeOfOptionalHeader", 2),
    ("Characteristics", 2),
];

const SECTION_HEADER: &[(&str, u64)] = &[
    ("Name", 8),
    ("VirtualSize", 4),
    ("VirtualAddress", 4),
    ("SizeOfRawData", 4),
    ("PointerToRawData", 4),
    ("PointerToRelocations", 4),
    ("PointerToLinenumbers", 4),
    ("NumberOfRelocations", 2),
    ("NumberOfLinenumbers", 2),
    ("Characteristics", 4),
];

const RELOCATION: &[(&str, u64)] = &[("VirtualAddress", 4), ("SymbolTableIndex", 4), ("Type", 2)];

const SYMBOL: &[(&str, u64)] = &[
    ("N", 8),
    ("Value", 4),
    ("SectionNumber", 2),
    ("Type", 2),
    ("StorageClass", 1),
    ("NumberOfAuxSymbols", 1),
];

/// What stands between is for DOS.
const DOS_HEADER: &[(&str, u64)] = &[("e_magic", 2), ("e_cblp ... e_res2", 58), ("e_lfanew", 4)];

const NT_HEADERS: &[(&str, u64)] = &[
    ("Signature", 4),
    ("FileHeader.Machine", 2),
    ("FileHeader.NumberOfSections", 2),
    ("FileHeader.TimeDateStamp", 4),
    ("FileHeader.PointerToSymbolTable", 4),
    ("FileHeader.NumberOfSymbols", 4),
    ("FileHeader.SizeOfOptionalHeader", 2),
    ("FileHeader.Characteristics", 2),
    ("OptionalHeader.Magic", 2),
    ("OptionalHeader.MajorLinkerVersion", 1),
    ("OptionalHeader.MinorLinkerVersion", 1),
    ("OptionalHeader.SizeOfCode", 4),
    ("OptionalHeader.SizeOfInitializedData", 4),
    ("OptionalHeader.SizeOfUninitializedData", 4),
    ("OptionalHeader.AddressOfEntryPoint", 4),
    ("OptionalHeader.BaseOfCode", 4),
    ("OptionalHeader.ImageBase", 8),
    ("OptionalHeader.SectionAlignment", 4),
    ("OptionalHeader.FileAlignment", 4),
    ("OptionalHeader.MajorOperatingSystemVersion", 2),
    ("OptionalHeader.MinorOperatingSystemVersion", 2),
    ("OptionalHeader.MajorImageVersion", 2),
    ("OptionalHeader.MinorImageVersion", 2),
    ("OptionalHeader.MajorSubsystemVersion", 2),
    ("OptionalHeader.MinorSubsystemVersion", 2),
    ("OptionalHeader.Win32VersionValue", 4),
    ("OptionalHeader.SizeOfImage", 4),
    ("OptionalHeader.SizeOfHeaders", 4),
    ("OptionalHeader.CheckSum", 4),
    ("OptionalHeader.Subsystem", 2),
    ("OptionalHeader.DllCharacteristics", 2),
    ("OptionalHeader.SizeOfStackReserve", 8),
    ("OptionalHeader.SizeOfStackCommit", 8),
    ("OptionalHeader.SizeOfHeapReserve", 8),
    ("OptionalHeader.SizeOfHeapCommit", 8),
    ("OptionalHeader.LoaderFlags", 4),
    ("OptionalHeader.NumberOfRvaAndSizes", 4),
    ("DataDirectory[EXPORT]", 8),
    ("DataDirectory[IMPORT]", 8),
    ("DataDirectory[RESOURCE]", 8),
    ("DataDirectory[EXCEPTION]", 8),
    ("DataDirectory[SECURITY]", 8),
    ("DataDirectory[BASERELOC]", 8),
    ("DataDirectory[DEBUG]", 8),
    ("DataDirectory[ARCHITECTURE]", 8),
    ("DataDirectory[GLOBALPTR]", 8),
    ("DataDirectory[TLS]", 8),
    ("DataDirectory[LOAD_CONFIG]", 8),
    ("DataDirectory[BOUND_IMPORT]", 8),
    ("DataDirectory[IAT]", 8),
    ("DataDirectory[DELAY_IMPORT]", 8),
    ("DataDirectory[COM_DESCRIPTOR]", 8),
    ("DataDirectory[15]", 8),
];

const IMPORT: &[(&str, u64)] = &[
    ("OriginalFirstThunk", 4),
    ("TimeDateStamp", 4),
    ("ForwarderChain", 4),
    ("Name", 4),
    ("FirstThunk", 4),
];

const THUNK: &[(&str, u64)] = &[("u1", 8)];

const EXPORT: &[(&str, u64)] = &[
    ("Characteristics", 4),
    ("TimeDateStamp", 4),
    ("MajorVersion", 2),
    ("MinorVersion", 2),
    ("Name", 4),
    ("Base", 4),
    ("NumberOfFunctions", 4),
    ("NumberOfNames", 4),
    ("AddressOfFunctions", 4),
    ("AddressOfNames", 4),
    ("AddressOfNameOrdinals", 4),
];

const DEBUG: &[(&str, u64)] = &[
    ("Characteristics", 4),
    ("TimeDateStamp", 4),
    ("MajorVersion", 2),
    ("MinorVersion", 2),
    ("Type", 4),
    ("SizeOfData", 4),
    ("AddressOfRawData", 4),
    ("PointerToRawData", 4),
];

const MACH_HEADER: &[(&str, u64)] = &[
    ("magic", 4),
    ("cputype", 4),
    ("cpusubtype", 4),
    ("filetype", 4),
    ("ncmds", 4),
    ("sizeofcmds", 4),
    ("flags", 4),
    ("reserved", 4),
];

const LOAD_COMMAND: &[(&str, u64)] = &[("cmd", 4), ("cmdsize", 4)];

const RELOCATION_INFO: &[(&str, u64)] = &[("r_address", 4), ("r_symbolnum ... r_type", 4)];

const NLIST: &[(&str, u64)] = &[
    ("n_strx", 4),
    ("n_type", 1),
    ("n_sect", 1),
    ("n_desc", 2),
    ("n_value", 8),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_that_their_formats_give_them() {
        let sizes = [
            ("ELF64", "ELF header", 64),
            ("ELF64", "program headers", 56),
            ("ELF64", "section headers", 64),
            ("ELF64", ".symtab", 24),
            ("ELF64", ".rela.text", 24),
            ("ELF64", ".dynamic", 16),
            ("COFF", "COFF header", 20),
            ("COFF", "section headers", 40),
            ("COFF", "relocations of .text", 10),
            ("COFF", "symbols", 18),
            ("PE32+", "DOS header", 64),
            ("PE32+", "PE headers", 24 + 240),
            ("PE32+", "import table", 20),
            ("PE32+", "export table", 40),
            ("PE32+", "debug directory", 28),
            ("Mach-O 64", "header", 32),
            ("Mach-O 64", "relocations of __TEXT,__text", 8),
            ("Mach-O 64", "symbols", 16),
        ];
        for (format, share, size) in sizes {
            assert_eq!(
                find(format, share).map(Structure::size),
                Some(size),
                "{share}"
            );
        }
        assert!(find("ELF32", ".symtab").is_none());
    }
}
