//! The machines and systems we write for: one row each. The door to `target-lexicon`.

pub mod callconv;
pub mod regs;
pub mod sysv;

use callconv::CallConv;

/// Instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// AMD64, Intel 64.
    X86_64,
}

/// File formats of objects and modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Linux.
    Elf,
}

/// A target's row.
#[derive(Debug)]
pub struct Target {
    /// Its canonical triple.
    pub triple: &'static str,
    /// Instruction set.
    pub arch: Arch,
    /// File format.
    pub format: Format,
    /// The platform's C convention.
    pub c: &'static CallConv,
    /// The convention between functions of one program.
    pub internal: &'static CallConv,
    /// Size of C's `long` in bytes.
    pub long_size: u32,
    /// What stands before C names in symbol tables.
    pub symbol_prefix: &'static str,
    /// Indirect calls may only arrive at landing pads (`endbr64`).
    pub landing_pads: bool,
    /// Name of an object file behind the module's name.
    pub object_suffix: &'static str,
    /// Name of an importable module behind the module's name, for a stable-ABI module.
    pub module_suffix: &'static str,
}

/// All targets.
pub static TARGETS: &[Target] = &[Target {
    triple: "x86_64-unknown-linux-gnu",
    arch: Arch::X86_64,
    format: Format::Elf,
    c: &sysv::SYSV,
    internal: &sysv::SYSV_INTERNAL,
    long_size: 8,
    symbol_prefix: "",
    landing_pads: true,
    object_suffix: ".o",
    module_suffix: ".abi3.so",
}];

/// The row of a triple, in whatever spelling `target-lexicon` takes for the same machine and system.
///
/// # Errors
/// A sentence that says what is wrong with the triple, and which ones there are.
pub fn find(triple: &str) -> Result<&'static Target, String> {
    let known = || {
        TARGETS
            .iter()
            .map(|t| t.triple)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let wanted: target_lexicon::Triple = triple.parse().map_err(|e| {
        format!(
            "`{triple}` is not a target triple ({e}); the targets are: {}",
            known()
        )
    })?;
    let same = |row: &&Target| {
        let row: target_lexicon::Triple = row
            .triple
            .parse()
            .expect("the table's triples are well formed");
        (row.architecture, row.operating_system, row.environment)
            == (
                wanted.architecture,
                wanted.operating_system,
                wanted.environment,
            )
    };
    TARGETS.iter().find(same).ok_or_else(|| {
        format!(
            "`{triple}` is not a target of pyasmgen yet; the targets are: {}",
            known()
        )
    })
}

/// The target this program runs on, or the first of the table where we have no row for it.
pub fn host() -> &'static Target {
    find(&target_lexicon::HOST.to_string()).unwrap_or(&TARGETS[0])
}

/// Whether modules for a target can be loaded on the machine this program runs on. Which C library it has does not matter to them.
pub fn runs_here(target: &Target) -> bool {
    let row: target_lexicon::Triple = target
        .triple
        .parse()
        .expect("the table's triples are well formed");
    let host = target_lexicon::HOST;
    (row.architecture, row.operating_system) == (host.architecture, host.operating_system)
}
