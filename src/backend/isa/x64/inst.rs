//! One row per instruction form, with the facts of its entry in the SDM (volume 2): mnemonic, mandatory prefix, REX.W, opcode, operand
//! encoding, operands. From the row follow the enum [`Op`], the operand constraints ([`super::lower`]), the encoder ([`super::encode`])
//! and the printer ([`super::print`]). Variants are named by mnemonic and operand encoding, with the operand size where it is not 64 bits
//! (`Mov32RM`) and 8 behind short immediates (`AddMI8`). Only forms that lowering uses are here.

use crate::target::regs::{Reg, x64};

/// Condition codes, by their number in opcodes (SDM volume 1, appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Cc {
    O,
    No,
    B,
    Ae,
    E,
    Ne,
    Be,
    A,
    S,
    Ns,
    P,
    Np,
    L,
    Ge,
    Le,
    G,
}

/// All condition codes, by number.
pub const CCS: [Cc; 16] = [
    Cc::O,
    Cc::No,
    Cc::B,
    Cc::Ae,
    Cc::E,
    Cc::Ne,
    Cc::Be,
    Cc::A,
    Cc::S,
    Cc::Ns,
    Cc::P,
    Cc::Np,
    Cc::L,
    Cc::Ge,
    Cc::Le,
    Cc::G,
];

impl Cc {
    /// The opposite condition.
    pub fn inverted(self) -> Cc {
        CCS[self as usize ^ 1]
    }

    /// As in mnemonics.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 16] = [
            "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
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

/// Where an operand is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// ModRM.reg.
    Reg,
    /// ModRM.rm, a register or memory.
    Rm,
    /// ModRM.rm, a register only.
    RmReg,
    /// ModRM.rm, memory only.
    Mem,
    /// The low three bits of the opcode.
    Opcode,
    /// Nowhere: it is always this register; printed or not.
    Fixed(Reg, bool),
    /// An immediate of so many bytes, extended by sign.
    Imm(u8),
    /// An immediate of so many bytes that are not extended.
    Bits(u8),
    /// A displacement of so many bytes from the instruction's end.
    Rel(u8),
}

/// Register file and size of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 8 bits of a general-purpose register, or of memory.
    B8,
    /// 16 bits.
    B16,
    /// 32 bits.
    B32,
    /// 64 bits.
    B64,
    /// The low half of an XMM register, or 64 bits of memory.
    F64,
    /// The low quarter of an XMM register, or 32 bits of memory.
    F32,
    /// No size: an address, a displacement, a whole XMM register.
    None,
}

/// An operand of a row.
#[derive(Clone, Copy, Debug)]
pub struct OperandRow {
    /// What happens to it.
    pub role: Role,
    /// Where it is encoded.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
    /// Whether it is an XMM register (or memory).
    pub xmm: bool,
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// Mnemonic; a condition's name is appended where `cc`.
    pub name: &'static str,
    /// Mandatory or operand-size prefix; 0 for none.
    pub prefix: u8,
    /// REX.W.
    pub w: bool,
    /// Opcode bytes.
    pub opcode: &'static [u8],
    /// Whether a condition code is added to the last opcode byte.
    pub cc: bool,
    /// Opcode extension in ModRM.reg.
    pub ext: Option<u8>,
    /// Operands, in the manual's order.
    pub operands: &'static [OperandRow],
}

const fn operand(role: Role, (place, kind, xmm): Spec) -> OperandRow {
    OperandRow {
        role,
        place,
        kind,
        xmm,
    }
}

