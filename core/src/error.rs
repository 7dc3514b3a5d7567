//! What may go wrong, sorted by whose fault it is, and what follows from it: one function maps a fault to the status
//! that answers it, another to the reason for which the connection then closes.

use crate::answer::Status;

/// Makes an enum whose values can be counted: all of them are known, and each has a name for programs.
macro_rules! named {
    ($(#[$about:meta])* pub enum $enum:ident { $($(#[$what:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $enum {
            $($(#[$what])* $value,)*
        }

        impl $enum {
            /// All of them, each at the index that it is as a number.
            pub const ALL: [$enum; [$($name),*].len()] = [$($enum::$value),*];

            /// What programs call it: a label, a word in a log.
            pub const fn name(self) -> &'static str {
                match self {
                    $($enum::$value => $name,)*
                }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// A request that cannot be served. Every fault is answered once and closes the connection: after it nobody can know
    /// where the next request begins.
    pub enum Fault {
        /// The peer's message: the request line is none (RFC 9112 §3).
        RequestLine = "request_line",
        /// The peer's message: it speaks TLS (RFC 8446 §5.1).
        Tls = "tls",
        /// The peer's message: it speaks HTTP/2 (RFC 9113 §3.4).
        Http2 = "http2",
        /// The peer's message: the target has no form that fits its method (RFC 9112 §3.2).
        Target = "target",
        /// The peer's message: a field line is none, or is folded (RFC 9112 §5).
        Field = "field",
        /// The peer's message: no Host, two of them, or an invalid one (RFC 9112 §3.2).
        Host = "host",
        /// The peer's message: its length is stated twice, badly or not at all (RFC 9112 §6).
        Framing = "framing",
        /// The peer's message: a chunk is none, or its extensions never end (RFC 9112 §7.1).
        Chunk = "chunk",
        /// The peer's message: it ended before it was complete (RFC 9112 §8).
        Truncated = "truncated",
        /// The peer's message: a major version other than 1 (RFC 9110 §15.6.6).
        Version = "version",
        /// The peer's message: a transfer coding that we do not know (RFC 9112 §6.1).
        Coding = "coding",
        /// The peer's message: an expectation other than `100-continue` (RFC 9110 §10.1.1).
        Expectation = "expectation",
        /// Our limit: the request line is too long (RFC 9112 §3).
        LineTooLong = "line_too_long",
        /// Our limit: the head, or the trailer section, is too large (RFC 6585 §5).
        HeadTooLarge = "head_too_large",
        /// Our limit: the content is too large (RFC 9110 §15.5.14).
        ContentTooLarge = "content_too_large",
        /// The peer's silence: head or content did not arrive in time (RFC 9110 §15.5.9).
        Silence = "silence",
        /// Our limit: no region came free in time (RFC 9110 §15.6.4).
        Exhausted = "exhausted",
        /// The application: it wrote more than the room it asked for, or an answer that cannot be sent.
        Application = "application",
    }
}

impl Fault {
    /// The status that answers the fault.
    pub const fn status(self) -> Status {
        match self {
            Fault::RequestLine
            | Fault::Tls
            | Fault::Http2
            | Fault::Target
            | Fault::Field
            | Fault::Host
            | Fault::Framing
            | Fault::Chunk
            | Fault::Truncated => Status::BAD_REQUEST,
            Fault::Version => Status::VERSION_NOT_SUPPORTED,
            Fault::Coding => Status::NOT_IMPLEMENTED,
            Fault::Expectation => Status::EXPECTATION_FAILED,
            Fault::LineTooLong => Status::URI_TOO_LONG,
            Fault::HeadTooLarge => Status::FIELDS_TOO_LARGE,
            Fault::ContentTooLarge => Status::CONTENT_TOO_LARGE,
            Fault::Silence => Status::REQUEST_TIMEOUT,
            Fault::Exhausted => Status::UNAVAILABLE,
            Fault::Application => Status::INTERNAL_ERROR,
        }
    }

    /// What the peer is told, in a line: what was wrong and, where it can be said so shortly, what would be right.
    pub const fn sentence(self) -> &'static str {
        match self {
            Fault::RequestLine => "The request line is not: method, target, HTTP/1.1.\n",
            Fault::Tls => {
                "This port speaks plain HTTP/1.1, not TLS: use http://, or the port for https://.\n"
            }
            Fault::Http2 => "This port speaks HTTP/1.1, not HTTP/2.\n",
            Fault::Target => "The target of the request does not fit its method.\n",
            Fault::Field => "A field line is not: name, colon, value.\n",
            Fault::Host => "A request has one Host field, with a host in it.\n",
            Fault::Framing => "The length of the content is not stated once and clearly.\n",
            Fault::Chunk => "The content is not in well-formed chunks.\n",
            Fault::Truncated => "The request ended before it was complete.\n",
            Fault::Version => "The version of a request is HTTP/1.1 or HTTP/1.0.\n",
            Fault::Coding => "The only transfer coding here is chunked.\n",
            Fault::Expectation => "The only expectation here is 100-continue.\n",
            Fault::LineTooLong => "The request line is too long.\n",
            Fault::HeadTooLarge => "The fields of the request are too large or too many.\n",
            Fault::ContentTooLarge => "The content of the request is too large.\n",
            Fault::Silence => "The request did not arrive in time.\n",
            Fault::Exhausted => "The server is busy: try again later.\n",
            Fault::Application => "The server failed to answer the request.\n",
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed, with nothing under way.
    PeerClosed,
    /// The peer asked for it: `Connection: close`, or HTTP/1.0 without keep-alive.
    PeerAsked,
    /// The application, or the form of its answer, made this answer the last.
    LastAnswer,
    /// A request could not be served.
    Refused(Fault),
    /// Nothing was under way for `idle_timeout_ms`.
    Idle,
    /// The peer took no bytes for `send_timeout_ms`, less than the least rate, or too little while others needed its region.
    SlowReader,
    /// The worker is draining.
    Drained,
    /// The kernel, or the peer by a reset, ended it before its time.
    Broken,
}

impl CloseReason {
    /// What programs call each reason, refusals of every fault together: a label, a word in a log.
    pub const NAMES: [&'static str; 8] = [
        "peer_closed",
        "peer_asked",
        "last_answer",
        "refused",
        "idle",
        "slow_reader",
        "drained",
        "broken",
    ];

    /// Where its name stands.
    pub const fn index(self) -> usize {
        match self {
            CloseReason::PeerClosed => 0,
            CloseReason::PeerAsked => 1,
            CloseReason::LastAnswer => 2,
            CloseReason::Refused(_) => 3,
            CloseReason::Idle => 4,
            CloseReason::SlowReader => 5,
            CloseReason::Drained => 6,
            CloseReason::Broken => 7,
        }
    }

    /// What programs call it.
    pub const fn name(self) -> &'static str {
        CloseReason::NAMES[self.index()]
    }

    /// A sentence for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            CloseReason::PeerClosed => "the peer closed the connection",
            CloseReason::PeerAsked => "the peer asked to close after its last request",
            CloseReason::LastAnswer => "the answer was to be the last one",
            CloseReason::Refused(_) => "a request could not be served",
            CloseReason::Idle => "no request came for the idle timeout",
            CloseReason::SlowReader => "the peer read nothing, or too slowly, for the send timeout",
            CloseReason::Drained => "the server is stopping",
            CloseReason::Broken => "the connection was reset",
        }
    }
}
