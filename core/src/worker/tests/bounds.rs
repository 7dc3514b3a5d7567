//! What one connection, and all of them together, can make a worker keep.

use super::client::{get, letters, worker};
use super::*;

every_strategy! {
    announced_content_costs_nothing
    uploads_beyond_the_memory_are_refused_and_small_requests_are_not
    partial_heads_beyond_the_memory_are_refused
    what_comes_while_a_request_is_parked_counts
    a_stream_is_cut_off_where_memory_runs_out
    the_last_request_of_a_connection_is_told
    answers_that_were_not_sent_hold_up_the_next_request
}

const LIMITS: Limits = Limits {
    content_bytes_max: 80 * 1024,
    received_bytes_max: 256 * 1024,
    ..Limits::DEFAULT
};

fn post(length: usize) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

pub(super) fn statuses(client: &Client) -> Vec<u16> {
    client.answers().iter().map(|(status, _)| *status).collect()
}

fn announced_content_costs_nothing<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    for _ in 0..1_000 {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, &post(10 * 1024 * 1024));
        client.send(&mut worker, b"x");
        assert_eq!(client.want, Want::RECEIVE);
    }
    assert!(worker.received_bytes() <= 1_000 * 256);
}

/// Three uploads take all that large ones may; heads in two pieces and uploads that end are still served.
fn uploads_beyond_the_memory_are_refused_and_small_requests_are_not<B: Buffers>() {
    assert_eq!(LIMITS.check(), Ok(()));
    let mut worker = worker::<B>(LIMITS);
    let length = 60 * 1024;
    let mut uploads = [(); 4].map(|()| Client::new(&mut worker));
    for client in &mut uploads {
        client.send(&mut worker, &post(length));
        client.send(&mut worker, &letters(length as u64 - 1));
    }
    let [first, second, third, fourth] = &mut uploads;
    assert_eq!(statuses(fourth), [503]);
    assert!(fourth.shut && fourth.want.receive());
    assert!(worker.received_bytes() <= LIMITS.received_bytes_max / 4 * 3);
    let mut small = Client::new(&mut worker);
    let request = get("/size/2");
    small.send(&mut worker, &request.as_bytes()[..9]);
    small.send(&mut worker, &request.as_bytes()[9..]);
    assert_eq!(statuses(&small), [200]);
    for client in [first, second, third] {
        client.send(&mut worker, b"x");
        assert_eq!(statuses(client), [200]);
    }
    assert_eq!(worker.received_bytes(), 0);
}

fn partial_heads_beyond_the_memory_are_refused<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(10_000));
    let mut refused = 0;
    for _ in 0..100 {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, head.as_bytes());
        refused += usize::from(!client.received.is_empty());
        assert!(worker.received_bytes() <= LIMITS.received_bytes_max);
    }
    assert_eq!(refused, 100 - LIMITS.received_bytes_max / 10_240);
}

/// As where a loop cannot take back a receive.
fn what_comes_while_a_request_is_parked_counts<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/park").as_bytes());
    for _ in 0..40 {
        client.send(&mut worker, &letters(4_096));
        assert!(worker.received_bytes() <= 40 * 4_096 + 16 * 1024);
    }
    assert_eq!(statuses(&client), []);
    for _ in 0..40 {
        client.send(&mut worker, &letters(4_096));
    }
    assert_eq!((statuses(&client), worker.received_bytes()), (vec![503], 0));
    worker.resume(client.id);
    client.take(&mut worker);
    assert_eq!(
        statuses(&client),
        [503],
        "what is parked no more is not presented"
    );
}

fn a_stream_is_cut_off_where_memory_runs_out<B: Buffers>() {
    let mut worker = worker::<B>(LIMITS);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/quiet").as_bytes());
    for _ in 0..80 {
        client.send(&mut worker, &letters(4_096));
    }
    assert_eq!(client.want, Want::CLOSE);
    let reason = worker.ended(client.id, Ended::Wanted);
    assert_eq!(reason, Some(CloseReason::Refused(Fault::Exhausted)));
    assert_eq!(worker.received_bytes(), 0);
}

fn the_last_request_of_a_connection_is_told<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        requests_max: 3,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/size/2").as_bytes());
    client.send(&mut worker, get("/size/3").repeat(4).as_bytes());
    assert_eq!(statuses(&client), [200, 200, 200]);
    let text = client.text();
    let (_, last) = text.rsplit_once("HTTP/1.1").unwrap();
    assert!(last.contains("Connection: close"));
    assert_eq!(text.matches("Connection: close").count(), 1);
    assert!(client.shut && client.want.receive(), "it lingers");
}

fn answers_that_were_not_sent_hold_up_the_next_request<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        answers_max: 2,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    let requests: String = (0..5).map(|count| get(&format!("/size/{count}"))).collect();
    client.want = worker.on_bytes(client.id, requests.as_bytes());
    assert!(client.want.send() && !client.want.receive());
    let pending = String::from_utf8(worker.pending(client.id).to_vec()).unwrap();
    assert_eq!(pending.matches("HTTP/1.1").count(), 2);
    client.want = worker.on_sent(client.id, 1);
    client.received.push(b'H');
    assert!(
        !client.want.receive(),
        "some of the two is still to be sent"
    );
    client.take(&mut worker);
    let answers: Vec<_> = (0..5).map(|count| (200, letters(count))).collect();
    assert_eq!(client.answers(), answers);
}
