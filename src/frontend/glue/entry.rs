//! The module around the methods: definition, method table, slots, state, and the entries the interpreter calls.
//!
//! One file serves every CPython (the numbers are those of `PyModuleDef_Slot` and, behind the colon, of 3.15's `PySlot`):
//!
//! ```text
//! PyInit_x       free-threaded build?  -> PyModuleDef_Init(&moduledef.ft)
//!                else                  -> moduledef.m_slots = slots + 0 (3.13 on), 1 (3.12), 2 (before); PyModuleDef_Init(&moduledef)
//! PyModExport_x  -> pyslots                                                    (3.15 on; PyInit_x is not called then)
//! slots          {4 Py_mod_gil} {3 Py_mod_multiple_interpreters} {2 Py_mod_exec} {0}     older interpreters refuse ids they do not know
//! module state   one pointer per exception class, and per function of a standard module that bodies call
//! ```

use super::body::Bodies;
use super::ctx::Ctx;
use super::version::interpreter;
use super::{state, wrap};
use crate::frontend::capi::layout::{
    HEAD, HEAD_FT, PY_ABI_INFO, PY_METHOD_DEF, PY_MODULE_DEF, PY_MODULE_DEF_FT, PY_MODULE_DEF_SLOT,
    PY_SLOT, Record, Struct,
};
use crate::frontend::capi::names;
use crate::frontend::spec::module::{BaseClass, ConstValue};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};
use crate::ir::program::FuncId;

/// Offset of `ob_type` in the object header of default builds; invariant from 3.9 to 3.15.
const OB_TYPE: i64 = 8;

// Slot ids of `PyModuleDef_Slot`, and of `PySlot` where they differ.
const MOD_EXEC: i64 = 2;
const MOD_MULTIPLE_INTERPRETERS: i64 = 3;
const MOD_GIL: i64 = 4;
const SLOT_MOD_EXEC: i64 = 85;
const SLOT_MOD_MULTIPLE_INTERPRETERS: i64 = 86;
const SLOT_MOD_GIL: i64 = 87;
const SLOT_MOD_NAME: i64 = 100;
const SLOT_MOD_DOC: i64 = 101;
const SLOT_MOD_STATE_SIZE: i64 = 102;
const SLOT_MOD_METHODS: i64 = 103;
const SLOT_MOD_STATE_TRAVERSE: i64 = 104;
const SLOT_MOD_STATE_CLEAR: i64 = 105;
const SLOT_MOD_STATE_FREE: i64 = 106;
const SLOT_MOD_ABI: i64 = 109;
/// `PySlot_STATIC`: what the slot points at lives as long as the process.
const STATIC: i64 = 2;
/// `PySlot_INTPTR`: the value is an integer in the pointer's place.
const INTPTR: i64 = 4;

/// The variable that holds the offset of `ob_type`, or 0 while it is not known: before the module's exec step, and on free-threaded builds,
/// whose objects are not looked into. What stands at offset 0 (a count, or a thread) never equals the address of a type.
pub fn type_offset(ctx: &mut Ctx) -> DataId {
    ctx.shared_data("ob_type.offset", |_, name| {
        let mut data = Data::new(name, DataKind::Writable, 8);
        data.bytes.extend([0; 8]);
        data
    })
}

/// The functions that keep a module's state, where it has one.
struct StateFuncs {
    traverse: FuncId,
    clear: FuncId,
    free: FuncId,
}

/// Makes everything around the methods. Wrappers are made first: they decide what is needed.
pub fn module(ctx: &mut Ctx, bodies: &Bodies) {
    let wrappers: Vec<FuncId> = (0..ctx.module.methods.len())
        .map(|at| wrap::wrap(ctx, bodies, at))
        .collect();
    let methods = method_table(ctx, &wrappers);
    let exec = exec(ctx);
    let state = (state::len(ctx) > 0).then(|| state_funcs(ctx));
    let slots = slots(ctx, exec);
    let definition = definition(
        ctx,
        &PY_MODULE_DEF,
        "moduledef",
        &HEAD,
        methods,
        slots,
        state.as_ref(),
    );
    let definition_ft = self::definition(
        ctx,
        &PY_MODULE_DEF_FT,
        "moduledef.ft",
        &HEAD_FT,
        methods,
        slots,
        state.as_ref(),
    );
    let py_slots = py_slots(ctx, methods, exec, state.as_ref());
    init(ctx, definition, definition_ft, slots);
    mod_export(ctx, py_slots);
}

// Tables.

fn method_table(ctx: &mut Ctx, wrappers: &[FuncId]) -> DataId {
    let mut data = Data::new("methods", DataKind::RelRo, 8);
    for (method, wrapper) in ctx.module.methods.iter().zip(wrappers) {
        let doc = method.doc.as_deref().unwrap_or("");
        let doc = ctx.program.c_string(&format!(
            "{}{}\n--\n\n{doc}",
            method.name, method.text_signature
        ));
        let name = ctx.program.c_string(&method.name);
        Record::append(&mut data, &PY_METHOD_DEF)
            .pointer("ml_name", Some(Pointee::Data(name, 0)))
            .pointer("ml_meth", Some(Pointee::Func(*wrapper)))
            .int("ml_flags", wrap::Call::of(method).flags())
            .pointer("ml_doc", Some(Pointee::Data(doc, 0)));
    }
    Record::append(&mut data, &PY_METHOD_DEF);
    ctx.program.add_data(data)
}

