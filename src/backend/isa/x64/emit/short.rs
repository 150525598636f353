//! What is left to say shorter when registers are known. In: an instruction. Out: one that does the same, and what its flags tell besides.

use super::encode::{self, Mem, Rm};
use super::{Cc, Op};

/// A shorter or quicker instruction of the same meaning, now that registers are known: `lea` into one of its own parts adds to it. No
/// `lea` of ours stands where flags are waiting to be read.
pub(super) fn simplified(inst: encode::Inst) -> encode::Inst {
    let Rm::Mem(Mem::Sum {
        base: Some(base),
        index,
        disp,
    }) = inst.rm
    else {
        return inst;
    };
    if inst.op != Op::LeaRM {
        return inst;
    }
    match (index, disp) {
        (None, 0) => encode::Inst {
            op: Op::MovRM,
            rm: Rm::Reg(base),
            ..inst
        },
        (None, 1 | -1) if base == inst.reg => encode::Inst {
            op: if disp == 1 { Op::IncM } else { Op::DecM },
            reg: 0,
            rm: Rm::Reg(base),
            ..inst
        },
        (None, disp) if base == inst.reg => encode::Inst {
            op: if i8::try_from(disp).is_ok() {
                Op::AddMI8
            } else {
                Op::AddMI
            },
            reg: 0,
            rm: Rm::Reg(base),
            imm: disp.into(),
            cc: Cc::O,
        },
        (Some((index, 0)), 0) if base == inst.reg => encode::Inst {
            op: Op::AddRM,
            rm: Rm::Reg(index),
            ..inst
        },
        (Some((index, 0)), 0) if index == inst.reg => encode::Inst {
            op: Op::AddRM,
            rm: Rm::Reg(base),
            ..inst
        },
        _ => inst,
    }
}

/// The register that an instruction computes, if it leaves flags that say whether that is 0.
pub(super) fn result_in_flags(inst: &encode::Inst) -> Option<u8> {
    let of_rm = || match inst.rm {
        Rm::Reg(reg) => Some(reg),
        Rm::None | Rm::Mem(_) => None,
    };
    match inst.op {
        Op::AddRM | Op::SubRM | Op::AndRM | Op::OrRM | Op::XorRM => Some(inst.reg),
        Op::AddMI8 | Op::AddMI | Op::SubMI8 | Op::SubMI | Op::IncM | Op::DecM => of_rm(),
        Op::AndMI8 | Op::AndMI | Op::OrMI8 | Op::OrMI | Op::XorMI8 | Op::XorMI | Op::NegM => {
            of_rm()
        }
        _ => None,
    }
}
