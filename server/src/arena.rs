//! The arena application: the routes of HttpArena, by which servers are compared.

mod dataset;
mod handicap;
mod item;

pub(crate) use dataset::Dataset;
pub(crate) use handicap::Handicap;

use std::sync::Arc;

use orthant::{
    Answer, Buffers, Handler, Head, MediaType, Method, Out, Outcome, Piece, Plan, Request, Status,
};

const TEXT: &MediaType = &MediaType::TEXT;
const JSON: &MediaType = &MediaType::JSON;
const OCTETS: &MediaType = &MediaType::OCTETS;

/// Content up to here is echoed in one piece, more is streamed from where it was collected.
const ECHO_AT_ONCE_BYTES: usize = 3 * 1024;

/// The application; a copy per worker, with the data set shared by all.
#[derive(Clone)]
pub(crate) struct Arena {
    dataset: Arc<Dataset>,
    handicap: Handicap,
}

/// The longest delay: a parked request holds its connection.
const DELAY_MS_MAX: i64 = 60_000;

/// What is kept of one request.
#[derive(Default)]
pub(crate) struct Progress {
    /// Counted by `/upload`, or already echoed by `/echo`.
    bytes: usize,
    /// `/delay` has waited.
    delayed: bool,
}

/// The routes, with what they take from the path.
#[derive(Clone, Copy)]
enum Route<'a> {
    Baseline,
    Pipeline,
    Json(&'a [u8]),
    Upload,
    Echo,
    Delay(&'a [u8]),
    Health,
}

impl Arena {
    pub(crate) fn new(dataset: Dataset) -> Arena {
        Arena {
            dataset: Arc::new(dataset),
            handicap: Handicap::default(),
        }
    }

    pub(crate) fn handicapped(self, handicap: Handicap) -> Arena {
        Arena { handicap, ..self }
    }

    fn json(&self, count: &[u8], query: &[u8], answer: Answer<'_, impl Buffers>) -> Outcome {
        let Some(items) = number(count).and_then(|count| self.dataset.first(count as usize)) else {
            return answer.empty(Status::NOT_FOUND);
        };
        let multiplier = match values(query).find(|(name, _)| *name == b"m") {
            None => Some(1),
            Some((_, value)) => number(value).and_then(|value| u64::try_from(value).ok()),
        };
        let Some(multiplier) = multiplier else {
            return answer.empty(Status::BAD_REQUEST);
        };
        let bytes_max = self.dataset.bytes_max(items.len());
        answer.write(Status::OK, JSON, bytes_max, |out| {
            item::write_all(items, multiplier, out)
        })
    }
}

impl Handler for Arena {
    type Exchange = Progress;

    /// Only what is counted may be longer than the largest content.
    fn on_head(&mut self, head: &Head<'_>, _: &mut Progress) -> Plan {
        match route(head.path()) {
            Some(Route::Upload) => Plan::Stream,
            _ => Plan::Collect,
        }
    }

    fn on_content(&mut self, piece: &[u8], progress: &mut Progress) {
        progress.bytes += piece.len();
    }

    // The worker exists twice, with an access log and without, and the compiler inlines nothing that is called twice.
    #[inline(always)]
    fn on_request(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        self.handicap.bear();
        let head = &request.head;
        let Some(route) = route(head.path()) else {
            return nowhere(head, answer);
        };
        match (route, head.method) {
            (Route::Pipeline, Method::Get | Method::Head) => answer.send(Status::OK, TEXT, b"ok"),
            (Route::Baseline, Method::Get | Method::Head | Method::Post) => {
                send_number(sum(head.query(), request.content), answer)
            }
            (Route::Json(count), Method::Get | Method::Head) => {
                self.json(count, head.query(), answer)
            }
            (Route::Upload, Method::Post) => send_number(progress.bytes as i64, answer),
            (Route::Echo, Method::Post) if request.content.len() <= ECHO_AT_ONCE_BYTES => {
                answer.send(Status::OK, OCTETS, request.content)
            }
            (Route::Echo, Method::Post) => {
                answer.stream(Status::OK, OCTETS, Some(request.content.len() as u64))
            }
            (Route::Delay(ms), Method::Get | Method::Head) => delay(ms, progress, answer),
            (Route::Health, Method::Get | Method::Head) => answer.empty(Status::NO_CONTENT),
            (_, method) if !method.is_recognized() => answer.empty(Status::NOT_IMPLEMENTED),
            (route, _) => answer
                .fields(&[("Allow", route.allowed())])
                .empty(Status::METHOD_NOT_ALLOWED),
        }
    }

    /// The rest of a large echo.
    fn on_room(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        out: &mut Out<'_>,
    ) -> Piece {
        let rest = &request.content[progress.bytes..];
        let piece = &rest[..rest.len().min(out.left())];
        out.bytes(piece);
        progress.bytes += piece.len();
        if piece.len() == rest.len() {
            Piece::End
        } else {
            Piece::More
        }
    }
}

impl Route<'_> {
    /// What a 405 tells (RFC 9110 §15.5.6).
    fn allowed(self) -> &'static str {
        match self {
            Route::Baseline => "GET, HEAD, POST",
            Route::Upload | Route::Echo => "POST",
            Route::Pipeline | Route::Json(_) | Route::Delay(_) | Route::Health => "GET, HEAD",
        }
    }
}

