//! The hot path of a call: each argument that is there is converted, in place of the others stand defaults.
//!
//! In: where the arguments are, where to leave for the cold path. Out: the values of the parameters. How one argument is converted is
//! `convert`'s business, how keywords find their parameters that of `keywords`.
//!
//! What calls functions keeps the numbers it has made in the cells of the frame: one register less to save, and where optional arguments
//! end, one way through the defaults that are left:
//!
//! ```text
//! is the 2nd there? --no--> cell 2 = default
//!     | convert to cell 2         |
//! is the 3rd there? --no--> cell 3 = default
//!     | convert to cell 3         |
//!     +<--------------------------+
//! ```

use super::access::Access;
use super::args::Wrapped;
use super::cells::{self, Parts};
use super::convert::{self, Exits};
use super::ctx::Ctx;
use super::defaults;
use crate::frontend::lang::ParamKind;
use crate::frontend::lang::typed::Const;
use crate::frontend::spec::module::{Convert, Method, Param};
use crate::ir::builder::Builder;
use crate::ir::func::{Block, Slot, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// Where an argument is.
#[derive(Clone, Copy)]
enum Argument {
    /// There, this many bytes behind an address.
    There(Value, i32),
    /// Likewise, if the number of arguments is greater than its place.
    If(Value, i32, Value),
    /// In a slot of the frame; NULL if it is not there.
    Bound(Slot, i32),
    /// Nowhere.
    Missing,
}

/// The values of positional arguments: `params` are `self`, the arguments, their number.
pub fn positional(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    params: &[Value],
    mut exits: Exits,
) -> Vec<Parts> {
    let method = w.method;
    let (args, count) = (params[1], params[2]);
    let most = positionals(method).count() as i64;
    let least = positionals(method).filter(|p| p.default.is_none()).count() as i64;
    let right = if least == most {
        b.icmp_imm(IntCc::Eq, count, most)
    } else {
        let low = b.iconst(least);
        let surplus = b.op(Op::Isub, &[count, low]);
        b.icmp_imm(IntCc::Ule, surplus, most - least)
    };
    b.exit_unless(right, exits.cold, &exits.known);
    if least == most
        && let Some(known) = exits.known.first_mut()
    {
        *known = b.iconst(most);
    }
    let place = |(at, param): (usize, &Param)| {
        let offset = 8 * at as i32;
        match (param.kind, &param.default) {
            (ParamKind::KeywordOnly, _) => Argument::Missing,
            (_, Some(_)) => Argument::If(args, offset, count),
            (_, None) => Argument::There(args, offset),
        }
    };
    let arguments: Vec<Argument> = method.params.iter().enumerate().map(place).collect();
    Hot::new(ctx, b, w, &exits).all(&arguments)
}

/// The parameters that may be given by position.
pub fn positionals(method: &Method) -> impl Iterator<Item = &Param> {
    let params = method.params.iter();
    params.filter(|param| param.kind != ParamKind::KeywordOnly)
}

/// The values of arguments that stand side by side in a slot of the frame, NULL where there is none.
pub fn bound(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    objects: Slot,
    exits: &Exits,
) -> Vec<Parts> {
    let places = 0..w.method.params.len() as i32;
    let arguments: Vec<Argument> = places.map(|at| Argument::Bound(objects, 8 * at)).collect();
    Hot::new(ctx, b, w, exits).all(&arguments)
}

/// The value of the only argument.
pub fn only(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    object: Value,
    exits: &Exits,
) -> Parts {
    let convert = w.method.params[0].convert;
    let is_taken = convert::is_taken(ctx, convert);
    if convert::is_looked_at(convert) {
        convert::look_at(ctx, b, object, exits);
    }
    let mut hot = Hot::new(ctx, b, w, exits);
    hot.converted(object, is_taken)
}

/// A number that is better kept in memory than in a register while other arguments are converted.
fn is_number(convert: Convert) -> bool {
    matches!(
        convert,
        Convert::Int(_)
            | Convert::IntModulo(_)
            | Convert::IntOwn(..)
            | Convert::F32
            | Convert::F64
            | Convert::Byte
            | Convert::Char
    )
}

/// A call's arguments while they are converted.
struct Hot<'o, 'c, 'w> {
    ctx: &'o mut Ctx<'c>,
    b: &'o mut Builder,
    w: &'o mut Wrapped<'w>,
    exits: &'o Exits,
    /// The parameter that is looked at.
    at: usize,
    /// Values that are not in their cells.
    values: Vec<Option<Parts>>,
}

