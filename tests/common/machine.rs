//! Runs compiled functions: writes their bytes as assembly text, lets gcc join them with a C program, and feeds that program words. In: a
//! [`Program`] and inputs. Out: the words each function wrote. References in the code become expressions that the assembler evaluates. Code
//! for any x86-64 target runs here: the C functions have the target's convention; code for arm64 Linux runs under qemu. Before it runs,
//! its frames are looked into.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use pyasmgen::backend::isa::code::{Code, RefKind, Referent};
use pyasmgen::backend::isa::{Compiler, Options};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::target::{self, Arch, Format, Target};

use crate::{frames, frames_arm64, tool};

/// The words that one call reads and those it writes.
pub const IN: usize = 8;
/// See [`IN`].
pub const OUT: usize = 4;

/// One call: a function's number and what it reads.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub func: usize,
    pub input: [u64; IN],
}

/// Whether what joins and runs code of a target is there; says so if not.
pub fn can_run(triple: &str) -> bool {
    let wanted: &[&str] = match target::find(triple).unwrap().arch {
        Arch::X86_64 => &["gcc"],
        Arch::Aarch64 => &["aarch64-linux-gnu-gcc", "qemu-aarch64"],
    };
    wanted.iter().all(|name| tool::tool(name).is_some())
}

pub fn compile(program: &Program, triple: &str, options: Options) -> Vec<Code> {
    let target = target::find(triple).unwrap();
    let mut compiler = Compiler::new(program, target, options);
    let funcs = 0..program.funcs.len() as u32;
    let codes: Vec<Code> = funcs
        .map(|id| compiler.compile(program.func(FuncId(id))))
        .collect();
    codes.iter().for_each(|code| match target.arch {
        Arch::X86_64 => frames::check(code, program, target),
        Arch::Aarch64 => frames_arm64::check(code, target),
    });
    codes
}

/// Makes all calls, in order. Every function of the program that is called is `void f(const uint64_t *in, uint64_t *out)`. `c_text` has
/// the functions that the program imports.
pub fn run(
    program: &Program,
    triple: &str,
    codes: &[Code],
    calls: &[Call],
    c_text: &str,
) -> Vec<[u64; OUT]> {
    let target = target::find(triple).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("code.s"), assembly(program, target, codes)).unwrap();
    std::fs::write(
        path("main.c"),
        format!("{}\n{c_text}", main_text(target, codes.len())),
    )
    .unwrap();
    let (gcc, runner) = match target.arch {
        Arch::X86_64 => ("gcc", None),
        Arch::Aarch64 => ("aarch64-linux-gnu-gcc", Some("qemu-aarch64")),
    };
    let gcc = Command::new(gcc)
        .current_dir(dir.path())
        .args(["-O1", "-fno-omit-frame-pointer", "-o", "run", "main.c"])
        .args(["code.s", "-lm"])
        // What runs elsewhere has no libraries there.
        .args(runner.map(|_| "-static"))
        .output()
        .unwrap();
    assert!(
        gcc.status.success(),
        "{}",
        String::from_utf8_lossy(&gcc.stderr)
    );
    let mut words = Vec::with_capacity(calls.len() * (IN + 1) * 8);
    for call in calls {
        words.extend((call.func as u64).to_le_bytes());
        words.extend(call.input.iter().flat_map(|word| word.to_le_bytes()));
    }
    let mut command = match runner {
        None => Command::new(path("run")),
        Some(runner) => {
            let mut command = Command::new(runner);
            command.args(["-cpu", "max"]).arg(path("run"));
            command
        }
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&words);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let results: Vec<[u64; OUT]> = output
        .stdout
        .chunks_exact(OUT * 8)
        .map(|chunk| {
            let mut words = chunk.chunks_exact(8);
            std::array::from_fn(|_| u64::from_le_bytes(words.next().unwrap().try_into().unwrap()))
        })
        .collect();
    assert!(
        output.status.success(),
        "{:?} after {} of {} calls; the next one is {:?}",
        output.status,
        results.len(),
        calls.len(),
        calls.get(results.len())
    );
    assert_eq!(results.len(), calls.len());
    results
}

