//! What every machine's instructions and addresses are made of alike.

use crate::backend::isa::code::Referent;
use crate::ir::func::Slot;
use crate::ir::program::{FuncId, ImportId};

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of the program.
    Func(FuncId),
    /// An import, through its pointer slot.
    Slot(ImportId),
    /// An import, through the linker's stub.
    Plt(ImportId),
    /// The function that the first operand points at.
    Pointer,
}

/// Instructions on virtual registers that all machines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Common {
    /// Defines the parameters: writes nothing.
    Args,
    /// Uses values at the start of a cold block: writes nothing.
    Keep,
    /// A call.
    Call(Callee),
    /// A call of a function that calls nothing: it wants no frame.
    LeafCall(Callee),
    /// A jump to another function, the frame being undone.
    TailCall(Callee),
    /// Undoes the frame and returns.
    Ret,
    /// To the only successor.
    Jump,
    /// Never reached.
    Trap,
}

/// An address that is known but for where things are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Of a slot of the frame.
    Slot(Slot),
    /// Of a function or a datum, and so many bytes into it.
    Place(Referent, i64),
}
