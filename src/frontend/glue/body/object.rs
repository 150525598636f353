//! Operations on objects: in come typed operations, out go calls of the C API, each with its error checked and its operands released on every
//! path. Displays take over what their items own. Statements on objects are in `object_stmt`.

use smallvec::SmallVec;

use super::super::runtime::{boxed, objects};
use super::lower::Lower;
use super::operand::Operand;
use crate::frontend::lang::typed::{BinOp, CmpOp, Const, Expr, ExprKind, IntTy, ObjectOp, Ty};
use crate::ir::func::{AbiType, Signature, Value};
use crate::ir::op::IntCc;

/// `Py_LT` and its like.
pub(super) fn rich(op: CmpOp) -> Option<i64> {
    match op {
        CmpOp::Lt => Some(0),
        CmpOp::Le => Some(1),
        CmpOp::Eq => Some(2),
        CmpOp::Ne => Some(3),
        CmpOp::Gt => Some(4),
        CmpOp::Ge => Some(5),
        CmpOp::Is | CmpOp::IsNot => None,
    }
}

/// The function for an operator, and the one that works in place.
fn number_api(op: BinOp, in_place: bool) -> &'static str {
    let row = match op {
        BinOp::Add => ["PyNumber_Add", "PyNumber_InPlaceAdd"],
        BinOp::Sub => ["PyNumber_Subtract", "PyNumber_InPlaceSubtract"],
        BinOp::Mul => ["PyNumber_Multiply", "PyNumber_InPlaceMultiply"],
        BinOp::FloorDiv => ["PyNumber_FloorDivide", "PyNumber_InPlaceFloorDivide"],
        BinOp::Mod => ["PyNumber_Remainder", "PyNumber_InPlaceRemainder"],
        BinOp::Div => ["PyNumber_TrueDivide", "PyNumber_InPlaceTrueDivide"],
        BinOp::Pow => ["PyNumber_Power", "PyNumber_InPlacePower"],
        BinOp::Shl => ["PyNumber_Lshift", "PyNumber_InPlaceLshift"],
        BinOp::Shr => ["PyNumber_Rshift", "PyNumber_InPlaceRshift"],
        BinOp::And => ["PyNumber_And", "PyNumber_InPlaceAnd"],
        BinOp::Or => ["PyNumber_Or", "PyNumber_InPlaceOr"],
        BinOp::Xor => ["PyNumber_Xor", "PyNumber_InPlaceXor"],
    };
    row[usize::from(in_place)]
}

/// A new object, or a borrowed one.
fn of_object(object: Value, owned: bool) -> Operand {
    Operand {
        owned,
        ..Operand::new(Ty::Object, object)
    }
}

impl Lower<'_, '_> {
    /// An operation that gives an object or a str.
    pub fn object_operation(&mut self, ty: Ty, op: &ObjectOp, operands: &[Expr]) -> Operand {
        let object = match op {
            ObjectOp::Binary(op) => self.number_operation(*op, false, operands),
            ObjectOp::InPlace(op) => self.number_operation(*op, true, operands),
            ObjectOp::PowMod => self.apply("PyNumber_Power", operands),
            ObjectOp::Positive => self.apply("PyNumber_Positive", operands),
            ObjectOp::Negative => self.apply("PyNumber_Negative", operands),
            ObjectOp::Invert => self.apply("PyNumber_Invert", operands),
            ObjectOp::Absolute => self.apply("PyNumber_Absolute", operands),
            ObjectOp::Divmod => self.apply("PyNumber_Divmod", operands),
            ObjectOp::Item => self.apply("PyObject_GetItem", operands),
            ObjectOp::Slice => self.apply("PySlice_New", operands),
            ObjectOp::Str => self.apply("PyObject_Str", operands),
            ObjectOp::Repr => self.apply("PyObject_Repr", operands),
            ObjectOp::Ascii => self.apply("PyObject_ASCII", operands),
            ObjectOp::Attribute(name) => {
                let mark = self.mark();
                let owner = self.held_operand(&operands[0]);
                let value = self.attribute(owner.parts[0], name);
                self.release_held(mark);
                value
            }
            ObjectOp::Call(keywords) => {
                let mark = self.mark();
                let all: SmallVec<[Operand; 4]> =
                    operands.iter().map(|e| self.held_operand(e)).collect();
                let values: SmallVec<[Value; 4]> = all.iter().map(|o| o.parts[0]).collect();
                let answer = self.call_object(values[0], &values[1..], keywords);
                self.release_held(mark);
                answer
            }
            ObjectOp::Method(name, keywords) => self.call_method(name, keywords, operands),
            ObjectOp::Builtin(name) => {
                return of_object(self.function_of("builtins", name), false);
            }
            ObjectOp::Math(name) => return of_object(self.function_of("math", name), false),
            ObjectOp::Class(symbol) => return of_object(self.ctx.object(self.b, symbol), false),
            ObjectOp::Exception(exception) => {
                let class = self.class(exception);
                return of_object(class.object, class.owned);
            }
            ObjectOp::Tuple => self.sequence("PyTuple_New", "PyTuple_SetItem", operands),
            ObjectOp::List => self.sequence("PyList_New", "PyList_SetItem", operands),
            ObjectOp::Set => self.set_display(operands),
            ObjectOp::Dict => self.dict_display(operands),
            ObjectOp::Contains | ObjectOp::IsInstance | ObjectOp::Int | ObjectOp::Float => {
                unreachable!("it gives a number: {op:?}")
            }
        };
        Operand::new(ty, object)
    }

