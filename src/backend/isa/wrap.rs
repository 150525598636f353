//! Which blocks run with a frame ("shrink wrapping"). In: which blocks need one. Out: which have one. The frame is made on the edges that
//! lead in, so the usual path of a function that only calls when something is rare has none.
//!
//! ```text
//!     entry           no frame: nothing before it needs one
//!       |  \
//!       |   rare      needs one: makes it, undoes it before it jumps back
//!       |  /
//!     join            no frame: from here on nothing needs one
//! ```
//!
//! Between two blocks that need the frame it stays: memory and saved registers hold values there. It is undone early only before a plain
//! jump out of a cold block; elsewhere what follows keeps it to its returns.

use super::vcode::{Shape, VBlock};

/// For each block, whether it runs with a frame. With `keeps`, a frame once made stays: registers may point into it.
pub fn framed_blocks(shape: &Shape, needs_frame: &[bool], keeps: bool) -> Vec<bool> {
    let blocks = &shape.blocks;
    let after = closure(needs_frame, |at| &blocks[at].succs);
    if keeps {
        return after;
    }
    let before = closure(needs_frame, |at| &blocks[at].preds);
    let both = after
        .iter()
        .zip(&before)
        .map(|(&after, &before)| after && before);
    let mut framed: Vec<bool> = both.collect();
    let mut open: Vec<usize> = (0..framed.len()).filter(|&at| framed[at]).collect();
    while let Some(at) = open.pop() {
        let undoes = blocks[at].is_cold && blocks[at].succs.len() == 1;
        for succ in &blocks[at].succs {
            let to = succ.index();
            let comes_framed = |pred: &VBlock| framed[pred.index()];
            let stays = !undoes || blocks[to].preds.iter().all(comes_framed);
            if stays && !framed[to] {
                framed[to] = true;
                open.push(to);
            }
        }
    }
    framed
}

/// The blocks of a set and all that are reached from them by `next`.
fn closure<'a>(set: &[bool], next: impl Fn(usize) -> &'a [VBlock]) -> Vec<bool> {
    let mut reached = set.to_vec();
    let mut open: Vec<usize> = (0..set.len()).filter(|&at| set[at]).collect();
    while let Some(at) = open.pop() {
        for to in next(at) {
            if !std::mem::replace(&mut reached[to.index()], true) {
                open.push(to.index());
            }
        }
    }
    reached
}
