//! The access log over real sockets: a line for each request, whatever becomes of the file, and workers that never wait for
//! it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use orthant::{
    AccessLog, Answer, Buffers, Format, Handler, Limits, Listen, MediaType, Options, Outcome,
    Request, Server, Status,
};
use serde_json::Value;

#[derive(Clone)]
struct Pages;

impl Handler for Pages {
    type Exchange = bool;

    fn on_request(
        &mut self,
        request: &Request<'_>,
        parked: &mut bool,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        match request.head.path() {
            b"/park" => answer.park(),
            b"/later" if !std::mem::replace(parked, true) => answer.park_ms(50),
            _ => answer.send(Status::OK, &MediaType::TEXT, request.content),
        }
    }
}

fn start(path: &Path) -> Server {
    let options = Options {
        listen: vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())],
        workers: Some(1),
        access_log: Some(AccessLog {
            path: Some(path.into()),
            format: Format::Json,
        }),
        limits: Limits {
            drain_timeout_ms: 500,
            ..Limits::DEFAULT
        },
        ..Options::default()
    };
    Server::start(options, Pages).unwrap()
}

fn end(server: Server) {
    server.stop().unwrap();
    server.wait().unwrap();
}

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    client
}

/// Sends this, which asks for a close, and reads to the end.
fn exchange(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut client = connect(server.address().unwrap());
    client.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    answer
}

fn get(server: &Server, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(exchange(server, request.as_bytes()).starts_with(b"HTTP/1.1 200 "));
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Looks again until it is so.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::yield_now();
    }
    panic!("it never came");
}

/// What a metric without labels but the worker says.
fn metric(server: &Server, name: &str) -> u64 {
    let text = server.metrics();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn each_request_is_a_line() {
    let path = folder("access-lines").join("log");
    let server = start(&path);
    let content = "Content-Length: 5\r\n\r\nhello";
    exchange(
        &server,
        format!("POST /a?\"b\\ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{content}").as_bytes(),
    );
    exchange(
        &server,
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{content}").as_bytes(),
    );
    exchange(&server, b"HEAD /later HTTP/1.0\r\n\r\n");
    exchange(&server, b"GET /nobody HTTP/1.1\r\n\r\n");
    exchange(&server, b"\x01\x80 \xff\r\n\r\n");
    // One that leaves before it is answered.
    let mut leaves = connect(server.address().unwrap());
    leaves
        .write_all(b"GET /park HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let peer = leaves.local_addr().unwrap().to_string();
    drop(leaves);
    end(server);

    let lines = lines(&path);
    let said: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let status = line["status"].as_u64().unwrap_or(0);
            let words = [
                text("method"),
                text("target"),
                text("version"),
                text("fault"),
            ];
            (words.join(" "), status, text("cut_off"))
        })
        .collect();
    let line = |words: &str, status, cut_off: &str| (words.to_owned(), status, cut_off.to_owned());
    assert_eq!(said[1], line("POST /echo 1.1 -", 200, "-"));
    assert_eq!(said[2], line("HEAD /later 1.0 -", 200, "-"));
    assert_eq!(said[3], line("GET /nobody 1.1 host", 400, "-"));
    assert_eq!(said[4], line("\u{1}\u{80} \u{ff} - request_line", 400, "-"));
    assert_eq!(said[5].0, "GET /park 1.1 -");
    assert_ne!(said[5].2, "-");
    // The target is written as it came, whatever it was worth.
    assert_eq!(lines[0]["target"], "/a?\"b\\");
    assert_eq!(
        (lines[1]["bytes"].as_u64(), lines[2]["bytes"].as_u64()),
        (Some(5), Some(0))
    );
    assert!(lines[2]["ms"].as_u64().unwrap() >= 50);
    assert_eq!(lines[5]["peer"], *peer);
    assert_eq!(lines.len(), 6);
    let time = lines[0]["time"].as_str().unwrap();
    assert!(
        time.len() == 24 && time.ends_with('Z') && time.starts_with("20"),
        "{time}"
    );
}

#[test]
fn a_log_that_was_moved_away_is_opened_anew() {
    let folder = folder("access-moved");
    let (path, moved) = (folder.join("log"), folder.join("log.1"));
    let server = start(&path);
    get(&server, "/first");
    wait_for(|| (lines(&path).len() == 1).then_some(()));
    fs::rename(&path, &moved).unwrap();
    get(&server, "/second");
    wait_for(|| (lines(&moved).len() == 2).then_some(()));
    server.reopen_logs();
    assert!(path.exists(), "it waits until the file is open");
    get(&server, "/third");
    wait_for(|| (lines(&path).len() == 1).then_some(()));
    // Where there is no folder any more, what is open goes on.
    fs::rename(&folder, folder.with_extension("gone")).unwrap();
    server.reopen_logs();
    get(&server, "/fourth");
    end(server);
    let gone = folder.with_extension("gone");
    let targets: Vec<_> = lines(&gone.join("log"))
        .iter()
        .map(|line| line["target"].clone())
        .collect();
    assert_eq!(targets, ["/third", "/fourth"]);
    fs::remove_dir_all(gone).unwrap();
}

#[test]
fn a_full_disk_costs_lines_which_are_counted() {
    let server = start(Path::new("/dev/full"));
    for _ in 0..5 {
        get(&server, "/");
    }
    let lost = "orthant_access_log_lost_lines_total";
    wait_for(|| (metric(&server, lost) == 5).then_some(()));
    end(server);
}

fn pipe(name: &str) -> PathBuf {
    let path = folder(name).join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

#[test]
fn a_pipe_that_nobody_opens_costs_lines_and_holds_up_nobody() {
    let path = pipe("access-unread");
    let server = start(&path);
    get(&server, "/");
    let lost = "orthant_access_log_lost_lines_total";
    wait_for(|| (metric(&server, lost) == 1).then_some(()));
    // Somebody comes to read.
    let reader = std::thread::spawn(move || fs::read_to_string(path).unwrap());
    wait_for(|| {
        get(&server, "/read");
        reader.is_finished().then_some(()).or_else(|| {
            let written =
                metric(&server, "orthant_access_log_records_total") - metric(&server, lost);
            (written > 3).then_some(())
        })
    });
    end(server);
    assert!(reader.join().unwrap().contains("\"target\":\"/read\""));
}

#[test]
fn a_pipe_that_is_full_costs_lines_and_holds_up_nobody() {
    let path = pipe("access-full");
    // Opened for both directions it has a reader, who never reads.
    let _reader = fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let server = start(&path);
    let mut client = connect(server.address().unwrap());
    let batch = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let mut buffer = [0; 64 * 1024];
    while metric(&server, "orthant_access_log_dropped_total") == 0 {
        client.write_all(batch.as_bytes()).unwrap();
        let mut answers = Vec::new();
        while answers.windows(4).filter(|it| it == b"\r\n\r\n").count() < 100 {
            let received = client.read(&mut buffer).unwrap();
            assert!(received > 0, "it closed");
            answers.extend_from_slice(&buffer[..received]);
        }
    }
    drop(client);
    end(server);
}

#[test]
fn a_log_that_cannot_be_opened_says_so() {
    let options = Options {
        listen: vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())],
        access_log: Some(AccessLog {
            path: Some("/nowhere/log".into()),
            format: Format::Logfmt,
        }),
        ..Options::default()
    };
    let error = Server::start(options, Pages).unwrap_err().to_string();
    assert!(
        error.starts_with("failed to open the access log /nowhere/log: "),
        "{error}"
    );
}