#[inline]
fn route(path: &[u8]) -> Option<Route<'_>> {
    Some(match path {
        b"/baseline11" => Route::Baseline,
        b"/pipeline" => Route::Pipeline,
        b"/upload" => Route::Upload,
        b"/echo" => Route::Echo,
        b"/healthz" => Route::Health,
        _ => match path.strip_prefix(b"/json/") {
            Some(count) => Route::Json(count),
            None => Route::Delay(path.strip_prefix(b"/delay/")?),
        },
    })
}

/// What is asked of no route: of the server as a whole, of a proxy that it is not, or of nothing.
fn nowhere(head: &Head<'_>, answer: Answer<'_, impl Buffers>) -> Outcome {
    match head.method {
        // RFC 9110 §9.3.7.
        Method::Options if head.path() == b"*" => answer
            .fields(&[("Allow", "GET, HEAD, POST, OPTIONS")])
            .empty(Status::NO_CONTENT),
        // RFC 9110 §9.1: no route has it.
        Method::Other(_) => answer.empty(Status::NOT_IMPLEMENTED),
        _ => answer.empty(Status::NOT_FOUND),
    }
}

/// `ok` after so many milliseconds.
fn delay(ms: &[u8], progress: &mut Progress, answer: Answer<'_, impl Buffers>) -> Outcome {
    match number(ms).filter(|ms| (0..=DELAY_MS_MAX).contains(ms)) {
        None => answer.empty(Status::NOT_FOUND),
        Some(ms) if !std::mem::replace(&mut progress.delayed, true) => answer.park_ms(ms as u64),
        Some(_) => answer.send(Status::OK, TEXT, b"ok"),
    }
}

fn send_number(number: i64, answer: Answer<'_, impl Buffers>) -> Outcome {
    answer.send(
        Status::OK,
        TEXT,
        itoa::Buffer::new().format(number).as_bytes(),
    )
}

/// The sum of the integers in the query and of the one in the content; what is no integer counts nothing.
fn sum(query: &[u8], content: &[u8]) -> i64 {
    let in_query = values(query).filter_map(|(_, value)| number(value));
    in_query
        .chain(number(content.trim_ascii()))
        .fold(0, i64::wrapping_add)
}

/// The names and values of a query.
fn values(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|&byte| byte == b'&').map(|pair| {
        let end = pair
            .iter()
            .position(|&byte| byte == b'=')
            .unwrap_or(pair.len());
        (&pair[..end], pair.get(end + 1..).unwrap_or_default())
    })
}

/// A whole number in decimal digits, perhaps with a minus sign; `None` for anything else and beyond 64 bits.
fn number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0i64, |number, &digit| {
        let digit = (digit as char).to_digit(10)?;
        number.checked_mul(10)?.checked_add(i64::from(digit))
    })?;
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests;
