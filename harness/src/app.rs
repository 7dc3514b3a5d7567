//! The application: a path for each workload, and an answer that says what was done.

use std::io::Write;

use orthant::{Answer, Buffers, Handler, MediaType, Method, Outcome, Request, Status};

use crate::jobs::{Jobs, PATHS};
use crate::memory::Memory;

/// The workloads of one worker.
pub(crate) struct App<M: Memory> {
    jobs: Jobs<M>,
}

impl<M: Memory> App<M> {
    pub(crate) const NEW: App<M> = App { jobs: Jobs::NONE };
}

impl<M: Memory> Clone for App<M> {
    /// Each worker begins its own.
    fn clone(&self) -> App<M> {
        App::NEW
    }
}

impl<M: Memory> Handler for App<M> {
    type Exchange = ();

    fn on_request(
        &mut self,
        request: &Request<'_>,
        (): &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        if request.head.method != Method::Get {
            return answer
                .fields(&[("Allow", "GET")])
                .empty(Status::METHOD_NOT_ALLOWED);
        }
        let Some(done) = self.jobs.go_on(request.head.path()) else {
            let known = format!("ask for {}\n", PATHS.join(", "));
            return answer.send(Status::NOT_FOUND, &MediaType::TEXT, known.as_bytes());
        };
        // Two numbers of at most ten digits.
        let mut text = [0; 48];
        let mut rest = &mut text[..];
        writeln!(rest, "{} operations, {} wrong", done.operations, done.wrong)
            .expect("two numbers and two words are shorter");
        let rest_bytes = rest.len();
        let text = &text[..text.len() - rest_bytes];
        answer.send(Status::OK, &MediaType::TEXT, text)
    }
}
