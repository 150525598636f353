//! Values that turned out to be others: collected by a pass, then applied to the whole function.

use crate::ir::func::{BlockCall, Func, Term, Value};

/// For each value the one to use instead, itself at first.
#[derive(Debug)]
pub(super) struct Renames {
    to: Vec<Value>,
    any: bool,
}

impl Renames {
    pub(super) fn new(func: &Func) -> Renames {
        Renames {
            to: (0..func.values.len() as u32).map(Value).collect(),
            any: false,
        }
    }

    /// Uses `to` instead of `from`, which is its own at the moment. `to` dominates all uses of `from`.
    pub(super) fn set(&mut self, from: Value, to: Value) {
        let to = self.find(to);
        debug_assert!(self.to[from.index()] == from && to != from);
        self.to[from.index()] = to;
        self.any = true;
    }

    /// What to use for `value`.
    pub(super) fn find(&mut self, value: Value) -> Value {
        let mut root = value;
        while self.to[root.index()] != root {
            root = self.to[root.index()];
        }
        let mut at = value;
        while at != root {
            at = std::mem::replace(&mut self.to[at.index()], root);
        }
        root
    }

    /// Renames all uses in a terminator.
    pub(super) fn apply_to_term(&mut self, term: &mut Term) {
        match term {
            Term::Jump(to) => self.apply_to_jump(to),
            Term::Br(cond, then, other) => {
                *cond = self.find(*cond);
                self.apply_to_jump(then);
                self.apply_to_jump(other);
            }
            Term::Return(list) => list.iter_mut().for_each(|value| *value = self.find(*value)),
            Term::Unreachable => {}
        }
    }

    fn apply_to_jump(&mut self, to: &mut BlockCall) {
        for arg in &mut to.args {
            *arg = self.find(*arg);
        }
    }

    /// Renames all uses; whether there was anything to rename.
    pub(super) fn apply(&mut self, func: &mut Func) -> bool {
        if !self.any {
            return false;
        }
        for block in &mut func.blocks {
            for &inst in &block.insts {
                for arg in &mut func.insts[inst.index()].args {
                    *arg = self.find(*arg);
                }
            }
            if let Some(term) = &mut block.term {
                self.apply_to_term(term);
            }
            for value in block.names.iter_mut().flat_map(|row| &mut row.value) {
                *value = self.find(*value);
            }
        }
        true
    }
}

/// The jumps of a terminator, to be changed.
pub(super) fn jumps_mut(term: &mut Term) -> impl Iterator<Item = &mut BlockCall> {
    let (first, second) = match term {
        Term::Jump(to) => (Some(to), None),
        Term::Br(_, then, other) => (Some(then), Some(other)),
        Term::Return(_) | Term::Unreachable => (None, None),
    };
    first.into_iter().chain(second)
}

/// All values that a terminator uses, to be changed.
pub(super) fn values_mut(term: &mut Term) -> impl Iterator<Item = &mut Value> {
    let (values, cond, jumps): (&mut [Value], _, [Option<&mut BlockCall>; 2]) = match term {
        Term::Jump(to) => (&mut [], None, [Some(to), None]),
        Term::Br(cond, then, other) => (&mut [], Some(cond), [Some(then), Some(other)]),
        Term::Return(values) => (values, None, [None, None]),
        Term::Unreachable => (&mut [], None, [None, None]),
    };
    let passed = jumps.into_iter().flatten().flat_map(|to| &mut to.args);
    values.iter_mut().chain(cond).chain(passed)
}

/// Removes the parameters for which `dead` is set, and the arguments for them. `dead` has a list for each block.
pub(super) fn remove_params(func: &mut Func, dead: &[Vec<bool>]) {
    let keep = |block: usize, list: &mut smallvec::SmallVec<[Value; 2]>| {
        let mut at = 0;
        list.retain(|_| {
            at += 1;
            !dead[block].get(at - 1).copied().unwrap_or(false)
        });
    };
    for (at, block) in func.blocks.iter_mut().enumerate() {
        keep(at, &mut block.params);
        for to in block.term.iter_mut().flat_map(jumps_mut) {
            keep(to.block.index(), &mut to.args);
        }
    }
}
