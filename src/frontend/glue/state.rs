//! The layout of a module's state: an array of pointers, zeroed by the interpreter.
//!
//! ```text
//! 0        8        16
//! +--------+--------+ ...
//! | exc 0  | exc 1  |        the module's exception classes, owned; NULL before exec and after clear
//! +--------+--------+ ...
//! ```

use crate::frontend::spec::module::Module;

/// Where the module's exception class `index` stands in the state, in bytes.
pub fn exception_offset(index: usize) -> i32 {
    8 * index as i32
}

/// Size of the state in bytes: `m_size`.
pub fn size(module: &Module) -> usize {
    8 * module.exceptions.len()
}
