//! What a machine that obeys the frame steps of a function has in its stack pointer, frame pointer and saved registers, at every offset.
//! Nothing here knows how steps are described to anybody.

use std::collections::{BTreeMap, BTreeSet};

use pyasmgen::backend::isa::code::{FrameChange, FrameStep};
use pyasmgen::target::regs::Reg;

/// What a machine that obeys frame steps has in its registers.
pub struct Machine {
    /// Relative to the CFA.
    pub sp: i64,
    /// Frame pointer: which, and where it points.
    pub fp: Option<(Reg, i64)>,
    /// Where registers of the caller are saved.
    pub saved: BTreeMap<Reg, i64>,
    /// Of these, those that have their value again: what was stored in the frame is, once an epilogue begins.
    pub reloaded: BTreeSet<Reg>,
    /// Those that an epilogue popped, whose place in memory still holds the same.
    pub popped: BTreeMap<Reg, i64>,
}

/// What holds at each offset of a function of `size` bytes.
pub fn machine_states(steps: &[FrameStep], size: u32) -> Vec<Machine> {
    let mut state = Machine {
        sp: -8,
        fp: None,
        saved: BTreeMap::new(),
        reloaded: BTreeSet::new(),
        popped: BTreeMap::new(),
    };
    let mut epilogue = 0;
    let mut stored = BTreeSet::new();
    let mut before_epilogue = Vec::new();
    let mut states = Vec::new();
    let mut steps = steps.iter().peekable();
    for at in 0..size {
        while let Some(step) = steps.next_if(|s| s.at <= at) {
            match step.change {
                FrameChange::Push(reg) => {
                    state.sp -= 8;
                    state.saved.insert(reg, state.sp);
                    state.popped.clear();
                }
                FrameChange::Alloc(n) => state.sp -= i64::from(n),
                FrameChange::SetFramePointer(reg, n) => {
                    state.fp = Some((reg, state.sp + i64::from(n)));
                }
                FrameChange::Save(reg, n) => {
                    state.saved.insert(reg, state.sp + i64::from(n));
                    stored.insert(reg);
                    state.reloaded.remove(&reg);
                }
                FrameChange::SignReturn | FrameChange::PlainReturn => {}
                FrameChange::EpilogueBegin => {
                    let now = (state.saved.clone(), state.reloaded.clone());
                    before_epilogue.push((state.sp, state.fp, now));
                    epilogue = step.at;
                    state.reloaded.clone_from(&stored);
                }
                FrameChange::Free(n) => state.sp += i64::from(n),
                FrameChange::Pop(reg) => {
                    state.sp += 8;
                    let place = state.saved.remove(&reg);
                    // Steps without instructions say that there was no frame.
                    let place = place.filter(|_| step.at > epilogue);
                    state.popped.extend(place.map(|place| (reg, place)));
                    state.fp = state.fp.filter(|fp| fp.0 != reg);
                }
                FrameChange::EpilogueEnd => {
                    let before = before_epilogue.pop().unwrap();
                    (state.sp, state.fp, (state.saved, state.reloaded)) = before;
                    state.popped.clear();
                }
            }
        }
        states.push(Machine {
            sp: state.sp,
            fp: state.fp,
            saved: state.saved.clone(),
            reloaded: state.reloaded.clone(),
            popped: state.popped.clone(),
        });
    }
    states
}
