//! Mach-O's numbers in words, and how its symbols are called in C.
//!
//! In: numbers. Out: the names of Apple's headers (`mach-o/loader.h`, `mach-o/reloc.h`) without their prefixes; what has no name stays
//! a number.

use goblin::mach::constants as c;

/// The symbol's name in C: without the underscore.
pub fn c_name(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

/// Kinds of files.
pub const FILES: &[(u32, &str)] = &[
    (1, "relocatable object"),
    (2, "program"),
    (4, "core dump"),
    (6, "dynamic library"),
    (7, "dynamic linker"),
    (8, "bundle"),
    (9, "stub library"),
    (10, "debug symbols"),
    (11, "kernel extension"),
    (12, "file set"),
];

/// Flags of the file.
pub const FILE_FLAGS: &[(u32, &str)] = &[
    (0x1, "NOUNDEFS"),
    (0x4, "DYLDLINK"),
    (0x80, "TWOLEVEL"),
    (0x2000, "SUBSECTIONS_VIA_SYMBOLS"),
    (0x8000, "WEAK_DEFINES"),
    (0x1_0000, "BINDS_TO_WEAK"),
    (0x2_0000, "ALLOW_STACK_EXECUTION"),
    (0x10_0000, "NO_REEXPORTED_DYLIBS"),
    (0x20_0000, "PIE"),
    (0x80_0000, "HAS_TLV_DESCRIPTORS"),
    (0x100_0000, "NO_HEAP_EXECUTION"),
];

/// Machines: CPU type.
pub const MACHINES: &[(u32, &str)] = &[
    (7, "I386"),
    (0x100_0007, "X86_64"),
    (12, "ARM"),
    (0x100_000c, "ARM64"),
    (0x200_000c, "ARM64_32"),
    (18, "POWERPC"),
    (0x100_0012, "POWERPC64"),
];

/// Platforms of `LC_BUILD_VERSION`.
pub const PLATFORMS: &[(u32, &str)] = &[
    (1, "macOS"),
    (2, "iOS"),
    (3, "tvOS"),
    (4, "watchOS"),
    (6, "Mac Catalyst"),
    (7, "iOS simulator"),
    (11, "visionOS"),
];

/// Types of sections.
pub const SECTIONS: &[(u32, &str)] = &[
    (c::S_REGULAR, "REGULAR"),
    (c::S_ZEROFILL, "ZEROFILL"),
    (c::S_CSTRING_LITERALS, "CSTRING_LITERALS"),
    (c::S_4BYTE_LITERALS, "4BYTE_LITERALS"),
    (c::S_8BYTE_LITERALS, "8BYTE_LITERALS"),
    (c::S_LITERAL_POINTERS, "LITERAL_POINTERS"),
    (c::S_NON_LAZY_SYMBOL_POINTERS, "NON_LAZY_SYMBOL_POINTERS"),
    (c::S_LAZY_SYMBOL_POINTERS, "LAZY_SYMBOL_POINTERS"),
    (c::S_SYMBOL_STUBS, "SYMBOL_STUBS"),
    (c::S_MOD_INIT_FUNC_POINTERS, "MOD_INIT_FUNC_POINTERS"),
    (c::S_MOD_TERM_FUNC_POINTERS, "MOD_TERM_FUNC_POINTERS"),
    (c::S_COALESCED, "COALESCED"),
    (c::S_16BYTE_LITERALS, "16BYTE_LITERALS"),
    (c::S_THREAD_LOCAL_REGULAR, "THREAD_LOCAL_REGULAR"),
    (c::S_THREAD_LOCAL_ZEROFILL, "THREAD_LOCAL_ZEROFILL"),
    (c::S_THREAD_LOCAL_VARIABLES, "THREAD_LOCAL_VARIABLES"),
    (22, "INIT_FUNC_OFFSETS"),
];

/// Attributes of sections.
pub const ATTRIBUTES: &[(u32, &str)] = &[
    (c::S_ATTR_PURE_INSTRUCTIONS, "PURE_INSTRUCTIONS"),
    (c::S_ATTR_SOME_INSTRUCTIONS, "SOME_INSTRUCTIONS"),
    (c::S_ATTR_NO_TOC, "NO_TOC"),
    (c::S_ATTR_STRIP_STATIC_SYMS, "STRIP_STATIC_SYMS"),
    (c::S_ATTR_NO_DEAD_STRIP, "NO_DEAD_STRIP"),
    (c::S_ATTR_LIVE_SUPPORT, "LIVE_SUPPORT"),
    (c::S_ATTR_SELF_MODIFYING_CODE, "SELF_MODIFYING_CODE"),
    (c::S_ATTR_DEBUG, "DEBUG"),
    (c::S_ATTR_EXT_RELOC, "EXT_RELOC"),
    (c::S_ATTR_LOC_RELOC, "LOC_RELOC"),
];

/// Relocations of x86-64 by number.
pub const X64_RELOCATIONS: &[&str] = &[
    "UNSIGNED",
    "SIGNED",
    "BRANCH",
    "GOT_LOAD",
    "GOT",
    "SUBTRACTOR",
    "SIGNED_1",
    "SIGNED_2",
    "SIGNED_4",
    "TLV",
];

/// Relocations of arm64 by number.
pub const ARM64_RELOCATIONS: &[&str] = &[
    "UNSIGNED",
    "SUBTRACTOR",
    "BRANCH26",
    "PAGE21",
    "PAGEOFF12",
    "GOT_LOAD_PAGE21",
    "GOT_LOAD_PAGEOFF12",
    "POINTER_TO_GOT",
    "TLVP_LOAD_PAGE21",
    "TLVP_LOAD_PAGEOFF12",
    "ADDEND",
];

/// A number's name.
pub fn name(rows: &[(u32, &str)], number: u32) -> String {
    let row = rows.iter().find(|row| row.0 == number);
    row.map_or_else(|| format!("{number:#x}"), |row| row.1.to_owned())
}

/// The names of bits, joined by `|`; what has no name as a number.
pub fn bits(rows: &[(u32, &str)], value: u32) -> String {
    let set = rows.iter().filter(|row| value & row.0 != 0);
    let mut words: Vec<String> = set.map(|row| row.1.to_owned()).collect();
    let left = rows.iter().fold(value, |left, row| left & !row.0);
    if left != 0 {
        words.push(format!("{left:#x}"));
    }
    words.join("|")
}

/// Versions as Apple packs them: `xxxx.yy.zz`.
pub fn version(packed: u32) -> String {
    let (major, minor, patch) = (packed >> 16, packed >> 8 & 0xff, packed & 0xff);
    match patch {
        0 => format!("{major}.{minor}"),
        _ => format!("{major}.{minor}.{patch}"),
    }
}
