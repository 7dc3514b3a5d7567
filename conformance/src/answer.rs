//! Reads answers strictly (RFC 9112 §4–§7): what a careful client would not read as an answer is none, and it is said why.
//!
//! It is slow, obvious, and of this package's own. It reads all bytes of a connection at once, and again when more came.

/// The answers on one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The statuses of the interim answers (1xx).
    pub interims: Vec<u16>,
    /// The final answers; the last one may be incomplete.
    pub finals: Vec<Answer>,
    /// Why the bytes behind them are no answer.
    pub fault: Option<&'static str>,
}

/// A final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its fields in their order, the names in lower case.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Its content, the chunked coding taken off.
    pub content: Vec<u8>,
    /// Whether all of it is there.
    pub complete: bool,
}

/// Whether more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// It can.
    Open,
    /// It cannot.
    Closed,
}

impl Answers {
    /// How many final answers are complete.
    #[must_use]
    pub fn complete(&self) -> usize {
        self.finals.iter().filter(|answer| answer.complete).count()
    }
}

impl Answer {
    /// The values of the fields of a name in lower case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| &value[..])
    }
}

/// Reads all answers in `bytes`; `method` is that of the request at a place, by which content may be left out.
pub fn read<'m>(bytes: &[u8], peer: Peer, method: impl Fn(usize) -> &'m str) -> Answers {
    let mut answers = Answers::default();
    let mut rest = Rest(bytes);
    while !rest.0.is_empty() && answers.fault.is_none() {
        let head = match rest.head() {
            Ok(Some(head)) => head,
            Ok(None) => {
                answers.fault =
                    (peer == Peer::Closed).then_some("the head of an answer is cut off");
                break;
            }
            Err(fault) => {
                answers.fault = Some(fault);
                break;
            }
        };
        if head.status < 200 {
            answers.interims.push(head.status);
            if head.status == 101 {
                break;
            }
            continue;
        }
        let mut answer = Answer {
            status: head.status,
            content: Vec::new(),
            complete: false,
            fields: head.fields,
        };
        match rest.content(&mut answer, method(answers.finals.len()), peer) {
            Ok(()) => {}
            Err(fault) => answers.fault = Some(fault),
        }
        let is_last = !answer.complete;
        answers.finals.push(answer);
        if is_last {
            break;
        }
    }
    answers
}

struct Head {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
}

/// How the end of a content is found (RFC 9112 §6.3).
enum Framing {
    None,
    Length(usize),
    Chunked,
    ToClose,
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// A whole head; none where it is not all there.
    fn head(&mut self) -> Result<Option<Head>, &'static str> {
        let start = &self.0[..self.0.len().min(5)];
        if !b"HTTP/".starts_with(start) {
            return Err("an answer does not begin with HTTP/");
        }
        let Some(end) = find(self.0, b"\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = split_lines(&self.0[..end]);
        let status = status(lines.next().unwrap_or_default())?;
        let fields = lines.map(field).collect::<Result<Vec<_>, _>>()?;
        self.0 = &self.0[end + 4..];
        let framed =
            |(name, _): &(String, Vec<u8>)| name == "content-length" || name == "transfer-encoding";
        if (status < 200 || status == 204) && fields.iter().any(framed) {
            return Err("an answer without content says how its content is framed");
        }
        Ok(Some(Head { status, fields }))
    }

    /// The content behind the head of an answer, as far as it is there.
    fn content(
        &mut self,
        answer: &mut Answer,
        method: &str,
        peer: Peer,
    ) -> Result<(), &'static str> {
        match framing(answer, method)? {
            Framing::None => answer.complete = true,
            Framing::Length(length) => {
                answer.content = self.take(length).to_vec();
                answer.complete = answer.content.len() == length;
            }
            Framing::Chunked => answer.complete = self.chunks(&mut answer.content)?,
            Framing::ToClose => {
                answer.content = self.take(usize::MAX).to_vec();
                answer.complete = peer == Peer::Closed;
            }
        }
        Ok(())
    }

    /// Chunks and the trailer section (RFC 9112 §7.1); whether all of them are there.
    fn chunks(&mut self, content: &mut Vec<u8>) -> Result<bool, &'static str> {
        loop {
            let Some(line) = self.line() else {
                return Ok(false);
            };
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
            let size = hexadecimal(digits).ok_or("the size of a chunk is none")?;
            if size == 0 {
                return self.trailers();
            }
            content.extend_from_slice(self.take(size.min(self.0.len())));
            match self.0 {
                [b'\r', b'\n', rest @ ..] => self.0 = rest,
                [] | [b'\r'] => return Ok(false),
                _ => return Err("a chunk does not end where its size says"),
            }
        }
    }

    fn trailers(&mut self) -> Result<bool, &'static str> {
        loop {
            match self.line() {
                None => return Ok(false),
                Some([]) => return Ok(true),
                Some(line) => field(line)?,
            };
        }
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = find(self.0, b"\r\n")?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        Some(line)
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// `HTTP/1.1 200 OK`; the space before the reason stands even where there is none (RFC 9112 §4).
fn status(line: &[u8]) -> Result<u16, &'static str> {
    let fault = "a status line is none";
    let (version, rest) = line.split_at_checked(9).ok_or(fault)?;
    let (code, reason) = rest.split_at_checked(3).ok_or(fault)?;
    let is_version = matches!(version, b"HTTP/1.1 " | b"HTTP/1.0 ");
    let is_reason = reason.first() == Some(&b' ') && reason.iter().all(|&byte| is_text(byte));
    let code = std::str::from_utf8(code)
        .ok()
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let status = code
        .and_then(|code| code.parse().ok())
        .filter(|code| (100..600).contains(code));
    status.filter(|_| is_version && is_reason).ok_or(fault)
}

/// A field line (RFC 9112 §5): no space before the colon, no folding, no control characters.
fn field(line: &[u8]) -> Result<(String, Vec<u8>), &'static str> {
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a field line has no colon")?);
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return Err("the name of a field is no token");
    }
    let value = value[1..].trim_ascii();
    if !value.iter().all(|&byte| is_text(byte)) {
        return Err("the value of a field holds a control character");
    }
    Ok((
        String::from_utf8_lossy(name).to_ascii_lowercase(),
        value.to_vec(),
    ))
}

fn framing(answer: &Answer, method: &str) -> Result<Framing, &'static str> {
    let codings: Vec<&[u8]> = answer.values("transfer-encoding").collect();
    let lengths: Vec<&[u8]> = answer.values("content-length").collect();
    if !codings.is_empty() && !lengths.is_empty() {
        return Err("Content-Length and Transfer-Encoding stand in one answer");
    }
    let length = match lengths[..] {
        [] => None,
        [length] if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            let digits = std::str::from_utf8(length).unwrap_or_default();
            Some(digits.parse().map_err(|_| "Content-Length is too large")?)
        }
        _ => return Err("Content-Length is no single number"),
    };
    let is_chunked = match codings[..] {
        [] => false,
        [coding] if coding.eq_ignore_ascii_case(b"chunked") => true,
        _ => return Err("a transfer coding was used that nobody asked for"),
    };
    Ok(match length {
        _ if method == "HEAD" || matches!(answer.status, 204 | 304) => Framing::None,
        Some(length) => Framing::Length(length),
        None if is_chunked => Framing::Chunked,
        None => Framing::ToClose,
    })
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    usize::from_str_radix(digits, 16).ok()
}

fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = find(bytes, b"\r\n");
        rest = end.map(|end| &bytes[end + 2..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests;
