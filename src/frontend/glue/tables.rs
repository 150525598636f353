//! Method tables: which functions a method has, and where they are listed.
//!
//! ```text
//! methods            every method, through the C API only: what a module starts with, on builds that nothing is known of for good
//! methods.counting   every method, those that count references in place: what it starts with up to 3.13, where they may
//! methods.fast       methods whose arguments or results are read or made in place: put over the others when the module is imported,
//!                    where objects look as they should
//! ```
//!
//! In: the methods. Out: their functions, and the tables as data. Who uses which table is decided in `entry` and `exec`.

use super::access::Access;
use super::body::Bodies;
use super::ctx::Ctx;
use super::wrap::{self, Call};
use crate::frontend::capi::layout::{PY_METHOD_DEF, Record};
use crate::frontend::lang::typed::Shape;
use crate::frontend::spec::module::{Convert, Method, ResultUnit};
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::program::{FuncId, Program};

/// A module's method tables; those that would not differ from the first are not there.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// Right everywhere.
    pub methods: DataId,
    /// For [`Access::Counts`].
    pub counting: Option<DataId>,
    /// For [`Access::Fields`]; only the methods that gain.
    pub fast: Option<DataId>,
}

impl Tables {
    /// Makes the functions and the tables. Behind each method, `made` may take functions away.
    pub fn new(ctx: &mut Ctx, bodies: &Bodies, made: &mut dyn FnMut(&mut Program)) -> Tables {
        let module = ctx.module;
        let (mut all, mut counting, mut fast) = (Vec::new(), Vec::new(), Vec::new());
        let mut differs = false;
        for (at, method) in module.methods.iter().enumerate() {
            let portable = wrap::wrap(ctx, bodies, at, None);
            let mut version = |access| {
                ctx.access = access;
                let functions = wrap::wrap(ctx, bodies, at, Some(portable));
                ctx.access = Access::Calls;
                functions.main
            };
            let portable = portable.main;
            all.push((method, portable));
            let counted = counts(method).then(|| version(Access::Counts));
            differs |= counted.is_some();
            counting.push((method, counted.unwrap_or(portable)));
            if gains(method) {
                fast.push((method, version(Access::Fields)));
            }
            made(&mut ctx.program);
        }
        Tables {
            methods: table(ctx, "methods", &all),
            counting: differs.then(|| table(ctx, "methods.counting", &counting)),
            fast: (!fast.is_empty()).then(|| table(ctx, "methods.fast", &fast)),
        }
    }
}

/// Whether the result counts a reference.
fn counts(method: &Method) -> bool {
    let units = &method.returns.units;
    let counted = |unit: &ResultUnit| matches!(unit, ResultUnit::Bool | ResultUnit::Object);
    method.returns.shape == Shape::None || units.iter().any(counted)
}

/// Whether fields of arguments are read, or results made in place.
fn gains(method: &Method) -> bool {
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
    let hot = wrap::has_hot_path(method);
    hot && (Call::of(method) == Call::FastKeywords
        || method.params.iter().any(|param| read(param.convert))
        || method.returns.units.iter().any(made))
}

fn table(ctx: &mut Ctx, name: &str, functions: &[(&Method, FuncId)]) -> DataId {
    let mut data = Data::new(name, DataKind::RelRo, 8);
    for (method, function) in functions {
        let doc = method.doc.as_deref().unwrap_or("");
        let doc = ctx.program.c_string(&format!(
            "{}{}\n--\n\n{doc}",
            method.name, method.text_signature
        ));
        let name = ctx.program.c_string(&method.name);
        Record::append(&mut data, &PY_METHOD_DEF)
            .pointer("ml_name", Some(Pointee::Data(name, 0)))
            .pointer("ml_meth", Some(Pointee::Func(*function)))
            .int("ml_flags", Call::of(method).flags())
            .pointer("ml_doc", Some(Pointee::Data(doc, 0)));
    }
    Record::append(&mut data, &PY_METHOD_DEF);
    ctx.program.add_data(data)
}
