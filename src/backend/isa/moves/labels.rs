//! Where named values are, once moves have gone. In: labels as the allocator gave them, and for each move that has gone where its value is
//! instead. Out: the labels.

use super::super::regalloc::{Labelled, Loc, Point};
use crate::target::regs::Reg;

/// What would be in a register is somewhere else between two places of one block.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// From here on.
    pub from: Point,
    /// Up to here; behind this nobody wants it.
    pub to: Point,
    /// The register.
    pub was: Reg,
    /// Where it is.
    pub is: Loc,
}

/// Follows values along their paths. Later paths of the list are earlier in the code.
pub fn follow(labels: &mut Vec<Labelled>, paths: &[Path]) {
    if paths.is_empty() {
        return;
    }
    let old = std::mem::take(labels);
    for mut label in old {
        let mut others = Vec::new();
        for path in paths {
            let meets = path.from < label.to && label.from < path.to;
            if label.loc != Loc::Reg(path.was) || !meets {
                continue;
            }
            others.push(Labelled {
                from: label.from.max(path.from),
                to: label.to.min(path.to),
                loc: path.is,
                ..label
            });
            label.to = label.to.min(path.from);
        }
        if label.from < label.to {
            labels.push(label);
        }
        labels.extend(others.into_iter().rev());
    }
}
