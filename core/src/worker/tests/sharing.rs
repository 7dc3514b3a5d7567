//! What the connections of a worker share: regions and places.

use super::client::{closes, get, letters, worker};
use super::*;

every_strategy! {
    regions_stay_within_their_bound_and_go_when_nobody_needs_them
    an_exhausted_pool_makes_requests_wait_their_turn
    those_that_wait_are_woken_one_by_one
    an_answer_larger_than_what_there_is_holds_up_nobody
    an_old_id_is_harmless
    connections_are_limited
    a_full_worker_accepts_again_at_four_fifths
    the_handler_is_told_who_connects
    an_idle_connection_stays_within_its_budget
}

fn an_exhausted_pool_makes_requests_wait_their_turn<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 2,
        ..Limits::DEFAULT
    });
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
    }
    assert_eq!(
        (worker.regions_lent(), worker.counters().region_waits.get()),
        (2, 3)
    );
    assert_eq!(clients[1].want, Want::NOTHING);
    // Whoever waits longest is next, by `next_changed`.
    clients[0].take_once(&mut worker);
    for client in &mut clients[1..] {
        let (id, want) = worker.next_changed().expect("a region came back");
        assert_eq!(
            (id, want.send(), worker.regions_lent()),
            (client.id, true, 2)
        );
        client.want = want;
        client.take_once(&mut worker);
    }
    assert!(
        clients
            .iter()
            .all(|client| client.answers() == [(200, letters(20_000))])
    );
    assert_eq!((worker.regions_lent(), worker.next_changed()), (0, None));

    // One that ends returns what it holds; one that waits and ends is passed over.
    for client in &mut clients[..3] {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
    }
    worker.ended(clients[1].id, Ended::Broken);
    worker.ended(clients[0].id, Ended::Broken);
    clients[2].take(&mut worker);
    assert_eq!(clients[2].answers().len(), 2);
    assert_eq!(closes(&worker, CloseReason::Broken), 2);
}

/// Small answers, large and oversize ones come in every order, and nobody reads them until the worker has lent all that it
/// may; then all of it is needed no longer.
fn regions_stay_within_their_bound_and_go_when_nobody_needs_them<B: Buffers>() {
    const LIMITS: Limits = Limits {
        connections_max: 40,
        big_regions_max: 14,
        idle_timeout_ms: 600_000,
        region_wait_ms: 600_000,
        ..Limits::DEFAULT
    };
    let bound = LIMITS.regions_bytes_max(B::OWN_BYTES_MAX);
    let mut worker = worker::<B>(LIMITS);
    let mut most = 0;
    for sizes in [
        [100, 10_000],
        [100, 100_000],
        [30_000, 100_000],
        [10_000, 10_000],
    ] {
        let mut clients: Vec<_> = (0..40).map(|_| Client::new(&mut worker)).collect();
        for (turn, client) in clients.iter_mut().enumerate() {
            let ask = get(&format!("/size/{}", sizes[turn % 2]));
            client.want = worker.on_bytes(client.id, ask.as_bytes());
            most = worker.regions_bytes().max(most);
            assert!(worker.regions_bytes() <= bound, "{sizes:?}");
        }
        for client in clients {
            worker.ended(client.id, Ended::Broken);
            assert!(worker.regions_bytes() <= bound, "{sizes:?}");
        }
    }
    // Half of the connections at least had a small answer while all that can be lent was.
    assert!(most > bound / 2, "{most} of {bound} bytes were needed");

    // Half of what nobody has needed goes every second.
    for _ in 0..10 {
        let monotonic_ms = worker.shared.now.monotonic_ms + 1_000;
        worker.tick(Now {
            monotonic_ms,
            ..worker.shared.now
        });
    }
    assert_eq!(worker.regions_bytes(), 0);
}

fn an_old_id_is_harmless<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let old = worker.open(None).unwrap();
    worker.resume(old);
    worker.ended(old, Ended::Wanted);
    let mut new = Client::new(&mut worker);
    assert_eq!(old.index(), new.id.index());
    assert_eq!(
        worker.on_bytes(old, get("/size/1").as_bytes()),
        Want::NOTHING
    );
    assert_eq!(worker.on_sent(old, 7), Want::NOTHING);
    assert_eq!(worker.pending(old).len(), 0);
    assert_eq!(
        (worker.ended(old, Ended::Broken), worker.next_changed()),
        (None, None)
    );
    new.send(&mut worker, get("/size/1").as_bytes());
    assert_eq!(new.answers(), [(200, b"a".to_vec())]);
}

fn those_that_wait_are_woken_one_by_one<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 20,
        ..Limits::DEFAULT
    });
    let large = get("/size/20000");
    let mut holders: Vec<_> = (0..10).map(|_| Client::new(&mut worker)).collect();
    for holder in &mut holders {
        holder.want = worker.on_bytes(holder.id, large.as_bytes());
    }
    for _ in 0..1_000 {
        let waiting = worker.open(None).unwrap();
        worker.on_bytes(waiting, large.as_bytes());
    }
    let before = worker.shared.handler.presented;
    for holder in &mut holders {
        holder.take_once(&mut worker);
        while worker.next_changed().is_some() {}
    }
    let presented = worker.shared.handler.presented - before;
    assert!(presented <= 20, "{presented} were presented for 10 regions");
    assert_eq!(
        worker.counters().region_waits.get(),
        1_000,
        "a vain try is no further wait"
    );

    // Those that end while they wait leave the line.
    for _ in 0..10_000 {
        let id = worker.open(None).unwrap();
        worker.on_bytes(id, large.as_bytes());
        worker.ended(id, Ended::Broken);
        while worker.next_changed().is_some() {}
    }
    assert!(worker.shared.waiting.len() <= 2 * worker.live() + 64);
}

