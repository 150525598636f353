//! Numbers blocks and puts them in the order of memory. In: a function's reachable blocks. Out: those and the blocks on critical edges, in
//! reverse postorder, and an order of memory in which loops are together and tested at the bottom, the usual path falls through, and cold
//! blocks come last. Knows no machine.
//!
//! ```text
//!     numbers (reverse postorder)        memory
//!     0  entry                           entry    jmp head
//!     1  head     exits or goes on       body
//!     2  body                            latch
//!     3  latch    goes to head           head     j.. body
//!     4  exit                            exit
//! ```

use std::collections::BTreeSet;

use smallvec::{SmallVec, smallvec};

use super::flow::{FlowBlock, Source, terminator};
use super::vcode::VBlock;
use crate::ir::func::{Block, ENTRY, Func, Inst};
use crate::ir::op::Effect;

/// A block or critical edge before it has its number.
struct Node {
    source: Source,
    succs: SmallVec<[u32; 2]>,
    is_cold: bool,
    /// How many loops it is in.
    depth: u32,
}

/// The blocks by number, and the order of memory. `is_join` says where several edges arrive.
pub fn order(
    func: &Func,
    reachable: &[Block],
    is_join: impl Fn(Block) -> bool,
) -> (Vec<FlowBlock>, Vec<VBlock>) {
    let mut nodes = nodes(func, reachable, is_join);
    let loops = find_loops(&mut nodes);
    // What is visited last comes next: colder blocks and ways out of loops are visited before.
    for at in 0..nodes.len() {
        let mut succs = nodes[at].succs.clone();
        succs.reverse();
        succs.sort_by_key(|&succ| {
            let node = &nodes[succ as usize];
            (!node.is_cold, node.depth)
        });
        nodes[at].succs = succs;
    }
    let mut postorder = Vec::with_capacity(nodes.len());
    visit(&nodes, |_, _| {}, |node| postorder.push(node));
    let mut numbers = vec![0; nodes.len()];
    for (number, &node) in postorder.iter().rev().enumerate() {
        numbers[node as usize] = number as u32;
    }
    let mut blocks = connect(func, &nodes, &postorder, &numbers);
    find_preheaders(func, &mut blocks, &nodes, &loops, &numbers);
    let layout = lay_out(&nodes, &postorder, &loops);
    let layout = layout
        .into_iter()
        .map(|node| VBlock(numbers[node as usize]));
    (blocks, layout.collect())
}

/// Blocks, the entry first, and the edges between a block with several successors and one with several predecessors.
fn nodes(func: &Func, reachable: &[Block], is_join: impl Fn(Block) -> bool) -> Vec<Node> {
    let mut node_of = vec![u32::MAX; func.blocks.len()];
    let is_cold = |block: Block| func.blocks[block.index()].cold;
    let mut nodes = Vec::with_capacity(reachable.len());
    for &block in reachable.iter().rev() {
        node_of[block.index()] = nodes.len() as u32;
        nodes.push(Node {
            source: Source::Block(block),
            succs: SmallVec::new(),
            is_cold: is_cold(block),
            depth: 0,
        });
    }
    debug_assert_eq!(nodes[0].source, Source::Block(ENTRY));
    for &block in reachable.iter().rev() {
        let targets = terminator(func, block).targets();
        let is_branch = targets.len() > 1;
        for (n, call) in targets.into_iter().enumerate() {
            let mut succ = node_of[call.block.index()];
            if is_branch && is_join(call.block) {
                nodes.push(Node {
                    source: Source::Edge(block, n),
                    succs: smallvec![succ],
                    is_cold: is_cold(block) || is_cold(call.block),
                    depth: 0,
                });
                succ = nodes.len() as u32 - 1;
            }
            nodes[node_of[block.index()] as usize].succs.push(succ);
        }
    }
    nodes
}

