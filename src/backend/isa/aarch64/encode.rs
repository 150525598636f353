//! Writes one instruction, by its row, to its word (Arm ARM, C4). In: an [`Inst`] on machine registers, one value per operand that its row leaves open.
//! Out: the word. Labels and relocations are not known here: a distance that is to be filled in later is written as 0. Which immediates a
//! field can say is asked here too, by lowering ([`Field::holds`]).

use super::inst::{CCS, Cc, Field, Op};

/// Operands of an instruction at most.
pub const MOST: usize = 4;

/// An instruction on machine registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inst {
    /// Its form.
    pub op: Op,
    /// One value for each operand that the row leaves open: a register's number, a condition's number, a float's bits, or the immediate itself, offsets
    /// and distances in bytes (of a page: in pages). Zero behind them.
    pub values: [i64; MOST],
}

impl Inst {
    /// An instruction with these operands.
    pub fn new(op: Op, operands: &[i64]) -> Inst {
        let mut values = [0; MOST];
        values[..operands.len()].copy_from_slice(operands);
        debug_assert_eq!(op.row().chosen().count(), operands.len(), "{op:?}");
        Inst { op, values }
    }
}

/// The instruction's word. Panics on an immediate that its field cannot say: lowering has asked before.
pub fn encode(inst: &Inst) -> u32 {
    let row = inst.op.row();
    let mut word = row.word;
    for (operand, &value) in row.chosen().zip(&inst.values) {
        let bits = operand.field.encode(value);
        word |= bits.unwrap_or_else(|| panic!("{:?} cannot say {value:#x}", inst.op));
    }
    word
}

/// Appends the instruction's bytes.
pub fn append(inst: &Inst, out: &mut Vec<u8>) {
    out.extend_from_slice(&encode(inst).to_le_bytes());
}

impl Field {
    /// Whether the field can say the value.
    pub fn holds(self, value: i64) -> bool {
        self.encode(value).is_some()
    }

    /// The value in the field's bits of the word.
    fn encode(self, value: i64) -> Option<u32> {
        match self {
            Field::Fixed(_) => Some(0),
            Field::Reg(_, at) => unsigned(value, 5, at),
            Field::Extended => unsigned(value, 5, 16),
            Field::Base => unsigned(value, 5, 5),
            Field::Index(_) => unsigned(value, 5, 16),
            Field::Off12(unit) => unsigned(scaled(value, unit)?, 12, 10),
            Field::Off9 => signed(value, 9, 12),
            Field::Pre7(unit) | Field::Post7(unit) => signed(scaled(value, unit)?, 7, 15),
            Field::Imm12 if value & 0xfff == 0 && value != 0 => {
                Some(unsigned(value >> 12, 12, 10)? | 1 << 22)
            }
            Field::Imm12 => unsigned(value, 12, 10),
            Field::Mask => mask(value as u64),
            Field::Imm16(at) => unsigned(value, 16, at),
            Field::Hw => unsigned(scaled(value, 4)?, 2, 21),
            Field::Lsl | Field::Asr => unsigned(value, 6, 10),
            Field::Imm6(at) => unsigned(value, 6, at),
            Field::Bit => {
                let bit = unsigned(value, 6, 0)?;
                Some((bit & 31) << 19 | (bit >> 5) << 31)
            }
            Field::Cond => Some(condition(value)? << 12),
            Field::CondSuffix => condition(value),
            Field::Float => float(value as u64),
            Field::Rel(bits, at) => signed(scaled(value, 2)?, bits, at),
            Field::Page => {
                let pages = signed(value, 21, 0)?;
                Some((pages & 3) << 29 | (pages >> 2) << 5)
            }
        }
    }
}

fn unsigned(value: i64, bits: u8, at: u8) -> Option<u32> {
    (0..1 << bits)
        .contains(&value)
        .then_some((value as u32) << at)
}

fn signed(value: i64, bits: u8, at: u8) -> Option<u32> {
    let half = 1i64 << (bits - 1);
    let mask = (1u64 << bits) - 1;
    (-half..half)
        .contains(&value)
        .then_some(((value as u64 & mask) as u32) << at)
}

/// The value in units of 2^unit, of which it must be a multiple.
fn scaled(value: i64, unit: u8) -> Option<i64> {
    (value & ((1 << unit) - 1) == 0).then_some(value >> unit)
}

fn condition(value: i64) -> Option<u32> {
    let cc: &Cc = CCS.get(usize::try_from(value).ok()?)?;
    Some(*cc as u32)
}

