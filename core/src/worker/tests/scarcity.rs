//! Who gives way when regions, memory or places are scarce.

use super::bounds::statuses;
use super::client::{get, letters, timeouts, worker};
use super::deadlines::at;
use super::*;

every_strategy! {
    the_slowest_readers_give_way_when_regions_are_scarce
    nobody_gives_way_while_half_of_the_regions_are_free
    who_waited_and_has_gone_hurries_nobody
    what_a_turn_brings_counts_before_anybody_gives_way
    who_sends_little_for_what_it_holds_gives_way
    who_sends_enough_gives_no_way
    what_is_parked_gives_no_way
    a_slow_reader_of_an_echo_gives_way
    a_full_worker_leaves_whoever_is_not_idle_for_long
    a_full_worker_ends_whoever_is_idle
    a_full_worker_refuses_heads_that_do_not_come
    a_full_worker_ends_whoever_sends_what_was_refused
}

/// Lets so much time pass, and returns who is to be closed.
fn closed_after<B: Buffers>(worker: &mut Worker<Shop, B>, ms: u64) -> Vec<Id> {
    worker.tick(at(ms));
    let changed = std::iter::from_fn(|| worker.next_changed());
    let mut closed: Vec<Id> = changed
        .filter(|(_, want)| want.close())
        .map(|(id, _)| id)
        .collect();
    closed.sort_by_key(|id| id.index());
    closed
}

fn the_slowest_readers_give_way_when_regions_are_scarce<B: Buffers>() {
    let limits = Limits {
        big_regions_max: 8,
        ..Limits::DEFAULT
    };
    let hold_ms = limits.region_hold_ms;
    let mut worker = worker::<B>(limits);
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        // Two regions each.
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
        worker.pending(client.id);
    }
    // One has taken most of it, one a little, two nothing.
    worker.on_sent(clients[0].id, 19_000);
    worker.on_sent(clients[1].id, 9);
    assert_eq!(closed_after(&mut worker, hold_ms / 2), []);
    let slowest = [clients[1].id, clients[2].id, clients[3].id];
    assert_eq!(closed_after(&mut worker, hold_ms), slowest);
    for id in slowest {
        let reason = worker.ended(id, Ended::Wanted);
        assert_eq!(reason, Some(CloseReason::SlowReader));
    }
    assert_eq!(timeouts(&worker, Timeout::Send), 3);

    // While somebody waits there is less time.
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
    }
    assert_eq!(clients[3].want, Want::NOTHING);
    let closed = closed_after(&mut worker, hold_ms + hold_ms / 2);
    assert_eq!(closed.len(), 1, "one waits, and one gives way: {closed:?}");
    worker.ended(closed[0], Ended::Wanted);
    clients[3].take(&mut worker);
    assert_eq!(clients[3].answers(), [(200, letters(20_000))]);
}

fn what_a_turn_brings_counts_before_anybody_gives_way<B: Buffers>() {
    let limits = Limits {
        big_regions_max: 8,
        ..Limits::DEFAULT
    };
    let late_ms = limits.region_hold_ms * 2;
    let mut worker = worker::<B>(limits);
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
        worker.pending(client.id);
    }
    worker.tick(at(late_ms));
    // A turn took long, and only now it is told what everybody has taken meanwhile.
    for client in &clients {
        let bytes = worker.pending(client.id).len();
        worker.on_sent(client.id, bytes);
    }
    assert!(worker.next_changed().is_none_or(|(_, want)| !want.close()));
}

fn nobody_gives_way_while_half_of_the_regions_are_free<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 8,
        ..Limits::DEFAULT
    });
    let mut clients: Vec<_> = (0..2).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
    }
    assert_eq!(worker.regions_lent(), 4);
    let long_ms = Limits::DEFAULT.send_timeout_ms - 1;
    assert_eq!(closed_after(&mut worker, long_ms), []);
}

/// It stands in line until the next region comes back.
fn who_waited_and_has_gone_hurries_nobody<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 8,
        ..Limits::DEFAULT
    });
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for (client, size) in clients.iter_mut().zip([20_000, 20_000, 20_000, 50_000]) {
        client.want = worker.on_bytes(client.id, get(&format!("/size/{size}")).as_bytes());
    }
    assert_eq!((worker.regions_lent(), worker.shared.waiting.len()), (6, 1));
    worker.ended(clients[3].id, Ended::Broken);
    let hold_ms = Limits::DEFAULT.region_hold_ms;
    assert_eq!(closed_after(&mut worker, hold_ms - 1), []);
    assert_eq!(closed_after(&mut worker, hold_ms * 3 / 2).len(), 2);
}

