//! Turns objects into modules by way of a linker.
