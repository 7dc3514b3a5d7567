//! The arena's routes that workloads and cases ask for: `/pipeline`, `/baseline11`, `/json`, `/delay`.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::{Answer, items, not_allowed, with};

/// The longest delay.
const DELAY_MS_MAX: u64 = 60_000;

pub(crate) async fn answer(head: &Parts, content: &[u8]) -> Answer {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    match path {
        "/pipeline" if is_read => text("ok"),
        "/baseline11" if is_read || head.method == Method::POST => {
            text(itoa::Buffer::new().format(sum(query, content)).to_owned())
        }
        "/pipeline" => not_allowed(head, "GET, HEAD"),
        "/baseline11" => not_allowed(head, "GET, HEAD, POST"),
        _ => match (path.strip_prefix("/json/"), path.strip_prefix("/delay/")) {
            (Some(_), _) | (_, Some(_)) if !is_read => not_allowed(head, "GET, HEAD"),
            (Some(count), _) => json(count, query),
            (_, Some(ms)) => delay(ms).await,
            (None, None) => with(StatusCode::NOT_FOUND, ""),
        },
    }
}

fn text(content: impl Into<hyper::body::Bytes>) -> Answer {
    of_type("text/plain", content)
}

fn of_type(media_type: &'static str, content: impl Into<hyper::body::Bytes>) -> Answer {
    let mut answer = with(StatusCode::OK, content);
    let media_type = HeaderValue::from_static(media_type);
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    answer
}

fn json(count: &str, query: &str) -> Answer {
    let multiplier = match values(query).find(|(name, _)| *name == "m") {
        None => Ok(1),
        Some((_, value)) => value.parse(),
    };
    match (count.parse(), multiplier) {
        (Ok(1..=items::COUNT), Err(_)) => with(StatusCode::BAD_REQUEST, ""),
        (Ok(count @ 1..=items::COUNT), Ok(multiplier)) => {
            of_type("application/json", items::document(count, multiplier))
        }
        _ => with(StatusCode::NOT_FOUND, ""),
    }
}

async fn delay(ms: &str) -> Answer {
    match ms.parse() {
        Ok(ms @ 0..=DELAY_MS_MAX) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            text("ok")
        }
        _ => with(StatusCode::NOT_FOUND, ""),
    }
}

/// The sum of the integers in the query and of the one in the content; what is no integer counts nothing.
fn sum(query: &str, content: &[u8]) -> i64 {
    let content = std::str::from_utf8(content).unwrap_or_default().trim();
    let numbers = values(query).map(|(_, value)| value).chain([content]);
    numbers
        .filter_map(|text| text.parse().ok())
        .fold(0, i64::wrapping_add)
}

/// The names and values of a query.
fn values(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}
