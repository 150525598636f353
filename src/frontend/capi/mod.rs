//! CPython's C API: what we call, its signatures, its structures. Facts from the documentation, the headers and the stable-ABI manifest.

pub mod classes;
pub mod exceptions;
pub mod funcs;
pub mod layout;
pub mod names;
pub mod objects;
pub mod stable;
