//! Doubly linked lists through their members, so that a list needs no memory of its own. Members live as long as they are in
//! one, and one thread at a time touches them.

use std::cell::Cell;

/// What a member knows of its neighbours.
pub(crate) struct Links<T: 'static> {
    before: Cell<Option<&'static T>>,
    after: Cell<Option<&'static T>>,
    is_in: Cell<bool>,
}

/// Who can be a member of a list.
pub(crate) trait Linked: Sized {
    /// Its neighbours.
    fn links(&self) -> &Links<Self>;
}

/// The list: its first member.
pub(crate) struct List<T: 'static> {
    first: Cell<Option<&'static T>>,
}

impl<T: Linked> List<T> {
    pub(crate) fn first(&self) -> Option<&'static T> {
        self.first.get()
    }

    /// From the first on. A member may leave while it is looked at.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> {
        let mut next = self.first.get();
        std::iter::from_fn(move || {
            let member = next?;
            next = member.links().after.get();
            Some(member)
        })
    }

    pub(crate) fn has(&self, member: &T) -> bool {
        member.links().is_in.get()
    }

    pub(crate) fn is_more_than_one(&self) -> bool {
        self.first()
            .is_some_and(|first| first.links().after.get().is_some())
    }

    /// Makes it the first; it is in no list.
    pub(crate) fn push(&self, member: &'static T) {
        let links = member.links();
        links.is_in.set(true);
        links.before.set(None);
        links.after.set(self.first.get());
        if let Some(second) = self.first.replace(Some(member)) {
            second.links().before.set(Some(member));
        }
    }

    /// Takes it out; it is in this list.
    pub(crate) fn remove(&self, member: &T) {
        let links = member.links();
        links.is_in.set(false);
        let (before, after) = (links.before.get(), links.after.get());
        match before {
            Some(before) => before.links().after.set(after),
            None => self.first.set(after),
        }
        if let Some(after) = after {
            after.links().before.set(before);
        }
    }
}
