//! Reads chunks the slow way (RFC 9112 §7.1): each time from the first one on, line by line.

use orthant_core::Limits;

use super::request::{find, is_tchar, is_token, is_value};

/// RFC 9112 §7.1: the content, and how many bytes its coding takes, once all of it is there.
pub(super) fn chunks(
    bytes: &[u8],
    content_bytes_max: u64,
    limits: &Limits,
) -> Result<Option<(Vec<u8>, usize)>, Vec<u16>> {
    let (mut at, mut content, mut extensions) = (0, Vec::new(), 0);
    loop {
        let Some(line_bytes) = find(&bytes[at..], b"\r\n") else {
            return unended(&bytes[at..], extensions, limits);
        };
        let line = &bytes[at..at + line_bytes];
        let size = chunk_size(line, &mut extensions, limits)?;
        at += line_bytes + 2;
        if size == 0 {
            break;
        }
        let left = content_bytes_max - content.len() as u64;
        let come = (bytes.len() - at) as u64;
        // What a chunk announces counts before it comes.
        if size > left {
            return Err(vec![413]);
        }
        if come < size {
            return Ok(None);
        }
        content.extend_from_slice(&bytes[at..at + size as usize]);
        at += size as usize;
        match &bytes[at..] {
            [b'\r', b'\n', ..] => at += 2,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(vec![400]),
        }
    }
    let mut trailers = 0;
    loop {
        let rest = &bytes[at..];
        if rest.starts_with(b"\r\n") {
            return Ok(Some((content, at + 2)));
        }
        let Some(line_bytes) = find(rest, b"\r\n") else {
            // The beginning of the empty line that ends them is none of them.
            let come = if rest == b"\r" { 0 } else { rest.len() };
            let over = trailers + come > limits.trailer_bytes_max;
            let bad = rest.iter().any(|byte| !is_value(*byte) && *byte != b'\r');
            return match over || bad {
                true => Err(vec![431, 400]),
                false => Ok(None),
            };
        };
        let line = &rest[..line_bytes];
        trailers += line_bytes + 2;
        let colon = line.iter().position(|byte| *byte == b':');
        let fits = colon.is_some_and(|at| {
            is_token(&line[..at]) && line[at..].iter().all(|byte| is_value(*byte))
        });
        match (fits, trailers > limits.trailer_bytes_max) {
            (true, true) => return Err(vec![431]),
            (false, true) => return Err(vec![400, 431]),
            (false, false) => return Err(vec![400]),
            (true, false) => at += line_bytes + 2,
        }
    }
}

/// A line of a size that has not come to its end: it may be too long, or no such line, already.
fn unended(
    line: &[u8],
    extensions: usize,
    limits: &Limits,
) -> Result<Option<(Vec<u8>, usize)>, Vec<u16>> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let fits = match &line[digits..] {
        [] => true,
        [b'\r'] => digits > 0,
        [b';', rest @ ..] => {
            let rest_fits = rest.iter().all(|byte| is_value(*byte) || *byte == b'\r');
            digits > 0 && rest_fits && extensions + rest.len() <= limits.chunk_extension_bytes_max
        }
        _ => false,
    };
    if fits && digits <= 16 {
        Ok(None)
    } else {
        Err(vec![400])
    }
}

fn chunk_size(line: &[u8], extensions: &mut usize, limits: &Limits) -> Result<u64, Vec<u16>> {
    let bad = || vec![400];
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if digits == 0 || digits > 16 {
        return Err(bad());
    }
    let text = std::str::from_utf8(&line[..digits]).map_err(|_| bad())?;
    let size = u64::from_str_radix(text, 16).map_err(|_| bad())?;
    if digits < line.len() {
        // What stands behind the semicolon counts, the end of the line too.
        *extensions += line.len() - digits;
        if *extensions > limits.chunk_extension_bytes_max || !are_extensions(&line[digits..]) {
            return Err(bad());
        }
    }
    Ok(size)
}

/// RFC 9112 §7.1.1: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, without white space before the first
/// semicolon nor behind the last extension.
fn are_extensions(text: &[u8]) -> bool {
    let space = |mut text: &[u8]| {
        let full = text.len();
        while let [b' ' | b'\t', rest @ ..] = text {
            text = rest;
        }
        full - text.len()
    };
    let token = |text: &[u8]| text.iter().take_while(|byte| is_tchar(**byte)).count();
    let mut rest = text;
    while let [b';', after @ ..] = rest {
        let after = &after[space(after)..];
        let name = token(after);
        if name == 0 {
            return false;
        }
        rest = &after[name..];
        let spaced = &rest[space(rest)..];
        if let [b'=', value @ ..] = spaced {
            let value = &value[space(value)..];
            let bytes = if value.first() == Some(&b'"') {
                quoted(value)
            } else {
                token(value)
            };
            if bytes == 0 {
                return false;
            }
            rest = &value[bytes..];
        }
        let spaced = &rest[space(rest)..];
        if spaced.first() == Some(&b';') {
            rest = spaced;
        }
    }
    rest.is_empty()
}

/// The bytes of the quoted string at the front; 0 where it is none.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') if text.get(at + 1).is_some_and(|byte| is_value(*byte)) => at += 2,
            Some(byte) if is_value(*byte) && *byte != b'\\' => at += 1,
            _ => return 0,
        }
    }
}
