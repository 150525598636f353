//! Expressions of a wanted type and depth. Operators stand in parentheses, but for the outermost.
//!
//! Most are kept calm, for numbers that stay small meet more of the operations behind; some are left to overflow.

use super::{CONSTANTS, Maker, TYPES, Ty, Var};

impl<'a> Maker<'a> {
    /// What is assigned to something of a known type: an expression, or sometimes a literal.
    pub(super) fn value(&mut self, ty: Ty, storage: &str) -> String {
        // In a narrower one it would be a mistake to be reported.
        let holds_any = matches!(
            storage,
            "i64" | "u64" | "isize" | "usize" | "f64" | "f32" | "bool" | "object"
        ) || !ty.is_number();
        match holds_any && self.rng.chance(1, 8) {
            true => self.literal(ty),
            false if !holds_any && self.rng.chance(3, 4) => self.small(3),
            false => self.expr(ty, 3),
        }
    }

    /// An integer that fits anywhere.
    pub(super) fn small(&mut self, depth: usize) -> String {
        let value = self.expr(Ty::I64, depth);
        match self.rng.chance(1, 2) {
            true => format!("({value} & {})", self.rng.pick(&[1, 7, 63, 127])),
            false => format!("({value} % {})", self.rng.pick(&[2, 3, 10, 100, 127])),
        }
    }

    pub(super) fn literal(&mut self, ty: Ty) -> String {
        const INTS: &[&str] = &[
            "0",
            "1",
            "2",
            "3",
            "7",
            "10",
            "63",
            "64",
            "100",
            "127",
            "128",
            "255",
            "1000",
            "65535",
            "2147483648",
            "4294967295",
            "4611686018427387904",
            "9223372036854775807",
        ];
        const FLOATS: &[&str] = &[
            "0.0",
            "1.0",
            "0.5",
            "2.0",
            "3.0",
            "1e300",
            "1e-300",
            "0.1",
            "100.0",
            "9007199254740993.0",
            "1e19",
        ];
        if self.rng.chance(1, 10) {
            let fitting: Vec<_> = CONSTANTS.iter().filter(|c| c.2 == ty).collect();
            if !fitting.is_empty() {
                return self.rng.pick(&fitting).0.to_owned();
            }
        }
        match ty {
            Ty::Object => "None".to_owned(),
            Ty::Bool => (*self.rng.pick(&["True", "False"])).to_owned(),
            Ty::I64 if self.rng.chance(1, 4) => format!("-{}", self.rng.pick(&INTS[1..])),
            Ty::I64 => (*self.rng.pick(INTS)).to_owned(),
            Ty::U64 if self.rng.chance(1, 4) => (*self
                .rng
                .pick(&["18446744073709551615", "9223372036854775808"]))
            .to_owned(),
            Ty::U64 => (*self.rng.pick(INTS)).to_owned(),
            Ty::F64 if self.rng.chance(1, 4) => format!("-{}", self.rng.pick(FLOATS)),
            Ty::F64 => (*self.rng.pick(FLOATS)).to_owned(),
            _ => self.view_literal(ty),
        }
    }

