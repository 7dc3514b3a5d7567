//! The harness without an allocator: the same answers to the same requests, the same numbers drawn and the same threads, and
//! blocks that are nothing but a mark, and bytes that are a number of them and the first. What it costs is no allocator's.
//!
//! ```text
//! floor --listen 127.0.0.1:0 --workers 1
//! ```

use std::process::ExitCode;

use orthant_harness::{Block, Bytes, Memory, serve};

struct Nothing;

impl Memory for Nothing {
    type Block = NoBlock;
    type Bytes = NoBytes;
}

/// A block that is only said to be there.
struct NoBlock {
    first: u8,
}

impl Block for NoBlock {
    #[inline(always)]
    fn new(_: u32, mark: u8) -> NoBlock {
        NoBlock { first: mark }
    }

    #[inline(always)]
    fn has(&self, mark: u8) -> bool {
        self.first == mark
    }
}

/// How many bytes there would be, and what begins them.
#[derive(Default)]
struct NoBytes {
    length_bytes: usize,
    first: u8,
}

impl Bytes for NoBytes {
    #[inline(always)]
    fn with_capacity(_: usize) -> NoBytes {
        NoBytes::default()
    }

    #[inline(always)]
    fn extend(&mut self, piece: &[u8]) {
        self.length_bytes += piece.len();
        self.first = piece.first().copied().unwrap_or(self.first);
    }

    #[inline(always)]
    fn are(&self, length_bytes: usize, mark: u8) -> bool {
        self.length_bytes == length_bytes && self.first == mark
    }
}

fn main() -> ExitCode {
    serve::<Nothing>(|_| "harness+floor".to_owned())
}
