//! The operations: one row each. Names follow Cranelift and LLVM.
//!
//! An operation never raises and never traps: where a machine would (division by zero, `i64::MIN / -1`, a conversion out of range), the
//! precondition is in the row's comment and the frontend has tested for it.

/// The type of an SSA value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// 64-bit integer or pointer.
    I64,
    /// IEEE 754 binary64.
    F64,
}

/// What a load reads or a store writes; loads extend to 64 bits (`I*` by sign, `U*` by zero), stores truncate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum MemType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    /// An f32 in memory, an F64 value: loads extend, stores round to nearest even.
    F32,
    F64,
}

impl MemType {
    /// Size in bytes.
    pub fn size(self) -> u32 {
        match self {
            MemType::I8 | MemType::U8 => 1,
            MemType::I16 | MemType::U16 => 2,
            MemType::I32 | MemType::U32 | MemType::F32 => 4,
            MemType::I64 | MemType::F64 => 8,
        }
    }

    /// The type of the value loaded or stored.
    pub fn value(self) -> Type {
        match self {
            MemType::F32 | MemType::F64 => Type::F64,
            _ => Type::I64,
        }
    }
}

/// Integer comparison; `S*` signed, `U*` unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum IntCc {
    Eq,
    Ne,
    Slt,
    Sle,
    Sgt,
    Sge,
    Ult,
    Ule,
    Ugt,
    Uge,
}

impl IntCc {
    /// All of them.
    pub const ALL: [IntCc; 10] = [
        IntCc::Eq,
        IntCc::Ne,
        IntCc::Slt,
        IntCc::Sle,
        IntCc::Sgt,
        IntCc::Sge,
        IntCc::Ult,
        IntCc::Ule,
        IntCc::Ugt,
        IntCc::Uge,
    ];

    /// The comparison that holds for `(b, a)` where this one holds for `(a, b)`.
    pub fn swapped(self) -> IntCc {
        match self {
            IntCc::Eq => IntCc::Eq,
            IntCc::Ne => IntCc::Ne,
            IntCc::Slt => IntCc::Sgt,
            IntCc::Sle => IntCc::Sge,
            IntCc::Sgt => IntCc::Slt,
            IntCc::Sge => IntCc::Sle,
            IntCc::Ult => IntCc::Ugt,
            IntCc::Ule => IntCc::Uge,
            IntCc::Ugt => IntCc::Ult,
            IntCc::Uge => IntCc::Ule,
        }
    }

    /// The comparison that holds where this one does not.
    pub fn negated(self) -> IntCc {
        match self {
            IntCc::Eq => IntCc::Ne,
            IntCc::Ne => IntCc::Eq,
            IntCc::Slt => IntCc::Sge,
            IntCc::Sle => IntCc::Sgt,
            IntCc::Sgt => IntCc::Sle,
            IntCc::Sge => IntCc::Slt,
            IntCc::Ult => IntCc::Uge,
            IntCc::Ule => IntCc::Ugt,
            IntCc::Ugt => IntCc::Ule,
            IntCc::Uge => IntCc::Ult,
        }
    }
}

/// Float comparison; all but `Ne` are false when an operand is a NaN, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum FloatCc {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl FloatCc {
    /// All of them.
    pub const ALL: [FloatCc; 6] = [
        FloatCc::Eq,
        FloatCc::Ne,
        FloatCc::Lt,
        FloatCc::Le,
        FloatCc::Gt,
        FloatCc::Ge,
    ];
}

/// What an operation may do besides computing its results; decides what may be removed, merged or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A function of its operands.
    Pure,
    /// Reads memory.
    Load,
    /// Writes memory.
    Store,
    /// Anything at all.
    Call,
}

/// The shape of an operation's immediate part ([`super::func::Payload`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// None.
    None,
    /// An integer constant.
    Int,
    /// A float constant.
    Float,
    /// An integer comparison.
    IntCc,
    /// A float comparison.
    FloatCc,
    /// Type and offset of a memory access.
    Mem,
    /// A stack slot.
    Slot,
    /// A datum and an offset.
    Data,
    /// A function of the program.
    Func,
    /// An import.
    Import,
    /// A signature.
    Sig,
}

