//! What a worker allocates per request with its backend: nothing, unless the runtime does, and then no more than is said
//! here. That core allocates nothing is tested beside it, in memory.
//!
//! The server runs in this process behind an allocator that counts for each thread, and its handler answers with the
//! count of the thread it runs on. What a worker needs once it has when it is counted; what it needs from time to time is
//! next to nothing over thousands of requests.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use orthant::{
    AccessLog, Answer, Buffers, Design, Format, Handler, MediaType, Options, Outcome, Request,
    Server, Status,
};

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

/// An answer that takes a region of the pool's with every strategy but `flat`.
const LARGE: &[u8] = &[b'a'; 10_000];

const CLIENTS: usize = 8;

#[derive(Clone)]
struct Counts;

impl Handler for Counts {
    type Exchange = ();

    fn on_request(
        &mut self,
        request: &Request<'_>,
        _: &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        let count = ALLOCATIONS.get().to_le_bytes();
        let content = match request.head.path() {
            b"/count" => &count[..],
            b"/large" => LARGE,
            _ => b"ok",
        };
        answer.send(Status::OK, &MediaType::OCTETS, content)
    }
}

type Client = BufReader<TcpStream>;

/// Reads an answer; its content.
fn answer(client: &mut Client) -> Vec<u8> {
    let (mut line, mut bytes) = (String::new(), None);
    loop {
        line.clear();
        assert!(client.read_line(&mut line).unwrap() > 0, "it closed");
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", length)) => bytes = Some(length.trim().parse().unwrap()),
            Some(_) => {}
            None if line == "\r\n" => break,
            None => assert_eq!(line, "HTTP/1.1 200 OK\r\n"),
        }
    }
    let mut content = vec![0; bytes.expect("an answer has a length")];
    client.read_exact(&mut content).unwrap();
    content
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// How much the worker has allocated so far.
fn allocated(client: &mut Client) -> u64 {
    client
        .get_mut()
        .write_all(get("/count").as_bytes())
        .unwrap();
    u64::from_le_bytes(answer(client).try_into().unwrap())
}

/// Allocations of the worker while every client sends this in one write and reads its answers, `rounds` times over.
fn allocations(clients: &mut [Client], requests: &[u8], count: usize, rounds: usize) -> u64 {
    let before = allocated(&mut clients[0]);
    for _ in 0..rounds {
        for client in &mut *clients {
            client.get_mut().write_all(requests).unwrap();
        }
        for client in &mut *clients {
            (0..count).for_each(|_| drop(answer(client)));
        }
    }
    allocated(&mut clients[0]) - before
}

/// A worker allocates less than this per request.
fn allowed() -> f64 {
    match Design::of_this_build().backend {
        // For each wait on a socket glommio allocates what is waited for and the list of its waiters: two per request,
        // and two more where it waits again.
        "glommio" => 5.0,
        // None. A region that the pool makes because more answers than ever wait at one time is nothing per request.
        _ => 0.01,
    }
}

#[test]
fn a_request_costs_no_allocation_beyond_what_the_runtime_needs() {
    allocates_what_the_runtime_needs(None);
}

#[test]
fn an_access_log_costs_the_workers_no_allocation() {
    allocates_what_the_runtime_needs(Some(AccessLog {
        path: Some("/dev/null".into()),
        format: Format::Json,
    }));
}

fn allocates_what_the_runtime_needs(access_log: Option<AccessLog>) {
    let options = Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        workers: Some(1),
        access_log,
        ..Options::default()
    };
    let server = Server::start(options, Counts).unwrap();
    let connect = |_| {
        let client = TcpStream::connect(server.address().unwrap()).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        BufReader::new(client)
    };
    let mut clients: Vec<Client> = (0..CLIENTS).map(connect).collect();
    let post = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n{}",
        "b".repeat(20_000)
    );
    let mut figures = Vec::new();
    for (name, requests, count, rounds) in [
        ("one at a time", get("/"), 1, 500),
        ("16 per write", get("/").repeat(16), 16, 50),
        ("large answers", get("/large"), 1, 500),
        ("large contents", post, 1, 200),
    ] {
        let mut allocations =
            |rounds| allocations(&mut clients, requests.as_bytes(), count, rounds);
        // What is needed once.
        allocations(rounds);
        let asked = 2 * rounds * count * CLIENTS;
        let per_request = allocations(2 * rounds) as f64 / asked as f64;
        figures.push((name, per_request));
    }
    assert!(
        figures.iter().all(|(_, figure)| *figure < allowed()),
        "allocations per request: {figures:?}"
    );
    drop(clients);
    server.stop().unwrap();
    server.wait().unwrap();
}

#[test]
fn the_allocator_of_this_test_counts() {
    let before = ALLOCATIONS.get();
    std::hint::black_box(vec![0u8; 100]);
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
