//! One row per instruction form, with the facts of its entry in the Arm Architecture Reference Manual (C6, C7): mnemonic, the word with all
//! operand fields zero, operands in the order of assembly text. From the row follow the enum [`Op`], the operand constraints
//! ([`super::lower`]), the encoder ([`super::encode`]) and the printer ([`super::print`]). Variants are named by mnemonic and the manual's
//! class of the form (`AddImm`, `LdrOff`, `StpPre`); 64-bit forms have no mark, 32-bit ones a `W`, floats the letter of their register.
//! Rows may fix a register, and are named by the alias that this has (`CmpImm`). Only forms that lowering uses are here: those of ARMv8.0, and
//! hints, which older cores pass over.

/// Condition codes, by their number in encodings (C1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Cc {
    Eq,
    Ne,
    Hs,
    Lo,
    Mi,
    Pl,
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
}

/// All condition codes, by number.
pub const CCS: [Cc; 14] = [
    Cc::Eq,
    Cc::Ne,
    Cc::Hs,
    Cc::Lo,
    Cc::Mi,
    Cc::Pl,
    Cc::Vs,
    Cc::Vc,
    Cc::Hi,
    Cc::Ls,
    Cc::Ge,
    Cc::Lt,
    Cc::Gt,
    Cc::Le,
];

impl Cc {
    /// The opposite condition.
    pub fn inverted(self) -> Cc {
        CCS[self as usize ^ 1]
    }

    /// As in assembly text.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 14] = [
            "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
        ];
        NAMES[self as usize]
    }
}

/// What an instruction does to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads it.
    Use,
    /// Writes it.
    Def,
    /// Reads and writes it.
    Mod,
}

/// What a register field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit general-purpose register; number 31 is zero.
    X,
    /// Its low half.
    W,
    /// Its low half; number 31 is that of the stack pointer.
    Wsp,
    /// 64-bit general-purpose register; number 31 is the stack pointer.
    Sp,
    /// 64-bit float register.
    D,
    /// 32-bit float register.
    S,
    /// Eight bytes of a vector register.
    V8b,
    /// The lowest byte of a vector register.
    B,
}

/// Where an operand is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Always the same, so no operand of instructions: its text.
    Fixed(&'static str),
    /// A register, in five bits from this one on.
    Reg(Kind, u8),
    /// A register taken as a 64-bit number (UXTX), in bits 16 to 20.
    Extended,
    /// The register that an address starts from, in bits 5 to 9.
    Base,
    /// A register added to the address, shifted left by so much, in bits 16 to 20.
    Index(u8),
    /// An offset without sign in units of 2^n bytes, bits 10 to 21.
    Off12(u8),
    /// An offset with sign in bytes, bits 12 to 20.
    Off9,
    /// An offset with sign in units of 2^n bytes, bits 15 to 21; the base becomes the address.
    Pre7(u8),
    /// The same, added to the base afterwards.
    Post7(u8),
    /// 12 bits, shifted left by 12 if bit 22 is set.
    Imm12,
    /// Ones and zeros in a pattern that repeats: N, immr, imms (bits 10 to 22).
    Mask,
    /// 16 bits, from this one on.
    Imm16(u8),
    /// How far the 16 bits are shifted: 0, 16, 32 or 48, bits 21 and 22.
    Hw,
    /// A shift of the operand before, to the left, bits 10 to 15.
    Lsl,
    /// A shift of the operand before, to the right by sign, bits 10 to 15.
    Asr,
    /// A number of 6 bits from this one on.
    Imm6(u8),
    /// The number of a bit: bits 19 to 23, and 31.
    Bit,
    /// A condition, bits 12 to 15.
    Cond,
    /// A condition that is part of the mnemonic, bits 0 to 3.
    CondSuffix,
    /// A float that eight bits can say, bits 13 to 20.
    Float,
    /// A distance from this instruction in words: so many bits, from this one on.
    Rel(u8, u8),
    /// A distance in pages of 4 KiB: bits 29 and 30, then 5 to 23.
    Page,
}

