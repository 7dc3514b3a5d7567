//! Who gives way when regions, memory or places are scarce.

use super::client::{START, get, letters, timeouts, worker};
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
}

/// Lets so much time pass, and returns who is to be closed.
fn closed_after<B: Buffers>(worker: &mut Worker<Shop, B>, ms: u64) -> Vec<Id> {
    let now = Now {
        monotonic_ms: START.monotonic_ms + ms,
        ..START
    };
    worker.tick(now);
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
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + late_ms,
        ..START
    });
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

const MEMORY: Limits = Limits {
    content_bytes_max: 150 * 1024,
    received_bytes_max: 256 * 1024,
    ..Limits::DEFAULT
};

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

/// Uploads that come fast and then hardly move, one that goes on, and a head in pieces.
fn who_sends_little_for_what_it_holds_gives_way<B: Buffers>() {
    let hold_ms = MEMORY.received_hold_ms;
    let mut worker = worker::<B>(MEMORY);
    let content = |at: usize| {
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {at}\r\n\r\n");
        head.into_bytes()
    };
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients[..3] {
        client.send(&mut worker, &content(60_000));
        client.send(&mut worker, &letters(40_000));
    }
    clients[3].send(&mut worker, b"GET /size/2 HTTP/1.1\r\nHost: a");
    // While half of the memory is free, whoever is slow has the time that its deadlines give it.
    clients[2].send(&mut worker, &letters(10_000));
    assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
    assert!(clients.iter().all(|client| client.received.is_empty()));

    let part_ms = hold_ms / 8;
    assert_eq!(closed_after(&mut worker, part_ms), []);
    clients[0].send(&mut worker, &letters(30));
    clients[1].send(&mut worker, &letters(5_000));
    clients[2].send(&mut worker, &letters(9_000));
    closed_after(&mut worker, part_ms * 2);
    for client in &mut clients {
        client.want = worker.on_sent(client.id, 0);
        client.take(&mut worker);
    }
    let statuses = |client: &Client| -> Vec<u16> {
        let answers = client.answers();
        answers.iter().map(|(status, _)| *status).collect()
    };
    assert_eq!(
        clients.iter().map(statuses).collect::<Vec<_>>(),
        [vec![503], vec![], vec![], vec![]],
        "one of them is enough"
    );
    assert!(worker.received_bytes() <= MEMORY.received_bytes_max / 2);
    clients[2].send(&mut worker, &letters(1_000));
    assert_eq!(statuses(&clients[2]), [200]);
    clients[3].send(&mut worker, b"\r\n\r\n");
    assert_eq!(statuses(&clients[3]), [200]);
}

/// The application has its reasons.
fn what_is_parked_gives_no_way<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        received_bytes_max: 64 * 1024,
        content_bytes_max: 32 * 1024,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    let head = "POST /park HTTP/1.1\r\nHost: a\r\nContent-Length: 32000\r\n\r\n";
    client.send(&mut worker, head.as_bytes());
    client.send(&mut worker, &letters(32_000));
    let mut other = Client::new(&mut worker);
    other.send(&mut worker, &get("/size/2").as_bytes()[..20]);
    let mut holding = Vec::new();
    while !worker.shared.tails.scarce() {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, &get("/size/2").as_bytes()[..20]);
        holding.push(client);
    }
    for part in 1..3 {
        closed_after(&mut worker, part * Limits::DEFAULT.received_hold_ms / 8);
    }
    worker.resume(client.id);
    client.take(&mut worker);
    assert_eq!(client.answers(), [(200, b"resumed".to_vec())]);
}

/// Its request is kept until all of the answer is written.
fn a_slow_reader_of_an_echo_gives_way<B: Buffers>() {
    let hold_ms = MEMORY.received_hold_ms;
    let mut worker = worker::<B>(MEMORY);
    let mut clients: Vec<_> = (0..2).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        let head = "POST /stream/100000 HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n";
        client.want = worker.on_bytes(client.id, head.as_bytes());
        client.want = worker.on_bytes(client.id, &letters(70_000));
    }
    assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
    let part_ms = hold_ms / 8;
    closed_after(&mut worker, part_ms);
    worker.pending(clients[0].id);
    worker.on_sent(clients[0].id, 1);
    for _ in 0..10 {
        let bytes = worker.pending(clients[1].id).len();
        worker.on_sent(clients[1].id, bytes);
    }
    assert_eq!(closed_after(&mut worker, part_ms * 2), [clients[0].id]);
    let reason = worker.ended(clients[0].id, Ended::Wanted);
    assert_eq!(reason, Some(CloseReason::Refused(Fault::Exhausted)));
}

/// Memory is scarce, and each of them sends as much as it holds within its time.
fn who_sends_enough_gives_no_way<B: Buffers>() {
    let mut worker = worker::<B>(MEMORY);
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n";
        client.send(&mut worker, head.as_bytes());
        client.send(&mut worker, &letters(45_000));
    }
    assert!(worker.received_bytes() > MEMORY.received_bytes_max / 2);
    let part_ms = MEMORY.received_hold_ms / 8;
    closed_after(&mut worker, part_ms);
    for client in &mut clients {
        client.send(&mut worker, &letters(7_600));
    }
    closed_after(&mut worker, part_ms * 2);
    for client in &mut clients {
        client.send(&mut worker, &letters(7_400));
        assert_eq!(client.answers().len(), 1);
        assert_eq!(client.answers()[0].0, 200);
    }
}

fn a_full_worker_leaves_whoever_is_not_idle_for_long<B: Buffers>() {
    let limits = Limits {
        connections_max: 4,
        ..Limits::DEFAULT
    };
    let idle_ms = limits.full_idle_ms;
    let mut worker = worker::<B>(limits);
    let clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    closed_after(&mut worker, idle_ms - 1);
    assert_eq!(timeouts(&worker, Timeout::Idle), 0);
    closed_after(&mut worker, idle_ms * 2);
    assert_eq!(
        timeouts(&worker, Timeout::Idle),
        1,
        "{} were there",
        clients.len()
    );
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
