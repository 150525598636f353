//! Comparisons, exact for any pair of scalar types.

use super::super::runtime::arith;
use super::lower::Lower;
use super::operand::Operand;
use crate::frontend::lang::typed::{CmpOp, Const, Expr, ExprKind, Ty};
use crate::ir::func::Value;
use crate::ir::op::{FloatCc, IntCc, Op};

/// Integers up to this magnitude are doubles exactly.
const EXACT: i128 = 1 << 53;

/// The comparison with its operands exchanged.
fn mirrored(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Lt => CmpOp::Gt,
        CmpOp::Le => CmpOp::Ge,
        CmpOp::Gt => CmpOp::Lt,
        CmpOp::Ge => CmpOp::Le,
        CmpOp::Eq | CmpOp::Ne | CmpOp::Is | CmpOp::IsNot => op,
    }
}

pub(super) fn signed(op: CmpOp) -> IntCc {
    match op {
        CmpOp::Eq | CmpOp::Is => IntCc::Eq,
        CmpOp::Ne | CmpOp::IsNot => IntCc::Ne,
        CmpOp::Lt => IntCc::Slt,
        CmpOp::Le => IntCc::Sle,
        CmpOp::Gt => IntCc::Sgt,
        CmpOp::Ge => IntCc::Sge,
    }
}

fn unsigned(op: CmpOp) -> IntCc {
    match op {
        CmpOp::Eq | CmpOp::Is => IntCc::Eq,
        CmpOp::Ne | CmpOp::IsNot => IntCc::Ne,
        CmpOp::Lt => IntCc::Ult,
        CmpOp::Le => IntCc::Ule,
        CmpOp::Gt => IntCc::Ugt,
        CmpOp::Ge => IntCc::Uge,
    }
}

fn float(op: CmpOp) -> FloatCc {
    match op {
        CmpOp::Eq | CmpOp::Is => FloatCc::Eq,
        CmpOp::Ne | CmpOp::IsNot => FloatCc::Ne,
        CmpOp::Lt => FloatCc::Lt,
        CmpOp::Le => FloatCc::Le,
        CmpOp::Gt => FloatCc::Gt,
        CmpOp::Ge => FloatCc::Ge,
    }
}

impl Lower<'_, '_> {
    /// 1 where the comparison holds, else 0. The operands are held.
    pub fn compare(
        &mut self,
        op: CmpOp,
        (a, left): (&Operand, &Expr),
        (b, right): (&Operand, &Expr),
    ) -> Value {
        let (x, y) = (a.parts[0], b.parts[0]);
        match (a.ty, b.ty) {
            (Ty::View(_), Ty::View(_)) => self.compare_views(op, a, b),
            (Ty::Complex, _) => self.equal_complex(op, a, (b, right)),
            (_, Ty::Complex) => self.equal_complex(op, b, (a, left)),
            (Ty::Str { .. }, _) | (_, Ty::Str { .. })
                if !matches!(op, CmpOp::Is | CmpOp::IsNot) =>
            {
                self.compare_strs(op, x, y)
            }
            _ => self.compare_numbers(op, (x, left), (y, right)),
        }
    }

    /// `==` or `!=` of a complex number and another one, or a number.
    fn equal_complex(&mut self, op: CmpOp, z: &Operand, (w, expr): (&Operand, &Expr)) -> Value {
        let (re, im) = (z.parts[0], z.parts[1]);
        // Of this side, only the type is looked at.
        let real = Expr {
            kind: ExprKind::Const(Const::Float(0.0)),
            ty: Ty::F64,
            span: expr.span,
        };
        let (first, second) = match w.ty {
            Ty::Complex => {
                let first = self.b.fcmp(FloatCc::Eq, re, w.parts[0]);
                (first, self.b.fcmp(FloatCc::Eq, im, w.parts[1]))
            }
            _ => {
                let first = self.compare_numbers(CmpOp::Eq, (w.parts[0], expr), (re, &real));
                let zero = self.b.fconst(0.0);
                (first, self.b.fcmp(FloatCc::Eq, im, zero))
            }
        };
        let equal = self.op2(Op::Band, first, second);
        match op {
            CmpOp::Ne | CmpOp::IsNot => self.op2_imm(Op::Bxor, equal, 1),
            _ => equal,
        }
    }

    /// Of numbers, or of addresses.
    pub fn compare_numbers(
        &mut self,
        op: CmpOp,
        (a, left): (Value, &Expr),
        (b, right): (Value, &Expr),
    ) -> Value {
        match (left.ty, right.ty) {
            (Ty::F64, Ty::F64) => self.b.fcmp(float(op), a, b),
            (Ty::F64, _) => self.compare_int_float(mirrored(op), (b, right), a),
            (_, Ty::F64) => self.compare_int_float(op, (a, left), b),
            (Ty::U64, Ty::I64) => self.compare_signs(mirrored(op), (b, right), (a, left)),
            (Ty::I64, Ty::U64) => self.compare_signs(op, (a, left), (b, right)),
            (Ty::U64, _) | (_, Ty::U64) => self.b.icmp(unsigned(op), a, b),
            _ => self.b.icmp(signed(op), a, b),
        }
    }

    /// Signed with unsigned.
    fn compare_signs(
        &mut self,
        op: CmpOp,
        (a, left): (Value, &Expr),
        (b, right): (Value, &Expr),
    ) -> Value {
        if Self::const_int(left).is_some_and(|a| a >= 0) {
            return self.b.icmp(unsigned(op), a, b);
        }
        if Self::const_int(right).is_some_and(|b| b <= i128::from(i64::MAX)) {
            return self.b.icmp(signed(op), a, b);
        }
        let holds = self.b.icmp(unsigned(op), a, b);
        // Below zero, the signed side is less than any unsigned number.
        match op {
            CmpOp::Lt | CmpOp::Le | CmpOp::Ne | CmpOp::IsNot => {
                let negative = self.b.icmp_imm(IntCc::Slt, a, 0);
                self.op2(Op::Bor, holds, negative)
            }
            CmpOp::Gt | CmpOp::Ge | CmpOp::Eq | CmpOp::Is => {
                let positive = self.b.icmp_imm(IntCc::Sge, a, 0);
                self.op2(Op::Band, holds, positive)
            }
        }
    }

    fn compare_int_float(&mut self, op: CmpOp, (a, left): (Value, &Expr), b: Value) -> Value {
        let is_exact = left.ty == Ty::Bool
            || Self::const_int(left).is_some_and(|a| a.abs() <= EXACT)
            || matches!(&left.kind, ExprKind::Widen(x) if x.ty == Ty::Bool);
        if is_exact {
            let a = self.b.op(Op::FfromS, &[a]);
            return self.b.fcmp(float(op), a, b);
        }
        let order = arith::compare_int_float(self.ctx, self.b, left.ty, a, b);
        // -1, 0, 1, and 2 for a NaN, which is only unequal.
        match op {
            CmpOp::Eq | CmpOp::Is => self.b.icmp_imm(IntCc::Eq, order, 0),
            CmpOp::Ne | CmpOp::IsNot => self.b.icmp_imm(IntCc::Ne, order, 0),
            CmpOp::Lt => self.b.icmp_imm(IntCc::Slt, order, 0),
            CmpOp::Le => self.b.icmp_imm(IntCc::Sle, order, 0),
            CmpOp::Gt => self.b.icmp_imm(IntCc::Eq, order, 1),
            CmpOp::Ge => {
                let order = self.op2_imm(Op::Band, order, !1);
                self.b.icmp_imm(IntCc::Eq, order, 0)
            }
        }
    }
}