macro_rules! ops {
    ($($(#[$doc:meta])* $variant:ident $name:literal ($($arg:ident)*) -> ($($result:ident)*) $payload:ident $effect:ident;)*) => {
        /// An operation. Operand and result types, payload and effect are in its row ([`Op::row`]).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Op { $($(#[$doc])* $variant,)* }

        /// All operations, in the order of their rows.
        pub const OPS: &[Op] = &[$(Op::$variant,)*];

        impl Op {
            /// The operation's row.
            pub fn row(self) -> &'static OpRow {
                static ROWS: &[OpRow] = &[$(OpRow {
                    name: $name,
                    args: &[$(Type::$arg,)*],
                    results: &[$(Type::$result,)*],
                    payload: PayloadKind::$payload,
                    effect: Effect::$effect,
                },)*];
                &ROWS[self as usize]
            }
        }
    };
}

/// What all instructions of one operation have in common. Calls and stores take their operand types from payload and signature.
#[derive(Debug)]
pub struct OpRow {
    /// As printed.
    pub name: &'static str,
    /// Operand types (empty for calls, whose signature has them; `Store`'s value type is that of its memory type).
    pub args: &'static [Type],
    /// Result types (empty for calls; `Load`'s and `Select`'s follow the payload or the operands).
    pub results: &'static [Type],
    /// Shape of the immediate part.
    pub payload: PayloadKind,
    /// What else it may do.
    pub effect: Effect,
}

ops! {
    // variant   name            operands         results      payload  effect
    /// Integer constant.
    Iconst       "iconst"        ()            -> (I64)         Int     Pure;
    /// Float constant.
    Fconst       "fconst"        ()            -> (F64)         Float   Pure;

    /// Addition modulo 2^64.
    Iadd         "iadd"          (I64 I64)     -> (I64)         None    Pure;
    /// Subtraction modulo 2^64.
    Isub         "isub"          (I64 I64)     -> (I64)         None    Pure;
    /// Multiplication modulo 2^64.
    Imul         "imul"          (I64 I64)     -> (I64)         None    Pure;
    /// High 64 bits of the signed 128-bit product.
    Smulhi       "smulhi"        (I64 I64)     -> (I64)         None    Pure;
    /// High 64 bits of the unsigned 128-bit product.
    Umulhi       "umulhi"        (I64 I64)     -> (I64)         None    Pure;
    /// Negation modulo 2^64.
    Ineg         "ineg"          (I64)         -> (I64)         None    Pure;
    /// Bitwise not.
    Bnot         "bnot"          (I64)         -> (I64)         None    Pure;
    /// Bitwise and.
    Band         "band"          (I64 I64)     -> (I64)         None    Pure;
    /// Bitwise or.
    Bor          "bor"           (I64 I64)     -> (I64)         None    Pure;
    /// Bitwise exclusive or.
    Bxor         "bxor"          (I64 I64)     -> (I64)         None    Pure;
    /// Left shift; the count is taken modulo 64.
    Ishl         "ishl"          (I64 I64)     -> (I64)         None    Pure;
    /// Arithmetic right shift; the count is taken modulo 64.
    Sshr         "sshr"          (I64 I64)     -> (I64)         None    Pure;
    /// Logical right shift; the count is taken modulo 64.
    Ushr         "ushr"          (I64 I64)     -> (I64)         None    Pure;
    /// Rotation to the left; the count is taken modulo 64.
    Rotl         "rotl"          (I64 I64)     -> (I64)         None    Pure;
    /// Signed quotient, rounded towards zero. The divisor is not 0, and not -1 when the dividend is the least integer.
    Sdiv         "sdiv"          (I64 I64)     -> (I64)         None    Pure;
    /// Signed remainder, with the sign of the dividend. Operands as for `Sdiv`.
    Srem         "srem"          (I64 I64)     -> (I64)         None    Pure;
    /// Unsigned quotient. The divisor is not 0.
    Udiv         "udiv"          (I64 I64)     -> (I64)         None    Pure;
    /// Unsigned remainder. The divisor is not 0.
    Urem         "urem"          (I64 I64)     -> (I64)         None    Pure;
    /// Sum modulo 2^64, and 1 where the signed sum does not fit, else 0.
    SaddOvf      "sadd_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Difference and signed overflow.
    SsubOvf      "ssub_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Product and signed overflow.
    SmulOvf      "smul_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Sum and unsigned overflow.
    UaddOvf      "uadd_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Difference and unsigned overflow (borrow).
    UsubOvf      "usub_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Product and unsigned overflow.
    UmulOvf      "umul_ovf"      (I64 I64)     -> (I64 I64)     None    Pure;
    /// Number of leading zero bits; 64 for 0.
    Clz          "clz"           (I64)         -> (I64)         None    Pure;
    /// Number of trailing zero bits; 64 for 0.
    Ctz          "ctz"           (I64)         -> (I64)         None    Pure;
    /// Number of one bits.
    Popcnt       "popcnt"        (I64)         -> (I64)         None    Pure;
    /// The eight bytes reversed.
    Bswap        "bswap"         (I64)         -> (I64)         None    Pure;
    /// The low 8 bits extended by sign.
    Sext8        "sext8"         (I64)         -> (I64)         None    Pure;
    /// The low 16 bits extended by sign.
    Sext16       "sext16"        (I64)         -> (I64)         None    Pure;
    /// The low 32 bits extended by sign.
    Sext32       "sext32"        (I64)         -> (I64)         None    Pure;
    /// The low 8 bits extended by zero.
    Zext8        "zext8"         (I64)         -> (I64)         None    Pure;
    /// The low 16 bits extended by zero.
    Zext16       "zext16"        (I64)         -> (I64)         None    Pure;
    /// The low 32 bits extended by zero.
    Zext32       "zext32"        (I64)         -> (I64)         None    Pure;
    /// 1 where the comparison holds, else 0.
    Icmp         "icmp"          (I64 I64)     -> (I64)         IntCc   Pure;
    /// 1 where the comparison holds, else 0.
    Fcmp         "fcmp"          (F64 F64)     -> (I64)         FloatCc Pure;
    /// The second operand where the first is not 0, else the third; they are integers.
    Select       "select"        (I64 I64 I64) -> (I64)         None    Pure;
    /// As `Select`, for floats.
    Fselect      "fselect"       (I64 F64 F64) -> (F64)         None    Pure;

    /// Sum.
    Fadd         "fadd"          (F64 F64)     -> (F64)         None    Pure;
    /// Difference.
    Fsub         "fsub"          (F64 F64)     -> (F64)         None    Pure;
    /// Product.
    Fmul         "fmul"          (F64 F64)     -> (F64)         None    Pure;
    /// Quotient.
    Fdiv         "fdiv"          (F64 F64)     -> (F64)         None    Pure;
    /// Sign bit flipped.
    Fneg         "fneg"          (F64)         -> (F64)         None    Pure;
    /// Sign bit cleared.
    Fabs         "fabs"          (F64)         -> (F64)         None    Pure;
    /// Magnitude of the first, sign of the second operand.
    Fcopysign    "fcopysign"     (F64 F64)     -> (F64)         None    Pure;
    /// Square root.
    Fsqrt        "fsqrt"         (F64)         -> (F64)         None    Pure;
    /// Rounded towards minus infinity; NaN, infinities and zeros (sign kept) unchanged.
    Ffloor       "ffloor"        (F64)         -> (F64)         None    Pure;
    /// Rounded towards plus infinity; likewise.
    Fceil        "fceil"         (F64)         -> (F64)         None    Pure;
    /// Rounded towards zero; likewise.
    Ftrunc       "ftrunc"        (F64)         -> (F64)         None    Pure;
    /// Rounded to binary32 and back (`f32` storage).
    Fround32     "fround32"      (F64)         -> (F64)         None    Pure;
    /// Signed integer to the nearest float, ties to even.
    FfromS       "ffrom_s"       (I64)         -> (F64)         None    Pure;
    /// Unsigned integer to the nearest float, ties to even.
    FfromU       "ffrom_u"       (I64)         -> (F64)         None    Pure;
    /// Float to signed integer, towards zero. The operand is greater than -2^63 - 1 and less than 2^63.
    FtoS         "fto_s"         (F64)         -> (I64)         None    Pure;
    /// Float to unsigned integer, towards zero. The operand is greater than -1 and less than 2^64.
    FtoU         "fto_u"         (F64)         -> (I64)         None    Pure;
    /// The float's bits.
    FtoBits      "fto_bits"      (F64)         -> (I64)         None    Pure;
    /// The float of these bits.
    FfromBits    "ffrom_bits"    (I64)         -> (F64)         None    Pure;

    /// What stands at address + offset; the result type is that of the memory type.
    Load         "load"          (I64)         -> ()            Mem     Load;
    /// Operands: value, address.
    Store        "store"         ()            -> ()            Mem     Store;
    /// Address of a slot of the frame.
    SlotAddr     "slot_addr"     ()            -> (I64)         Slot    Pure;
    /// Address of a datum of the program, plus an offset.
    DataAddr     "data_addr"     ()            -> (I64)         Data    Pure;
    /// Address of a function of the program.
    FuncAddr     "func_addr"     ()            -> (I64)         Func    Pure;
    /// Address of an imported object or function (the content of its GOT slot).
    ImportAddr   "import_addr"   ()            -> (I64)         Import  Pure;
    /// Calls a function of the program.
    Call         "call"          ()            -> ()            Func    Call;
    /// Calls an imported function.
    CallImport   "call_import"   ()            -> ()            Import  Call;
    /// Calls through a pointer, which is the first operand.
    CallIndirect "call_indirect" ()            -> ()            Sig     Call;
}
