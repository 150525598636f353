//! Statements: assignments, branches, loops that end, exceptions. A line each, appended to the body.

use super::{EXCEPTIONS, Maker, STORAGES, TYPES, Ty, Var, wide};

impl Maker<'_> {
    pub(super) fn statement(&mut self, depth: usize) {
        self.size += 1;
        let nested = depth > 0 && self.size < 25;
        match self.rng.below(23) {
            0..=2 if nested => self.branch(depth),
            3 | 4 if nested => self.counted_loop(depth),
            5 if nested => self.range_loop(depth),
            6 | 7 => self.declaration(),
            8 | 9 => self.augmented(),
            10 => self.raise_if(),
            11 => self.unpack(),
            12 => self.call_statement(),
            13 if nested => self.maybe_unbound(),
            14 if self.rng.chance(1, 2) => self.chain(),
            15..=17 => self.view_statement(depth),
            _ => self.assignment(),
        }
    }

    pub(super) fn block(&mut self, depth: usize) {
        self.indent += 1;
        // What is first assigned in here may be unbound behind it.
        let known = self.vars.len();
        for _ in 0..1 + self.rng.below(3) {
            self.statement(depth - 1);
        }
        self.vars.truncate(known);
        self.indent -= 1;
    }

    pub(super) fn assignment(&mut self) {
        let kept = |v: &&Var| !v.fixed && !matches!(v.ty, Ty::Items | Ty::Mut | Ty::Any);
        let usable: Vec<Var> = self.vars.iter().filter(kept).cloned().collect();
        if self.rng.chance(1, 3) || usable.is_empty() {
            return self.new_local();
        }
        let var = self.rng.pick(&usable).clone();
        // The model does not know that a literal for an undeclared u64 is one.
        let value = match var.ty == Ty::U64 && !var.declared {
            true => self.expr(var.ty, 3),
            false => self.value(var.ty, var.storage),
        };
        self.line(&format!("{} = {value}", var.name));
    }

    /// A local that takes its type from its first value. Literals would make it an i64.
    pub(super) fn new_local(&mut self) {
        let ty = match self.rng.chance(1, 10) {
            true => Ty::Object,
            false => *self.rng.pick(TYPES),
        };
        let value = self.expr(ty, 3);
        let name = self.new_name();
        self.line(&format!("{name} = {value}"));
        self.vars.push(Var {
            name,
            storage: wide(ty),
            ty,
            declared: false,
            fixed: false,
        });
    }

    pub(super) fn declaration(&mut self) {
        let &(storage, ty) = self.rng.pick(STORAGES);
        let value = self.value(ty, storage);
        let name = self.new_name();
        match self.rng.chance(1, 6) {
            true => {
                self.line(&format!("{name}: {storage}"));
                self.line(&format!("{name} = {value}"));
            }
            false => self.line(&format!("{name}: {storage} = {value}")),
        }
        self.vars.push(Var {
            name,
            storage,
            ty,
            declared: true,
            fixed: false,
        });
    }

    pub(super) fn augmented(&mut self) {
        let usable: Vec<Var> = self
            .vars
            .iter()
            .filter(|v| !v.fixed && v.ty.is_number() && v.ty != Ty::Bool)
            .cloned()
            .collect();
        if usable.is_empty() {
            return self.assignment();
        }
        let var = self.rng.pick(&usable).clone();
        let ops: &[&str] = match var.ty {
            Ty::F64 => &["+", "-", "*", "/", "//", "%"],
            _ => &["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"],
        };
        let op = *self.rng.pick(ops);
        let value = match op {
            "<<" | ">>" => self.count(),
            _ => self.operand(var.ty, 2),
        };
        self.line(&format!("{} {op}= {value}", var.name));
    }

    pub(super) fn branch(&mut self, depth: usize) {
        let cond = self.expr(Ty::Bool, 2);
        self.line(&format!("if {cond}:"));
        self.block(depth);
        if self.rng.chance(1, 3) {
            let cond = self.expr(Ty::Bool, 2);
            self.line(&format!("elif {cond}:"));
            self.block(depth);
        }
        if self.rng.chance(1, 2) {
            self.line("else:");
            self.block(depth);
        }
    }

    /// `break` or `continue` under a condition; there is a loop around.
    pub(super) fn leave(&mut self) {
        let cond = self.expr(Ty::Bool, 1);
        let word = *self.rng.pick(&["break", "continue"]);
        self.line(&format!("if {cond}:"));
        self.indent += 1;
        self.line(word);
        self.indent -= 1;
    }

    pub(super) fn loop_body(&mut self, depth: usize) {
        self.loops += 1;
        self.block(depth);
        if self.rng.chance(1, 2) {
            self.indent += 1;
            self.leave();
            self.line("pass");
            self.indent -= 1;
        }
        self.loops -= 1;
        if self.rng.chance(1, 3) {
            self.line("else:");
            self.block(depth);
        }
    }

    pub(super) fn counted_loop(&mut self, depth: usize) {
        if self.loops > 1 {
            return self.assignment();
        }
        let counter = self.new_name();
        self.line(&format!("{counter} = 0"));
        self.push_fixed(&counter);
        let rounds = self.rng.below(6);
        let cond = match self.rng.chance(1, 2) {
            true => format!("{counter} < {rounds}"),
            false => format!("{counter} < {rounds} and {}", self.expr(Ty::Bool, 1)),
        };
        self.line(&format!("while {cond}:"));
        self.indent += 1;
        self.line(&format!("{counter} += 1"));
        self.indent -= 1;
        self.loop_body(depth);
    }

    pub(super) fn push_fixed(&mut self, name: &str) {
        self.vars.push(Var {
            name: name.to_owned(),
            storage: "i64",
            ty: Ty::I64,
            declared: false,
            fixed: true,
        });
    }

    /// Ranges of any size, left after a few rounds. The variable is unbound where there was no round: it is bound before.
    pub(super) fn range_loop(&mut self, depth: usize) {
        if self.loops > 1 {
            return self.assignment();
        }
        let (counter, var) = (self.new_name(), self.new_name());
        self.line(&format!("{counter} = 0"));
        self.push_fixed(&counter);
        let args = match self.rng.below(4) {
            0 => self.operand(Ty::I64, 1),
            1 => format!("{}, {}", self.operand(Ty::I64, 1), self.operand(Ty::I64, 1)),
            2 => {
                let step = *self
                    .rng
                    .pick(&["2", "-1", "-3", "9223372036854775807", "7"]);
                format!(
                    "{}, {}, {step}",
                    self.operand(Ty::I64, 1),
                    self.operand(Ty::I64, 1)
                )
            }
            _ => {
                let (a, b, c) = (
                    self.operand(Ty::I64, 0),
                    self.operand(Ty::I64, 0),
                    self.operand(Ty::I64, 0),
                );
                format!("{a}, {b}, {c}")
            }
        };
        let first = self.rng.below(9);
        self.line(&format!("{var} = {first}"));
        self.line(&format!("for {var} in range({args}):"));
        self.vars.push(Var {
            name: var,
            storage: "i64",
            ty: Ty::I64,
            declared: false,
            fixed: false,
        });
        self.indent += 1;
        self.line(&format!("{counter} += 1"));
        self.line(&format!("if {counter} > 4:"));
        self.indent += 1;
        self.line("break");
        self.indent -= 2;
        self.loop_body(depth);
    }

    pub(super) fn raise_if(&mut self) {
        const CLASSES: &[&str] = &[
            "ValueError",
            "TypeError",
            "KeyError",
            "ArithmeticError",
            "IndexError",
            "Odd",
            "Odder",
            "Lost",
        ];
        debug_assert!(EXCEPTIONS.iter().all(|(name, _)| CLASSES.contains(name)));
        let mut cond = self.expr(Ty::Bool, 2);
        if self.rng.chance(1, 4) {
            cond = format!("{cond} or p0 < 70");
            return match self.rng.chance(1, 2) {
                true => self.line(&format!("assert {cond}")),
                false => self.line(&format!("assert {cond}, \"not so\"")),
            };
        }
        if self.rng.chance(3, 4) {
            cond = format!("{cond} and p0 > 70");
        }
        let class = *self.rng.pick(CLASSES);
        let ty = match self.rng.chance(1, 4) {
            true => *self
                .rng
                .pick(&[Ty::Object, Ty::Bytes, Ty::Str, Ty::Maybe, Ty::Complex]),
            false => *self.rng.pick(TYPES),
        };
        let value = match ty {
            Ty::Bytes | Ty::Str | Ty::Maybe | Ty::Complex => self.view_leaf(ty),
            _ => self.operand(ty, 1),
        };
        // An f-string has no backslash in it before 3.12.
        let value = match value.contains('\\') {
            true => "p0".to_owned(),
            false => value,
        };
        let text = match self.rng.below(6) {
            5 => format!("{class}({value})"),
            0 => class.to_owned(),
            1 => format!("{class}(\"plain\")"),
            2 => format!("{class}(f\"got {{{value}}}\")"),
            3 => format!("{class}(f\"{{{value}!r}} and {{{value}}}\")"),
            _ => match ty {
                Ty::F64 => format!("{class}(f\"{{{value}:.3f}} {{{{}}}}\")"),
                _ => format!("{class}(f\"{{{value}:>8}}|\")"),
            },
        };
        self.line(&format!("if {cond}:"));
        self.indent += 1;
        self.line(&format!("raise {text}"));
        self.indent -= 1;
    }

    /// `a, b = x, y`, `q, r = divmod(x, y)`.
    pub(super) fn unpack(&mut self) {
        if self.rng.chance(1, 3) {
            return self.unpack_declared();
        }
        let ty = *self
            .rng
            .pick(&[Ty::I64, Ty::I64, Ty::U64, Ty::F64, Ty::Object]);
        let (a, b) = (self.new_name(), self.new_name());
        let (x, y) = (self.expr(ty, 2), self.expr(ty, 2));
        let value = match ty == Ty::Object || self.rng.chance(1, 2) {
            true => format!("{x}, {y}"),
            false => format!("divmod({x}, {y})"),
        };
        self.line(&format!("{a}, {b} = {value}"));
        for name in [&a, &b] {
            self.vars.push(Var {
                name: name.clone(),
                storage: wide(ty),
                ty,
                declared: false,
                fixed: false,
            });
        }
        if self.rng.chance(1, 3) {
            self.line(&format!("{a}, {b} = {b}, {a}"));
        }
    }

    /// `a, b = x, y` into declared things, which may be too narrow.
    pub(super) fn unpack_declared(&mut self) {
        let declared =
            |v: &&Var| v.declared && !v.fixed && !matches!(v.ty, Ty::Items | Ty::Mut | Ty::Buf);
        let usable: Vec<Var> = self.vars.iter().filter(declared).cloned().collect();
        if usable.len() < 2 {
            return self.assignment();
        }
        let (a, b) = (
            self.rng.pick(&usable).clone(),
            self.rng.pick(&usable).clone(),
        );
        let (x, y) = (self.value(a.ty, a.storage), self.value(b.ty, b.storage));
        self.line(&format!("{}, {} = {x}, {y}", a.name, b.name));
    }

    /// `a = b = x`
    pub(super) fn chain(&mut self) {
        let ty = *self.rng.pick(TYPES);
        let declared = |v: &&Var| v.declared && !v.fixed && v.ty == ty;
        let usable: Vec<Var> = self.vars.iter().filter(declared).cloned().collect();
        let (value, name) = (self.expr(ty, 2), self.new_name());
        match usable.is_empty() {
            true => self.line(&format!("{name} = {value}")),
            false => {
                let other = self.rng.pick(&usable).name.clone();
                match self.rng.chance(1, 2) {
                    true => self.line(&format!("{name} = {other} = {value}")),
                    false => self.line(&format!("{other} = {name} = {value}")),
                }
            }
        }
        self.vars.push(Var {
            name,
            storage: wide(ty),
            ty,
            declared: false,
            fixed: false,
        });
    }

    /// A local that is read where it may not have been assigned.
    pub(super) fn maybe_unbound(&mut self) {
        let cond = self.expr(Ty::Bool, 1);
        let ty = *self.rng.pick(TYPES);
        let value = self.expr(ty, 1);
        let name = self.new_name();
        self.line(&format!("if {cond} or p0 < 70:"));
        self.indent += 1;
        self.line(&format!("{name} = {value}"));
        self.indent -= 1;
        let (cond, other) = (self.expr(Ty::Bool, 1), self.new_name());
        self.line(&format!("{other} = {name} if {cond} else {value}"));
    }

    pub(super) fn ret(&mut self) {
        let returns = self.this.returns.clone();
        let values: Vec<String> = returns
            .iter()
            .map(|&(_, storage, ty)| self.fitting(ty, storage, 3))
            .collect();
        self.line(&format!("return {}", values.join(", ")));
    }
}
