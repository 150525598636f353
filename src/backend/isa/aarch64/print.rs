//! Instructions as assembly text, by their rows: for messages, and for judges who read text. No aliases: the instruction that the row
//! is, registers that it fixes among the operands.

use std::fmt;

use super::encode::Inst;
use super::inst::{CCS, Field, Kind};

/// The name of a register in a field.
pub fn register(kind: Kind, number: i64) -> String {
    match (kind, number) {
        (Kind::X, 31) => "xzr".to_owned(),
        (Kind::W, 31) => "wzr".to_owned(),
        (Kind::Wsp, 31) => "wsp".to_owned(),
        (Kind::Sp, 31) => "sp".to_owned(),
        (Kind::X | Kind::Sp, _) => format!("x{number}"),
        (Kind::W | Kind::Wsp, _) => format!("w{number}"),
        (Kind::D, _) => format!("d{number}"),
        (Kind::S, _) => format!("s{number}"),
        (Kind::B, _) => format!("b{number}"),
        (Kind::V8b, _) => format!("v{number}.8b"),
    }
}

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.op.row();
        f.write_str(row.name)?;
        let mut separator = " ";
        let mut values = self.values.iter();
        for operand in row.operands {
            let value = match operand.field {
                Field::Fixed(_) => 0,
                _ => values.next().copied().unwrap_or_default(),
            };
            let condition = || CCS[value as usize].name();
            // Behind the base of an address, a bracket is open.
            let text = match operand.field {
                Field::CondSuffix => {
                    write!(f, ".{}", condition())?;
                    continue;
                }
                Field::Fixed(text) => text.to_owned(),
                Field::Reg(kind, _) => register(kind, value),
                Field::Extended => format!("{}, uxtx", register(Kind::X, value)),
                Field::Base => format!("[{}", register(Kind::Sp, value)),
                Field::Index(0) => format!("{}]", register(Kind::X, value)),
                Field::Index(shift) => format!("{}, lsl #{shift}]", register(Kind::X, value)),
                Field::Off12(_) | Field::Off9 => format!("#{value}]"),
                Field::Pre7(_) => format!("#{value}]!"),
                Field::Post7(_) => {
                    write!(f, "], #{value}")?;
                    continue;
                }
                Field::Imm12 if value & 0xfff == 0 && value != 0 => {
                    format!("#{}, lsl #12", value >> 12)
                }
                Field::Lsl | Field::Hw => format!("lsl #{value}"),
                Field::Asr => format!("asr #{value}"),
                Field::Mask => format!("#{value:#x}"),
                Field::Cond => condition().to_owned(),
                Field::Float => format!("#{:?}", f64::from_bits(value as u64)),
                Field::Page => format!("#{}", value * 4096),
                Field::Imm12 | Field::Imm16(_) | Field::Imm6(_) | Field::Bit | Field::Rel(..) => {
                    format!("#{value}")
                }
            };
            write!(f, "{separator}{text}")?;
            separator = ", ";
        }
        Ok(())
    }
}
