//! ntex behind the routes of the probe and of the arena: a peer, started in the way in which the matrix starts designs.
//!
//! It is what a careful user of ntex writes: its router and extractors, on tokio, as many of its workers as are asked for
//! beside its own thread that accepts; no setting is changed but the greatest content, and how long it waits at its end.

use std::io;

use ntex::http::StatusCode;
use ntex::http::header::ALLOW;
use ntex::time::{Millis, Seconds, sleep};
use ntex::util::Bytes;
use ntex::web::types::{Path, PayloadConfig};
use ntex::web::{
    self, App as Routes, HttpRequest, HttpResponse, HttpServer, ServiceConfig, get, head, post,
};
use orthant_routes::{
    App, CONTENT_BYTES_MAX, JSON, TEXT, announce, arguments, delay_ms, document, listen, reply, sum,
};

const NAME: &str = "orthant-peer-ntex";

/// Connections that are open at the end have so long.
const SHUTDOWN: Seconds = Seconds(1);

#[ntex::main]
async fn main() -> io::Result<()> {
    let arguments = arguments(NAME);
    let listener = listen(arguments.listen)?;
    announce(NAME, listener.local_addr()?, arguments.workers)?;
    let app = arguments.app;
    let routes = match app {
        App::Arena => arena,
        App::Probe => |_: &mut ServiceConfig| {},
    };
    HttpServer::new(async move || {
        let otherwise = move |request, content| async move {
            match app {
                App::Arena => HttpResponse::NotFound().finish(),
                App::Probe => probed(&request, &content),
            }
        };
        Routes::new()
            .state(PayloadConfig::new(CONTENT_BYTES_MAX))
            .configure(routes)
            .default_service(web::to(otherwise))
    })
    .workers(arguments.workers)
    .shutdown_timeout(SHUTDOWN)
    .listen(listener)?
    .run()
    .await
}

fn arena(routes: &mut ServiceConfig) {
    let of = |path| web::resource(path);
    routes
        .service(
            of("/pipeline")
                .route(get().to(pipeline))
                .route(head().to(pipeline)),
        )
        .service(
            of("/baseline11")
                .route(get().to(baseline))
                .route(head().to(baseline))
                .route(post().to(baseline)),
        )
        .service(
            of("/json/{count}")
                .route(get().to(json))
                .route(head().to(json)),
        )
        .service(
            of("/delay/{ms}")
                .route(get().to(delay))
                .route(head().to(delay)),
        );
}

fn text(content: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body(content.into())
}

async fn pipeline() -> HttpResponse {
    text("ok")
}

async fn baseline(request: HttpRequest, content: Bytes) -> HttpResponse {
    text(sum(request.query_string(), &content).to_string())
}

async fn json(request: HttpRequest, count: Path<String>) -> HttpResponse {
    match document(&count, request.query_string()) {
        Ok(document) => HttpResponse::Ok().content_type(JSON).body(document),
        Err(status) => HttpResponse::new(status_of(status)),
    }
}

async fn delay(ms: Path<String>) -> HttpResponse {
    let Some(ms) = delay_ms(&ms) else {
        return HttpResponse::NotFound().finish();
    };
    sleep(Millis(ms as u32)).await;
    text("ok")
}

fn probed(request: &HttpRequest, content: &Bytes) -> HttpResponse {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reply = reply(request.method().as_str(), request.path(), fields, content);
    let mut answer = HttpResponse::build(status_of(reply.status));
    if let Some(allowed) = reply.allow {
        answer.header(ALLOW, allowed);
    }
    answer.body(reply.content.into_owned())
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_default()
}
