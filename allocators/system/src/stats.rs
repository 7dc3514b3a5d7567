//! What glibc counts.
//!
//! It knows which bytes are handed out. It does not know which of its pages are resident: a trimmed page stays counted
//! as part of its arena, so that figure is left to the kernel.

use crate::sys;

/// Bytes as the allocator counts them; `None` where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes handed out: `uordblks + hblkhd` of `mallinfo2(3)`. Each block counts with its header and rounding (16 bytes
    /// and up), and blocks waiting in a thread's cache count as handed out.
    pub live_bytes: Option<u64>,
    /// Always `None`.
    pub resident_bytes: Option<u64>,
    /// Bytes it has taken of the kernel and not given back, resident or not: `arena + hblkhd`.
    pub held_bytes: Option<u64>,
    /// Of the held ones, those in mappings of their own, outside of the heap and of arenas: `hblkhd`.
    pub mapped_bytes: Option<u64>,
}

/// Reads the counters; takes each arena's lock in turn.
pub fn stats() -> Stats {
    let info = sys::info();
    Stats {
        live_bytes: Some((info.uordblks + info.hblkhd) as u64),
        resident_bytes: None,
        held_bytes: Some((info.arena + info.hblkhd) as u64),
        mapped_bytes: Some(info.hblkhd as u64),
    }
}
