//! The format language of `PyArg_ParseTuple`: a table of its units, and its grammar.

pub mod parse;
pub mod units;
