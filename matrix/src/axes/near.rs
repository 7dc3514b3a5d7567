//! Which names somebody may have meant.

/// The three names with the fewest letters to change, the nearest first; ties in the given order.
pub(crate) fn nearest<'a>(text: &str, names: &'a [String]) -> Vec<&'a str> {
    let mut near: Vec<_> = names
        .iter()
        .map(|name| (distance(text, name), name.as_str()))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How many letters must be inserted, removed or replaced to turn one text into the other (Levenshtein's distance).
fn distance(from: &str, to: &str) -> usize {
    // row[j]: the distance between what was read of `from` and the first j bytes of `to`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "abc", 3),
            ("split", "splt", 1),
            ("kitten", "sitting", 3),
            ("a", "a", 0),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_come_first() {
        let names = ["epoll+flat", "epoll+split", "uring+flat", "uring+split"].map(str::to_owned);
        assert_eq!(
            nearest("uring+splt", &names),
            ["uring+split", "uring+flat", "epoll+split"]
        );
    }
}
