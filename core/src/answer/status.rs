//! Status codes (RFC 9110 §15) and their lines.

/// A status code.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    code: u16,
    line: &'static [u8],
}

impl PartialEq for Status {
    fn eq(&self, other: &Status) -> bool {
        self.code == other.code
    }
}

impl Eq for Status {}

macro_rules! statuses {
    ($($name:ident $code:literal $reason:literal)*) => {
        impl Status {
            $(
                #[doc = concat!("`", $code, " ", $reason, "`")]
                pub const $name: Status =
                    Status { code: $code, line: concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n").as_bytes() };
            )*
        }
    };
}

statuses! {
    OK 200 "OK"
    CREATED 201 "Created"
    ACCEPTED 202 "Accepted"
    NO_CONTENT 204 "No Content"
    MOVED_PERMANENTLY 301 "Moved Permanently"
    FOUND 302 "Found"
    SEE_OTHER 303 "See Other"
    NOT_MODIFIED 304 "Not Modified"
    TEMPORARY_REDIRECT 307 "Temporary Redirect"
    PERMANENT_REDIRECT 308 "Permanent Redirect"
    BAD_REQUEST 400 "Bad Request"
    UNAUTHORIZED 401 "Unauthorized"
    FORBIDDEN 403 "Forbidden"
    NOT_FOUND 404 "Not Found"
    METHOD_NOT_ALLOWED 405 "Method Not Allowed"
    REQUEST_TIMEOUT 408 "Request Timeout"
    CONFLICT 409 "Conflict"
    GONE 410 "Gone"
    LENGTH_REQUIRED 411 "Length Required"
    PRECONDITION_FAILED 412 "Precondition Failed"
    CONTENT_TOO_LARGE 413 "Content Too Large"
    URI_TOO_LONG 414 "URI Too Long"
    UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type"
    EXPECTATION_FAILED 417 "Expectation Failed"
    UNPROCESSABLE_CONTENT 422 "Unprocessable Content"
    TOO_MANY_REQUESTS 429 "Too Many Requests"
    FIELDS_TOO_LARGE 431 "Request Header Fields Too Large"
    INTERNAL_ERROR 500 "Internal Server Error"
    NOT_IMPLEMENTED 501 "Not Implemented"
    BAD_GATEWAY 502 "Bad Gateway"
    UNAVAILABLE 503 "Service Unavailable"
    GATEWAY_TIMEOUT 504 "Gateway Timeout"
    VERSION_NOT_SUPPORTED 505 "HTTP Version Not Supported"
}

impl Status {
    /// The three digits as a number.
    pub const fn code(self) -> u16 {
        self.code
    }

    /// Whether an answer of this status may have content (RFC 9110 §6.4.1).
    pub const fn has_content(self) -> bool {
        !matches!(self.code, 204 | 304)
    }

    /// The status line, its end included.
    pub(crate) const fn line(self) -> &'static [u8] {
        self.line
    }
}
