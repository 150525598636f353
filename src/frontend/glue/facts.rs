//! What a module knows of the objects of the interpreter it is in: one variable for each [`Fact`], side by side. They are the same for all
//! interpreters of a process, so it does not matter which of them writes them first.
//!
//! They are found out when the module is imported (`probe`); whether `None` has a count, before the module is made (`entry`).

use super::ctx::Ctx;
use crate::frontend::capi::objects::{DIGIT_BITS, Fact};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind};
use crate::ir::func::Value;
use crate::ir::op::MemType;

const NAME: &str = "interpreter.facts";

fn variables(ctx: &mut Ctx) -> DataId {
    ctx.shared_data(NAME, |_, name| {
        let mut data = Data::new(name, DataKind::Writable, 8);
        data.bytes = vec![0; 8 * Fact::COUNT];
        let two_digits = 1_i64 << (2 * DIGIT_BITS);
        data.bytes[Fact::MadeBelow.offset() as usize..].copy_from_slice(&two_digits.to_le_bytes());
        data
    })
}

/// The address of the first variable.
pub fn address(ctx: &mut Ctx, b: &mut Builder) -> Value {
    let variables = variables(ctx);
    b.data_addr(variables, 0)
}

/// What is known.
pub fn load(ctx: &mut Ctx, b: &mut Builder, fact: Fact) -> Value {
    let variables = variables(ctx);
    let address = b.data_addr(variables, i64::from(fact.offset()));
    b.load(MemType::I64, address, 0)
}

/// Notes it.
pub fn store(ctx: &mut Ctx, b: &mut Builder, fact: Fact, value: Value) {
    let variables = variables(ctx);
    let address = b.data_addr(variables, i64::from(fact.offset()));
    b.store(MemType::I64, value, address, 0);
}
