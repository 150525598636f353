//! A plain evaluation of the IR's operations, and inputs: edges and random words.

use pyasmgen::ir::func::Payload;
use pyasmgen::ir::op::{FloatCc, IntCc, MemType, Op, Type};

/// Xorshift: the same numbers every time.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn int(&mut self) -> u64 {
        let edge = INTS[self.below(INTS.len())];
        match self.below(4) {
            0 => edge,
            1 => edge.wrapping_add(self.next() % 3).wrapping_sub(1),
            2 => self.next() >> self.below(64),
            _ => (self.next() as i64 >> self.below(64)) as u64,
        }
    }

    pub fn float(&mut self) -> u64 {
        match self.below(4) {
            0 => FLOATS[self.below(FLOATS.len())].to_bits(),
            1 => ((self.next() as i64 >> self.below(64)) as f64 / 8.0).to_bits(),
            2 => (self.int() as i64 as f64).to_bits(),
            _ => self.next(),
        }
    }

    pub fn word(&mut self, ty: Type) -> u64 {
        match ty {
            Type::I64 => self.int(),
            Type::F64 => self.float(),
        }
    }
}

pub const INTS: [u64; 24] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    i64::MIN as u64,
    -1i64 as u64,
    -2i64 as u64,
];

pub const FLOATS: [f64; 26] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    -1.5,
    2.5,
    0.999_999_999_999_999_9,
    -0.999_999_999_999_999_9,
    4_503_599_627_370_495.5,
    -4_503_599_627_370_495.5,
    4_503_599_627_370_496.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    9_223_372_036_854_774_784.0,
    18_446_744_073_709_549_568.0,
    1e300,
    -1e300,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    3.4e38,
];

pub const MEM_TYPES: [MemType; 9] = [
    MemType::I8,
    MemType::U8,
    MemType::I16,
    MemType::U16,
    MemType::I32,
    MemType::U32,
    MemType::I64,
    MemType::F32,
    MemType::F64,
];

// The plain evaluation.

pub fn f(bits: u64) -> f64 {
    f64::from_bits(bits)
}

pub fn int_cc(cc: IntCc, a: u64, b: u64) -> bool {
    let (x, y) = (a as i64, b as i64);
    match cc {
        IntCc::Eq => a == b,
        IntCc::Ne => a != b,
        IntCc::Slt => x < y,
        IntCc::Sle => x <= y,
        IntCc::Sgt => x > y,
        IntCc::Sge => x >= y,
        IntCc::Ult => a < b,
        IntCc::Ule => a <= b,
        IntCc::Ugt => a > b,
        IntCc::Uge => a >= b,
    }
}

pub fn float_cc(cc: FloatCc, a: f64, b: f64) -> bool {
    match cc {
        FloatCc::Eq => a == b,
        FloatCc::Ne => a != b,
        FloatCc::Lt => a < b,
        FloatCc::Le => a <= b,
        FloatCc::Gt => a > b,
        FloatCc::Ge => a >= b,
    }
}

pub fn load(ty: MemType, word: u64) -> u64 {
    match ty {
        MemType::I8 => word as i8 as u64,
        MemType::U8 => word as u8 as u64,
        MemType::I16 => word as i16 as u64,
        MemType::U16 => word as u16 as u64,
        MemType::I32 => word as i32 as u64,
        MemType::U32 => word as u32 as u64,
        MemType::I64 | MemType::F64 => word,
        MemType::F32 => f64::from(f32::from_bits(word as u32)).to_bits(),
    }
}

pub fn store(ty: MemType, old: u64, value: u64) -> u64 {
    let value = if ty == MemType::F32 {
        u64::from((f(value) as f32).to_bits())
    } else {
        value
    };
    match ty.size() {
        8 => value,
        size => {
            let mask = (1u64 << (8 * size)) - 1;
            old & !mask | value & mask
        }
    }
}

