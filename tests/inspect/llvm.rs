//! The same module in assembly for every format and both machines, built by LLVM: what its tools make of it and say of it.
//!
//! In: nothing; needs `llvm-mc` and, to link, the linker that comes with rustc. Out: objects, linked modules, and what `llvm-objdump`
//! says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tool::tool;

/// A format on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub triple: &'static str,
    pub format: Format,
    pub arm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Elf,
    MachO,
    Coff,
}

pub const KINDS: &[Kind] = &[
    kind("x86_64-linux-gnu", Format::Elf, false),
    kind("aarch64-linux-gnu", Format::Elf, true),
    kind("x86_64-apple-macos11", Format::MachO, false),
    kind("arm64-apple-macos11", Format::MachO, true),
    kind("x86_64-pc-windows-msvc", Format::Coff, false),
    kind("aarch64-pc-windows-msvc", Format::Coff, true),
];

const fn kind(triple: &'static str, format: Format, arm: bool) -> Kind {
    Kind {
        triple,
        format,
        arm,
    }
}

/// The code: `PyInit_plain` calls `PyModuleDef_Init` from a frame, `neg` returns its argument. `PRE` is the prefix of symbols.
fn code(kind: Kind) -> &'static str {
    match (kind.format, kind.arm) {
        (Format::Elf, false) => {
            ".intel_syntax noprefix\n PREPyInit_plain: .cfi_startproc\n push rbx\n .cfi_adjust_cfa_offset 8\n
             .cfi_offset rbx, -16\n lea rdi, [rip + PREdef]\n call PREPyModuleDef_Init@PLT\n pop rbx\n
             .cfi_adjust_cfa_offset -8\n ret\n .cfi_endproc\n PREneg: .cfi_startproc\n mov rax, rsi\n ret\n .cfi_endproc\n"
        }
        (Format::MachO, false) => {
            ".intel_syntax noprefix\n PREPyInit_plain: .cfi_startproc\n push rbp\n .cfi_def_cfa_offset 16\n
             .cfi_offset rbp, -16\n mov rbp, rsp\n .cfi_def_cfa_register rbp\n lea rdi, [rip + PREdef]\n
             call PREPyModuleDef_Init\n pop rbp\n ret\n .cfi_endproc\n PREneg: .cfi_startproc\n mov rax, rsi\n ret\n
             .cfi_endproc\n"
        }
        (Format::Coff, false) => {
            ".intel_syntax noprefix\n .seh_proc PREPyInit_plain\n PREPyInit_plain: sub rsp, 40\n .seh_stackalloc 40\n
             .seh_endprologue\n lea rcx, [rip + PREdef]\n call [rip + __imp_PREPyModuleDef_Init]\n add rsp, 40\n ret\n
             .seh_endproc\n PREneg: mov rax, rdx\n ret\n"
        }
        (Format::Elf | Format::MachO, true) => {
            "PREPyInit_plain: .cfi_startproc\n stp x29, x30, [sp, #-16]!\n mov x29, sp\n .cfi_def_cfa w29, 16\n
             .cfi_offset w30, -8\n .cfi_offset w29, -16\n PAGE\n bl PREPyModuleDef_Init\n ldp x29, x30, [sp], #16\n ret\n
             .cfi_endproc\n PREneg: .cfi_startproc\n mov x0, x1\n ret\n .cfi_endproc\n"
        }
        (Format::Coff, true) => {
            ".seh_proc PREPyInit_plain\n PREPyInit_plain: stp x29, x30, [sp, #-16]!\n .seh_save_fplr_x 16\n
             mov x29, sp\n .seh_set_fp\n .seh_endprologue\n PAGE\n bl PREPyModuleDef_Init\n .seh_startepilogue\n
             ldp x29, x30, [sp], #16\n .seh_save_fplr_x 16\n .seh_endepilogue\n ret\n .seh_endproc\n
             PREneg: mov x0, x1\n ret\n"
        }
    }
}

/// The module's definition, method table and slots.
const DATA: &str = r#"
DATASECTION
 .p2align 3
PREdef: .quad 1, 0, 0, 0, 0, PREname, PREdoc, 24, PREmethods, PREslots, 0, 0, 0
CONSTSECTION
 .p2align 3
PREmethods: .quad PREneg_name, PREneg, 8, PREneg_doc, 0, 0, 0, 0
PREslots: .quad 3, 2, 4, 1, 0, 0
TEXTSECTION
PREname: .asciz "plain"
PREdoc: .asciz "Plain assembly."
PREneg_name: .asciz "neg"
PREneg_doc: .asciz "neg($module, x, /)\n--\n\nMinus."
"#;

