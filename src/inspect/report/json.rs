//! Reports for programs: JSON.
//!
//! In: a report. Out: one object with all of it, in the order of the text. Numbers are numbers; what is told in words there is told in
//! the same words here.

use serde_json::{Value, json};

use super::text::hex;
use super::{Function, Method, Module, Report};

impl Report {
    /// The report for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "format": self.format,
            "machine": self.machine,
            "kind": self.kind,
            "header": self.header.iter()
                .map(|(key, value)| ((*key).to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>(),
            "segments": self.segments.iter().map(|s| json!({
                "name": s.name, "flags": s.flags, "address": s.address,
                "size": s.size, "offset": s.offset, "file_size": s.file_size,
            })).collect::<Vec<_>>(),
            "modules": self.modules.iter().map(Module::to_json).collect::<Vec<_>>(),
            "other_methods": self.other_methods.iter().map(Method::to_json).collect::<Vec<_>>(),
            "needed": self.needed,
            "run_paths": self.run_paths,
            "exports": self.exports,
            "imports": self.imports.iter().map(|i| json!({
                "name": i.name, "library": i.library, "weak": i.weak, "python": i.python,
                "stable_since": i.since.map(|minor| format!("3.{minor}")),
            })).collect::<Vec<_>>(),
            "sections": self.sections.iter().map(|s| json!({
                "name": s.name, "type": s.kind, "flags": s.flags, "address": s.address,
                "offset": s.offset, "size": s.size, "align": s.align,
            })).collect::<Vec<_>>(),
            "symbols": self.symbols.iter().map(|s| json!({
                "name": s.name, "type": s.kind, "binding": s.binding, "visibility": s.visibility,
                "section": s.section, "value": s.value, "size": s.size,
            })).collect::<Vec<_>>(),
            "relocations": self.relocations.iter().map(|r| json!({
                "section": r.section, "offset": r.offset, "type": r.kind, "target": r.target,
            })).collect::<Vec<_>>(),
            "bytes": self.shares.iter().map(|s| json!({
                "name": s.name, "offset": s.offset, "size": s.size,
            })).collect::<Vec<_>>(),
            "functions": self.functions.iter().map(Function::to_json).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(|f| json!({
                "rule": f.rule, "severity": f.severity.word(), "message": f.message,
            })).collect::<Vec<_>>(),
            "files": self.files.iter().map(|file| json!({
                "name": file.name, "size": file.size,
            })).collect::<Vec<_>>(),
            "members": self.members.iter().map(Report::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Module {
    fn to_json(&self) -> Value {
        let functions = self.functions.iter();
        json!({
            "structure": self.structure,
            "at": self.at,
            "name": self.name,
            "doc": self.doc,
            "size": self.size,
            "methods_at": self.methods_at,
            "methods": self.methods.iter().map(Method::to_json).collect::<Vec<_>>(),
            "slots_at": self.slots_at,
            "slots": self.slots.iter().map(|s| json!({
                "id": s.id, "name": s.name, "flags": s.flags, "value": s.value,
            })).collect::<Vec<_>>(),
            "functions": functions
                .map(|(field, function)| (field.clone(), json!(function)))
                .collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl Method {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "function": self.function, "flags": self.flags,
            "flag_bits": self.flag_bits, "signature": self.signature, "doc": self.doc,
        })
    }
}

impl Function {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "address": self.address, "size": self.size,
            "instructions": self.lines.iter().map(|line| json!({
                "address": line.address, "bytes": hex(&line.bytes), "text": line.text,
            })).collect::<Vec<_>>(),
        })
    }
}