/// Depth-first search from node 0: `edge` for each edge, with whether it leads back to a node on the way here, `leave` in postorder.
fn visit(nodes: &[Node], mut edge: impl FnMut(u32, (u32, bool)), mut leave: impl FnMut(u32)) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnPath,
        Left,
    }
    let mut states = vec![State::New; nodes.len()];
    let mut path = vec![(0u32, 0)];
    states[0] = State::OnPath;
    while let Some((node, next)) = path.last_mut() {
        let Some(&succ) = nodes[*node as usize].succs.get(*next) else {
            states[*node as usize] = State::Left;
            leave(*node);
            path.pop();
            continue;
        };
        *next += 1;
        let state = states[succ as usize];
        edge(*node, (succ, state == State::OnPath));
        if state == State::New {
            states[succ as usize] = State::OnPath;
            path.push((succ, 0));
        }
    }
}

/// A loop: the block that all ways in lead to, and all blocks (itself included).
struct Loop {
    head: u32,
    members: Vec<u32>,
}

/// The loops, and into the nodes how deep in loops each is.
fn find_loops(nodes: &mut [Node]) -> Vec<Loop> {
    let mut preds: Vec<SmallVec<[u32; 4]>> = vec![SmallVec::new(); nodes.len()];
    let mut backs: Vec<SmallVec<[u32; 1]>> = vec![SmallVec::new(); nodes.len()];
    let note = |from: u32, (to, is_back): (u32, bool)| {
        preds[to as usize].push(from);
        if is_back {
            backs[to as usize].push(from);
        }
    };
    visit(nodes, note, |_| {});
    let mut loops = Vec::new();
    // In which head's search a node was last seen.
    let mut seen = vec![u32::MAX; nodes.len()];
    for head in 0..nodes.len() as u32 {
        let mut open = std::mem::take(&mut backs[head as usize]).into_vec();
        if open.is_empty() {
            continue;
        }
        let mut members = vec![head];
        seen[head as usize] = head;
        while let Some(node) = open.pop() {
            if seen[node as usize] != head {
                seen[node as usize] = head;
                members.push(node);
                open.extend(&preds[node as usize]);
            }
        }
        for &member in &members {
            nodes[member as usize].depth += 1;
        }
        loops.push(Loop { head, members });
    }
    loops
}

fn connect(func: &Func, nodes: &[Node], postorder: &[u32], numbers: &[u32]) -> Vec<FlowBlock> {
    let number = |node: u32| VBlock(numbers[node as usize]);
    let mut node_of = vec![u32::MAX; func.blocks.len()];
    let mut edge_of = vec![[u32::MAX; 2]; func.blocks.len()];
    for (at, node) in nodes.iter().enumerate() {
        match node.source {
            Source::Block(block) => node_of[block.index()] = at as u32,
            Source::Edge(from, n) => edge_of[from.index()][n] = at as u32,
        }
    }
    let succs = |source: Source| -> SmallVec<[VBlock; 2]> {
        let (from, only) = match source {
            Source::Block(block) => (block, None),
            Source::Edge(from, n) => (from, Some(n)),
        };
        let term = terminator(func, from);
        let target = |n: usize| {
            let block = term.target(n).map(|call| call.block);
            number(node_of[block.expect("it has so many targets").index()])
        };
        match only {
            Some(n) => smallvec![target(n)],
            None => (0..term.targets().len())
                .map(|n| match edge_of[from.index()][n] {
                    u32::MAX => target(n),
                    edge => number(edge),
                })
                .collect(),
        }
    };
    let mut blocks: Vec<FlowBlock> = postorder
        .iter()
        .rev()
        .map(|&node| FlowBlock {
            source: nodes[node as usize].source,
            succs: succs(nodes[node as usize].source),
            preds: SmallVec::new(),
            is_cold: nodes[node as usize].is_cold,
            preheader: None,
            depth: nodes[node as usize].depth,
        })
        .collect();
    for at in 0..blocks.len() {
        for succ in blocks[at].succs.clone() {
            blocks[succ.index()].preds.push(VBlock(at as u32));
        }
    }
    blocks
}

