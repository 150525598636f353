//! Instruction sets: a function of the IR becomes machine code. In: a [`Func`] and the [`Program`] it belongs to. Out: [`Code`]. What all
//! machines share is here (control flow, virtual code, register allocation, frames, the byte buffer); each machine's rows, lowering and
//! emission are in its folder. No file format is known here.

pub mod buffer;
pub mod code;
pub mod flow;
pub mod frame;
pub mod order;
pub mod regalloc;
pub mod vcode;
pub mod wrap;
pub mod x64;

use crate::ir::func::Func;
use crate::ir::program::Program;
use crate::target::{Arch, Target};
use code::Code;
use regalloc::{Allocation, Context, Registers};
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
    /// The same without those that a function would have to preserve.
    free_registers: Registers,
    context: Context,
}

impl<'a> Compiler<'a> {
    /// For the functions of `program`.
    pub fn new(program: &'a Program, target: &'a Target, options: Options) -> Compiler<'a> {
        let (registers, free_registers) = match target.arch {
            Arch::X86_64 => x64::registers(target.c),
        };
        Compiler {
            program,
            target,
            options,
            registers,
            free_registers,
            context: Context::default(),
        }
    }

    /// Compiles a function of the program.
    pub fn compile(&mut self, func: &Func) -> Code {
        match self.target.arch {
            Arch::X86_64 => {
                let lowered = x64::lower::lower(func, self.program, self.target, self.options);
                let shape = &lowered.code.shape;
                let allocation = self.allocate(&func.name, shape, lowered.has_warm_calls);
                x64::emit::emit(func, self.target, &lowered, &allocation)
            }
        }
    }

    /// Where nothing on the usual path calls, values that live over the rare calls are better off in memory, there, than in registers
    /// that must be saved on every path; unless the usual path has to use memory, too, then.
    fn allocate(&mut self, name: &str, shape: &Shape, has_warm_calls: bool) -> Allocation {
        let fast = self.options.fast_allocation;
        if !has_warm_calls {
            let registers = &self.free_registers;
            let allocation = regalloc::allocate(name, shape, registers, fast, &mut self.context);
            if !allocation.spills_where(shape, |block| !block.is_cold) {
                return allocation;
            }
        }
        regalloc::allocate(name, shape, &self.registers, fast, &mut self.context)
    }
}

/// Compiles one function of `program`.
pub fn compile(func: &Func, program: &Program, target: &Target, options: Options) -> Code {
    Compiler::new(program, target, options).compile(func)
}
