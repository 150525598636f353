//! Every row of the AArch64 instruction table against two judges: the disassembler `disarm64`, which must read back the text that the row
//! promises, and LLVM's assembler, which must make our word out of our text. Operands are all registers, every edge of each immediate, and
//! random ones.

#![expect(clippy::disallowed_types, reason = "tests run tools")]

#[path = "common/tool.rs"]
mod tool;

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use pyasmgen::backend::isa::aarch64::encode::{Inst, encode};
use pyasmgen::backend::isa::aarch64::inst::{Field, OPS, Op};

/// Values that a field may hold, its edges among them.
fn edges(field: Field) -> Vec<i64> {
    let scaled = |range: std::ops::Range<i64>, unit: u8| {
        let all = [
            range.start,
            range.start + 1,
            -1,
            0,
            1,
            2,
            range.end / 2,
            range.end - 2,
            range.end - 1,
        ];
        let all = all.into_iter().filter(|v| range.contains(v));
        all.map(|v| v << unit).collect::<Vec<_>>()
    };
    match field {
        Field::Fixed(_) => unreachable!("nobody chooses it"),
        Field::Reg(..) | Field::Base | Field::Index(_) | Field::Extended => (0..32).collect(),
        Field::Off12(unit) => scaled(0..4096, unit),
        Field::Off9 => scaled(-256..256, 0),
        Field::Pre7(unit) | Field::Post7(unit) => scaled(-64..64, unit),
        Field::Imm12 => [scaled(0..4096, 0), scaled(1..4096, 12)].concat(),
        Field::Mask => masks(),
        Field::Imm16(_) => scaled(0..65536, 0),
        Field::Hw => vec![0, 16, 32, 48],
        Field::Lsl | Field::Asr | Field::Imm6(_) | Field::Bit => (0..64).collect(),
        Field::Cond | Field::CondSuffix => (0..14).collect(),
        Field::Float => floats(),
        Field::Rel(bits, _) => scaled(-(1 << (bits - 1))..1 << (bits - 1), 2),
        Field::Page => scaled(-(1 << 20)..1 << 20, 0),
    }
}

/// Runs of ones in elements of all sizes, each turned.
fn masks() -> Vec<i64> {
    let mut masks = Vec::new();
    for size in [2u32, 4, 8, 16, 32, 64] {
        for ones in [1, 2, size / 2, size - 1] {
            for turn in [0, 1, size / 2, size - 1] {
                if ones >= size {
                    continue;
                }
                let run = u64::MAX >> (64 - ones);
                let all = u64::MAX >> (64 - size);
                let turned = (run >> turn | run << ((size - turn) % size).min(63)) & all;
                let turned = if turn == 0 { run } else { turned };
                let at = (0..64).step_by(size as usize);
                masks.push(at.fold(0, |mask, at| mask | turned << at) as i64);
            }
        }
    }
    masks
}

fn floats() -> Vec<i64> {
    let top = (0..=u16::MAX).map(|top| i64::from(top) << 48);
    top.filter(|&bits| Field::Float.holds(bits)).collect()
}

/// Whether the manual gives the operands together a meaning: a pair is two registers, and a base that changes is none of them.
fn is_meant(inst: &Inst) -> bool {
    let [first, second, base, _] = inst.values;
    let is_base = (first == base || second == base) && base != 31;
    match inst.op {
        Op::LdpPost => first != second && !is_base,
        Op::LdpDPost => first != second,
        Op::StpPre => !is_base,
        _ => true,
    }
}

/// Each edge of each operand, the others being walked through alongside.
fn all_edges(op: Op) -> Vec<Inst> {
    let operands = op.row().chosen();
    let edges: Vec<Vec<i64>> = operands.map(|o| edges(o.field)).collect();
    let rounds = edges.iter().map(Vec::len).max().unwrap_or(1);
    let round = |round: usize| {
        let value =
            |(at, edges): (usize, &Vec<i64>)| edges[(round * (2 * at + 1) + at) % edges.len()];
        Inst::new(op, &edges.iter().enumerate().map(value).collect::<Vec<_>>())
    };
    let all = (0..rounds * 3).map(round);
    all.filter(is_meant).collect()
}

fn disassembled(inst: &Inst) -> String {
    let word = encode(inst);
    let decoded = disarm64::decoder::decode(word);
    decoded.map_or_else(|| "nothing".to_owned(), |decoded| decoded.to_string())
}