/// An operand of a row.
#[derive(Clone, Copy, Debug)]
pub struct OperandRow {
    /// What happens to it.
    pub role: Role,
    /// Where it is encoded.
    pub field: Field,
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// Mnemonic.
    pub name: &'static str,
    /// The word, all operand fields zero.
    pub word: u32,
    /// Operands, in the order of assembly text.
    pub operands: &'static [OperandRow],
}

impl Row {
    /// The operands that instructions choose.
    pub fn chosen(&self) -> impl Iterator<Item = OperandRow> {
        let chosen = |operand: &&OperandRow| !matches!(operand.field, Field::Fixed(_));
        self.operands.iter().filter(chosen).copied()
    }
}

const RD: Field = Field::Reg(Kind::X, 0);
const RN: Field = Field::Reg(Kind::X, 5);
const RM: Field = Field::Reg(Kind::X, 16);
const RA: Field = Field::Reg(Kind::X, 10);
const RT2: Field = Field::Reg(Kind::X, 10);
const WD: Field = Field::Reg(Kind::W, 0);
const WSPN: Field = Field::Reg(Kind::Wsp, 5);
const XZR: Field = Field::Fixed("xzr");
const WZR: Field = Field::Fixed("wzr");
const ZERO: Field = Field::Fixed("#0.0");
const X30: Field = Field::Fixed("x30");
const RMX: Field = Field::Extended;
const SPD: Field = Field::Reg(Kind::Sp, 0);
const SPN: Field = Field::Reg(Kind::Sp, 5);
const DD: Field = Field::Reg(Kind::D, 0);
const DN: Field = Field::Reg(Kind::D, 5);
const DM: Field = Field::Reg(Kind::D, 16);
const DT2: Field = Field::Reg(Kind::D, 10);
const SD: Field = Field::Reg(Kind::S, 0);
const SN: Field = Field::Reg(Kind::S, 5);
const BD: Field = Field::Reg(Kind::B, 0);
const VD: Field = Field::Reg(Kind::V8b, 0);
const VN: Field = Field::Reg(Kind::V8b, 5);
const VM: Field = Field::Reg(Kind::V8b, 16);
const BASE: Field = Field::Base;
const IX0: Field = Field::Index(0);
const IX1: Field = Field::Index(1);
const IX2: Field = Field::Index(2);
const IX3: Field = Field::Index(3);
const U0: Field = Field::Off12(0);
const U1: Field = Field::Off12(1);
const U2: Field = Field::Off12(2);
const U3: Field = Field::Off12(3);
const S9: Field = Field::Off9;
const PRE7: Field = Field::Pre7(3);
const POST7: Field = Field::Post7(3);
const IMM12: Field = Field::Imm12;
const MASK: Field = Field::Mask;
const IMM16: Field = Field::Imm16(5);
const HW: Field = Field::Hw;
const LSL: Field = Field::Lsl;
const ASR: Field = Field::Asr;
const IMMR: Field = Field::Imm6(16);
const IMMS: Field = Field::Imm6(10);
const BIT: Field = Field::Bit;
const COND: Field = Field::Cond;
const CC: Field = Field::CondSuffix;
const FLOAT: Field = Field::Float;
const REL26: Field = Field::Rel(26, 0);
const REL19: Field = Field::Rel(19, 5);
const REL14: Field = Field::Rel(14, 5);
const PAGE: Field = Field::Page;

macro_rules! rows {
    ($($variant:ident $name:literal $word:literal [$($role:ident $field:ident)*];)*) => {
        /// An instruction form; its facts are in its row ([`Op::row`]).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the rows are the documentation")]
        pub enum Op { $($variant,)* }

        /// All forms, in the order of their rows.
        pub const OPS: &[Op] = &[$(Op::$variant,)*];

        impl Op {
            /// The form's row.
            pub fn row(self) -> &'static Row {
                static ROWS: &[Row] = &[$(Row {
                    name: $name,
                    word: $word,
                    operands: &[$(OperandRow { role: Role::$role, field: $field },)*],
                },)*];
                &ROWS[self as usize]
            }
        }
    };
}

