//! How far a function may look into objects, and what depends on that and nothing else: counting references, and results that exist already.
//!
//! ```text
//! Calls    all is asked of the C API                right in every interpreter      the method table it starts with
//! Counts   counts of references change in place     a GIL, up to 3.13               the same, for those
//! Lasting  None and its like are not counted        from 3.12 on                    the same, for those
//! Fields   fields of objects are read and written   versions that have a row in     the fast method table, put over it at import
//!                                                   `capi::objects`, and pass
//!                                                   `probe`'s examination
//! ```
//!
//! Builds that sum up all references (`Py_REF_DEBUG`) keep to the first: they would miss those that are counted in place.

use super::ctx::Ctx;
use super::facts;
use crate::frontend::capi::objects::{Fact, OB_REFCNT};
use crate::ir::builder::Builder;
use crate::ir::func::Value;
use crate::ir::op::{MemType, Op};

/// What a function may know of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    Calls,
    /// Where the count of references is: a word at the start, of every object.
    Counts,
    /// That there is nothing to count of `None`, `True` and `False`.
    Lasting,
    /// What the facts say ([`facts`]).
    Fields,
}

/// The last version (3.x) of which [`Access::Counts`] is right: later ones keep flags beside the count.
pub const COUNTS_UP_TO: i64 = 13;
/// The first version (3.x) of which [`Access::Lasting`] is right.
pub const LASTING_FROM: i64 = 12;

/// Counts one more reference to an object.
pub fn count(ctx: &mut Ctx, b: &mut Builder, object: Value) {
    match ctx.access {
        Access::Counts => increment(b, object),
        Access::Calls | Access::Lasting | Access::Fields => {
            ctx.call(b, "Py_IncRef", &[object]);
        }
    }
}

/// Counts one reference less.
pub fn release(ctx: &mut Ctx, b: &mut Builder, object: Value) {
    ctx.call(b, "Py_DecRef", &[object]);
}

/// Counts one more reference in place.
pub fn increment(b: &mut Builder, object: Value) {
    let count = b.load(MemType::I64, object, OB_REFCNT);
    let one = b.iconst(1);
    let more = b.op(Op::Iadd, &[count, one]);
    b.store(MemType::I64, more, object, OB_REFCNT);
}

/// Makes a reference to `None`, `True` or `False` a new one: from 3.12 on, there is nothing to count.
fn count_lasting(ctx: &mut Ctx, b: &mut Builder, object: Value) {
    match ctx.access {
        Access::Counts => return increment(b, object),
        Access::Lasting => return,
        Access::Calls | Access::Fields => {}
    }
    // An increment in place is shorter than the way to it.
    let counted = match ctx.access {
        Access::Calls => b.cold_block(),
        _ => b.block_like_current(),
    };
    let done = b.block_like_current();
    // Functions that know objects by their fields are called once the facts are known.
    ctx.asks_counted |= ctx.access == Access::Calls;
    let is_counted = facts::load(ctx, b, Fact::Counted);
    b.br(is_counted, counted, &[], done, &[]);
    b.seal_and_switch_to(counted);
    match ctx.access {
        Access::Calls => count(ctx, b, object),
        _ => increment(b, object),
    }
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// A new reference to `None`.
pub fn none(ctx: &mut Ctx, b: &mut Builder) -> Value {
    let none = ctx.object(b, "_Py_NoneStruct");
    count_lasting(ctx, b, none);
    none
}

/// A new reference to `True` or `False`.
pub fn bool(ctx: &mut Ctx, b: &mut Builder, value: Value) -> Value {
    if ctx.access == Access::Calls {
        return ctx.call1(b, "PyBool_FromLong", &[value]);
    }
    let yes = ctx.object(b, "_Py_TrueStruct");
    let no = ctx.object(b, "_Py_FalseStruct");
    let object = b.op(Op::Select, &[value, yes, no]);
    count_lasting(ctx, b, object);
    object
}