type Spec = (Place, Kind, bool);
const R8: Spec = (Place::Reg, Kind::B8, false);
const R16: Spec = (Place::Reg, Kind::B16, false);
const R32: Spec = (Place::Reg, Kind::B32, false);
const R64: Spec = (Place::Reg, Kind::B64, false);
const RM8: Spec = (Place::Rm, Kind::B8, false);
const RM16: Spec = (Place::Rm, Kind::B16, false);
const RM32: Spec = (Place::Rm, Kind::B32, false);
const RM64: Spec = (Place::Rm, Kind::B64, false);
const M: Spec = (Place::Mem, Kind::None, false);
const M32: Spec = (Place::Mem, Kind::F32, true);
const M64: Spec = (Place::Mem, Kind::F64, true);
const O32: Spec = (Place::Opcode, Kind::B32, false);
const O64: Spec = (Place::Opcode, Kind::B64, false);
const X: Spec = (Place::Reg, Kind::None, true);
const XM: Spec = (Place::Rm, Kind::None, true);
const XR: Spec = (Place::RmReg, Kind::None, true);
const XM32: Spec = (Place::Rm, Kind::F32, true);
const XM64: Spec = (Place::Rm, Kind::F64, true);
const I8: Spec = (Place::Imm(1), Kind::None, false);
const I32: Spec = (Place::Imm(4), Kind::None, false);
const U8: Spec = (Place::Bits(1), Kind::None, false);
const U16: Spec = (Place::Bits(2), Kind::None, false);
const U32: Spec = (Place::Bits(4), Kind::None, false);
const U64: Spec = (Place::Bits(8), Kind::None, false);
const REL8: Spec = (Place::Rel(1), Kind::None, false);
const REL32: Spec = (Place::Rel(4), Kind::None, false);
const CL: Spec = (Place::Fixed(x64::RCX, true), Kind::B8, false);
const RAX: Spec = (Place::Fixed(x64::RAX, false), Kind::B64, false);
const RDX: Spec = (Place::Fixed(x64::RDX, false), Kind::B64, false);

macro_rules! rows {
    ($($variant:ident $name:literal $prefix:tt $w:tt [$($byte:literal)*] $ext:tt [$($role:ident $spec:ident)*];)*) => {
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
                    prefix: prefix!($prefix),
                    w: w!($w),
                    opcode: &[$($byte,)*],
                    cc: cc!($ext),
                    ext: ext!($ext),
                    operands: &[$(operand(Role::$role, $spec),)*],
                },)*];
                &ROWS[self as usize]
            }
        }
    };
}

macro_rules! prefix {
    (-) => {
        0
    };
    ($prefix:literal) => {
        $prefix
    };
}

macro_rules! w {
    (-) => {
        false
    };
    (W) => {
        true
    };
}

macro_rules! cc {
    (cc) => {
        true
    };
    ($other:tt) => {
        false
    };
}

macro_rules! ext {
    (-) => {
        None
    };
    (cc) => {
        None
    };
    ($digit:literal) => {
        Some($digit)
    };
}

