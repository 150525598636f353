//! What each byte of a file is there for: ranges that a format's reader names, and what is left between them.
//!
//! In: ranges, some inside of others, in a hostile file anywhere. Out: shares that follow each other from the file's first byte to its last;
//! where ranges overlap, the smallest one says what it is.

use std::collections::BTreeSet;

use super::report::Share;

/// Ranges with names.
#[derive(Debug, Default)]
pub struct Ranges {
    /// Offset, size, name.
    ranges: Vec<(u64, u64, String)>,
}

/// Bytes between ranges that are zero, and those that are not.
const PADDING: &str = "padding";
const UNKNOWN: &str = "not accounted for";

impl Ranges {
    /// Names a range. What is beyond the file's end does not count.
    pub fn add(&mut self, name: impl Into<String>, offset: u64, size: u64) {
        if size > 0 {
            self.ranges.push((offset, size, name.into()));
        }
    }

    /// The shares of a file, in its order.
    pub fn shares(mut self, bytes: &[u8]) -> Vec<Share> {
        let length = bytes.len() as u64;
        self.ranges.retain(|range| range.0 < length);
        // Where a range starts or ends, by offset; of what is open there, the smallest names what follows.
        let mut events: Vec<(u64, bool, u64, usize)> = Vec::new();
        for (index, &(offset, size, _)) in self.ranges.iter().enumerate() {
            let end = offset.saturating_add(size).min(length);
            events.push((offset, true, size, index));
            events.push((end, false, size, index));
        }
        events.sort_unstable();
        let mut open: BTreeSet<(u64, usize)> = BTreeSet::new();
        let mut shares: Vec<Share> = Vec::new();
        let mut at = 0;
        for (next, starts, size, index) in events {
            if next > at {
                let name = open.first().map(|&(_, index)| &self.ranges[index].2[..]);
                add(&mut shares, name, at, &bytes[at as usize..next as usize]);
                at = next;
            }
            if starts {
                open.insert((size, index));
            } else {
                open.remove(&(size, index));
            }
        }
        if at < length {
            add(&mut shares, None, at, &bytes[at as usize..]);
        }
        shares
    }
}

/// Adds a share; what goes on is one with what was before.
fn add(shares: &mut Vec<Share>, name: Option<&str>, offset: u64, bytes: &[u8]) {
    let name = name.unwrap_or(if bytes.iter().all(|&byte| byte == 0) {
        PADDING
    } else {
        UNKNOWN
    });
    let size = bytes.len() as u64;
    match shares.last_mut() {
        Some(last) if last.name == name => last.size += size,
        _ => shares.push(Share {
            name: name.to_owned(),
            offset,
            size,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_ranges_come_out_of_outer_ones_and_all_bytes_are_told() {
        let mut ranges = Ranges::default();
        ranges.add("header", 0, 4);
        ranges.add("section", 8, 8);
        ranges.add("table", 10, 2);
        ranges.add("table", 12, 1);
        ranges.add("beyond", 18, u64::MAX);
        ranges.add("nothing", 5, 0);
        let mut bytes = [0; 20];
        bytes[16] = 1;
        let shares = ranges.shares(&bytes);
        let got: Vec<_> = shares
            .iter()
            .map(|share| (&share.name[..], share.offset, share.size))
            .collect();
        assert_eq!(
            got,
            [
                ("header", 0, 4),
                ("padding", 4, 4),
                ("section", 8, 2),
                ("table", 10, 3),
                ("section", 13, 3),
                ("not accounted for", 16, 2),
                ("beyond", 18, 2),
            ]
        );
    }
}
