//! Calling conventions: one row each, and the one function that reads them.

use super::regs::{Reg, RegClass};
use crate::ir::func::{AbiType, Signature};

/// How integer and float registers are counted when arguments are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Each class has its own.
    Separate,
    /// The nth argument takes the nth register of its class (Win64).
    Shared,
}

/// What variadic callees want beyond the ordinary rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variadic {
    /// The number of vector registers used, in this register (System V: `al`).
    VectorCount(Reg),
    /// Floats in registers also in the integer register of the same position (Win64).
    FloatsAlsoInInt,
    /// Nothing (AAPCS64).
    Same,
    /// All variadic arguments on the stack (Apple arm64).
    AllOnStack,
    /// Floats travel as integers, those that are named too (Windows arm64).
    FloatsAsInt,
}

/// A calling convention.
#[derive(Debug)]
pub struct CallConv {
    /// For messages and dumps.
    pub name: &'static str,
    /// Integer and pointer arguments, in order.
    pub int_args: &'static [Reg],
    /// Float arguments, in order.
    pub float_args: &'static [Reg],
    /// How the two lists are counted.
    pub counter: Counter,
    /// Integer results, in order.
    pub int_results: &'static [Reg],
    /// Float results, in order.
    pub float_results: &'static [Reg],
    /// Bytes the caller leaves below the stack arguments for the callee (Win64: 32).
    pub shadow: u32,
    /// On the stack, an argument takes no more than its own size, at a multiple of it (Apple arm64); elsewhere eight bytes.
    pub packs_stack: bool,
    /// Alignment of the stack pointer at a call, in bytes.
    pub stack_align: u32,
    /// Variadic calls.
    pub variadic: Variadic,
    /// Registers that a function preserves, the stack pointer aside.
    pub callee_saved: &'static [Reg],
}

/// Where an argument travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgLoc {
    /// In a register.
    Reg(Reg),
    /// In a float register and in an integer register (Win64 variadic floats).
    Both(Reg, Reg),
    /// In the caller's outgoing area, this many bytes above the stack pointer at the call.
    Stack(u32),
}

/// Where everything of a call travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// One for each parameter.
    pub args: Vec<ArgLoc>,
    /// One for each result.
    pub results: Vec<Reg>,
    /// Size of the outgoing area, shadow space included; not yet rounded up to the stack alignment.
    pub stack: u32,
    /// The register that takes the number of vector registers used, and that number.
    pub vector_count: Option<(Reg, u8)>,
}

impl CallConv {
    /// Hands out registers and stack for a call. Panics if the results do not fit the convention's registers: the frontend keeps to what
    /// [`crate::ir::func::Conv`] promises.
    pub fn assign(&self, sig: &Signature) -> Assignment {
        let (mut ints, mut floats, mut stack) = (0, 0, self.shadow);
        let mut args = Vec::with_capacity(sig.params.len());
        for (at, &param) in sig.params.iter().enumerate() {
            let variadic = sig.variadic.is_some_and(|named| at >= named);
            let mut class = class_of(param);
            if sig.variadic.is_some() && self.variadic == Variadic::FloatsAsInt {
                class = RegClass::Int;
            }
            let (list, next) = match class {
                RegClass::Int => (self.int_args, &mut ints),
                RegClass::Float => (self.float_args, &mut floats),
            };
            let position = if self.counter == Counter::Shared {
                at
            } else {
                *next
            };
            *next += 1;
            let on_stack = variadic && self.variadic == Variadic::AllOnStack;
            args.push(match list.get(position).filter(|_| !on_stack) {
                Some(&reg)
                    if variadic
                        && class == RegClass::Float
                        && self.variadic == Variadic::FloatsAlsoInInt =>
                {
                    ArgLoc::Both(reg, self.int_args[position])
                }
                Some(&reg) => ArgLoc::Reg(reg),
                None => {
                    let size = if self.packs_stack && !variadic {
                        size_of(param)
                    } else {
                        8
                    };
                    let place = stack.next_multiple_of(size);
                    stack = place + size;
                    ArgLoc::Stack(place)
                }
            });
        }
        let vector_count = match self.variadic {
            Variadic::VectorCount(reg) if sig.variadic.is_some() => {
                let used = args
                    .iter()
                    .filter(|arg| matches!(arg, ArgLoc::Reg(r) if r.class == RegClass::Float))
                    .count();
                Some((reg, used as u8))
            }
            _ => None,
        };
        let (mut ints, mut floats) = (self.int_results.iter(), self.float_results.iter());
        let results = sig.results.iter().map(|&result| match class_of(result) {
            RegClass::Int => *ints
                .next()
                .expect("more integer results than the convention has registers for"),
            RegClass::Float => *floats
                .next()
                .expect("more float results than the convention has registers for"),
        });
        Assignment {
            args,
            results: results.collect(),
            stack,
            vector_count,
        }
    }
}