    /// An operation that gives a number or a bool.
    pub fn object_value(&mut self, ty: Ty, op: &ObjectOp, operands: &[Expr]) -> Value {
        match op {
            ObjectOp::Contains => {
                let mark = self.mark();
                let needle = self.held_operand(&operands[0]);
                let haystack = self.held_operand(&operands[1]);
                let args = [haystack.parts[0], needle.parts[0]];
                let answer = self.status("PySequence_Contains", &args);
                self.release_held(mark);
                answer
            }
            ObjectOp::IsInstance => {
                let mark = self.mark();
                let args = [&operands[0], &operands[1]].map(|e| self.held_operand(e).parts[0]);
                let answer = self.status("PyObject_IsInstance", &args);
                self.release_held(mark);
                answer
            }
            ObjectOp::Int => {
                let whole = self.apply("PyNumber_Long", operands);
                let to = match ty {
                    Ty::U64 => IntTy::U64,
                    _ => IntTy::I64,
                };
                let misfit = format!("value does not fit in {}", to.name());
                self.unboxed(ty, whole, &misfit)
            }
            ObjectOp::Float => {
                let real = self.apply("PyNumber_Float", operands);
                self.unboxed(ty, real, "")
            }
            other => unreachable!("it gives an object: {other:?}"),
        }
    }

    fn unboxed(&mut self, ty: Ty, object: Value, misfit: &str) -> Value {
        let misfit = self.ctx.c_string(self.b, misfit);
        let (value, flag) = boxed::unboxed(self.ctx, self.b, ty, object, misfit);
        self.check(flag);
        value
    }

    /// What a function of the C API makes of operands.
    fn apply(&mut self, api: &str, operands: &[Expr]) -> Value {
        let mark = self.mark();
        let args: SmallVec<[Value; 3]> = operands
            .iter()
            .map(|e| self.held_operand(e).parts[0])
            .collect();
        let object = self.new_object(api, &args);
        self.release_held(mark);
        object
    }

    fn number_operation(&mut self, op: BinOp, in_place: bool, operands: &[Expr]) -> Value {
        let api = number_api(op, in_place);
        if op != BinOp::Pow {
            return self.apply(api, operands);
        }
        let mark = self.mark();
        let [base, exponent] = [&operands[0], &operands[1]].map(|e| self.held_operand(e).parts[0]);
        let none = self.none().parts[0];
        let object = self.new_object(api, &[base, exponent, none]);
        self.release_held(mark);
        object
    }

    /// The answer of a function that gives -1 where it fails.
    pub fn status(&mut self, api: &str, args: &[Value]) -> Value {
        let status = self.ctx.call1(self.b, api, args);
        let failed = self.b.icmp_imm(IntCc::Slt, status, 0);
        self.check(failed);
        status
    }

