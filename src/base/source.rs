//! Source files, byte positions in them, and texts that were decoded out of them.
//!
//! A [`Span`] always means bytes of a file as the user wrote it, never of a decoded string: a body inside a TOML string knows,
//! through [`Text`], where each of its characters stands in the TOML file. Nothing here reads a disk.

use std::ops::Range;
use std::sync::Arc;

/// One file of [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A range of bytes in a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `range` of `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Span {
        Span {
            source,
            start: range.start as u32,
            end: range.end as u32,
        }
    }

    /// The smallest span that holds both (they are of one file).
    pub fn to(self, other: Span) -> Span {
        Span {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// All files of one run, in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A file's name as the user gave it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As shown in messages.
    pub name: String,
    /// The whole text.
    pub text: String,
    line_starts: Vec<u32>,
    /// Files that the text names, as it names them, or what kept us from reading them.
    included: Vec<(String, Result<SourceId, String>)>,
    /// Likewise those that are no texts.
    data: Vec<(String, Result<Data, String>)>,
}

/// A file that is no text.
#[derive(Clone, Debug)]
struct Data {
    name: String,
    bytes: Arc<[u8]>,
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1))
            .collect();
        self.files.push(SourceFile {
            name: name.into(),
            text,
            line_starts,
            included: Vec::new(),
            data: Vec::new(),
        });
        SourceId(self.files.len() as u32 - 1)
    }

    /// Notes that the text of `by` names a file as `written`: which one it is, or what kept us from reading it.
    pub fn include(&mut self, by: SourceId, written: &str, file: Result<SourceId, String>) {
        let included = &mut self.files[by.0 as usize].included;
        included.push((written.to_owned(), file));
    }

    /// The file that the text of `by` names as `written`; nothing where nobody has looked for it.
    pub fn included(&self, by: SourceId, written: &str) -> Option<&Result<SourceId, String>> {
        let mut included = self.file(by).included.iter();
        included.find(|row| row.0 == written).map(|row| &row.1)
    }

    /// Notes that the text of `by` names a file of bytes as `written`: its name and content, or what kept us from reading it.
    pub fn include_data(
        &mut self,
        by: SourceId,
        written: &str,
        file: Result<(String, Vec<u8>), String>,
    ) {
        let file = file.map(|(name, bytes)| Data {
            name,
            bytes: bytes.into(),
        });
        self.files[by.0 as usize]
            .data
            .push((written.to_owned(), file));
    }

    /// The bytes that the text of `by` names as `written`; nothing where nobody has looked for them.
    pub fn data(&self, by: SourceId, written: &str) -> Option<Result<&Arc<[u8]>, &String>> {
        let mut data = self.file(by).data.iter();
        let row = data.find(|row| row.0 == written)?;
        Some(row.1.as_ref().map(|data| &data.bytes))
    }

    /// The names of the files that were read because the text of `by` names them.
    pub fn inclusions(&self, by: SourceId) -> impl Iterator<Item = &str> {
        let file = self.file(by);
        let texts = file.included.iter().filter_map(|row| row.1.as_ref().ok());
        let data = file.data.iter().filter_map(|row| row.1.as_ref().ok());
        texts
            .map(|id| self.file(*id).name.as_str())
            .chain(data.map(|data| data.name.as_str()))
    }

    /// The file of an id given out by [`Sources::add`].
    pub fn file(&self, id: SourceId) -> &SourceFile {
        &self.files[id.0 as usize]
    }
}

impl SourceFile {
    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: u32) -> (usize, usize) {
        let line = self.line_number(byte) - 1;
        let start = self.line_starts[line] as usize;
        let column = self.text[start..]
            .char_indices()
            .take_while(|(at, _)| start + at < byte as usize)
            .count();
        (line + 1, column + 1)
    }

    /// The line of a byte, from 1.
    pub fn line_number(&self, byte: u32) -> usize {
        self.line_starts.partition_point(|&start| start <= byte)
    }

    /// The text of a line (from 1), without its end.
    pub fn line(&self, line: usize) -> &str {
        self.text.lines().nth(line - 1).unwrap_or("")
    }
}

/// A text decoded out of a file (a TOML string's value), which still knows where its bytes came from.
#[derive(Clone, Debug)]
pub struct Text {
    /// The decoded text.
    pub text: String,
    source: SourceId,
    /// Sorted pairs of (byte in `text`, byte in the file); between two pairs both run in step.
    map: Vec<(u32, u32)>,
}

impl Text {
    /// A text whose byte `map[i].0` stands at byte `map[i].1` of the file, and so on until the next pair.
    pub fn new(text: String, source: SourceId, map: Vec<(u32, u32)>) -> Text {
        debug_assert!(map.first().is_some_and(|first| first.0 == 0) && map.is_sorted());
        Text { text, source, map }
    }

    /// A text that stands in the file as it is, from `start` on.
    pub fn verbatim(text: impl Into<String>, source: SourceId, start: u32) -> Text {
        Text::new(text.into(), source, vec![(0, start)])
    }

    /// Where the bytes `range` of the decoded text stand in the file.
    pub fn span(&self, range: Range<usize>) -> Span {
        let end = if range.end > range.start {
            self.position(range.end - 1) + 1
        } else {
            self.position(range.start)
        };
        Span::new(self.source, self.position(range.start)..end)
    }

    /// The span of the whole text.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// The text that consists of these pieces of this one, in order; each still knows where it stands in the file.
    pub fn pieces(&self, ranges: &[Range<usize>]) -> Text {
        let mut text = String::new();
        let mut map = Vec::new();
        for range in ranges {
            let base = text.len();
            map.push((base as u32, self.position(range.start) as u32));
            let inside = self
                .map
                .iter()
                .filter(|pair| (pair.0 as usize) > range.start && (pair.0 as usize) < range.end);
            map.extend(inside.map(|pair| ((base + pair.0 as usize - range.start) as u32, pair.1)));
            text.push_str(&self.text[range.clone()]);
        }
        if map.is_empty() {
            map.push((0, self.position(0) as u32));
        }
        // An empty piece leaves a pair that the next one replaces.
        map.reverse();
        map.dedup_by_key(|pair| pair.0);
        map.reverse();
        Text::new(text, self.source, map)
    }

    fn position(&self, byte: usize) -> usize {
        let at = self.map.partition_point(|&(text, _)| text as usize <= byte) - 1;
        let (text, file) = self.map[at];
        file as usize + (byte - text as usize)
    }
}
