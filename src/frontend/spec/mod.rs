//! The spec file: TOML text becomes a checked [`module::Module`].
//!
//! `load` reads the file, `read` the TOML in it, `python` the Python source of bodies, `raw` holds what was typed, `check` finds out what it means; the files between them know one thing each:
//! names, defaults, parameters, results, signatures.

pub mod check;
mod convert;
mod digits;
mod literal;
mod load;
mod method;
pub mod module;
mod names;
mod pairing;
mod params;
pub mod python;
mod quoted;
mod raw;
mod read;
mod returns;
mod schema;
mod signature;
mod tables;
mod types;
mod typetext;

pub use check::check;
pub use load::load;
pub use names::identifier;
pub use schema::schema;
