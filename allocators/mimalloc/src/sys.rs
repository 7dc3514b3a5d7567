//! The three calls into mimalloc; the only unsafe code of this crate.

use libmimalloc_sys::{mi_collect, mi_is_in_heap_region, mi_version};

pub(crate) fn owns(block: *const u8) -> bool {
    // SAFETY: looks the address up in the page map without dereferencing it; any address may be asked for, and before
    // mimalloc's first allocation the map is empty (mimalloc 3, src/page-map.c).
    unsafe { mi_is_in_heap_region(block.cast()) }
}

pub(crate) fn collect() {
    // SAFETY: takes a flag and releases only pages that no block lives in; any thread may call it at any time.
    unsafe { mi_collect(true) };
}

pub(crate) fn version() -> i32 {
    // SAFETY: takes no argument and returns a constant.
    unsafe { mi_version() }
}
