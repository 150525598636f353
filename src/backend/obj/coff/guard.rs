//! What an object brings so that linkers make the tables of control-flow guard (Microsoft, "PE Format", load configuration structure).
//! In programs of a C compiler this comes with its runtime library, which our modules do without.
//!
//! ```text
//! .rdata   _load_config_used   points at all of the following
//! .data    the security cookie, which Windows sets
//! .00cfg   two pointers that Windows sets: to a function that checks a target, and to one that checks it and jumps there
//! .text    what the two point at until then: `ret`, and `jmp rax` or `br x9`
//! ```
//!
//! Our own calls through pointers are not checked; who is called by others through a pointer is in the table.

use object::write::{SectionId, Symbol, SymbolId, SymbolSection};
use object::{SectionKind, SymbolFlags, SymbolKind, SymbolScope};

use super::{Addresses, Writer, addresses, undefined};
use crate::target::Arch;

/// Size of `IMAGE_LOAD_CONFIG_DIRECTORY64` up to and with its `GuardEHContinuationCount`.
pub const SIZE: u32 = 0x118;

// Offsets of its fields.
pub const SECURITY_COOKIE: u64 = 0x58;
pub const GUARD_CF_CHECK_FUNCTION_POINTER: u64 = 0x70;
pub const GUARD_CF_DISPATCH_FUNCTION_POINTER: u64 = 0x78;
pub const GUARD_CF_FUNCTION_TABLE: u64 = 0x80;
pub const GUARD_CF_FUNCTION_COUNT: u64 = 0x88;
pub const GUARD_FLAGS: u64 = 0x90;

/// The value by which Windows knows that nobody has set the cookie yet.
pub const DEFAULT_COOKIE: u64 = 0x2b99_2ddf_a232;

/// A function that returns, and one that jumps to what a register points at. Nobody of ours calls them, so they are nobody's target either.
pub fn stubs(arch: Arch) -> &'static [u8] {
    match arch {
        // ret; jmp rax.
        Arch::X86_64 => &[0xc3, 0xff, 0xe0],
        // ret; br x9.
        Arch::Aarch64 => &[0xc0, 0x03, 0x5f, 0xd6, 0x20, 0x01, 0x1f, 0xd6],
    }
}

/// The size of the first of them, and the alignment of both.
pub fn stub_size(arch: Arch) -> u32 {
    match arch {
        Arch::X86_64 => 1,
        Arch::Aarch64 => 4,
    }
}

impl Writer<'_> {
    /// Adds all of it.
    pub(super) fn add_guard(&mut self, arch: Arch) {
        let Addresses { whole, half, .. } = addresses(arch);
        let text = self.add_section(".text", SectionKind::Text);
        self.object
            .set_section_data(text, stubs(arch), stub_size(arch).into());
        let check = self.add_local("guard.check", SymbolKind::Text, text, 0);
        let dispatch = self.add_local(
            "guard.dispatch",
            SymbolKind::Text,
            text,
            stub_size(arch).into(),
        );

        let data = self.add_section(".data", SectionKind::Data);
        let cookie = DEFAULT_COOKIE.to_le_bytes();
        self.object.set_section_data(data, cookie.to_vec(), 8);
        let cookie = self.add_local("guard.cookie", SymbolKind::Data, data, 0);

        let pointers = self.add_section(".00cfg", SectionKind::ReadOnlyData);
        self.object.set_section_data(pointers, vec![0; 16], 8);
        self.relocate(pointers, 0, check, 0, whole);
        self.relocate(pointers, 8, dispatch, 0, whole);
        let check = self.add_local("guard.check_pointer", SymbolKind::Data, pointers, 0);
        let dispatch = self.add_local("guard.dispatch_pointer", SymbolKind::Data, pointers, 8);

        let config = self.add_section(".rdata", SectionKind::ReadOnlyData);
        let mut bytes = SIZE.to_le_bytes().to_vec();
        bytes.resize(SIZE as usize, 0);
        self.object.set_section_data(config, bytes, 8);
        // By this name linkers find it.
        self.object.add_symbol(Symbol {
            scope: SymbolScope::Linkage,
            ..local("_load_config_used", SymbolKind::Data, config, 0)
        });
        let mut of_linker = |name: &str| self.object.add_symbol(undefined(name.to_owned()));
        let table = of_linker("__guard_fids_table");
        let count = of_linker("__guard_fids_count");
        let flags = of_linker("__guard_flags");
        for (field, symbol, r_type) in [
            (SECURITY_COOKIE, cookie, whole),
            (GUARD_CF_CHECK_FUNCTION_POINTER, check, whole),
            (GUARD_CF_DISPATCH_FUNCTION_POINTER, dispatch, whole),
            (GUARD_CF_FUNCTION_TABLE, table, whole),
            (GUARD_CF_FUNCTION_COUNT, count, whole),
            (GUARD_FLAGS, flags, half),
        ] {
            self.relocate(config, field, symbol, 0, r_type);
        }
    }

    fn add_local(&mut self, name: &str, kind: SymbolKind, section: SectionId, at: u64) -> SymbolId {
        self.object.add_symbol(local(name, kind, section, at))
    }
}

fn local(name: &str, kind: SymbolKind, section: SectionId, value: u64) -> Symbol {
    Symbol {
        name: name.as_bytes().to_vec(),
        value,
        size: 0,
        kind,
        scope: SymbolScope::Compilation,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    }
}
