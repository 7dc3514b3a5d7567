//! Clients that make a worker take as much memory as they can, and what it takes then.

use orthant::{Buffers, Limits};
use orthant_core::{Flat, Leased, Now, Split, Worker};

use super::{bytes_in_use, bytes_in_use_most};
use crate::arena::{Arena, Dataset};

const LIMITS: Limits = Limits {
    connections_max: 96,
    big_regions_max: 24,
    content_bytes_max: 200 * 1024,
    received_bytes_max: 1024 * 1024,
    ..Limits::DEFAULT
};

/// A third of the connections upload and never come to the end, a third asks for large answers, a third for small ones, and
/// nobody takes anything of what is sent; behind what waits, all of them send as much as is kept. At least three quarters of
/// the budget are reached: what is missing are tables that were not full, and copies that were not made.
fn takes_no_more_than_its_budget<B: Buffers>() {
    LIMITS.check().unwrap();
    let arena = Arena::new(Dataset::generated());
    let start = bytes_in_use();
    let now = Now {
        monotonic_ms: 0,
        unix_s: 0,
    };
    let mut worker = Worker::<Arena, B>::new(arena, LIMITS, now);
    worker.tick(now);
    let ids: Vec<_> = std::iter::from_fn(|| worker.open(None)).collect();
    assert_eq!(ids.len(), LIMITS.connections_max);
    let upload = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    let large = b"GET /json/50?m=1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
    let small = b"GET /baseline11?a=1&b=2 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(180);
    for (at, id) in ids.iter().enumerate() {
        match at % 3 {
            0 => worker.on_bytes(*id, upload),
            1 => worker.on_bytes(*id, &large),
            _ => worker.on_bytes(*id, &small),
        };
    }
    // Those that are parked, or wait for room, are sent to all the same.
    for _ in 0..100 {
        for id in &ids {
            worker.on_bytes(*id, &[b'x'; 1_024]);
        }
    }
    let taken = bytes_in_use_most() - start;
    let budget = Worker::<Arena, B>::budget(&LIMITS);
    let ids_bytes = ids.capacity() * size_of::<orthant::Id>() + large.len() + small.len();
    let least = budget.total() / 4 * 3;
    assert!(
        (least..=budget.total() + ids_bytes).contains(&taken),
        "{taken} of {}: {budget:?}, received {}, regions {}",
        budget.total(),
        worker.received_bytes(),
        worker.regions_bytes(),
    );
}

#[test]
fn a_worker_takes_no_more_than_its_budget_with_flat_buffers() {
    takes_no_more_than_its_budget::<Flat>();
}

#[test]
fn a_worker_takes_no_more_than_its_budget_with_split_buffers() {
    takes_no_more_than_its_budget::<Split>();
}

#[test]
fn a_worker_takes_no_more_than_its_budget_with_leased_buffers() {
    takes_no_more_than_its_budget::<Leased>();
}
