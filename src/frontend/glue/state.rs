//! A module's state: an array of pointers, zeroed by the interpreter, and the functions by which the interpreter keeps it.
//!
//! ```text
//! 0        8              8 n        8 n + 8
//! +--------+--------+ ... +----------+----------+ ... +------+------+ ...
//! | exc 0  | exc 1  |     | function | function |     | name | name |
//! +--------+--------+ ... +----------+----------+ ... +------+------+ ...
//! ```
//!
//! First the module's exception classes, made by exec; then functions of standard modules that bodies call, found at their first use; then the
//! names of parameters that may be given by keyword, and of attributes that bodies use, as interned strs, made by exec. All are owned, and NULL
//! before that and after clear.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature};
use crate::ir::op::{MemType, Type};
use crate::ir::program::FuncId;

/// How many pointers the state has.
fn len(ctx: &Ctx) -> usize {
    ctx.module.exceptions.len() + ctx.functions.len() + ctx.names.len()
}

/// Size of the state in bytes: `m_size`.
pub fn size(ctx: &Ctx) -> i64 {
    8 * len(ctx) as i64
}

/// Where pointer `index` stands in the state, in bytes; the first ones are the module's exception classes, in their order.
pub fn offset(index: usize) -> i32 {
    8 * index as i32
}

/// Where function `index` of [`Ctx::functions`] stands in the state, in bytes.
pub fn function_offset(ctx: &Ctx, index: usize) -> i32 {
    offset(ctx.module.exceptions.len() + index)
}

/// Where name `index` of [`Ctx::names`] stands in the state, in bytes.
pub fn name_offset(ctx: &Ctx, index: usize) -> i32 {
    offset(ctx.module.exceptions.len() + ctx.functions.len() + index)
}

/// Where the name of a parameter stands in the state, in bytes.
pub fn keyword_offset(ctx: &mut Ctx, name: &str) -> i32 {
    let new = ctx.names.len();
    let index = *ctx.names.entry(name.to_owned()).or_insert(new);
    name_offset(ctx, index)
}

/// The functions that keep a module's state, where it has one.
#[derive(Clone, Copy, Debug)]
pub struct StateFuncs {
    /// `m_traverse`
    pub traverse: FuncId,
    /// `m_clear`
    pub clear: FuncId,
    /// `m_free`
    pub free: FuncId,
}

/// Makes them; `None` where a module has no state.
pub fn functions(ctx: &mut Ctx) -> Option<StateFuncs> {
    if len(ctx) == 0 {
        return None;
    }
    let clear = clear(ctx);
    Some(StateFuncs {
        traverse: traverse(ctx),
        clear,
        free: free(ctx, clear),
    })
}

/// `int traverse(PyObject *module, visitproc visit, void *arg)`
fn traverse(ctx: &mut Ctx) -> FuncId {
    let sig = Signature::c(&[AbiType::I64; 3], Some(AbiType::I32));
    let mut b = Builder::new(Func {
        address_taken: true,
        cold: true,
        ..Func::new("module.traverse", sig)
    });
    let [module, visit, arg] = *b.func.params() else {
        unreachable!("three parameters")
    };
    let (none, stopped) = (b.block(), b.block());
    let answer = b.param(stopped, Type::I64);
    let state = ctx.call1(&mut b, "PyModule_GetState", &[module]);
    b.exit_unless(state, none, &[]);
    for at in 0..len(ctx) {
        let (visited, next) = (b.block(), b.block());
        let object = b.load(MemType::I64, state, offset(at));
        b.br(object, visited, &[], next, &[]);
        b.seal_and_switch_to(visited);
        let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
        let result = b.call_indirect(sig, visit, &[object, arg])[0];
        b.br(result, stopped, &[result], next, &[]);
        b.seal_and_switch_to(next);
    }
    b.jump(none, &[]);
    b.seal_and_switch_to(none);
    let zero = b.iconst(0);
    b.ret(&[zero]);
    b.seal_and_switch_to(stopped);
    b.ret(&[answer]);
    let func = b.finish();
    ctx.program.add_func(func)
}

/// `int clear(PyObject *module)`: an entry is empty before its object goes, since that may call back into the module.
fn clear(ctx: &mut Ctx) -> FuncId {
    let sig = Signature::c(&[AbiType::I64], Some(AbiType::I32));
    let mut b = Builder::new(Func {
        address_taken: true,
        cold: true,
        ..Func::new("module.clear", sig)
    });
    let module = b.func.params()[0];
    let done = b.block();
    let state = ctx.call1(&mut b, "PyModule_GetState", &[module]);
    b.exit_unless(state, done, &[]);
    for at in 0..len(ctx) {
        let object = b.load(MemType::I64, state, offset(at));
        let null = b.iconst(0);
        b.store(MemType::I64, null, state, offset(at));
        // Py_DecRef takes NULL.
        ctx.call(&mut b, "Py_DecRef", &[object]);
    }
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
    let zero = b.iconst(0);
    b.ret(&[zero]);
    let func = b.finish();
    ctx.program.add_func(func)
}

/// `void free(void *module)`
fn free(ctx: &mut Ctx, clear: FuncId) -> FuncId {
    let sig = Signature::c(&[AbiType::I64], None);
    let mut b = Builder::new(Func {
        address_taken: true,
        cold: true,
        ..Func::new("module.free", sig)
    });
    let module = b.func.params()[0];
    let sig = ctx.program.func(clear).sig.clone();
    b.call(clear, &sig, &[module]);
    b.ret(&[]);
    let func = b.finish();
    ctx.program.add_func(func)
}
