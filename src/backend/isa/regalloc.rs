//! The door to `regalloc2`: a [`Shape`] goes in, and a location for every operand comes out, with the moves to insert between
//! instructions. Knows no machine: which registers there are is said by [`Registers`]. In debug builds (and so in tests) every answer is
//! examined by regalloc2's symbolic checker.

use regalloc2 as ra;

use super::vcode::{Access, BlockShape, Clobbers, Constraint, Shape, VBlock};
use crate::target::regs::{Reg, RegClass};

/// Which registers may be handed out.
#[derive(Clone, Debug)]
pub struct Registers {
    env: ra::MachineEnv,
    all: Clobbers,
}

impl Registers {
    /// `first` before `then`: a function pays for the use of the latter (it must preserve them).
    pub fn new(first: &[Reg], then: &[Reg]) -> Registers {
        let class_set = |regs: &[Reg], class: RegClass| {
            let of_class = regs.iter().filter(|reg| reg.class == class);
            of_class.map(|&reg| preg(reg)).collect::<ra::PRegSet>()
        };
        let sets = |regs: &[Reg]| {
            [
                class_set(regs, RegClass::Int),
                class_set(regs, RegClass::Float),
                ra::PRegSet::empty(),
            ]
        };
        let all = first.iter().chain(then);
        Registers {
            all: all.fold(Clobbers::default(), |all, &reg| all.with(reg)),
            env: ra::MachineEnv {
                preferred_regs_by_class: sets(first),
                non_preferred_regs_by_class: sets(then),
                // The allocator finds a free register, or makes one free, where moves form a cycle.
                scratch_by_class: [None; 3],
                fixed_stack_slots: Vec::new(),
            },
        }
    }
}

/// Memory of the allocator, kept from function to function.
#[derive(Default)]
pub struct Context {
    ctx: ra::Ctx,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loc {
    /// In a register.
    Reg(Reg),
    /// In a spill slot of the frame, 8 bytes each.
    Spill(u32),
}

/// A move to insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The instruction it belongs to.
    pub inst: u32,
    /// Whether it stands behind that instruction instead of before it.
    pub after: bool,
    /// From here.
    pub from: Loc,
    /// To there; not both are spill slots.
    pub to: Loc,
}

impl Move {
    /// Where it stands.
    pub fn point(&self) -> Point {
        Point {
            inst: self.inst,
            after: self.after,
        }
    }
}

/// What the allocator found.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// One for each operand of the shape.
    pub locs: Vec<Loc>,
    /// In order of the code. Moves that move nothing are left out.
    pub moves: Vec<Move>,
    /// How many spill slots the frame needs.
    pub spill_slots: u32,
    /// Where what [`Shape::labels`] asks for is.
    pub labels: Vec<Labelled>,
}

/// From one place to another, what has this label is there.
#[derive(Clone, Copy, Debug)]
pub struct Labelled {
    /// The label.
    pub label: u32,
    /// From here on.
    pub from: Point,
    /// Up to here.
    pub to: Point,
    /// Where it is.
    pub loc: Loc,
}

/// A place in front of an instruction or behind it; moves of the allocation stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// The instruction.
    pub inst: u32,
    /// Behind it.
    pub after: bool,
}

impl Point {
    fn of(point: ra::ProgPoint) -> Point {
        Point {
            inst: point.inst().index() as u32,
            after: point.pos() == ra::InstPosition::After,
        }
    }
}

impl Allocation {
    /// What the usual path pays for memory: loads and stores of spill slots, those in loops many times, and saving registers.
    pub fn cost(&self, shape: &Shape, saved: &[Reg]) -> u64 {
        let mut cost = 2 * self.written_of(saved).len() as u64;
        let mut moves = self.moves.iter().peekable();
        for block in &shape.blocks {
            while let Some(m) = moves.next_if(|m| m.inst < block.insts.end) {
                if m.uses_spill_slot() && !block.is_cold {
                    cost += 8u64.pow(block.depth.min(4));
                }
            }
        }
        cost
    }

    /// Which of `saved` the function writes.
    pub fn written_of(&self, saved: &[Reg]) -> Vec<Reg> {
        let mut written = Clobbers::default();
        let targets = self.moves.iter().map(|m| &m.to);
        for &loc in self.locs.iter().chain(targets) {
            if let Loc::Reg(reg) = loc {
                written = written.with(reg);
            }
        }
        let is_written = |&reg: &Reg| written.contains(reg);
        saved.iter().copied().filter(is_written).collect()
    }
}

impl Move {
    /// Whether it loads or stores a spill slot.
    pub fn uses_spill_slot(&self) -> bool {
        matches!(self.from, Loc::Spill(_)) || matches!(self.to, Loc::Spill(_))
    }
}

/// How to allocate.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// In one quick pass.
    pub fast: bool,
    /// Takes the calls of cold blocks to destroy all registers. What lives over them goes to memory there and then, and not, for their
    /// sake, to a register that must be saved on every path.
    pub spares_saved: bool,
}

