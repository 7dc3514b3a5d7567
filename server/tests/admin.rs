//! The admin address over real sockets: what it says agrees with what clients did, whoever asks badly is turned away, and
//! the documents name every metric.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use orthant::{
    AccessLog, Answer, Buffers, Format, Handler, Limits, MediaType, Options, Outcome, Request,
    Server, Status,
};

#[derive(Clone)]
struct Statuses;

impl Handler for Statuses {
    type Exchange = bool;

    fn on_request(
        &mut self,
        request: &Request<'_>,
        parked: &mut bool,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        match request.head.path() {
            b"/200" => answer.send(Status::OK, &MediaType::TEXT, b"two hundred"),
            b"/301" => answer.empty(Status::MOVED_PERMANENTLY),
            b"/500" => answer.empty(Status::INTERNAL_ERROR),
            b"/slow" if !std::mem::replace(parked, true) => answer.park_ms(200),
            b"/slow" => answer.empty(Status::NO_CONTENT),
            _ => answer.empty(Status::NOT_FOUND),
        }
    }
}

fn start(workers: usize) -> (Server, SocketAddr) {
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options {
        listen: vec![SocketAddr::into(any)],
        workers: Some(workers),
        admin: Some(any),
        access_log: Some(AccessLog {
            path: Some("/dev/null".into()),
            format: Format::Logfmt,
        }),
        limits: Limits {
            idle_timeout_ms: 60_000,
            ..Limits::DEFAULT
        },
        ..Options::default()
    };
    let server = Server::start(options, Statuses).unwrap();
    let admin = server.admin().unwrap();
    (server, admin)
}

fn end(server: Server) {
    server.stop().unwrap();
    server.wait().unwrap();
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client
}

/// Sends this, and reads until the server closes.
fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut client = connect(address);
    client.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    let close = "Host: a\r\nConnection: close\r\n\r\n";
    exchange(address, &format!("GET {path} HTTP/1.1\r\n{close}"))
}

/// The samples of `/metrics`, those of all workers added up: by name and by labels without the worker.
fn scrape(admin: SocketAddr) -> BTreeMap<String, f64> {
    let answer = get(admin, "/metrics");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(
        head.contains(&format!("\r\nContent-Type: {media_type}\r\n")),
        "{head}"
    );
    assert!(text.ends_with("\n# EOF\n"));
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split(',');
        let labels: Vec<_> = labels
            .filter(|label| !label.starts_with("worker="))
            .collect();
        let series = format!("{name} {}", labels.join(","));
        *samples.entry(series.trim_end().to_owned()).or_default() += value.parse::<f64>().unwrap();
    }
    samples
}

#[test]
fn metrics_agree_with_what_clients_did() {
    let (server, admin) = start(2);
    let (mut sent, mut received) = (0, 0);
    for (path, times) in [("/200", 7), ("/301", 2), ("/404", 3), ("/500", 1)] {
        for _ in 0..times {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            sent += request.len();
            received += exchange(server.address().unwrap(), &request).len();
        }
    }
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        sent += request.len();
        received += exchange(server.address().unwrap(), request).len();
    }
    // A connection that is open, and silent.
    let idle = connect(server.address().unwrap());
    // The last of those that have ended may be counted a moment after their clients have seen it.
    let samples = loop {
        let samples = scrape(admin);
        let opened = samples["orthant_connections_opened_total"];
        if samples["orthant_connections"] == 1.0 && opened == 16.0 {
            break samples;
        }
    };
    for (series, expected) in [
        ("orthant_requests_total class=\"2xx\"", 7),
        ("orthant_requests_total class=\"3xx\"", 2),
        ("orthant_requests_total class=\"4xx\"", 4),
        ("orthant_requests_total class=\"5xx\"", 2),
        ("orthant_refusals_total fault=\"host\"", 1),
        ("orthant_refusals_total fault=\"version\"", 1),
        ("orthant_refusals_total fault=\"chunk\"", 0),
        ("orthant_connections_closed_total reason=\"peer_asked\"", 13),
        ("orthant_connections_closed_total reason=\"refused\"", 2),
        ("orthant_connections_closed_total reason=\"broken\"", 0),
        ("orthant_received_bytes_total", sent),
        ("orthant_sent_bytes_total", received),
        ("orthant_connections_turned_away_total", 0),
        ("orthant_stopping", 0),
        ("orthant_access_log_records_total", 15),
        ("orthant_access_log_dropped_total", 0),
    ] {
        assert_eq!(samples[series], expected as f64, "{series}");
    }
    assert!(samples["process_open_fds"] > 5.0 && samples["process_resident_memory_bytes"] > 1e5);
    drop(idle);
    end(server);
}

