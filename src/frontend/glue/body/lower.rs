//! What the lowering of one body carries along: its variables, its loops, its two ways out, and the cold blocks that raise.
//!
//! Errors of one kind share a cold block per way out. The way out changes while a reference is held (`operand`), so that every path
//! releases it. While the GIL is released ([`World::thread`]), an error takes it back before it raises.

use std::collections::BTreeMap;

use super::super::ctx::Ctx;
use super::super::runtime::raise::{self, Need, Repeat};
use super::Bodies;
use super::handle::Region;
use super::locals::{LocalVars, locals};
use super::operand::{Held, Operand};
use super::parts;
use super::view::{Kind, ReadItem};
use crate::frontend::lang::typed::{Function, FunctionId, LocalId, Stmt, Ty};
use crate::ir::builder::{Builder, Var};
use crate::ir::func::{Block, Value};
use crate::ir::op::{IntCc, Op, Type};

/// Signals are looked for once in so many rounds of loops: well below a second, and lost in the cost of the rounds.
const SIGNAL_ROUNDS: i64 = 1 << 16;

/// Lowers one body into a function under construction.
pub(super) struct Lower<'l, 'a> {
    pub ctx: &'l mut Ctx<'a>,
    pub bodies: &'l Bodies,
    pub b: &'l mut Builder,
    pub function: &'a Function,
    /// What surrounds the current place.
    pub world: World,
    /// Where `return` goes.
    pub returns: Block,
    /// The GIL is released where `return` goes, as it is where the body begins.
    pub returns_released: bool,
    /// Loops around the current statement, the innermost last.
    pub loops: Vec<Loop>,
    /// Rounds of loops until signals are looked for, if they are.
    pub rounds: Option<Var>,
    pub locals: Vec<LocalVars>,
    /// What ways out have to leave in order, the innermost last.
    pub regions: Vec<Region>,
    /// What ways out release, the innermost last.
    pub held: Vec<Held>,
    /// NULL.
    pub null: Value,
    /// The item that an augmented assignment reads before it writes it.
    pub item: ReadItem,
    /// By their way out, and whether they have to take the GIL back.
    raisers: BTreeMap<(Block, bool, Failure), Block>,
}

/// What surrounds a place in a body.
#[derive(Clone, Copy)]
pub(super) struct World {
    /// The module object.
    pub self_: Value,
    /// The thread state, while the GIL is released.
    pub thread: Option<Value>,
    /// Where errors go, with an exception set and the GIL held.
    pub fails: Block,
}

/// Where `break` and `continue` go.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    pub exit: Block,
    pub next: Block,
    /// The GIL is released there.
    pub released: bool,
    /// How many regions are around it.
    pub depth: usize,
}

/// Errors whose message does not depend on values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// The result of an operator does not fit in a type.
    Overflow(&'static str, &'static str),
    /// A value does not fit in a type.
    Misfit(&'static str),
    /// What CPython raises for an operation.
    Repeat(Repeat),
    /// An integer power with a negative exponent, of a base other than 0.
    NegativeExponent,
    /// `range` with step 0.
    ZeroStep,
    /// A local is read before it is written.
    Unbound(LocalId),
    /// The module has no state.
    NoState,
    /// There is no item of this index.
    OutOfRange(Kind),
    /// An index that no 64-bit signed integer is.
    HugeIndex,
    /// An integer that is no byte.
    NoByte,
    /// An integer that is no item of a memoryview; the code of its items.
    NoItem(u8),
    /// `min` (or `max`) of nothing.
    Empty {
        least: bool,
    },
    /// Memory that is no whole number of items.
    NoMultiple,
    /// None, where something else is needed.
    None(Need),
    /// A new object of less than no bytes.
    NegativeCount,
    NoMemory,
}

impl<'l, 'a> Lower<'l, 'a> {
    pub fn new(
        ctx: &'l mut Ctx<'a>,
        bodies: &'l Bodies,
        b: &'l mut Builder,
        id: FunctionId,
        args: &[Value],
        world: World,
        returns: Block,
    ) -> Lower<'l, 'a> {
        let module = ctx.module;
        let function = &module.functions[id.index()];
        let null = b.iconst(0);
        let locals = locals(b, function, args);
        let rounds = function.signals.then(|| {
            let rounds = b.var(Type::I64);
            let all = b.iconst(SIGNAL_ROUNDS);
            b.set(rounds, all);
            rounds
        });
        Lower {
            ctx,
            bodies,
            b,
            function,
            world,
            returns,
            returns_released: world.thread.is_some(),
            loops: Vec::new(),
            rounds,
            locals,
            regions: Vec::new(),
            held: Vec::new(),
            null,
            item: ReadItem::None,
            raisers: BTreeMap::new(),
        }
    }

