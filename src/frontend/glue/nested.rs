//! Nested arguments: sequences that are taken apart, each as one argument with a converter of ours (`O&`), item by item as the parser would.
//!
//! The parser would let go of the items of a sequence as soon as they are converted, while bodies still look into them (3.14 warns of
//! it), so this is not left to it: here items are held to the end of the call.
//!
//! Early CPythons (up to 3.11.6 and 3.12.0) count `es` in a tuple as two units, and so never take one; that is not followed.
//!
//! In: how arguments nest, where their cells are. Out: a description of each nested argument, and the one converter of all, which does what
//! the description says (`apart`).
//!
//! ```text
//! description    items | 1 where units borrow | for each item:
//!                  a unit:   its converter | offset of its cell among the cells
//!                  a tuple:  NULL          | its description
//! cell           description | address of the cells
//! ```

use super::apart;
use super::cells::WRONG;
use super::ctx::Ctx;
use super::unit;
use crate::frontend::lang::Nest;
use crate::frontend::spec::module::Convert;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Func, Signature};
use crate::ir::op::MemType;
use crate::ir::program::FuncId;

/// Offset of the number of items in a description.
pub const COUNT: i32 = 0;
/// Offset of whether units borrow.
pub const BORROWS: i32 = 8;
/// Offset of the first item.
pub const ITEMS: i32 = 16;
/// Size of an item there.
pub const ITEM_SIZE: i64 = 16;

/// Where the address of the cells stands in the cell of a nested argument; the description is before it.
pub const BASE: i32 = 8;
/// Size of that cell.
pub const SIZE: i32 = 16;

/// A parameter inside of a nested argument.
pub struct Leaf<'a> {
    /// How it is converted.
    pub convert: Convert,
    /// Its unit.
    pub unit: &'a str,
    /// Its cell among the cells.
    pub cell: i32,
}

/// Whether the parser knows that what a unit makes is borrowed from the object.
fn borrows(convert: Convert) -> bool {
    match convert {
        Convert::Bytes { nullable } | Convert::Str { nullable } => !nullable,
        Convert::Text { .. } | Convert::ByteArray | Convert::Instance(_) | Convert::Object => true,
        Convert::Int(_)
        | Convert::IntModulo(_)
        | Convert::IntOwn(..)
        | Convert::F32
        | Convert::F64
        | Convert::Truth
        | Convert::Byte
        | Convert::Char
        | Convert::Complex
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Buffer { .. } => false,
    }
}

/// The description of a tuple of `items`, whose parameters come from `leaves`; and whether something in it borrows.
pub fn describe(
    ctx: &mut Ctx,
    items: &[Nest],
    leaves: &mut dyn Iterator<Item = Leaf>,
) -> (DataId, bool) {
    let mut any = false;
    let mut entries = Vec::new();
    for item in items {
        entries.push(match item {
            Nest::Param => {
                let leaf = leaves
                    .next()
                    .unwrap_or_else(|| unreachable!("a parameter for each place"));
                any |= borrows(leaf.convert);
                let converter = unit::converter(ctx, leaf.convert, leaf.unit);
                (Some(Pointee::Func(converter)), Err(leaf.cell))
            }
            Nest::Tuple(items) => {
                let (inner, borrows) = describe(ctx, items, leaves);
                any |= borrows;
                (None, Ok(Pointee::Data(inner, 0)))
            }
        });
    }
    let mut data = Data::new(
        format!("nested.{}", ctx.program.data.len()),
        DataKind::RelRo,
        8,
    );
    for word in [items.len(), usize::from(any)] {
        data.bytes.extend((word as u64).to_le_bytes());
    }
    for (converter, place) in entries {
        match converter {
            Some(converter) => data.push_pointer(converter),
            None => data.bytes.extend([0; 8]),
        }
        match place {
            Ok(description) => data.push_pointer(description),
            Err(cell) => data.bytes.extend(i64::from(cell).to_le_bytes()),
        }
    }
    (ctx.program.add_data(data), any)
}

/// The converter of nested arguments.
pub fn converter(ctx: &mut Ctx) -> FuncId {
    let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
    let (func, _) = ctx.shared("convert.nested", sig, |ctx, func| {
        let mut b = Builder::new(Func {
            address_taken: true,
            cold: true,
            ..func
        });
        let [object, cell] = *b.func.params() else {
            unreachable!("two parameters")
        };
        let description = b.load(MemType::I64, cell, 0);
        let base = b.load(MemType::I64, cell, BASE);
        let (ok, wrong) = apart::take_apart(ctx, &mut b, [object, description, base]);
        b.store(MemType::I64, wrong, cell, WRONG);
        b.ret(&[ok]);
        b.finish()
    });
    func
}
