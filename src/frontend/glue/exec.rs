//! The exec step, which runs once for each module object: constants, exception classes, and what the hot paths need to know of the interpreter.

use super::ctx::Ctx;
use super::tables::{self, Tables};
use super::version::interpreter;
use super::{probe, state};
use crate::frontend::capi::objects::OB_TYPE;
use crate::frontend::spec::module::{BaseClass, ConstValue};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};
use crate::ir::program::FuncId;

/// The variable that holds the offset of `ob_type`, or 0 while it is not known: before the module's exec step, and on free-threaded builds,
/// whose objects are not looked into. What stands at offset 0 (a count, or a thread) never equals the address of a type.
pub fn type_offset(ctx: &mut Ctx) -> DataId {
    ctx.shared_data("ob_type.offset", |_, name| {
        let mut data = Data::new(name, DataKind::Writable, 8);
        data.bytes.extend([0; 8]);
        data
    })
}

/// `int exec(PyObject *module)`: constants, exception classes, what the hot paths need to know. `None` where there is nothing to do.
pub fn exec(ctx: &mut Ctx, tables: &Tables) -> Option<FuncId> {
    let looks_at_types = ctx.has_shared_data("ob_type.offset");
    let has_fast = !tables.fast.is_empty();
    let attributes = ctx.module.constants.len() + ctx.module.exceptions.len();
    if attributes + ctx.names.len() == 0 && !looks_at_types && !has_fast {
        return None;
    }
    let sig = Signature::c(&[AbiType::I64], Some(AbiType::I32));
    let mut b = Builder::new(Func {
        address_taken: true,
        cold: true,
        ..Func::new("module.exec", sig)
    });
    let self_ = b.func.params()[0];
    let failed = b.cold_block();
    if looks_at_types {
        let (_, free_threaded) = interpreter(ctx, &mut b);
        let (known, unknown) = (b.iconst(OB_TYPE.into()), b.iconst(0));
        let offset = b.op(Op::Select, &[free_threaded, unknown, known]);
        let cell = type_offset(ctx);
        let cell = b.data_addr(cell, 0);
        b.store(MemType::I64, offset, cell, 0);
    }
    if has_fast {
        fast(ctx, &mut b, self_, tables);
    }
    for (name, value) in &ctx.module.constants {
        let object = constant(ctx, &mut b, value);
        add(ctx, &mut b, self_, name, object, failed);
    }
    exceptions(ctx, &mut b, self_, failed);
    names(ctx, &mut b, self_, failed);
    let done = b.iconst(0);
    b.ret(&[done]);
    b.seal_and_switch_to(failed);
    if b.is_reached(failed) {
        let error = b.iconst(-1);
        b.ret(&[error]);
    } else {
        b.unreachable();
    }
    let func = b.finish();
    Some(ctx.program.add_func(func))
}