fn slots(ctx: &mut Ctx, exec: Option<FuncId>) -> DataId {
    let mut data = Data::new("slots", DataKind::RelRo, 8);
    let slot = |data: &mut Data, id: i64| {
        Record::append(data, &PY_MODULE_DEF_SLOT).int("slot", id);
    };
    slot(&mut data, MOD_GIL);
    set_last(&mut data, gil(ctx));
    slot(&mut data, MOD_MULTIPLE_INTERPRETERS);
    set_last(&mut data, PER_INTERPRETER_GIL);
    if let Some(exec) = exec {
        Record::append(&mut data, &PY_MODULE_DEF_SLOT)
            .int("slot", MOD_EXEC)
            .pointer("value", Some(Pointee::Func(exec)));
    }
    slot(&mut data, 0);
    ctx.program.add_data(data)
}

/// `Py_MOD_PER_INTERPRETER_GIL_SUPPORTED`: nothing of ours is shared between interpreters.
const PER_INTERPRETER_GIL: i64 = 2;

/// `Py_MOD_GIL_NOT_USED` or `Py_MOD_GIL_USED`.
fn gil(ctx: &Ctx) -> i64 {
    i64::from(!ctx.module.gil_used)
}

/// Writes the pointer-sized integer at the end of what has been appended.
fn set_last(data: &mut Data, value: i64) {
    let at = data.bytes.len() - 8;
    data.bytes[at..].copy_from_slice(&value.to_le_bytes());
}

fn definition(
    ctx: &mut Ctx,
    layout: &'static Struct,
    name: &str,
    head: &[u8],
    methods: DataId,
    slots: DataId,
    state: Option<&StateFuncs>,
) -> DataId {
    let module_name = ctx.program.c_string(&ctx.module.name);
    let doc = ctx
        .module
        .doc
        .as_ref()
        .map(|doc| Pointee::Data(ctx.program.c_string(doc), 0));
    let mut data = Data::new(name, DataKind::Writable, 8);
    Record::append(&mut data, layout)
        .bytes("m_base", head)
        .pointer("m_name", Some(Pointee::Data(module_name, 0)))
        .pointer("m_doc", doc)
        .int("m_size", state::size(ctx) as i64)
        .pointer("m_methods", Some(Pointee::Data(methods, 0)))
        .pointer("m_slots", Some(Pointee::Data(slots, 0)))
        .pointer("m_traverse", state.map(|s| Pointee::Func(s.traverse)))
        .pointer("m_clear", state.map(|s| Pointee::Func(s.clear)))
        .pointer("m_free", state.map(|s| Pointee::Func(s.free)));
    ctx.program.add_data(data)
}

/// What 3.15 and later take instead of a module definition.
fn py_slots(
    ctx: &mut Ctx,
    methods: DataId,
    exec: Option<FuncId>,
    state: Option<&StateFuncs>,
) -> DataId {
    let mut abi = Data::new("abiinfo", DataKind::ReadOnly, 4);
    Record::append(&mut abi, &PY_ABI_INFO)
        .int("abiinfo_major_version", 1)
        // Stable ABI, of default and of free-threaded builds, of 3.15.
        .int("flags", 7)
        .int("abi_version", 0x030f_0000);
    let abi = ctx.program.add_data(abi);
    let name = ctx.program.c_string(&ctx.module.name);
    let doc = ctx.module.doc.as_ref().map(|doc| ctx.program.c_string(doc));

    let mut data = Data::new("pyslots", DataKind::RelRo, 8);
    let pointer = |data: &mut Data, id, flags, to| {
        Record::append(data, &PY_SLOT)
            .int("sl_id", id)
            .int("sl_flags", flags)
            .pointer("sl_ptr", Some(to));
    };
    let integer = |data: &mut Data, id, flags, value| {
        Record::append(data, &PY_SLOT)
            .int("sl_id", id)
            .int("sl_flags", flags)
            .int("sl_ptr", value);
    };
    pointer(&mut data, SLOT_MOD_ABI, STATIC, Pointee::Data(abi, 0));
    pointer(&mut data, SLOT_MOD_NAME, STATIC, Pointee::Data(name, 0));
    if let Some(doc) = doc {
        pointer(&mut data, SLOT_MOD_DOC, STATIC, Pointee::Data(doc, 0));
    }
    pointer(
        &mut data,
        SLOT_MOD_METHODS,
        STATIC,
        Pointee::Data(methods, 0),
    );
    if let Some(state) = state {
        integer(&mut data, SLOT_MOD_STATE_SIZE, 0, state::size(ctx) as i64);
        pointer(
            &mut data,
            SLOT_MOD_STATE_TRAVERSE,
            0,
            Pointee::Func(state.traverse),
        );
        pointer(
            &mut data,
            SLOT_MOD_STATE_CLEAR,
            0,
            Pointee::Func(state.clear),
        );
        pointer(&mut data, SLOT_MOD_STATE_FREE, 0, Pointee::Func(state.free));
    }
    if let Some(exec) = exec {
        pointer(&mut data, SLOT_MOD_EXEC, 0, Pointee::Func(exec));
    }
    integer(
        &mut data,
        SLOT_MOD_MULTIPLE_INTERPRETERS,
        INTPTR,
        PER_INTERPRETER_GIL,
    );
    integer(&mut data, SLOT_MOD_GIL, INTPTR, gil(ctx));
    Record::append(&mut data, &PY_SLOT);
    ctx.program.add_data(data)
}

