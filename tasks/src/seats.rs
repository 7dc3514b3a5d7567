//! Where the tasks of connections wait: by the index of the connection, so that an event finds whom it concerns.

use std::task::Waker;

use orthant_core::{Id, Want};

/// The task of one connection.
struct Seat {
    id: Id,
    /// What somebody else's event has made of its wishes since it looked last.
    change: Option<Want>,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(crate) struct Seats {
    places: Vec<Option<Seat>>,
}

impl Seats {
    pub(crate) fn add(&mut self, id: Id) {
        if self.places.len() <= id.index() {
            self.places.resize_with(id.index() + 1, || None);
        }
        self.places[id.index()] = Some(Seat {
            id,
            change: None,
            waker: None,
        });
    }

    pub(crate) fn remove(&mut self, id: Id) {
        self.places[id.index()] = None;
    }

    fn get(&mut self, id: Id) -> Option<&mut Seat> {
        self.places
            .get_mut(id.index())?
            .as_mut()
            .filter(|seat| seat.id == id)
    }

    /// Notes new wishes and wakes the task.
    pub(crate) fn change(&mut self, id: Id, want: Want) {
        if let Some(seat) = self.get(id) {
            seat.change = Some(want);
            if let Some(waker) = &seat.waker {
                waker.wake_by_ref();
            }
        }
    }

    #[inline]
    pub(crate) fn take_change(&mut self, id: Id) -> Option<Want> {
        self.get(id)?.change.take()
    }

    /// The noted wishes, if any; whoever asks is woken when there are more.
    #[inline]
    pub(crate) fn change_or_wait(&mut self, id: Id, waker: &Waker) -> Option<Want> {
        let seat = self.get(id)?;
        match &mut seat.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        seat.change.take()
    }
}
