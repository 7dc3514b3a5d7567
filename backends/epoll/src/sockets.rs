//! The sockets of a worker's connections, and what is known of each between two waits.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use orthant_core::{Id, Want};

use crate::tuning::SOCKET_BYTES;

/// One socket. Edges are told once, so what they said is kept until a call says otherwise.
pub(crate) struct Socket {
    fd: OwnedFd,
    pub(crate) id: Id,
    pub(crate) want: Want,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The end of input, or an error, has been told: a short read does not mean that all is read.
    pub(crate) ended: bool,
    /// It stands in the list of those that go on in the next turn.
    pub(crate) again: bool,
}

impl Socket {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

// The table may be half empty.
const _: () = assert!(2 * size_of::<Option<Socket>>() <= SOCKET_BYTES);

/// Sockets by the index of their connection.
#[derive(Default)]
pub(crate) struct Sockets {
    places: Vec<Option<Socket>>,
}

impl Sockets {
    /// A new connection; that a request has come with it, an edge will tell.
    pub(crate) fn insert(&mut self, id: Id, fd: OwnedFd) {
        if self.places.len() <= id.index() {
            self.places.resize_with(id.index() + 1, || None);
        }
        self.places[id.index()] = Some(Socket {
            fd,
            id,
            want: Want::RECEIVE,
            readable: false,
            writable: true,
            ended: false,
            again: false,
        });
    }

    /// The socket of a connection, unless it has ended.
    #[inline]
    pub(crate) fn get(&mut self, id: Id) -> Option<&mut Socket> {
        self.places
            .get_mut(id.index())?
            .as_mut()
            .filter(|socket| socket.id == id)
    }

    /// Closes the socket.
    pub(crate) fn remove(&mut self, id: Id) {
        self.places[id.index()] = None;
    }
}
