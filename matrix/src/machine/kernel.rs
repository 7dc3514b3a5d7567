//! Memory of the kernel, machine-wide: nothing smaller can be read without privileges on every machine.
//!
//! `Slab` of `/proc/meminfo` holds what a connection is to the kernel: the socket with its inode, dentry and file, what
//! epoll or io_uring keep of it, and the buffers of bytes under way. `mem` of `/proc/net/sockstat` is what sockets are
//! charged for bytes that wait in them, and lies inside the former for the most part: near 0 shows that connections are
//! idle. Page tables, rings and mapped buffers are in neither.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::process;

/// What the kernel uses at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMemory {
    /// All small objects.
    pub slab_bytes: u64,
    /// What TCP sockets are charged for bytes that wait in them.
    pub socket_bytes: u64,
}

impl KernelMemory {
    /// What is used now; none where a file is missing or reads otherwise.
    #[must_use]
    pub fn now() -> Option<KernelMemory> {
        let slab_bytes = slab_bytes(&fs::read_to_string("/proc/meminfo").ok()?)?;
        let pages = socket_pages(&fs::read_to_string("/proc/net/sockstat").ok()?)?;
        Some(KernelMemory {
            slab_bytes,
            socket_bytes: pages * process::page_bytes()?,
        })
    }
}

fn slab_bytes(meminfo: &str) -> Option<u64> {
    let slab = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("Slab:"))?;
    let kib: u64 = slab.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

fn socket_pages(sockstat: &str) -> Option<u64> {
    let tcp = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_by_their_names() {
        let sockstat =
            "sockets: used 9\nTCP: inuse 5 orphan 0 tw 1 alloc 6 mem 42\nUDP: inuse 3 mem 7\n";
        assert_eq!(socket_pages(sockstat), Some(42));
        assert_eq!(socket_pages("UDP: inuse 3 mem 7\n"), None);
        assert_eq!(slab_bytes("MemTotal: 9 kB\nSlab:     3 kB\n"), Some(3072));
        assert_eq!(slab_bytes("MemTotal: 9 kB\n"), None);
        let now = KernelMemory::now().expect("this machine has both files");
        assert!(now.slab_bytes > 1 << 20);
    }
}
