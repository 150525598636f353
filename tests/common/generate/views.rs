//! Views, bytes, strs and complex numbers: expressions of them, numbers and truths that come of them, and statements that read and write them.
//!
//! A `bytes` is used in all ways, a buffer only in those that a memoryview has, so that plain Python makes the same of it; where that does not
//! count (in wrap mode) both are bytes.

use super::{Maker, Ty, Var};

/// The type of the items of a buffer.
pub(super) fn item(storage: &str) -> Ty {
    match storage.split(['[', ']']).nth(1) {
        Some("f32" | "f64") => Ty::F64,
        Some("u64") => Ty::U64,
        Some("bool") => Ty::Bool,
        _ => Ty::I64,
    }
}

impl Maker<'_> {
    /// A variable of the type.
    fn variable(&mut self, wanted: impl Fn(&Var) -> bool) -> Option<Var> {
        let usable: Vec<Var> = self.vars.iter().filter(|v| wanted(v)).cloned().collect();
        match usable.is_empty() {
            true => None,
            false => Some(self.rng.pick(&usable).clone()),
        }
    }

    pub(super) fn view_literal(&mut self, ty: Ty) -> String {
        let texts: &[&str] = match ty {
            Ty::Bytes => &[
                "b''",
                "b'a'",
                "b'abc'",
                "b'xyz'",
                "b'\\x00\\xff'",
                "b'bcab'",
            ],
            Ty::Str => &["''", "'a'", "'abc'", "'\u{e9}\u{20ac}\u{1f600}'"],
            Ty::Complex => &["2j", "complex(0.5, -0.0)", "complex(1, 2)"],
            _ => return self.view_leaf(ty),
        };
        (*self.rng.pick(texts)).to_owned()
    }

    /// A variable of the type, or the next best thing.
    pub(super) fn view_leaf(&mut self, ty: Ty) -> String {
        if let Some(var) = self.variable(|v| v.ty == ty) {
            return var.name;
        }
        match ty {
            Ty::Array | Ty::Mut => format!("bytearray({})", 2 + self.rng.below(5)),
            Ty::Buf => self.view_literal(Ty::Bytes),
            Ty::Maybe => format!("(b'ab' if p0 > {} else None)", self.rng.below(9)),
            Ty::Any => "None".to_owned(),
            _ => self.view_literal(ty),
        }
    }

    pub(super) fn view_expr(&mut self, ty: Ty, depth: usize) -> String {
        match (ty, self.rng.below(8)) {
            (Ty::Bytes, 0) => format!("bytes({})", self.any_view(depth)),
            (Ty::Bytes, 1) => format!("bytes({} & 7)", self.expr(Ty::I64, depth)),
            (Ty::Bytes, 2) => self.encoded(depth),
            (Ty::Bytes, 3) => {
                let op = *self.rng.pick(&["and", "or"]);
                let (a, b) = (self.expr(ty, depth), self.expr(ty, depth));
                format!("({a} {op} {b})")
            }
            (Ty::Bytes, 4) => format!(
                "({} or {})",
                self.view_leaf(Ty::Maybe),
                self.expr(ty, depth)
            ),
            (Ty::Array, 0 | 1) => format!("bytearray({})", self.any_view(depth)),
            (Ty::Array, 2 | 3) => format!("bytearray({} & 7)", self.expr(Ty::I64, depth)),
            (Ty::Bytes | Ty::Buf | Ty::Mut | Ty::Array, _) => {
                let of = self.view_operand(ty, depth);
                self.sliced(&of)
            }
            (Ty::Maybe, _) => {
                let (value, cond) = (self.expr(Ty::Bytes, depth), self.expr(Ty::Bool, depth));
                format!("({value} if {cond} else {})", self.view_leaf(ty))
            }
            (Ty::Str, 0..=2) => {
                let codec = *self
                    .rng
                    .pick(&["", "'ascii'", "'utf-8'", "'latin-1'", "'latin-1'"]);
                format!("{}.decode({codec})", self.view_operand(Ty::Bytes, depth))
            }
            (Ty::Str, 3) => format!("({} or {})", self.view_leaf(ty), self.expr(ty, depth)),
            (Ty::Complex, 0..=3) => {
                let (re, im) = (self.expr(Ty::F64, depth), self.operand(Ty::F64, depth));
                format!("complex({re}, {im})")
            }
            (Ty::Any, _) => {
                let types = [
                    Ty::I64,
                    Ty::U64,
                    Ty::F64,
                    Ty::Bool,
                    Ty::Bytes,
                    Ty::Str,
                    Ty::Array,
                    Ty::Complex,
                    Ty::Maybe,
                ];
                let of = *self.rng.pick(&types);
                self.expr(of, depth)
            }
            _ => self.view_leaf(ty),
        }
    }

    /// An operand that brackets and attributes can follow.
    fn view_operand(&mut self, ty: Ty, depth: usize) -> String {
        match self.rng.chance(1, 2) {
            true => self.view_leaf(ty),
            false => format!("({})", self.expr(ty, depth)),
        }
    }

    fn encoded(&mut self, depth: usize) -> String {
        format!("{}.encode()", self.view_operand(Ty::Str, depth))
    }

    fn sliced(&mut self, of: &str) -> String {
        let (start, stop) = (self.bound(), self.bound());
        format!("{of}[{start}:{stop}]")
    }

    fn bound(&mut self) -> String {
        match self.rng.below(8) {
            0 | 1 => String::new(),
            2 => self.leaf(Ty::I64),
            3 => self.leaf(Ty::U64),
            4 => "None".to_owned(),
            _ => (*self.rng.pick(&["0", "1", "2", "3", "-1", "-2", "100"])).to_owned(),
        }
    }

    /// An index, mostly one that is there.
    fn at(&mut self, depth: usize) -> String {
        match self.rng.below(24) {
            0 => self.expr(Ty::I64, depth),
            1 => self.leaf(Ty::U64),
            2 | 3 => format!("({} & 3)", self.expr(Ty::I64, depth)),
            4 => (*self.rng.pick(&["1", "2", "-2"])).to_owned(),
            _ => (*self.rng.pick(&["0", "-1"])).to_owned(),
        }
    }

    /// Something with bytes in it.
    fn any_view(&mut self, depth: usize) -> String {
        let ty = *self
            .rng
            .pick(&[Ty::Bytes, Ty::Bytes, Ty::Buf, Ty::Array, Ty::Mut, Ty::Maybe]);
        self.view_operand(ty, depth)
    }

    /// An item of a buffer, of the type, where there is one in reach.
    pub(super) fn item_of(&mut self, ty: Ty) -> Option<String> {
        let var = self.variable(|v| v.ty == Ty::Items && item(v.storage) == ty)?;
        Some(format!("{}[{}]", var.name, self.at(1)))
    }

    /// An i64 that comes of views and strs.
    pub(super) fn view_int(&mut self, depth: usize) -> String {
        match self.rng.below(8) {
            0 | 1 => format!("len({})", self.any_view(depth)),
            2 => format!("len({})", self.expr(Ty::Str, depth)),
            3 => match self.variable(|v| v.ty == Ty::Items) {
                Some(var) => format!("len({})", var.name),
                None => "len(b'ab')".to_owned(),
            },
            _ => {
                let ty = *self
                    .rng
                    .pick(&[Ty::Bytes, Ty::Bytes, Ty::Buf, Ty::Array, Ty::Mut]);
                let view = match self.rng.chance(7, 8) {
                    true => self.view_leaf(ty),
                    false => self.any_view(depth),
                };
                format!("{view}[{}]", self.at(depth))
            }
        }
    }

    /// A float that comes of a complex number.
    pub(super) fn view_float(&mut self, depth: usize) -> String {
        let part = *self.rng.pick(&["real", "imag"]);
        format!("{}.{part}", self.view_operand(Ty::Complex, depth))
    }

    pub(super) fn view_bool(&mut self, depth: usize) -> String {
        let all = [Ty::Bytes, Ty::Array];
        let (a, b) = (*self.rng.pick(&all), *self.rng.pick(&all));
        // A memoryview has no order, and its `in` means items.
        let any = self.this.wrap;
        match self.rng.below(10) {
            0 | 1 => {
                let op = *self.rng.pick(&["==", "!="]);
                format!("({} {op} {})", self.any_view(depth), self.any_view(depth))
            }
            2 => {
                let op = *self.rng.pick(&["<", "<=", ">", ">="]);
                let b = if any { Ty::Buf } else { b };
                format!("({} {op} {})", self.expr(a, depth), self.expr(b, depth))
            }
            3 => {
                let op = *self.rng.pick(&["in", "not in"]);
                let small = format!("({} & 255)", self.expr(Ty::I64, depth));
                let needle = match self.rng.chance(3, 4) {
                    true => small,
                    false => self.expr(Ty::I64, depth),
                };
                let haystack = if any {
                    self.any_view(depth)
                } else {
                    self.expr(a, depth)
                };
                format!("({needle} {op} {haystack})")
            }
            4 => format!("({} in {})", self.expr(a, depth), self.expr(b, depth)),
            5 => {
                let op = *self.rng.pick(&["is", "is not"]);
                format!("({} {op} None)", self.view_operand(Ty::Maybe, depth))
            }
            6 => {
                let op = *self.rng.pick(&["==", "!="]);
                format!(
                    "({} {op} {})",
                    self.expr(Ty::Str, depth),
                    self.expr(Ty::Str, depth)
                )
            }
            7 => format!("(not {})", self.any_view(depth)),
            8 => format!("bool({})", self.expr(Ty::Str, depth)),
            _ => format!(
                "({} == {} != {})",
                self.expr(a, depth),
                self.any_view(depth),
                self.expr(b, depth)
            ),
        }
    }

    /// A statement about views.
    pub(super) fn view_statement(&mut self, depth: usize) {
        match self.rng.below(8) {
            0..=2 => self.store(),
            3 | 4 if depth > 0 && self.size < 25 => self.view_loop(depth),
            5 => self.swap(),
            _ => {
                let types = [
                    Ty::Bytes,
                    Ty::Array,
                    Ty::Str,
                    Ty::Maybe,
                    Ty::Complex,
                    Ty::Buf,
                ];
                let ty = *self.rng.pick(&types);
                let value = self.expr(ty, 2);
                let name = self.new_name();
                self.line(&format!("{name} = {value}"));
                self.push(name, ty);
            }
        }
    }

    fn push(&mut self, name: String, ty: Ty) {
        self.vars.push(Var {
            name,
            storage: super::wide(ty),
            ty,
            declared: false,
            fixed: false,
        });
    }

    /// A buffer or bytearray that can be written to; a bytearray is made where there is none.
    fn writable(&mut self) -> (String, Ty) {
        let writable = |v: &Var| match v.ty {
            Ty::Array | Ty::Mut => true,
            Ty::Items => v.storage.starts_with("Mut"),
            _ => false,
        };
        if let Some(var) = self.variable(writable) {
            let item = if var.ty == Ty::Items {
                item(var.storage)
            } else {
                Ty::I64
            };
            return (var.name, item);
        }
        let (name, value) = (self.new_name(), self.expr(Ty::Array, 1));
        self.line(&format!("{name} = {value}"));
        self.push(name.clone(), Ty::Array);
        (name, Ty::I64)
    }

    fn store(&mut self) {
        let (name, item) = self.writable();
        let at = self.at(1);
        let value = match item {
            Ty::I64 if self.rng.chance(3, 4) => format!("({} & 127)", self.expr(item, 2)),
            _ => self.expr(item, 2),
        };
        let op = match item {
            Ty::Bool => "=",
            Ty::F64 => *self.rng.pick(&["=", "=", "+=", "*="]),
            _ => *self
                .rng
                .pick(&["=", "=", "=", "+=", "-=", "^=", "|=", "&="]),
        };
        self.line(&format!("{name}[{at}] {op} {value}"));
    }

    fn swap(&mut self) {
        let (name, _) = self.writable();
        let (a, b) = (self.at(1), self.at(1));
        match self.rng.chance(1, 2) {
            true => self.line(&format!(
                "{name}[{a}], {name}[{b}] = {name}[{b}], {name}[{a}]"
            )),
            false => {
                let other = self.new_name();
                self.line(&format!("{other}, {name}[{a}] = {name}[{a}], {name}[{b}]"));
            }
        }
    }

    /// `for x in view`, counted or not; the variable is bound before.
    fn view_loop(&mut self, depth: usize) {
        if self.loops > 1 {
            return self.assignment();
        }
        let (view, ty) = match self.variable(|v| v.ty == Ty::Items) {
            Some(var) if self.rng.chance(1, 2) => (var.name, item(var.storage)),
            _ => (self.any_view(1), Ty::I64),
        };
        let (first, var) = (self.leaf(ty), self.new_name());
        let declared = ty == Ty::I64 && self.rng.chance(1, 4);
        let storage = match declared {
            true => *self.rng.pick(&["u8", "i16", "i8"]),
            false => super::wide(ty),
        };
        match declared {
            true => self.line(&format!("{var}: {storage} = 1")),
            false => self.line(&format!("{var} = {first}")),
        }
        self.vars.push(Var {
            name: var.clone(),
            storage,
            ty,
            declared,
            fixed: false,
        });
        match self.rng.chance(1, 3) {
            true => {
                let counter = self.new_name();
                self.line(&format!("{counter} = 0"));
                self.push(counter.clone(), Ty::I64);
                self.line(&format!("for {counter}, {var} in enumerate({view}):"));
            }
            false => self.line(&format!("for {var} in {view}:")),
        }
        self.loop_body(depth);
    }
}
