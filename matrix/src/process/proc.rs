//! What `/proc` says about one process: memory, page faults, context switches (proc(5)).
//!
//! A file that is missing or reads otherwise than expected gives `None`: the metric is then `n/a`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, SocketAddrV4};

use serde::{Deserialize, Serialize};

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Pages nobody else maps; what the process costs.
    pub private_bytes: u64,
    /// All resident pages.
    pub resident_bytes: u64,
    /// The most that was ever resident.
    pub peak_bytes: u64,
}

/// Counters of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that had to read.
    pub major_faults: u64,
    /// Context switches because a thread waited.
    pub voluntary_switches: u64,
    /// Context switches because its time was up.
    pub involuntary_switches: u64,
}

impl Events {
    /// What was added since `earlier`. A thread that ended meanwhile took its switches with it: never below zero.
    #[must_use]
    pub fn since(&self, earlier: &Events) -> Events {
        Events {
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
            voluntary_switches: self
                .voluntary_switches
                .saturating_sub(earlier.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(earlier.involuntary_switches),
        }
    }
}

pub(super) fn memory(pid: u32) -> Option<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Memory {
        private_bytes: (number(&rollup, "Private_Clean:")? + number(&rollup, "Private_Dirty:")?)
            * 1024,
        resident_bytes: number(&rollup, "Rss:")? * 1024,
        peak_bytes: number(&status, "VmHWM:")? * 1024,
    })
}

pub(super) fn events(pid: u32) -> Option<Events> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (minor_faults, major_faults) = faults(&stat)?;
    let mut events = Events {
        minor_faults,
        major_faults,
        voluntary_switches: 0,
        involuntary_switches: 0,
    };
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let status = fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        events.voluntary_switches += number(&status, "voluntary_ctxt_switches:")?;
        events.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Some(events)
}

/// How many descriptors it has open. Those of an io_uring are not among them. Since Linux 6.2 the size of the folder is their
/// number (proc(5)); to list ten thousand takes milliseconds.
pub(super) fn descriptors(pid: u32) -> Option<usize> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count()),
        number => usize::try_from(number).ok(),
    }
}

/// From now on the peak counts anew (proc(5), clear_refs).
pub(super) fn forget_peak(pid: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Connections to this address of ours that a process has a socket for, whichever way it holds it: what was closed, and what
/// waits to be accepted, has no inode. The kernel prints its table page by page: a socket is twice in it when another one
/// came meanwhile, and missing when one went.
pub(super) fn connections_to(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    Some(held_in(&table, address))
}

fn held_in(table: &str, address: SocketAddrV4) -> usize {
    const LISTENS: &str = "0A";
    // The kernel writes the address as the number that its bytes are in memory.
    let ip = u32::from_ne_bytes(address.ip().octets());
    let local = format!("{ip:08X}:{:04X}", address.port());
    let peer = |line| {
        let mut words = str::split_whitespace(line).skip(1);
        let ours = words.next().is_some_and(|word| word == local);
        let peer = words.next();
        let held = words.next().is_some_and(|state| state != LISTENS)
            && words.nth(5).is_some_and(|inode| inode != "0");
        peer.filter(|_| ours && held)
    };
    let peers: BTreeSet<&str> = table.lines().skip(1).filter_map(peer).collect();
    peers.len()
}

/// Fields 10 and 12 of stat, counted from the last parenthesis: the name before it may hold anything.
fn faults(stat: &str) -> Option<(u64, u64)> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(7);
    let minor = after_name.next()?.parse().ok()?;
    let major = after_name.nth(1)?.parse().ok()?;
    Some((minor, major))
}

/// The number after a field's name at the start of a line.
fn number(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status =
            "voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\nVmHWM:\t  12 kB\n";
        assert_eq!(number(status, "voluntary_ctxt_switches:"), Some(7));
        assert_eq!(number(status, "nonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(number(status, "VmHWM:"), Some(12));
        assert_eq!(number(status, "VmRSS:"), None);
    }

    #[test]
    fn faults_are_counted_from_the_last_parenthesis() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 1000 11 22 33 44 55";
        assert_eq!(faults(stat), Some((1000, 22)));
    }

    #[test]
    fn connections_with_an_inode_are_held() {
        let line = |local: &str, state: &str, inode: &str| {
            format!(
                "   0: 0100007F:{local} 0200007F:D4{inode:0>2} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0\n"
            )
        };
        let table = "  sl  local_address rem_address st …\n".to_owned()
            + &line("1F90", "0A", "7")
            + &line("1F90", "01", "8")
            + &line("1F90", "08", "9")
            + &line("1F90", "08", "9")
            + &line("1F90", "01", "0")
            + &line("1F91", "01", "10");
        let elsewhere = line("1F90", "01", "11").replace("0100007F:1F90", "0101007F:1F90");
        let address = SocketAddrV4::new([127, 0, 0, 1].into(), 0x1f90);
        assert_eq!(held_in(&(table + &elsewhere), address), 2);
    }

    #[test]
    fn this_process_has_memory_and_faults() {
        let memory = memory(std::process::id()).expect("smaps_rollup is readable for oneself");
        assert!(0 < memory.private_bytes && memory.private_bytes <= memory.resident_bytes);
        assert!(memory.peak_bytes > 0);
        assert!(
            events(std::process::id())
                .expect("stat is readable")
                .minor_faults
                > 0
        );
    }
}
