//! What the applications promise: of memory, for which an allocator that counts stands behind every test of this
//! executable, and of the protocol.

mod budget;
mod conformance;
mod memory;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use orthant::{Buffers, Limits};
use orthant_core::{Count, Flat, Id, Leased, Now, Split, Want, Worker};

use crate::arena::{Arena, Dataset};

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes in use, and the most that there were. What another thread frees may go below zero.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static IN_USE_MOST: Cell<isize> = const { Cell::new(0) };
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
}

fn allocations() -> u64 {
    ALLOCATIONS.get()
}

fn bytes_in_use() -> usize {
    usize::try_from(IN_USE.get()).expect("this thread frees what it has")
}

/// Since the thread began.
fn bytes_in_use_most() -> usize {
    usize::try_from(IN_USE_MOST.get()).expect("the most is not negative")
}

/// Memory was had, and then memory that it replaces was given back.
fn count(bytes: usize, replaced: usize) {
    let most = IN_USE.get() + bytes as isize;
    IN_USE_MOST.set(IN_USE_MOST.get().max(most));
    IN_USE.set(most - replaced as isize);
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        count(bytes, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

/// Longer than any request here is parked.
const PARKED_MS_MAX: u64 = 100;

/// How often requests are sent before it counts: cut differently each time, they want tails of several sizes.
const WARMUP: usize = 8;

/// Sends `requests` in pieces of `cut` bytes, `times` over, and throws the answers away; returns how many bytes came. Time
/// goes on by a millisecond with each piece, and until what was parked comes back.
fn load<B: Buffers>(
    worker: &mut Worker<Arena, B>,
    id: Id,
    requests: &[u8],
    cut: usize,
    times: usize,
) -> usize {
    let mut received = 0;
    for _ in 0..times {
        for part in requests.chunks(cut) {
            pass(worker);
            let want = worker.on_bytes(id, part);
            received += take(worker, id, want);
        }
    }
    // Bytes are wanted of who is parked too.
    for _ in 0..PARKED_MS_MAX {
        pass(worker);
        if let Some((id, want)) = worker.next_changed() {
            received += take(worker, id, want);
        }
    }
    received
}

/// Takes what is sent until bytes are wanted; how many came.
fn take<B: Buffers>(worker: &mut Worker<Arena, B>, id: Id, mut want: Want) -> usize {
    let mut received = 0;
    while want != Want::RECEIVE {
        if want.send() {
            let bytes = worker.pending(id).len();
            received += bytes;
            want = worker.on_sent(id, bytes);
        } else {
            pass(worker);
            want = worker.next_changed().map_or(want, |(_, want)| want);
        }
    }
    received
}

fn pass<B: Buffers>(worker: &mut Worker<Arena, B>) {
    let now_ms = NOW_MS.get() + 1;
    NOW_MS.set(now_ms);
    worker.tick(Now {
        monotonic_ms: now_ms,
        unix_s: now_ms / 1_000,
    });
}

fn allocates_nothing<B: Buffers>() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let post = "POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: localhost\r\n";
    let baseline = [
        get("/baseline11?a=13&b=42"),
        format!("{post}Content-Length: 2\r\n\r\n20"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n2\r\n20\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\n2\r\n1\r\n0\r\n0\r\n\r\n"),
    ];
    let pipelined = get("/pipeline").repeat(16);
    let json = [(1, 3), (5, 7), (10, 2), (15, 5), (25, 4), (40, 8), (50, 6)]
        .map(|(count, m)| get(&format!("/json/{count}?m={m}")));
    // Content and answer each take several regions, and what has been read waits in a tail.
    let large = "x".repeat(200_000);
    let large = ["/echo", "/upload"].map(|path| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{large}",
            large.len()
        )
    });
    let others = [
        get("/healthz"),
        get("/nothing"),
        get("/upload"),
        get("/json/0"),
        get("/delay/3"),
    ];
    for (name, requests, count) in [
        ("baseline", baseline.concat(), 4),
        ("pipelined", pipelined, 16),
        ("json", json.concat(), 7),
        ("large", large.concat(), 2),
        ("others", others.concat(), 5),
    ] {
        for cut in [requests.len(), 50.max(requests.len() / 100)] {
            let mut worker = Worker::<Arena, B>::new(
                Arena::new(Dataset::generated()),
                Limits::DEFAULT,
                Now::default(),
            );
            let id = worker.open(None).unwrap();
            load(&mut worker, id, requests.as_bytes(), cut, WARMUP);
            let (before, times) = (
                allocations(),
                (10_000 / count + 1).min(40_000_000 / requests.len()),
            );
            let received = load(&mut worker, id, requests.as_bytes(), cut, times);
            assert_eq!(allocations() - before, 0, "{name} cut every {cut} bytes");
            let answered: u64 = worker.counters().requests.iter().map(Count::get).sum();
            assert_eq!(answered, (count * (times + WARMUP)) as u64);
            assert!(received > 60 * count * times);
        }
    }
}

#[test]
fn ten_thousand_requests_allocate_nothing_with_flat_buffers() {
    allocates_nothing::<Flat>();
}

#[test]
fn ten_thousand_requests_allocate_nothing_with_split_buffers() {
    allocates_nothing::<Split>();
}

#[test]
fn ten_thousand_requests_allocate_nothing_with_leased_buffers() {
    allocates_nothing::<Leased>();
}

#[test]
fn the_allocator_of_these_tests_counts() {
    let before = allocations();
    std::hint::black_box(vec![0u8; 100]);
    assert_eq!(allocations() - before, 1);
}