const MEMORY: Limits = Limits {
    content_bytes_max: 150 * 1024,
    received_bytes_max: 256 * 1024,
    ..Limits::DEFAULT
};

/// Long after the worker began, as it is with every worker that serves.
const LATER_MS: u64 = 60_000;
const PART_MS: u64 = MEMORY.received_hold_ms / 8;

fn uploading<B: Buffers>(
    count: usize,
    path: &str,
    length: usize,
) -> (Worker<Shop, B>, Vec<Client>) {
    let mut worker = worker::<B>(MEMORY);
    closed_after(&mut worker, LATER_MS);
    let mut clients: Vec<_> = (0..count).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        client.send(&mut worker, head.as_bytes());
    }
    (worker, clients)
}

/// Uploads that come fast and then hardly move, one that goes on, and a head in pieces.
fn who_sends_little_for_what_it_holds_gives_way<B: Buffers>() {
    let (mut worker, mut clients) = uploading::<B>(3, "/echo", 60_000);
    for client in &mut clients {
        client.send(&mut worker, &letters(40_000));
    }
    let mut head = Client::new(&mut worker);
    head.send(&mut worker, b"GET /size/2 HTTP/1.1\r\nHost: a");
    clients[2].send(&mut worker, &letters(10_000));
    assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);

    closed_after(&mut worker, LATER_MS + PART_MS);
    assert!(
        clients.iter().all(|client| client.received.is_empty()),
        "one pause is none"
    );
    clients[0].send(&mut worker, &letters(30));
    clients[1].send(&mut worker, &letters(2_000));
    clients[2].send(&mut worker, &letters(9_000));
    closed_after(&mut worker, LATER_MS + 2 * PART_MS);
    for client in &mut clients {
        client.want = worker.on_sent(client.id, 0);
        client.take(&mut worker);
    }
    assert_eq!(
        clients.iter().map(statuses).collect::<Vec<_>>(),
        [vec![503], vec![], vec![]],
        "the slowest of two is enough"
    );
    assert_eq!(timeouts(&worker, Timeout::Send), 0);
    assert!(worker.received_bytes() <= MEMORY.received_bytes_max / 2);
    clients[2].send(&mut worker, &letters(1_000));
    assert_eq!(statuses(&clients[2]), [200]);
    head.send(&mut worker, b"\r\n\r\n");
    assert_eq!(statuses(&head), [200]);
}

/// Memory is scarce, and each of them sends as much as it holds within its time.
fn who_sends_enough_gives_no_way<B: Buffers>() {
    let (mut worker, mut clients) = uploading::<B>(3, "/echo", 60_000);
    for client in &mut clients {
        client.send(&mut worker, &letters(35_000));
        client.send(&mut worker, &letters(1_000));
    }
    for part in 1..=3 {
        assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
        closed_after(&mut worker, LATER_MS + part * PART_MS);
        for client in &mut clients {
            client.send(&mut worker, &letters(7_600));
        }
    }
    for client in &mut clients {
        client.send(&mut worker, &letters(1_200));
        assert_eq!(statuses(client), [200]);
    }
}

/// The application has its reasons.
fn what_is_parked_gives_no_way<B: Buffers>() {
    let (mut worker, mut clients) = uploading::<B>(3, "/park", 60_000);
    for client in &mut clients {
        client.send(&mut worker, &letters(60_000));
    }
    for part in 1..=4 {
        assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
        closed_after(&mut worker, LATER_MS + part * PART_MS);
    }
    for client in &mut clients {
        worker.resume(client.id);
        client.take(&mut worker);
        assert_eq!(client.answers(), [(200, b"resumed".to_vec())]);
    }
}

/// Their requests are kept until all of their answers is written.
fn a_slow_reader_of_an_echo_gives_way<B: Buffers>() {
    let (mut worker, clients) = uploading::<B>(3, "/stream/100000", 55_000);
    for client in &clients {
        worker.on_bytes(client.id, &letters(55_000));
        worker.pending(client.id);
    }
    assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
    for part in 1..=2 {
        assert_eq!(closed_after(&mut worker, LATER_MS + part * PART_MS), []);
        worker.on_sent(clients[0].id, 2);
        worker.on_sent(clients[1].id, 1);
        for _ in 0..4 {
            let bytes = worker.pending(clients[2].id).len();
            worker.on_sent(clients[2].id, bytes);
        }
    }
    let closed = closed_after(&mut worker, LATER_MS + 3 * PART_MS);
    assert_eq!(closed, [clients[1].id], "the slowest of two is enough");
    assert_eq!(worker.shared.handler.told.len(), 1);
    let reason = worker.ended(clients[1].id, Ended::Wanted);
    assert_eq!(reason, Some(CloseReason::Refused(Fault::Exhausted)));
}

