//! As much of CPython as bodies call: numbers and texts with reference counts. Memory may run out at a chosen point.

use std::collections::BTreeMap;

use crate::ir::interp::{Machine, Memory};

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Int(i128),
    Float(f64),
    Bool(bool),
    None,
    Str(String),
    /// Address and size.
    Bytes(u64, usize),
    ByteArray(u64, usize),
    Complex(f64, f64),
    Tuple(Vec<u64>),
    Module(String),
    Function(String, String),
    Class(String),
}

/// The world of one call.
#[derive(Debug, Default)]
pub struct Host {
    pub objects: BTreeMap<u64, (Object, i64)>,
    pub next: u64,
    /// Class and text.
    pub raised: Option<(String, String)>,
    /// How many objects can still be made.
    pub memory: Option<u32>,
    /// How many objects were made.
    pub made: u32,
    /// What `Py_GetVersion` says.
    pub version: Option<&'static str>,
    /// The GIL is released.
    pub released: bool,
    /// The module has no state (any more).
    pub stateless: bool,
    /// How deep bodies recurse now.
    pub recursion: i64,
    /// How often signals were looked for, and which time there is one.
    pub looks: u32,
    pub interrupt: u32,
    /// Addresses that are not counted: they belong to the interpreter.
    pub immortal: Vec<u64>,
    pub state: u64,
    /// Where the UTF-8 of a str is, once it was asked for.
    pub utf8: BTreeMap<u64, u64>,
    /// Memory of objects that are gone.
    pub dead: Vec<u64>,
}

impl Host {
    /// Fills in what programs import as data.
    pub fn provide(&mut self, machine: &mut Machine<'_>) {
        for name in crate::frontend::capi::exceptions::EXCEPTIONS {
            let name = name.0;
            if let Some(address) = machine.import(&format!("PyExc_{name}")) {
                let class = self.forever(Object::Class(name.to_owned()));
                let i64 = crate::ir::op::MemType::I64;
                machine.memory.store(i64, class, address).expect("room");
            }
        }
        if let Some(none) = machine.import("_Py_NoneStruct") {
            self.objects.insert(none, (Object::None, 1 << 40));
            self.immortal.push(none);
        }
        let class = self.forever(Object::Class("m.Own".to_owned()));
        let mut state = class.to_le_bytes().to_vec();
        // Room for functions, found later.
        state.resize(8 * 32, 0);
        self.state = machine.memory.alloc(state);
    }

    /// The module object: any address.
    pub fn module(&self) -> u64 {
        7
    }

    fn forever(&mut self, object: Object) -> u64 {
        let address = self.put(object);
        self.immortal.push(address);
        address
    }

    pub fn put(&mut self, object: Object) -> u64 {
        self.next += 16;
        let address = (1 << 48) + self.next;
        self.objects.insert(address, (object, 1));
        address
    }

