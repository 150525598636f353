//! Small functions and the code they become, read back by the disassembler. What the code computes is tested elsewhere; here is that it is
//! no longer than it should be.

use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};

use crate::backend::isa::{Options, compile};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType::*, Func, Signature};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::Program;
use crate::target;

/// The function's code, a line per instruction; references show as displacement 0.
fn text(program: &Program, func: &Func, triple: &str) -> String {
    let target = target::find(triple).expect("a row");
    let code = compile(func, program, target, Options::default());
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_branch_leading_zeros(false);
    options.set_rip_relative_addresses(true);
    let mut text = String::new();
    for instruction in Decoder::with_ip(64, &code.bytes, 0, DecoderOptions::NONE).iter() {
        text.push_str(&format!("{:3x}  ", instruction.ip()));
        formatter.format(&instruction, &mut text);
        text.push('\n');
    }
    text
}

fn check(program: &Program, func: &Func, expected: &str) {
    check_for("x86_64-unknown-linux-gnu", program, func, expected);
}

fn check_for(triple: &str, program: &Program, func: &Func, expected: &str) {
    let text = text(program, func, triple);
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(lines(&text), lines(expected), "\n{text}");
}

#[test]
fn an_overflow_check_is_one_jump_and_a_last_call_is_a_jump() {
    let mut program = Program::new("t");
    let sig = Signature::c(&[I64], Some(I64));
    let from = program.import("PyLong_FromLongLong", Some(sig.clone()));
    let slow_sig = Signature::c(&[I64, I64], Some(I64));
    let slow = program.import("slow", Some(slow_sig.clone()));
    let mut b = Builder::new(Func::new("mul", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let overflow = b.cold_block();
    let (product, flag) = b.op_ovf(Op::SmulOvf, x, y);
    b.exit_if(flag, overflow, &[]);
    let result = b.call_import(from, &sig, &[product])[0];
    b.ret(&[result]);
    b.seal_and_switch_to(overflow);
    let result = b.call_import(slow, &slow_sig, &[x, y])[0];
    b.ret(&[result]);
    let expected = "
          0  mov rcx, rdi
          3  imul rcx, rsi
          7  jo short 0x12
          9  mov rdi, rcx
          c  jmp qword ptr [rip]
         12  jmp qword ptr [rip]
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn a_loop_is_tested_at_its_end_and_addresses_take_in_what_they_can() {
    let program = Program::new("t");
    let mut b = Builder::new(Func::new("sum", Signature::c(&[I64, I64], Some(I64))));
    let (p, n) = (b.func.params()[0], b.func.params()[1]);
    let (i, total) = (b.var(Type::I64), b.var(Type::I64));
    let zero = b.iconst(0);
    b.set(i, zero);
    b.set(total, zero);
    let (head, body, end, ovf) = (b.block(), b.block(), b.block(), b.cold_block());
    b.jump(head, &[]);
    b.switch_to(head);
    let at = b.get(i);
    let more = b.icmp(IntCc::Slt, at, n);
    b.br(more, body, &[], end, &[]);
    b.seal_and_switch_to(body);
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[at, three]);
    let place = b.op(Op::Iadd, &[p, offset]);
    let word = b.load(MemType::I64, place, 16);
    let old = b.get(total);
    let (new, flag) = b.op_ovf(Op::SaddOvf, old, word);
    b.set(total, new);
    b.exit_if(flag, ovf, &[]);
    let one = b.iconst(1);
    let at = b.get(i);
    let next = b.op(Op::Iadd, &[at, one]);
    b.set(i, next);
    b.jump(head, &[]);
    b.seal(head);
    b.seal_and_switch_to(end);
    let result = b.get(total);
    b.ret(&[result]);
    b.seal_and_switch_to(ovf);
    let minus = b.iconst(-1);
    b.ret(&[minus]);
    let expected = "
          0  xor ecx, ecx
          2  xor eax, eax
          4  jmp short 0x10
          6  add rax, [rdi+rcx*8+0x10]
          b  jo short 0x16
          d  inc rcx
         10  cmp rcx, rsi
         13  jl short 6
         15  ret
         16  or rax, 0xFFFFFFFFFFFFFFFF
         1a  ret
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn the_carried_values_of_a_loop_stay_in_registers() {
    let program = Program::new("t");
    let mut b = Builder::new(Func::new("gcd", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let (a, c) = (b.var(Type::I64), b.var(Type::I64));
    b.set(a, x);
    b.set(c, y);
    let (head, body, end) = (b.block(), b.block(), b.block());
    b.jump(head, &[]);
    b.switch_to(head);
    let y = b.get(c);
    b.br(y, body, &[], end, &[]);
    b.seal_and_switch_to(body);
    let x = b.get(a);
    let y = b.get(c);
    let r = b.op(Op::Urem, &[x, y]);
    b.set(a, y);
    b.set(c, r);
    b.jump(head, &[]);
    b.seal(head);
    b.seal_and_switch_to(end);
    let x = b.get(a);
    b.ret(&[x]);
    let expected = "
          0  mov rax, rdi
          3  jmp short 0x10
          5  xor edx, edx
          7  div rsi
          a  mov rax, rsi
          d  mov rsi, rdx
         10  test rsi, rsi
         13  jne short 5
         15  ret
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn rare_calls_cost_the_usual_path_nothing() {
    let mut program = Program::new("t");
    let sig = Signature::c(&[I64], Some(I64));
    let slow = program.import("slow", Some(sig.clone()));
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let rare = b.cold_block();
    let word = b.load(MemType::I64, x, 8);
    let is_rare = b.icmp_imm(IntCc::Ne, word, 3);
    b.exit_if(is_rare, rare, &[]);
    let (sum, flag) = b.op_ovf(Op::SaddOvf, y, word);
    b.exit_if(flag, rare, &[]);
    b.ret(&[sum]);
    b.seal_and_switch_to(rare);
    let first = b.call_import(slow, &sig, &[x])[0];
    let again = b.op(Op::Iadd, &[first, y]);
    let second = b.call_import(slow, &sig, &[again])[0];
    let total = b.op(Op::Iadd, &[second, y]);
    b.ret(&[total]);
    let expected = "
          0  mov rdx, [rdi+8]
          4  cmp rdx, 3
          8  jne short 0x13
          a  mov rax, rsi
          d  add rax, rdx
         10  jo short 0x13
         12  ret
         13  push rax
         14  mov [rsp], rsi
         18  call qword ptr [rip]
         1e  mov rcx, [rsp]
         22  mov rdi, rax
         25  add rdi, rcx
         28  call qword ptr [rip]
         2e  mov rcx, [rsp]
         32  add rax, rcx
         35  pop rcx
         36  ret
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn a_rare_call_that_comes_back_saves_what_it_must_itself() {
    let mut program = Program::new("t");
    let sig = Signature::c(&[I64], Some(I64));
    let slow = program.import("slow", Some(sig.clone()));
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let (rare, fast, join) = (b.cold_block(), b.block(), b.block());
    let word = b.param(join, Type::I64);
    let tag = b.load(MemType::I64, x, 8);
    let is_usual = b.icmp_imm(IntCc::Eq, tag, 3);
    b.br(is_usual, fast, &[], rare, &[]);
    b.seal_and_switch_to(fast);
    let inline = b.load(MemType::I64, x, 16);
    b.jump(join, &[inline]);
    b.seal_and_switch_to(rare);
    let called = b.call_import(slow, &sig, &[x])[0];
    b.jump(join, &[called]);
    b.seal_and_switch_to(join);
    let sum = b.op(Op::Iadd, &[word, y]);
    let product = b.op(Op::Imul, &[sum, y]);
    b.ret(&[product]);
    let expected = "
          0  cmp qword ptr [rdi+8], 3
          5  jne short 0x13
          7  mov rax, [rdi+0x10]
          b  add rax, rsi
          e  imul rax, rsi
         12  ret
         13  push rax
         14  mov [rsp], rsi
         18  call qword ptr [rip]
         1e  mov rsi, [rsp]
         22  add rsp, 8
         26  jmp short 0xB
        ";
    check(&program, &b.finish(), expected);
}

/// Multiplies; asks for help where that overflows, and returns what it gets (`is_last`) or twice that.
fn multiply(program: &mut Program, is_last: bool) -> Func {
    let sig = Signature::c(&[I64], Some(I64));
    let from = program.import("PyLong_FromLongLong", Some(sig.clone()));
    let slow_sig = Signature::c(&[I64, I64], Some(I64));
    let slow = program.import("slow", Some(slow_sig.clone()));
    let mut b = Builder::new(Func::new("mul", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let overflow = b.cold_block();
    let (product, flag) = b.op_ovf(Op::SmulOvf, x, y);
    b.exit_if(flag, overflow, &[]);
    let result = b.call_import(from, &sig, &[product])[0];
    b.ret(&[result]);
    b.seal_and_switch_to(overflow);
    let mut result = b.call_import(slow, &slow_sig, &[x, y])[0];
    if !is_last {
        result = b.op(Op::Iadd, &[result, result]);
    }
    b.ret(&[result]);
    b.finish()
}

#[test]
fn windows_gets_shadow_space_where_something_is_called_and_jumps_without() {
    let mut program = Program::new("t");
    let func = multiply(&mut program, true);
    let expected = "
          0  mov rax, rcx
          3  imul rax, rdx
          7  jo short 0x12
          9  mov rcx, rax
          c  jmp qword ptr [rip]
         12  jmp qword ptr [rip]
        ";
    check_for("x86_64-pc-windows-msvc", &program, &func, expected);
    let func = multiply(&mut program, false);
    let expected = "
          0  mov r8, rcx
          3  imul r8, rdx
          7  jo short 0x12
          9  mov rcx, r8
          c  jmp qword ptr [rip]
         12  sub rsp, 0x28
         16  call qword ptr [rip]
         1c  add rax, rax
         1f  add rsp, 0x28
         23  ret
        ";
    check_for("x86_64-pc-windows-msvc", &program, &func, expected);
}

#[test]
fn windows_recognises_a_last_jump_behind_an_epilogue() {
    let mut program = Program::new("t");
    let sig = Signature::c(&[I64], Some(I64));
    let first = program.import("first", Some(sig.clone()));
    let float_sig = Signature::c(&[F64], Some(F64));
    let second = program.import("second", Some(float_sig.clone()));
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64, F64], Some(F64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let called = b.call_import(first, &sig, &[x])[0];
    let float = b.op(Op::FfromS, &[called]);
    let sum = b.op(Op::Fadd, &[float, y]);
    let result = b.call_import(second, &float_sig, &[sum])[0];
    b.ret(&[result]);
    let expected = "
          0  sub rsp, 0x38
          4  movaps [rsp+0x20], xmm7
          9  movaps xmm7, xmm1
          c  call qword ptr [rip]
         12  xorps xmm0, xmm0
         15  cvtsi2sd xmm0, rax
         1a  addsd xmm0, xmm7
         1e  movaps xmm7, [rsp+0x20]
         23  add rsp, 0x38
         27  jmp qword ptr [rip]
        ";
    check_for("x86_64-pc-windows-msvc", &program, &b.finish(), expected);
}

#[test]
fn functions_for_macos_have_a_frame_pointer() {
    let mut program = Program::new("t");
    let func = multiply(&mut program, false);
    let expected = "
          0  push rbp
          1  mov rbp, rsp
          4  mov rcx, rdi
          7  imul rcx, rsi
          b  jo short 0x17
          d  mov rdi, rcx
         10  pop rbp
         11  jmp qword ptr [rip]
         17  call qword ptr [rip]
         1d  add rax, rax
         20  pop rbp
         21  ret
        ";
    check_for("x86_64-apple-darwin", &program, &func, expected);
}

#[test]
fn what_a_rare_call_takes_and_others_want_costs_the_usual_path_nothing() {
    let mut program = Program::new("t");
    let sig = Signature::c(&[I64, I64], Some(I64));
    let slow = program.import("slow", Some(sig.clone()));
    let mut b = Builder::new(Func::new("mul", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let overflow = b.cold_block();
    let (product, flag) = b.op_ovf(Op::SmulOvf, x, y);
    b.exit_if(flag, overflow, &[]);
    b.ret(&[product]);
    b.seal_and_switch_to(overflow);
    let result = b.call_import(slow, &sig, &[x, y])[0];
    let result = b.op(Op::Iadd, &[result, x]);
    b.ret(&[result]);
    let expected = "
          0  mov rax, rdi
          3  imul rax, rsi
          7  jo short 0xA
          9  ret
          a  push rax
          b  mov rax, rdi
          e  mov [rsp], rax
         12  call qword ptr [rip]
         18  mov rdi, [rsp]
         1c  add rax, rdi
         1f  pop rcx
         20  ret
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn a_magnitude_is_told_by_the_flags_of_its_negation() {
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64], Some(I64))));
    let x = b.func.params()[0];
    let zero = b.iconst(0);
    let negated = b.op(Op::Isub, &[zero, x]);
    let is_negative = b.icmp(IntCc::Slt, x, zero);
    let magnitude = b.op(Op::Select, &[is_negative, negated, x]);
    b.ret(&[magnitude]);
    let expected = "
          0  mov rax, rdi
          3  neg rax
          6  cmovs rax, rdi
          a  ret
        ";
    check(&Program::new("t"), &b.finish(), expected);
}

#[test]
fn what_flags_say_is_not_asked_again() {
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64, I64], Some(I64))));
    let (x, y) = (b.func.params()[0], b.func.params()[1]);
    let (other, same) = (b.block(), b.cold_block());
    let difference = b.op(Op::Bxor, &[x, y]);
    b.br(difference, other, &[], same, &[]);
    b.seal_and_switch_to(other);
    b.ret(&[difference]);
    b.seal_and_switch_to(same);
    b.ret(&[x]);
    let expected = "
          0  mov rax, rsi
          3  xor rax, rdi
          6  mov rsi, rdi
          9  je short 0xC
          b  ret
          c  mov rax, rsi
          f  ret
        ";
    check(&Program::new("t"), &b.finish(), expected);
}
