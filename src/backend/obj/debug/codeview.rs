//! CodeView.
