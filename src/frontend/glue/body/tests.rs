//! Bodies as IR.