    /// A variable of the type, or something that surely has it.
    pub(super) fn leaf(&mut self, ty: Ty) -> String {
        if !ty.is_number() && ty != Ty::Object {
            return self.view_leaf(ty);
        }
        if self.rng.chance(1, 4)
            && let Some(item) = self.item_of(ty)
        {
            return item;
        }
        let usable: Vec<String> = self
            .vars
            .iter()
            .filter(|v| v.ty == ty)
            .map(|v| v.name.clone())
            .collect();
        if !usable.is_empty() && self.rng.chance(7, 8) {
            return self.rng.pick(&usable).clone();
        }
        // Calm conversions mostly: the integer that is always there, made to fit.
        if self.rng.chance(2, 3) {
            match ty {
                Ty::U64 => return format!("u64(p0 & {})", self.rng.pick(&[255, 65535, 4095])),
                Ty::F64 => return "f64(p0)".to_owned(),
                Ty::Object => return "None".to_owned(),
                _ => {}
            }
        }
        let numbers: Vec<Var> = self
            .vars
            .iter()
            .filter(|v| v.ty.is_number())
            .cloned()
            .collect();
        let any = self.rng.pick(&numbers).clone();
        match (ty, any.ty) {
            (Ty::Bool, Ty::Bool) => any.name,
            (Ty::Bool, _) if self.rng.chance(1, 2) => format!("({} > 3)", any.name),
            (Ty::Bool, _) => format!("bool({})", any.name),
            (Ty::I64, Ty::I64) => any.name,
            (Ty::I64, _) => format!("{}({})", self.rng.pick(&["i64", "int"]), any.name),
            (Ty::U64, Ty::I64) if self.rng.chance(5, 6) => format!("u64({} & 65535)", any.name),
            (Ty::U64, _) => format!("u64({})", any.name),
            (Ty::F64, Ty::F64) => any.name,
            (Ty::F64, _) => format!("{}({})", self.rng.pick(&["f64", "float"]), any.name),
            (_, _) => "None".to_owned(),
        }
    }

    /// An operand beside one of type `ty`: sometimes a literal, or of another type that mixes.
    pub(super) fn operand(&mut self, ty: Ty, depth: usize) -> String {
        if self.rng.chance(1, 4) {
            return self.literal(ty);
        }
        if self.rng.chance(1, 8) {
            let mixes = |v: &&Var| match ty {
                Ty::U64 => {
                    v.ty == Ty::Bool || v.declared && matches!(v.storage, "u8" | "u16" | "u32")
                }
                Ty::I64 => v.ty == Ty::Bool,
                Ty::F64 => v.ty.is_number() && v.ty != Ty::F64,
                _ => false,
            };
            let usable: Vec<String> = self
                .vars
                .iter()
                .filter(mixes)
                .map(|v| v.name.clone())
                .collect();
            if !usable.is_empty() {
                return self.rng.pick(&usable).clone();
            }
        }
        self.expr(ty, depth)
    }

    /// A shift count.
    pub(super) fn count(&mut self) -> String {
        let ty = *self.rng.pick(&[Ty::I64, Ty::I64, Ty::U64]);
        match self.rng.below(8) {
            0 => format!("({} & 63)", self.leaf(ty)),
            1 | 2 => format!("({} & 7)", self.leaf(ty)),
            3 => self.leaf(ty),
            _ => (*self
                .rng
                .pick(&["0", "1", "2", "3", "4", "8", "31", "32", "63", "64", "65"]))
            .to_owned(),
        }
    }

    pub(super) fn expr(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 || self.rng.chance(1, 6) {
            return self.leaf(ty);
        }
        if ty != Ty::Any && self.rng.chance(1, 12) {
            let (cond, a, b) = (
                self.expr(Ty::Bool, depth - 1),
                self.expr(ty, depth - 1),
                self.operand_of(ty, depth - 1),
            );
            return format!("({a} if {cond} else {b})");
        }
        if self.rng.chance(1, 24)
            && let Some(call) = self.call_of(ty)
        {
            return call;
        }
        match ty {
            Ty::Bool if self.rng.chance(1, 4) => self.view_bool(depth - 1),
            Ty::Bool => self.bool_expr(depth - 1),
            Ty::I64 if self.rng.chance(1, 6) => self.view_int(depth - 1),
            Ty::I64 | Ty::U64 => self.int_expr(ty, depth - 1),
            Ty::F64 if self.rng.chance(1, 12) => self.view_float(depth - 1),
            Ty::F64 => self.float_expr(depth - 1),
            Ty::Object => self.leaf(ty),
            _ => self.view_expr(ty, depth - 1),
        }
    }

