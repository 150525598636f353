//! The module around the methods: definition, method table, slots, state, and the entries the interpreter calls.
//!
//! One file serves every CPython (the numbers are those of `PyModuleDef_Slot` and, behind the colon, of 3.15's `PySlot`):
//!
//! ```text
//! moduledef      free-threaded builds' head | the rest, which is the definition of default builds as well
//! PyInit_x       m_slots = slots + 0 (3.13 on), 1 (3.12), 2 (before); PyModuleDef_Init(free-threaded build? &moduledef : &the rest)
//! PyModExport_x  -> pyslots                                                    (3.15 on; PyInit_x is not called then)
//! slots          {4 Py_mod_gil} {3 Py_mod_multiple_interpreters} {2 Py_mod_exec} {0}     older interpreters refuse ids they do not know
//! module state   one pointer per exception class
//! ```

use super::body::Bodies;
use super::ctx::Ctx;
use super::state::{self, StateFuncs};
use super::tables::{self, Tables};
use super::version::{exit_unless_plain, interpreter};
use super::{access, exec, facts};
use crate::frontend::capi::layout::{
    HEAD, HEAD_FT, PY_ABI_INFO, PY_MODULE_DEF_FT, PY_MODULE_DEF_IN_FT, PY_MODULE_DEF_SLOT, PY_SLOT,
    Record,
};
use crate::frontend::capi::names;
use crate::frontend::capi::objects::Fact;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};
use crate::ir::program::{FuncId, Program};

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

/// What the module's definitions refer to.
struct Parts {
    tables: Tables,
    exec: Option<FuncId>,
    state: Option<StateFuncs>,
}

/// Makes everything around the methods. Wrappers are made first: they decide what is needed.
pub fn module(ctx: &mut Ctx, bodies: &Bodies, made: &mut dyn FnMut(&mut Program)) {
    let tables = Tables::new(ctx, bodies, made);
    let parts = Parts {
        exec: exec::exec(ctx, &tables),
        tables,
        state: state::functions(ctx),
    };
    let slots = slots(ctx, &parts);
    let definition = definition(ctx, &parts, slots);
    let py_slots = py_slots(ctx, &parts);
    init(ctx, definition, slots, &parts.tables);
    mod_export(ctx, py_slots);
}

// Tables.

fn slots(ctx: &mut Ctx, parts: &Parts) -> DataId {
    let mut data = Data::new("slots", DataKind::RelRo, 8);
    let mut integer = |id, value| {
        Record::append(&mut data, &PY_MODULE_DEF_SLOT)
            .int("slot", id)
            .int("value", value);
    };
    integer(MOD_GIL, gil(ctx));
    integer(MOD_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL);
    if let Some(exec) = parts.exec {
        Record::append(&mut data, &PY_MODULE_DEF_SLOT)
            .int("slot", MOD_EXEC)
            .pointer("value", Some(Pointee::Func(exec)));
    }
    Record::append(&mut data, &PY_MODULE_DEF_SLOT);
    ctx.program.add_data(data)
}

/// `Py_MOD_PER_INTERPRETER_GIL_SUPPORTED`: nothing of ours is shared between interpreters.
const PER_INTERPRETER_GIL: i64 = 2;

/// `Py_MOD_GIL_NOT_USED` or `Py_MOD_GIL_USED`.
fn gil(ctx: &Ctx) -> i64 {
    i64::from(!ctx.module.gil_used)
}

/// The definition of free-threaded builds; that of others is its end.
fn definition(ctx: &mut Ctx, parts: &Parts, slots: DataId) -> DataId {
    let module_name = ctx.program.c_string(&ctx.module.name);
    let doc = ctx.module.doc.as_ref();
    let doc = doc.map(|doc| Pointee::Data(ctx.program.c_string(doc), 0));
    let state = parts.state.as_ref();
    let mut data = Data::new("moduledef", DataKind::Writable, 8);
    Record::append(&mut data, &PY_MODULE_DEF_FT)
        .bytes("m_base", &[HEAD_FT.as_slice(), HEAD.as_slice()].concat())
        .pointer("m_name", Some(Pointee::Data(module_name, 0)))
        .pointer("m_doc", doc)
        .int("m_size", state::size(ctx))
        .pointer("m_methods", Some(Pointee::Data(ctx.methods, 0)))
        .pointer("m_slots", Some(Pointee::Data(slots, 0)))
        .pointer("m_traverse", state.map(|s| Pointee::Func(s.traverse)))
        .pointer("m_clear", state.map(|s| Pointee::Func(s.clear)))
        .pointer("m_free", state.map(|s| Pointee::Func(s.free)));
    ctx.program.add_data(data)
}