#[test]
fn health_is_told_while_serving_and_while_stopping() {
    let (server, admin) = start(1);
    assert!(get(admin, "/healthz").starts_with("HTTP/1.1 204 "));
    assert!(get(admin, "/nothing").starts_with("HTTP/1.1 404 "));
    let post =
        "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let refused = exchange(admin, post);
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD\r\n"));
    let head = exchange(admin, "HEAD /metrics HTTP/1.0\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"));
    // What is under way keeps the server from ending.
    let mut slow = connect(server.address().unwrap());
    slow.write_all(b"GET /200 HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    slow.read_exact(&mut [0]).unwrap();
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    server.stop().unwrap();
    assert!(get(admin, "/healthz").starts_with("HTTP/1.1 503 "));
    assert_eq!(scrape(admin)["orthant_stopping"], 1.0);
    server.wait().unwrap();
    assert!(
        TcpStream::connect(admin).is_err(),
        "it ends with the workers"
    );
}

/// More clients than it has room for, who send nothing, ask without reading, or never end what they begin.
#[test]
fn whoever_holds_the_admin_address_loses_it() {
    let (server, admin) = start(1);
    let hold = |bytes: &str| {
        let mut client = connect(admin);
        client.write_all(bytes.as_bytes()).unwrap();
        client
    };
    let ask = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut holders: Vec<TcpStream> = (0..6).map(|_| hold("")).collect();
    holders.extend((0..6).map(|_| hold("GET /metrics HTTP/1.1\r\n")));
    holders.extend((0..6).map(|_| hold(&ask.repeat(200))));
    assert!(get(admin, "/healthz").starts_with("HTTP/1.1 204 "));
    drop(holders);
    end(server);
}

#[test]
fn an_admin_address_in_use_says_so_and_leaves_nothing_running() {
    let (server, admin) = start(1);
    let options = Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        workers: Some(1),
        admin: Some(admin),
        ..Options::default()
    };
    let error = Server::start(options, Statuses).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("failed to listen on {admin} for --admin: ")),
        "{error}"
    );
    end(server);
}

#[test]
fn an_admin_address_of_ipv6_is_of_ipv6_alone() {
    let options = Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        workers: Some(1),
        admin: Some("[::]:0".parse().unwrap()),
        ..Options::default()
    };
    let server = Server::start(options, Statuses).unwrap();
    let port = server.admin().unwrap().port();
    assert!(
        get(
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)),
            "/healthz"
        )
        .contains(" 204 ")
    );
    let by_ipv4 = TcpStream::connect(("127.0.0.1", port));
    assert_eq!(by_ipv4.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    end(server);
}

/// The table of docs/operations.md, made from what is served.
#[test]
fn the_documents_name_every_metric() {
    let (server, _) = start(1);
    let text = server.metrics();
    end(server);
    let mut table = String::from("| metric | type | labels | what it says |\n|---|---|---|---|\n");
    for family in text.split("# TYPE ").skip(1) {
        let (line, rest) = family.split_once('\n').unwrap();
        let (name, kind) = line.split_once(' ').unwrap();
        let help = rest.split_once("# HELP ").unwrap().1;
        let help = help.lines().next().unwrap().split_once(' ').unwrap().1;
        let samples = rest.lines().filter(|line| !line.starts_with('#'));
        let labels: BTreeSet<&str> = samples
            .filter_map(|line| line.split_once('{')?.1.rsplit_once('}'))
            .flat_map(|(labels, _)| {
                labels
                    .split("\",")
                    .map(|label| label.split('=').next().unwrap())
            })
            .collect();
        let labels = Vec::from_iter(labels).join(", ");
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        table += &format!("| `{name}{suffix}` | {kind} | {labels} | {help} |\n");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let documents = std::fs::read_to_string(path).unwrap();
    assert!(
        documents.contains(&table),
        "put this table into {path} in place of the one that is there:\n\n{table}"
    );
}
