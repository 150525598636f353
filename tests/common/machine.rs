//! Runs compiled functions: writes their bytes as assembly text, lets gcc join them with a C program, and feeds that program words. In: a
//! [`Program`] and inputs. Out: the words each function wrote. References in the code become expressions that the assembler evaluates.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};
use pyasmgen::backend::isa::code::{Code, FrameChange, RefKind, Referent};
use pyasmgen::backend::isa::{Compiler, Options};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::target;

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

pub fn compile(program: &Program, options: Options) -> Vec<Code> {
    let target = target::find("x86_64-unknown-linux-gnu").unwrap();
    let mut compiler = Compiler::new(program, target, options);
    let funcs = 0..program.funcs.len() as u32;
    let codes: Vec<Code> = funcs
        .map(|id| compiler.compile(program.func(FuncId(id))))
        .collect();
    codes.iter().for_each(check_frame);
    codes
}

/// Walks all ways through the code, following the stack pointer, and compares with what the frame steps say at each instruction: how deep
/// the stack is and which registers are saved where.
fn check_frame(code: &Code) {
    let decoder = Decoder::with_ip(64, &code.bytes, 0, DecoderOptions::NONE);
    let instructions: BTreeMap<u64, Instruction> =
        decoder.into_iter().map(|i| (i.ip(), i)).collect();
    let described = described_frames(code);
    let mut seen: BTreeMap<u64, FrameAt> = BTreeMap::new();
    let mut open = vec![(0, FrameAt::default())];
    while let Some((ip, mut frame)) = open.pop() {
        if let Some(known) = seen.get(&ip) {
            assert_eq!(*known, frame, "two ways to {ip:x} disagree");
            continue;
        }
        seen.insert(ip, frame.clone());
        let instruction = instructions[&ip];
        let last = described.range(..=ip).next_back().map(|(_, frame)| frame);
        let last = last.cloned().unwrap_or_default();
        assert_eq!(last, frame, "at {ip:x}: what is said, what is");
        let immediate = || instruction.immediate(1) as u32;
        let to_rsp = instruction.op0_register() == Register::RSP;
        let number = || instruction.op0_register().number() as u8;
        match instruction.mnemonic() {
            Mnemonic::Push => {
                frame.depth += 8;
                frame.saved.push((number(), frame.depth));
            }
            Mnemonic::Pop => {
                assert_eq!(frame.saved.pop(), Some((number(), frame.depth)));
                frame.depth -= 8;
            }
            Mnemonic::Sub if to_rsp => frame.depth += immediate(),
            Mnemonic::Add if to_rsp => frame.depth -= immediate(),
            _ => {
                let writes = instruction.op0_register().full_register() == Register::RSP;
                assert!(!writes, "{ip:x} changes the stack pointer");
            }
        }
        let next = instruction.next_ip();
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => {
                open.push((next, frame));
            }
            FlowControl::ConditionalBranch => {
                open.push((next, frame.clone()));
                open.push((instruction.near_branch_target(), frame));
            }
            FlowControl::UnconditionalBranch => {
                // A field that refers elsewhere is 0 now: a jump out of the function.
                let is_out = code.refs.iter().any(|r| r.at as u64 + 4 == next);
                if is_out {
                    assert_eq!(frame, FrameAt::default(), "at {ip:x}");
                } else {
                    open.push((instruction.near_branch_target(), frame));
                }
            }
            FlowControl::Return | FlowControl::IndirectBranch => {
                assert_eq!(frame, FrameAt::default(), "at {ip:x}");
            }
            FlowControl::Exception => {}
            other => panic!("{other:?} at {ip:x}"),
        }
    }
}

/// Bytes between the return address and the stack pointer, and registers saved that deep.
#[derive(Clone, Debug, Default, PartialEq)]
struct FrameAt {
    depth: u32,
    saved: Vec<(u8, u32)>,
}

/// What the frame steps say from each offset on.
fn described_frames(code: &Code) -> BTreeMap<u64, FrameAt> {
    let mut frame = FrameAt::default();
    let mut remembered = Vec::new();
    let mut described = BTreeMap::new();
    for step in &code.frame {
        match step.change {
            FrameChange::Push(reg) => {
                frame.depth += 8;
                frame.saved.push((reg.number, frame.depth));
            }
            FrameChange::Pop(reg) => {
                assert_eq!(frame.saved.pop(), Some((reg.number, frame.depth)));
                frame.depth -= 8;
            }
            FrameChange::Alloc(bytes) => frame.depth += bytes,
            FrameChange::Free(bytes) => frame.depth -= bytes,
            FrameChange::EpilogueBegin => remembered.push(frame.clone()),
            FrameChange::EpilogueEnd => frame = remembered.pop().unwrap(),
            FrameChange::SetFramePointer(..) | FrameChange::Save(..) => panic!("{step:?}"),
        }
        described.insert(step.at.into(), frame.clone());
    }
    described
}

/// Makes all calls, in order. Every function of the program that is called is `void f(const uint64_t *in, uint64_t *out)`. `c_text` has
/// the functions that the program imports.
pub fn run(program: &Program, codes: &[Code], calls: &[Call], c_text: &str) -> Vec<[u64; OUT]> {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("code.s"), assembly(program, codes)).unwrap();
    std::fs::write(
        path("main.c"),
        format!("{}\n{c_text}", main_text(codes.len())),
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

fn assembly(program: &Program, codes: &[Code]) -> String {
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
    text.push_str(TRAMPOLINE);
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

/// `call_checked(func, in, out)`: calls `func(in, out)` and stops the process if a register that a function preserves has changed.
const TRAMPOLINE: &str = r"
.globl call_checked
call_checked:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    sub rsp, 8
    mov rax, rdi
    mov rdi, rsi
    mov rsi, rdx
    mov rbx, 0x11111111
    mov rbp, 0x22222222
    mov r12, 0x33333333
    mov r13, 0x44444444
    mov r14, 0x55555555
    mov r15, 0x66666666
    mov [rip + stack_pointer], rsp
    call rax
    cmp [rip + stack_pointer], rsp
    jne 1f
    cmp rbx, 0x11111111
    jne 1f
    cmp rbp, 0x22222222
    jne 1f
    cmp r12, 0x33333333
    jne 1f
    cmp r13, 0x44444444
    jne 1f
    cmp r14, 0x55555555
    jne 1f
    cmp r15, 0x66666666
    jne 1f
    add rsp, 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
1:  ud2
.data
.balign 8
stack_pointer: .quad 0
.globl funcs
";

fn main_text(count: usize) -> String {
    format!(
        r"
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdarg.h>
#include <math.h>
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