/// Text with spaces alike, numbers alike, and without what may be left out.
fn normal(text: &str) -> String {
    let text = text.replace('\t', " ").replace("#", "");
    let mut words: Vec<String> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let (body, tail) = match word.find(']') {
            Some(at) => word.split_at(at),
            None => (word, ""),
        };
        let hex = body
            .strip_prefix("0x")
            .and_then(|d| u64::from_str_radix(d, 16).ok());
        let number = hex.map(|n| n as i64).or_else(|| body.parse().ok());
        let body = match (number, body) {
            (Some(number), _) => number.to_string(),
            (None, "cs" | "hs") => "cs".to_owned(),
            (None, "cc" | "lo") => "cc".to_owned(),
            (None, "b.hs") => "b.cs".to_owned(),
            (None, "b.lo") => "b.cc".to_owned(),
            (None, body) => body
                .parse::<f64>()
                .map_or(body.to_owned(), |f| f.to_string()),
        };
        words.push(format!("{body}{tail}"));
    }
    let text = words.join(" ");
    // Nothing added, nothing shifted.
    let text = text.replace(" 0]", "]").replace("]!", "] !");
    text.strip_suffix(" lsl 0").unwrap_or(&text).to_owned()
}

/// What `disarm64` 0.2.0 says otherwise though it means the same: `fcvt` names both registers by the source's size, a bit that is tested
/// is one of the low half where that has it.
fn known_slip(op: Op, text: &str) -> String {
    match op {
        Op::FcvtSD => text.replacen("fcvt d", "fcvt s", 1),
        Op::FcvtDS => text.replacen("fcvt s", "fcvt d", 1),
        Op::Tbz | Op::Tbnz => text.replacen(" w", " x", 1),
        _ => text.to_owned(),
    }
}

fn check_disassembler(inst: &Inst) {
    let ours = normal(&inst.to_string());
    let theirs = known_slip(inst.op, &normal(&disassembled(inst)));
    // With the stack pointer among the operands, `uxtx` may be left out.
    let same = ours == theirs || (inst.op == Op::AddSp && ours == format!("{theirs} uxtx"));
    assert!(same, "{:#010x}: ours {ours}, theirs {theirs}", encode(inst));
}

#[test]
fn every_row_agrees_with_the_disassembler_on_all_edges() {
    for &op in OPS {
        for inst in all_edges(op) {
            check_disassembler(&inst);
        }
    }
}

/// The words that LLVM's assembler makes of lines; none where it refuses.
fn assembled(lines: &[String]) -> Vec<Option<u32>> {
    // An error ends nothing: every line has a number, and errors name it.
    let mut child = Command::new("llvm-mc")
        .args(["-triple=aarch64", "-mattr=+v8.5a", "-show-encoding"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("llvm-mc starts");
    let text: String = lines
        .iter()
        .enumerate()
        .map(|(at, line)| format!("l{at}: {line}\n"))
        .collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).expect("it reads"));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it was written");
    let mut words = vec![None; lines.len()];
    let mut at = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(label) = line.strip_prefix('l').and_then(|l| l.split(':').next()) {
            at = label.parse::<usize>().ok();
        }
        if let (Some(at), Some((_, bytes))) = (at, line.split_once("encoding: [")) {
            let bytes = bytes.trim_end_matches(']').split(',');
            let bytes: Vec<u8> = bytes
                .filter_map(|b| u8::from_str_radix(b.trim_start_matches("0x"), 16).ok())
                .collect();
            words[at] = bytes.try_into().ok().map(u32::from_le_bytes);
        }
    }
    words
}

#[test]
fn the_assembler_makes_our_words_of_our_text() {
    if tool::tool("llvm-mc").is_none() {
        return;
    }
    let insts: Vec<Inst> = OPS.iter().flat_map(|&op| all_edges(op)).collect();
    let lines: Vec<String> = insts.iter().map(Inst::to_string).collect();
    let words = assembled(&lines);
    for ((inst, line), word) in insts.iter().zip(&lines).zip(words) {
        assert_eq!(word, Some(encode(inst)), "{line} = {:#010x}", encode(inst));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_agrees_with_the_disassembler_on_random_operands(seeds in any::<[u64; 4]>()) {
        for &op in OPS {
            let value = |(operand, seed): (_, &u64)| random(operand, *seed);
            let fields = op.row().chosen().map(|operand| operand.field);
            let values: Vec<i64> = fields.zip(&seeds).map(value).collect();
            let inst = Inst::new(op, &values);
            if is_meant(&inst) {
                check_disassembler(&inst);
            }
        }
    }
}

/// Any value that a field holds.
fn random(field: Field, seed: u64) -> i64 {
    let pick = |all: Vec<i64>| all[(seed % all.len() as u64) as usize];
    let scaled = |bits: u32, unit: u8, offset: i64| ((seed >> (64 - bits)) as i64 + offset) << unit;
    match field {
        Field::Off12(unit) => scaled(12, unit, 0),
        Field::Off9 => scaled(9, 0, -256),
        Field::Pre7(unit) | Field::Post7(unit) => scaled(7, unit, -64),
        Field::Imm12 => scaled(12, if seed & 1 == 0 { 0 } else { 12 }, 0),
        Field::Imm16(_) => scaled(16, 0, 0),
        Field::Rel(bits, _) => scaled(bits.into(), 2, -(1 << (bits - 1))),
        Field::Page => scaled(21, 0, -(1 << 20)),
        _ => pick(edges(field)),
    }
}
