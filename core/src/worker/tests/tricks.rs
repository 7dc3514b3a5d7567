//! Tricks by which a peer may try to hold a connection for longer than the deadlines allow, on simulated time.

use super::client::{START, worker};
use super::deadlines::{BIG, GET, at, pass};
use super::*;

every_strategy! {
    requests_do_not_buy_time_for_a_reader_that_takes_nothing
    parking_buys_no_time_for_a_reader_that_takes_nothing
    a_slow_reader_has_no_longer_for_its_next_head
    a_slow_reader_has_no_longer_for_its_content
    what_was_read_fast_buys_no_time_for_what_follows
    an_empty_line_is_no_sign_of_life
    a_head_is_not_helped_by_the_answers_before_it
    lingering_ends_during_an_upload_without_end
    what_the_kernel_took_is_given_the_time_of_a_slow_reader_and_then_discarded
    whoever_waits_for_its_handler_is_not_hurried
}

const LIMITS: Limits = Limits::DEFAULT;
const PARTIAL: &[u8] = b"GET / HTTP/1.1\r\n";

/// A connection that takes nothing of what is sent: the worker believes that the kernel is at it.
fn deaf<B: Buffers>(worker: &mut Worker<Shop, B>, bytes: &[u8]) -> Id {
    let id = worker.open(None).unwrap();
    assert!(worker.on_bytes(id, bytes).send());
    worker.pending(id);
    id
}

/// Lets time pass in small steps until `ms`; what is wanted of the connection at the end.
fn pass_for<B: Buffers>(
    worker: &mut Worker<Shop, B>,
    id: Id,
    from_ms: u64,
    ms: u64,
) -> Option<Want> {
    let mut last = None;
    for ms in (from_ms..=ms).step_by(10) {
        worker.tick(at(ms));
        while let Some((changed, want)) = worker.next_changed() {
            last = (changed == id).then_some(want).or(last);
        }
    }
    last
}

/// Whether it ends as a slow reader at `until_ms`, and not before.
fn ends_as_slow_reader<B: Buffers>(
    worker: &mut Worker<Shop, B>,
    id: Id,
    from_ms: u64,
    until_ms: u64,
) {
    let before = pass_for(worker, id, from_ms, until_ms - 10);
    assert!(before.is_none_or(|want| !want.close()));
    assert_eq!(
        pass_for(worker, id, until_ms, until_ms + 20),
        Some(Want::RESET)
    );
    assert_eq!(
        worker.ended(id, Ended::Wanted),
        Some(CloseReason::SlowReader)
    );
}

fn requests_do_not_buy_time_for_a_reader_that_takes_nothing<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = deaf(&mut worker, GET);
    for ms in [5_000, 10_000, 15_000] {
        pass_for(&mut worker, id, ms - 4_990, ms);
        worker.on_bytes(id, GET);
    }
    ends_as_slow_reader(&mut worker, id, 15_010, LIMITS.send_timeout_ms);
}

fn parking_buys_no_time_for_a_reader_that_takes_nothing<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = deaf(
        &mut worker,
        &[GET, b"GET /after/60000 HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
    );
    ends_as_slow_reader(&mut worker, id, 0, LIMITS.send_timeout_ms);
}

fn what_was_read_fast_buys_no_time_for_what_follows<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = deaf(&mut worker, &[BIG, BIG].concat());
    pass_for(&mut worker, id, 0, 10_000);
    let first = worker.pending(id).len();
    assert!(worker.on_sent(id, first).send(), "the second answer");
    worker.pending(id);
    pass_for(&mut worker, id, 10_010, 25_000);
    worker.on_sent(id, 1);
    worker.pending(id);
    ends_as_slow_reader(&mut worker, id, 25_010, 10_000 + LIMITS.send_timeout_ms);
}

