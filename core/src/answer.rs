//! Writing an answer (RFC 9112 §4, §6): room is asked for first, then head and content go into it in one pass.
//!
//! An [`Answer`] is used up by answering. What comes back is an [`Outcome`], which the handler returns to the core: there is
//! no way to answer twice, and none to forget it.

mod media;
mod status;

pub use media::MediaType;
pub use status::Status;

use crate::buffers::{Buffers, Pool, Reserve};
use crate::clock::Opening;
use crate::counters::Counters;
use crate::error::Fault;
use crate::head::{Method, Version};
use crate::limits::ANSWER_HEAD_BYTES_MAX;
use crate::out::Out;
use crate::scan;
use crate::slab::Id;

/// Proof that a request has been answered, or the reason why it has not been yet.
pub type Outcome = Result<Answered, Unanswered>;

/// The answer has been written, or begun as a stream.
#[derive(Debug)]
#[must_use = "a handler returns it"]
pub struct Answered {
    /// Whether the connection persists after it.
    pub(crate) persists: bool,
    pub(crate) stream: Option<Stream>,
    pub(crate) written: Written,
}

/// What has been written of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) code: u16,
    /// Of content, without what frames it.
    pub(crate) bytes: u64,
}

impl Answered {
    /// The status.
    pub fn status(&self) -> u16 {
        self.written.code
    }

    /// Bytes of content that were written: none for HEAD, and none yet of a stream.
    pub fn content_bytes(&self) -> u64 {
        self.written.bytes
    }
}

/// How a streamed answer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// So many bytes are to come.
    Length(u64),
    /// Pieces go out as chunks.
    Chunked,
    /// The end of the connection ends it: the peer speaks HTTP/1.0.
    ToClose,
}

/// The request has not been answered and will be presented again.
#[derive(Debug)]
#[must_use = "a handler returns it"]
pub struct Unanswered(pub(crate) Hold);

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// That everything pending is sent.
    Flush,
    /// That another connection returns a region.
    Region,
    /// That it is resumed, or that this time has come.
    Parked(Option<u64>),
    /// Nothing: it fails.
    Fault(Fault),
}

/// What of the request decides the form of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) version: Version,
    /// An answer to HEAD has a head alone.
    pub(crate) head_only: bool,
    /// What the request asks for.
    pub(crate) persists: bool,
    /// The version's default is otherwise, or the server wants it otherwise: the answer has to say so.
    pub(crate) says_connection: bool,
}

impl Form {
    #[inline(always)]
    pub(crate) fn new(method: Method<'_>, version: Version, persists: bool) -> Form {
        Form {
            version,
            head_only: method == Method::Head,
            persists,
            says_connection: !persists || version == Version::Http10,
        }
    }

    /// Of a request that begins so and cannot be served: what follows the answer's head would be taken for the next
    /// answer by whoever sent HEAD (RFC 9110 §9.3.2), even where the rest of the request is none.
    #[cold]
    pub(crate) fn of_refusal(bytes: &[u8]) -> Form {
        let method = match bytes {
            [b'H', b'E', b'A', b'D', b' ', ..] => Method::Head,
            _ => Method::Get,
        };
        Form::new(method, Version::Http11, false)
    }
}

/// The right to answer one request, once.
#[derive(Debug)]
pub struct Answer<'a, B: Buffers> {
    pub(crate) id: Id,
    pub(crate) now_ms: u64,
    pub(crate) form: Form,
    pub(crate) opening: &'a Opening,
    pub(crate) buffers: &'a mut B,
    pub(crate) pool: &'a mut Pool,
    pub(crate) counters: &'a Counters,
    pub(crate) fields: &'a [(&'a str, &'a str)],
}

/// What an answer's head says of its content.
#[derive(Clone, Copy)]
enum Content {
    /// Nothing: 204.
    None,
    Length(usize),
    /// Not known before it is written, but at most this.
    AtMost(usize),
    Stream(Stream),
}

impl<'a, B: Buffers> Answer<'a, B> {
    /// The connection, by which the request can be resumed after [`park`](Answer::park).
    pub fn id(&self) -> Id {
        self.id
    }