/// Notes the preheaders of loops without calls, where there is one block that leads in; it has no other successor, the head being a join.
fn find_preheaders(
    func: &Func,
    blocks: &mut [FlowBlock],
    nodes: &[Node],
    loops: &[Loop],
    numbers: &[u32],
) {
    let calls = |&member: &u32| {
        let node = &nodes[member as usize];
        !node.is_cold && calls(func, node.source)
    };
    let mut by_size: Vec<&Loop> = loops.iter().collect();
    by_size.sort_by_key(|one| one.members.len());
    for one in by_size {
        let members = || one.members.iter();
        if members().any(calls) {
            continue;
        }
        let inside: BTreeSet<u32> = members().map(|&m| numbers[m as usize]).collect();
        let head = numbers[one.head as usize] as usize;
        let outside = |pred: &&VBlock| !inside.contains(&pred.0);
        let mut preds = blocks[head].preds.iter().filter(outside).copied();
        let (Some(preheader), None) = (preds.next(), preds.next()) else {
            continue;
        };
        if blocks[preheader.index()].succs.len() != 1 {
            continue;
        }
        for &number in &inside {
            let block = &mut blocks[number as usize];
            if !block.is_cold {
                block.preheader = Some(preheader);
            }
        }
    }
}

/// Whether a block makes a call.
fn calls(func: &Func, source: Source) -> bool {
    let Source::Block(block) = source else {
        return false;
    };
    let effect = |inst: &Inst| func.insts[inst.index()].op.row().effect;
    let insts = &func.blocks[block.index()].insts;
    insts.iter().any(|inst| effect(inst) == Effect::Call)
}

/// Reverse postorder, cold nodes last, and loops turned so that the test at their head comes at the end.
fn lay_out(nodes: &[Node], postorder: &[u32], loops: &[Loop]) -> Vec<u32> {
    let in_order = || postorder.iter().rev().copied();
    let is_cold = |&node: &u32| nodes[node as usize].is_cold;
    let warm = in_order().filter(|node| !is_cold(node));
    let mut layout: Vec<u32> = warm.chain(in_order().filter(is_cold)).collect();
    let mut places = vec![0; nodes.len()];
    for (place, &node) in layout.iter().enumerate() {
        places[node as usize] = place;
    }
    let mut is_member = vec![false; nodes.len()];
    for one in loops {
        for &member in &one.members {
            is_member[member as usize] = true;
        }
        turn(nodes, one, &is_member, &mut layout, &mut places);
        for &member in &one.members {
            is_member[member as usize] = false;
        }
    }
    layout
}

/// Moves a loop's head behind its last block, if that one jumps to it anyway and the head is where the loop is left.
fn turn(nodes: &[Node], one: &Loop, is_member: &[bool], layout: &mut [u32], places: &mut [usize]) {
    let start = places[one.head as usize];
    let is_inside = |&node: &u32| is_member[node as usize];
    let run = layout[start..].iter().take_while(|node| is_inside(node));
    let end = start + run.count();
    let last = layout[end - 1];
    let succs = &nodes[one.head as usize].succs;
    // A way out that is hardly taken is no test: the loop goes through its head.
    let leaves_by = |succ: &&u32| !is_inside(succ) && !nodes[**succ as usize].is_cold;
    let leaves = succs.len() == 2 && succs.iter().filter(leaves_by).count() == 1;
    let jumps_back = nodes[last as usize].succs.as_slice() == [one.head];
    if start == 0 || !leaves || !jumps_back || last == one.head {
        return;
    }
    layout[start..end].rotate_left(1);
    for (place, &node) in layout.iter().enumerate().take(end).skip(start) {
        places[node as usize] = place;
    }
}
