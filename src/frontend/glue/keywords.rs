//! Keywords find their parameters: names are compared by address with the interned ones that the module keeps, as those at call sites are
//! interned too. Whatever is unusual (another name, one that is not interned, one given twice) is left to the parser.
//!
//! In: a call with keywords. Out: a slot of the frame with an object for each parameter, NULL where there is none.

use super::access::Access;
use super::args::Wrapped;
use super::ctx::Ctx;
use super::pack::load_item;
use super::probe::Kind;
use super::{facts, hot, state};
use crate::frontend::capi::objects::{Fact, OB_SIZE};
use crate::frontend::lang::ParamKind;
use crate::frontend::spec::module::Param;
use crate::ir::builder::Builder;
use crate::ir::func::{Block, Slot, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// A value that is wanted again behind calls, most of which do not want it: where functions are called, memory is better for it than a register.
#[derive(Clone, Copy)]
enum Kept {
    Value(Value),
    Slot(Slot),
}

impl Kept {
    fn new(ctx: &Ctx, b: &mut Builder, value: Value) -> Kept {
        if ctx.access == Access::Fields {
            return Kept::Value(value);
        }
        let slot = b.slot(8, 8);
        let place = b.slot_addr(slot);
        b.store(MemType::I64, value, place, 0);
        Kept::Slot(slot)
    }

    fn get(self, b: &mut Builder) -> Value {
        match self {
            Kept::Value(value) => value,
            Kept::Slot(slot) => {
                let place = b.slot_addr(slot);
                b.load(MemType::I64, place, 0)
            }
        }
    }
}

/// A call with keywords. Its number of positional arguments is not kept.
pub struct Named {
    /// Where it is wanted again.
    self_: Option<Kept>,
    args: Kept,
    /// The address of the values of keywords, which follow the positional arguments.
    values: Kept,
    names: Value,
}

impl Named {
    /// Keeps what a function was called with: `self` if that is wanted, the arguments, the number of positional ones, and the names of the
    /// others.
    pub fn new(ctx: &Ctx, b: &mut Builder, params: &[Value], wants_self: bool) -> Named {
        let [self_, args, count, names] = *params else {
            unreachable!("calls with keywords have four parameters")
        };
        let three = b.iconst(3);
        let bytes = b.op(Op::Ishl, &[count, three]);
        let values = b.op(Op::Iadd, &[args, bytes]);
        Named {
            self_: wants_self.then(|| Kept::new(ctx, b, self_)),
            args: Kept::new(ctx, b, args),
            values: Kept::new(ctx, b, values),
            names,
        }
    }

    /// What the function was called with; NULL for `self` if that is not wanted.
    pub fn params(&self, b: &mut Builder) -> [Value; 4] {
        let self_ = match self.self_ {
            Some(self_) => self_.get(b),
            None => b.iconst(0),
        };
        let (args, values) = (self.args.get(b), self.values.get(b));
        let bytes = b.op(Op::Isub, &[values, args]);
        let three = b.iconst(3);
        let count = b.op(Op::Sshr, &[bytes, three]);
        [self_, args, count, self.names]
    }
}

/// Finds the objects of the parameters; where they stand.
pub fn bind(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &Wrapped,
    (named, params): (&Named, &[Value]),
    cold: Block,
) -> Slot {
    let objects = b.slot(8 * w.method.params.len() as u32, 8);
    copy(b, w, (params[1], params[2]), objects, cold);
    let state = state_of(ctx, b, w.self_);
    b.exit_unless(state, cold, &[]);
    let state = Kept::new(ctx, b, state);
    let names = Names::new(ctx, b, named.names);

    // From the last one to the first.
    let (inside, done) = (b.block(), b.block());
    let at = b.param(inside, Type::I64);
    let to_the_next = |b: &mut Builder, at| {
        let one = b.iconst(1);
        let (before, none_left) = b.op_ovf(Op::UsubOvf, at, one);
        b.br(none_left, done, &[], inside, &[before]);
    };
    to_the_next(b, names.count);
    b.switch_to(inside);
    let name = names.get(ctx, b, at);
    let state = state.get(b);
    let matches = compare(ctx, b, w, state, name);
    b.jump(cold, &[]);
    for (place, block) in matches {
        b.seal_and_switch_to(block);
        let objects = b.slot_addr(objects);
        let before = b.load(MemType::I64, objects, 8 * place as i32);
        b.exit_if(before, cold, &[]);
        let values = named.values.get(b);
        let object = load_item(b, values, at);
        b.store(MemType::I64, object, objects, 8 * place as i32);
        to_the_next(b, at);
    }
    b.seal(inside);
    b.seal_and_switch_to(done);
    objects
}

/// Puts positional arguments in their places, and NULL in the others.
fn copy(b: &mut Builder, w: &Wrapped, (args, count): (Value, Value), objects: Slot, cold: Block) {
    let most = hot::positionals(w.method).count();
    let absent: Vec<Block> = (0..most).map(|_| b.block()).collect();
    let store = |b: &mut Builder, object, at: usize| {
        let objects = b.slot_addr(objects);
        b.store(MemType::I64, object, objects, 8 * at as i32);
    };
    for (at, &missing) in absent.iter().enumerate() {
        let there = b.icmp_imm(IntCc::Ugt, count, at as i64);
        b.exit_unless(there, missing, &[]);
        let object = b.load(MemType::I64, args, 8 * at as i32);
        store(b, object, at);
    }
    let surplus = b.icmp_imm(IntCc::Ugt, count, most as i64);
    b.exit_if(surplus, cold, &[]);
    let copied = b.block();
    b.jump(copied, &[]);
    for (at, &missing) in absent.iter().enumerate() {
        b.seal_and_switch_to(missing);
        let null = b.iconst(0);
        store(b, null, at);
        b.jump(absent.get(at + 1).copied().unwrap_or(copied), &[]);
    }
    b.seal_and_switch_to(copied);
    for at in most..w.method.params.len() {
        let null = b.iconst(0);
        store(b, null, at);
    }
}

/// Compares a name with those of the parameters: goes to the block of the one that it is, goes on where it is none. Parameters with defaults
/// come first: they are the ones that are given by name.
fn compare(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &Wrapped,
    state: Value,
    name: Value,
) -> Vec<(usize, Block)> {
    let params = || w.method.params.iter().enumerate();
    let named = |(_, param): &(usize, &Param)| param.kind != ParamKind::PositionalOnly;
    let optional = |(_, param): &(usize, &Param)| param.default.is_some();
    let (first, then): (Vec<_>, Vec<_>) = params().filter(named).partition(optional);
    let all = first.into_iter().chain(then);
    all.map(|(at, param)| {
        let own = b.load(MemType::I64, state, state::keyword_offset(ctx, &param.name));
        let same = b.icmp(IntCc::Eq, name, own);
        let (found, other) = (b.block(), b.block());
        b.br(same, found, &[], other, &[]);
        b.seal_and_switch_to(other);
        (at, found)
    })
    .collect()
}

/// The module's state; NULL before it is there.
fn state_of(ctx: &mut Ctx, b: &mut Builder, module: Value) -> Value {
    if ctx.access != Access::Fields {
        return ctx.call1(b, "PyModule_GetState", &[module]);
    }
    ctx.read.insert(Kind::State);
    let offset = facts::load(ctx, b, Fact::ModuleState);
    let place = b.op(Op::Iadd, &[module, offset]);
    b.load(MemType::I64, place, 0)
}

/// The tuple of names.
struct Names {
    tuple: Value,
    count: Value,
    /// The address of the first one, where that may be known.
    first: Option<Value>,
}

impl Names {
    fn new(ctx: &mut Ctx, b: &mut Builder, tuple: Value) -> Names {
        if ctx.access != Access::Fields {
            return Names {
                tuple,
                count: ctx.call1(b, "PyTuple_Size", &[tuple]),
                first: None,
            };
        }
        ctx.read.insert(Kind::Tuple);
        let offset = facts::load(ctx, b, Fact::TupleItems);
        Names {
            tuple,
            count: b.load(MemType::I64, tuple, OB_SIZE),
            first: Some(b.op(Op::Iadd, &[tuple, offset])),
        }
    }

    fn get(&self, ctx: &mut Ctx, b: &mut Builder, at: Value) -> Value {
        match self.first {
            Some(first) => load_item(b, first, at),
            None => ctx.call1(b, "PyTuple_GetItem", &[self.tuple, at]),
        }
    }
}