fn assembly(program: &Program, target: &Target, codes: &[Code]) -> String {
    let mut text = String::from(match target.arch {
        Arch::X86_64 => ".intel_syntax noprefix\n",
        Arch::Aarch64 => "",
    });
    for (at, import) in program.imports.iter().enumerate() {
        writeln!(text, ".data\n.balign 8\nslot{at}: .quad {}", import.name).unwrap();
    }
    for (at, data) in program.data.iter().enumerate() {
        let bytes: Vec<String> = data.bytes.iter().map(u8::to_string).collect();
        writeln!(
            text,
            ".data\n.balign 16\ndata{at}: .byte {}",
            bytes.join(",")
        )
        .unwrap();
    }
    text.push_str(".text\n");
    for (at, code) in codes.iter().enumerate() {
        writeln!(text, ".balign 16\n.globl func{at}\nfunc{at}:").unwrap();
        let mut done = 0;
        for code_ref in &code.refs {
            push_bytes(&mut text, &code.bytes[done..code_ref.at as usize]);
            if target.arch == Arch::Aarch64 {
                let word = &code.bytes[code_ref.at as usize..][..4];
                let word = u32::from_le_bytes(word.try_into().unwrap());
                let to = match (code_ref.to, code_ref.kind) {
                    (Referent::Func(func), _) => format!("func{}", func.0),
                    (Referent::Data(data), _) => format!("data{}", data.0),
                    (Referent::Import(import), RefKind::A64Plt { .. }) => {
                        program.imports[import.index()].name.clone()
                    }
                    (Referent::Import(import), _) => format!("slot{}", import.0),
                };
                assert_eq!(code_ref.addend, 0);
                writeln!(
                    text,
                    ".reloc ., {}, {to}\n.inst {word:#x}",
                    arm64(code_ref.kind)
                )
                .unwrap();
                done = code_ref.at as usize + 4;
                continue;
            }
            let (target, trailing) = match (code_ref.to, code_ref.kind) {
                (Referent::Func(func), RefKind::X64Local { trailing }) => {
                    (format!("func{}", func.0), trailing)
                }
                (Referent::Func(func), _) => (format!("func{}", func.0), 0),
                (Referent::Data(data), RefKind::X64Local { trailing }) => {
                    (format!("data{}", data.0), trailing)
                }
                (Referent::Import(import), RefKind::X64Plt) => {
                    (program.imports[import.index()].name.clone(), 0)
                }
                (Referent::Import(import), RefKind::X64SlotOther { trailing }) => {
                    (format!("slot{}", import.0), trailing)
                }
                (Referent::Import(import), _) => (format!("slot{}", import.0), 0),
                (Referent::Data(_), kind) => panic!("data is not reached by {kind:?}"),
            };
            let less = 4 + trailing as i64 - code_ref.addend;
            writeln!(text, ".long {target} - . - ({less})").unwrap();
            done = code_ref.at as usize + 4;
        }
        push_bytes(&mut text, &code.bytes[done..]);
    }
    text.push_str(&trampoline(target));
    text.push_str("funcs:\n");
    for at in 0..codes.len() {
        writeln!(text, ".quad func{at}").unwrap();
    }
    text.push_str(".section .note.GNU-stack,\"\",@progbits\n");
    text
}

/// The relocation of a use where pointer slots are data like others.
fn arm64(kind: RefKind) -> &'static str {
    match kind {
        RefKind::A64Branch | RefKind::A64Plt { links: true } => "R_AARCH64_CALL26",
        RefKind::A64Plt { links: false } => "R_AARCH64_JUMP26",
        RefKind::A64Page | RefKind::A64SlotPage => "R_AARCH64_ADR_PREL_PG_HI21",
        RefKind::A64Low => "R_AARCH64_ADD_ABS_LO12_NC",
        RefKind::A64SlotLow => "R_AARCH64_LDST64_ABS_LO12_NC",
        _ => panic!("{kind:?} is no use of arm64"),
    }
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(32) {
        let line: Vec<String> = line.iter().map(u8::to_string).collect();
        writeln!(text, ".byte {}", line.join(",")).unwrap();
    }
}

/// `call_checked(func, in, out)`: calls `func(in, out)` and stops the process if something has changed that the function preserves: a
/// register, the stack pointer, the stack above the space that is lent to it. The convention of `call_checked` is that of its C caller here.
fn trampoline(target: &Target) -> String {
    match target.arch {
        Arch::X86_64 => x64_trampoline(target),
        Arch::Aarch64 => arm64_trampoline(),
    }
}