    /// Lowers the whole body, to its end.
    pub fn body(mut self) {
        let function = self.function;
        self.own_written_params();
        for stmt in &function.body {
            if self.b.is_terminated() {
                break;
            }
            let stmt = std::slice::from_ref(stmt);
            self.hold_locals(stmt);
            self.stmts(stmt);
        }
        if !self.b.is_terminated() {
            // Only a body without results reaches its end.
            if function.results.is_empty() {
                self.leave(Vec::new());
            } else {
                self.b.unreachable();
            }
        }
        self.let_go(0);
        self.flush_raisers(self.world.fails);
    }

    /// Returns these results.
    pub fn leave(&mut self, results: Vec<Operand>) {
        let thread = self.world.thread;
        if !self.returns_released {
            self.take_gil();
            self.world.thread = None;
        }
        let results = self.hand_over(results);
        self.world.thread = thread;
        let parts: Vec<Value> = results
            .into_iter()
            .flat_map(|result| result.parts)
            .collect();
        let returns = self.returns;
        self.b.jump(returns, &parts);
    }

    // Blocks.

    /// Appends to `block`, all jumps to which have been made. Where there are none, gives it an end and answers no.
    pub fn enter(&mut self, block: Block) -> bool {
        let reached = self.b.is_reached(block);
        self.b.seal_and_switch_to(block);
        if !reached {
            self.b.unreachable();
        }
        reached
    }

    /// A new block with one parameter: where a value is made on several paths.
    pub fn join(&mut self, ty: Type) -> (Block, Value) {
        let block = self.b.block_like_current();
        let value = self.b.param(block, ty);
        (block, value)
    }

    /// Likewise for the value of an expression.
    pub fn join_operand(&mut self, ty: Ty, owned: bool) -> (Block, Operand) {
        let block = self.b.block_like_current();
        let parts = parts(ty).iter();
        let parts = parts
            .map(|part| self.b.param(block, part.value()))
            .collect();
        (block, Operand { ty, parts, owned })
    }

    // Failures.

    /// The cold block that raises `failure`.
    pub fn raiser(&mut self, failure: Failure) -> Block {
        let b = &mut *self.b;
        let key = (self.world.fails, self.world.thread.is_some(), failure);
        *self.raisers.entry(key).or_insert_with(|| b.cold_block())
    }

    pub fn fail_if(&mut self, cond: Value, failure: Failure) {
        let raiser = self.raiser(failure);
        self.b.exit_if(cond, raiser, &[]);
    }

    pub fn fail_unless(&mut self, cond: Value, failure: Failure) {
        let raiser = self.raiser(failure);
        self.b.exit_unless(cond, raiser, &[]);
    }

    /// Leaves where a flag says that an exception is set.
    pub fn check(&mut self, flag: Value) {
        let fails = self.world.fails;
        self.b.exit_if(flag, fails, &[]);
    }

    /// Whether an object is missing, as a flag.
    pub fn is_null(&mut self, object: Value) -> Value {
        self.b.icmp_imm(IntCc::Eq, object, 0)
    }

    /// Leaves where an object is missing, whose exception is set.
    pub fn check_object(&mut self, object: Value) {
        let missing = self.is_null(object);
        self.check(missing);
    }

    // The GIL.

    /// Takes the GIL back where it was released, for the rest of this path, which ends in an error.
    pub fn take_gil(&mut self) {
        if let Some(thread) = self.world.thread {
            self.ctx.call(self.b, "PyEval_RestoreThread", &[thread]);
        }
    }

    /// Runs `make`, whose code calls the interpreter, with the GIL held.
    pub fn with_gil<R>(&mut self, make: impl FnOnce(&mut Self) -> R) -> R {
        self.take_gil();
        let thread = self.world.thread.take();
        let result = make(self);
        self.world.thread = thread;
        if thread.is_some() {
            // It gives the thread state that it was given back with.
            self.ctx.call(self.b, "PyEval_SaveThread", &[]);
        }
        result
    }

    /// `with nogil:`. Ways out of `stmts` take the GIL back: here its end and errors, in `stmt` the jumps.
    pub fn nogil(&mut self, stmts: &[Stmt]) {
        if self.world.thread.is_some() {
            // A caller has released it.
            return self.stmts(stmts);
        }
        let outer = self.world.fails;
        // Errors of this block share no cold block with others: they give back the thread state of this one.
        let fails = self.b.cold_block();
        self.world.fails = fails;
        self.world.thread = Some(self.ctx.call1(self.b, "PyEval_SaveThread", &[]));
        let span = self.b.span();
        self.stmts(stmts);
        self.b.set_span(span);
        let resume = (!self.b.is_terminated()).then(|| {
            self.take_gil();
            self.b.current()
        });
        self.flush_raisers(fails);
        self.world.thread = None;
        self.world.fails = outer;
        if self.enter(fails) {
            self.b.jump(outer, &[]);
        }
        // Without a way to go on, what follows is not reached: the current block has an end.
        if let Some(resume) = resume {
            self.b.switch_to(resume);
        }
    }

