//! The method table, and which functions a method has.
//!
//! ```text
//! name            through the C API only: what the table has in the file, and for good on builds that nothing is known of
//! name.counting   counts references in place, in short functions: up to 3.13, where it may; from the first import on
//! name.lasting    does not count None and bools, in short functions: from 3.12 on; likewise
//! name.fast       arguments and results are read or made in place: where objects look as they should; from the first exec step on
//! ```
//!
//! The others are put into the table itself. It is the whole process's, but so is what decides: whoever writes, writes the same. CPython reads
//! `ml_meth` at each call, so functions that exist already gain too.
//!
//! In: the methods. Out: their functions, and the table as data. Who is put where is decided in `entry` and `exec`.

use super::access::Access;
use super::args::Format;
use super::body::Bodies;
use super::ctx::Ctx;
use super::shape;
use super::wrap::{self, Call, Functions};
use crate::frontend::capi::layout::{PY_METHOD_DEF, Record};
use crate::frontend::lang::typed::Shape;
use crate::frontend::spec::module::{Convert, Method, Module, ResultUnit};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataKind, Pointee};
use crate::ir::op::MemType;
use crate::ir::program::{FuncId, Program};

/// Instructions of a function, before they are optimised, up to which it shows whether a reference is counted by a call (about six instructions)
/// or in place.
const SHORT: usize = 48;

/// So many methods that gain by looking into objects are worth what tells whether a module may: some 1.2 kB, whether one method or a thousand
/// are the quicker for it. It would be a quarter of a module of one method.
const WORTH: usize = 2;

/// What may be put into a module's method table: functions by the number of their method.
#[derive(Clone, Debug)]
pub struct Tables {
    /// For [`Access::Counts`], of methods that give other objects than those that last.
    pub counting: Vec<(usize, FuncId)>,
    /// For [`Access::Counts`] while those are counted, and for [`Access::Lasting`] afterwards.
    pub lasting: [Vec<(usize, FuncId)>; 2],
    /// For [`Access::Fields`].
    pub fast: Vec<(usize, FuncId)>,
}

impl Tables {
    /// Makes the functions and the table. Behind each method, `made` may take functions away.
    pub fn new(ctx: &mut Ctx, bodies: &Bodies, made: &mut dyn FnMut(&mut Program)) -> Tables {
        let (module, is_fast) = (ctx.module, ctx.fast);
        let shapes = shape::shared(module, is_fast);
        let (mut all, mut counting, mut fast) = (Vec::new(), Vec::new(), Vec::new());
        let mut lasting = [Vec::new(), Vec::new()];
        for (at, method) in module.methods.iter().enumerate() {
            let portable = match &shapes[at] {
                Some(shape) => Functions::one(shape::wrap(ctx, bodies, at, shape)),
                None => wrap::wrap(ctx, bodies, at, None),
            };
            let is_short =
                shapes[at].is_none() && ctx.program.func(portable.main).insts.len() <= SHORT;
            let mut version = |access| {
                ctx.access = access;
                let functions = wrap::wrap(ctx, bodies, at, Some(portable));
                ctx.access = Access::Calls;
                functions.main
            };
            all.push((method, portable.main));
            if is_fast && is_short && counts(method) {
                if gives_objects(method) {
                    counting.push((at, version(Access::Counts)));
                } else {
                    lasting[0].push((at, version(Access::Counts)));
                    lasting[1].push((at, version(Access::Lasting)));
                }
            }
            if is_fast && gains(method) {
                fast.push((at, version(Access::Fields)));
            }
            made(&mut ctx.program);
        }
        fill(ctx, &all);
        Tables {
            counting,
            lasting,
            fast,
        }
    }
}

/// Puts functions into the table.
pub fn put(ctx: &Ctx, b: &mut Builder, functions: &[(usize, FuncId)]) {
    for &(at, function) in functions {
        let function = b.func_addr(function);
        let place = PY_METHOD_DEF.size as usize * at;
        let place = b.data_addr(ctx.methods, place as i64);
        let field = PY_METHOD_DEF.field("ml_meth").offset as i32;
        b.store(MemType::I64, function, place, field);
    }
}

/// Whether methods have versions that look into objects: as the spec says, or where enough of them gain.
pub fn are_fast(module: &Module) -> bool {
    let gaining = module.methods.iter().filter(|method| gains(method));
    module.fast.unwrap_or_else(|| gaining.count() >= WORTH)
}

/// Whether the result counts a reference.
fn counts(method: &Method) -> bool {
    let units = &method.returns.units;
    let counted = |unit: &ResultUnit| matches!(unit, ResultUnit::Bool | ResultUnit::Object);
    method.returns.shape == Shape::None || units.iter().any(counted)
}

/// Whether the result may be something else than a number, `None` or a bool.
fn gives_objects(method: &Method) -> bool {
    let units = &method.returns.units;
    units.iter().any(|unit| matches!(unit, ResultUnit::Object))
}

/// Whether fields of arguments are read, or results made in place.
pub fn gains(method: &Method) -> bool {
    let read = |convert: Convert| {
        matches!(
            convert,
            Convert::Int(_)
                | Convert::IntModulo(_)
                | Convert::IntOwn(..)
                | Convert::F32
                | Convert::F64
                | Convert::Byte
                | Convert::Char
                | Convert::Text { .. }
                | Convert::Encoded { .. }
                | Convert::Bytes { .. }
                | Convert::Str { .. }
                | Convert::Bytelike { mutable: false, .. }
        )
    };
    let made = |unit: &ResultUnit| matches!(unit, ResultUnit::Signed | ResultUnit::Unsigned);
    // Of a call without arguments, counting None is most of what there is to it.
    let nothing = method.params.is_empty() && method.returns.shape == Shape::None;
    let hot = wrap::has_hot_path(method);
    hot && (nothing
        || Call::of(method) == Call::FastKeywords
        || method.params.iter().any(|param| read(param.convert))
        || method.returns.units.iter().any(made))
}

/// Fills in the table. Where a format ends with the name, the name is in there.
fn fill(ctx: &mut Ctx, functions: &[(&Method, FuncId)]) {
    let mut data = Data::new("methods", DataKind::Writable, 8);
    for (method, function) in functions {
        let doc = method.doc.as_deref().unwrap_or("");
        let doc = ctx.program.c_string(&format!(
            "{}{}\n--\n\n{doc}",
            method.name, method.text_signature
        ));
        let name = match shape::before_name(method) {
            Some(before) => {
                let format = ctx.program.c_string(&Format::new(method).text);
                Pointee::Data(format, before as u64)
            }
            None => Pointee::Data(ctx.program.c_string(&method.name), 0),
        };
        Record::append(&mut data, &PY_METHOD_DEF)
            .pointer("ml_name", Some(name))
            .pointer("ml_meth", Some(Pointee::Func(*function)))
            .int("ml_flags", Call::of(method).flags())
            .pointer("ml_doc", Some(Pointee::Data(doc, 0)));
    }
    Record::append(&mut data, &PY_METHOD_DEF);
    ctx.program.data[ctx.methods.index()] = data;
}