    /// The other side of a comparison.
    pub(super) fn compared(&mut self, ty: Ty, depth: usize) -> String {
        match self.rng.chance(1, 5) {
            true => self.literal(ty),
            false => self.expr(ty, depth),
        }
    }

    /// Of the very type, possibly a literal. Not where it is u64: the model learns the type of a literal from its neighbour, and `a if c else 1` has
    /// none.
    pub(super) fn operand_of(&mut self, ty: Ty, depth: usize) -> String {
        match ty != Ty::U64 && self.rng.chance(1, 5) {
            true => self.literal(ty),
            false => self.expr(ty, depth),
        }
    }

    pub(super) fn bool_expr(&mut self, depth: usize) -> String {
        const COMPARE: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
        let (x, y) = (*self.rng.pick(TYPES), *self.rng.pick(TYPES));
        let (op, op2) = (*self.rng.pick(COMPARE), *self.rng.pick(COMPARE));
        match self.rng.below(10) {
            9 => {
                let op = *self.rng.pick(&["is", "is not"]);
                format!(
                    "({} {op} {})",
                    self.leaf(Ty::Object),
                    self.operand(Ty::Object, 1)
                )
            }
            0 => format!("(not {})", self.expr(Ty::Bool, depth)),
            1 => {
                let word = *self.rng.pick(&["and", "or"]);
                format!(
                    "({} {word} {})",
                    self.expr(Ty::Bool, depth),
                    self.expr(Ty::Bool, depth)
                )
            }
            2 => {
                let op = *self.rng.pick(&["&", "|", "^"]);
                format!(
                    "({} {op} {})",
                    self.expr(Ty::Bool, depth),
                    self.expr(Ty::Bool, depth)
                )
            }
            3 => format!(
                "({} {op} {} {op2} {})",
                self.expr(x, depth),
                self.compared(x, depth),
                self.expr(y, depth)
            ),
            // Any two types: compared exactly.
            4 => format!("({} {op} {})", self.expr(x, depth), self.expr(y, depth)),
            5 => {
                let name = *self.rng.pick(&["isnan", "isinf", "isfinite"]);
                format!("math.{name}({})", self.expr(Ty::F64, depth))
            }
            6 => format!("bool({})", self.expr(x, depth)),
            _ => format!("({} {op} {})", self.expr(x, depth), self.compared(x, depth)),
        }
    }

