//! Float operations. Nothing is fused: a product is rounded before it is added, as in Python.

use super::{InstData, IrOp, Lower, Op};

impl Lower<'_> {
    pub(super) fn float_inst(&mut self, data: &InstData) {
        match data.op {
            IrOp::Fadd => self.binary(Op::Fadd, data),
            IrOp::Fsub => self.binary(Op::Fsub, data),
            IrOp::Fmul => self.binary(Op::Fmul, data),
            IrOp::Fdiv => self.binary(Op::Fdiv, data),
            IrOp::Fneg => self.unary(Op::Fneg, data),
            IrOp::Fabs => self.unary(Op::Fabs, data),
            IrOp::Fsqrt => self.unary(Op::Fsqrt, data),
            IrOp::Ffloor => self.unary(Op::Frintm, data),
            IrOp::Fceil => self.unary(Op::Frintp, data),
            IrOp::Ftrunc => self.unary(Op::Frintz, data),
            IrOp::FfromS => self.unary(Op::Scvtf, data),
            IrOp::FfromU => self.unary(Op::Ucvtf, data),
            IrOp::FtoS => self.unary(Op::Fcvtzs, data),
            IrOp::FtoU => self.unary(Op::Fcvtzu, data),
            IrOp::FtoBits => self.unary(Op::FmovToX, data),
            IrOp::FfromBits => self.unary(Op::FmovFromX, data),
            IrOp::Fround32 => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                let single = self.float();
                self.row(Op::FcvtSD, &[single, src], &[]);
                self.row(Op::FcvtDS, &[dst, single], &[]);
            }
            IrOp::Fcopysign => {
                let (a, b) = (self.vreg_of(data.args[0]), self.vreg_of(data.args[1]));
                let dst = self.result(data.results[0]);
                let sign = self.float_constant((-0.0f64).to_bits());
                self.row(Op::Bit, &[a, dst, b, sign], &[]);
            }
            _ => unreachable!("{} is no float operation", data.op.row().name),
        }
    }
}
