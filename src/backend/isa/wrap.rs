//! Which blocks run with a frame. In: which blocks need one. Out: the blocks that have one: those, and all that are reached from them.
//! The frame is made on the edges that lead in, so the usual path of a function that only calls when something is rare has none ("shrink
//! wrapping"). A block that has a frame never leads back to one without, so each way through a function makes at most one.

use super::vcode::Shape;

/// For each block, whether it runs with a frame.
pub fn framed_blocks(shape: &Shape, needs_frame: Vec<bool>) -> Vec<bool> {
    let mut framed = needs_frame;
    let mut open: Vec<usize> = (0..framed.len()).filter(|&at| framed[at]).collect();
    while let Some(at) = open.pop() {
        for succ in &shape.blocks[at].succs {
            if !std::mem::replace(&mut framed[succ.index()], true) {
                open.push(succ.index());
            }
        }
    }
    framed
}