/// N, immr and imms of a mask (Arm ARM, `DecodeBitMasks`): a run of ones, rotated right, in an element that repeats.
///
/// ```text
/// element size   N  imms         ones in a run: 1 to size - 1
/// 64             1  ones - 1
/// 32             0  0 ones - 1   above the size, bits of `imms` are set, and the one of the size is not
/// 2              0  11110 ones - 1
/// ```
fn mask(value: u64) -> Option<u32> {
    if value == 0 || value == u64::MAX {
        return None;
    }
    let repeats = |size: &u32| value.rotate_right(*size) == value;
    let size = [2, 4, 8, 16, 32, 64].into_iter().find(repeats)?;
    let element = value & (u64::MAX >> (64 - size));
    let ones = element.count_ones();
    // Rotated right until the run starts at bit 0, it is one number.
    let start = (0..size).find(|start| {
        let high = if *start == 0 {
            0
        } else {
            element << (size - start)
        };
        let turned = (element >> start | high) & (u64::MAX >> (64 - size));
        turned == u64::MAX >> (64 - ones)
    })?;
    let immr = (size - start) % size;
    let n = u32::from(size == 64);
    let imms = (!(2 * size - 1) & 0x3f) | (ones - 1);
    Some(n << 22 | immr << 16 | imms << 10)
}

/// The eight bits of a float: sign, three of the exponent, four of the fraction (Arm ARM, `VFPExpandImm`).
fn float(bits: u64) -> Option<u32> {
    let (sign, exponent, fraction) = (bits >> 63, bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    // The bits are NOT(b) bbbbbbbb cd: from 2^-3 to 2^4.
    let is_near = (0x3fc..=0x403).contains(&exponent);
    let fits = is_near && fraction & ((1 << 48) - 1) == 0;
    let eight = sign << 7 | (exponent.wrapping_sub(0x3fc) ^ 4) << 4 | fraction >> 48;
    fits.then_some((eight as u32) << 13)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mask means, by the manual's own words (`DecodeBitMasks`).
    fn meaning(n: u32, immr: u32, imms: u32) -> Option<u64> {
        let length = 31 - (n << 6 | (!imms & 0x3f)).leading_zeros();
        let levels = (1 << length) - 1;
        if length < 1 || imms & levels == levels {
            return None;
        }
        let size = 1 << length;
        let welem = u64::MAX >> (63 - (imms & levels));
        let all = u64::MAX >> (64 - size);
        let turn = immr & levels;
        let turned = if turn == 0 {
            welem
        } else {
            (welem >> turn | welem << (size - turn)) & all
        };
        let mut value = 0;
        for at in (0..64).step_by(size as usize) {
            value |= turned << at;
        }
        Some(value)
    }

    #[test]
    fn every_mask_of_the_manual_is_found_and_no_other() {
        let mut known = std::collections::BTreeSet::new();
        for n in 0..2 {
            for immr in 0..64 {
                for imms in 0..64 {
                    if (n, !imms & 0x3f) == (0, 0) {
                        continue;
                    }
                    let Some(value) = meaning(n, immr, imms) else {
                        continue;
                    };
                    known.insert(value);
                    let word = mask(value).unwrap_or_else(|| panic!("{value:#x} is a mask"));
                    let field = |at: u32| word >> at & 0x3f;
                    let back = meaning(word >> 22 & 1, field(16), field(10));
                    assert_eq!(back, Some(value), "{value:#x}");
                }
            }
        }
        assert_eq!(known.len(), 5334);
        for value in known.iter().flat_map(|v| [v ^ 1, v ^ 0x10_0000, v << 1]) {
            assert_eq!(mask(value).is_some(), known.contains(&value), "{value:#x}");
        }
        assert_eq!((mask(0), mask(u64::MAX)), (None, None));
    }

    #[test]
    fn eight_bits_say_256_floats() {
        let values = (0..=u16::MAX).map(|top| u64::from(top) << 48);
        let said: Vec<u64> = values.filter(|&bits| float(bits).is_some()).collect();
        assert_eq!(said.len(), 256);
        assert_eq!(float(1f64.to_bits()), Some(0x70 << 13));
        assert_eq!(float((-0.125f64).to_bits()), Some(0xc0 << 13));
        assert_eq!(float(31f64.to_bits()), Some(0x3f << 13));
        assert_eq!(float(0), None);
        assert_eq!(float(1f64.to_bits() + 1), None);
    }
}