/// Gives every operand a location. Panics if the allocator refuses: a constraint that cannot be met is a fault of our lowering.
pub fn allocate(
    name: &str,
    shape: &Shape,
    registers: &Registers,
    manner: Manner,
    context: &mut Context,
) -> Allocation {
    let rare_clobbers = manner
        .spares_saved
        .then(|| clobber_set(of_classes(registers.all, &shape.classes)));
    let adapter = Adapter::new(shape, rare_clobbers);
    let options = ra::RegallocOptions {
        verbose_log: false,
        validate_ssa: cfg!(debug_assertions),
        algorithm: if manner.fast {
            ra::Algorithm::Fastalloc
        } else {
            ra::Algorithm::Ion
        },
    };
    let output = ra::run_with_ctx(&adapter, &registers.env, &options, &mut context.ctx)
        .unwrap_or_else(|error| panic!("{name}: registers cannot be allocated: {error:?}"));
    if cfg!(debug_assertions) {
        check(name, &adapter, &registers.env, output);
    }
    debug_assert_eq!(output.allocs.len(), shape.operands().len());
    let moves = output.edits.iter().filter_map(|(at, edit)| {
        let ra::Edit::Move { from, to } = edit;
        (from != to).then(|| Move {
            inst: at.inst().index() as u32,
            after: at.pos() == ra::InstPosition::After,
            from: loc(*from),
            to: loc(*to),
        })
    });
    Allocation {
        moves: moves.collect(),
        locs: output.allocs.iter().map(|&alloc| loc(alloc)).collect(),
        spill_slots: output.num_spillslots as u32,
        labels: output.debug_locations.iter().map(labelled).collect(),
    }
}

fn labelled(
    &(label, from, to, alloc): &(u32, ra::ProgPoint, ra::ProgPoint, ra::Allocation),
) -> Labelled {
    Labelled {
        label,
        from: Point::of(from),
        to: Point::of(to),
        loc: loc(alloc),
    }
}

fn check(name: &str, adapter: &Adapter, env: &ra::MachineEnv, output: &ra::Output) {
    let mut checker = ra::checker::Checker::new(adapter, env);
    checker.prepare(output);
    if let Err(errors) = checker.run() {
        panic!("{name}: the allocation is wrong: {errors:?}");
    }
}

fn class(class: RegClass) -> ra::RegClass {
    match class {
        RegClass::Int => ra::RegClass::Int,
        RegClass::Float => ra::RegClass::Float,
    }
}

fn preg(reg: Reg) -> ra::PReg {
    ra::PReg::new(reg.number as usize, class(reg.class))
}

fn loc(alloc: ra::Allocation) -> Loc {
    if let Some(slot) = alloc.as_stack() {
        return Loc::Spill(slot.index() as u32);
    }
    let preg = alloc.as_reg().expect("every operand has a location");
    Loc::Reg(Reg {
        class: match preg.class() {
            ra::RegClass::Int => RegClass::Int,
            ra::RegClass::Float => RegClass::Float,
            ra::RegClass::Vector => unreachable!("there is no third class"),
        },
        number: preg.hw_enc() as u8,
    })
}

/// A [`Shape`] in regalloc2's words.
struct Adapter<'a> {
    shape: &'a Shape,
    operands: Vec<ra::Operand>,
    params: Lists<ra::VReg>,
    args: Lists<ra::VReg>,
    succs: Lists<ra::Block>,
    preds: Lists<ra::Block>,
    block_ends: Vec<bool>,
    /// The sets of registers that calls destroy, as far as there are values for them: each of the others would cost a live range at each
    /// call.
    clobber_sets: Vec<ra::PRegSet>,
    labels: Vec<(ra::VReg, ra::Inst, ra::Inst, u32)>,
    /// What calls in cold blocks destroy, where that is not what they really do.
    rare_clobbers: Option<ra::PRegSet>,
}