    /// Stands in every round of a loop: looks for signals in some, if the method wants that.
    pub fn look_for_signals(&mut self) {
        let Some(rounds) = self.rounds else {
            return;
        };
        let left = self.b.get(rounds);
        let left = self.op2_imm(Op::Isub, left, 1);
        self.b.set(rounds, left);
        let (on, due) = (self.b.block_like_current(), self.b.cold_block());
        self.b.br(left, on, &[], due, &[]);
        self.b.seal_and_switch_to(due);
        self.with_gil(|lower| {
            let status = lower.ctx.call1(lower.b, "PyErr_CheckSignals", &[]);
            let raised = lower.b.icmp_imm(IntCc::Ne, status, 0);
            lower.check(raised);
        });
        let all = self.b.iconst(SIGNAL_ROUNDS);
        self.b.set(rounds, all);
        self.b.jump(on, &[]);
        self.b.seal_and_switch_to(on);
    }

    /// Fills in the blocks that raise and leave by `fails`.
    pub fn flush_raisers(&mut self, fails: Block) {
        let span = self.b.span();
        let all = std::mem::take(&mut self.raisers);
        for ((to, released, failure), block) in all {
            if to != fails {
                self.raisers.insert((to, released, failure), block);
                continue;
            }
            self.b.seal_and_switch_to(block);
            self.b.set_span(None);
            if released {
                self.take_gil();
            }
            self.raise_failure(failure);
            self.b.jump(fails, &[]);
        }
        self.b.set_span(span);
    }

    fn raise_failure(&mut self, failure: Failure) {
        let (ctx, b) = (&mut *self.ctx, &mut *self.b);
        match failure {
            Failure::Overflow(op, ty) => {
                let text = format!("result of '{op}' does not fit in {ty}");
                raise::usual(ctx, b, "OverflowError", &text);
            }
            Failure::Misfit(ty) => {
                let text = format!("value does not fit in {ty}");
                raise::usual(ctx, b, "OverflowError", &text);
            }
            Failure::Repeat(what) => raise::repeat(ctx, b, what),
            Failure::NegativeExponent => {
                let text = "negative exponent of an integer power";
                raise::usual(ctx, b, "ValueError", text);
            }
            Failure::ZeroStep => {
                raise::usual(ctx, b, "ValueError", "range() arg 3 must not be zero");
            }
            Failure::NoState => raise::no_state(ctx, b),
            Failure::OutOfRange(kind) => raise::usual(ctx, b, "IndexError", kind.out_of_range()),
            Failure::HugeIndex => {
                let text = "cannot fit 'int' into an index-sized integer";
                raise::usual(ctx, b, "IndexError", text);
            }
            Failure::NoByte => {
                raise::usual(ctx, b, "ValueError", "byte must be in range(0, 256)");
            }
            Failure::NoItem(code) => {
                let text = format!(
                    "memoryview: invalid value for format '{}'",
                    char::from(code)
                );
                raise::usual(ctx, b, "ValueError", &text);
            }
            Failure::Empty { least } => raise::empty(ctx, b, if least { "min" } else { "max" }),
            Failure::NoMultiple => {
                let text = "memoryview: length is not a multiple of itemsize";
                raise::usual(ctx, b, "TypeError", text);
            }
            Failure::None(need) => raise::none(ctx, b, need),
            Failure::NegativeCount => raise::usual(ctx, b, "ValueError", "negative count"),
            Failure::NoMemory => {
                ctx.call(b, "PyErr_NoMemory", &[]);
            }
            Failure::Unbound(local) => {
                raise::unbound(ctx, b, &self.function.locals[local.index()].name);
            }
        }
    }

    // Operations, shorter to write.

    pub fn op1(&mut self, op: Op, a: Value) -> Value {
        self.b.op(op, &[a])
    }

    pub fn op2(&mut self, op: Op, a: Value, b: Value) -> Value {
        self.b.op(op, &[a, b])
    }

    pub fn op2_imm(&mut self, op: Op, a: Value, b: i64) -> Value {
        let b = self.b.iconst(b);
        self.b.op(op, &[a, b])
    }

    pub fn select(&mut self, cond: Value, yes: Value, no: Value) -> Value {
        let op = match self.b.func.ty(yes) {
            Type::I64 => Op::Select,
            Type::F64 => Op::Fselect,
        };
        self.b.op(op, &[cond, yes, no])
    }
}
