//! Texts of cases as bytes: a character up to U+00FF is one byte, and names in double braces stand for what is known later.

/// The bytes of a text.
///
/// # Panics
/// On a character that is no byte; the texts are ours, and a test reads them all.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).expect("texts of cases stop at U+00FF"))
        .collect()
}

/// The bytes of a text in which `{{host}}` may stand.
pub(crate) fn with_host(text: &str, host: &str) -> Vec<u8> {
    bytes(&text.replace("{{host}}", host))
}

/// Bytes for people, at most so many of them.
pub(crate) fn shown(bytes: &[u8], bytes_max: usize) -> String {
    match bytes.get(..bytes_max) {
        Some(front) if front.len() < bytes.len() => {
            format!("{}… ({} bytes)", front.escape_ascii(), bytes.len())
        }
        _ => bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_a_byte() {
        assert_eq!(bytes("a\u{0}\u{ff}"), b"a\x00\xff");
        assert_eq!(with_host("Host: {{host}}", "h:1"), b"Host: h:1");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(shown(b"a\r\n", 3), "a\\r\\n");
        assert_eq!(shown(b"abcd", 3), "abc… (4 bytes)");
    }
}
