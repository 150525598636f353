//! Machine code back as text: that of x86 in Intel syntax, here, the door to `iced-x86`; that of arm64 in [`super::disasm_arm64`].
//!
//! In: bytes, the address of the first, and somebody who knows names. Out: a line for each instruction. Bytes that are no instruction
//! become lines of their own, so that the lines always cover the input.

use std::cell::RefCell;
use std::rc::Rc;

use super::disasm_arm64;
use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, SymbolResolver,
    SymbolResult,
};

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Offset of its first byte in the input.
    pub offset: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its text.
    pub text: String,
    /// The address it uses, if it does.
    pub uses: Option<Use>,
}

/// Machines whose code we can disassemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// x86, of a width: 16, 32 or 64 bits.
    X86(u32),
    /// 64-bit Arm.
    Arm64,
}

/// A use of an address in an instruction: a branch, or memory relative to rip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Offset in the input of the field that holds the distance: where a relocation would be.
    pub field: usize,
    /// The address it says.
    pub address: u64,
    /// The distance that the field holds now.
    pub distance: i64,
    /// What stands at the address is used, not the address itself.
    pub content: bool,
    /// Only a page is named, so only a relocation knows what is meant.
    pub page: bool,
}

/// The name for the instruction at hand, shared with the formatter, which wants to own whom it asks.
#[derive(Default)]
struct Name(Rc<RefCell<Option<(u64, String)>>>);

impl SymbolResolver for Name {
    fn symbol(
        &mut self,
        _: &Instruction,
        _: u32,
        _: Option<u32>,
        address: u64,
        _: u32,
    ) -> Option<SymbolResult<'_>> {
        let name = self.0.borrow();
        let (known, text) = name.as_ref()?;
        (*known == address).then(|| SymbolResult::with_string(address, text.clone()))
    }
}

/// Disassembles code whose first byte is at `address`; `resolve` gives names to the addresses used.
pub fn disassemble(
    machine: Machine,
    bytes: &[u8],
    address: u64,
    resolve: &dyn Fn(Use) -> Option<String>,
) -> Vec<Line> {
    match machine {
        Machine::X86(bits) => x86(bits, bytes, address, resolve),
        Machine::Arm64 => disasm_arm64::disassemble(bytes, address, resolve),
    }
}

fn x86(
    bits: u32,
    bytes: &[u8],
    address: u64,
    resolve: &dyn Fn(Use) -> Option<String>,
) -> Vec<Line> {
    let name = Name::default();
    let shared = Rc::clone(&name.0);
    let mut formatter = IntelFormatter::with_options(Some(Box::new(name)), None);
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(true);
    options.set_first_operand_char_index(8);
    options.set_show_branch_size(false);
    options.set_branch_leading_zeros(false);
    options.set_signed_immediate_operands(true);
    let mut decoder = Decoder::with_ip(bits, bytes, address, DecoderOptions::NONE);
    let mut lines = Vec::new();
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let offset = decoder.position();
        decoder.decode_out(&mut instruction);
        let mut uses = None;
        let text = if instruction.is_invalid() {
            // One byte at a time, to find back into step.
            let _ = decoder.set_position(offset + 1);
            decoder.set_ip(address.wrapping_add(offset as u64 + 1));
            format!(".byte   {:#04x}", bytes[offset])
        } else {
            let constants = decoder.get_constant_offsets(&instruction);
            uses = used_address(&instruction).map(|(address, in_memory)| {
                let field = if in_memory {
                    constants.displacement_offset()
                } else {
                    constants.immediate_offset()
                };
                Use {
                    field: offset + field,
                    address,
                    distance: address.wrapping_sub(instruction.next_ip()) as i64,
                    content: in_memory && instruction.mnemonic() != Mnemonic::Lea,
                    page: false,
                }
            });
            *shared.borrow_mut() = uses.and_then(|used| Some((used.address, resolve(used)?)));
            let mut text = String::new();
            formatter.format(&instruction, &mut text);
            text
        };
        lines.push(Line {
            offset,
            bytes: bytes[offset..decoder.position()].to_vec(),
            text,
            uses,
        });
    }
    lines
}

/// The address that an instruction names by its distance, and whether as a memory operand.
fn used_address(instruction: &Instruction) -> Option<(u64, bool)> {
    if instruction.is_ip_rel_memory_operand() {
        Some((instruction.ip_rel_memory_address(), true))
    } else if instruction.is_jmp_short_or_near()
        || instruction.is_jcc_short_or_near()
        || instruction.is_call_near()
    {
        Some((instruction.near_branch_target(), false))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_relocations_do() {
        // lea rax, [rip+0]; call [rip+0]; jmp $+2; then half an instruction.
        let code = [
            0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xff, 0x15, 0, 0, 0, 0, 0xeb, 0, 0xe8, 0,
        ];
        let names = |used: Use| match used.field {
            3 => Some("datum+0x8".to_owned()),
            9 => Some("PyLong_FromLong".to_owned()),
            _ => None,
        };
        let texts: Vec<String> = disassemble(Machine::X86(64), &code, 0x1000, &names)
            .into_iter()
            .map(|line| line.text)
            .collect();
        assert_eq!(
            texts,
            [
                "lea     rax, [datum+0x8]",
                "call    qword ptr [PyLong_FromLong]",
                "jmp     0x100f",
                ".byte   0xe8",
                ".byte   0x00"
            ]
        );
    }

    #[test]
    fn any_bytes_are_covered_by_lines() {
        let mut state = 1u64;
        for machine in [Machine::X86(64), Machine::Arm64].repeat(250) {
            let bytes: Vec<u8> = (0..64)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            let lines = disassemble(machine, &bytes, u64::MAX - 8, &|_| Some("x".to_owned()));
            let all: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
            assert_eq!(all, bytes);
        }
    }
}