    /// A name of an attribute as a str, borrowed.
    pub fn name_object(&mut self, name: &str) -> Value {
        let index = self.ctx.names[name];
        let object = objects::name(self.ctx, self.b, self.world.self_, index);
        self.check_object(object);
        object
    }

    fn attribute(&mut self, owner: Value, name: &str) -> Value {
        let name = self.name_object(name);
        self.new_object("PyObject_GetAttr", &[owner, name])
    }

    /// A function of `builtins`, borrowed.
    fn function_of(&mut self, module: &str, name: &str) -> Value {
        let functions = &self.ctx.functions;
        let index = (functions.iter())
            .position(|known| known.0 == module && known.1 == name)
            .unwrap_or_else(|| unreachable!("{module}.{name} is planned"));
        let function = boxed::module_function(self.ctx, self.b, self.world.self_, index);
        self.check_object(function);
        function
    }

    // Calls.

    /// Calls an object on arguments, of which the last ones have these names.
    fn call_object(&mut self, callee: Value, args: &[Value], keywords: &[String]) -> Value {
        if keywords.is_empty() {
            let all = [&[callee], args].concat();
            return self.call_variadic("PyObject_CallFunctionObjArgs", all);
        }
        let (args, values) = args.split_at(args.len() - keywords.len());
        let mark = self.mark();
        let count = self.b.iconst(args.len() as i64);
        let tuple = self.new_object("PyTuple_New", &[count]);
        self.hold(&of_object(tuple, true));
        for (at, &arg) in args.iter().enumerate() {
            let at = self.b.iconst(at as i64);
            let arg = self.own(of_object(arg, false)).parts[0];
            // It cannot fail on a new tuple.
            self.ctx.call1(self.b, "PyTuple_SetItem", &[tuple, at, arg]);
        }
        let dict = self.new_object("PyDict_New", &[]);
        self.hold(&of_object(dict, true));
        for (keyword, &value) in keywords.iter().zip(values) {
            let name = self.name_object(keyword);
            self.status("PyDict_SetItem", &[dict, name, value]);
        }
        let answer = self.new_object("PyObject_Call", &[callee, tuple, dict]);
        self.release_held(mark);
        answer
    }

    /// Calls a function that takes objects up to a NULL.
    fn call_variadic(&mut self, api: &str, mut args: Vec<Value>) -> Value {
        args.push(self.b.iconst(0));
        let (import, sig) = self.ctx.api(api);
        let sig = Signature {
            params: vec![AbiType::I64; args.len()],
            ..sig
        };
        let answer = self.b.call_variadic(import, sig, &args)[0];
        self.check_object(answer);
        answer
    }

    /// `a.name(...)`: in one step where nothing can tell that the attribute is looked up after the arguments.
    fn call_method(&mut self, name: &str, keywords: &[String], operands: &[Expr]) -> Value {
        let mark = self.mark();
        let (owner, args) = operands
            .split_first()
            .expect("a method is one of an object");
        let owner = self.held_operand(owner).parts[0];
        let together = keywords.is_empty() && args.iter().all(is_quiet);
        let callee = match together {
            true => owner,
            false => {
                let method = self.attribute(owner, name);
                self.hold(&of_object(method, true));
                method
            }
        };
        let values: SmallVec<[Value; 4]> =
            args.iter().map(|e| self.held_operand(e).parts[0]).collect();
        let answer = match together {
            true => {
                let name = self.name_object(name);
                let all = [&[owner, name], &values[..]].concat();
                self.call_variadic("PyObject_CallMethodObjArgs", all)
            }
            false => self.call_object(callee, &values, keywords),
        };
        self.release_held(mark);
        answer
    }

    // Displays.

    fn sequence(&mut self, new: &str, set: &str, items: &[Expr]) -> Value {
        let mark = self.mark();
        let items: SmallVec<[Operand; 4]> =
            items.iter().map(|item| self.held_operand(item)).collect();
        let count = self.b.iconst(items.len() as i64);
        let made = self.new_object(new, &[count]);
        self.let_go(mark);
        for (at, item) in items.into_iter().enumerate() {
            let at = self.b.iconst(at as i64);
            let item = self.own(item).parts[0];
            // It cannot fail on what is new.
            self.ctx.call1(self.b, set, &[made, at, item]);
        }
        made
    }