/// Where objects look as they should, puts the functions that look into them in place of those that do not.
fn fast(ctx: &mut Ctx, b: &mut Builder, module: Value, tables: &Tables) {
    let (unknown, done) = (b.cold_block(), b.cold_block());
    probe::examine(ctx, b, module, unknown);
    tables::put(ctx, b, &tables.fast);
    b.jump(done, &[]);
    b.seal_and_switch_to(unknown);
    ctx.call(b, "PyErr_Clear", &[]);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// A new object of a constant's value, or NULL.
fn constant(ctx: &mut Ctx, b: &mut Builder, value: &ConstValue) -> Value {
    match value {
        ConstValue::Bool(value) => {
            let value = b.iconst(i64::from(*value));
            ctx.call1(b, "PyBool_FromLong", &[value])
        }
        ConstValue::Int(digits) => match digits.parse() {
            Ok(value) => {
                let value = b.iconst(value);
                ctx.call1(b, "PyLong_FromLongLong", &[value])
            }
            Err(_) => {
                let text = ctx.c_string(b, digits);
                let (end, base) = (b.iconst(0), b.iconst(10));
                ctx.call1(b, "PyLong_FromString", &[text, end, base])
            }
        },
        ConstValue::Float(value) => {
            let value = b.fconst(*value);
            ctx.call1(b, "PyFloat_FromDouble", &[value])
        }
        ConstValue::Str(text) => from_bytes(ctx, b, "PyUnicode_FromStringAndSize", text.as_bytes()),
        ConstValue::Bytes(bytes) => from_bytes(ctx, b, "PyBytes_FromStringAndSize", bytes),
    }
}

fn from_bytes(ctx: &mut Ctx, b: &mut Builder, make: &str, bytes: &[u8]) -> Value {
    let mut data = Data::new(
        format!("constant.{}", ctx.program.data.len()),
        DataKind::ReadOnly,
        1,
    );
    data.bytes = bytes.to_vec();
    data.bytes.push(0);
    let data = ctx.program.add_data(data);
    let (address, size) = (b.data_addr(data, 0), b.iconst(bytes.len() as i64));
    ctx.call1(b, make, &[address, size])
}

/// Adds an attribute; takes the reference to `object`, which may be NULL with an exception.
fn add(ctx: &mut Ctx, b: &mut Builder, module: Value, name: &str, object: Value, failed: Block) {
    let sig = Signature::internal(&[AbiType::I64; 3], &[AbiType::I64]);
    let (func, sig) = ctx.shared("module.add", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let [module, name, object] = *b.func.params() else {
            unreachable!("three parameters")
        };
        let (null, refused) = (b.cold_block(), b.cold_block());
        b.exit_unless(object, null, &[]);
        // On failure the reference stays ours.
        let error = ctx.call1(&mut b, "PyModule_AddObject", &[module, name, object]);
        b.exit_if(error, refused, &[]);
        let done = b.iconst(0);
        b.ret(&[done]);
        b.seal_and_switch_to(refused);
        ctx.call(&mut b, "Py_DecRef", &[object]);
        b.jump(null, &[]);
        b.seal_and_switch_to(null);
        let error = b.iconst(1);
        b.ret(&[error]);
        b.finish()
    });
    let name = ctx.c_string(b, name);
    let error = b.call(func, &sig, &[module, name, object])[0];
    b.exit_if(error, failed, &[]);
}

/// Makes the exception classes: one reference in the state, one in the module.
fn exceptions(ctx: &mut Ctx, b: &mut Builder, module: Value, failed: Block) {
    if ctx.module.exceptions.is_empty() {
        return;
    }
    let state = ctx.call1(b, "PyModule_GetState", &[module]);
    for (at, class) in ctx.module.exceptions.iter().enumerate() {
        let base = match &class.base {
            BaseClass::Builtin(name) => ctx.exception(b, name),
            BaseClass::Module(earlier) => b.load(MemType::I64, state, state::offset(*earlier)),
        };
        let name = ctx.c_string(b, &format!("{}.{}", ctx.module.name, class.name));
        let doc = match &class.doc {
            Some(doc) => ctx.c_string(b, doc),
            None => b.iconst(0),
        };
        let dict = b.iconst(0);
        let object = ctx.call1(b, "PyErr_NewExceptionWithDoc", &[name, doc, base, dict]);
        b.exit_unless(object, failed, &[]);
        b.store(MemType::I64, object, state, state::offset(at));
        ctx.call(b, "Py_IncRef", &[object]);
        add(ctx, b, module, &class.name, object, failed);
    }
}

/// Interns the names of parameters and of what bodies use, as those at call sites are.
fn names(ctx: &mut Ctx, b: &mut Builder, module: Value, failed: Block) {
    if ctx.names.is_empty() {
        return;
    }
    let state = ctx.call1(b, "PyModule_GetState", &[module]);
    for (name, at) in ctx.names.clone() {
        let text = ctx.c_string(b, &name);
        let object = ctx.call1(b, "PyUnicode_InternFromString", &[text]);
        let missing = b.icmp_imm(IntCc::Eq, object, 0);
        b.exit_if(missing, failed, &[]);
        let offset = state::name_offset(ctx, at);
        b.store(MemType::I64, object, state, offset);
    }
}
