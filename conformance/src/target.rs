//! The seam between the cases and a server: a [`Target`] opens conversations, a [`Conversation`] sends, lets time pass and
//! keeps what came. A server behind a socket and one in memory on simulated time are played alike.

use std::io;

/// A server to be judged.
pub trait Target {
    /// A connection to it.
    type Conversation<'t>: Conversation
    where
        Self: 't;

    /// What stands in Host: its host and port.
    fn host(&self) -> &str;

    /// Opens a connection that reads in this way.
    ///
    /// # Errors
    /// When the server opens none.
    fn open(&self, reading: Reading) -> io::Result<Self::Conversation<'_>>;
}

/// A connection to a server, from the client's side.
pub trait Conversation {
    /// Sends bytes, and receives meanwhile. What the peer does not take any more is lost, as it is on a socket.
    fn send(&mut self, bytes: &[u8]);

    /// Sends no more, and says so.
    fn finish(&mut self);

    /// Lets time pass until bytes come, the peer closes, or the clock of this conversation shows `until_ms`. It returns at
    /// once if that is past, and may return for less.
    fn wait(&mut self, until_ms: u64);

    /// How long this conversation has been open.
    fn now_ms(&self) -> u64;

    /// All bytes that came so far.
    fn received(&self) -> &[u8];

    /// How the peer closed, if it did.
    fn closed(&self) -> Option<Closed>;

    /// Ends it by a reset.
    fn reset(self);
}

/// How a client reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// What comes, when it comes.
    #[default]
    AtOnce,
    /// At most so many bytes at a time, with a gap after each, and with as little room in between as there can be: what
    /// the server sends is taken in parts.
    Slowly {
        /// At most so many bytes at a time.
        bytes: usize,
        /// The gap.
        gap_ms: u64,
    },
}

/// How a peer closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// By a reset, and not by an end.
    pub reset: bool,
    /// When, on the clock of the conversation.
    pub at_ms: u64,
}
