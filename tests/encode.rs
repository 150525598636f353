//! Every row of the x86-64 instruction table against the disassembler `iced-x86`: what we encode must decode to the mnemonic, the operands
//! (registers, addresses, numbers, and whether they are read or written) and the length that the row promises. Operands are all registers
//! and all classes of addresses and immediates for each row, and random ones.

use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, InstructionInfoFactory, IntelFormatter,
    OpAccess, OpKind, Register,
};
use proptest::prelude::*;
use pyasmgen::backend::isa::x64::encode::{Inst, Mem, Rm, encode};
use pyasmgen::backend::isa::x64::inst::{CCS, Cc, Kind, OPS, Op, OperandRow, Place, Role};
use pyasmgen::backend::isa::x64::print::register;

/// Where the code stands, so that rip-relative addresses are far from 0.
const IP: u64 = 0x10_0000_0000;

fn check(inst: &Inst) {
    let mut bytes = Vec::new();
    encode(inst, &mut bytes);
    let length = bytes.len();
    // What follows shows whether the disassembler takes more than we wrote.
    bytes.extend([0xcc; 16]);
    let decoded = Decoder::with_ip(64, &bytes, IP, DecoderOptions::NONE).decode();
    let context = format!("{inst} = {:02x?}", &bytes[..length]);
    assert!(!decoded.is_invalid(), "{context} is not valid");
    assert_eq!(decoded.len(), length, "{context}");

    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_use_pseudo_ops(false);
    let mut mnemonic = String::new();
    formatter.format_mnemonic(&decoded, &mut mnemonic);
    let row = inst.op.row();
    let cc = if row.cc { inst.cc.name() } else { "" };
    assert_eq!(mnemonic, format!("{}{cc}", row.name), "{context}");

    let mut info = InstructionInfoFactory::new();
    let info = info.info(&decoded);
    let hidden = |o: &&OperandRow| matches!(o.place, Place::Fixed(_, false));
    let shown: Vec<_> = row.operands.iter().filter(|o| !hidden(o)).collect();
    assert_eq!(decoded.op_count() as usize, shown.len(), "{context}");
    for (at, operand) in shown.into_iter().enumerate() {
        check_operand(inst, operand, &decoded, at as u32, &mut formatter, &context);
        let access = info.op_access(at as u32);
        assert!(
            is_role(inst.op, operand, access),
            "{context}: {operand:?} is {access:?}"
        );
    }
    for operand in row.operands.iter().filter(hidden) {
        let Place::Fixed(reg, _) = operand.place else {
            unreachable!("hidden operands are fixed")
        };
        let known = [Register::RAX, Register::RCX, Register::RDX][reg.number as usize];
        let used = info
            .used_registers()
            .iter()
            .filter(|u| u.register() == known);
        let accesses: Vec<OpAccess> = used.map(|u| u.access()).collect();
        let (read, write) = (
            accesses
                .iter()
                .any(|&a| a == OpAccess::Read || a == OpAccess::ReadWrite),
            accesses
                .iter()
                .any(|&a| a == OpAccess::Write || a == OpAccess::ReadWrite),
        );
        assert!(
            (operand.role == Role::Def || read) && (operand.role == Role::Use || write),
            "{context}: {operand:?} is {accesses:?}"
        );
    }
}

/// Whether the disassembler agrees on what happens to an operand. We read more than the machine where the comments say so.
fn is_role(op: Op, operand: &OperandRow, access: OpAccess) -> bool {
    match operand.role {
        Role::Use => match op {
            Op::LeaRM => access == OpAccess::NoMemAccess,
            _ => access == OpAccess::Read,
        },
        Role::Def => match op {
            // Written unless the operand is 0; lowering replaces the result then.
            Op::BsfRM | Op::BsrRM => access == OpAccess::CondWrite,
            _ => access == OpAccess::Write,
        },
        Role::Mod => match op {
            // Writes 8 of the register's 64 bits.
            Op::SetccM => access == OpAccess::Write,
            // Keeps what it does not write.
            Op::CmovccRM => access == OpAccess::CondWrite,
            // Keep the upper part, which nobody looks at.
            Op::SqrtsdRM | Op::Cvtsi2sdRM | Op::Cvtsd2ssRM | Op::Cvtss2sdRM => {
                access == OpAccess::Write || access == OpAccess::ReadWrite
            }
            _ => access == OpAccess::ReadWrite,
        },
    }
}