/// Results of an operation, or `None` where its precondition does not hold.
pub fn evaluate(op: Op, payload: Payload, args: &[u64]) -> Option<[u64; 2]> {
    let a = args.first().copied().unwrap_or(0);
    let b = args.get(1).copied().unwrap_or(0);
    let c = args.get(2).copied().unwrap_or(0);
    let (x, y) = (a as i64, b as i64);
    let one = |value: u64| Some([value, 0]);
    let float = |value: f64| Some([value.to_bits(), 0]);
    let signed = |(value, flag): (i64, bool)| Some([value as u64, flag as u64]);
    let unsigned = |(value, flag): (u64, bool)| Some([value, flag as u64]);
    let whole = |rounded: f64| float(if f(a).is_nan() { f(a) } else { rounded });
    match op {
        Op::Iconst => match payload {
            Payload::Int(value) => one(value as u64),
            _ => unreachable!(),
        },
        Op::Fconst => match payload {
            Payload::Float(bits) => one(bits),
            _ => unreachable!(),
        },
        Op::Iadd => one(a.wrapping_add(b)),
        Op::Isub => one(a.wrapping_sub(b)),
        Op::Imul => one(a.wrapping_mul(b)),
        Op::Smulhi => one(((x as i128 * y as i128) >> 64) as u64),
        Op::Umulhi => one(((a as u128 * b as u128) >> 64) as u64),
        Op::Ineg => one(x.wrapping_neg() as u64),
        Op::Bnot => one(!a),
        Op::Band => one(a & b),
        Op::Bor => one(a | b),
        Op::Bxor => one(a ^ b),
        Op::Ishl => one(a << (b & 63)),
        Op::Sshr => one((x >> (b & 63)) as u64),
        Op::Ushr => one(a >> (b & 63)),
        Op::Rotl => one(a.rotate_left((b & 63) as u32)),
        Op::Sdiv => one(x.checked_div(y)? as u64),
        Op::Srem => one(x.checked_rem(y)? as u64),
        Op::Udiv => one(a.checked_div(b)?),
        Op::Urem => one(a.checked_rem(b)?),
        Op::SaddOvf => signed(x.overflowing_add(y)),
        Op::SsubOvf => signed(x.overflowing_sub(y)),
        Op::SmulOvf => signed(x.overflowing_mul(y)),
        Op::UaddOvf => unsigned(a.overflowing_add(b)),
        Op::UsubOvf => unsigned(a.overflowing_sub(b)),
        Op::UmulOvf => unsigned(a.overflowing_mul(b)),
        Op::Clz => one(a.leading_zeros().into()),
        Op::Ctz => one(a.trailing_zeros().into()),
        Op::Popcnt => one(a.count_ones().into()),
        Op::Bswap => one(a.swap_bytes()),
        Op::Sext8 => one(a as i8 as u64),
        Op::Sext16 => one(a as i16 as u64),
        Op::Sext32 => one(a as i32 as u64),
        Op::Zext8 => one(a as u8 as u64),
        Op::Zext16 => one(a as u16 as u64),
        Op::Zext32 => one(a as u32 as u64),
        Op::Icmp => match payload {
            Payload::IntCc(cc) => one(int_cc(cc, a, b) as u64),
            _ => unreachable!(),
        },
        Op::Fcmp => match payload {
            Payload::FloatCc(cc) => one(float_cc(cc, f(a), f(b)) as u64),
            _ => unreachable!(),
        },
        Op::Select | Op::Fselect => one(if a != 0 { b } else { c }),
        Op::Fadd => float(f(a) + f(b)),
        Op::Fsub => float(f(a) - f(b)),
        Op::Fmul => float(f(a) * f(b)),
        Op::Fdiv => float(f(a) / f(b)),
        Op::Fneg => one(a ^ 1 << 63),
        Op::Fabs => one(a & !(1 << 63)),
        Op::Fcopysign => one(a & !(1 << 63) | b & 1 << 63),
        Op::Fsqrt => float(f(a).sqrt()),
        Op::Ffloor => whole(f(a).floor()),
        Op::Fceil => whole(f(a).ceil()),
        Op::Ftrunc => whole(f(a).trunc()),
        Op::Fround32 => float(f64::from(f(a) as f32)),
        Op::FfromS => float(x as f64),
        Op::FfromU => float(a as f64),
        Op::FtoS => {
            let fits = f(a) >= -9_223_372_036_854_775_808.0 && f(a) < 9_223_372_036_854_775_808.0;
            fits.then(|| [f(a) as i64 as u64, 0])
        }
        Op::FtoU => {
            let fits = f(a) > -1.0 && f(a) < 18_446_744_073_709_551_616.0;
            fits.then(|| [f(a) as u64, 0])
        }
        Op::FtoBits | Op::FfromBits => one(a),
        Op::Load
        | Op::Store
        | Op::SlotAddr
        | Op::DataAddr
        | Op::FuncAddr
        | Op::ImportAddr
        | Op::Call
        | Op::CallImport
        | Op::CallIndirect => unreachable!("{} is no function of its operands", op.row().name),
    }
}

/// Whether the two words are one value of the type: all NaNs are one.
pub fn same(ty: Type, a: u64, b: u64) -> bool {
    a == b || (ty == Type::F64 && f(a).is_nan() && f(b).is_nan())
}
