//! The spec file: TOML text becomes a checked [`module::Module`].

pub mod module;