    /// A new object; or NULL and MemoryError.
    fn make(&mut self, object: Object) -> u64 {
        self.made += 1;
        match &mut self.memory {
            Some(0) => {
                self.raise("MemoryError", "");
                return 0;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.put(object)
    }

    fn raise(&mut self, class: &str, text: &str) -> u64 {
        self.raised = Some((class.to_owned(), text.to_owned()));
        0
    }

    pub fn get(&self, address: u64) -> &Object {
        let known = self.objects.get(&address);
        &known
            .unwrap_or_else(|| panic!("{address:#x} is no object"))
            .0
    }

    pub fn release(&mut self, address: u64) {
        if address == 0 || self.immortal.contains(&address) {
            return;
        }
        let known = self.objects.get_mut(&address);
        let count = &mut known.unwrap_or_else(|| panic!("{address:#x} is gone")).1;
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.dead.extend(self.utf8.remove(&address));
        match self.objects.remove(&address) {
            Some((Object::Tuple(items), _)) => {
                items.into_iter().for_each(|item| self.release(item))
            }
            Some((Object::Bytes(memory, _) | Object::ByteArray(memory, _), _)) => {
                self.dead.push(memory);
            }
            _ => {}
        }
    }

    /// Ends the life of the memory of objects that are gone: whoever looks at it from now on is caught.
    pub fn sweep(&mut self, memory: &mut Memory) {
        for address in self.dead.drain(..) {
            memory.free(address).expect("it was alive");
        }
    }

    /// A new bytes, or bytearray, of a copy of what stands at an address; of garbage where that is NULL.
    fn make_bytes(
        &mut self,
        memory: &mut Memory,
        args: &[u64],
        kind: fn(u64, usize) -> Object,
    ) -> u64 {
        let size = args[1] as usize;
        if size > 1 << 20 {
            return self.raise("MemoryError", "");
        }
        let content = match args[0] {
            0 => vec![0xa5; size],
            from => memory.bytes(from, size).expect("in an object").to_vec(),
        };
        let at = memory.alloc(content);
        let object = self.make(kind(at, size));
        if object == 0 {
            memory.free(at).expect("just made");
        }
        object
    }

    /// Gives a bytearray, which is empty, other memory; to have it counts as making an object.
    fn resize(&mut self, memory: &mut Memory, object: u64, size: usize) -> u64 {
        let room = self.make_bytes(memory, &[0, size as u64], Object::ByteArray);
        if room == 0 {
            return u64::MAX;
        }
        let (made, _) = self.objects.remove(&room).expect("just made");
        let old = std::mem::replace(&mut self.objects.get_mut(&object).expect("alive").0, made);
        let Object::ByteArray(at, 0) = old else {
            panic!("resize of {old:?}")
        };
        self.dead.push(at);
        self.sweep(memory);
        0
    }

    fn decode(&mut self, memory: &Memory, args: &[u64], codec: &str) -> u64 {
        let bytes = memory.bytes(args[0], args[1] as usize).unwrap_or_default();
        assert_eq!(args[2], 0, "strict");
        let text = match codec {
            "latin-1" => Some(bytes.iter().map(|&byte| char::from(byte)).collect()),
            "ascii" if !bytes.is_ascii() => None,
            _ => String::from_utf8(bytes.to_vec()).ok(),
        };
        match text {
            Some(text) => self.make(Object::Str(text)),
            None => self.raise("UnicodeDecodeError", codec),
        }
    }

    /// Clears the module's state behind its exception.
    pub fn clear(&mut self, memory: &Memory) {
        for at in 1..32 {
            let ty = crate::ir::op::MemType::I64;
            let kept = memory.load(ty, self.state + 8 * at).expect("room");
            self.release(kept);
        }
    }

    /// No object that a call has made is left, and no recursion.
    pub fn check_balance(&self) {
        let left: Vec<_> = self
            .objects
            .iter()
            .filter(|(address, _)| !self.immortal.contains(address))
            .collect();
        assert!(left.is_empty(), "leaked: {left:?}");
        assert!(!self.released, "the GIL is not held");
        assert_eq!(self.recursion, 0, "recursion is not balanced");
    }

    fn text_of(&self, object: &Object) -> String {
        match object {
            Object::Int(value) => value.to_string(),
            Object::Float(value) => format!("{value:?}"),
            Object::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Object::None => "None".to_owned(),
            Object::Str(text) => text.clone(),
            other => format!("{other:?}"),
        }
    }

    pub fn call(&mut self, memory: &mut Memory, name: &str, args: &[u64]) -> Result<u64, String> {
        let string = |address| {
            let bytes = memory.c_string(address)?;
            String::from_utf8(bytes).map_err(|e| e.to_string())
        };
        assert!(
            !self.released || name == "PyEval_RestoreThread",
            "{name} without the GIL"
        );
        Ok(match name {
            "PyEval_SaveThread" => {
                self.released = true;
                77
            }
            "PyEval_RestoreThread" => {
                assert!(self.released && args[0] == 77, "the GIL is held");
                self.released = false;
                0
            }
            "PyErr_SetString" => {
                let Object::Class(class) = self.get(args[0]).clone() else {
                    return Err("not a class".to_owned());
                };
                self.raise(&class, &string(args[1])?)
            }
            "PyErr_SetNone" => {
                let class = self.text_of_class(args[0]);
                self.raise(&class, "()")
            }
            "PyErr_SetObject" => {
                let class = self.text_of_class(args[0]);
                let text = match self.get(args[1]).clone() {
                    Object::Tuple(items) => {
                        let items = items.iter().map(|&item| self.text_of(self.get(item)));
                        format!("({})", items.collect::<Vec<_>>().join(", "))
                    }
                    other => self.text_of(&other),
                };
                self.raise(&class, &text)
            }
            "PyErr_CheckSignals" => {
                self.looks += 1;
                if self.looks == self.interrupt {
                    self.raise("KeyboardInterrupt", "");
                    return Ok(u64::MAX);
                }
                0
            }
            "PyErr_Occurred" => u64::from(self.raised.is_some()),
            "PyErr_ExceptionMatches" => {
                let class = self.text_of_class(args[0]);
                u64::from(self.raised.as_ref().is_some_and(|raised| raised.0 == class))
            }
            "Py_IncRef" => {
                self.objects.get_mut(&args[0]).expect("an object").1 += 1;
                0
            }
            "Py_DecRef" => {
                self.release(args[0]);
                self.sweep(memory);
                0
            }
            "Py_EnterRecursiveCall" => {
                if self.recursion == 100 {
                    self.raise("RecursionError", "");
                    return Ok(u64::MAX);
                }
                self.recursion += 1;
                0
            }
            "Py_LeaveRecursiveCall" => {
                self.recursion -= 1;
                0
            }
            "Py_GetVersion" => {
                let version = self.version.unwrap_or("3.12.1 (main)");
                // It is in a variable with room for more.
                let mut bytes = version.as_bytes().to_vec();
                bytes.resize(250, 0);
                memory.alloc(bytes)
            }
            "PyModule_GetState" => {
                assert_eq!(args[0], self.module());
                if self.stateless { 0 } else { self.state }
            }
            "PyBool_FromLong" => self.make(Object::Bool(args[0] != 0)),
            "PyLong_FromLongLong" => self.make(Object::Int(i128::from(args[0] as i64))),
            "PyLong_FromUnsignedLongLong" => self.make(Object::Int(i128::from(args[0]))),
            "PyFloat_FromDouble" => self.make(Object::Float(f64::from_bits(args[0]))),
            "PyLong_FromDouble" => match f64::from_bits(args[0]) {
                nan if nan.is_nan() => self.raise("ValueError", "nan"),
                infinite if infinite.is_infinite() => self.raise("OverflowError", "inf"),
                value => self.make(Object::Int(value as i128)),
            },
            "PyLong_AsLongLong" | "PyLong_AsUnsignedLongLong" => {
                let Object::Int(value) = *self.get(args[0]) else {
                    return Err("not an int".to_owned());
                };
                let converted = if name == "PyLong_AsLongLong" {
                    i64::try_from(value).ok().map(|value| value as u64)
                } else {
                    u64::try_from(value).ok()
                };
                converted.unwrap_or_else(|| {
                    self.raise("OverflowError", "int too big to convert");
                    u64::MAX
                })
            }
            "PyFloat_AsDouble" => match *self.get(args[0]) {
                Object::Float(value) => value.to_bits(),
                _ => {
                    self.raise("TypeError", "must be real number");
                    (-1f64).to_bits()
                }
            },
            "PyObject_IsTrue" => match self.get(args[0]) {
                Object::Bool(value) => u64::from(*value),
                Object::None => 0,
                Object::Str(text) => u64::from(!text.is_empty()),
                other => return Err(format!("truth of {other:?}")),
            },
            "PyBytes_FromStringAndSize" => self.make_bytes(memory, args, Object::Bytes),
            "PyByteArray_FromStringAndSize" => self.make_bytes(memory, args, Object::ByteArray),
            "PyByteArray_Resize" => self.resize(memory, args[0], args[1] as usize),
            "PyBytes_AsString" | "PyByteArray_AsString" => match (name, self.get(args[0])) {
                ("PyBytes_AsString", Object::Bytes(at, _)) => *at,
                ("PyByteArray_AsString", Object::ByteArray(at, _)) => *at,
                (_, other) => return Err(format!("{name} of {other:?}")),
            },
            "PyErr_NoMemory" => self.raise("MemoryError", ""),
            "PyComplex_FromDoubles" => {
                let [re, im] = [args[0], args[1]].map(f64::from_bits);
                self.make(Object::Complex(re, im))
            }
            "PyUnicode_DecodeUTF8" => self.decode(memory, args, "utf-8"),
            "PyUnicode_DecodeASCII" => self.decode(memory, args, "ascii"),
            "PyUnicode_DecodeLatin1" => self.decode(memory, args, "latin-1"),
            "PyUnicode_AsUTF8AndSize" => {
                let Object::Str(text) = self.get(args[0]).clone() else {
                    return Err("not a str".to_owned());
                };
                let known = self.utf8.get(&args[0]).copied();
                let at = known.unwrap_or_else(|| memory.alloc([text.as_bytes(), b"\0"].concat()));
                self.utf8.insert(args[0], at);
                let size = text.len() as u64;
                memory.store(crate::ir::op::MemType::I64, size, args[1])?;
                at
            }
            "PyObject_RichCompare" => {
                let [x, y] = [args[0], args[1]].map(|at| self.text_of(self.get(at)));
                let order = x.cmp(&y);
                let holds = [
                    order.is_lt(),
                    order.is_le(),
                    order.is_eq(),
                    order.is_ne(),
                    order.is_gt(),
                    order.is_ge(),
                ];
                self.make(Object::Bool(holds[args[2] as usize]))
            }
            "PyObject_Size" => match self.get(args[0]) {
                Object::Str(text) => text.chars().count() as u64,
                Object::None => {
                    self.raise("TypeError", name);
                    u64::MAX
                }
                other => return Err(format!("length of {other:?}")),
            },
            // What is only asked of None, and fails.
            "PyObject_GetItem"
            | "PyObject_GetIter"
            | "PyBytes_FromObject"
            | "PyByteArray_FromObject" => {
                assert_eq!(self.get(args[0]), &Object::None);
                self.raise("TypeError", name)
            }
            "PyObject_SetItem" | "PySequence_Contains" => {
                assert_eq!(self.get(args[0]), &Object::None);
                self.raise("TypeError", name);
                u64::MAX
            }
            "PyUnicode_FromStringAndSize" => {
                let bytes = memory.bytes(args[0], args[1] as usize)?.to_vec();
                self.make(Object::Str(String::from_utf8(bytes).expect("UTF-8")))
            }
            "PyUnicode_Concat" => {
                let text = [args[0], args[1]].map(|at| self.text_of(self.get(at)));
                self.make(Object::Str(text.concat()))
            }
            "PyObject_Str" => {
                let text = self.text_of(self.get(args[0]));
                self.make(Object::Str(text))
            }
            "PyObject_Repr" | "PyObject_ASCII" => {
                let text = format!("<{}>", self.text_of(self.get(args[0])));
                self.make(Object::Str(text))
            }
            "PyObject_Format" => {
                let mut text = self.text_of(self.get(args[0]));
                if args[1] != 0 {
                    text = format!("{text}:{}", self.text_of(self.get(args[1])));
                }
                self.make(Object::Str(text))
            }
            "PyTuple_New" => self.make(Object::Tuple(vec![0; args[0] as usize])),
            "PyTuple_SetItem" => {
                let known = self.objects.get_mut(&args[0]).expect("an object");
                let Object::Tuple(items) = &mut known.0 else {
                    return Err("not a tuple".to_owned());
                };
                items[args[1] as usize] = args[2];
                0
            }
            "PyImport_ImportModule" => {
                let name = string(args[0])?;
                self.make(Object::Module(name))
            }
            "PyObject_GetAttrString" => {
                let attribute = string(args[1])?;
                match self.get(args[0]).clone() {
                    Object::Module(module) => self.make(Object::Function(module, attribute)),
                    Object::None => self.raise("AttributeError", &attribute),
                    other => return Err(format!("attribute of {other:?}")),
                }
            }
            "PyObject_CallFunctionObjArgs" => {
                assert_eq!(args.last(), Some(&0), "NULL ends the arguments");
                self.call_object(&args[..args.len() - 1])?
            }
            _ => self.number(name, args)?,
        })
    }

    fn text_of_class(&self, class: u64) -> String {
        match self.get(class) {
            Object::Class(name) => name.clone(),
            Object::Function(_, name) => name.clone(),
            other => panic!("{other:?} is no class"),
        }
    }

    fn call_object(&mut self, args: &[u64]) -> Result<u64, String> {
        let Object::Function(_, name) = self.get(args[0]).clone() else {
            return Err("not callable".to_owned());
        };
        let items: Vec<Object> = args[1..]
            .iter()
            .map(|&item| self.get(item).clone())
            .collect();
        Ok(match (name.as_str(), &items[..]) {
            ("sqrt", [Object::Float(x)]) if *x < 0.0 => self.raise("ValueError", "math domain"),
            ("exp2", [Object::Float(x)]) => self.make(Object::Float(x.exp2())),
            ("comb", [Object::Int(_), Object::Int(_)]) => self.make(Object::Int(1 << 100)),
            ("round", [Object::Int(x), Object::Int(_)]) => self.make(Object::Int(*x)),
            other => return Err(format!("call of {other:?}")),
        })
    }

    fn number(&mut self, name: &str, args: &[u64]) -> Result<u64, String> {
        use Object::{Float, Int};
        let objects: Vec<Object> = args.iter().map(|&at| self.get(at).clone()).collect();
        Ok(match (name, &objects[..]) {
            ("PyNumber_Power", [Int(a), Int(e), Int(m)]) => match pow_mod(*a, *e, *m) {
                Some(value) => self.make(Int(value)),
                None => self.raise("ValueError", "pow"),
            },
            ("PyNumber_Power", [Float(a), Float(b), Object::None]) => {
                if *a == 0.0 && *b < 0.0 {
                    self.raise("ZeroDivisionError", "")
                } else if a.is_finite() && *a < 0.0 && b.is_finite() && b.fract() != 0.0 {
                    self.make(Object::Str("complex".to_owned()))
                } else {
                    self.make(Float(a.powf(*b)))
                }
            }
            ("PyNumber_Power", [Int(0), Int(-1), Object::None])
            | (_, [Int(1), Int(0)] | [Float(1.0), Float(0.0)]) => {
                self.raise("ZeroDivisionError", "")
            }
            ("PyNumber_Lshift" | "PyNumber_Rshift", [Int(1), Int(-1)]) => {
                self.raise("ValueError", "negative shift count")
            }
            ("PyNumber_TrueDivide", [Int(a), Int(b)]) => self.make(Float(quotient(*a, *b))),
            other => return Err(format!("{other:?}")),
        })
    }
}

/// `a / b` of 64-bit integers, correctly rounded.
fn quotient(a: i128, b: i128) -> f64 {
    let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
    if x == 0 {
        return 0.0;
    }
    let shift = x.leading_zeros();
    let scaled = x << shift;
    // At least 63 bits of quotient, and one that stands for all below.
    let bits = (scaled / y) | u128::from(scaled % y != 0);
    let value = bits as f64 * 2f64.powi(-(shift as i32));
    if (a < 0) != (b < 0) { -value } else { value }
}

fn pow_mod(base: i128, exponent: i128, modulus: i128) -> Option<i128> {
    let m = modulus.abs();
    if m == 0 {
        return None;
    }
    let mut base = base.rem_euclid(m);
    let mut left = exponent;
    if exponent < 0 {
        // Extended Euclid.
        let (mut r, mut next_r, mut t, mut next_t) = (m, base, 0i128, 1i128);
        while next_r != 0 {
            let q = r / next_r;
            (r, next_r) = (next_r, r - q * next_r);
            (t, next_t) = (next_t, t - q * next_t);
        }
        if r != 1 {
            return None;
        }
        base = t.rem_euclid(m);
        left = -exponent;
    }
    let product = |a: i128, b: i128| {
        // By doubling: a product of two 64-bit residues needs 128 bits unsigned.
        ((a as u128 * b as u128) % m as u128) as i128
    };
    let mut result = 1 % m;
    while left != 0 {
        if left & 1 == 1 {
            result = product(result, base);
        }
        base = product(base, base);
        left >>= 1;
    }
    Some(if modulus < 0 && result != 0 {
        result + modulus
    } else {
        result
    })
}
