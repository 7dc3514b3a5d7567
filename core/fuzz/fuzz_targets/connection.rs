//! A list of operations on a worker, in any order: connections open, send in any pieces, take in any pieces, half-close, are
//! resumed, are reset; time passes; the worker drains. Whatever comes, nothing panics, every strategy sends each connection
//! the same bytes, which are those that it sends where all that a connection sends comes at once, every connection ends once
//! its peer has ended, and every region is returned.
//!
//! An input is a byte of switches and then a list of operations, as `src/script.rs` reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orthant_core::{Buffers, Ended, Flat, Leased, Limits, Now, Split, Worker};
use orthant_core_fuzz::{Echo, Operation, Peer, START, at_once, operations, visible};

/// There is one big region, so that connections wait for one another.
const SCARCE: u8 = 1;
/// Deadlines pass. What one of them cuts off depends on the strategy, so that the bytes are not compared.
const TIMED: u8 = 2;

/// Rounds after which everything must have come to its end: the longest answer takes three, a pipelined one one.
const ROUNDS_MAX: usize = 100_000;

fuzz_target!(|input: &[u8]| {
    let Some((&switches, text)) = input.split_first() else {
        return;
    };
    let (operations, count) = operations(text);
    let flat = Run::<Flat>::new(switches, count).play(&operations);
    let split = Run::<Split>::new(switches, count).play(&operations);
    let leased = Run::<Leased>::new(switches, count).play(&operations);
    if switches & TIMED == 0 && !operations.contains(&Operation::Drain) {
        let operations = at_once(&operations, count);
        let whole = Run::<Flat>::new(switches, count).play(&operations);
        for number in 0..count {
            for other in [&split, &leased, &whole] {
                alike(&flat[number], &other[number]);
            }
        }
    }
});

/// What a connection was sent, and whether all of it was taken.
#[derive(Default)]
struct Story {
    sent: Vec<u8>,
    whole: bool,
}

/// Fails unless two connections were sent the same, as far as both took it.
fn alike(one: &Story, other: &Story) {
    let (a, b) = (visible(&one.sent), visible(&other.sent));
    let both = a.len().min(b.len());
    let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert_eq!(show(&a[..both]), show(&b[..both]));
    let whole = one.whole && other.whole;
    assert!(
        !whole || a.len() == b.len(),
        "{} and {} bytes",
        a.len(),
        b.len()
    );
}

struct Run<B: Buffers> {
    worker: Worker<Echo, B>,
    now: Now,
    peers: Vec<Option<Peer>>,
    stories: Vec<Story>,
}

impl<B: Buffers> Run<B> {
    fn new(switches: u8, count: usize) -> Run<B> {
        let (forever, timed) = (u64::MAX, switches & TIMED != 0);
        let ms = |time_ms| if timed { time_ms } else { forever };
        let limits = Limits {
            request_line_bytes_max: 64,
            head_bytes_max: 256,
            content_bytes_max: 10_000,
            connections_max: if timed { 3 } else { 64 },
            big_regions_max: if switches & SCARCE != 0 { 1 } else { 64 },
            region_wait_ms: ms(20),
            idle_timeout_ms: ms(200),
            head_timeout_ms: ms(50),
            content_timeout_ms: ms(60),
            send_timeout_ms: ms(70),
            linger_timeout_ms: ms(10),
            drain_timeout_ms: ms(300),
            drain_idle_ms: ms(30),
            ..Limits::DEFAULT
        };
        let mut worker = Worker::new(Echo, limits, START);
        worker.tick(START);
        Run {
            worker,
            now: START,
            peers: (0..count).map(|_| None).collect(),
            stories: (0..count).map(|_| Story::default()).collect(),
        }
    }

    fn play(mut self, operations: &[Operation]) -> Vec<Story> {
        for operation in operations {
            self.operate(operation);
            self.settle();
        }
        // Whoever is still there ends its side, and takes what comes.
        for number in 0..self.peers.len() {
            self.operate(&Operation::Fin(number));
        }
        for _ in 0..ROUNDS_MAX {
            self.settle();
            if self.worker.live() == 0 {
                break;
            }
            for number in 0..self.peers.len() {
                self.operate(&Operation::Take(number, usize::MAX));
                self.operate(&Operation::Resume(number));
            }
            self.operate(&Operation::Tick(5));
        }
        assert_eq!(self.worker.live(), 0, "a connection ends when its peer has");
        assert_eq!(self.worker.regions_lent(), 0);
        assert_eq!(self.worker.regions_in_use_bytes(), 0);
        self.stories
    }

    fn operate(&mut self, operation: &Operation) {
        let worker = &mut self.worker;
        match operation {
            Operation::Tick(time_ms) => {
                self.now.monotonic_ms += time_ms;
                worker.tick(self.now);
            }
            Operation::Drain => worker.drain(),
            Operation::Bytes(number, bytes) => {
                let peer = &mut self.peers[*number];
                if peer.is_none() && !self.stories[*number].whole {
                    *peer = Peer::connect(worker);
                }
                if let Some(peer) = peer {
                    peer.send(worker, bytes);
                }
            }
            Operation::Fin(number)
            | Operation::Lend(number)
            | Operation::Take(number, _)
            | Operation::Resume(number)
            | Operation::Reset(number) => {
                let Some(peer) = &mut self.peers[*number] else {
                    return;
                };
                match operation {
                    Operation::Fin(_) => peer.send(worker, b""),
                    Operation::Take(_, bytes) => {
                        peer.take(worker, *bytes);
                    }
                    Operation::Resume(_) => worker.resume(peer.id),
                    Operation::Reset(_) => self.end(*number, Ended::Broken),
                    _ => {
                        peer.lend(worker);
                    }
                }
            }
        }
    }

    /// Hears of everything that has changed, and closes what is to be closed.
    fn settle(&mut self) {
        while let Some((id, want)) = self.worker.next_changed() {
            if let Some(peer) = self.peers.iter_mut().flatten().find(|peer| peer.id == id) {
                peer.want = want;
            }
            self.close();
        }
        self.close();
    }

    fn close(&mut self) {
        for number in 0..self.peers.len() {
            if self.peers[number]
                .as_ref()
                .is_some_and(|peer| peer.want.close())
            {
                self.end(number, Ended::Wanted);
            }
        }
    }

    fn end(&mut self, number: usize, how: Ended) {
        if let Some(peer) = self.peers[number].take() {
            assert!(self.worker.ended(peer.id, how).is_some());
            self.stories[number] = Story {
                sent: peer.received,
                whole: how == Ended::Wanted,
            };
        }
    }
}
