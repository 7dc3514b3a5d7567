//! actix-web behind the routes of the probe and of the arena: a peer, started in the way in which the matrix starts designs.
//!
//! It is what a careful user of actix-web writes: its router and extractors, and as many of its workers as are asked for,
//! beside its own thread that accepts; no setting is changed but the greatest content, and how long it waits at its end.

use std::io;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::rt::{System, time};
use actix_web::web::{self, Bytes, Path, PayloadConfig, ServiceConfig, get, head, post};
use actix_web::{App as Routes, HttpRequest, HttpResponse, HttpServer};
use orthant_routes::{
    App, CONTENT_BYTES_MAX, JSON, TEXT, announce, arguments, delay_ms, document, listen, reply, sum,
};

const NAME: &str = "orthant-peer-actix-web";

/// Connections that are open at the end have so long.
const SHUTDOWN_S: u64 = 1;

fn main() -> io::Result<()> {
    let arguments = arguments(NAME);
    let listener = listen(arguments.listen)?;
    announce(NAME, listener.local_addr()?, arguments.workers)?;
    let routes = match arguments.app {
        App::Arena => arena,
        App::Probe => probe,
    };
    System::new().block_on(
        HttpServer::new(move || {
            Routes::new()
                .app_data(PayloadConfig::new(CONTENT_BYTES_MAX))
                .configure(routes)
        })
        .workers(arguments.workers)
        .shutdown_timeout(SHUTDOWN_S)
        .listen(listener)?
        .run(),
    )
}

fn arena(routes: &mut ServiceConfig) {
    let of = web::resource;
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

fn probe(routes: &mut ServiceConfig) {
    routes.default_service(web::to(probed));
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
    time::sleep(Duration::from_millis(ms)).await;
    text("ok")
}

async fn probed(request: HttpRequest, content: Bytes) -> HttpResponse {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reply = reply(request.method().as_str(), request.path(), fields, &content);
    let mut answer = HttpResponse::build(status_of(reply.status));
    if let Some(allowed) = reply.allow {
        answer.insert_header((ALLOW, allowed));
    }
    answer.body(Bytes::from_owner(reply.content))
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_default()
}
