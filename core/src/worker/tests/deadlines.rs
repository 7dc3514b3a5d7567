//! Time, and stopping.

use super::client::{START, letters, refusal, timeouts, worker};
use super::*;

every_strategy! {
    silence_is_ended
    a_slow_head_is_not_helped_by_further_bytes
    a_refused_upload_is_heard_while_it_goes_on
    a_reader_that_takes_nothing_is_ended
    a_trickle_is_ended
    a_small_answer_costs_a_slow_reader_no_earlier_one
    limits_may_be_as_large_as_they_come
    a_stream_ends_its_connection_while_draining
    waiting_for_a_region_ends_in_503
    parked_requests_come_back_in_time
    draining_finishes_what_is_under_way
    draining_hears_what_is_on_its_way
    draining_ends_whoever_is_idle_then
    draining_ends_at_its_deadline
}

pub(super) fn at(ms: u64) -> Now {
    Now {
        monotonic_ms: START.monotonic_ms + ms,
        ..START
    }
}

pub(super) const GET: &[u8] = b"GET /size/2 HTTP/1.1\r\nHost: a\r\n\r\n";
pub(super) const BIG: &[u8] = b"GET /size/20000 HTTP/1.1\r\nHost: a\r\n\r\n";

/// Lets time pass in steps of the worker's own choice until `ms`, and takes what comes.
pub(super) fn pass<B: Buffers>(worker: &mut Worker<Shop, B>, client: &mut Client, ms: u64) {
    loop {
        let next_ms = worker
            .next_ms()
            .unwrap_or(u64::MAX)
            .min(at(ms).monotonic_ms);
        worker.tick(Now {
            monotonic_ms: next_ms,
            ..START
        });
        client.take(worker);
        if next_ms == at(ms).monotonic_ms {
            return;
        }
    }
}

fn silence_is_ended<B: Buffers>() {
    let limits = Limits::DEFAULT;
    for (bytes, timeout_ms, statuses) in [
        (&b""[..], limits.idle_timeout_ms, vec![]),
        (GET, limits.idle_timeout_ms, vec![200]),
        (b"GET / HTTP/1.1\r\n", limits.head_timeout_ms, vec![408]),
        (
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
            limits.content_timeout_ms,
            vec![408],
        ),
    ] {
        let mut worker = worker::<B>(limits.clone());
        let mut client = Client::new(&mut worker);
        if !bytes.is_empty() {
            client.send(&mut worker, bytes);
        }
        let before = client.answers().len();
        pass(&mut worker, &mut client, timeout_ms - 1);
        assert_eq!(
            (client.answers().len(), client.want),
            (before, Want::RECEIVE),
            "{}",
            bytes.escape_ascii()
        );
        pass(&mut worker, &mut client, timeout_ms + 10);
        let answered: Vec<_> = client.answers().iter().map(|(status, _)| *status).collect();
        assert_eq!(answered, statuses);
        assert!(client.shut && client.want.receive());
        pass(
            &mut worker,
            &mut client,
            timeout_ms + limits.linger_timeout_ms + 20,
        );
        // Whoever was told why may still be reading it.
        let end = match statuses == [408] {
            true => Want::CLOSE,
            false => Want::RESET,
        };
        assert_eq!(client.want, end, "{}", bytes.escape_ascii());
        worker.ended(client.id, Ended::Wanted);
        let silences = [Timeout::Idle, Timeout::Head, Timeout::Content];
        let counts = silences.map(|timeout| timeouts(&worker, timeout));
        assert_eq!(counts.iter().sum::<u64>(), 1);
    }
}

/// Whoever sends content that was refused has to come to read the answer.
fn a_refused_upload_is_heard_while_it_goes_on<B: Buffers>() {
    let limits = Limits::DEFAULT;
    let linger_ms = limits.linger_timeout_ms;
    let refused = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
    let ended_s = |bytes: usize, pieces: u64| {
        let mut worker = worker::<B>(limits.clone());
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, refused);
        assert_eq!(client.answers()[0].0, 413);
        for second in 1..=pieces {
            pass(&mut worker, &mut client, second * 1_000);
            if client.want.close() {
                return second;
            }
            client.send(&mut worker, &vec![b'x'; bytes]);
        }
        pass(&mut worker, &mut client, pieces * 1_000 + linger_ms - 10);
        assert!(client.want.receive(), "it may be about to read the answer");
        pass(&mut worker, &mut client, pieces * 1_000 + linger_ms + 10);
        assert_eq!(client.want, Want::CLOSE);
        pieces
    };
    let enough = limits.content_bytes_per_s_min as usize;
    assert_eq!(ended_s(2 * enough, 9), 9);
    let longest_s = limits.content_timeout_ms / 1_000;
    assert!((longest_s..=longest_s + 1).contains(&ended_s(2 * enough, 60)));
    assert!(
        ended_s(enough / 4, 60) <= linger_ms / 1_000 + 1,
        "a trickle"
    );
}