    pub(super) fn int_expr(&mut self, ty: Ty, depth: usize) -> String {
        let convert = if ty == Ty::U64 { "u64" } else { "i64" };
        match self.rng.below(20) {
            0..=8 => {
                let op = *self
                    .rng
                    .pick(&["+", "+", "-", "-", "*", "*", "//", "%", "&", "|", "^"]);
                let left = self.expr(ty, depth);
                let right = match op {
                    "//" | "%" if self.rng.chance(4, 5) => {
                        (*self.rng.pick(&["1", "2", "3", "7", "10", "97"])).to_owned()
                    }
                    // u64 has little room below.
                    "-" if ty == Ty::U64 => format!("({} & {left})", self.expr(ty, 0)),
                    _ => self.operand(ty, depth),
                };
                let value = match self.rng.chance(1, 6)
                    && !matches!(op, "-" | "//" | "%")
                    && !right.starts_with('-')
                {
                    true => format!("({right} {op} {left})"),
                    false => format!("({left} {op} {right})"),
                };
                // Numbers that stay small meet more of the operations behind.
                match self.rng.chance(1, 4) {
                    true => format!("({value} % {})", self.rng.pick(&[7, 100, 1009])),
                    false => value,
                }
            }
            9 => {
                let op = *self.rng.pick(&["<<", ">>"]);
                format!("({} {op} {})", self.expr(ty, depth), self.count())
            }
            10 => format!("({} ** {})", self.expr(ty, depth), self.exponent()),
            11 => {
                let op = if ty == Ty::U64 && !self.this.wrap {
                    "-"
                } else {
                    *self.rng.pick(&["-", "~", "+"])
                };
                format!("({op}{})", self.expr(ty, depth))
            }
            12 => {
                let name = *self.rng.pick(&["min", "max"]);
                let (a, b) = (self.expr(ty, depth), self.operand_of(ty, depth));
                match self.rng.chance(1, 3) {
                    true => format!("{name}({a}, {b}, {})", self.expr(ty, depth)),
                    false => format!("{name}({a}, {b})"),
                }
            }
            13 => self.masked(ty, depth),
            14 => {
                let other = *self.rng.pick(&[Ty::I64, Ty::U64, Ty::F64, Ty::Bool]);
                let value = self.expr(other, depth);
                match (other, self.rng.chance(3, 4)) {
                    (Ty::F64, true) => format!("{convert}({value} % 1000.0)"),
                    (Ty::I64 | Ty::U64, true) => format!("{convert}({value} & 65535)"),
                    _ => format!("{convert}({value})"),
                }
            }
            15 => {
                let word = *self.rng.pick(&["and", "or"]);
                format!(
                    "({} {word} {})",
                    self.expr(ty, depth),
                    self.operand_of(ty, depth)
                )
            }
            16 => self.bits(ty, depth),
            17 if ty == Ty::I64 => {
                let name =
                    *self
                        .rng
                        .pick(&["math.floor", "math.ceil", "math.trunc", "round", "int"]);
                format!("{name}({})", self.expr(Ty::F64, depth))
            }
            18 => {
                let (a, b) = (self.expr(ty, depth), self.leaf(ty));
                let (b, c) = match self.rng.chance(3, 4) {
                    true => (format!("({b} & 15)"), self.literal(Ty::U64)),
                    false => (b, format!("({} | 1)", self.expr(ty, depth))),
                };
                match c.as_str() {
                    "18446744073709551615" | "9223372036854775808" | "0" => {
                        format!("pow({a}, {b}, 11)")
                    }
                    _ => format!("pow({a}, {b}, {c})"),
                }
            }
            _ => format!("abs({})", self.expr(ty, depth)),
        }
    }

    pub(super) fn exponent(&mut self) -> String {
        match self.rng.below(4) {
            0 if self.rng.chance(1, 4) => self.leaf(Ty::I64),
            1 if self.rng.chance(1, 4) => self.leaf(Ty::U64),
            2 => format!("({} & 3)", self.leaf(Ty::I64)),
            _ => (*self.rng.pick(&["0", "1", "2", "2", "3", "5", "63"])).to_owned(),
        }
    }

    /// `(E) & mask`, where nothing inside is checked.
    pub(super) fn masked(&mut self, ty: Ty, depth: usize) -> String {
        let bits = match ty {
            Ty::U64 => 1 + self.rng.below(64),
            _ => 1 + self.rng.below(63),
        };
        let mask = match (bits, self.rng.chance(1, 4)) {
            (8, true) => "BYTE".to_owned(),
            _ => (u64::MAX >> (64 - bits)).to_string(),
        };
        let inner = self.mask_part(ty, depth + 1);
        format!("({inner} & {mask})")
    }

    pub(super) fn mask_part(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.rng.below(9) {
            0 => format!("(~{})", self.mask_part(ty, depth - 1)),
            1 => format!(
                "({} << {})",
                self.mask_part(ty, depth - 1),
                self.rng.below(64)
            ),
            2 => self.expr(ty, depth - 1),
            _ => {
                let op = *self.rng.pick(&["+", "-", "*", "*", "&", "|", "^"]);
                let left = self.mask_part(ty, depth - 1);
                let right = match self.rng.chance(1, 4) {
                    true => (*self
                        .rng
                        .pick(&["3", "31", "1099511628211", "6364136223846793005"]))
                    .to_owned(),
                    false => self.mask_part(ty, depth - 1),
                };
                format!("({left} {op} {right})")
            }
        }
    }

