//! axum behind the routes of the probe and of the arena: a peer, started in the way in which the matrix starts designs.
//!
//! It is what a careful user of axum writes: its router and extractors, `axum::serve`, and a thread, a runtime and a listener
//! per worker; no setting is changed but the greatest content and TCP_NODELAY.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use orthant_routes::{App, CONTENT_BYTES_MAX, JSON, delay_ms, document, reply, started, sum};
use tokio::runtime::Builder;

const NAME: &str = "orthant-peer-axum";

fn main() -> io::Result<()> {
    started(NAME, serve)
}

/// Serves for as long as the process lives.
fn serve(listener: TcpListener, app: App) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            // It fails where the client has gone.
            let _ = stream.set_nodelay(true);
        });
        let routes = match app {
            App::Arena => arena(),
            App::Probe => Router::new().fallback(probe),
        };
        let routes = routes.layer(DefaultBodyLimit::max(CONTENT_BYTES_MAX));
        axum::serve(listener, routes).await
    })
}

fn arena() -> Router {
    Router::new()
        .route("/pipeline", get(async || "ok"))
        .route("/baseline11", get(baseline).post(baseline))
        .route("/json/{count}", get(json))
        .route("/delay/{ms}", get(delay))
}

async fn baseline(RawQuery(query): RawQuery, content: Bytes) -> String {
    sum(&query.unwrap_or_default(), &content).to_string()
}

async fn json(Path(count): Path<String>, RawQuery(query): RawQuery) -> Response {
    match document(&count, &query.unwrap_or_default()) {
        Ok(document) => ([(header::CONTENT_TYPE, JSON)], document).into_response(),
        Err(status) => status_of(status).into_response(),
    }
}

async fn delay(Path(ms): Path<String>) -> Response {
    let Some(ms) = delay_ms(&ms) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "ok".into_response()
}

async fn probe(method: Method, uri: Uri, fields: HeaderMap, content: Bytes) -> Response {
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reply = reply(method.as_str(), uri.path(), fields, &content);
    let mut answer = Response::new(Body::from(Bytes::from_owner(reply.content)));
    *answer.status_mut() = status_of(reply.status);
    if let Some(allowed) = reply.allow {
        let allowed = HeaderValue::from_static(allowed);
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_default()
}
