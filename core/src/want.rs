//! What a connection wants of its backend: plain data, one byte, returned in a register.

/// The wishes of one connection after an event. The latest `Want` of a connection replaces all earlier ones.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Want(u8);

impl Want {
    /// Nothing to do until another event: a parked request, or an id that is no more.
    pub const NOTHING: Want = Want(0);
    /// Bytes from the peer, by `on_bytes`.
    pub const RECEIVE: Want = Want(1);
    /// Send what `pending` shows, then say so by `on_sent`.
    pub const SEND: Want = Want(2);
    /// Close the sending direction, once: the last answer is out, and what still arrives is only read away so that the
    /// peer receives that answer instead of a reset (RFC 9112 §9.6).
    pub const SHUT: Want = Want(4);
    /// Close the socket, then call `ended`.
    pub const CLOSE: Want = Want(8);
    /// The same, and the kernel forgets what it has not sent yet and tells the peer so: whoever takes too little would
    /// otherwise go on for hours with what the kernel holds.
    pub const RESET: Want = Want(8 | 16);

    /// Whether bytes are to be received.
    pub const fn receive(self) -> bool {
        self.0 & Want::RECEIVE.0 != 0
    }

    /// Whether bytes are pending that nobody is sending yet.
    pub const fn send(self) -> bool {
        self.0 & Want::SEND.0 != 0
    }

    /// Whether the sending direction is to be closed now.
    pub const fn shut(self) -> bool {
        self.0 & Want::SHUT.0 != 0
    }

    /// Whether the socket is to be closed now.
    pub const fn close(self) -> bool {
        self.0 & Want::CLOSE.0 != 0
    }

    /// Whether closing discards what the kernel has not sent.
    pub const fn reset(self) -> bool {
        self.0 & 16 != 0
    }

    /// Both wishes.
    pub const fn and(self, other: Want) -> Want {
        Want(self.0 | other.0)
    }
}

impl std::fmt::Debug for Want {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut wishes = f.debug_set();
        for (holds, name) in [
            (self.receive(), "receive"),
            (self.send(), "send"),
            (self.shut(), "shut"),
            (self.close(), "close"),
            (self.reset(), "reset"),
        ] {
            if holds {
                wishes.entry(&name);
            }
        }
        wishes.finish()
    }
}
