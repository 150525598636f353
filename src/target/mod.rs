//! The machines and systems we write for: one row each. The door to `target-lexicon`.

pub mod aapcs64;
pub mod callconv;
pub mod leaf;
pub mod regs;
pub mod sysv;
pub mod win64;

use callconv::CallConv;
use target_lexicon::{Architecture, Environment, OperatingSystem, Triple};

/// Instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// AMD64, Intel 64.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

/// File formats of objects and modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Linux.
    Elf,
    /// macOS.
    MachO,
    /// Windows: objects are COFF, modules PE.
    Coff,
}

impl Format {
    /// As its own documents call it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Elf => "ELF",
            Format::MachO => "Mach-O",
            Format::Coff => "PE/COFF",
        }
    }
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
    /// That of functions that call nothing.
    pub leaf: &'static CallConv,
    /// Size of C's `long` in bytes.
    pub long_size: u32,
    /// What stands before C names in symbol tables.
    pub symbol_prefix: &'static str,
    /// Indirect calls may only arrive at landing pads (`endbr64`).
    pub landing_pads: bool,
    /// Every function that has a frame keeps a frame pointer from its first instructions to its last ones, which the system's own tools rely
    /// on.
    pub frame_pointer: bool,
    /// The return address is signed while it is in memory (Arm ARM, "Pointer authentication").
    pub signs_returns: bool,
    /// Of saved registers, those with higher numbers lie lower in memory (Apple, `compact_unwind_encoding.h`).
    pub saves_downwards: bool,
    /// Unwinders recognise epilogues by their instructions, which therefore are of one shape (Microsoft, "x64 prolog and epilog").
    pub reads_epilogues: bool,
    /// Objects bring what linkers need to make the tables of control-flow guard.
    pub guard_cf: bool,
    /// The oldest version of the system that modules run on, where files say so: major, minor.
    pub min_os: Option<(u8, u8)>,
    /// The library that has the stable ABI of whichever CPython loads a module, where a module says whence its imports come.
    pub python_library: Option<&'static str>,
    /// The C library that modules say they need. They need none; but those who read wheels tell by it what a wheel is for.
    pub c_library: Option<&'static str>,
    /// Name of an object file behind the module's name.
    pub object_suffix: &'static str,
    /// Name of an importable module behind the module's name, for a stable-ABI module.
    pub module_suffix: &'static str,
}

/// All targets.
pub static TARGETS: &[Target] = &[
    LINUX,
    // The same objects and modules: a module needs no C library of its own.
    Target {
        triple: "x86_64-unknown-linux-musl",
        ..LINUX
    },
    Target {
        triple: "x86_64-apple-darwin",
        format: Format::MachO,
        symbol_prefix: "_",
        landing_pads: false,
        frame_pointer: true,
        // The oldest that CPython's own installers of 3.9 to 3.13 run on.
        min_os: Some((10, 13)),
        ..LINUX
    },
    WINDOWS,
    Target {
        triple: "x86_64-pc-windows-gnu",
        // GNU ld makes no such tables.
        guard_cf: false,
        object_suffix: ".o",
        ..WINDOWS
    },
    LINUX_ARM64,
    Target {
        triple: "aarch64-unknown-linux-musl",
        ..LINUX_ARM64
    },
    Target {
        triple: "aarch64-apple-darwin",
        format: Format::MachO,
        c: &aapcs64::APPLE64,
        internal: &aapcs64::APPLE64_INTERNAL,
        leaf: &aapcs64::APPLE64_INTERNAL,
        symbol_prefix: "_",
        landing_pads: false,
        frame_pointer: true,
        signs_returns: false,
        saves_downwards: true,
        // The first for this machine.
        min_os: Some((11, 0)),
        ..LINUX_ARM64
    },
    Target {
        triple: "aarch64-pc-windows-msvc",
        arch: Arch::Aarch64,
        c: &aapcs64::WINDOWS_ARM64,
        internal: &aapcs64::WINDOWS_ARM64_INTERNAL,
        leaf: &aapcs64::WINDOWS_ARM64_INTERNAL,
        frame_pointer: true,
        // They are described.
        reads_epilogues: false,
        ..WINDOWS
    },
];