/// Registers have their own numbers while the function runs.
fn arm64_trampoline() -> String {
    let mut text = String::from(".globl call_checked\ncall_checked:\n");
    text.push_str("stp x29, x30, [sp, #-192]!\n");
    for at in (19..29).step_by(2) {
        writeln!(text, "stp x{at}, x{}, [sp, #{}]", at + 1, 8 * (at - 17)).unwrap();
    }
    for at in (8..16).step_by(2) {
        writeln!(text, "stp d{at}, d{}, [sp, #{}]", at + 1, 8 * (at + 4)).unwrap();
    }
    for at in 19..30 {
        writeln!(text, "mov x{at}, #{at}").unwrap();
    }
    for at in 8..16 {
        writeln!(text, "fmov d{at}, #{at}.0").unwrap();
    }
    text.push_str("mov x16, x0; mov x0, x1; mov x1, x2; mov x9, #0x7777; mov x10, sp\n");
    text.push_str("adrp x11, stack_pointer; str x10, [x11, #:lo12:stack_pointer]\n");
    text.push_str("str x9, [sp, #176]; blr x16; mov x10, sp\n");
    text.push_str("adrp x11, stack_pointer; ldr x11, [x11, #:lo12:stack_pointer]\n");
    text.push_str("cmp x10, x11; b.ne 1f; ldr x9, [sp, #176]; mov x10, #0x7777\n");
    text.push_str("cmp x9, x10; b.ne 1f\n");
    for at in 19..30 {
        writeln!(text, "cmp x{at}, #{at}; b.ne 1f").unwrap();
    }
    for at in 8..16 {
        writeln!(text, "fmov d0, #{at}.0; fcmp d0, d{at}; b.ne 1f").unwrap();
    }
    for at in (19..29).step_by(2) {
        writeln!(text, "ldp x{at}, x{}, [sp, #{}]", at + 1, 8 * (at - 17)).unwrap();
    }
    for at in (8..16).step_by(2) {
        writeln!(text, "ldp d{at}, d{}, [sp, #{}]", at + 1, 8 * (at + 4)).unwrap();
    }
    text.push_str("ldp x29, x30, [sp], #192\nret\n1: udf #0\n");
    text.push_str(".data\n.balign 8\nstack_pointer: .quad 0\n.globl funcs\n");
    text
}

fn x64_trampoline(target: &Target) -> String {
    let is_windows = target.format == Format::Coff;
    let mut ints = vec!["rbx", "rbp", "r12", "r13", "r14", "r15"];
    let mut floats = 0..0;
    let mut args = "";
    if is_windows {
        ints.extend(["rdi", "rsi"]);
        floats = 6..16;
        args = "mov rcx, rdi; mov rdx, rsi";
    }
    let mut text = String::from(".globl call_checked\ncall_checked:\n");
    for reg in &ints {
        writeln!(text, "push {reg}").unwrap();
    }
    // Eight registers and the return address are 8 modulo 16, six are too.
    let shadow = 32;
    writeln!(text, "mov rax, rdi; mov rdi, rsi; mov rsi, rdx; {args}").unwrap();
    writeln!(text, "sub rsp, {}", shadow + 8).unwrap();
    let guard = "0x7777777777";
    writeln!(text, "mov r11, {guard}; mov [rsp + {shadow}], r11").unwrap();
    for (at, reg) in ints.iter().enumerate() {
        writeln!(text, "mov {reg}, 0x{}", at + 1).unwrap();
    }
    for at in floats.clone() {
        writeln!(text, "mov r11, {at}; movq xmm{at}, r11; pslldq xmm{at}, 8").unwrap();
        writeln!(
            text,
            "mov r11, 0x55{at}; movq xmm0, r11; orps xmm{at}, xmm0"
        )
        .unwrap();
    }
    text.push_str(
        "mov [rip + stack_pointer], rsp\ncall rax\ncmp [rip + stack_pointer], rsp\njne 1f\n",
    );
    writeln!(text, "mov r11, {guard}; cmp [rsp + {shadow}], r11; jne 1f").unwrap();
    for (at, reg) in ints.iter().enumerate() {
        writeln!(text, "cmp {reg}, 0x{}; jne 1f", at + 1).unwrap();
    }
    for at in floats {
        writeln!(text, "movq r11, xmm{at}; cmp r11, 0x55{at}; jne 1f").unwrap();
        writeln!(
            text,
            "psrldq xmm{at}, 8; movq r11, xmm{at}; cmp r11, {at}; jne 1f"
        )
        .unwrap();
    }
    writeln!(text, "add rsp, {}", shadow + 8).unwrap();
    for reg in ints.iter().rev() {
        writeln!(text, "pop {reg}").unwrap();
    }
    text.push_str("ret\n1: ud2\n.data\n.balign 8\nstack_pointer: .quad 0\n.globl funcs\n");
    text
}

/// What C functions say of themselves, and what they say instead of the standard names.
fn abi_text(target: &Target) -> &'static str {
    match target.format {
        Format::Elf | Format::MachO => {
            "#define ABI\n#define VA_LIST va_list\n#define VA_START va_start\n#define VA_END va_end"
        }
        Format::Coff => {
            "#define WIN64\n#define ABI __attribute__((ms_abi))\n#define VA_LIST __builtin_ms_va_list
#define VA_START __builtin_ms_va_start\n#define VA_END __builtin_ms_va_end"
        }
    }
}

fn main_text(target: &Target, count: usize) -> String {
    let abi = abi_text(target);
    format!(
        r"
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdarg.h>
#include <math.h>
{abi}
extern void *funcs[{count}];
void call_checked(void *func, const uint64_t *in, uint64_t *out);
int main(void) {{
    uint64_t call[{IN} + 1], out[{OUT}];
    while (fread(call, sizeof call, 1, stdin) == 1) {{
        memset(out, 0x77, sizeof out);
        call_checked(funcs[call[0]], call + 1, out);
        fwrite(out, sizeof out, 1, stdout);
    }}
    return 0;
}}
"
    )
}
