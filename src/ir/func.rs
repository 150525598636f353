//! A function: blocks of instructions on SSA values.
//!
//! ```text
//! func multiply(i64, i64) -> i64 {      params of the entry block are the function's
//! b0(v0: i64, v1: i64):
//!     v2, v3 = smul_ovf v0, v1          instructions: operation, operands, payload
//!     br v3, b2, b1(v2)                 one terminator per block, arguments for the target's parameters
//! b1(v4: i64):
//!     return v4
//! b2: cold                              a cold block is laid out behind the others
//!     ...
//! ```

use smallvec::SmallVec;

use super::data::DataId;
use super::names::{NamedValue, Names};
use super::op::{FloatCc, IntCc, MemType, Op, Type};
use super::program::{FuncId, ImportId};
use crate::base::source::Span;

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into the arena it belongs to.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        }
    )*};
}
pub(crate) use index;

index! {
    /// An SSA value of a function.
    Value "v";
    /// A basic block of a function.
    Block "b";
    /// An instruction of a function.
    Inst "i";
    /// A piece of the frame.
    Slot "s";
    /// A signature used by indirect calls of a function.
    SigId "sig";
}

/// How a value travels through a call. Everything is a 64-bit value in the IR; C functions also know 32-bit integers: an `I32` argument's
/// upper half is ignored, an `I32` result arrives extended by sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbiType {
    /// C `int`.
    I32,
    /// Pointer, `Py_ssize_t`, `long long`, and what the program's own functions pass.
    I64,
    /// C `double`.
    F64,
}

impl AbiType {
    /// The type of the IR value.
    pub fn value(self) -> Type {
        match self {
            AbiType::I32 | AbiType::I64 => Type::I64,
            AbiType::F64 => Type::F64,
        }
    }
}

/// Who agrees on a convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conv {
    /// The platform's C convention.
    C,
    /// Ours, between functions of one program: any number of results, as long as the target's row has registers for them
    /// (at least 2 integers and 2 floats on every target).
    Internal,
    /// Ours, for functions that call nothing: one integer in, one out; such a call costs its caller next to nothing.
    Leaf,
}

/// Parameters and results of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Whose convention.
    pub conv: Conv,
    /// Parameters; for a variadic call, all arguments of that call.
    pub params: Vec<AbiType>,
    /// Results; at most one with `Conv::C`.
    pub results: Vec<AbiType>,
    /// For a variadic C function: how many parameters are named.
    pub variadic: Option<usize>,
}

impl Signature {
    /// A C function.
    pub fn c(params: &[AbiType], result: Option<AbiType>) -> Signature {
        Signature {
            conv: Conv::C,
            params: params.to_vec(),
            results: result.into_iter().collect(),
            variadic: None,
        }
    }

    /// A function that only the program itself calls.
    pub fn internal(params: &[AbiType], results: &[AbiType]) -> Signature {
        Signature {
            conv: Conv::Internal,
            params: params.to_vec(),
            results: results.to_vec(),
            variadic: None,
        }
    }

    /// A function that only the program itself calls, and that calls nothing.
    pub fn leaf() -> Signature {
        Signature {
            conv: Conv::Leaf,
            ..Signature::internal(&[AbiType::I64], &[AbiType::I64])
        }
    }
}

/// The immediate part of an instruction; which variant is said by [`super::op::OpRow::payload`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "one variant per PayloadKind, which has the docs"
)]
pub enum Payload {
    None,
    Int(i64),
    /// Bits of the double: NaNs keep theirs.
    Float(u64),
    IntCc(IntCc),
    FloatCc(FloatCc),
    Mem {
        ty: MemType,
        offset: i32,
    },
    Slot(Slot),
    Data {
        data: DataId,
        offset: i64,
    },
    Func(FuncId),
    Import(ImportId),
    /// The callee's signature; also names the actual arguments of a variadic call.
    Sig(SigId),
    /// A call of an import with a signature of its own (variadic functions).
    ImportSig {
        import: ImportId,
        sig: SigId,
    },
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct InstData {
    /// What it does.
    pub op: Op,
    /// Operands.
    pub args: SmallVec<[Value; 3]>,
    /// Immediate part.
    pub payload: Payload,
    /// Results.
    pub results: SmallVec<[Value; 2]>,
    /// The source text it comes from.
    pub span: Option<Span>,
}

/// A jump's target and the arguments for its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockCall {
    /// The target.
    pub block: Block,
    /// As many as the target has parameters.
    pub args: SmallVec<[Value; 2]>,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Term {
    /// Goes on elsewhere.
    Jump(BlockCall),
    /// Goes to the first where the value is not 0, else to the second.
    Br(Value, BlockCall, BlockCall),
    /// Returns.
    Return(SmallVec<[Value; 2]>),
    /// Is never reached; machines stop there.
    Unreachable,
}

/// A basic block.
#[derive(Clone, Debug, Default)]
pub struct BlockData {
    /// Parameters: what SSA calls phi.
    pub params: SmallVec<[Value; 2]>,
    /// Instructions in order.
    pub insts: Vec<Inst>,
    /// `None` only while it is being built.
    pub term: Option<Term>,
    /// The source text of the terminator.
    pub term_span: Option<Span>,
    /// Rarely run: laid out behind the others.
    pub cold: bool,
    /// What the source calls values, by place; only in functions that have [`Func::names`].
    pub names: Vec<NamedValue>,
}

/// A piece of the frame, for results that C functions write through pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotData {
    /// In bytes.
    pub size: u32,
    /// In bytes, a power of two, at most 16.
    pub align: u32,
}