fn a_full_worker_refuses_heads_that_do_not_come<B: Buffers>() {
    let limits = Limits {
        connections_max: 5,
        ..Limits::DEFAULT
    };
    let full_ms = limits.full_idle_ms;
    let mut worker = worker::<B>(limits);
    let mut clients: Vec<_> = (0..5).map(|_| Client::new(&mut worker)).collect();
    for (client, first) in clients.iter_mut().zip(["G", "G", "GET / H", "GET / H"]) {
        client.send(&mut worker, first.as_bytes());
    }
    clients[4].send(
        &mut worker,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
    );
    assert!(!worker.accepting());
    closed_after(&mut worker, full_ms - 1);
    assert_eq!(timeouts(&worker, Timeout::Head), 0);
    clients[0].send(&mut worker, &get("/size/2").as_bytes()[1..]);
    closed_after(&mut worker, full_ms + 500);
    assert_eq!(timeouts(&worker, Timeout::Head), 1, "four fifths are left");
    let refused = worker.pending(clients[1].id);
    assert!(refused.starts_with(b"HTTP/1.1 408 "));
}

/// Their places would be worth a lot to whoever wants to keep others out.
fn a_full_worker_ends_whoever_sends_what_was_refused<B: Buffers>() {
    let limits = Limits {
        connections_max: 5,
        ..Limits::DEFAULT
    };
    let full_ms = limits.full_idle_ms;
    let mut worker = worker::<B>(limits);
    let refused = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
    let mut sends = Client::new(&mut worker);
    sends.send(&mut worker, refused);
    assert_eq!(sends.answers()[0].0, 413);
    let mut parked: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut parked {
        client.send(&mut worker, get("/park").as_bytes());
    }
    assert!(!worker.accepting());
    assert_eq!(closed_after(&mut worker, full_ms - 10), []);
    sends.send(&mut worker, &[b'x'; 100_000]);
    assert_eq!(closed_after(&mut worker, full_ms + 500), [sends.id]);
}

fn a_full_worker_leaves_whoever_is_not_idle_for_long<B: Buffers>() {
    let limits = Limits {
        connections_max: 4,
        ..Limits::DEFAULT
    };
    let idle_ms = limits.full_idle_ms;
    let mut worker = worker::<B>(limits);
    for _ in 0..4 {
        worker.open(None).unwrap();
    }
    closed_after(&mut worker, idle_ms - 1);
    assert_eq!(timeouts(&worker, Timeout::Idle), 0);
    closed_after(&mut worker, idle_ms * 2);
    assert_eq!(timeouts(&worker, Timeout::Idle), 1);
}

fn a_full_worker_ends_whoever_is_idle<B: Buffers>() {
    let limits = Limits {
        connections_max: 10,
        ..Limits::DEFAULT
    };
    let idle_ms = limits.full_idle_ms;
    let mut worker = worker::<B>(limits);
    let mut clients: Vec<_> = (0..9).map(|_| Client::new(&mut worker)).collect();
    assert_eq!(closed_after(&mut worker, 2 * idle_ms), []);
    clients[1].send(&mut worker, get("/size/2").as_bytes());
    clients[2].send(&mut worker, b"GET");
    assert!(!clients.iter().any(|client| client.shut), "there is room");

    clients.push(Client::new(&mut worker));
    assert!(!worker.accepting());
    while let Some((id, want)) = worker.next_changed() {
        clients
            .iter_mut()
            .filter(|client| client.id == id)
            .for_each(|client| client.want = want);
    }
    let ended: Vec<Id> = clients
        .iter()
        .filter(|client| client.want.shut())
        .map(|client| client.id)
        .collect();
    assert_eq!(ended.len(), 2, "four fifths are left");
    let busy = [clients[1].id, clients[2].id, clients[9].id];
    assert!(!busy.iter().any(|id| ended.contains(id)), "{ended:?}");
    closed_after(&mut worker, 2 * idle_ms + 600);
    assert_eq!(
        timeouts(&worker, Timeout::Idle),
        2,
        "those two are on their way"
    );
    for id in ended {
        worker.ended(id, Ended::Wanted);
    }
    assert!(worker.accepting());
}
