//! Connections by number. A number is used again after its connection ended, with another generation: whoever still
//! holds the old [`Id`], a completion that comes late above all, finds nothing.

/// Names one connection of one worker, for as long as the worker lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    index: u32,
    generation: u32,
}

/// Generations are counted in so many bits; the eight above them are the backend's to tag its operations with.
const GENERATION_BITS: u32 = 24;

impl Id {
    /// The id as a number below 2^56, to be carried through the kernel.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The id that `to_bits` gave; bits above the 56th are ignored.
    pub const fn from_bits(bits: u64) -> Id {
        Id {
            index: bits as u32,
            generation: (bits >> 32) as u32 & ((1 << GENERATION_BITS) - 1),
        }
    }

    /// A number below the most connections that the worker had open at one time: an index into the backend's own table.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// Values by id; a free place keeps the generation of its next value.
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

struct Place<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    /// Bytes that one value takes, its place included.
    pub(crate) const PLACE_BYTES: usize = size_of::<Place<T>>();

    pub(crate) fn new() -> Slab<T> {
        Slab {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Stores the value that `make` gives for its id, in the place that was freed last: the warmest.
    pub(crate) fn insert(&mut self, make: impl FnOnce(Id) -> T) -> Id {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                generation: 0,
                value: None,
            });
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[index as usize];
        let id = Id {
            index,
            generation: place.generation,
        };
        place.value = Some(make(id));
        id
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        let place = self.places.get_mut(id.index as usize)?;
        if place.generation != id.generation {
            return None;
        }
        let value = place.value.take()?;
        place.generation = (place.generation + 1) & ((1 << GENERATION_BITS) - 1);
        self.free.push(id.index);
        Some(value)
    }

    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        let place = self.places.get(id.index as usize)?;
        if place.generation == id.generation {
            place.value.as_ref()
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let place = self.places.get_mut(id.index as usize)?;
        if place.generation == id.generation {
            place.value.as_mut()
        } else {
            None
        }
    }

    /// The id and the value at an index, if there is one.
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<(Id, &mut T)> {
        let place = self.places.get_mut(index as usize)?;
        let id = Id {
            index,
            generation: place.generation,
        };
        place.value.as_mut().map(|value| (id, value))
    }

    /// The ids in use, in the order of their indices.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        (0u32..).zip(&self.places).filter_map(|(index, place)| {
            place.value.as_ref().map(|_| Id {
                index,
                generation: place.generation,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_never_finds_a_new_value() {
        let mut slab = Slab::new();
        let old = slab.insert(|_| 'a');
        assert_eq!(slab.remove(old), Some('a'));
        let new = slab.insert(|_| 'b');
        assert_eq!(old.index(), new.index());
        assert_eq!((slab.get(old), slab.get(new)), (None, Some(&'b')));
        assert_eq!((slab.remove(old), slab.get_mut(old)), (None, None));
        assert_eq!(slab.len(), 1);
        assert_eq!(slab.ids().collect::<Vec<_>>(), [new]);
    }

    #[test]
    fn ids_survive_the_kernel_with_a_tag_on_top() {
        let mut slab = Slab::new();
        slab.insert(|_| ());
        let id = slab.insert(|_| ());
        slab.remove(id);
        let id = slab.insert(|_| ());
        assert!(id.to_bits() < 1 << 56);
        assert_eq!(Id::from_bits(id.to_bits() | 0xab << 56), id);
    }

    #[test]
    fn generations_wrap_within_their_bits() {
        let mut slab = Slab::new();
        let id = slab.insert(|_| ());
        slab.remove(id);
        slab.places[0].generation = (1 << GENERATION_BITS) - 1;
        let last = slab.insert(|_| ());
        assert_eq!(Id::from_bits(last.to_bits()), last);
        slab.remove(last);
        assert_eq!(slab.insert(|_| ()), id);
    }
}
