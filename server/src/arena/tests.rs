//! The routes, through a worker.

use orthant::Limits;
use orthant_core::{Now, Split, Worker};
use serde_json::Value;

use super::*;

/// The status line and the content of the answer to one request.
fn ask_of(arena: Arena, request: &str) -> (String, String) {
    let mut worker = Worker::<Arena, Split>::new(arena, Limits::DEFAULT, Now::default());
    let id = worker.open(None).unwrap();
    let mut want = worker.on_bytes(id, request.as_bytes());
    let mut received = Vec::new();
    while want.send() {
        received.extend_from_slice(worker.pending(id));
        let bytes = worker.pending(id).len();
        want = worker.on_sent(id, bytes);
    }
    let text = String::from_utf8(received).unwrap();
    let (head, content) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), content.to_owned())
}

fn ask(method: &str, path: &str, content: &str) -> (u16, String) {
    let length = content.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}");
    let (head, content) = ask_of(Arena::new(Dataset::generated()), &request);
    (head[9..12].parse().unwrap(), content)
}

#[test]
fn routes_answer_as_the_arena_asks() {
    let large = "x".repeat(100_000);
    for (method, path, content, status, expected) in [
        ("GET", "/baseline11?a=13&b=42", "", 200, "55"),
        ("POST", "/baseline11?a=13&b=42", "20", 200, "75"),
        ("POST", "/baseline11?a=-13&b=x&c=&42", " 20\r\n", 200, "7"),
        ("GET", "/baseline11?a=9223372036854775808&b=1", "", 200, "1"),
        ("GET", "/baseline11", "", 200, "0"),
        ("GET", "/pipeline", "", 200, "ok"),
        ("POST", "/upload", &large, 200, "100000"),
        ("POST", "/upload", "", 200, "0"),
        ("POST", "/echo", "abc", 200, "abc"),
        ("POST", "/echo", &large, 200, &large),
        ("GET", "/healthz", "", 204, ""),
        ("HEAD", "/healthz", "", 204, ""),
        ("POST", "/healthz", "ok", 405, ""),
        ("GET", "/", "", 404, ""),
        ("POST", "/nothing", &large, 404, ""),
        ("GET", "/json/0", "", 404, ""),
        ("GET", "/json/51", "", 404, ""),
        ("GET", "/json/x", "", 404, ""),
        ("GET", "/json/1?m=x", "", 400, ""),
        ("GET", "/delay/x", "", 404, ""),
        ("GET", "/delay/60001", "", 404, ""),
        ("POST", "/delay/1", "", 405, ""),
        ("POST", "/pipeline", "", 405, ""),
        ("GET", "/upload", "", 405, ""),
        ("PATCH", "/echo", "", 405, ""),
        ("get", "/pipeline", "", 501, ""),
    ] {
        assert_eq!(
            ask(method, path, content),
            (status, expected.to_owned()),
            "{method} {path}"
        );
    }
    let (head, _) = ask_of(
        Arena::new(Dataset::generated()),
        "PUT /baseline11 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(head.contains("\r\nAllow: GET, HEAD, POST\r\n"));
}

#[test]
fn json_holds_every_field_and_the_totals() {
    for (count, query, multiplier) in [
        (1, "?m=3", 3),
        (50, "?m=6", 6),
        (7, "", 1),
        (2, "?x=5&m=0", 0),
    ] {
        let (status, content) = ask("GET", &format!("/json/{count}{query}"), "");
        assert_eq!(status, 200);
        let mut json: Value = serde_json::from_str(&content).unwrap();
        assert_eq!(json["count"], count);
        for item in json["items"].as_array_mut().unwrap() {
            let total = item.as_object_mut().unwrap().remove("total").unwrap();
            let product =
                item["price"].as_u64().unwrap() * item["quantity"].as_u64().unwrap() * multiplier;
            assert_eq!(total, product);
        }
        let items: Vec<item::Item> = serde_json::from_value(json["items"].take()).unwrap();
        assert_eq!(items, Dataset::generated().first(count as usize).unwrap());
    }
}

#[test]
fn a_data_set_may_come_from_a_file() {
    let item = r#"{"id":4294967295,"name":"a\"\\\u0001é","category":"","price":4294967295,"quantity":4294967295,
        "active":false,"tags":[],"rating":{"score":4294967295,"count":4294967295}}"#;
    let file = std::env::temp_dir().join(format!("orthant-dataset-{}.json", std::process::id()));
    std::fs::write(&file, format!("[{item}]")).unwrap();
    let dataset = Dataset::read(&file).unwrap();
    let (head, content) = ask_of(
        Arena::new(dataset),
        "GET /json/1?m=2 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(
        head.starts_with("HTTP/1.1 200 OK"),
        "the widest item fits what is computed for it: {head}"
    );
    let json: Value = serde_json::from_str(&content).unwrap();
    assert_eq!(json["items"][0]["name"], "a\"\\\u{1}é");
    assert_eq!(json["items"][0]["tags"], Value::Array(vec![]));

    for (text, complaint) in [
        ("[]", "there are none"),
        ("{}", "array of items"),
        ("[{\"id\":1}]", "missing field"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = Dataset::read(&file).err().unwrap();
        assert!(
            error.contains(complaint) && error.contains("orthant-dataset"),
            "{error}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert!(
        Dataset::read(&file)
            .err()
            .unwrap()
            .contains("failed to read")
    );
}
