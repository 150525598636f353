//! The manual: what a spec is, what bodies mean, how modules are built. `pyasmgen help TOPIC` prints a topic; its examples are run as tests, and
//! tables of what exists as rows in the code are made of those rows (`tests/manual.rs`).
//!
//! Each topic is a file beside this one. How pyasmgen itself is built is told elsewhere.
#![doc = include_str!("spec.md")]
#![doc = include_str!("types.md")]
#![doc = include_str!("language.md")]
#![doc = include_str!("bytes.md")]
#![doc = include_str!("building.md")]
#![doc = include_str!("projects.md")]
#![doc = include_str!("packaging.md")]

/// A part of the manual.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// What `pyasmgen help` is asked for.
    pub name: &'static str,
    /// What it is about, in a line.
    pub summary: &'static str,
    /// Markdown.
    pub text: &'static str,
}

/// All topics, in the order to read them in.
pub static TOPICS: &[Topic] = &[
    Topic {
        name: "spec",
        summary: "What stands in a spec",
        text: include_str!("spec.md"),
    },
    Topic {
        name: "types",
        summary: "What parameters take and results give: types and format letters",
        text: include_str!("types.md"),
    },
    Topic {
        name: "language",
        summary: "What a body may say: numbers, statements, functions, threads",
        text: include_str!("language.md"),
    },
    Topic {
        name: "bytes",
        summary: "Bytes, buffers and text in bodies",
        text: include_str!("bytes.md"),
    },
    Topic {
        name: "building",
        summary: "Targets, linkers, output",
        text: include_str!("building.md"),
    },
    Topic {
        name: "projects",
        summary: "Projects: pip, setuptools, wheels in CI, editors",
        text: include_str!("projects.md"),
    },
    Topic {
        name: "packaging",
        summary: "Wheels, sdists and what a project says of itself",
        text: include_str!("packaging.md"),
    },
];