/// Some answers in line are larger than what comes back.
fn an_answer_larger_than_what_there_is_holds_up_nobody<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 20,
        ..Limits::DEFAULT
    });
    let mut clients: Vec<_> = (0..12).map(|_| Client::new(&mut worker)).collect();
    for client in &mut clients[..10] {
        client.want = worker.on_bytes(client.id, get("/size/20000").as_bytes());
    }
    for (client, size) in clients[10..].iter_mut().zip([200_000, 20_000]) {
        client.want = worker.on_bytes(client.id, get(&format!("/size/{size}")).as_bytes());
    }
    let (holders, waiting) = clients.split_at_mut(10);
    holders[0].take_once(&mut worker);
    let (large, small) = waiting.split_at_mut(1);
    small[0].take(&mut worker);
    assert_eq!(small[0].answers(), [(200, letters(20_000))]);
    assert_eq!(large[0].want, Want::NOTHING);
    for holder in &mut holders[1..] {
        holder.take_once(&mut worker);
    }
    large[0].take(&mut worker);
    assert_eq!(large[0].answers(), [(200, letters(200_000))]);

    // However many of them there are, a region that comes back costs some tries.
    holders[0].want = worker.on_bytes(holders[0].id, get("/size/20000").as_bytes());
    for _ in 0..1_000 {
        let id = worker.open(None).unwrap();
        worker.on_bytes(id, get("/size/320000").as_bytes());
    }
    let before = worker.shared.handler.presented;
    holders[0].take(&mut worker);
    let presented = worker.shared.handler.presented - before;
    assert!(presented <= 9, "{presented}");
}

fn connections_are_limited<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        connections_max: 2,
        ..Limits::DEFAULT
    });
    let first = worker.open(None).unwrap();
    assert!(worker.open(None).is_some() && worker.open(None).is_none());
    worker.ended(first, Ended::Wanted);
    assert!(worker.open(None).is_some());
    worker.drain();
    assert!(worker.open(None).is_none());
    assert_eq!(
        (
            worker.counters().opened.get(),
            worker.counters().turned_away.get(),
            worker.counters().open()
        ),
        (3, 2, 2)
    );
}

fn a_full_worker_accepts_again_at_four_fifths<B: Buffers>() {
    for (connections_max, resumed_at) in [(1, 0), (2, 1), (4, 3), (5, 4), (10, 8), (99, 79)] {
        let mut worker = worker::<B>(Limits {
            connections_max,
            ..Limits::DEFAULT
        });
        let mut open = Vec::new();
        for round in 0..2 {
            while open.len() < connections_max {
                assert!(worker.accepting(), "{open:?} of {connections_max}");
                assert_eq!(worker.room(), connections_max - open.len());
                open.extend(worker.open(None));
            }
            assert_eq!((worker.accepting(), worker.room()), (false, 0));
            while let Some(id) = open.pop() {
                worker.ended(id, Ended::Wanted);
                // Who had been accepted already comes in, and changes nothing while it is full.
                if round == 1 && open.len() == resumed_at + 1 {
                    open.extend(worker.open(None));
                    worker.ended(open.pop().unwrap(), Ended::Broken);
                }
                let resumed = open.len() <= resumed_at;
                assert_eq!(worker.accepting(), resumed, "{open:?} of {connections_max}");
            }
        }
        worker.drain();
        assert_eq!((worker.accepting(), worker.room()), (false, 0));
    }
    let nobody = Limits {
        connections_max: 0,
        ..Limits::DEFAULT
    };
    assert!(!worker::<B>(nobody).accepting());
    let everybody = Limits {
        connections_max: usize::MAX,
        ..Limits::DEFAULT
    };
    let mut worker = worker::<B>(everybody);
    let id = worker.open(None).unwrap();
    worker.ended(id, Ended::Wanted);
    assert!(worker.accepting());
}

fn the_handler_is_told_who_connects<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        connections_max: 2,
        ..Limits::DEFAULT
    });
    let peer = "[::1]:9".parse().unwrap();
    let (first, second) = (worker.open(Some(peer)).unwrap(), worker.open(None).unwrap());
    assert_eq!(worker.open(Some(peer)), None);
    let opened = &worker.shared.handler.opened;
    assert_eq!(*opened, [(first, Some(peer)), (second, None)]);
}

/// What a connection costs beside its regions: a few cache lines.
fn an_idle_connection_stays_within_its_budget<B: Buffers>() {
    let beside = Worker::<Shop, B>::IDLE_CONNECTION_BYTES - B::IDLE_BYTES;
    assert!(beside <= 320, "{beside} bytes");
}
