//! Functions: helpers, recursion that ends, and calls of both and of earlier methods, with arguments by position, by keyword or left out.

use super::{Kind, Maker, Method, RETURNS, Ty, Var, listed, params};

impl<'a> Maker<'a> {
    /// A whole body: helpers, statements, a result.
    pub(super) fn method(&mut self) {
        match self.rng.below(8) {
            0 | 1 => self.helper(false),
            2 => self.helper(true),
            3 => {
                self.helper(false);
                self.helper(true);
            }
            4 => self.two_helpers(),
            _ => {}
        }
        self.function(2);
    }

    /// Statements and a result, with a way out where it calls itself.
    fn function(&mut self, depth: usize) {
        if self.this.recursive {
            self.line("if p0 <= 0 or p0 > 7:");
            self.indent += 1;
            self.ret();
            self.indent -= 1;
        }
        for _ in 0..1 + self.rng.below(3 * depth) {
            self.statement(depth);
        }
        if self.this.recursive {
            let this = self.this;
            self.recurse(this);
        }
        self.ret();
    }

    /// `-> ...` of a helper.
    fn result(returns: &[(&str, &str, Ty)]) -> String {
        let names: Vec<&str> = returns.iter().map(|(_, storage, _)| *storage).collect();
        match names.len() {
            1 => names[0].to_owned(),
            _ => format!("tuple[{}]", names.join(", ")),
        }
    }

    fn head(&mut self, recursive: bool) -> Method {
        let count = 1 + usize::from(self.rng.chance(1, 3));
        Method {
            name: format!("h{}", self.helpers.len()),
            params: params(self.rng),
            returns: (0..count).map(|_| *self.rng.pick(RETURNS)).collect(),
            recursive,
            wrap: self.this.wrap,
            plain: false,
        }
    }

    /// The `def` of a helper; where it calls itself, it calls `next`.
    fn define(&mut self, helper: &Method, next: &Method) {
        let head = listed(&helper.params, false).join(", ");
        let result = Self::result(&helper.returns);
        self.line(&format!("def {}({head}) -> {result}:", helper.name));
        let mut maker = Maker::new(self.rng, helper, self.others, &self.helpers);
        maker.indent = 1;
        match helper.name == next.name {
            true => maker.function(1),
            false => {
                maker.line("if p0 <= 0 or p0 > 7:");
                maker.indent += 1;
                maker.ret();
                maker.indent -= 1;
                maker.recurse(next);
                maker.ret();
            }
        }
        let text = std::mem::take(&mut maker.text);
        self.text.push_str(&text);
        self.line("");
    }

    fn helper(&mut self, recursive: bool) {
        let helper = self.head(recursive);
        self.define(&helper, &helper);
        self.helpers.push(helper);
    }

    /// Two that call each other.
    fn two_helpers(&mut self) {
        let first = self.head(true);
        let mut second = self.head(true);
        second.name.push('b');
        // Each has the buffers that the other one takes.
        if first
            .params
            .iter()
            .chain(&second.params)
            .any(|p| matches!(p.ty, Ty::Mut | Ty::Items))
        {
            second.params = first.params.clone();
        }
        self.define(&first, &second);
        self.define(&second, &first);
        self.helpers.extend([first, second]);
    }

    /// Keeps the results of a call that goes one step down.
    fn recurse(&mut self, function: &Method) {
        let call = self.call(function, Some("p0 - 1"));
        self.keep(function, &call);
    }

    /// `a, b = call`
    fn keep(&mut self, function: &Method, call: &str) {
        let names: Vec<String> = function.returns.iter().map(|_| self.new_name()).collect();
        self.line(&format!("{} = {call}", names.join(", ")));
        for (name, (_, storage, ty)) in names.into_iter().zip(&function.returns) {
            self.vars.push(Var {
                name,
                storage,
                ty: *ty,
                declared: false,
                fixed: false,
            });
        }
    }

    fn callable(&mut self) -> Vec<Method> {
        // What calls something that is not for plain Python is not either.
        let any = self.this.wrap || self.rng.chance(1, 8);
        let others = self.others.iter().rev().filter(|other| any || other.plain);
        let helpers = self.helpers.iter().chain(&self.helpers);
        let mut callable: Vec<Method> = helpers.chain(others.take(8)).cloned().collect();
        // Buffers are passed on as they are: another object would be sliced in another way by plain Python.
        callable.retain(|method| {
            let mut buffers = method
                .params
                .iter()
                .filter(|p| matches!(p.ty, Ty::Mut | Ty::Items));
            buffers.all(|p| self.vars.iter().any(|v| v.storage == p.storage))
        });
        callable
    }

    /// A call with one result of the type.
    pub(super) fn call_of(&mut self, ty: Ty) -> Option<String> {
        let mut callable = self.callable();
        callable.retain(|m| m.returns.len() == 1 && m.returns[0].2 == ty);
        if callable.is_empty() {
            return None;
        }
        let function = self.rng.pick(&callable).clone();
        Some(self.call(&function, None))
    }

    pub(super) fn call_statement(&mut self) {
        let callable = self.callable();
        if callable.is_empty() {
            return self.assignment();
        }
        let function = self.rng.pick(&callable).clone();
        let call = self.call(&function, None);
        match self.rng.chance(1, 5) {
            true => self.line(&call),
            false => self.keep(&function, &call),
        }
    }

    /// A call; what goes first is small where it says how deep calls go.
    fn call(&mut self, function: &Method, first: Option<&str>) -> String {
        let (mut places, mut keywords, mut by_place) = (Vec::new(), Vec::new(), true);
        for (at, param) in function.params.iter().enumerate() {
            by_place &= param.kind != Kind::Keyword;
            let left_out = param.default.is_some() && self.rng.chance(1, 3);
            if left_out || !by_place && param.kind == Kind::Positional {
                by_place = false;
                continue;
            }
            by_place &= param.kind != Kind::Either || self.rng.chance(3, 4);
            let value = match first.filter(|_| at == 0) {
                Some(first) => first.to_owned(),
                None if at == 0 && function.recursive => format!("{} & 7", self.expr(Ty::I64, 1)),
                None => self.fitting(param.ty, param.storage, 1),
            };
            match by_place {
                true => places.push(value),
                false => keywords.push(format!("{}={value}", param.name)),
            }
        }
        for at in (1..keywords.len()).rev() {
            keywords.swap(at, self.rng.below(at + 1));
        }
        places.extend(keywords);
        format!("{}({})", function.name, places.join(", "))
    }

    /// A value for something of a storage; mostly one that fits.
    pub(super) fn fitting(&mut self, ty: Ty, storage: &str, depth: usize) -> String {
        if ty == Ty::Items {
            let same = |v: &&Var| v.storage == storage;
            let usable: Vec<String> =
                (self.vars.iter().filter(same).map(|v| v.name.clone())).collect();
            return self.rng.pick(&usable).clone();
        }
        let narrow = !matches!(storage, "i64" | "u64" | "isize" | "usize") && ty == Ty::I64;
        match narrow && self.rng.chance(3, 4) {
            true => self.small(depth),
            false => self.expr(ty, depth),
        }
    }
}
