//! The layout of a module's state: an array of pointers, zeroed by the interpreter.
//!
//! ```text
//! 0        8              8 n        8 n + 8
//! +--------+--------+ ... +----------+----------+ ...
//! | exc 0  | exc 1  |     | function | function |
//! +--------+--------+ ... +----------+----------+ ...
//! ```
//!
//! First the module's exception classes, made by exec; then functions of standard modules that bodies call, found at their first use. All are
//! owned, and NULL before that and after clear.

use super::ctx::Ctx;

/// How many pointers the state has.
pub fn len(ctx: &Ctx) -> usize {
    ctx.module.exceptions.len() + ctx.functions.len()
}

/// Size of the state in bytes: `m_size`.
pub fn size(ctx: &Ctx) -> usize {
    8 * len(ctx)
}

/// Where pointer `index` stands in the state, in bytes; the first ones are the module's exception classes, in their order.
pub fn offset(index: usize) -> i32 {
    8 * index as i32
}

/// Where function `index` of [`Ctx::functions`] stands in the state, in bytes.
pub fn function_offset(ctx: &Ctx, index: usize) -> i32 {
    offset(ctx.module.exceptions.len() + index)
}
