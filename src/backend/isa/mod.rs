//! Instruction sets: a function of the IR becomes machine code. In: a [`Func`] and the [`Program`] it belongs to. Out: [`Code`]. What all
//! machines share is here (control flow, virtual code, register allocation, frames, the byte buffer); each machine's rows, lowering and
//! emission are in its folder. No file format is known here.

pub mod aarch64;
pub mod buffer;
pub mod code;
pub mod course;
pub mod flow;
pub mod frame;
pub mod lower;
pub mod moves;
pub mod named;
pub mod order;
pub mod plan;
pub mod regalloc;
pub mod rename;
pub mod vcode;
pub mod wrap;
pub mod x64;

use crate::ir::func::{Conv, Func};
use crate::ir::program::Program;
use crate::target::callconv::CallConv;
use crate::target::{Arch, Target};
use code::Code;
use regalloc::{Allocation, Context, Manner, Registers};
use vcode::Shape;

/// How to make code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Calls imports through the linker's stubs instead of their pointer slots.
    pub plt: bool,
    /// Allocates registers in one quick pass instead of well.
    pub fast_allocation: bool,
}

/// Compiles the functions of one program, one after the other, in the same working memory.
#[derive(Debug)]
pub struct Compiler<'a> {
    program: &'a Program,
    target: &'a Target,
    options: Options,
    registers: Registers,
    /// Those of leaf functions.
    leaf_registers: Registers,
    context: Context,
}

impl<'a> Compiler<'a> {
    /// For the functions of `program`.
    pub fn new(program: &'a Program, target: &'a Target, options: Options) -> Compiler<'a> {
        let registers = |conv| match target.arch {
            Arch::X86_64 => x64::registers(target, conv),
            Arch::Aarch64 => aarch64::registers(conv),
        };
        Compiler {
            program,
            target,
            options,
            registers: registers(target.c),
            leaf_registers: registers(target.leaf),
            context: Context::default(),
        }
    }

    /// Compiles a function of the program.
    pub fn compile(&mut self, func: &Func) -> Code {
        match self.target.arch {
            Arch::X86_64 => {
                let lowered =
                    lower::lower::<x64::lower::X64>(func, self.program, self.target, self.options);
                let shape = &lowered.code.shape;
                let mut allocation = self.allocate(func, shape);
                let insts = &lowered.code.insts;
                moves::clean(shape, &mut allocation, |at| insts[at as usize].is_silent());
                let names = x64::names(self.target);
                let saved = self.convention(func).callee_saved;
                rename::rename(shape, &mut allocation, (&names.0, &names.1), saved);
                x64::emit::emit(func, self.target, &lowered, &allocation)
            }
            Arch::Aarch64 => {
                let (program, target) = (self.program, self.target);
                let lowered =
                    lower::lower::<aarch64::lower::A64>(func, program, target, self.options);
                let shape = &lowered.code.shape;
                let mut allocation = self.allocate(func, shape);
                let insts = &lowered.code.insts;
                moves::clean(shape, &mut allocation, |at| insts[at as usize].is_silent());
                aarch64::emit::emit(func, target, &lowered, &allocation)
            }
        }
    }

    fn convention(&self, func: &Func) -> &'static CallConv {
        match func.sig.conv {
            Conv::C => self.target.c,
            Conv::Internal => self.target.internal,
            Conv::Leaf => self.target.leaf,
        }
    }

    /// Spares saved registers where rare calls are the only reason for them, unless the usual path then pays more for memory.
    fn allocate(&mut self, func: &Func, shape: &Shape) -> Allocation {
        let registers = match func.sig.conv {
            Conv::C | Conv::Internal => &self.registers,
            Conv::Leaf => &self.leaf_registers,
        };
        let mut allocate = |spares_saved| {
            let manner = Manner {
                fast: self.options.fast_allocation,
                spares_saved,
            };
            regalloc::allocate(&func.name, shape, registers, manner, &mut self.context)
        };
        if !shape.has_rare_calls() {
            return allocate(false);
        }
        let saved = self.target.c.callee_saved;
        let sparing = allocate(true);
        let cost = sparing.cost(shape, saved);
        // Less than one register saved, or one value stored and loaded again, is only nothing.
        if cost <= 2 * sparing.written_of(saved).len().max(1) as u64 {
            return sparing;
        }
        let plain = allocate(false);
        if plain.cost(shape, saved) < cost {
            plain
        } else {
            sparing
        }
    }
}

/// Compiles one function of `program`.
pub fn compile(func: &Func, program: &Program, target: &Target, options: Options) -> Code {
    Compiler::new(program, target, options).compile(func)
}
