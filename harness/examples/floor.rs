//! The harness without an allocator: the same answers to the same requests, the same numbers drawn and the same threads, and
//! blocks and bytes that are nothing but their size. What it costs is no allocator's.
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
    size_bytes: u32,
    first: u8,
}

impl Block for NoBlock {
    #[inline(always)]
    fn new(size_bytes: u32) -> NoBlock {
        NoBlock {
            size_bytes,
            first: size_bytes as u8,
        }
    }

    #[inline(always)]
    fn is_sound(&self) -> bool {
        self.first == self.size_bytes as u8
    }
}

/// How many bytes there would be.
#[derive(Default)]
struct NoBytes {
    length_bytes: usize,
}

impl Bytes for NoBytes {
    #[inline(always)]
    fn with_capacity(_: usize) -> NoBytes {
        NoBytes::default()
    }

    #[inline(always)]
    fn extend(&mut self, piece: &[u8]) {
        self.length_bytes += piece.len();
    }

    #[inline(always)]
    fn length_bytes(&self) -> usize {
        self.length_bytes
    }
}

fn main() -> ExitCode {
    serve::<Nothing>(|_| "harness+floor".to_owned())
}