fn a_slow_head_is_not_helped_by_further_bytes<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, GET);
    client.send(&mut worker, b"GET / HTTP/1.1\r\n");
    for second in 1..8 {
        client.send(&mut worker, b"X: y\r\n");
        pass(&mut worker, &mut client, second * 1_000);
        assert_eq!(client.want, Want::RECEIVE);
    }
    pass(&mut worker, &mut client, 8_010);
    assert_eq!(client.answers()[1].0, 408);
}

fn a_reader_that_takes_nothing_is_ended<B: Buffers>() {
    let timeout_ms = Limits::DEFAULT.send_timeout_ms;
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    worker.on_bytes(client.id, BIG);
    worker.pending(client.id);
    pass(&mut worker, &mut client, timeout_ms - 1);
    client.want = worker.on_sent(client.id, 10 * 1024);
    assert!(client.want.send());
    worker.pending(client.id);
    client.want = Want::NOTHING;
    pass(&mut worker, &mut client, timeout_ms + 9_999);
    assert_eq!(
        client.want,
        Want::NOTHING,
        "10 KiB give it ten more seconds"
    );
    pass(&mut worker, &mut client, timeout_ms + 10_010);
    assert_eq!(client.want, Want::RESET);
    assert_eq!(
        worker.ended(client.id, Ended::Wanted),
        Some(CloseReason::SlowReader)
    );
}

/// A byte now and then is progress, but not enough of it to keep a region from others.
fn a_trickle_is_ended<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let reader = worker.open(None).unwrap();
    let mut writer = Client::new(&mut worker);
    worker.on_bytes(reader, BIG);
    writer.send(
        &mut worker,
        b"POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
    );
    let mut reader_ended = false;
    for second in 1..=40 {
        reader_ended |= worker.pending(reader).is_empty() || worker.on_sent(reader, 1).close();
        writer.send(&mut worker, b"x");
        pass(&mut worker, &mut writer, second * 1_000);
    }
    assert!(reader_ended);
    assert_eq!(writer.answers(), [refusal(Fault::Silence)]);
}

/// The kernel has taken a large answer and then a small one, and sends them at the slowest rate.
fn a_small_answer_costs_a_slow_reader_no_earlier_one<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, b"GET /size/40000 HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.tick(at(1_000));
    client.send(&mut worker, GET);
    pass(&mut worker, &mut client, 31_000);
    assert!(client.shut && client.want != Want::RESET, "it lingers");
    pass(&mut worker, &mut client, 33_500);
    assert_eq!(client.want, Want::RESET);
}

fn limits_may_be_as_large_as_they_come<B: Buffers>() {
    let forever = u64::MAX;
    let mut worker = worker::<B>(Limits {
        idle_timeout_ms: forever,
        head_timeout_ms: forever,
        content_timeout_ms: forever,
        send_timeout_ms: forever,
        drain_timeout_ms: forever,
        content_bytes_per_s_min: 0,
        send_bytes_per_s_min: 0,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, GET);
    client.send(
        &mut worker,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no",
    );
    worker.drain();
    pass(&mut worker, &mut client, 1_000_000_000);
    client.send(&mut worker, b"k");
    assert_eq!(client.answers()[1], (200, b"ok".to_vec()));
}

fn waiting_for_a_region_ends_in_503<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 2,
        ..Limits::DEFAULT
    });
    let holder = worker.open(None).unwrap();
    worker.on_bytes(holder, BIG);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, &[GET, BIG].concat());
    pass(&mut worker, &mut client, Limits::DEFAULT.region_wait_ms - 1);
    assert_eq!(client.answers(), [(200, letters(2))]);
    pass(
        &mut worker,
        &mut client,
        Limits::DEFAULT.region_wait_ms + 10,
    );
    assert_eq!(client.answers()[1..], [refusal(Fault::Exhausted)]);
    let waits = worker.counters().region_waits.get();
    assert_eq!((waits, timeouts(&worker, Timeout::Region)), (1, 1));
}