fn check_operand(
    inst: &Inst,
    operand: &OperandRow,
    decoded: &Instruction,
    at: u32,
    formatter: &mut IntelFormatter,
    context: &str,
) {
    let number = match (operand.place, inst.rm) {
        (Place::Reg | Place::Opcode, _) => inst.reg,
        (Place::Fixed(reg, _), _) => reg.number,
        (Place::Rm | Place::RmReg, Rm::Reg(rm)) => rm,
        (Place::Rm | Place::Mem, Rm::Mem(mem)) => {
            return check_memory(mem, operand.kind, decoded, at, context);
        }
        (Place::Imm(_) | Place::Bits(_), _) => {
            let first = &inst.op.row().operands[0];
            let bits = match (first.kind, operand.place) {
                (_, Place::Bits(size)) => 8 * size as u32,
                (Kind::B32, _) => 32,
                (_, _) => 64,
            };
            let mask = u64::MAX >> (64 - bits);
            assert_eq!(
                decoded.immediate(at) & mask,
                inst.imm as u64 & mask,
                "{context}"
            );
            return;
        }
        (Place::Rel(_), _) => {
            let end = IP + decoded.len() as u64;
            let distance = decoded.near_branch_target().wrapping_sub(end) as i64;
            return assert_eq!(distance, inst.imm, "{context}");
        }
        (Place::Mem, Rm::Reg(_)) | (Place::RmReg, Rm::Mem(_)) | (_, Rm::None) => {
            unreachable!("operands are made to fit the row")
        }
    };
    assert_eq!(decoded.op_kind(at), OpKind::Register, "{context}");
    let name = formatter
        .format_register(decoded.op_register(at))
        .to_owned();
    assert_eq!(name, register(operand, number), "{context}");
}

fn check_memory(mem: Mem, kind: Kind, decoded: &Instruction, at: u32, context: &str) {
    assert_eq!(decoded.op_kind(at), OpKind::Memory, "{context}");
    let size = match kind {
        Kind::B8 => Some(1),
        Kind::B16 => Some(2),
        Kind::B32 | Kind::F32 => Some(4),
        Kind::B64 | Kind::F64 => Some(8),
        Kind::None => None,
    };
    if let Some(size) = size {
        assert_eq!(decoded.memory_size().size(), size, "{context}");
    }
    let number = |reg: Register| (reg != Register::None).then(|| reg.number() as u8);
    match mem {
        Mem::Rip(disp) => {
            let target = (IP + decoded.len() as u64).wrapping_add(disp as i64 as u64);
            assert_eq!(decoded.memory_base(), Register::RIP, "{context}");
            assert_eq!(decoded.memory_displacement64(), target, "{context}");
        }
        Mem::Sum { base, index, disp } => {
            assert_eq!(number(decoded.memory_base()), base, "{context}");
            let decoded_index = number(decoded.memory_index());
            assert_eq!(decoded_index, index.map(|(reg, _)| reg), "{context}");
            if let Some((_, shift)) = index {
                assert_eq!(decoded.memory_index_scale(), 1 << shift, "{context}");
            }
            let displacement = decoded.memory_displacement64() as i64;
            assert_eq!(displacement, disp as i64, "{context}");
        }
    }
}

