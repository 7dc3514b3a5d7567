//! hyper behind the routes of the probe and of the arena: a peer, started in the way in which the matrix starts designs.
//!
//! It is what a careful user of hyper writes: a thread, a runtime and a listener per worker, a timer so that hyper's own
//! time-outs hold, for the arena answers to pipelined requests in one write, no other setting changed. Nothing of Orthant
//! is in it, and of the arena's routes only what workloads and most cases ask for.
//!
//! ```text
//! orthant-peer-hyper --listen 127.0.0.1:0 --workers 1 --app probe
//! ```

mod arena;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION};
use hyper::http::HeaderValue;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use orthant_routes::{App, CONTENT_BYTES_MAX, METHODS, reply, started};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

const NAME: &str = "orthant-peer-hyper";

type Answer = Response<Full<Bytes>>;

fn main() -> io::Result<()> {
    started(NAME, serve)
}

/// Serves for as long as the process lives.
fn serve(listener: TcpListener, app: App) -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new());
        if matches!(app, App::Arena) {
            // For the probe it would keep back the 400 to what cannot be parsed: hyper 1.12 flushes nothing while unread
            // bytes are left.
            http.pipeline_flush(true);
        }
        let http = Rc::new(http);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let http = http.clone();
            spawn_local(async move {
                let routes = service_fn(|request| answer(app, request));
                // It fails where a client does not keep to the protocol or leaves, which is its own affair.
                let _ = http.serve_connection(TokioIo::new(stream), routes).await;
            });
        }
    })
}

/// Collects the content, and lets the application answer.
async fn answer(app: App, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    // What is announced too large is not asked for with a 100.
    if body.size_hint().lower() > CONTENT_BYTES_MAX as u64 {
        return Ok(last(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let content = match Limited::new(body, CONTENT_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(last(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Err(_) => return Ok(last(StatusCode::BAD_REQUEST)),
    };
    Ok(match app {
        App::Arena => arena::answer(&head, &content).await,
        App::Probe => probe(&head, &content),
    })
}

fn with(status: StatusCode, content: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(content.into()));
    *answer.status_mut() = status;
    answer
}

/// An answer after which the connection closes.
fn last(status: StatusCode) -> Answer {
    let mut answer = with(status, Bytes::new());
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

/// 405 where others are allowed, 501 where nobody knows the method (RFC 9110 §9.1).
fn not_allowed(head: &Parts, allowed: &'static str) -> Answer {
    if !METHODS.contains(&head.method.as_str()) {
        return with(StatusCode::NOT_IMPLEMENTED, Bytes::new());
    }
    let mut answer = with(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
    let allowed = HeaderValue::from_static(allowed);
    answer.headers_mut().insert(ALLOW, allowed);
    answer
}

fn probe(head: &Parts, content: &[u8]) -> Answer {
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reply = reply(head.method.as_str(), head.uri.path(), fields, content);
    match reply.allow {
        Some(allowed) => not_allowed(head, allowed),
        None => {
            let status = StatusCode::from_u16(reply.status).unwrap_or_default();
            with(status, Bytes::from_owner(reply.content))
        }
    }
}
