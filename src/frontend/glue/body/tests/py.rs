//! Python values in and out of the interpreter of the IR: arguments become parts, results become values again, and all references are counted.

use std::cell::RefCell;

use super::host::Object;
use super::*;

/// A value as Python shows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Py {
    Int(i128),
    Float(f64),
    Bool(bool),
    Complex(f64, f64),
    None,
    Bytes(Vec<u8>),
    ByteArray(Vec<u8>),
    Str(String),
}

/// A call, and how much memory there is.
pub struct Call<'a> {
    pub built: &'a Built,
    pub function: &'a Function,
    pub at: usize,
}

/// What a call gave, and what its mutable arguments hold then.
pub type Answer = Result<(Vec<Py>, Vec<Py>), (String, String)>;

impl Call<'_> {
    /// Runs it. References of arguments and results must be balanced, and memory that is gone is not looked at.
    pub fn run(&self, args: &[Py], host: &mut Host) -> Answer {
        let params = &self.function.locals[..self.function.params];
        let given = RefCell::new(Vec::new());
        let outcome = self.built.call_with(
            self.at,
            host,
            |host, memory| {
                let mut parts = Vec::new();
                for (param, arg) in params.iter().zip(args) {
                    let value = argument(host, memory, param.storage, arg);
                    given.borrow_mut().push((param.storage, value.clone()));
                    parts.extend(value);
                }
                parts
            },
            |host, memory, results| {
                let mut rest = results;
                let mut values = Vec::new();
                for storage in &self.function.results {
                    let (own, others) = rest.split_at(parts(storage.ty()).len());
                    rest = others;
                    let value = result(host, memory, *storage, own);
                    values.push(value);
                }
                // All are read before the first goes.
                rest = results;
                for storage in &self.function.results {
                    let (own, others) = rest.split_at(parts(storage.ty()).len());
                    rest = others;
                    if let Some(at) = super::super::operand::reference_part(storage.ty()) {
                        host.release(own[at]);
                    }
                }
                let changed: Vec<Py> = given
                    .borrow()
                    .iter()
                    .filter(|(storage, _)| matches!(storage, Storage::View(view) if view.mutable))
                    .map(|(storage, own)| result(host, memory, *storage, own))
                    .collect();
                (values, changed)
            },
        );
        for (storage, own) in given.into_inner() {
            if let Some(at) = super::super::operand::reference_part(storage.ty()) {
                host.release(own[at]);
            }
        }
        host.check_balance();
        outcome
    }

    /// Runs it with every number of objects that memory has room for, until it has enough.
    pub fn starved(&self, args: &[Py]) -> Answer {
        for room in 0.. {
            let mut host = Host {
                memory: Some(room),
                ..Host::default()
            };
            let answer = self.run(args, &mut host);
            if host.made <= room {
                return answer;
            }
            assert_eq!(
                answer,
                Err(("MemoryError".into(), "".into())),
                "room for {room}"
            );
        }
        unreachable!("memory is large enough at last")
    }
}

/// The parts of an argument, references among them new.
fn argument(host: &mut Host, memory: &mut Memory, storage: Storage, value: &Py) -> Vec<u64> {
    let mut view = |host: &mut Host, bytes: &[u8], kind: Option<fn(u64, usize) -> Object>| {
        let Storage::View(view) = storage else {
            unreachable!("{storage:?} is no view")
        };
        let at = memory.alloc(bytes.to_vec());
        let owner = kind.map_or(0, |kind| host.put(kind(at, bytes.len())));
        vec![at, bytes.len() as u64 / u64::from(view.item.size()), owner]
    };
    match (value, storage) {
        (Py::Int(value), Storage::Object) => vec![host.put(Object::Int(*value))],
        (Py::Int(value), _) => vec![*value as u64],
        (Py::Bool(value), _) => vec![u64::from(*value)],
        (Py::Float(value), _) => vec![value.to_bits()],
        (Py::Complex(re, im), _) => vec![re.to_bits(), im.to_bits()],
        (Py::None, Storage::View(_)) => vec![0, u64::MAX, 0],
        (Py::None, _) => {
            let mut known = host.objects.iter();
            let none = known.find(|(_, (object, _))| *object == Object::None);
            let none = none.map(|(&at, _)| at);
            vec![none.unwrap_or_else(|| host.put(Object::None))]
        }
        (Py::Bytes(bytes), Storage::View(of)) => match of.whole {
            Whole::Part | Whole::Slice | Whole::Memory(_) | Whole::Table | Whole::Array => {
                view(host, bytes, None)
            }
            Whole::Bytes => view(host, bytes, Some(Object::Bytes)),
            Whole::ByteArray => view(host, bytes, Some(Object::ByteArray)),
        },
        (Py::ByteArray(bytes), _) => view(host, bytes, Some(Object::ByteArray)),
        (Py::Str(text), _) => vec![host.put(Object::Str(text.clone()))],
        (Py::Bytes(_), _) => unreachable!("{value:?} as {storage:?}"),
    }
}

/// The value of a result's parts.
fn result(host: &Host, memory: &Memory, storage: Storage, own: &[u64]) -> Py {
    let bytes = |address, count: u64, size: u32| {
        memory
            .bytes(address, (count * u64::from(size)) as usize)
            .expect("alive")
            .to_vec()
    };
    match storage {
        Storage::Bool => Py::Bool(own[0] != 0),
        Storage::Int(IntTy::U64) => Py::Int(own[0].into()),
        Storage::Int(_) => Py::Int((own[0] as i64).into()),
        Storage::F32 | Storage::F64 => Py::Float(f64::from_bits(own[0])),
        Storage::Complex => Py::Complex(f64::from_bits(own[0]), f64::from_bits(own[1])),
        Storage::View(_) if own[1] == u64::MAX => Py::None,
        Storage::View(view) => {
            let content = bytes(own[0], own[1], view.item.size());
            match view.whole {
                Whole::ByteArray => Py::ByteArray(content),
                Whole::Part | Whole::Slice | Whole::Memory(_) | Whole::Table | Whole::Array => {
                    Py::Bytes(content)
                }
                Whole::Bytes => {
                    let whole = Object::Bytes(own[0], content.len());
                    assert_eq!(*host.get(own[2]), whole, "the view is the object's");
                    Py::Bytes(content)
                }
            }
        }
        Storage::Str { .. } | Storage::Object => match host.get(own[0]) {
            Object::Int(value) => Py::Int(*value),
            Object::Float(value) => Py::Float(*value),
            Object::Bool(value) => Py::Bool(*value),
            Object::Complex(re, im) => Py::Complex(*re, *im),
            Object::None => Py::None,
            Object::Str(text) => Py::Str(text.clone()),
            Object::Bytes(at, size) => Py::Bytes(bytes(*at, *size as u64, 1)),
            Object::ByteArray(at, size) => Py::ByteArray(bytes(*at, *size as u64, 1)),
            other => panic!("{other:?} as a result"),
        },
    }
}
