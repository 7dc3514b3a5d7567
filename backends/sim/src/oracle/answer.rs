//! Reads answers as a client does, straight from RFC 9112 §4 and §6.

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) length: Option<usize>,
    pub(super) chunked: bool,
    pub(super) tag: Option<u64>,
    pub(super) content: Vec<u8>,
    /// All of it has come; one that lasts until close never has.
    pub(super) whole: bool,
    /// Where its content begins, and where what has come of it ends.
    pub(super) head_end: usize,
    pub(super) end: usize,
}

/// The answer at the front of `bytes`; `None` where its head has not come. `bodiless`: its request was HEAD.
pub(super) fn read(bytes: &[u8], bodiless: bool) -> Result<Option<Answer>, String> {
    let Some(head) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..head]).map_err(|error| error.to_string())?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.split_once(' '))
        .and_then(|(code, _)| code.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| format!("no status line: {status_line:?}"))?,
        head_end: head + 4,
        ..Answer::default()
    };
    let mut dated = false;
    let mut seen: Vec<String> = Vec::new();
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("no field: {line:?}"))?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if seen.contains(&name) {
            return Err(format!("a field stands twice: {line:?}"));
        }
        match name.as_str() {
            "connection" => {
                answer.close = value == "close";
                answer.keep_alive = value == "keep-alive";
            }
            "content-length" => {
                let length = value.parse().map_err(|_| format!("no length: {line:?}"))?;
                answer.length = Some(length);
            }
            "transfer-encoding" => answer.chunked = value == "chunked",
            "x-tag" => answer.tag = value.parse().ok(),
            "date" => dated = is_date(value),
            _ => {}
        }
        seen.push(name);
    }
    if answer.status >= 200 && !dated {
        return Err("no date".to_owned());
    }
    if answer.chunked && answer.length.is_some() {
        return Err("a length beside chunks".to_owned());
    }
    answer.end = answer.head_end;
    let after = &bytes[answer.head_end..];
    if bodiless || answer.status < 200 || matches!(answer.status, 204 | 304) {
        answer.whole = true;
    } else if answer.chunked {
        chunks(after, &mut answer)?;
    } else {
        let come = answer.length.unwrap_or(usize::MAX).min(after.len());
        answer.content = after[..come].to_vec();
        answer.end += come;
        answer.whole = answer.length == Some(come);
    }
    Ok(Some(answer))
}

fn chunks(bytes: &[u8], answer: &mut Answer) -> Result<(), String> {
    let mut at = 0;
    while let Some(line) = find(&bytes[at..], b"\r\n") {
        let digits = std::str::from_utf8(&bytes[at..at + line]).unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).map_err(|_| format!("no size: {digits:?}"))?;
        let data = at + line + 2;
        let come = size.min(bytes.len() - data);
        answer.content.extend_from_slice(&bytes[data..data + come]);
        let ending = &bytes[data + come..];
        if come < size || ending.len() < 2 {
            break;
        }
        if !ending.starts_with(b"\r\n") {
            return Err("a chunk without its end".to_owned());
        }
        at = data + come + 2;
        if size == 0 {
            answer.whole = true;
            answer.end += at;
            return Ok(());
        }
    }
    answer.end += bytes.len();
    Ok(())
}

/// `Sun, 06 Nov 1994 hh:mm:ss GMT`: the day on which every simulation begins.
fn is_date(text: &str) -> bool {
    text.len() == 29 && text.starts_with("Sun, 06 Nov 1994 ") && text.ends_with(" GMT")
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
