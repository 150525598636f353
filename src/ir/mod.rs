//! The intermediate representation between the frontend, which alone knows Python, and the backend, which alone knows machines.
//!
//! A [`program::Program`] is functions in SSA form with block parameters ([`func::Func`]), data with pointers ([`data::Data`]) and
//! imports. Values are 64 bits wide: integers and pointers are [`op::Type::I64`], doubles [`op::Type::F64`]; narrower widths exist only in
//! memory, in conversions, and in the signatures of C functions.

pub mod builder;
pub mod cfg;
pub mod data;
pub mod eval;
pub mod func;
pub mod interp;
pub mod names;
pub mod op;
pub mod opt;
pub mod print;
pub mod program;
pub mod random;
pub mod verify;