    fn set_display(&mut self, items: &[Expr]) -> Value {
        let mark = self.mark();
        let items: SmallVec<[Value; 4]> = items
            .iter()
            .map(|item| self.held_operand(item).parts[0])
            .collect();
        let set = self.new_object("PySet_New", &[self.null]);
        self.owning(set, |l| {
            for item in items {
                l.status("PySet_Add", &[set, item]);
            }
        });
        self.release_held(mark);
        set
    }

    fn dict_display(&mut self, items: &[Expr]) -> Value {
        let mark = self.mark();
        let items: SmallVec<[Value; 4]> = items
            .iter()
            .map(|item| self.held_operand(item).parts[0])
            .collect();
        let dict = self.new_object("PyDict_New", &[]);
        self.owning(dict, |l| {
            for pair in items.chunks(2) {
                l.status("PyDict_SetItem", &[dict, pair[0], pair[1]]);
            }
        });
        self.release_held(mark);
        dict
    }

    // Comparisons.

    /// A chain of comparisons of objects: the first answer that is false, or the last.
    pub fn compare_objects(&mut self, first: &Expr, rest: &[(CmpOp, Expr)]) -> Operand {
        let (join, result) = self.join_operand(Ty::Object, true);
        let mark = self.mark();
        let mut left = self.held_operand(first);
        for (at, (op, operand)) in rest.iter().enumerate() {
            let right = self.held_operand(operand);
            let answer = self.compared(*op, left.parts[0], right.parts[0]);
            let answer = of_object(answer, true);
            self.let_go(mark);
            self.release(&left);
            if at + 1 == rest.len() {
                self.release(&right);
                self.b.jump(join, &answer.parts);
                break;
            }
            self.hold(&right);
            self.hold(&answer);
            let holds = self.truth(&answer);
            self.let_go(mark);
            let (more, ends) = (self.b.block_like_current(), self.b.block_like_current());
            self.b.br(holds, more, &[], ends, &[]);
            self.b.seal_and_switch_to(ends);
            self.release(&right);
            self.b.jump(join, &answer.parts);
            self.b.seal_and_switch_to(more);
            self.release(&answer);
            self.hold(&right);
            left = right;
        }
        self.b.seal_and_switch_to(join);
        result
    }

    /// 1 where a comparison of two objects holds, else 0. They are held.
    pub fn holds(&mut self, op: CmpOp, a: &Operand, b: &Operand) -> Value {
        if rich(op).is_none() {
            let cc = match op {
                CmpOp::IsNot => IntCc::Ne,
                _ => IntCc::Eq,
            };
            return self.b.icmp(cc, a.parts[0], b.parts[0]);
        }
        let mark = self.mark();
        let answer = self.compared(op, a.parts[0], b.parts[0]);
        let answer = of_object(answer, true);
        self.hold(&answer);
        let holds = self.truth(&answer);
        self.release_held(mark);
        holds
    }

    /// The object that one comparison gives.
    fn compared(&mut self, op: CmpOp, a: Value, b: Value) -> Value {
        let Some(code) = rich(op) else {
            let cc = match op {
                CmpOp::IsNot => IntCc::Ne,
                _ => IntCc::Eq,
            };
            let same = self.b.icmp(cc, a, b);
            return self.new_object("PyBool_FromLong", &[same]);
        };
        let code = self.b.iconst(code);
        self.new_object("PyObject_RichCompare", &[a, b, code])
    }
}

/// Whether nothing sees when an argument is evaluated, and it can only fail for want of memory.
fn is_quiet(arg: &Expr) -> bool {
    match &arg.kind {
        ExprKind::Const(Const::None | Const::Str(_) | Const::Bool(_) | Const::Int(_))
        | ExprKind::Const(Const::Float(_))
        | ExprKind::Local { checked: false, .. }
        | ExprKind::Object(ObjectOp::Class(_), _) => true,
        ExprKind::Boxed(inner) | ExprKind::Widen(inner) => is_quiet(inner),
        _ => false,
    }
}