    /// Adds these fields to the answer, in this order; the media type is no field of these.
    pub fn fields(self, fields: &'a [(&'a str, &'a str)]) -> Answer<'a, B> {
        Answer { fields, ..self }
    }

    /// Closes the connection after this answer.
    pub fn close(mut self) -> Answer<'a, B> {
        self.form.persists = false;
        self.form.says_connection = true;
        self
    }

    /// Makes sure of room for an answer with at most `content_bytes_max` bytes of content, so that the handler may change
    /// things in the certainty that it can answer.
    ///
    /// # Errors
    /// There is no room now; return it, and the request will be presented again.
    #[inline(always)]
    pub fn room(&mut self, content_bytes_max: usize) -> Result<(), Unanswered> {
        let fields: usize = self
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        let hold = match self.buffers.reserve(
            ANSWER_HEAD_BYTES_MAX + fields + content_bytes_max,
            self.pool,
        ) {
            Reserve::Ready => return Ok(()),
            Reserve::Flush => Hold::Flush,
            Reserve::Wait => Hold::Region,
            Reserve::TooLarge => Hold::Fault(Fault::Application),
        };
        Err(Unanswered(hold))
    }

    /// Answers with this content.
    #[inline]
    pub fn send(mut self, status: Status, media_type: &MediaType, content: &[u8]) -> Outcome {
        let shown = if self.form.head_only { &[] } else { content };
        self.room(shown.len())?;
        self.head(status, Some(media_type), Content::Length(content.len()))?;
        self.buffers.region().extend_from_slice(shown);
        self.done(status, shown.len())
    }

