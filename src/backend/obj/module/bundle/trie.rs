//! The exports trie: a tree whose edges are parts of names, so that dyld reads a name once to find it.
//!
//! In: names and addresses. Out: bytes.
//!
//! ```text
//! node   size of what follows | flags, address     0 where no name ends
//!        number of edges | for each: characters, NUL, offset of the node it leads to
//! ```

use gimli::leb128::write::Leb128;

/// A node: what ends there, and edges.
#[derive(Debug)]
struct Node<'a> {
    address: Option<u64>,
    edges: Vec<(&'a [u8], usize)>,
}

/// Writes the trie of names, which are in order and differ.
pub fn encode(names: &[(&[u8], u64)]) -> Vec<u8> {
    if names.is_empty() {
        return Vec::new();
    }
    let mut nodes = Vec::new();
    grow(&mut nodes, names, 0);
    // An offset may take more bytes, which moves what is behind it, but never fewer: this ends.
    let mut offsets = vec![0; nodes.len()];
    loop {
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        for node in &nodes {
            found.push(bytes.len() as u64);
            put(&mut bytes, node, &offsets);
        }
        if found == offsets {
            return bytes;
        }
        offsets = found;
    }
}

/// Adds the node that names have in common up to `depth`, and all below it; its index.
fn grow<'a>(nodes: &mut Vec<Node<'a>>, names: &[(&'a [u8], u64)], depth: usize) -> usize {
    let at = nodes.len();
    let (ends, longer) = match names {
        [(name, address), rest @ ..] if name.len() == depth => (Some(*address), rest),
        _ => (None, names),
    };
    nodes.push(Node {
        address: ends,
        edges: Vec::new(),
    });
    for group in longer.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]) {
        let (first, last) = (group[0].0, group[group.len() - 1].0);
        let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let below = grow(nodes, group, common);
        nodes[at].edges.push((&first[depth..common], below));
    }
    at
}

fn put(bytes: &mut Vec<u8>, node: &Node, offsets: &[u64]) {
    match node.address {
        None => bytes.push(0),
        Some(address) => {
            let address = Leb128::unsigned(address);
            bytes.push(1 + address.len() as u8);
            // Flags: an ordinary symbol.
            bytes.push(0);
            bytes.extend(address.bytes());
        }
    }
    bytes.push(node.edges.len() as u8);
    for &(characters, below) in &node.edges {
        bytes.extend(characters);
        bytes.push(0);
        bytes.extend(Leb128::unsigned(offsets[below]).bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_share_what_they_have_in_common() {
        let names: [(&[u8], u64); 3] = [(b"_a", 3), (b"_ab", 0x80), (b"_c", 5)];
        let expected = [
            &[0, 1][..],
            b"_\0",
            &[5],
            // _
            &[0, 2],
            b"a\0",
            &[13],
            b"c\0",
            &[25],
        ]
        .concat();
        let bytes = encode(&names);
        assert_eq!(bytes[..expected.len()], expected);
        assert_eq!(
            bytes[13..],
            *b"\x02\x00\x03\x01b\0\x14\x03\x00\x80\x01\x00\x02\x00\x05\x00"
        );
    }
}