/// What 3.15 and later take instead of a module definition.
fn py_slots(ctx: &mut Ctx, parts: &Parts) -> DataId {
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
        Pointee::Data(ctx.methods, 0),
    );
    if let Some(state) = &parts.state {
        integer(&mut data, SLOT_MOD_STATE_SIZE, 0, state::size(ctx));
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
    if let Some(exec) = parts.exec {
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
fn init(ctx: &mut Ctx, definition: DataId, slots: DataId, tables: &Tables) {
    let mut b = Builder::new(export(ctx, "PyInit"));
    let (minor, free_threaded) = interpreter(ctx, &mut b);
    // One entry less for each version before 3.13: 3.12 does not know Py_mod_gil, 3.11 not Py_mod_multiple_interpreters either.
    let old = b.icmp_imm(IntCc::Slt, minor, 13);
    let older = b.icmp_imm(IntCc::Slt, minor, access::LASTING_FROM);
    if ctx.asks_counted {
        // From 3.12 on, `None` and its like have no counts.
        facts::store(ctx, &mut b, Fact::Counted, older);
    }
    let (fewer, known) = (b.block(), b.block());
    b.br(old, fewer, &[], known, &[]);
    b.seal_and_switch_to(fewer);
    let [second, third] =
        [1, 2].map(|skipped| b.data_addr(slots, skipped * i64::from(PY_MODULE_DEF_SLOT.size)));
    let first = b.op(Op::Select, &[older, third, second]);
    let field = PY_MODULE_DEF_FT.field("m_slots").offset;
    let place = b.data_addr(definition, field.into());
    b.store(MemType::I64, first, place, 0);
    b.jump(known, &[]);
    b.seal_and_switch_to(known);
    let (ft, gil) = (
        b.data_addr(definition, 0),
        b.data_addr(definition, PY_MODULE_DEF_IN_FT.into()),
    );
    let [counted, lasting] = &tables.lasting;
    if !lasting.is_empty() {
        let (early, late, next) = (b.block(), b.block(), b.block());
        b.br(older, early, &[], late, &[]);
        b.seal_and_switch_to(late);
        tables::put(ctx, &mut b, lasting);
        b.jump(next, &[]);
        b.seal_and_switch_to(early);
        count_in_place(ctx, &mut b, (minor, free_threaded), counted);
        b.jump(next, &[]);
        b.seal_and_switch_to(next);
    }
    if !tables.counting.is_empty() {
        count_in_place(ctx, &mut b, (minor, free_threaded), &tables.counting);
    }
    let address = b.op(Op::Select, &[free_threaded, ft, gil]);
    let module = ctx.call1(&mut b, "PyModuleDef_Init", &[address]);
    b.ret(&[module]);
    let func = b.finish();
    ctx.program.add_func(func);
}

/// Puts the functions into the table that count references in place, where they may.
fn count_in_place(
    ctx: &mut Ctx,
    b: &mut Builder,
    (minor, free_threaded): (Value, Value),
    functions: &[(usize, FuncId)],
) {
    let done = b.block();
    let old = b.icmp_imm(IntCc::Sle, minor, access::COUNTS_UP_TO);
    b.exit_unless(old, done, &[]);
    exit_unless_plain(ctx, b, free_threaded, done);
    tables::put(ctx, b, functions);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// `PyModExport_x`: 3.15 and later. It may be called without the GIL, so it only returns a pointer.
fn mod_export(ctx: &mut Ctx, py_slots: DataId) {
    let mut b = Builder::new(export(ctx, "PyModExport"));
    let address = b.data_addr(py_slots, 0);
    b.ret(&[address]);
    let func = b.finish();
    ctx.program.add_func(func);
}
