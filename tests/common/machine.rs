//! Runs compiled functions: writes their bytes as assembly text, lets gcc join them with a C program, and feeds that program words. In: a
//! [`Program`] and inputs. Out: the words each function wrote. References in the code become expressions that the assembler evaluates. Code
//! for any x86-64 target runs here: the C functions have the target's convention. Before it runs, its frames are looked into.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use pyasmgen::backend::isa::code::{Code, RefKind, Referent};
use pyasmgen::backend::isa::{Compiler, Options};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::target::{self, Format, Target};

use crate::frames;

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

/// Whether gcc is there; says so if not.
pub fn has_gcc() -> bool {
    let found = Command::new("gcc").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: gcc is not installed");
    }
    found
}

pub fn compile(program: &Program, triple: &str, options: Options) -> Vec<Code> {
    let target = target::find(triple).unwrap();
    let mut compiler = Compiler::new(program, target, options);
    let funcs = 0..program.funcs.len() as u32;
    let codes: Vec<Code> = funcs
        .map(|id| compiler.compile(program.func(FuncId(id))))
        .collect();
    codes
        .iter()
        .for_each(|code| frames::check(code, program, target));
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
    let gcc = Command::new("gcc")
        .current_dir(dir.path())
        .args([
            "-O1",
            "-fno-omit-frame-pointer",
            "-o",
            "run",
            "main.c",
            "code.s",
            "-lm",
        ])
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
    let mut child = Command::new(path("run"))
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
    let mut text = String::from(".intel_syntax noprefix\n");
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

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(32) {
        let line: Vec<String> = line.iter().map(u8::to_string).collect();
        writeln!(text, ".byte {}", line.join(",")).unwrap();
    }
}

/// `call_checked(func, in, out)`: calls `func(in, out)` and stops the process if something has changed that the function preserves: a
/// register, the stack pointer, the stack above the space that is lent to it. The convention of `call_checked` is that of its C caller here.
fn trampoline(target: &Target) -> String {
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