fn class_of(ty: AbiType) -> RegClass {
    match ty {
        AbiType::I32 | AbiType::I64 => RegClass::Int,
        AbiType::F64 => RegClass::Float,
    }
}

fn size_of(ty: AbiType) -> u32 {
    match ty {
        AbiType::I32 => 4,
        AbiType::I64 | AbiType::F64 => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::super::aapcs64::{AAPCS64, APPLE64, WINDOWS_ARM64};
    use super::super::regs::{float, int, x64::*};
    use super::super::sysv::SYSV;
    use super::super::win64::WIN64;
    use super::*;

    #[test]
    fn sysv_counts_classes_apart_and_spills_the_seventh_integer() {
        use AbiType::*;
        let sig = Signature::c(&[I64, F64, I64, I64, I64, I64, I64, I64, F64], Some(I64));
        let got = SYSV.assign(&sig);
        assert_eq!(got.args[0], ArgLoc::Reg(RDI));
        assert_eq!(got.args[1], ArgLoc::Reg(float(0)));
        assert_eq!(got.args[6], ArgLoc::Reg(R9));
        assert_eq!(got.args[7], ArgLoc::Stack(0));
        assert_eq!(got.args[8], ArgLoc::Reg(float(1)));
        assert_eq!(
            (got.stack, got.results, got.vector_count),
            (8, vec![RAX], None)
        );
    }

    #[test]
    fn variadic_sysv_calls_count_vector_registers() {
        use AbiType::*;
        let sig = Signature {
            variadic: Some(1),
            ..Signature::c(&[I64, F64, F64], Some(I32))
        };
        assert_eq!(SYSV.assign(&sig).vector_count, Some((RAX, 2)));
    }

    #[test]
    fn win64_counts_positions_and_leaves_shadow_space() {
        use AbiType::*;
        let sig = Signature::c(&[I64, F64, I64, F64, I64, F64], Some(F64));
        let got = WIN64.assign(&sig);
        let regs = [RCX, float(1), R8, float(3)].map(ArgLoc::Reg);
        assert_eq!(got.args[..4], regs);
        assert_eq!(got.args[4..], [ArgLoc::Stack(32), ArgLoc::Stack(40)]);
        assert_eq!((got.stack, got.results), (48, vec![float(0)]));
        assert_eq!(WIN64.assign(&Signature::c(&[], None)).stack, 32);
    }

    #[test]
    fn variadic_win64_floats_travel_in_both_files() {
        use AbiType::*;
        let sig = Signature {
            variadic: Some(1),
            ..Signature::c(&[F64, F64, I64, F64, F64], Some(I32))
        };
        let got = WIN64.assign(&sig);
        assert_eq!(
            got.args,
            [
                ArgLoc::Reg(float(0)),
                ArgLoc::Both(float(1), RDX),
                ArgLoc::Reg(R8),
                ArgLoc::Both(float(3), R9),
                ArgLoc::Stack(32),
            ]
        );
        assert_eq!(got.vector_count, None);
    }

    /// `int printf(const char *, ...)` with an `int`, a `double` and so many integers more.
    fn printf(more: usize) -> Signature {
        use AbiType::*;
        let mut params = vec![I64, I32, F64];
        params.extend(std::iter::repeat_n(I64, more));
        Signature {
            variadic: Some(1),
            ..Signature::c(&params, Some(I32))
        }
    }

    #[test]
    fn variadic_arguments_on_arm64_go_three_ways() {
        let at = |n| ArgLoc::Reg(int(n));
        let linux = AAPCS64.assign(&printf(1));
        assert_eq!(linux.args, [at(0), at(1), ArgLoc::Reg(float(0)), at(2)]);
        let windows = WINDOWS_ARM64.assign(&printf(6));
        assert_eq!(windows.args[..4], [at(0), at(1), at(2), at(3)]);
        assert_eq!((windows.args[8], windows.stack), (ArgLoc::Stack(0), 8));
        let apple = APPLE64.assign(&printf(1));
        let stack = [0, 8, 16].map(ArgLoc::Stack);
        assert_eq!((apple.args[0], &apple.args[1..]), (at(0), &stack[..]));
        assert_eq!(apple.stack, 24);
    }

    #[test]
    fn apple_packs_what_is_named_on_the_stack() {
        use AbiType::*;
        let sig = Signature::c(
            &[I64, I64, I64, I64, I64, I64, I64, I64, I32, I32, I64],
            None,
        );
        let places = |conv: &CallConv| conv.assign(&sig).args[8..].to_vec();
        assert_eq!(places(&APPLE64), [0, 4, 8].map(ArgLoc::Stack));
        assert_eq!(places(&AAPCS64), [0, 8, 16].map(ArgLoc::Stack));
    }
}