    pub(super) fn bits(&mut self, ty: Ty, depth: usize) -> String {
        if ty == Ty::I64 {
            let name = *self.rng.pick(&["bit_count", "bit_length"]);
            let of = *self.rng.pick(&[Ty::I64, Ty::U64]);
            if self.rng.chance(1, 2) {
                return format!("{}.{name}()", self.leaf_name(of));
            }
            let name = *self.rng.pick(&["clz", "ctz"]);
            return format!("u64.{name}({})", self.expr(Ty::U64, depth));
        }
        match self.rng.below(3) {
            0 => format!("u64.bswap({})", self.expr(ty, depth)),
            1 => format!("u64.rotl({}, {})", self.expr(ty, depth), self.rng.below(70)),
            _ => format!("u64.rotr({}, {})", self.expr(ty, depth), self.leaf(Ty::I64)),
        }
    }

    /// An operand that an attribute can follow.
    pub(super) fn leaf_name(&mut self, ty: Ty) -> String {
        let leaf = self.leaf(ty);
        match leaf.starts_with('-') {
            true => format!("({leaf})"),
            false => leaf,
        }
    }

    pub(super) fn float_expr(&mut self, depth: usize) -> String {
        const MATH: &[&str] = &["sqrt", "fabs", "exp", "log", "sin", "cos", "atan"];
        match self.rng.below(16) {
            0..=6 => {
                let op = *self.rng.pick(&["+", "-", "*", "/", "//", "%"]);
                let left = self.expr(Ty::F64, depth);
                let divides = matches!(op, "/" | "//" | "%");
                let right = match divides && self.rng.chance(4, 5) {
                    true => {
                        (*self.rng.pick(&["0.5", "2", "-3.0", "7.25", "1e10", "1e-5"])).to_owned()
                    }
                    false => self.operand(Ty::F64, depth),
                };
                match self.rng.chance(1, 6) && !divides {
                    true => format!("({right} {op} {left})"),
                    false => format!("({left} {op} {right})"),
                }
            }
            7 => {
                let ty = *self.rng.pick(&[Ty::I64, Ty::U64]);
                let a = self.expr(ty, depth);
                match self.rng.chance(3, 4) {
                    true => format!("({a} / ({} | 1))", self.expr(ty, depth)),
                    false => format!("({a} / {})", self.operand(ty, depth)),
                }
            }
            8 => format!(
                "({} ** {})",
                self.expr(Ty::F64, depth),
                self.operand_of(Ty::F64, 0)
            ),
            9 => format!("(-{})", self.expr(Ty::F64, depth)),
            10 => {
                let name = *self.rng.pick(MATH);
                let value = self.expr(Ty::F64, depth);
                match self.rng.chance(3, 4) {
                    true => format!("math.{name}(abs({value}) % 50.0 + 1.0)"),
                    false => format!("math.{name}({value})"),
                }
            }
            11 => format!(
                "math.copysign({}, {})",
                self.expr(Ty::F64, depth),
                self.expr(Ty::F64, depth)
            ),
            12 => {
                let name = *self.rng.pick(&["min", "max"]);
                format!(
                    "{name}({}, {})",
                    self.expr(Ty::F64, depth),
                    self.operand_of(Ty::F64, depth)
                )
            }
            13 => {
                let ty = *self.rng.pick(&[Ty::I64, Ty::U64, Ty::Bool]);
                format!("float({})", self.expr(ty, depth))
            }
            14 => format!(
                "round({}, {})",
                self.expr(Ty::F64, depth),
                self.rng.below(5)
            ),
            _ => match self.rng.chance(1, 2) {
                true => format!("abs({})", self.expr(Ty::F64, depth)),
                false => {
                    let (base, exponent) = (self.expr(Ty::I64, depth), 1 + self.rng.below(3));
                    match self.rng.chance(3, 4) {
                        true => format!("(({base} | 1) ** -{exponent})"),
                        false => format!("({base} ** -{exponent})"),
                    }
                }
            },
        }
    }
}
