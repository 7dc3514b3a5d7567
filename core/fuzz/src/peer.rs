//! A peer without a socket: it hands bytes to a worker, takes what the worker wants to send, and checks the worker's side of
//! the contract while it does. It does not judge the answers.

use orthant_core::{Buffers, Id, Limits, Now, Want, Worker};

use crate::Echo;

/// The time at which everything begins. The calendar stands still, so that every answer has the same date.
pub const START: Now = Now {
    monotonic_ms: 1_000,
    unix_s: 784_111_777,
};

/// One connection, as its peer sees it.
#[derive(Debug)]
pub struct Peer {
    /// The connection.
    pub id: Id,
    /// What is wanted of it now.
    pub want: Want,
    /// What it was sent.
    pub received: Vec<u8>,
    /// Where the bytes lie that the kernel has now, and what they were when it got them.
    under_way: Option<(usize, Vec<u8>)>,
}

impl Peer {
    /// Connects, unless the worker takes nobody.
    pub fn connect<B: Buffers>(worker: &mut Worker<Echo, B>) -> Option<Peer> {
        worker.open(None).map(|id| Peer {
            id,
            want: Want::RECEIVE,
            received: Vec::new(),
            under_way: None,
        })
    }

    /// Sends bytes; none end its side.
    pub fn send<B: Buffers>(&mut self, worker: &mut Worker<Echo, B>, bytes: &[u8]) {
        self.want = worker.on_bytes(self.id, bytes);
    }

    /// Lends the kernel what is to be sent, until it is taken. Says whether there is something.
    pub fn lend<B: Buffers>(&mut self, worker: &mut Worker<Echo, B>) -> bool {
        if self.under_way.is_none() && self.want.send() {
            let pending = worker.pending(self.id);
            assert!(
                !pending.is_empty(),
                "nothing is to be sent only when something is pending"
            );
            self.under_way = Some((pending.as_ptr().addr(), pending.to_vec()));
        }
        self.under_way.is_some()
    }

    /// Takes at most so many bytes of what is lent, or of what is to be sent. Says whether there was something.
    pub fn take<B: Buffers>(&mut self, worker: &mut Worker<Echo, B>, bytes_max: usize) -> bool {
        self.lend(worker);
        let Some((address, lent)) = self.under_way.take() else {
            return false;
        };
        let pending = worker.pending(self.id);
        assert!(
            pending.as_ptr().addr() == address && pending.starts_with(&lent),
            "what is lent stays where it is and what it is"
        );
        let taken = &lent[..lent.len().min(bytes_max)];
        self.received.extend_from_slice(taken);
        self.want = worker.on_sent(self.id, taken.len());
        true
    }
}

/// What a peer is sent that sends `bytes`, cut at every one of `cuts`, and then ends its side. What it is sent is taken after
/// each piece.
pub fn answers_to<B: Buffers>(limits: &Limits, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut worker = Worker::<Echo, B>::new(Echo, limits.clone(), START);
    worker.tick(START);
    let mut peer = Peer::connect(&mut worker).expect("a worker takes one connection");
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        if from < to {
            peer.send(&mut worker, &bytes[from..to]);
            while peer.take(&mut worker, usize::MAX) {}
            from = to;
        }
    }
    peer.send(&mut worker, b"");
    while peer.take(&mut worker, usize::MAX) {}
    peer.received
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What was sent, without any 100 (Continue): whether one is sent depends on what has arrived by then (RFC 9110 §10.1.1).
///
/// # Panics
/// When one stands behind the sentence of a refusal, which is the last answer (RFC 9110 §15.2).
pub fn visible(mut sent: &[u8]) -> Vec<u8> {
    let before = sent.strip_suffix(CONTINUE).unwrap_or_default();
    assert!(!before.ends_with(b".\n"), "a 100 follows the last answer");
    let mut visible = Vec::with_capacity(sent.len());
    while let Some(first) = sent.first() {
        match sent.strip_prefix(CONTINUE) {
            Some(rest) => sent = rest,
            None => {
                visible.push(*first);
                sent = &sent[1..];
            }
        }
    }
    visible
}
