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
mod items;
mod probe;

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::CONNECTION;
use hyper::http::HeaderValue;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Socket, Type};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

/// Content beyond this is answered with 413, as Orthant does by default.
const CONTENT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

type Answer = Response<Full<Bytes>>;

/// What the command line says.
struct Arguments {
    listen: SocketAddr,
    workers: usize,
    app: App,
}

/// Which routes there are.
#[derive(Clone, Copy)]
enum App {
    Arena,
    Probe,
}

fn main() -> io::Result<()> {
    let Some(arguments) = arguments() else {
        eprintln!(
            "usage: orthant-peer-hyper [--listen ADDRESS:PORT] [--workers N] [--app arena|probe]"
        );
        std::process::exit(2);
    };
    let first = listen(arguments.listen)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..arguments.workers {
        listeners.push(listen(address)?);
    }
    let workers = match arguments.workers {
        1 => "1 worker".to_owned(),
        more => format!("{more} workers"),
    };
    println!("orthant-peer-hyper listening on {address}, {workers}");
    io::stdout().flush()?;
    std::thread::scope(|scope| {
        let started: Vec<_> = listeners
            .into_iter()
            .map(|listener| scope.spawn(|| serve(listener, arguments.app)))
            .collect();
        started.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn arguments() -> Option<Arguments> {
    let mut arguments = Arguments {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        workers: 1,
        app: App::Arena,
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        match (&name[..], &words.next()?[..]) {
            ("--listen", address) => arguments.listen = address.parse().ok()?,
            ("--workers", count) => {
                arguments.workers = count.parse().ok().filter(|&count| count > 0)?;
            }
            ("--app", "arena") => arguments.app = App::Arena,
            ("--app", "probe") => arguments.app = App::Probe,
            _ => return None,
        }
    }
    Some(arguments)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
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
        App::Probe => probe::answer(&head, content),
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
    if ![
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    ]
    .contains(&head.method.as_str())
    {
        return with(StatusCode::NOT_IMPLEMENTED, Bytes::new());
    }
    let mut answer = with(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
    let allowed = HeaderValue::from_static(allowed);
    answer.headers_mut().insert(hyper::header::ALLOW, allowed);
    answer
}
