//! The arena's routes that workloads and cases ask for: `/pipeline`, `/baseline11`, `/json`, `/delay`.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use orthant_routes::{JSON, TEXT, delay_ms, document, sum};

use crate::{Answer, not_allowed, with};

pub(crate) async fn answer(head: &Parts, content: &[u8]) -> Answer {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    match path {
        "/pipeline" if is_read => of_type(TEXT, "ok"),
        "/baseline11" if is_read || head.method == Method::POST => {
            let sum = itoa::Buffer::new().format(sum(query, content)).to_owned();
            of_type(TEXT, sum)
        }
        "/pipeline" => not_allowed(head, "GET, HEAD"),
        "/baseline11" => not_allowed(head, "GET, HEAD, POST"),
        _ => match (path.strip_prefix("/json/"), path.strip_prefix("/delay/")) {
            (Some(_), _) | (_, Some(_)) if !is_read => not_allowed(head, "GET, HEAD"),
            (Some(count), _) => match document(count, query) {
                Ok(document) => of_type(JSON, document),
                Err(400) => with(StatusCode::BAD_REQUEST, ""),
                Err(_) => with(StatusCode::NOT_FOUND, ""),
            },
            (_, Some(ms)) => delay(ms).await,
            (None, None) => with(StatusCode::NOT_FOUND, ""),
        },
    }
}

fn of_type(media_type: &'static str, content: impl Into<hyper::body::Bytes>) -> Answer {
    let mut answer = with(StatusCode::OK, content);
    let media_type = HeaderValue::from_static(media_type);
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    answer
}

async fn delay(ms: &str) -> Answer {
    let Some(ms) = delay_ms(ms) else {
        return with(StatusCode::NOT_FOUND, "");
    };
    tokio::time::sleep(Duration::from_millis(ms)).await;
    of_type(TEXT, "ok")
}
