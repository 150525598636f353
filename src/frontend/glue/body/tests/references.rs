//! References: balanced on every path, also where memory runs out at any point.