/// A function. Blocks are laid out in the order of their numbers, cold ones last; block 0 is the entry.
#[derive(Clone, Debug)]
pub struct Func {
    /// Symbol name, without any decoration of a file format.
    pub name: String,
    /// Parameters and results.
    pub sig: Signature,
    /// Visible to the importing interpreter (`PyInit_x`).
    pub export: bool,
    /// Its address is taken (method tables, slots): control flow may arrive there indirectly.
    pub address_taken: bool,
    /// Rarely run: laid out behind the others.
    pub cold: bool,
    /// It has one result, which is 0 always: who is to return 0 behind a call of it may return what it returns.
    pub null: bool,
    /// The source text it comes from.
    pub span: Option<Span>,
    /// What the source calls it and its values, where somebody wants to know.
    pub names: Option<Names>,
    /// Arena of blocks.
    pub blocks: Vec<BlockData>,
    /// Arena of instructions.
    pub insts: Vec<InstData>,
    /// Types of the values.
    pub values: Vec<Type>,
    /// Pieces of the frame.
    pub slots: Vec<SlotData>,
    /// Signatures of indirect and variadic calls.
    pub sigs: Vec<Signature>,
}

/// The entry block of every function.
pub const ENTRY: Block = Block(0);

impl Func {
    /// An empty function with its entry block, whose parameters are those of the signature.
    pub fn new(name: impl Into<String>, sig: Signature) -> Func {
        let mut func = Func {
            name: name.into(),
            sig,
            export: false,
            address_taken: false,
            cold: false,
            null: false,
            span: None,
            names: None,
            blocks: vec![BlockData::default()],
            insts: Vec::new(),
            values: Vec::new(),
            slots: Vec::new(),
            sigs: Vec::new(),
        };
        for at in 0..func.sig.params.len() {
            let ty = func.sig.params[at].value();
            func.add_block_param(ENTRY, ty);
        }
        func
    }

    /// A new value of type `ty`.
    pub fn new_value(&mut self, ty: Type) -> Value {
        self.values.push(ty);
        Value(self.values.len() as u32 - 1)
    }

    /// A new parameter of `block`, behind those it has.
    pub fn add_block_param(&mut self, block: Block, ty: Type) -> Value {
        let value = self.new_value(ty);
        self.blocks[block.index()].params.push(value);
        value
    }

    /// Forgets the last parameter, which nothing uses.
    pub fn drop_last_param(&mut self) {
        self.sig.params.pop();
        self.blocks[ENTRY.index()].params.pop();
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.values[value.index()]
    }

    /// The function's parameters.
    pub fn params(&self) -> &[Value] {
        &self.blocks[ENTRY.index()].params
    }

    /// How often each value is used: by instructions, jumps and returns.
    pub fn count_uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.values.len()];
        self.uses().for_each(|value| uses[value.index()] += 1);
        uses
    }

    /// Whether anything uses a value.
    pub fn is_used(&self, value: Value) -> bool {
        self.uses().any(|used| used == value)
    }

    fn uses(&self) -> impl Iterator<Item = Value> + '_ {
        self.blocks.iter().flat_map(|block| {
            let insts = block.insts.iter();
            let args = insts.flat_map(|inst| self.insts[inst.index()].args.iter());
            let jumps = block.term.iter().flat_map(|term| term.targets());
            let ends: &[Value] = match &block.term {
                Some(Term::Br(cond, ..)) => std::slice::from_ref(cond),
                Some(Term::Return(list)) => list,
                Some(Term::Jump(_) | Term::Unreachable) | None => &[],
            };
            let jumps = jumps.flat_map(|to| to.args.iter());
            args.chain(jumps).chain(ends).copied()
        })
    }

    /// Order of the blocks in memory: warm ones as made, then cold ones as made.
    pub fn layout(&self) -> Vec<Block> {
        let all = || (0..self.blocks.len() as u32).map(Block);
        let cold = |b: &Block| self.blocks[b.index()].cold;
        all()
            .filter(|b| !cold(b))
            .chain(all().filter(cold))
            .collect()
    }
}

impl Term {
    /// The nth jump it may take.
    pub fn target(&self, n: usize) -> Option<&BlockCall> {
        match (self, n) {
            (Term::Jump(to), 0) | (Term::Br(_, to, _), 0) | (Term::Br(_, _, to), 1) => Some(to),
            (Term::Jump(_) | Term::Br(..) | Term::Return(_) | Term::Unreachable, _) => None,
        }
    }

    /// The jumps it may take.
    pub fn targets(&self) -> SmallVec<[&BlockCall; 2]> {
        match self {
            Term::Jump(to) => smallvec::smallvec![to],
            Term::Br(_, then, other) => smallvec::smallvec![then, other],
            Term::Return(_) | Term::Unreachable => SmallVec::new(),
        }
    }
}