const LINUX: Target = Target {
    triple: "x86_64-unknown-linux-gnu",
    arch: Arch::X86_64,
    format: Format::Elf,
    c: &sysv::SYSV,
    internal: &sysv::SYSV_INTERNAL,
    leaf: &leaf::X64_LEAF,
    long_size: 8,
    symbol_prefix: "",
    landing_pads: true,
    frame_pointer: false,
    signs_returns: false,
    saves_downwards: false,
    reads_epilogues: false,
    guard_cf: false,
    min_os: None,
    python_library: None,
    c_library: None,
    object_suffix: ".o",
    module_suffix: ".abi3.so",
};

const LINUX_ARM64: Target = Target {
    triple: "aarch64-unknown-linux-gnu",
    arch: Arch::Aarch64,
    c: &aapcs64::AAPCS64,
    internal: &aapcs64::AAPCS64_INTERNAL,
    leaf: &aapcs64::AAPCS64_INTERNAL,
    signs_returns: true,
    ..LINUX
};

const WINDOWS: Target = Target {
    triple: "x86_64-pc-windows-msvc",
    arch: Arch::X86_64,
    format: Format::Coff,
    c: &win64::WIN64,
    internal: &win64::WIN64_INTERNAL,
    leaf: &leaf::X64_LEAF,
    long_size: 4,
    symbol_prefix: "",
    landing_pads: false,
    frame_pointer: false,
    signs_returns: false,
    saves_downwards: false,
    reads_epilogues: true,
    guard_cf: true,
    min_os: None,
    python_library: Some("python3.dll"),
    c_library: None,
    object_suffix: ".obj",
    module_suffix: ".pyd",
};

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
    let wanted: Triple = triple.parse().map_err(|e| {
        format!(
            "`{triple}` is not a target triple ({e}); the targets are: {}",
            known()
        )
    })?;
    let same = |row: &&Target| machine(&parsed(row)) == machine(&wanted);
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
    let (arch, system, _) = machine(&parsed(target));
    let (host_arch, host_system, _) = machine(&target_lexicon::HOST);
    (arch, system) == (host_arch, host_system)
}

fn parsed(row: &Target) -> Triple {
    row.triple
        .parse()
        .expect("the table's triples are well formed")
}

/// What tells targets apart. Apple's system has two names, and versions behind them.
fn machine(triple: &Triple) -> (Architecture, OperatingSystem, Environment) {
    let system = match triple.operating_system {
        OperatingSystem::MacOSX(_) => OperatingSystem::Darwin(None),
        OperatingSystem::Darwin(_) => OperatingSystem::Darwin(None),
        other => other,
    };
    (triple.architecture, system, triple.environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triple_is_found_by_machine_and_system() {
        for (spelling, wanted) in [
            ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"),
            ("x86_64-linux-gnu", "x86_64-unknown-linux-gnu"),
            ("x86_64-alpine-linux-musl", "x86_64-unknown-linux-musl"),
            ("x86_64-apple-darwin", "x86_64-apple-darwin"),
            ("x86_64-apple-macosx11.0", "x86_64-apple-darwin"),
            ("x86_64-pc-windows-msvc", "x86_64-pc-windows-msvc"),
            ("x86_64-pc-windows-gnu", "x86_64-pc-windows-gnu"),
            ("x86_64-w64-windows-gnu", "x86_64-pc-windows-gnu"),
            ("aarch64-linux-gnu", "aarch64-unknown-linux-gnu"),
            ("arm64-apple-macosx11.0", "aarch64-apple-darwin"),
            ("aarch64-pc-windows-msvc", "aarch64-pc-windows-msvc"),
        ] {
            assert_eq!(find(spelling).map(|row| row.triple), Ok(wanted));
        }
        for none in [
            "riscv64gc-unknown-linux-gnu",
            "x86_64-unknown-freebsd",
            "toaster",
        ] {
            let why = find(none).unwrap_err();
            assert!(why.contains("x86_64-pc-windows-msvc"), "{why}");
        }
    }

    #[test]
    fn every_row_is_found_by_its_own_triple() {
        for row in TARGETS {
            assert!(std::ptr::eq(find(row.triple).unwrap(), row));
        }
    }
}
