//! Small functions and the code they become, read back by the disassembler. What the code computes is tested elsewhere; here is that it is
//! no longer than it should be.

use crate::backend::isa::{Options, compile};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType::*, Func, Signature};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::Program;
use crate::target;
use disarm64::{InsnDisplay, decoder};

/// Compares the function's code, a line per instruction; references show as distance 0.
fn check_for(triple: &str, program: &Program, func: &Func, expected: &str) {
    let target = target::find(triple).expect("a row");
    let code = compile(func, program, target, Options::default());
    let line = |(at, word): (usize, &[u8])| {
        let word = u32::from_le_bytes(word.try_into().expect("four bytes"));
        let decoded = decoder::decode(word).expect("an instruction");
        let text = decoded.display_at(4 * at as u64).to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        format!("{:x}  {}", 4 * at, words.join(" "))
    };
    let text: Vec<String> = code.bytes.chunks(4).enumerate().map(line).collect();
    let lines = expected.lines().map(str::trim);
    let expected: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    assert_eq!(text, expected, "\n{}", text.join("\n"));
}

fn check(program: &Program, func: &Func, expected: &str) {
    check_for("aarch64-unknown-linux-gnu", program, func, expected);
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
fn an_overflow_check_is_one_branch_and_a_last_call_is_a_jump() {
    let mut program = Program::new("t");
    let func = multiply(&mut program, true);
    let expected = "
          0  orr x2, xzr, x0
          4  smulh x5, x2, x1
          8  madd x0, x2, x1, xzr
          c  orr x6, xzr, x2
          10  subs xzr, x5, x0, asr #63
          14  b.ne 0x24
          18  adrp x16, 0x0
          1c  ldr x16, [x16]
          20  br x16
          24  orr x0, xzr, x6
          28  adrp x16, 0x0
          2c  ldr x16, [x16]
          30  br x16
        ";
    check(&program, &func, expected);
}

#[test]
fn a_rare_call_makes_its_frame_itself_and_signs_the_return() {
    let mut program = Program::new("t");
    let func = multiply(&mut program, false);
    let expected = "
          0  orr x3, xzr, x0
          4  smulh x7, x3, x1
          8  madd x0, x3, x1, xzr
          c  orr x8, xzr, x3
          10  subs xzr, x7, x0, asr #63
          14  b.ne 0x24
          18  adrp x16, 0x0
          1c  ldr x16, [x16]
          20  br x16
          24  paciasp
          28  stp x29, x30, [sp, #-16]!
          2c  add x29, sp, #0x0
          30  orr x0, xzr, x8
          34  adrp x16, 0x0
          38  ldr x16, [x16]
          3c  blr x16
          40  add x0, x0, x0
          44  ldp x29, x30, [sp], #16
          48  autiasp
          4c  ret x30
        ";
    check(&program, &func, expected);
}

#[test]
fn functions_for_macos_have_their_frame_from_the_start() {
    let mut program = Program::new("t");
    let func = multiply(&mut program, false);
    let expected = "
          0  stp x29, x30, [sp, #-16]!
          4  add x29, sp, #0x0
          8  orr x3, xzr, x0
          c  smulh x7, x3, x1
          10  madd x0, x3, x1, xzr
          14  orr x8, xzr, x3
          18  subs xzr, x7, x0, asr #63
          1c  b.ne 0x30
          20  ldp x29, x30, [sp], #16
          24  adrp x16, 0x0
          28  ldr x16, [x16]
          2c  br x16
          30  orr x0, xzr, x8
          34  adrp x16, 0x0
          38  ldr x16, [x16]
          3c  blr x16
          40  add x0, x0, x0
          44  ldp x29, x30, [sp], #16
          48  ret x30
        ";
    check_for("aarch64-apple-darwin", &program, &func, expected);
}

#[test]
fn a_loop_is_tested_at_its_end_and_loads_by_its_index() {
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
    let word = b.load(MemType::I64, place, 0);
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
          0  orr x7, xzr, x0
          4  movz x6, #0x0, lsl #0x0
          8  movz x0, #0x0, lsl #0x0
          c  b 0x20
          10  ldr x12, [x7, x6, lsl #3]
          14  adds x0, x0, x12
          18  b.vs 0x2c
          1c  add x6, x6, #0x1
          20  subs xzr, x6, x1
          24  b.lt 0x10
          28  ret x30
          2c  movn x0, #0x0, lsl #0x0
          30  ret x30
        ";
    check(&program, &b.finish(), expected);
}

#[test]
fn products_and_shifts_go_into_sums() {
    let program = Program::new("t");
    let mut b = Builder::new(Func::new("f", Signature::c(&[I64, I64, I64], Some(I64))));
    let (x, y, z) = (b.func.params()[0], b.func.params()[1], b.func.params()[2]);
    let product = b.op(Op::Imul, &[x, y]);
    let sum = b.op(Op::Isub, &[z, product]);
    let four = b.iconst(4);
    let shifted = b.op(Op::Ishl, &[sum, four]);
    let total = b.op(Op::Iadd, &[shifted, x]);
    let not = b.op(Op::Bnot, &[y]);
    let result = b.op(Op::Band, &[total, not]);
    b.ret(&[result]);
    let expected = "
          0  msub x5, x0, x1, x2
          4  add x3, x0, x5, lsl #4
          8  bic x0, x3, x1
          c  ret x30
        ";
    check(&program, &b.finish(), expected);
}