/// A list for each block.
struct Lists<T> {
    items: Vec<T>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl<T> Lists<T> {
    fn new<I: Iterator<Item = T>>(lists: impl Iterator<Item = I>) -> Lists<T> {
        let mut items = Vec::new();
        let ends = lists.map(|list| {
            items.extend(list);
            items.len() as u32
        });
        let ends = ends.collect();
        Lists { items, ends }
    }

    fn of(&self, block: ra::Block) -> &[T] {
        let start = match block.index().checked_sub(1) {
            Some(before) => self.ends[before],
            None => 0,
        };
        &self.items[start as usize..self.ends[block.index()] as usize]
    }
}

impl<'a> Adapter<'a> {
    fn new(shape: &'a Shape, rare_clobbers: Option<ra::PRegSet>) -> Adapter<'a> {
        let vreg =
            |v: super::vcode::VReg| ra::VReg::new(v.index(), class(shape.classes[v.index()]));
        let block = |b: &VBlock| ra::Block::new(b.index());
        let operand = |operand: &super::vcode::Operand| {
            let constraint = match operand.constraint {
                Constraint::Any => ra::OperandConstraint::Any,
                Constraint::Reg => ra::OperandConstraint::Reg,
                Constraint::Fixed(reg) => ra::OperandConstraint::FixedReg(preg(reg)),
                Constraint::Reuse(at) => ra::OperandConstraint::Reuse(at as usize),
            };
            let (kind, pos) = match operand.access {
                Access::Use => (ra::OperandKind::Use, ra::OperandPos::Early),
                Access::Def => (ra::OperandKind::Def, ra::OperandPos::Late),
                Access::EarlyDef => (ra::OperandKind::Def, ra::OperandPos::Early),
            };
            ra::Operand::new(vreg(operand.vreg), constraint, kind, pos)
        };
        let inst = |inst: u32| ra::Inst::new(inst as usize);
        let label = |(of, range, label): &(_, std::ops::Range<u32>, u32)| {
            (vreg(*of), inst(range.start), inst(range.end), *label)
        };
        let mut block_ends = vec![false; shape.inst_count()];
        for block in &shape.blocks {
            block_ends[block.insts.end as usize - 1] = true;
        }
        let sets = shape.clobber_sets().iter();
        let clobber_sets = sets.map(|&set| clobber_set(of_classes(set, &shape.classes)));
        let blocks = || shape.blocks.iter();
        Adapter {
            shape,
            clobber_sets: clobber_sets.collect(),
            rare_clobbers,
            operands: shape.operands().iter().map(operand).collect(),
            params: Lists::new(blocks().map(|b| b.params.iter().map(|&v| vreg(v)))),
            args: Lists::new(blocks().map(|b| b.args.iter().map(|&v| vreg(v)))),
            succs: Lists::new(blocks().map(|b| b.succs.iter().map(block))),
            preds: Lists::new(blocks().map(|b| b.preds.iter().map(block))),
            block_ends,
            labels: shape.labels.iter().map(label).collect(),
        }
    }
}

impl ra::Function for Adapter<'_> {
    fn num_insts(&self) -> usize {
        self.shape.inst_count()
    }

    fn num_blocks(&self) -> usize {
        self.shape.blocks.len()
    }

    fn entry_block(&self) -> ra::Block {
        ra::Block::new(0)
    }

    fn block_insns(&self, block: ra::Block) -> ra::InstRange {
        let range = &self.shape.blocks[block.index()].insts;
        ra::InstRange::new(
            ra::Inst::new(range.start as usize),
            ra::Inst::new(range.end as usize),
        )
    }

    fn block_succs(&self, block: ra::Block) -> &[ra::Block] {
        self.succs.of(block)
    }

    fn block_preds(&self, block: ra::Block) -> &[ra::Block] {
        self.preds.of(block)
    }

    fn block_params(&self, block: ra::Block) -> &[ra::VReg] {
        self.params.of(block)
    }

    fn is_ret(&self, inst: ra::Inst) -> bool {
        self.block_ends[inst.index()] && self.block_of(inst).succs.is_empty()
    }

    fn is_branch(&self, inst: ra::Inst) -> bool {
        self.block_ends[inst.index()] && !self.block_of(inst).succs.is_empty()
    }

    fn branch_blockparams(&self, block: ra::Block, _: ra::Inst, _: usize) -> &[ra::VReg] {
        self.args.of(block)
    }

    fn inst_operands(&self, inst: ra::Inst) -> &[ra::Operand] {
        &self.operands[self.shape.operand_range(inst.index())]
    }

    fn inst_clobbers(&self, inst: ra::Inst) -> ra::PRegSet {
        let Some(set) = self.shape.clobber_set(inst.index()) else {
            return ra::PRegSet::empty();
        };
        match self.rare_clobbers {
            Some(mut all) if self.block_of(inst).is_cold => {
                for operand in self.inst_operands(inst) {
                    if let ra::OperandConstraint::FixedReg(reg) = operand.constraint()
                        && operand.kind() == ra::OperandKind::Def
                    {
                        all.remove(reg);
                    }
                }
                all
            }
            _ => self.clobber_sets[set],
        }
    }

    fn num_vregs(&self) -> usize {
        self.shape.classes.len()
    }

    fn debug_value_labels(&self) -> &[(ra::VReg, ra::Inst, ra::Inst, u32)] {
        &self.labels
    }

    fn spillslot_size(&self, _: ra::RegClass) -> usize {
        1
    }
}

impl Adapter<'_> {
    fn block_of(&self, inst: ra::Inst) -> &BlockShape {
        let blocks = &self.shape.blocks;
        &blocks[blocks.partition_point(|b| b.insts.end as usize <= inst.index())]
    }
}

/// The registers for which there are values.
fn of_classes(mut set: Clobbers, classes: &[RegClass]) -> Clobbers {
    if !classes.contains(&RegClass::Int) {
        set.ints = 0;
    }
    if !classes.contains(&RegClass::Float) {
        set.floats = 0;
    }
    set
}

fn clobber_set(clobbers: Clobbers) -> ra::PRegSet {
    let mut set = ra::PRegSet::empty();
    for (mut bits, class) in [
        (clobbers.ints, ra::RegClass::Int),
        (clobbers.floats, ra::RegClass::Float),
    ] {
        while bits != 0 {
            set.add(ra::PReg::new(bits.trailing_zeros() as usize, class));
            bits &= bits - 1;
        }
    }
    set
}
