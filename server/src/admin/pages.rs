//! What the admin address answers: `/metrics` and `/healthz`.

use std::sync::Arc;

use orthant_core::{
    Answer, Buffers, Handler, Head, MediaType, Method, Out, Outcome, Piece, Plan, Request, Status,
};

use crate::design::Design;
use crate::metrics;
use crate::watch::Watch;

const METRICS: &MediaType = &MediaType::new(metrics::MEDIA_TYPE);

/// The pages, of one server.
pub(super) struct Pages {
    pub(super) watch: Arc<Watch>,
    pub(super) design: Design,
}

/// A text on its way: what is left of it begins at `sent`.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    sent: usize,
}

impl Handler for Pages {
    type Exchange = Text;

    /// No page looks at content.
    fn on_head(&mut self, _: &Head<'_>, _: &mut Text) -> Plan {
        Plan::Stream
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        page: &mut Text,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        let reads = matches!(request.head.method, Method::Get | Method::Head);
        match request.head.path() {
            _ if matches!(request.head.method, Method::Other(_)) => {
                answer.empty(Status::NOT_IMPLEMENTED)
            }
            b"/metrics" | b"/healthz" if !reads => answer
                .fields(&[("Allow", "GET, HEAD")])
                .empty(Status::METHOD_NOT_ALLOWED),
            b"/metrics" => {
                if page.text.is_empty() {
                    page.text = metrics::text(&self.watch, &self.design);
                }
                let bytes = page.text.len() as u64;
                answer.stream(Status::OK, METRICS, Some(bytes))
            }
            b"/healthz" if self.watch.is_stopping() => answer.empty(Status::UNAVAILABLE),
            b"/healthz" => answer.empty(Status::NO_CONTENT),
            _ => answer.empty(Status::NOT_FOUND),
        }
    }

    fn on_room(&mut self, _: &Request<'_>, page: &mut Text, out: &mut Out<'_>) -> Piece {
        let rest = &page.text.as_bytes()[page.sent..];
        let piece = &rest[..rest.len().min(out.left())];
        out.bytes(piece);
        page.sent += piece.len();
        if page.sent == page.text.len() {
            Piece::End
        } else {
            Piece::More
        }
    }
}
