//! The sockets of a worker's connections: which direct descriptor each is, and which operations are under way for it.

use orthant_core::{Ended, Id, Want};

use crate::tuning::SOCKET_BYTES;

/// One socket.
pub(crate) struct Socket {
    pub(crate) id: Id,
    /// Its direct descriptor.
    pub(crate) slot: u32,
    pub(crate) want: Want,
    /// A multishot receive is armed; its last completion has not come.
    pub(crate) receiving: bool,
    /// A send is under way.
    pub(crate) sending: bool,
    /// Its sending direction is being closed.
    pub(crate) shutting: bool,
    /// It comes to its end, and how; it is forgotten when nothing is under way any more.
    pub(crate) ending: Option<Ended>,
    /// Its descriptor has been closed.
    pub(crate) closed: bool,
}

// The table may be half empty.
const _: () = assert!(2 * size_of::<Option<Socket>>() <= SOCKET_BYTES);

/// Sockets by the index of their connection.
#[derive(Default)]
pub(crate) struct Sockets {
    places: Vec<Option<Socket>>,
}

impl Sockets {
    pub(crate) fn insert(&mut self, id: Id, slot: u32) {
        if self.places.len() <= id.index() {
            self.places.resize_with(id.index() + 1, || None);
        }
        let want = Want::RECEIVE;
        self.places[id.index()] = Some(Socket {
            id,
            slot,
            want,
            receiving: false,
            sending: false,
            shutting: false,
            ending: None,
            closed: false,
        });
    }

    /// The socket of a connection, unless it has been forgotten: its index may be another connection's by now.
    #[inline]
    pub(crate) fn get(&mut self, id: Id) -> Option<&mut Socket> {
        self.places
            .get_mut(id.index())?
            .as_mut()
            .filter(|socket| socket.id == id)
    }

    pub(crate) fn remove(&mut self, id: Id) {
        self.places[id.index()] = None;
    }
}