rows! {
    // variant  mnemonic  pfx REX.W opcode     /digit operands                      the manual's entry
    MovRM       "mov"       -    W [0x8b]        - [Def R64 Use RM64];           // MOV r64, r/m64
    MovMR       "mov"       -    W [0x89]        - [Def RM64 Use R64];           // MOV r/m64, r64
    Mov32RM     "mov"       -    - [0x8b]        - [Def R32 Use RM32];           // MOV r32, r/m32
    Mov32MR     "mov"       -    - [0x89]        - [Def RM32 Use R32];           // MOV r/m32, r32
    Mov16MR     "mov"       0x66 - [0x89]        - [Def RM16 Use R16];           // MOV r/m16, r16
    Mov8MR      "mov"       -    - [0x88]        - [Def RM8 Use R8];             // MOV r/m8, r8
    MovOI       "mov"       -    W [0xb8]        - [Def O64 Use U64];            // MOV r64, imm64
    Mov32OI     "mov"       -    - [0xb8]        - [Def O32 Use U32];            // MOV r32, imm32
    MovMI       "mov"       -    W [0xc7]        0 [Def RM64 Use I32];           // MOV r/m64, imm32
    Mov32MI     "mov"       -    - [0xc7]        0 [Def RM32 Use U32];           // MOV r/m32, imm32
    Mov16MI     "mov"       0x66 - [0xc7]        0 [Def RM16 Use U16];           // MOV r/m16, imm16
    Mov8MI      "mov"       -    - [0xc6]        0 [Def RM8 Use U8];             // MOV r/m8, imm8
    MovzxRM8    "movzx"     -    - [0x0f 0xb6]   - [Def R32 Use RM8];            // MOVZX r32, r/m8
    MovzxRM16   "movzx"     -    - [0x0f 0xb7]   - [Def R32 Use RM16];           // MOVZX r32, r/m16
    MovsxRM8    "movsx"     -    W [0x0f 0xbe]   - [Def R64 Use RM8];            // MOVSX r64, r/m8
    MovsxRM16   "movsx"     -    W [0x0f 0xbf]   - [Def R64 Use RM16];           // MOVSX r64, r/m16
    MovsxdRM    "movsxd"    -    W [0x63]        - [Def R64 Use RM32];           // MOVSXD r64, r/m32
    LeaRM       "lea"       -    W [0x8d]        - [Def R64 Use M];              // LEA r64, m
    PushO       "push"      -    - [0x50]        - [Use O64];                    // PUSH r64
    PopO        "pop"       -    - [0x58]        - [Def O64];                    // POP r64

    AddRM       "add"       -    W [0x03]        - [Mod R64 Use RM64];           // ADD r64, r/m64
    AddMI8      "add"       -    W [0x83]        0 [Mod RM64 Use I8];            // ADD r/m64, imm8
    AddMI       "add"       -    W [0x81]        0 [Mod RM64 Use I32];           // ADD r/m64, imm32
    OrRM        "or"        -    W [0x0b]        - [Mod R64 Use RM64];           // OR r64, r/m64
    OrMI8       "or"        -    W [0x83]        1 [Mod RM64 Use I8];            // OR r/m64, imm8
    OrMI        "or"        -    W [0x81]        1 [Mod RM64 Use I32];           // OR r/m64, imm32
    AndRM       "and"       -    W [0x23]        - [Mod R64 Use RM64];           // AND r64, r/m64
    AndMI8      "and"       -    W [0x83]        4 [Mod RM64 Use I8];            // AND r/m64, imm8
    AndMI       "and"       -    W [0x81]        4 [Mod RM64 Use I32];           // AND r/m64, imm32
    And32MI8    "and"       -    - [0x83]        4 [Mod RM32 Use I8];            // AND r/m32, imm8
    And32MI     "and"       -    - [0x81]        4 [Mod RM32 Use I32];           // AND r/m32, imm32
    SubRM       "sub"       -    W [0x2b]        - [Mod R64 Use RM64];           // SUB r64, r/m64
    SubMI8      "sub"       -    W [0x83]        5 [Mod RM64 Use I8];            // SUB r/m64, imm8
    SubMI       "sub"       -    W [0x81]        5 [Mod RM64 Use I32];           // SUB r/m64, imm32
    XorRM       "xor"       -    W [0x33]        - [Mod R64 Use RM64];           // XOR r64, r/m64
    XorMI8      "xor"       -    W [0x83]        6 [Mod RM64 Use I8];            // XOR r/m64, imm8
    XorMI       "xor"       -    W [0x81]        6 [Mod RM64 Use I32];           // XOR r/m64, imm32
    Xor32RM     "xor"       -    - [0x33]        - [Mod R32 Use RM32];           // XOR r32, r/m32
    CmpRM       "cmp"       -    W [0x3b]        - [Use R64 Use RM64];           // CMP r64, r/m64
    CmpMR       "cmp"       -    W [0x39]        - [Use RM64 Use R64];           // CMP r/m64, r64
    CmpMI8      "cmp"       -    W [0x83]        7 [Use RM64 Use I8];            // CMP r/m64, imm8
    CmpMI       "cmp"       -    W [0x81]        7 [Use RM64 Use I32];           // CMP r/m64, imm32
    Cmp32MI8    "cmp"       -    - [0x83]        7 [Use RM32 Use I8];            // CMP r/m32, imm8
    Cmp32MI     "cmp"       -    - [0x81]        7 [Use RM32 Use I32];           // CMP r/m32, imm32
    Cmp8MI      "cmp"       -    - [0x80]        7 [Use RM8 Use U8];             // CMP r/m8, imm8
    TestMR      "test"      -    W [0x85]        - [Use RM64 Use R64];           // TEST r/m64, r64
    Test32MR    "test"      -    - [0x85]        - [Use RM32 Use R32];           // TEST r/m32, r32
    TestMI      "test"      -    W [0xf7]        0 [Use RM64 Use I32];           // TEST r/m64, imm32
    Test32MI    "test"      -    - [0xf7]        0 [Use RM32 Use U32];           // TEST r/m32, imm32
    Test8MI     "test"      -    - [0xf6]        0 [Use RM8 Use U8];             // TEST r/m8, imm8
    NotM        "not"       -    W [0xf7]        2 [Mod RM64];                   // NOT r/m64
    NegM        "neg"       -    W [0xf7]        3 [Mod RM64];                   // NEG r/m64
    IncM        "inc"       -    W [0xff]        0 [Mod RM64];                   // INC r/m64
    DecM        "dec"       -    W [0xff]        1 [Mod RM64];                   // DEC r/m64
    ImulRM      "imul"      -    W [0x0f 0xaf]   - [Mod R64 Use RM64];           // IMUL r64, r/m64
    ImulRMI8    "imul"      -    W [0x6b]        - [Def R64 Use RM64 Use I8];    // IMUL r64, r/m64, imm8
    ImulRMI     "imul"      -    W [0x69]        - [Def R64 Use RM64 Use I32];   // IMUL r64, r/m64, imm32
    MulM        "mul"       -    W [0xf7]        4 [Mod RAX Def RDX Use RM64];   // MUL r/m64
    ImulM       "imul"      -    W [0xf7]        5 [Mod RAX Def RDX Use RM64];   // IMUL r/m64
    DivM        "div"       -    W [0xf7]        6 [Mod RAX Mod RDX Use RM64];   // DIV r/m64
    IdivM       "idiv"      -    W [0xf7]        7 [Mod RAX Mod RDX Use RM64];   // IDIV r/m64
    Cqo         "cqo"       -    W [0x99]        - [Use RAX Def RDX];            // CQO
    RolMI       "rol"       -    W [0xc1]        0 [Mod RM64 Use U8];            // ROL r/m64, imm8
    ShlMI       "shl"       -    W [0xc1]        4 [Mod RM64 Use U8];            // SHL r/m64, imm8
    ShrMI       "shr"       -    W [0xc1]        5 [Mod RM64 Use U8];            // SHR r/m64, imm8
    SarMI       "sar"       -    W [0xc1]        7 [Mod RM64 Use U8];            // SAR r/m64, imm8
    RolMC       "rol"       -    W [0xd3]        0 [Mod RM64 Use CL];            // ROL r/m64, CL
    ShlMC       "shl"       -    W [0xd3]        4 [Mod RM64 Use CL];            // SHL r/m64, CL
    ShrMC       "shr"       -    W [0xd3]        5 [Mod RM64 Use CL];            // SHR r/m64, CL
    SarMC       "sar"       -    W [0xd3]        7 [Mod RM64 Use CL];            // SAR r/m64, CL
    BswapO      "bswap"     -    W [0x0f 0xc8]   - [Mod O64];                    // BSWAP r64
    BsfRM       "bsf"       -    W [0x0f 0xbc]   - [Def R64 Use RM64];           // BSF r64, r/m64
    BsrRM       "bsr"       -    W [0x0f 0xbd]   - [Def R64 Use RM64];           // BSR r64, r/m64
    SetccM      "set"       -    - [0x0f 0x90]  cc [Mod RM8];                    // SETcc r/m8: the upper bits stay
    CmovccRM    "cmov"      -    W [0x0f 0x40]  cc [Mod R64 Use RM64];           // CMOVcc r64, r/m64

    MovapsRM    "movaps"    -    - [0x0f 0x28]   - [Def X Use XM];               // MOVAPS xmm1, xmm2/m128
    MovapsMR    "movaps"    -    - [0x0f 0x29]   - [Def XM Use X];               // MOVAPS xmm2/m128, xmm1
    MovsdRM     "movsd"     0xf2 - [0x0f 0x10]   - [Def X Use M64];              // MOVSD xmm1, m64
    MovsdMR     "movsd"     0xf2 - [0x0f 0x11]   - [Def M64 Use X];              // MOVSD m64, xmm2
    MovssRM     "movss"     0xf3 - [0x0f 0x10]   - [Def X Use M32];              // MOVSS xmm1, m32
    MovssMR     "movss"     0xf3 - [0x0f 0x11]   - [Def M32 Use X];              // MOVSS m32, xmm2
    MovqRM      "movq"      0x66 W [0x0f 0x6e]   - [Def X Use RM64];             // MOVQ xmm, r/m64
    MovqMR      "movq"      0x66 W [0x0f 0x7e]   - [Def RM64 Use X];             // MOVQ r/m64, xmm
    SqrtsdRM    "sqrtsd"    0xf2 - [0x0f 0x51]   - [Mod X Use XM64];             // SQRTSD xmm1, xmm2/m64: the upper half stays
    AddsdRM     "addsd"     0xf2 - [0x0f 0x58]   - [Mod X Use XM64];             // ADDSD xmm1, xmm2/m64
    MulsdRM     "mulsd"     0xf2 - [0x0f 0x59]   - [Mod X Use XM64];             // MULSD xmm1, xmm2/m64
    SubsdRM     "subsd"     0xf2 - [0x0f 0x5c]   - [Mod X Use XM64];             // SUBSD xmm1, xmm2/m64
    DivsdRM     "divsd"     0xf2 - [0x0f 0x5e]   - [Mod X Use XM64];             // DIVSD xmm1, xmm2/m64
    MinsdRM     "minsd"     0xf2 - [0x0f 0x5d]   - [Mod X Use XM64];             // MINSD xmm1, xmm2/m64
    MaxsdRM     "maxsd"     0xf2 - [0x0f 0x5f]   - [Mod X Use XM64];             // MAXSD xmm1, xmm2/m64
    UcomisdRM   "ucomisd"   0x66 - [0x0f 0x2e]   - [Use X Use XM64];             // UCOMISD xmm1, xmm2/m64
    CmpsdRMI    "cmpsd"     0xf2 - [0x0f 0xc2]   - [Mod X Use XM64 Use U8];      // CMPSD xmm1, xmm2/m64, imm8
    Cvtsi2sdRM  "cvtsi2sd"  0xf2 W [0x0f 0x2a]   - [Mod X Use RM64];             // CVTSI2SD xmm1, r/m64: the upper half stays
    Cvttsd2siRM "cvttsd2si" 0xf2 W [0x0f 0x2c]   - [Def R64 Use XM64];           // CVTTSD2SI r64, xmm1/m64
    Cvtsd2ssRM  "cvtsd2ss"  0xf2 - [0x0f 0x5a]   - [Mod X Use XM64];             // CVTSD2SS xmm1, xmm2/m64: the upper part stays
    Cvtss2sdRM  "cvtss2sd"  0xf3 - [0x0f 0x5a]   - [Mod X Use XM32];             // CVTSS2SD xmm1, xmm2/m32: the upper half stays
    AndpsRM     "andps"     -    - [0x0f 0x54]   - [Mod X Use XM];               // ANDPS xmm1, xmm2/m128
    AndnpsRM    "andnps"    -    - [0x0f 0x55]   - [Mod X Use XM];               // ANDNPS xmm1, xmm2/m128
    OrpsRM      "orps"      -    - [0x0f 0x56]   - [Mod X Use XM];               // ORPS xmm1, xmm2/m128
    XorpsRM     "xorps"     -    - [0x0f 0x57]   - [Mod X Use XM];               // XORPS xmm1, xmm2/m128
    PcmpeqdRM   "pcmpeqd"   0x66 - [0x0f 0x76]   - [Mod X Use XM];               // PCMPEQD xmm1, xmm2/m128
    PsrlqMI     "psrlq"     0x66 - [0x0f 0x73]   2 [Mod XR Use U8];              // PSRLQ xmm1, imm8
    PsllqMI     "psllq"     0x66 - [0x0f 0x73]   6 [Mod XR Use U8];              // PSLLQ xmm1, imm8

    CallD       "call"      -    - [0xe8]        - [Use REL32];                  // CALL rel32
    CallM       "call"      -    - [0xff]        2 [Use RM64];                   // CALL r/m64
    JmpD8       "jmp"       -    - [0xeb]        - [Use REL8];                   // JMP rel8
    JmpD        "jmp"       -    - [0xe9]        - [Use REL32];                  // JMP rel32
    JmpM        "jmp"       -    - [0xff]        4 [Use RM64];                   // JMP r/m64
    JmpWM       "jmp"       -    W [0xff]        4 [Use RM64];                   // JMP r/m64, REX.W without a meaning to the machine
    JccD8       "j"         -    - [0x70]       cc [Use REL8];                   // Jcc rel8
    JccD        "j"         -    - [0x0f 0x80]  cc [Use REL32];                  // Jcc rel32
    Ret         "ret"       -    - [0xc3]        - [];                           // RET
    Ud2         "ud2"       -    - [0x0f 0x0b]   - [];                           // UD2
    Endbr64     "endbr64"   0xf3 - [0x0f 0x1e 0xfa] - [];                        // ENDBR64
}