    /// Answers with what `write` writes, at most `bytes_max` bytes, in place: nothing is copied, and the content need not
    /// be measured beforehand, since its length is filled in afterwards.
    #[inline]
    pub fn write(
        mut self,
        status: Status,
        media_type: &MediaType,
        bytes_max: usize,
        write: impl FnOnce(&mut Out<'_>),
    ) -> Outcome {
        self.room(bytes_max)?;
        let start = self.buffers.region().len();
        let length_at = self.head(status, Some(media_type), Content::AtMost(bytes_max))?;
        let region = self.buffers.region();
        let content_at = region.len();
        let mut out = Out::new(region, bytes_max);
        write(&mut out);
        if out.overflowed() {
            region.truncate(start);
            return Err(Unanswered(Hold::Fault(Fault::Application)));
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(region.len() - content_at).as_bytes();
        region[length_at - digits.len()..length_at].copy_from_slice(digits);
        if self.form.head_only {
            region.truncate(content_at);
        }
        let shown = region.len() - content_at;
        self.done(status, shown)
    }

    /// Answers without content; the head says `Content-Length: 0` where the status allows content.
    pub fn empty(mut self, status: Status) -> Outcome {
        self.room(0)?;
        let content = if status.has_content() {
            Content::Length(0)
        } else {
            Content::None
        };
        self.head(status, None, content)?;
        self.done(status, 0)
    }

    /// Begins an answer whose content [`Handler::on_room`](crate::Handler::on_room) writes as it can be sent: `length`
    /// bytes, or, where that is not known, as many as come.
    pub fn stream(
        mut self,
        status: Status,
        media_type: &MediaType,
        length: Option<u64>,
    ) -> Outcome {
        self.room(0)?;
        let stream = match (length, self.form.version) {
            (Some(length), _) => Stream::Length(length),
            (None, Version::Http11) => Stream::Chunked,
            (None, Version::Http10) => {
                self = self.close();
                Stream::ToClose
            }
        };
        self.head(status, Some(media_type), Content::Stream(stream))?;
        self.counters.request(status);
        let over = self.form.head_only || stream == Stream::Length(0);
        Ok(Answered {
            persists: self.form.persists,
            stream: (!over).then_some(stream),
            written: Written {
                code: status.code(),
                bytes: 0,
            },
        })
    }

    /// Puts the request aside until the worker's `resume` is called with this connection's id.
    pub fn park(self) -> Outcome {
        Err(Unanswered(Hold::Parked(None)))
    }

    /// Puts the request aside for so long, or until it is resumed.
    pub fn park_ms(self, delay_ms: u64) -> Outcome {
        Err(Unanswered(Hold::Parked(Some(
            self.now_ms.saturating_add(delay_ms),
        ))))
    }

    #[inline]
    fn done(self, status: Status, bytes: usize) -> Outcome {
        self.counters.request(status);
        Ok(Answered {
            persists: self.form.persists,
            stream: None,
            written: Written {
                code: status.code(),
                bytes: bytes as u64,
            },
        })
    }

    /// Writes the head into room that was asked for. Returns where the digits of the length end.
    #[inline(always)]
    fn head(
        &mut self,
        status: Status,
        media_type: Option<&MediaType>,
        content: Content,
    ) -> Result<usize, Unanswered> {
        if !self.fields.is_empty() {
            check_fields(self.fields)?;
        }
        if !status.has_content() && !matches!(content, Content::None) {
            // What followed would be read as the next answer (RFC 9112 §6.3).
            return Err(Unanswered(Hold::Fault(Fault::Application)));
        }
        let region = self.buffers.region();
        if status == Status::OK {
            region.extend_from_slice(self.opening.ok());
        } else {
            region.extend_from_slice(status.line());
            region.extend_from_slice(self.opening.date());
        }
        if self.form.says_connection {
            let option: &[u8] = if self.form.persists {
                b"Connection: keep-alive\r\n"
            } else {
                b"Connection: close\r\n"
            };
            region.extend_from_slice(option);
        }
        for (name, value) in self.fields {
            for piece in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                region.extend_from_slice(piece);
            }
        }
        Ok(match (content, media_type) {
            (Content::Length(length) | Content::AtMost(length), Some(media_type)) => {
                media_type.write_with_length(region);
                write_length(region, length, content)
            }
            (Content::Length(length), None) => {
                region.extend_from_slice(b"Content-Length: ");
                write_length(region, length, content)
            }
            (content, media_type) => write_rare(region, content, media_type),
        })
    }
}

/// Writes a length, or room for one, and the end of the head. Returns where the digits end.
#[inline(always)]
fn write_length(region: &mut Vec<u8>, length: usize, content: Content) -> usize {
    match content {
        Content::AtMost(_) => {
            // White space before a value is no part of it (RFC 9112 §5), so the digits may come later.
            let width = itoa::Buffer::new().format(length).len();
            region.extend_from_slice(&[b' '; 20][..width]);
        }
        _ if length < 10 => region.push(b'0' + length as u8),
        _ => region.extend_from_slice(itoa::Buffer::new().format(length).as_bytes()),
    }
    let end = region.len();
    region.extend_from_slice(b"\r\n\r\n");
    end
}

/// The same for an answer without content, and for one whose content comes as a stream.
fn write_rare(region: &mut Vec<u8>, content: Content, media_type: Option<&MediaType>) -> usize {
    if let Some(media_type) = media_type {
        media_type.write(region);
    }
    match content {
        Content::Stream(Stream::Length(length)) => {
            region.extend_from_slice(b"Content-Length: ");
            region.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            region.extend_from_slice(b"\r\n");
        }
        Content::Stream(Stream::Chunked) => {
            region.extend_from_slice(b"Transfer-Encoding: chunked\r\n")
        }
        _ => {}
    }
    region.extend_from_slice(b"\r\n");
    region.len()
}

/// A value with a line end in it would let its author write fields, and answers, of his own (RFC 9110 §5.5). What frames
/// the message, rules the connection or names the media type is the core's: none of them may come twice.
#[cold]
fn check_fields(fields: &[(&str, &str)]) -> Result<(), Unanswered> {
    let fits = |(name, value): &(&str, &str)| {
        !name.is_empty()
            && ![
                "content-length",
                "content-type",
                "transfer-encoding",
                "connection",
                "date",
            ]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
            && name.bytes().all(scan::is_token)
            && scan::value_end(value.as_bytes(), 0) == value.len()
    };
    if fields.iter().all(fits) {
        Ok(())
    } else {
        Err(Unanswered(Hold::Fault(Fault::Application)))
    }
}
