//! The known word that somebody may have meant.
//!
//! In: what was written, and the words there are. Out: the nearest of them, if it is near enough to be worth a hint.

/// The candidate with the fewest edits to `word`, or `None` where all are too far; the first one among equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    // Long words need no suggestion, and the distance is quadratic.
    if length > 64 {
        return None;
    }
    let allowed = (length / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(edits, candidate)| edits <= allowed && edits < candidate.chars().count())
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`; letter case is free.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let width = b.len() + 1;
    // rows[i * width + j] is the distance of the first i characters of `a` from the first j of `b`.
    let mut rows = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let removed = rows[(i - 1) * width + j] + 1;
                let added = rows[i * width + j - 1] + 1;
                let swapped = if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    rows[(i - 2) * width + j - 2] + 1
                } else {
                    usize::MAX
                };
                replaced.min(removed).min(added).min(swapped)
            };
        }
    }
    rows[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KEYS: [&str; 4] = ["name", "doc", "params", "overflow"];

    #[test]
    fn slips_of_the_keyboard_are_recognised() {
        for (typed, meant) in [
            ("nmae", "name"),
            ("Name", "name"),
            ("parms", "params"),
            ("overlow", "overflow"),
            ("docs", "doc"),
        ] {
            assert_eq!(nearest(typed, KEYS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn other_words_are_left_alone() {
        for typed in ["", "x", "returns", "zzzzzzzz"] {
            assert_eq!(nearest(typed, KEYS), None, "{typed}");
        }
    }
}
