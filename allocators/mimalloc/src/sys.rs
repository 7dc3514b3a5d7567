//! The calls into mimalloc; the only unsafe code of this crate.

use libmimalloc_sys::{mi_collect, mi_is_in_heap_region, mi_option_set, mi_version};

pub(crate) fn owns(block: *const u8) -> bool {
    // SAFETY: looks the address up in the page map without dereferencing it; any address may be asked for, and before
    // mimalloc's first allocation the map is empty (mimalloc 3, src/page-map.c).
    unsafe { mi_is_in_heap_region(block.cast()) }
}

/// Purges what is due, of the calling thread and of those that ended; all there is where it is `forced`.
pub(crate) fn collect(forced: bool) {
    // SAFETY: takes a flag and releases only pages that no block lives in; any thread may call it at any time.
    unsafe { mi_collect(forced) };
}

pub(crate) fn set(option: i32, value: i32) {
    // SAFETY: the option is one of the header's, and the process has one thread yet, as its header asks for.
    unsafe { mi_option_set(option, value.into()) };
}

/// Has the kernel give this process no huge pages from now on (PR_SET_THP_DISABLE of prctl(2)). A kernel without them
/// refuses, and gives none either.
pub(crate) fn forbid_huge_pages() {
    // SAFETY: takes numbers alone, and changes how memory is mapped, not what is in it.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

pub(crate) fn version() -> i32 {
    // SAFETY: takes no argument and returns a constant.
    unsafe { mi_version() }
}
