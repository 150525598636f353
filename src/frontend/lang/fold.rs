//! Arithmetic on literals, as Python does it. `None` where the operation is left to run time: it raises, or leaves 64 bits.
//!
//! Nothing here knows types; the checker of expressions decides what a folded value becomes.

use super::ast::UnaryOp;
use super::ty::{I64_RANGE, U64_RANGE, contains};
use super::typed::{BinOp, Overflow};

/// Values a literal can have.
const LITERALS: (i128, i128) = (I64_RANGE.0, U64_RANGE.1);

/// `op value`
pub fn unary(op: UnaryOp, value: i128) -> Option<i128> {
    let result = match op {
        UnaryOp::Plus => value,
        UnaryOp::Neg => -value,
        UnaryOp::Invert => !value,
        UnaryOp::Not => return None,
    };
    contains(LITERALS, (result, result)).then_some(result)
}

/// `left op right`, where both and the result can be literals.
pub fn binary(op: BinOp, left: i128, right: i128, overflow: Overflow) -> Option<i128> {
    // In wrap mode these act on the stored value, which is another one from 2^63 up.
    let stored = matches!(op, BinOp::FloorDiv | BinOp::Mod | BinOp::Shr);
    let operands = (left.min(right), left.max(right));
    if overflow == Overflow::Wrap && stored && !contains(I64_RANGE, operands) {
        return None;
    }
    let result = exact(op, left, right)?;
    contains(LITERALS, (result, result)).then_some(result)
}

/// `left op right` of integers of any size, as far as 128 bits hold them.
pub fn exact(op: BinOp, left: i128, right: i128) -> Option<i128> {
    match op {
        BinOp::Add => left.checked_add(right),
        BinOp::Sub => left.checked_sub(right),
        BinOp::Mul => left.checked_mul(right),
        BinOp::FloorDiv => {
            let quotient = left.checked_div(right)?;
            let inexact = quotient * right != left;
            Some(quotient - i128::from(inexact && (left < 0) != (right < 0)))
        }
        BinOp::Mod => {
            let quotient = exact(BinOp::FloorDiv, left, right)?;
            Some(left - quotient * right)
        }
        BinOp::Pow => left.checked_pow(u32::try_from(right).ok()?),
        BinOp::Shl => {
            let count = u32::try_from(right).ok().filter(|count| *count <= 64)?;
            left.checked_mul(1 << count)
        }
        BinOp::Shr => {
            let count = u32::try_from(right).ok()?;
            Some(left >> count.min(127))
        }
        BinOp::And => Some(left & right),
        BinOp::Or => Some(left | right),
        BinOp::Xor => Some(left ^ right),
        BinOp::Div => None,
    }
}
