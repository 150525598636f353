#![doc = include_str!("ARCHITECTURE.md")]

pub mod backend;
pub mod base;
pub mod cli;
pub mod compile;
pub mod frontend;
pub mod inspect;
pub mod ir;
pub mod link;
pub mod manual;
pub mod pack;
pub mod target;