/// An instruction of form `op` with these operands as far as its row has them.
fn instance(op: Op, reg: u8, rm: Rm, imm: i64, cc: Cc) -> Inst {
    let row = op.row();
    let place = |wanted: fn(Place) -> bool| row.operands.iter().find(|o| wanted(o.place));
    let rm = match (
        place(|p| matches!(p, Place::Rm | Place::RmReg)),
        place(|p| p == Place::Mem),
        rm,
    ) {
        (Some(row), _, rm) => match (row.place, rm) {
            (Place::RmReg, Rm::Mem(_)) => Rm::Reg(reg ^ 1),
            (_, rm) => rm,
        },
        (None, Some(_), Rm::Mem(mem)) => Rm::Mem(mem),
        (None, Some(_), _) => Rm::Mem(Mem::Rip(imm as i32)),
        (None, None, _) => Rm::None,
    };
    let has_reg = place(|p| matches!(p, Place::Reg | Place::Opcode)).is_some();
    let imm = match place(|p| matches!(p, Place::Imm(_) | Place::Bits(_) | Place::Rel(_))) {
        None => 0,
        Some(operand) => match operand.place {
            Place::Imm(1) | Place::Rel(1) => imm as i8 as i64,
            Place::Imm(_) | Place::Rel(_) => imm as i32 as i64,
            _ => imm,
        },
    };
    Inst {
        op,
        reg: if has_reg { reg } else { 0 },
        rm,
        imm,
        cc,
    }
}

const DISPS: [i32; 10] = [
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    0x1234_5678,
    i32::MAX,
    i32::MIN,
];

const IMMS: [i64; 16] = [
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    255,
    256,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
    0x1234_5678_9abc_def0,
];

/// All registers, all bases with all indexes, all classes of displacements.
fn all_rms() -> Vec<Rm> {
    let mut rms: Vec<Rm> = (0..16).map(Rm::Reg).collect();
    rms.extend(DISPS.map(|disp| Rm::Mem(Mem::Rip(disp))));
    for base in (0..16).map(Some).chain([None]) {
        for index in (0..16).filter(|&i| i != 4).map(Some).chain([None]) {
            let shift = index.unwrap_or(0) & 3;
            for disp in DISPS {
                rms.push(Rm::Mem(Mem::Sum {
                    base,
                    index: index.map(|index| (index, shift)),
                    disp,
                }));
            }
        }
    }
    rms
}

#[test]
fn every_row_agrees_with_the_disassembler_on_all_edges() {
    let rms = all_rms();
    for &op in OPS {
        // The whole range of each operand, the others being walked through alongside.
        let rounds = rms.len().max(64);
        for at in 0..rounds {
            let reg = (at * 7 + at / 16) as u8 & 15;
            let imm = IMMS[at % IMMS.len()];
            // One register twice may be an idiom with other accesses (`xor rax, rax` reads nothing).
            let rm = rms[at % rms.len()];
            let reg = if rm == Rm::Reg(reg) { reg ^ 1 } else { reg };
            check(&instance(op, reg, rm, imm, CCS[at % 16]));
        }
        for reg in 0..16 {
            for rm in 0..16 {
                if reg != rm {
                    let imm = IMMS[(reg + rm) as usize % IMMS.len()];
                    check(&instance(op, reg, Rm::Reg(rm), imm, CCS[reg as usize]));
                }
            }
        }
        for imm in IMMS {
            for cc in CCS {
                check(&instance(op, 3, Rm::Reg(9), imm, cc));
            }
        }
    }
}

fn any_rm() -> impl Strategy<Value = Rm> {
    let index = prop_oneof![Just(None), ((0u8..15), 0u8..4).prop_map(Some)];
    let disp = prop_oneof![any::<i8>().prop_map(i32::from), any::<i32>()];
    prop_oneof![
        (0u8..16).prop_map(Rm::Reg),
        any::<i32>().prop_map(|disp| Rm::Mem(Mem::Rip(disp))),
        (proptest::option::of(0u8..16), index, disp).prop_map(|(base, index, disp)| {
            // 0 to 14 without the one number that is no index.
            let index = index.map(|(i, shift)| (if i >= 4 { i + 1 } else { i }, shift));
            Rm::Mem(Mem::Sum { base, index, disp })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_agrees_with_the_disassembler_on_random_operands(
        reg in 0u8..16,
        rm in any_rm(),
        imm in any::<i64>(),
        cc in 0usize..16,
    ) {
        let reg = if rm == Rm::Reg(reg) { reg ^ 1 } else { reg };
        for &op in OPS {
            check(&instance(op, reg, rm, imm, CCS[cc]));
        }
    }
}