fn assembly(kind: Kind) -> String {
    let (prefix, data, constants, strings, end) = match kind.format {
        Format::Elf => (
            "",
            ".data",
            ".section .data.rel.ro,\"aw\"",
            ".section .rodata,\"a\"",
            " .section .note.GNU-stack,\"\",@progbits\n",
        ),
        Format::MachO => (
            "_",
            ".section __DATA,__data",
            ".section __DATA,__const",
            ".section __TEXT,__const",
            "",
        ),
        Format::Coff => (
            "",
            ".data",
            ".section .rdata,\"dr\"",
            ".section .rdata,\"dr\"",
            " .section .drectve,\"yn\"\n .ascii \" -export:PyInit_plain\"\n",
        ),
    };
    let page = match kind.format {
        Format::Elf => "adrp x0, PREdef\n add x0, x0, :lo12:PREdef",
        Format::MachO => "adrp x0, PREdef@PAGE\n add x0, x0, PREdef@PAGEOFF",
        Format::Coff => "adrp x0, PREdef\n add x0, x0, :lo12:PREdef",
    };
    let text = format!(
        " .text\n .globl PREPyInit_plain\n {}{DATA}{end}",
        code(kind)
    );
    // `arm64` has no room for two section types in one; the rest is the same text.
    let text = text
        .replace("DATASECTION", data)
        .replace("CONSTSECTION", constants)
        .replace("TEXTSECTION", strings)
        .replace("PAGE\n", &format!("{page}\n"));
    text.replace("PRE", prefix)
}

/// Runs a program that ought to succeed; what it wrote.
pub fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}\n{errors}");
    String::from_utf8(ran.stdout).unwrap()
}

/// Assembles the module.
pub fn object(kind: Kind, folder: &Path) -> Option<PathBuf> {
    object_with(kind, folder, "")
}

/// Assembles the module with more text behind it.
pub fn object_with(kind: Kind, folder: &Path, more: &str) -> Option<PathBuf> {
    let mc = tool("llvm-mc")?;
    let (source, made) = (folder.join("plain.s"), folder.join("plain.o"));
    std::fs::write(&source, assembly(kind) + more).unwrap();
    run(Command::new(mc)
        .args(["-triple", kind.triple, "-filetype=obj", "-o"])
        .args([&made, &source]));
    Some(made)
}

/// The linker that comes with rustc.
fn lld(flavor: &str) -> Command {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = run(Command::new(&rustc).args(["--print", "target-libdir"]));
    let folder = Path::new(told.trim()).parent().unwrap().join("bin");
    let mut command = Command::new(folder.join("rust-lld"));
    command.args(["-flavor", flavor]);
    command
}

const LIB_SYSTEM: &str = "--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ dyld_stub_binder ]
...
";

/// Links the module with more flags than it needs.
pub fn link(kind: Kind, object: &Path, flags: &[&str]) -> Option<PathBuf> {
    let folder = object.parent().unwrap();
    let made = folder.join("plain.out");
    let machine = if kind.arm { "arm64" } else { "x86_64" };
    match kind.format {
        Format::Elf => run(lld("gnu")
            .args(["-shared", "--eh-frame-hdr", "-o"])
            .args([&made, object])
            .args(flags)),
        Format::MachO => {
            let system = folder.join("libSystem.tbd");
            std::fs::write(&system, LIB_SYSTEM).unwrap();
            run(lld("darwin")
                .args([
                    "-bundle",
                    "-arch",
                    machine,
                    "-platform_version",
                    "macos",
                    "11.0",
                    "14.0",
                ])
                .args(["-undefined", "dynamic_lookup", "-needed_library"])
                .args([&system, Path::new("-o"), &made, object])
                .args(flags))
        }
        Format::Coff => {
            let (names, library) = (folder.join("python3.def"), folder.join("python3.lib"));
            std::fs::write(&names, "LIBRARY python3.dll\nEXPORTS\nPyModuleDef_Init\n").unwrap();
            let machine = if kind.arm { "arm64" } else { "i386:x86-64" };
            run(Command::new(tool("llvm-dlltool")?)
                .args(["-m", machine, "-d"])
                .args([&names, Path::new("-l"), &library]));
            run(lld("link")
                .args(["/dll", "/noentry", "/nodefaultlib", "/Brepro"])
                .arg(format!("/out:{}", made.display()))
                .args([object, &library])
                .args(flags))
        }
    };
    Some(made)
}