impl<'o, 'c, 'w> Hot<'o, 'c, 'w> {
    fn new(
        ctx: &'o mut Ctx<'c>,
        b: &'o mut Builder,
        w: &'o mut Wrapped<'w>,
        exits: &'o Exits,
    ) -> Hot<'o, 'c, 'w> {
        let values = vec![None; w.method.params.len()];
        Hot {
            ctx,
            b,
            w,
            exits,
            at: 0,
            values,
        }
    }

    /// Converts all arguments. Those that may run the user's code come last, in their order, with the objects that defaults are made of: when
    /// nothing leaves for the cold path any more.
    fn all(mut self, arguments: &[Argument]) -> Vec<Parts> {
        let method = self.w.method;
        for (at, &argument) in arguments.iter().enumerate() {
            self.at = at;
            self.require(argument);
        }
        let (last, first): (Vec<usize>, Vec<usize>) = (0..arguments.len())
            .partition(|&at| convert::is_taken(self.ctx, method.params[at].convert));
        for &at in &last {
            self.at = at;
            if convert::is_looked_at(self.convert()) {
                self.look_at(arguments[at]);
            }
        }
        let calls = self.ctx.access != Access::Fields;
        let final_one = last.last().or(first.last()).copied();
        self.pass(arguments, &first, (calls, false), final_one);
        self.pass(arguments, &last, (calls, true), final_one);
        for (at, &argument) in arguments.iter().enumerate() {
            self.at = at;
            if self.w.cells.made_default(at).is_some() {
                self.make_default(argument);
            }
        }
        let values = std::mem::take(&mut self.values).into_iter().enumerate();
        let (cells, b) = (&mut self.w.cells, &mut *self.b);
        values
            .map(|(at, value)| {
                value.unwrap_or_else(|| cells.parts(b, at, method.params[at].convert))
            })
            .collect()
    }

    /// Converts some of them. Where that `calls` functions, numbers but the very last one go to their cells.
    fn pass(
        &mut self,
        arguments: &[Argument],
        some: &[usize],
        (calls, taken): (bool, bool),
        final_one: Option<usize>,
    ) {
        let convert_of = |at: usize| self.w.method.params[at].convert;
        let optional = some
            .iter()
            .filter(|&&at| matches!(arguments[at], Argument::If(..)));
        let chained = calls && optional.into_iter().all(|&at| is_number(convert_of(at)));
        let mut absent: Vec<(Block, usize)> = Vec::new();
        for &at in some {
            self.at = at;
            if chained && let Argument::If(args, offset, count) = arguments[at] {
                let missing = self.b.block();
                let there = self.b.icmp_imm(IntCc::Sgt, count, at as i64);
                self.b.exit_unless(there, missing, &[]);
                absent.push((missing, at));
                let object = self.b.load(MemType::I64, args, offset);
                let parts = self.converted(object, taken);
                self.keep(&parts);
                continue;
            }
            // What follows is for those that lack optional arguments, too.
            self.fill_in(&std::mem::take(&mut absent));
            self.at = at;
            let types = cells::types(self.convert());
            let parts = self.either(
                arguments[at],
                types,
                |hot, object| hot.converted(object, taken),
                Hot::default,
            );
            if calls && is_number(self.convert()) && final_one != Some(at) {
                self.keep(&parts);
            } else {
                self.values[at] = Some(parts);
            }
        }
        self.fill_in(&absent);
    }

    /// Puts defaults in the cells of the arguments from the first one that is not there.
    fn fill_in(&mut self, absent: &[(Block, usize)]) {
        if absent.is_empty() {
            return;
        }
        let joined = self.b.block();
        self.b.jump(joined, &[]);
        for (n, &(block, at)) in absent.iter().enumerate() {
            self.b.seal_and_switch_to(block);
            self.at = at;
            let default = self.default();
            self.keep(&default);
            let next = absent.get(n + 1).map_or(joined, |&(next, _)| next);
            self.b.jump(next, &[]);
        }
        self.b.seal_and_switch_to(joined);
    }

    /// Leaves where an argument is missing that must be there, while nothing is taken yet.
    fn require(&mut self, argument: Argument) {
        if let (Argument::Bound(slot, offset), true) = (argument, self.is_required()) {
            let base = self.b.slot_addr(slot);
            let object = self.b.load(MemType::I64, base, offset);
            self.b
                .exit_unless(object, self.exits.cold, &self.exits.known);
        }
    }

    fn is_required(&self) -> bool {
        self.w.method.params[self.at].default.is_none()
    }

    fn convert(&self) -> Convert {
        self.w.method.params[self.at].convert
    }

    /// Converts an object that is there.
    fn converted(&mut self, object: Value, taken: bool) -> Parts {
        let (convert, fails, at) = (self.convert(), self.w.fails, self.at);
        let cells = &mut self.w.cells;
        if taken {
            convert::take(self.ctx, self.b, (cells, at), convert, object, fails)
        } else {
            convert::hot(self.ctx, self.b, cells, convert, object, self.exits)
        }
    }

    fn look_at(&mut self, argument: Argument) {
        let look = |hot: &mut Self, object| {
            convert::look_at(hot.ctx, hot.b, object, hot.exits);
            Parts::new()
        };
        self.either(argument, &[], look, |_| Parts::new());
    }

    fn default_const(&self) -> &'w Const {
        let param = &self.w.method.params[self.at];
        let default = param.default.as_ref();
        default.unwrap_or_else(|| unreachable!("{} is always given", param.name))
    }

    /// The default; of one that has to be made, nothing yet.
    fn default(&mut self) -> Parts {
        let (convert, default) = (self.convert(), self.default_const());
        if self.w.cells.made_default(self.at).is_some() {
            let types = cells::types(convert).iter();
            return types.map(|&part| defaults::zero(self.b, part)).collect();
        }
        defaults::value(self.ctx, self.b, convert, default)
    }

    /// Makes the object of a default, where the argument is missing.
    fn make_default(&mut self, argument: Argument) {
        let converted = self.values[self.at].take();
        let converted = converted.unwrap_or_else(|| unreachable!("it is no number"));
        let types = cells::types(self.convert());
        let made = self.either(
            argument,
            types,
            |_, _| converted,
            |hot| {
                let (default, at, fails) = (hot.default_const(), hot.at, hot.w.fails);
                defaults::make(hot.ctx, hot.b, &mut hot.w.cells, at, default, fails)
            },
        );
        self.values[self.at] = Some(made);
    }

    /// Keeps a value in its cell.
    fn keep(&mut self, parts: &Parts) {
        let (convert, at) = (self.convert(), self.at);
        self.w.cells.preset(self.b, at, convert, parts);
    }

    /// What `there` makes of the argument, or `missing` of nothing; of these types.
    fn either(
        &mut self,
        argument: Argument,
        types: &[Type],
        there: impl FnOnce(&mut Self, Value) -> Parts,
        missing: impl FnOnce(&mut Self) -> Parts,
    ) -> Parts {
        let (present, place) = match argument {
            Argument::Missing => return missing(self),
            Argument::There(args, offset) => {
                let object = self.b.load(MemType::I64, args, offset);
                return there(self, object);
            }
            Argument::If(args, offset, count) => {
                let present = self.b.icmp_imm(IntCc::Sgt, count, self.at as i64);
                (present, (args, offset))
            }
            Argument::Bound(slot, offset) => {
                let base = self.b.slot_addr(slot);
                let object = self.b.load(MemType::I64, base, offset);
                if self.is_required() {
                    return there(self, object);
                }
                (object, (base, offset))
            }
        };
        let (given, absent, joined) = (self.b.block(), self.b.block(), self.b.block());
        let value = types
            .iter()
            .map(|&part| self.b.param(joined, part))
            .collect();
        self.b.br(present, given, &[], absent, &[]);
        self.b.seal_and_switch_to(absent);
        let default = missing(self);
        self.b.jump(joined, &default);
        self.b.seal_and_switch_to(given);
        let object = self.b.load(MemType::I64, place.0, place.1);
        let converted = there(self, object);
        self.b.jump(joined, &converted);
        self.b.seal_and_switch_to(joined);
        value
    }
}