/// It reads twice as fast as it has to, and begins a head meanwhile.
fn a_slow_reader_has_no_longer_for_its_next_head<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = deaf(&mut worker, BIG);
    worker.on_bytes(id, PARTIAL);
    let mut sent = 0;
    for second in 1..=7 {
        pass_for(&mut worker, id, second * 1_000 - 990, second * 1_000);
        assert!(
            worker.on_sent(id, 2_048).receive(),
            "its head may still come"
        );
        sent += worker.pending(id).len();
    }
    assert!(sent > 0, "it has not read everything yet");
    pass_for(&mut worker, id, 7_010, LIMITS.head_timeout_ms + 10);
    let mut want = worker.on_sent(id, 1);
    assert!(
        want.send() && !want.receive(),
        "no head is waited for any more"
    );
    while want.send() {
        let bytes = worker.pending(id).len();
        want = worker.on_sent(id, bytes);
    }
    assert!(want.shut(), "it has been told, and is lingering");
    let counters = worker.counters();
    assert_eq!(counters.refusals[Fault::Silence as usize].get(), 1);
}

fn a_slow_reader_has_no_longer_for_its_content<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = deaf(&mut worker, BIG);
    let post =
        b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    worker.on_bytes(id, post);
    for second in 1..=19 {
        pass_for(&mut worker, id, second * 1_000 - 990, second * 1_000);
        assert!(worker.on_sent(id, 512).receive());
        worker.pending(id);
    }
    pass_for(&mut worker, id, 19_010, LIMITS.content_timeout_ms + 10);
    assert!(
        !worker.on_sent(id, 1).receive(),
        "no content is waited for any more"
    );
}

fn an_empty_line_is_no_sign_of_life<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let id = worker.open(None).unwrap();
    pass_for(&mut worker, id, 0, LIMITS.idle_timeout_ms - 1_000);
    worker.on_bytes(id, b"\r\n");
    let last = pass_for(
        &mut worker,
        id,
        LIMITS.idle_timeout_ms - 990,
        LIMITS.idle_timeout_ms + 10,
    );
    assert_eq!(last, Some(Want::RECEIVE.and(Want::SHUT)));
    assert_eq!(worker.ended(id, Ended::Wanted), Some(CloseReason::Idle));
}

/// It takes an answer of 20 KB within its rate, and each piece of it is no sign of life of the head behind it.
fn a_head_is_not_helped_by_the_answers_before_it<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, BIG);
    for second in 1..=7 {
        client.send(&mut worker, &PARTIAL[second as usize - 1..second as usize]);
        pass(&mut worker, &mut client, second * 1_000);
        assert_eq!(client.want, Want::RECEIVE);
    }
    pass(
        &mut worker,
        &mut client,
        1_000 - 990 + LIMITS.head_timeout_ms,
    );
    assert_eq!(client.answers()[1].0, 408);
}

fn lingering_ends_during_an_upload_without_end<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, b"BAD\r\n\r\n");
    assert!(client.shut && client.want.receive());
    for ms in (10..LIMITS.linger_timeout_ms).step_by(10) {
        client.send(&mut worker, &[b'x'; 4_096]);
        pass(&mut worker, &mut client, ms);
        assert_eq!(client.want, Want::RECEIVE);
    }
    pass(&mut worker, &mut client, LIMITS.linger_timeout_ms + 10);
    assert_eq!(client.want, Want::CLOSE);
}

/// How long that may take is the application's to say: a peer cannot prolong it.
fn whoever_waits_for_its_handler_is_not_hurried<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let mut clients = ["/park", "/quiet"].map(|path| {
        let mut client = Client::new(&mut worker);
        client.send(
            &mut worker,
            format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes(),
        );
        client
    });
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + 1_000_000,
        ..START
    });
    for client in &mut clients {
        client.take(&mut worker);
        assert_eq!(client.want, Want::RECEIVE);
    }
}

/// The kernel takes an answer of 20 KB at once. A reader of 1 KiB/s needs 20 seconds for it, and has them.
fn what_the_kernel_took_is_given_the_time_of_a_slow_reader_and_then_discarded<B: Buffers>() {
    let limits = Limits {
        idle_timeout_ms: 5_000,
        ..LIMITS
    };
    let mut worker = worker::<B>(limits);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, BIG);
    pass(&mut worker, &mut client, 5_010);
    assert!(client.shut, "it is told that it may go");
    let through_ms = client.received.len() as u64 * 1_000 / 1_024;
    pass(&mut worker, &mut client, through_ms - 10);
    assert!(!client.want.close());
    pass(&mut worker, &mut client, through_ms + 20);
    assert_eq!(client.want, Want::RESET);
}