// Entries.

fn export(ctx: &Ctx, hook: &str) -> Func {
    let sig = Signature::c(&[], Some(AbiType::I64));
    Func {
        export: true,
        cold: true,
        ..Func::new(names::entry(hook, &ctx.module.name), sig)
    }
}

/// `PyInit_x`: up to 3.14.
fn init(ctx: &mut Ctx, definition: DataId, definition_ft: DataId, slots: DataId) {
    let mut b = Builder::new(export(ctx, "PyInit"));
    let (minor, free_threaded) = interpreter(ctx, &mut b);
    let (ft, gil) = (b.block(), b.block());
    b.br(free_threaded, ft, &[], gil, &[]);
    b.seal_and_switch_to(ft);
    let address = b.data_addr(definition_ft, 0);
    let module = ctx.call1(&mut b, "PyModuleDef_Init", &[address]);
    b.ret(&[module]);
    b.seal_and_switch_to(gil);
    // One entry less for each version before 3.13: 3.12 does not know Py_mod_gil, 3.11 not Py_mod_multiple_interpreters either.
    let old = b.icmp_imm(IntCc::Slt, minor, 13);
    let older = b.icmp_imm(IntCc::Slt, minor, 12);
    let skipped = b.op(Op::Iadd, &[old, older]);
    let size = b.iconst(i64::from(PY_MODULE_DEF_SLOT.size));
    let skipped = b.op(Op::Imul, &[skipped, size]);
    let all = b.data_addr(slots, 0);
    let first = b.op(Op::Iadd, &[all, skipped]);
    let address = b.data_addr(definition, 0);
    b.store(
        MemType::I64,
        first,
        address,
        PY_MODULE_DEF.field("m_slots").offset as i32,
    );
    let module = ctx.call1(&mut b, "PyModuleDef_Init", &[address]);
    b.ret(&[module]);
    let func = b.finish();
    ctx.program.add_func(func);
}

/// `PyModExport_x`: 3.15 and later. It may be called without the GIL, so it only returns a pointer.
fn mod_export(ctx: &mut Ctx, py_slots: DataId) {
    let mut b = Builder::new(export(ctx, "PyModExport"));
    let address = b.data_addr(py_slots, 0);
    b.ret(&[address]);
    let func = b.finish();
    ctx.program.add_func(func);
}

// The exec step.

/// `int exec(PyObject *module)`: constants, exception classes, what the hot paths need to know. `None` where there is nothing to do.
fn exec(ctx: &mut Ctx) -> Option<FuncId> {
    let looks_into_objects = ctx.has_shared_data("ob_type.offset");
    if ctx.module.constants.is_empty() && ctx.module.exceptions.is_empty() && !looks_into_objects {
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
    if looks_into_objects {
        let (_, free_threaded) = interpreter(ctx, &mut b);
        let (known, unknown) = (b.iconst(OB_TYPE), b.iconst(0));
        let offset = b.op(Op::Select, &[free_threaded, unknown, known]);
        let cell = type_offset(ctx);
        let cell = b.data_addr(cell, 0);
        b.store(MemType::I64, offset, cell, 0);
    }
    for (name, value) in &ctx.module.constants {
        let object = constant(ctx, &mut b, value);
        add(ctx, &mut b, self_, name, object, failed);
    }
    exceptions(ctx, &mut b, self_, failed);
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

// Module state.

fn state_funcs(ctx: &mut Ctx) -> StateFuncs {
    let clear = clear(ctx);
    StateFuncs {
        traverse: traverse(ctx),
        clear,
        free: free(ctx, clear),
    }
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
    let answer = b.param(stopped, crate::ir::op::Type::I64);
    let state = ctx.call1(&mut b, "PyModule_GetState", &[module]);
    b.exit_unless(state, none, &[]);
    for at in 0..state::len(ctx) {
        let (visited, next) = (b.block(), b.block());
        let object = b.load(MemType::I64, state, state::offset(at));
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
    for at in 0..state::len(ctx) {
        let object = b.load(MemType::I64, state, state::offset(at));
        let null = b.iconst(0);
        b.store(MemType::I64, null, state, state::offset(at));
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
