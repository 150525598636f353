//! Layout of the module state: one pointer per exception class.

use crate::frontend::spec::module::Module;

/// `m_size`.
pub fn size(module: &Module) -> i64 {
    8 * module.exceptions.len() as i64
}

/// Offset of an exception class.
pub fn offset(exception: usize) -> i32 {
    8 * exception as i32
}