fn parked_requests_come_back_in_time<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut clients: Vec<_> = (0..32).map(|_| Client::new(&mut worker)).collect();
    let delay_ms = |index: usize| 10 + 300 * index as u64;
    for (index, client) in clients.iter_mut().enumerate() {
        let request = format!("GET /after/{} HTTP/1.1\r\nHost: a\r\n\r\n", delay_ms(index));
        client.send(&mut worker, request.as_bytes());
        client.send(&mut worker, GET);
    }
    let mut back_ms = vec![None; clients.len()];
    let mut now = START;
    while let Some(next_ms) = worker.next_ms().filter(|_| back_ms.contains(&None)) {
        now.monotonic_ms = next_ms.max(now.monotonic_ms + 1);
        worker.tick(now);
        while let Some((id, want)) = worker.next_changed() {
            let index = clients.iter().position(|client| client.id == id).unwrap();
            clients[index].want = want;
            while clients[index].take_once(&mut worker) {}
            back_ms[index] = Some(now.monotonic_ms - START.monotonic_ms);
        }
    }
    for (index, client) in clients.iter().enumerate() {
        assert_eq!(
            client.answers(),
            [(200, b"later".to_vec()), (200, letters(2))],
            "order is kept"
        );
        let (back, delay) = (back_ms[index].unwrap(), delay_ms(index));
        assert!(
            back >= delay && back <= delay + 16,
            "{back} ms instead of {delay}"
        );
    }
}

fn draining_finishes_what_is_under_way<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut idle = Client::new(&mut worker);
    let mut busy = Client::new(&mut worker);
    idle.send(&mut worker, GET);
    busy.send(&mut worker, b"GET /park HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.send(&mut worker, &[GET, GET].concat());
    let mut partial = Client::new(&mut worker);
    partial.send(&mut worker, &GET[..9]);
    worker.drain();
    idle.send(&mut worker, &[GET, GET].concat());
    assert_eq!(idle.answers().len(), 3, "these were on their way");
    assert!(idle.shut && idle.want.receive());
    idle.send(&mut worker, GET);
    assert_eq!(idle.answers().len(), 3, "it reads, and answers no more");
    idle.send(&mut worker, b"");
    assert_eq!(idle.want, Want::CLOSE);
    worker.resume(busy.id);
    busy.take(&mut worker);
    assert_eq!(
        busy.answers(),
        [
            (200, b"resumed".to_vec()),
            (200, letters(2)),
            (200, letters(2))
        ]
    );
    assert_eq!(
        busy.text().matches("Connection: close").count(),
        1,
        "only the last answer says so"
    );
    assert!(busy.shut && busy.want.receive());
    busy.send(&mut worker, b"");
    assert_eq!(
        worker.ended(busy.id, Ended::Wanted),
        Some(CloseReason::Drained)
    );
    partial.send(&mut worker, &GET[9..]);
    assert_eq!(
        (partial.answers(), partial.shut),
        (vec![(200, letters(2))], true)
    );
}

fn draining_hears_what_is_on_its_way<B: Buffers>() {
    let (drain_ms, idle_ms) = (5_000, Limits::DEFAULT.drain_idle_ms);
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut silent = Client::new(&mut worker);
    let mut late = Client::new(&mut worker);
    pass(&mut worker, &mut silent, drain_ms);
    worker.drain();
    pass(&mut worker, &mut late, drain_ms + idle_ms - 1);
    silent.take(&mut worker);
    assert_eq!((silent.want, late.want), (Want::RECEIVE, Want::RECEIVE));
    late.send(&mut worker, &[GET, GET].concat());
    assert_eq!(late.answers().len(), 2);
    assert!(late.shut && late.text().contains("Connection: close"));
    pass(&mut worker, &mut silent, drain_ms + idle_ms + 10);
    assert!(
        silent.shut,
        "its time is over, and it may still reset nothing"
    );
    silent.send(&mut worker, b"");
    assert_eq!(silent.want, Want::CLOSE);
    assert_eq!(
        worker.ended(silent.id, Ended::Wanted),
        Some(CloseReason::Drained)
    );
}

fn a_stream_ends_its_connection_while_draining<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.want = worker.on_bytes(client.id, b"GET /stream/50000 HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.drain();
    client.take(&mut worker);
    assert!(client.answers() == [(200, letters(50_000))]);
    pass(&mut worker, &mut client, Limits::DEFAULT.drain_idle_ms + 10);
    assert!(client.shut);
}

fn draining_ends_whoever_is_idle_then<B: Buffers>() {
    let drain_timeout_ms = Limits::DEFAULT.drain_idle_ms;
    let mut worker = worker::<B>(Limits {
        drain_timeout_ms,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, GET);
    worker.drain();
    pass(&mut worker, &mut client, drain_timeout_ms + 10);
    assert_eq!(client.want, Want::CLOSE, "it does not begin to linger");
}

fn draining_ends_at_its_deadline<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, b"GET /park HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.drain();
    pass(
        &mut worker,
        &mut client,
        Limits::DEFAULT.drain_timeout_ms - 1,
    );
    assert_eq!(client.want, Want::RECEIVE);
    pass(&mut worker, &mut client, Limits::DEFAULT.drain_timeout_ms);
    assert_eq!(client.want, Want::CLOSE);
    worker.ended(client.id, Ended::Wanted);
    assert_eq!(worker.live(), 0);
}