rows! {
    // variant  mnemonic   fixed word    operands                                     the manual's entry
    AddImm      "add"      0x9100_0000 [Def SPD Use SPN Use IMM12];                // ADD (immediate)
    SubImm      "sub"      0xd100_0000 [Def SPD Use SPN Use IMM12];                // SUB (immediate)
    AddsImm     "adds"     0xb100_0000 [Def RD Use SPN Use IMM12];                 // ADDS (immediate)
    SubsImm     "subs"     0xf100_0000 [Def RD Use SPN Use IMM12];                 // SUBS (immediate)
    CmpImm      "subs"     0xf100_001f [Use XZR Use SPN Use IMM12];                // CMP (immediate)
    CmnImm      "adds"     0xb100_001f [Use XZR Use SPN Use IMM12];                // CMN (immediate)
    CmpWImm     "subs"     0x7100_001f [Use WZR Use WSPN Use IMM12];               // CMP (immediate), 32-bit
    Add         "add"      0x8b00_0000 [Def RD Use RN Use RM Use LSL];             // ADD (shifted register)
    Sub         "sub"      0xcb00_0000 [Def RD Use RN Use RM Use LSL];             // SUB (shifted register)
    AddSp       "add"      0x8b20_6000 [Def SPD Use SPN Use RMX];                  // ADD (extended register), UXTX
    Adds        "adds"     0xab00_0000 [Def RD Use RN Use RM Use LSL];             // ADDS (shifted register)
    Subs        "subs"     0xeb00_0000 [Def RD Use RN Use RM Use LSL];             // SUBS (shifted register)
    Cmp         "subs"     0xeb00_001f [Use XZR Use RN Use RM Use LSL];            // CMP (shifted register)
    CmpAsr      "subs"     0xeb80_001f [Use XZR Use RN Use RM Use ASR];            // CMP (shifted register), ASR
    Neg         "sub"      0xcb00_03e0 [Def RD Use XZR Use RM Use LSL];            // NEG (shifted register)
    AndImm      "and"      0x9200_0000 [Def SPD Use RN Use MASK];                  // AND (immediate)
    OrrImm      "orr"      0xb200_0000 [Def SPD Use RN Use MASK];                  // ORR (immediate)
    EorImm      "eor"      0xd200_0000 [Def SPD Use RN Use MASK];                  // EOR (immediate)
    TstImm      "ands"     0xf200_001f [Use XZR Use RN Use MASK];                  // TST (immediate)
    MovMask     "orr"      0xb200_03e0 [Def SPD Use XZR Use MASK];                 // MOV (bitmask immediate)
    And         "and"      0x8a00_0000 [Def RD Use RN Use RM Use LSL];             // AND (shifted register)
    Bic         "bic"      0x8a20_0000 [Def RD Use RN Use RM Use LSL];             // BIC (shifted register)
    Orr         "orr"      0xaa00_0000 [Def RD Use RN Use RM Use LSL];             // ORR (shifted register)
    Orn         "orn"      0xaa20_0000 [Def RD Use RN Use RM Use LSL];             // ORN (shifted register)
    Eor         "eor"      0xca00_0000 [Def RD Use RN Use RM Use LSL];             // EOR (shifted register)
    Eon         "eon"      0xca20_0000 [Def RD Use RN Use RM Use LSL];             // EON (shifted register)
    Tst         "ands"     0xea00_001f [Use XZR Use RN Use RM Use LSL];            // TST (shifted register)
    Mov         "orr"      0xaa00_03e0 [Def RD Use XZR Use RM];                    // MOV (register)
    Mvn         "orn"      0xaa20_03e0 [Def RD Use XZR Use RM Use LSL];            // MVN
    Movz        "movz"     0xd280_0000 [Def RD Use IMM16 Use HW];                  // MOVZ
    Movn        "movn"     0x9280_0000 [Def RD Use IMM16 Use HW];                  // MOVN
    Movk        "movk"     0xf280_0000 [Mod RD Use IMM16 Use HW];                  // MOVK
    Ubfm        "ubfm"     0xd340_0000 [Def RD Use RN Use IMMR Use IMMS];          // UBFM
    Sbfm        "sbfm"     0x9340_0000 [Def RD Use RN Use IMMR Use IMMS];          // SBFM
    Extr        "extr"     0x93c0_0000 [Def RD Use RN Use RM Use IMMS];            // EXTR
    Lslv        "lslv"     0x9ac0_2000 [Def RD Use RN Use RM];                     // LSLV
    Lsrv        "lsrv"     0x9ac0_2400 [Def RD Use RN Use RM];                     // LSRV
    Asrv        "asrv"     0x9ac0_2800 [Def RD Use RN Use RM];                     // ASRV
    Rorv        "rorv"     0x9ac0_2c00 [Def RD Use RN Use RM];                     // RORV
    Mul         "madd"     0x9b00_7c00 [Def RD Use RN Use RM Use XZR];             // MUL
    Madd        "madd"     0x9b00_0000 [Def RD Use RN Use RM Use RA];              // MADD
    Msub        "msub"     0x9b00_8000 [Def RD Use RN Use RM Use RA];              // MSUB
    Smulh       "smulh"    0x9b40_7c00 [Def RD Use RN Use RM];                     // SMULH
    Umulh       "umulh"    0x9bc0_7c00 [Def RD Use RN Use RM];                     // UMULH
    Sdiv        "sdiv"     0x9ac0_0c00 [Def RD Use RN Use RM];                     // SDIV
    Udiv        "udiv"     0x9ac0_0800 [Def RD Use RN Use RM];                     // UDIV
    Clz         "clz"      0xdac0_1000 [Def RD Use RN];                            // CLZ
    Rbit        "rbit"     0xdac0_0000 [Def RD Use RN];                            // RBIT
    Rev         "rev"      0xdac0_0c00 [Def RD Use RN];                            // REV
    Csel        "csel"     0x9a80_0000 [Def RD Use RN Use RM Use COND];            // CSEL
    CselZero    "csel"     0x9a9f_0000 [Def RD Use RN Use XZR Use COND];           // CSEL, of a value and zero
    Cset        "csinc"    0x9a9f_07e0 [Def RD Use XZR Use XZR Use COND];         // CSET, of the opposite condition

    LdrOff      "ldr"      0xf940_0000 [Def RD Use BASE Use U3];                   // LDR (immediate), unsigned offset
    LdrWOff     "ldr"      0xb940_0000 [Def WD Use BASE Use U2];
    LdrswOff    "ldrsw"    0xb980_0000 [Def RD Use BASE Use U2];
    LdrhOff     "ldrh"     0x7940_0000 [Def WD Use BASE Use U1];
    LdrshOff    "ldrsh"    0x7980_0000 [Def RD Use BASE Use U1];
    LdrbOff     "ldrb"     0x3940_0000 [Def WD Use BASE Use U0];
    LdrsbOff    "ldrsb"    0x3980_0000 [Def RD Use BASE Use U0];
    LdrDOff     "ldr"      0xfd40_0000 [Def DD Use BASE Use U3];
    LdrSOff     "ldr"      0xbd40_0000 [Def SD Use BASE Use U2];
    StrOff      "str"      0xf900_0000 [Use RD Use BASE Use U3];
    StrWOff     "str"      0xb900_0000 [Use WD Use BASE Use U2];
    StrhOff     "strh"     0x7900_0000 [Use WD Use BASE Use U1];
    StrbOff     "strb"     0x3900_0000 [Use WD Use BASE Use U0];
    StrDOff     "str"      0xfd00_0000 [Use DD Use BASE Use U3];
    StrSOff     "str"      0xbd00_0000 [Use SD Use BASE Use U2];
    Ldur        "ldur"     0xf840_0000 [Def RD Use BASE Use S9];                   // LDUR
    LdurW       "ldur"     0xb840_0000 [Def WD Use BASE Use S9];
    Ldursw      "ldursw"   0xb880_0000 [Def RD Use BASE Use S9];
    Ldurh       "ldurh"    0x7840_0000 [Def WD Use BASE Use S9];
    Ldursh      "ldursh"   0x7880_0000 [Def RD Use BASE Use S9];
    Ldurb       "ldurb"    0x3840_0000 [Def WD Use BASE Use S9];
    Ldursb      "ldursb"   0x3880_0000 [Def RD Use BASE Use S9];
    LdurD       "ldur"     0xfc40_0000 [Def DD Use BASE Use S9];
    LdurS       "ldur"     0xbc40_0000 [Def SD Use BASE Use S9];
    Stur        "stur"     0xf800_0000 [Use RD Use BASE Use S9];
    SturW       "stur"     0xb800_0000 [Use WD Use BASE Use S9];
    Sturh       "sturh"    0x7800_0000 [Use WD Use BASE Use S9];
    Sturb       "sturb"    0x3800_0000 [Use WD Use BASE Use S9];
    SturD       "stur"     0xfc00_0000 [Use DD Use BASE Use S9];
    SturS       "stur"     0xbc00_0000 [Use SD Use BASE Use S9];
    LdrReg      "ldr"      0xf860_6800 [Def RD Use BASE Use IX0];                  // LDR (register)
    LdrWReg     "ldr"      0xb860_6800 [Def WD Use BASE Use IX0];
    LdrswReg    "ldrsw"    0xb8a0_6800 [Def RD Use BASE Use IX0];
    LdrhReg     "ldrh"     0x7860_6800 [Def WD Use BASE Use IX0];
    LdrshReg    "ldrsh"    0x78a0_6800 [Def RD Use BASE Use IX0];
    LdrbReg     "ldrb"     0x3860_6800 [Def WD Use BASE Use IX0];
    LdrsbReg    "ldrsb"    0x38a0_6800 [Def RD Use BASE Use IX0];
    LdrDReg     "ldr"      0xfc60_6800 [Def DD Use BASE Use IX0];
    LdrSReg     "ldr"      0xbc60_6800 [Def SD Use BASE Use IX0];
    StrReg      "str"      0xf820_6800 [Use RD Use BASE Use IX0];
    StrWReg     "str"      0xb820_6800 [Use WD Use BASE Use IX0];
    StrhReg     "strh"     0x7820_6800 [Use WD Use BASE Use IX0];
    StrbReg     "strb"     0x3820_6800 [Use WD Use BASE Use IX0];
    StrDReg     "str"      0xfc20_6800 [Use DD Use BASE Use IX0];
    StrSReg     "str"      0xbc20_6800 [Use SD Use BASE Use IX0];
    LdrLsl      "ldr"      0xf860_7800 [Def RD Use BASE Use IX3];                  // LDR (register), LSL
    LdrWLsl     "ldr"      0xb860_7800 [Def WD Use BASE Use IX2];
    LdrswLsl    "ldrsw"    0xb8a0_7800 [Def RD Use BASE Use IX2];
    LdrhLsl     "ldrh"     0x7860_7800 [Def WD Use BASE Use IX1];
    LdrshLsl    "ldrsh"    0x78a0_7800 [Def RD Use BASE Use IX1];
    LdrDLsl     "ldr"      0xfc60_7800 [Def DD Use BASE Use IX3];
    LdrSLsl     "ldr"      0xbc60_7800 [Def SD Use BASE Use IX2];
    StrLsl      "str"      0xf820_7800 [Use RD Use BASE Use IX3];
    StrWLsl     "str"      0xb820_7800 [Use WD Use BASE Use IX2];
    StrhLsl     "strh"     0x7820_7800 [Use WD Use BASE Use IX1];
    StrDLsl     "str"      0xfc20_7800 [Use DD Use BASE Use IX3];
    StrSLsl     "str"      0xbc20_7800 [Use SD Use BASE Use IX2];
    StpPre      "stp"      0xa980_0000 [Use RD Use RT2 Mod BASE Use PRE7];         // STP, pre-index
    LdpPost     "ldp"      0xa8c0_0000 [Def RD Def RT2 Mod BASE Use POST7];        // LDP, post-index
    StpDPre     "stp"      0x6d80_0000 [Use DD Use DT2 Mod BASE Use PRE7];         // STP (SIMD&FP), pre-index
    LdpDPost    "ldp"      0x6cc0_0000 [Def DD Def DT2 Mod BASE Use POST7];        // LDP (SIMD&FP), post-index

    FmovReg     "fmov"     0x1e60_4000 [Def DD Use DN];                            // FMOV (register)
    FmovFromX   "fmov"     0x9e67_0000 [Def DD Use RN];                            // FMOV (general)
    FmovToX     "fmov"     0x9e66_0000 [Def RD Use DN];
    FmovToW     "fmov"     0x1e26_0000 [Def WD Use SN];
    FmovImm     "fmov"     0x1e60_1000 [Def DD Use FLOAT];                         // FMOV (scalar, immediate)
    FmovZero    "fmov"     0x9e67_03e0 [Def DD Use XZR];                           // FMOV (general) from XZR
    Fadd        "fadd"     0x1e60_2800 [Def DD Use DN Use DM];                     // FADD (scalar)
    Fsub        "fsub"     0x1e60_3800 [Def DD Use DN Use DM];                     // FSUB (scalar)
    Fmul        "fmul"     0x1e60_0800 [Def DD Use DN Use DM];                     // FMUL (scalar)
    Fdiv        "fdiv"     0x1e60_1800 [Def DD Use DN Use DM];                     // FDIV (scalar)
    Fneg        "fneg"     0x1e61_4000 [Def DD Use DN];                            // FNEG (scalar)
    Fabs        "fabs"     0x1e60_c000 [Def DD Use DN];                            // FABS (scalar)
    Fsqrt       "fsqrt"    0x1e61_c000 [Def DD Use DN];                            // FSQRT (scalar)
    Frintm      "frintm"   0x1e65_4000 [Def DD Use DN];                            // FRINTM (scalar)
    Frintp      "frintp"   0x1e64_c000 [Def DD Use DN];                            // FRINTP (scalar)
    Frintz      "frintz"   0x1e65_c000 [Def DD Use DN];                            // FRINTZ (scalar)
    FcvtSD      "fcvt"     0x1e62_4000 [Def SD Use DN];                            // FCVT, double to single
    FcvtDS      "fcvt"     0x1e22_c000 [Def DD Use SN];                            // FCVT, single to double
    Scvtf       "scvtf"    0x9e62_0000 [Def DD Use RN];                            // SCVTF (scalar, integer)
    Ucvtf       "ucvtf"    0x9e63_0000 [Def DD Use RN];                            // UCVTF (scalar, integer)
    Fcvtzs      "fcvtzs"   0x9e78_0000 [Def RD Use DN];                            // FCVTZS (scalar, integer)
    Fcvtzu      "fcvtzu"   0x9e79_0000 [Def RD Use DN];                            // FCVTZU (scalar, integer)
    Fcmp        "fcmp"     0x1e60_2000 [Use DN Use DM];                            // FCMP
    FcmpZero    "fcmp"     0x1e60_2008 [Use DN Use ZERO];                          // FCMP, zero
    Fcsel       "fcsel"    0x1e60_0c00 [Def DD Use DN Use DM Use COND];            // FCSEL
    Bit         "bit"      0x2ea0_1c00 [Mod VD Use VN Use VM];                     // BIT
    Cnt         "cnt"      0x0e20_5800 [Def VD Use VN];                            // CNT
    Addv        "addv"     0x0e31_b800 [Def BD Use VN];                            // ADDV

    Adrp        "adrp"     0x9000_0000 [Def RD Use PAGE];                          // ADRP
    B           "b"        0x1400_0000 [Use REL26];                                // B
    Bl          "bl"       0x9400_0000 [Use REL26];                                // BL
    Bcond       "b"        0x5400_0000 [Use CC Use REL19];                         // B.cond
    Cbz         "cbz"      0xb400_0000 [Use RD Use REL19];                         // CBZ
    Cbnz        "cbnz"     0xb500_0000 [Use RD Use REL19];                         // CBNZ
    CbzW        "cbz"      0x3400_0000 [Use WD Use REL19];
    CbnzW       "cbnz"     0x3500_0000 [Use WD Use REL19];
    Tbz         "tbz"      0x3600_0000 [Use RD Use BIT Use REL14];                 // TBZ
    Tbnz        "tbnz"     0x3700_0000 [Use RD Use BIT Use REL14];                 // TBNZ
    Br          "br"       0xd61f_0000 [Use RN];                                   // BR
    Blr         "blr"      0xd63f_0000 [Use RN];                                   // BLR
    Ret         "ret"      0xd65f_03c0 [Use X30];                                  // RET
    Brk         "brk"      0xd420_0000 [Use IMM16];                                // BRK
    BtiC        "bti c"    0xd503_245f [];                                         // BTI
    Paciasp     "paciasp"  0xd503_233f [];                                         // PACIASP
    Autiasp     "autiasp"  0xd503_23bf [];                                         // AUTIASP
}
