//! Which sizes there are: four classes per doubling, so that a block is at most a quarter larger than what was asked for,
//! on average a twelfth. Powers of two alone would waste a third.
//!
//! Everything here is a function of a `Layout`, so where a layout is known when a program is built, so is the class.

use super::superslab::SLAB_BYTES;

/// Every block starts at a multiple of this many bytes, and is one in size.
pub(crate) const GRAIN_BYTES: usize = 16;

/// Larger blocks are runs of slabs.
pub(crate) const SMALL_MAX: usize = 16 << 10;

/// How many classes there are: 16, 32, 48, 64, 80, … 16,384 bytes.
pub(crate) const CLASSES: usize = 36;

/// Classes up to here come from a table.
const TABLE_MAX: usize = 1024;

/// A number below [`CLASSES`], as only this module makes them. It is as wide as what is computed with it, which saves
/// widening it each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u32);

/// By the number of grains.
const TABLE: [u8; TABLE_MAX / GRAIN_BYTES + 1] = table();

/// The size of each class, in bytes.
const BYTES: [u32; CLASSES] = bytes();

impl Class {
    /// Every class, from the smallest blocks on.
    pub(crate) fn all() -> impl Iterator<Item = Class> {
        (0..CLASSES as u32).map(Class)
    }

    /// Which one it is, below [`CLASSES`].
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Bytes of a block.
    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        BYTES[self.0 as usize] as usize
    }

    /// Blocks of a slab.
    pub(crate) const fn per_slab(self) -> u32 {
        (SLAB_BYTES / self.bytes()) as u32
    }
}

/// The class of blocks of at least this size; `size` is at most [`SMALL_MAX`].
#[inline(always)]
pub(crate) const fn of_size(size: usize) -> Class {
    if size <= TABLE_MAX {
        Class(TABLE[size.div_ceil(GRAIN_BYTES)] as u32)
    } else {
        computed(size)
    }
}

/// The class of blocks of at least this size whose addresses are multiples of `align`, a power of two; none if slabs of
/// such blocks do not exist. Blocks stand at multiples of their size, so a class will do whose size is a multiple.
#[inline(always)]
pub(crate) const fn of_layout(size: usize, align: usize) -> Option<Class> {
    if size > SMALL_MAX || align > SMALL_MAX {
        return None;
    }
    if align <= GRAIN_BYTES {
        return Some(of_size(size));
    }
    let mut class = of_size(if size > align { size } else { align });
    // The next power of two is at most four classes away.
    while !class.bytes().is_multiple_of(align) {
        class = Class(class.0 + 1);
    }
    Some(class)
}

/// Four classes per doubling: the two bits behind the highest one of `size - 1` say which.
const fn computed(size: usize) -> Class {
    let last = size - 1;
    if last < 4 * GRAIN_BYTES {
        return Class((last / GRAIN_BYTES) as u32);
    }
    // What is left is 4 to 7, and from 64 to 127 the shift is 4 and the classes are 4 to 7.
    let shift = last.ilog2() - 2;
    Class(shift * 4 + (last >> shift) as u32 - 16)
}

const fn table() -> [u8; TABLE_MAX / GRAIN_BYTES + 1] {
    let mut table = [0; TABLE_MAX / GRAIN_BYTES + 1];
    let mut grains = 1;
    while grains < table.len() {
        table[grains] = computed(grains * GRAIN_BYTES).0 as u8;
        grains += 1;
    }
    table
}

const fn bytes() -> [u32; CLASSES] {
    let mut bytes = [0; CLASSES];
    let mut size = GRAIN_BYTES;
    while size <= SMALL_MAX {
        // The largest size of a class comes last.
        bytes[computed(size).index()] = size as u32;
        size += GRAIN_BYTES;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_class_that_fits_is_taken() {
        for size in 1..=SMALL_MAX {
            let class = of_size(size);
            assert!(class.bytes() >= size, "{size}");
            assert!(class.0 == 0 || Class(class.0 - 1).bytes() < size, "{size}");
        }
        assert_eq!(of_size(SMALL_MAX).index(), CLASSES - 1);
    }

    #[test]
    fn a_block_is_at_most_a_quarter_larger_and_a_twelfth_on_average() {
        let waste = |size: usize| of_size(size).bytes() as f64 / size as f64 - 1.0;
        for size in 65..=SMALL_MAX {
            assert!(waste(size) <= 0.25, "{size}");
        }
        let mean = (16..1040).map(waste).sum::<f64>() / 1024.0;
        assert!(mean < 0.1, "{mean}");
    }

    #[test]
    fn alignments_are_kept() {
        for align in (0..=17).map(|shift| 1_usize << shift) {
            for size in (1..2 * SMALL_MAX).step_by(7) {
                let Some(class) = of_layout(size, align) else {
                    assert!(size > SMALL_MAX || align > SMALL_MAX);
                    continue;
                };
                assert!(class.bytes() >= size, "{size} {align}");
                assert!(
                    class.bytes().is_multiple_of(align.max(GRAIN_BYTES)),
                    "{size} {align}"
                );
            }
        }
    }
}
